// Status: each thing that can be wrong with a source is made wrong, and must be said, as an alarm or as worth a look.
import fs from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { backupSource, type BackupResult } from '../../lib/engine/backup.ts';
import { claimStore } from '../../lib/engine/catalog/marker.ts';
import { pinBackup } from '../../lib/engine/pin.ts';
import { pruneSource } from '../../lib/engine/prune.ts';
import { repairBackup } from '../../lib/engine/repair.ts';
import { restoreTest } from '../../lib/engine/restore-test.ts';
import { statusOf, type Status } from '../../lib/engine/status.ts';
import { verifyBackup } from '../../lib/engine/verify.ts';
import { manifestKey } from '../../lib/format/layout.ts';
import { artifactOf } from '../../lib/format/manifest.ts';
import type { Objectives } from '../../lib/policy/objectives.ts';
import { parseSchedule } from '../../lib/policy/schedule.ts';
import { noise, Scratch } from '../support/archives.ts';
import {
  backUpNow,
  Clock,
  ClockedStore,
  codeOf,
  DAILY,
  DAY_MS,
  engineOn,
  folderSource,
  makeGood,
} from '../support/engine.ts';
import { plantSite } from '../support/small-site.ts';

type Five = [BackupResult, BackupResult, BackupResult, BackupResult, BackupResult];

const HOUR_MS = 3_600_000;

const EVERY_DAY: Objectives = {
  schedule: parseSchedule('0 3 * * *', 'UTC'),
  rpoMs: 24 * HOUR_MS,
  rtoMs: 4 * HOUR_MS,
  graceMs: 2 * HOUR_MS,
  restoreTestMaxAgeMs: 32 * DAY_MS,
};

function setUp() {
  const scratch = new Scratch();
  const root = scratch.at('site');
  plantSite(root);
  const clock = new Clock();
  const store = new ClockedStore(clock);
  const engine = engineOn(store, clock, { scratch: scratch.at('scratch') });
  const look = (
    objectives: Record<string, Objectives> = { site: EVERY_DAY },
    capacityBytes?: number,
  ): Promise<Status> =>
    statusOf(engine, {
      objectives: new Map(Object.entries(objectives)),
      capacityBytes,
      sources: [],
    });
  const source = folderSource(root);
  return {
    root,
    clock,
    store,
    engine,
    source,
    look,
    [Symbol.dispose]: () => scratch[Symbol.dispose](),
  };
}

/** What stands in the way, as `severity code`, of the only source. */
function findings({ sources }: Status): string[] {
  return (sources[0]?.findings ?? []).map(({ severity, code }) => `${severity} ${code}`);
}

test('a deployment whose backup died alarms after its grace, until there is a good backup', async () => {
  using site = setUp();
  const onDeployment = { site: { ...EVERY_DAY, schedule: undefined, rpoMs: undefined } };
  await makeGood(site.engine, site.source);
  site.clock.advance(HOUR_MS);
  const trigger = { kind: 'deploy', at: site.engine.now() } as const;
  const { id } = await backupSource(site.engine, site.source, { trigger, full: false });
  // As if the run had been killed before its last step.
  site.store.objects.delete(manifestKey('site', id));
  // Whatever reads the clock moves it on by a moment.
  site.clock.advance(2 * HOUR_MS - 60_000);
  expect(findings(await site.look(onDeployment))).not.toContain('alarm deployment');
  site.clock.advance(120_000);
  const late = await site.look(onDeployment);
  expect(findings(late)).toContain('alarm deployment');
  const since = late.sources[0]?.findings.find(({ code }) => code === 'deployment')?.since;
  expect(Math.abs(Number(since) - trigger.at.getTime())).toBeLessThan(1000);
  await makeGood(site.engine, site.source);
  expect(findings(await site.look(onDeployment))).not.toContain('alarm deployment');
});

describe('a source', () => {
  test('that was backed up, proven and test-restored in time is fine', async () => {
    using site = setUp();
    const made = await makeGood(site.engine, site.source);
    await verifyBackup(site.engine, made, 'content');
    await restoreTest(site.engine, made);
    await pinBackup(site.engine, made, '');
    site.clock.advance(5 * HOUR_MS);
    const status = await site.look();
    expect(status.verdict).toBe('fine');
    const [one] = status.sources;
    expect(one).toMatchObject({ source: 'site', configured: true, verdict: 'fine', findings: [] });
    expect(one?.freshness).toMatchObject({ state: 'fresh', rpo: 'met', newestGoodId: made.id });
    expect(one?.restoreTest).toMatchObject({ rto: 'met', overdue: false });
    expect(one?.proofs.map(({ level, id, backups }) => [level, id, backups])).toEqual([
      ['digest', made.id, 1],
      ['content', made.id, 1],
      ['restore', made.id, 1],
    ]);
    expect(one).toMatchObject({ backups: { good: 1 }, pinned: [made.id], unfinished: 0 });
    expect(status.store.capacity.storedBytes).toBe(
      [...site.store.objects.values()].reduce((sum, { bytes }) => sum + bytes.length, 0),
    );
  });

  test('that was never backed up alarms when its first run is late, and without a schedule never', async () => {
    using site = setUp();
    const onRequest = { ...EVERY_DAY, schedule: undefined };
    const look = async () => {
      const { sources } = await site.look({ site: EVERY_DAY, configuration: onRequest });
      return sources.map(({ source, findings: [first] }) => [
        ...[source, first?.severity, first?.code],
      ]);
    };
    // Nobody knows since when it could have been backed up.
    expect((await look())[0]).toEqual(['site', 'alarm', 'never']);
    await claimStore(site.engine);
    const early = [
      ['site', 'watch', 'awaited'],
      ['configuration', 'watch', 'none'],
    ];
    expect(await look()).toEqual(early);
    site.clock.advance(25 * HOUR_MS);
    expect(await look()).toEqual(early);
    site.clock.advance(1.1 * HOUR_MS);
    expect(await look()).toEqual([['site', 'alarm', 'never'], early[1]]);
  });

  test('whose runs fail alarms until one succeeds, and says why they failed', async () => {
    using site = setUp();
    await makeGood(site.engine, site.source, { kind: 'schedule' });
    const away = `${site.root}-away`;
    fs.renameSync(site.root, away);
    for (let run = 0; run < 3; run++) {
      site.clock.advance(1000);
      await codeOf(backUpNow(site.engine, site.source));
    }
    const status = await site.look();
    expect(findings(status)).toEqual(['alarm failed']);
    expect(status.verdict).toBe('alarm');
    expect(status.sources[0]?.findings[0]?.detail).toMatch(
      /^3 runs failed since the newest good backup; the last one, of 2040-.*: SOURCE_UNREADABLE: /,
    );
    fs.renameSync(away, site.root);
    site.clock.advance(1000);
    await makeGood(site.engine, site.source);
    expect(findings(await site.look())).toEqual([]);
  });

  test('whose schedule is dead alarms, though it is backed up by hand every hour and pruned', async () => {
    using site = setUp();
    await makeGood(site.engine, site.source, { kind: 'schedule' });
    for (let hour = 0; hour < 26; hour++) {
      site.clock.advance(HOUR_MS);
      const { id } = await makeGood(site.engine, site.source);
      await pruneSource(site.engine, 'site', { ...DAILY, justMade: id });
    }
    site.clock.advance(-10_000);
    expect(findings(await site.look())).toEqual(['watch due']);
    site.clock.advance(20_000);
    const status = await site.look();
    expect(findings(status)).toEqual(['alarm missed']);
    expect(status.sources[0]?.findings[0]?.detail).toContain(
      'the scheduled run of 2040-01-03 03:00',
    );
    await makeGood(site.engine, site.source, { kind: 'schedule' });
    expect(findings(await site.look())).toEqual([]);
  });

  test('that ran on schedule is fine, though many made by hand have taken the places of that run', async () => {
    using site = setUp();
    await makeGood(site.engine, site.source);
    await makeGood(site.engine, site.source, { kind: 'schedule' });
    for (let hour = 0; hour < 20; hour++) {
      site.clock.advance(HOUR_MS);
      await makeGood(site.engine, site.source);
      await pruneSource(site.engine, 'site', DAILY);
    }
    expect(findings(await site.look())).toEqual([]);
  });

  test('that is due is worth a look, and late alarms', async () => {
    using site = setUp();
    await makeGood(site.engine, site.source);
    site.clock.advance(25 * HOUR_MS);
    expect(findings(await site.look())).toEqual(['watch due', 'watch rpo']);
    site.clock.advance(2 * HOUR_MS);
    const late = await site.look();
    expect(findings(late)).toEqual(['alarm late']);
    expect(late.sources[0]?.findings[0]?.detail).toMatch(/^the newest good backup is 27 h old/);
  });

  test('whose newest backup is not proven or only partial says so, while an older one counts', async () => {
    using site = setUp();
    await makeGood(site.engine, site.source);
    site.clock.advance(HOUR_MS);
    await backUpNow(site.engine, site.source);
    expect(findings(await site.look())).toEqual(['watch proof-due']);
    site.clock.advance(1.1 * HOUR_MS);
    const status = await site.look();
    expect(findings(status)).toEqual(['watch unproven']);
    // A newer one that is proven makes up for nothing: somebody meant to verify this one.
    await makeGood(site.engine, site.source);
    expect(findings(await site.look())).toEqual(['watch unproven']);
  });

  test('that has no good backup says why the newest is not good', async () => {
    using site = setUp();
    const made = await backUpNow(site.engine, site.source);
    const status = await site.look();
    expect(findings(status)).toEqual(['alarm never']);
    expect(status.sources[0]?.findings[0]?.detail).toBe(
      `no backup is good; the newest, ${made.id}, is unproven: not yet verified`,
    );
  });

  test('with a damaged, a missing and an unreadable backup names each of them', async () => {
    using site = setUp();
    const five: BackupResult[] = [];
    for (let day = 0; day < 5; day++) {
      five.push(await makeGood(site.engine, site.source, { kind: 'schedule' }));
      site.clock.advance(DAY_MS);
    }
    await makeGood(site.engine, site.source, { kind: 'schedule' });
    await pruneSource(site.engine, 'site', DAILY);
    const [flipped, cut, gone, unreadable] = five as Five;
    const { objects } = site.store;
    const archive = ({ manifest }: BackupResult) => artifactOf(manifest, 'archive').key;
    objects.get(archive(flipped))?.bytes.fill(0, 500, 510);
    await verifyBackup(site.engine, flipped, 'digest');
    objects.delete(archive(cut));
    for (const key of [...objects.keys()]) if (key.includes(gone.id)) objects.delete(key);
    objects.get(unreadable.manifest.key)?.bytes.fill(0x20);
    const status = await site.look();
    const alarms = status.sources[0]?.findings.filter(({ severity }) => severity === 'alarm') ?? [];
    expect(alarms.map(({ code }) => code)).toEqual(['damaged', 'damaged', 'missing', 'unreadable']);
    for (const [i, one] of [flipped, cut, gone, unreadable].entries()) {
      expect(alarms[i]?.detail).toContain(one.id);
    }
  });

  test('whose damaged backup was repaired is worth a look, and no alarm any more', async () => {
    using site = setUp();
    const damaged = await makeGood(site.engine, site.source);
    site.clock.advance(HOUR_MS);
    await makeGood(site.engine, site.source);
    const archive = artifactOf(damaged.manifest, 'archive').key;
    site.store.objects.get(archive)?.bytes.fill(0, 500, 510);
    await verifyBackup(site.engine, damaged, 'content');
    expect(findings(await site.look())).toEqual(['alarm damaged']);
    fs.mkdirSync(site.engine.scratch, { recursive: true });
    const { repaired } = await repairBackup(site.engine, damaged);
    await verifyBackup(site.engine, { source: 'site', id: repaired ?? '' }, 'content');
    const status = await site.look();
    expect(findings(status)).toEqual(['watch repaired']);
    expect(status.sources[0]?.findings[0]?.detail).toContain(repaired);
  });

  test('with a backup or record of somebody unknown alarms', async () => {
    using site = setUp();
    await makeGood(site.engine, site.source);
    const reader = engineOn(site.store, site.clock, { trusted: [] });
    const objectives = new Map([['site', EVERY_DAY]]);
    const { sources } = await statusOf(reader, {
      objectives,
      capacityBytes: undefined,
      sources: [],
    });
    const codes = sources[0]?.findings.map(({ code }) => code);
    expect(codes).toEqual(['never', 'untrusted', 'untrusted']);
  });

  test('with a backup from the future alarms, and does not count it', async () => {
    using site = setUp();
    const made = await makeGood(site.engine, site.source);
    const ahead = new Date(site.clock.ms + 10 * DAY_MS);
    const future = await backUpNow(site.engine, site.source, { at: ahead });
    await verifyBackup(site.engine, future, 'digest');
    const status = await site.look();
    expect(findings(status)).toEqual(['alarm future']);
    expect(status.sources[0]?.freshness.newestGoodId).toBe(made.id);
    expect(status.sources[0]?.newest?.id).toBe(made.id);
  });

  test('whose restore test is overdue, too slow or found damage alarms', async () => {
    using site = setUp();
    const daily = async (days: number) => {
      for (let day = 0; day < days; day++) {
        site.clock.advance(DAY_MS);
        await makeGood(site.engine, site.source, { kind: 'schedule' });
      }
    };
    await daily(1);
    await restoreTest(site.engine, await makeGood(site.engine, site.source));
    await daily(1);
    expect(findings(await site.look())).toEqual([]);
    expect(findings(await site.look({ site: { ...EVERY_DAY, rtoMs: 0 } }))).toEqual(['alarm rto']);
    site.clock.advance(31 * DAY_MS);
    await daily(1);
    expect(findings(await site.look())).toEqual(['alarm restore-test']);
  });

  test('that is not configured is reported, and not measured', async () => {
    using site = setUp();
    await makeGood(site.engine, site.source);
    site.clock.advance(100 * DAY_MS);
    const status = await site.look({});
    expect(findings(status)).toEqual(['watch not-configured']);
    expect(status.sources[0]).toMatchObject({
      source: 'site',
      configured: false,
      verdict: 'watch',
    });
    expect(status.sources[0]?.freshness.state).toBe('unscheduled');
  });

  test('that lost most of its content is worth a look', async () => {
    using site = setUp();
    fs.writeFileSync(`${site.root}/large`, noise(3_000_000));
    await makeGood(site.engine, site.source);
    site.clock.advance(HOUR_MS);
    fs.rmSync(`${site.root}/large`);
    await makeGood(site.engine, site.source);
    expect(findings(await site.look())).toEqual(['watch anomaly']);
  });

  test('with a run that was broken off says so as soon as it cannot be under way', async () => {
    using site = setUp();
    const made = await makeGood(site.engine, site.source);
    await site.store.put(
      `backups/site/${made.id.replace('Z-manual', 'Z-deploy')}/archive-0.tar.gz`,
      Buffer.from('x'),
    );
    expect(findings(await site.look())).toEqual([]);
    site.clock.advance(DAY_MS + HOUR_MS);
    await makeGood(site.engine, site.source, { kind: 'schedule' });
    expect(findings(await site.look())).toEqual(['watch unfinished']);
  });

  test('whose runs fail is shown with its success rate', async () => {
    using site = setUp();
    await makeGood(site.engine, site.source);
    fs.renameSync(site.root, `${site.root}-away`);
    await codeOf(backUpNow(site.engine, site.source));
    expect((await site.look()).sources[0]?.success).toMatchObject({
      runs: 2,
      failed: 1,
      rate: 0.5,
    });
  });
});

describe('the store', () => {
  test('is measured against its capacity', async () => {
    using site = setUp();
    await makeGood(site.engine, site.source);
    const { storedBytes } = (await site.look()).store.capacity;
    const at = async (share: number) => {
      const { verdict, findings: found } = (await site.look(undefined, storedBytes / share)).store;
      return [verdict, ...found.map(({ code }) => code)];
    };
    expect(await at(0.5)).toEqual(['fine']);
    expect(await at(0.9)).toEqual(['watch', 'nearly-full']);
    expect(await at(1)).toEqual(['alarm', 'full']);
  });

  test('is known to grow by what each prune found', async () => {
    using site = setUp();
    for (let day = 0; day < 10; day++) {
      fs.writeFileSync(`${site.root}/day-${day}`, noise(100_000, day + 1));
      await makeGood(site.engine, site.source);
      await pruneSource(site.engine, 'site', { ...DAILY, policy: { ...DAILY.policy, last: 50 } });
      site.clock.advance(DAY_MS);
    }
    const { capacity } = (await site.look(undefined, 1 << 30)).store;
    // A tenth more each day, on top of the site itself.
    expect(capacity.growthBytesPerDay).toBeGreaterThan(400_000);
    expect(capacity.growthBytesPerDay).toBeLessThan(1_000_000);
    expect(capacity.daysUntilFull).toBeGreaterThan(100);
  });

  test('whose clock is another one alarms', async () => {
    using site = setUp();
    await makeGood(site.engine, site.source);
    const ahead = { now: () => new Date(site.clock.ms + HOUR_MS) };
    const engine = engineOn(site.store, site.clock, ahead);
    const input = { objectives: new Map(), capacityBytes: undefined, sources: [] };
    const { store } = await statusOf(engine, input);
    expect(store.findings.map(({ code }) => code)).toEqual(['clock']);
  });
});
