// Random lives of a source: runs that come late, overlap, or are made by clocks that are wrong, repairs, damage and what restores
// have replaced. Whatever happens, no run releases what it has just made, and everything agrees on which backup is newer.
import fs from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { chooseBackups, resolveBackup } from '../../lib/engine/catalog/backups.ts';
import type { Engine } from '../../lib/engine/engine.ts';
import { findPredecessor } from '../../lib/engine/catalog/predecessor.ts';
import { pruneSource } from '../../lib/engine/prune.ts';
import { repairBackup } from '../../lib/engine/repair.ts';
import { showBackup } from '../../lib/engine/show.ts';
import { statusOf } from '../../lib/engine/status.ts';
import { surveySource, type SurveyedBackup } from '../../lib/engine/catalog/survey.ts';
import { verifyBackup } from '../../lib/engine/verify.ts';
import { backupId, type TriggerKind } from '../../lib/format/ids.ts';
import { artifactOf } from '../../lib/format/manifest.ts';
import { DEFAULT_RETENTION } from '../../lib/policy/retention-policy.ts';
import type { Source } from '../../lib/sources/source.ts';
import { noise, Scratch } from '../support/archives.ts';
import {
  backUpNow,
  Clock,
  ClockedStore,
  DAY_MS,
  engineOn,
  folderSource,
  restoreTo,
} from '../support/engine.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const SAFE_MS = 14 * DAY_MS;
const KEEPS_LITTLE = {
  policy: { ...DEFAULT_RETENTION, daily: 2, weekly: 1, monthly: 0 },
  intervalMs: undefined,
  dryRun: false,
};

interface Run {
  readonly does: 'run';
  readonly kind: TriggerKind;
  /** How long ago it was due. */
  readonly lateMs: number;
  /** By how much the clock of the machine is ahead of the store's. */
  readonly aheadMs: number;
  readonly verified: boolean;
  /** What happens while it is under way. */
  readonly meanwhile: readonly Step[];
}

type Step =
  | Run
  | { readonly does: 'wait'; readonly ms: number }
  | { readonly does: 'prune' }
  | { readonly does: 'replace' }
  | { readonly does: 'damage' | 'repair'; readonly which: number };

const aRun = (meanwhile: fc.Arbitrary<readonly Step[]>): fc.Arbitrary<Run> =>
  fc.record({
    does: fc.constant('run' as const),
    kind: fc.constantFrom('manual' as const, 'schedule' as const, 'deploy' as const),
    lateMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 30 * HOUR_MS })),
    aheadMs: fc.oneof(
      { weight: 3, arbitrary: fc.constant(0) },
      { weight: 1, arbitrary: fc.integer({ min: -4 * MINUTE_MS, max: 4 * MINUTE_MS }) },
    ),
    verified: fc.nat(7).map((n) => n > 0),
    meanwhile,
  });

const aShortRun = aRun(fc.constant([]));
const aWait = fc.record({
  does: fc.constant('wait' as const),
  ms: fc.oneof(
    fc.integer({ min: 1000, max: HOUR_MS }),
    fc.integer({ min: HOUR_MS, max: 3 * DAY_MS }),
  ),
});
const aStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: aShortRun },
  { weight: 2, arbitrary: aRun(fc.array(fc.oneof(aShortRun, aWait), { maxLength: 5 })) },
  { weight: 3, arbitrary: aWait },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('prune' as const) }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('replace' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      does: fc.constantFrom('damage' as const, 'repair' as const),
      which: fc.nat(20),
    }),
  },
);

let scratch: Scratch;
beforeAll(() => {
  scratch = new Scratch();
  fs.mkdirSync(scratch.at('scratch'));
});
afterAll(() => scratch[Symbol.dispose]());

/** One life: the engine under test, and what the test knows of it by itself. */
class Life {
  readonly clock = new Clock();
  readonly store = new ClockedStore(this.clock);
  readonly engine = this.engineAhead(0);
  readonly root: string;
  readonly source: Source;
  /** When each run began in truth, and what it found, by the ids of the backups. */
  readonly found = new Map<string, { readonly ms: number; readonly content: string }>();
  /** Ids of repairs, and when each was made. */
  readonly repairs = new Map<string, number>();
  /** True when some clock was wrong: then what began within minutes may be in either order. */
  isSkewed = false;
  private runs = 0;

  constructor(root: string) {
    this.root = root;
    fs.mkdirSync(root);
    // What is damaged later, and what repairs take from other backups.
    fs.writeFileSync(`${root}/same`, noise(20_000));
    this.source = folderSource(root);
  }

  private engineAhead(aheadMs: number): Engine {
    const { clock } = this;
    const now = () => new Date(clock.now().getTime() + aheadMs);
    return engineOn(this.store, clock, { now, scratch: scratch.at('scratch') });
  }

  async take(step: Step): Promise<void> {
    if (step.does === 'wait') this.clock.advance(step.ms);
    else if (step.does === 'prune') await this.prune(undefined);
    else if (step.does === 'run') await this.run(step);
    else if (step.does === 'replace') await this.replace();
    else if (step.does === 'damage') await this.damage(step.which);
    else await this.repair(step.which);
    this.clock.advance(1000);
  }

  private async run({ kind, lateMs, aheadMs, verified, meanwhile }: Run): Promise<void> {
    const engine = this.engineAhead(aheadMs);
    if (aheadMs !== 0) this.isSkewed = true;
    const content = `run ${this.runs++}`;
    fs.writeFileSync(`${this.root}/now`, content);
    const { ms } = this.clock;
    const slow: Source = {
      ...this.source,
      read: async (input) => {
        const read = await this.source.read(input);
        for (const step of meanwhile) await this.take(step);
        return read;
      },
    };
    const made = await backUpNow(engine, slow, { kind, at: new Date(ms + aheadMs - lateMs) });
    if (made.outcome === 'already') return;
    this.found.set(made.id, { ms, content });
    if (verified) await verifyBackup(engine, made, 'digest');
    await this.prune(made.id);
    expect(await this.ids()).toContain(made.id);
  }

  private async prune(justMade: string | undefined): Promise<void> {
    const good = (await this.runsListed()).filter((one) => one.good);
    await pruneSource(this.engine, 'site', { ...KEEPS_LITTLE, justMade });
    const left = await this.ids();
    expect(left).toEqual(expect.arrayContaining(good.slice(-3).map(({ id }) => id)));
    const recent = [...this.repairs].filter(([, ms]) => this.clock.ms - ms < SAFE_MS);
    expect(left).toEqual(expect.arrayContaining(recent.map(([id]) => id)));
  }

  /** As a restore that replaces a database does. */
  private async replace(): Promise<void> {
    const made = await backUpNow(this.engine, this.source, { kind: 'safety' });
    await verifyBackup(this.engine, made, 'digest');
  }

  private async damage(which: number): Promise<void> {
    const { backups } = await surveySource(this.engine, 'site');
    const one = backups[which % Math.max(1, backups.length)];
    if (one === undefined) return;
    this.store.objects.get(artifactOf(one.manifest, 'archive').key)?.bytes.fill(0, 600, 610);
    await verifyBackup(this.engine, one, 'digest');
  }

  private async repair(which: number): Promise<void> {
    const { backups } = await surveySource(this.engine, 'site');
    const damaged = backups.filter(({ standing }) => standing === 'damaged');
    const one = damaged[which % Math.max(1, damaged.length)];
    const known = one && this.found.get(one.id);
    if (one === undefined || known === undefined) return;
    const { repaired } = await repairBackup(this.engine, one);
    if (repaired === undefined || this.repairs.has(repaired)) return;
    await verifyBackup(this.engine, { source: 'site', id: repaired }, 'digest');
    this.repairs.set(repaired, this.clock.ms);
    this.found.set(repaired, known);
  }

  async ids(): Promise<string[]> {
    return (await surveySource(this.engine, 'site')).backups.map(({ id }) => id);
  }

  private async runsListed(): Promise<SurveyedBackup[]> {
    const { backups } = await surveySource(this.engine, 'site');
    return backups.filter(({ id }) => !id.endsWith('-safety'));
  }

  /** By other means than those under test: the times that stand in the store, as text. */
  private async expectedOrder(): Promise<string[]> {
    const { backups } = await surveySource(this.engine, 'site');
    return backups
      .map(({ id, manifest, storedAt }) => {
        const [time = ''] = [manifest.begin, storedAt.toISOString()].sort();
        return `${time} ${id}`;
      })
      .sort()
      .map((line) => line.slice(line.indexOf(' ') + 1));
  }

  async expectOneOrder(): Promise<void> {
    const { engine } = this;
    const order = await this.expectedOrder();
    if (order.length === 0) return;
    const listed = await this.ids();
    const all = (await chooseBackups(engine, [], true)).map(({ id }) => id);
    const pruned = await pruneSource(engine, 'site', { ...KEEPS_LITTLE, dryRun: true });
    const gone = new Set(pruned.release.map(({ id }) => id));
    expect({ listed, all }).toEqual({ listed: order, all: order });
    expect(pruned.keep.map(({ id }) => id).reverse()).toEqual(order.filter((id) => !gone.has(id)));
    await this.expectOneNewest(order);
  }

  private async expectOneNewest(order: readonly string[]): Promise<void> {
    const { engine } = this;
    const runs = await this.runsListed();
    const last = runs.at(-1)?.id ?? order.at(-1) ?? '';
    const status = await statusOf(engine, {
      objectives: new Map(),
      capacityBytes: undefined,
      sources: [],
    });
    const [one] = status.sources;
    const good = runs.filter((each) => each.good).at(-1)?.id;
    const answers = {
      latest: (await resolveBackup(engine, 'site/latest')).id,
      chosen: (await chooseBackups(engine, []))[0]?.id,
      status: one?.newest?.id ?? last,
      good: one?.freshness.newestGoodId,
      previous: (await showBackup(engine, { source: 'site', id: last })).previous,
      predecessor: await this.predecessor(),
    };
    const before = order[order.indexOf(last) - 1];
    const isRun = runs.length > 0;
    expect(answers).toEqual({
      ...{ latest: last, chosen: last, status: last, good },
      previous: isRun ? runs.at(-2)?.id : before,
      predecessor: isRun && runs.at(-1)?.standing !== 'damaged' ? last : undefined,
    });
  }

  private async predecessor(): Promise<string | undefined> {
    const id = backupId({ kind: 'manual', at: this.clock.now() });
    return (await findPredecessor(this.engine, this.source, id))?.manifest.id;
  }

  async expectLatestContent(): Promise<void> {
    const present = (await this.ids()).flatMap((id) => this.found.get(id) ?? []);
    if (present.length === 0) return;
    const newestMs = Math.max(...present.map(({ ms }) => ms));
    const { source, id } = await resolveBackup(this.engine, 'site/latest');
    const known = this.found.get(id);
    expect(known?.ms).toBeGreaterThanOrEqual(newestMs - (this.isSkewed ? 10 * MINUTE_MS : 0));
    const { standing } =
      (await surveySource(this.engine, source)).backups.find((one) => one.id === id) ?? {};
    if (standing === 'damaged') return;
    const to = `${this.root}-restored`;
    await restoreTo(this.engine, { source, id }, to);
    expect(fs.readFileSync(`${to}/now`, 'utf8')).toBe(known?.content);
  }
}

let lives = 0;

async function live(steps: readonly Step[]): Promise<Life> {
  const life = new Life(scratch.at(`site-${lives++}`));
  for (const step of steps) {
    await life.take(step);
    await life.expectOneOrder();
  }
  await life.expectLatestContent();
  return life;
}

function run(kind: TriggerKind, changes: Partial<Run> = {}): Run {
  const usual = { lateMs: 0, aheadMs: 0, verified: true, meanwhile: [] };
  return { does: 'run', kind, ...usual, ...changes };
}

describe('whatever a source goes through', () => {
  test('no run releases what it has just made, latest is the latest content, and all show one order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(aStep, { minLength: 5, maxLength: 12 }), async (steps) => {
        await live(steps);
      }),
      { numRuns: process.env['HOLDFAST_SWEEPS'] === undefined ? 12 : 400 },
    );
  }, 1_200_000);

  test('a scheduled run that comes late, after five by hand, is the latest and stays', async () => {
    const byHand = Array.from({ length: 5 }, () => run('manual'));
    const life = await live([...byHand, run('schedule', { lateMs: 7 * HOUR_MS })]);
    expect((await life.ids()).at(-1)).toMatch(/-schedule$/);
  });

  test('a long run stays, although five newer ones were made and pruned while it was under way', async () => {
    const meanwhile = Array.from({ length: 5 }, () => run('manual'));
    await live([run('schedule', { meanwhile })]);
  });

  test('a machine whose clock is behind keeps what it makes', async () => {
    const right = Array.from({ length: 5 }, () => run('manual'));
    await live([...right, run('manual', { aheadMs: -4 * MINUTE_MS })]);
  });
});

test('a repair stands at the time of what it repairs, and cannot go for 14 days', async () => {
  const days: Step[] = Array.from({ length: 6 }, () => [
    run('schedule'),
    { does: 'wait', ms: DAY_MS } as const,
  ]).flat();
  const life = await live([...days, { does: 'damage', which: 0 }, { does: 'repair', which: 0 }]);
  const [repaired = ''] = life.repairs.keys();
  const [damaged, next] = await life.ids();
  expect([damaged?.slice(0, 15), next]).toEqual([repaired.slice(0, 15), repaired]);
  await life.take({ does: 'prune' });
  expect(await life.ids()).toContain(repaired);
  for (const step of [...days, ...days, ...days]) await life.take(step);
  expect(await life.ids()).not.toContain(repaired);
});
