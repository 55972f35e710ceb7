// Processes that are killed at any moment: what was there before stays as it was, what is listed is whole, and the
// next run is not affected.
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { pruneSource } from '../../lib/engine/prune.ts';
import { surveySource } from '../../lib/engine/catalog/survey.ts';
import { verifyBackup } from '../../lib/engine/verify.ts';
import { backupId } from '../../lib/format/ids.ts';
import type { Store } from '../../lib/stores/store.ts';
import { noise } from '../support/archives.ts';
import {
  backUpNow,
  Clock,
  contents,
  DAILY,
  DAY_MS,
  folderSource,
  listed,
  restoreTo,
  treeOf,
  unsound,
} from '../support/engine.ts';
import { machineTime } from '../support/machine-time.ts';
import { plantSite } from '../support/small-site.ts';
import { makeSystem, type System } from '../support/system.ts';

const LONG = process.env['HOLDFAST_SWEEPS'] !== undefined;
const SEEDS = LONG ? 200 : 10;

/** The long tests take minutes. */
const TIMEOUT_MS = LONG ? 1_800_000 : 240_000;

function plant(site: string): void {
  plantSite(site);
  for (let n = 0; n < 12; n++) fs.writeFileSync(`${site}/public/${n}.jpg`, noise(400_000, n + 50));
}

/** A moment within a run that takes `wholeMs`, another for each seed, spread evenly, and now and then a little after its end. */
function momentOf(seed: number, wholeMs: number): number {
  return ((seed * 0.618_034) % 1) * 1.1 * wholeMs;
}

/** Starts a command and kills it after `ms`; true when it had ended before. */
async function killAfter(system: System, args: readonly string[], ms: number): Promise<boolean> {
  const { child, ended } = system.start(args);
  await Promise.race([wait(ms), ended]);
  const was = child.exitCode;
  child.kill('SIGKILL');
  await ended;
  return was !== null;
}

async function durationOf(work: Promise<unknown>): Promise<number> {
  const begin = performance.now();
  await work;
  return performance.now() - begin;
}

const idAt = (at: Date) => backupId({ kind: 'manual', at });
const backupAt = (at: Date) => ['backup', '--at', at.toISOString()];

describe('a backup that is killed at any moment', () => {
  test(
    'leaves earlier ones as they were, none that is not whole, and nothing in the way of the next',
    async () => {
      using system = makeSystem({ plant, source: 'prune: { afterBackup: false }' });
      const begin = machineTime().getTime();
      await system.json(backupAt(new Date(begin)));
      const site = treeOf(system.site);
      const store = await system.openStore();
      const before = await contents(store);
      fs.writeFileSync(`${system.site}/public/0.jpg`, noise(400_000, 99));
      const wholeMs = await durationOf(system.json(backupAt(new Date(begin + 1))));
      let completed = 0;
      for (let seed = 1; seed <= SEEDS; seed++) {
        // Every other run links what the one before it has stored.
        if (seed % 2 === 0)
          fs.writeFileSync(`${system.site}/public/1.jpg`, noise(400_000, 100 + seed));
        const at = new Date(begin + 1 + seed);
        if (await killAfter(system, backupAt(at), momentOf(seed, wholeMs))) completed++;
        const now = await contents(store, 'backups/');
        for (const [key, digest] of before)
          if (key.startsWith('backups/'))
            expect({ seed, digest: now.get(key) }).toEqual({ seed, digest });
        expect({ seed, unsound: await unsound(store, before, system) }).toEqual({
          seed,
          unsound: [],
        });
      }
      expect(completed).toBeLessThan(SEEDS);
      await system.json(['list']);
      const last = new Date(begin + 2 + SEEDS);
      expect(await system.json(backupAt(last))).toMatchObject({
        sources: [{ outcome: 'made', verify: { verdict: 'proven' } }],
      });
      expect((await system.run(['verify', '--all'])).exit).toBe(0);
      const to = path.join(system.root, 'restored');
      await system.json(['restore', `site/${idAt(new Date(begin))}`, '--to', to]);
      expect(treeOf(to)).toEqual(site);
      await expectLeftoversToGo(system, last);
    },
    TIMEOUT_MS,
  );

  test(
    'while it prunes leaves each backup whole or gone, and what the policy keeps',
    async () => {
      using system = makeSystem({ plant: plantSite });
      const begin = new Date('2026-01-05T12:00:00Z').getTime();
      // Twelve days, of which the default policy wants nine at most.
      const engine = await system.engine(new Clock(machineTime()));
      for (let day = 0; day < 12; day++) {
        const at = new Date(begin + day * DAY_MS);
        await verifyBackup(
          engine,
          await backUpNow(engine, folderSource(system.site), { at }),
          'digest',
        );
      }
      const store = await system.openStore();
      const all = (await listed(store)).map(({ id }) => id);
      const plan = await system.json<{ sources: { keep: { id: string; reasons: string[] }[] }[] }>([
        'prune',
        '--dry-run',
      ]);
      const wanted = (plan.sources[0]?.keep ?? []).filter(
        ({ reasons }) => !/as many as one run may/.test(reasons.join()),
      );
      const wholeMs = await durationOf(system.json(['prune', '--dry-run']));
      for (let seed = 1; seed <= Math.ceil(SEEDS / 2); seed++) {
        await killAfter(system, ['prune'], momentOf(seed, wholeMs * 1.3));
        const left = new Set((await listed(store)).map(({ id }) => id));
        expect({ seed, lost: wanted.filter(({ id }) => !left.has(id)) }).toEqual({
          seed,
          lost: [],
        });
        expect({ seed, unsound: await unsound(store, new Map(), system) }).toEqual({
          seed,
          unsound: [],
        });
      }
      const left = await pruneToTheEnd(system, store);
      expect(left).toEqual(all.filter((id) => wanted.some((one) => one.id === id)));
      const { orphans, leftovers, problems } = await surveySource(engine, 'site');
      expect([orphans, leftovers, problems]).toEqual([[], [], []]);
    },
    TIMEOUT_MS,
  );
});

describe('a restore that is killed at any moment', () => {
  test(
    'leaves its target absent or whole, and can be run again',
    async () => {
      using system = makeSystem({ plant });
      await system.json(['backup']);
      const site = treeOf(system.site);
      const store = await system.openStore();
      const before = await contents(store, 'backups/');
      const to = path.join(system.root, 'restored');
      const restore = ['restore', 'site/latest', '--to', to];
      const wholeMs = await durationOf(system.json(restore));
      for (let seed = 1; seed <= Math.ceil(SEEDS / 2); seed++) {
        fs.rmSync(to, { recursive: true, force: true });
        await killAfter(system, restore, momentOf(seed, wholeMs));
        if (fs.existsSync(to)) expect({ seed, tree: treeOf(to) }).toEqual({ seed, tree: site });
      }
      fs.rmSync(to, { recursive: true, force: true });
      await system.json(restore);
      expect(treeOf(to)).toEqual(site);
      expect(await contents(store, 'backups/')).toEqual(before);
    },
    TIMEOUT_MS,
  );
});

/** Prunes until a run releases nothing more, because one run may release only a share; returns the ids that are left. */
async function pruneToTheEnd(system: System, store: Store): Promise<string[]> {
  for (;;) {
    const before = (await listed(store)).length;
    await system.json(['prune']);
    const left = (await listed(store)).map(({ id }) => id);
    if (left.length === before) return left;
  }
}

/** What the killed ones left goes by the rules: drafts after a day, artifacts after 14, and nothing else ever. */
async function expectLeftoversToGo(system: System, last: Date) {
  const drafts = path.join(system.folder, '.tmp');
  const old = new Date(machineTime().getTime() - 15 * DAY_MS);
  const store = await system.openStore();
  const engine = await system.engine(new Clock(machineTime()));
  const { orphans, backups } = await surveySource(engine, 'site');
  for (const { artifacts } of orphans) {
    for (const { key } of artifacts) {
      const at = path.join(system.folder, key);
      // An artifact is no older than its folder: it may be a link to an old file.
      for (const aged of [at, path.dirname(at)]) fs.utimesSync(aged, old, old);
    }
  }
  for (const name of fs.readdirSync(drafts)) fs.utimesSync(path.join(drafts, name), old, old);
  await pruneSource(engine, 'site', { ...DAILY, dryRun: true });
  await system.json(backupAt(new Date(last.getTime() + 1)));
  expect(fs.readdirSync(drafts)).toEqual([]);
  await system.json(['prune']);
  const after = await surveySource(engine, 'site');
  expect(after.orphans).toEqual([]);
  expect(backups.length).toBeGreaterThan(0);
  const [newest] = (await listed(store)).slice(-1);
  if (newest === undefined) throw new Error('nothing is left');
  await restoreTo(engine, newest, path.join(system.root, 'last'));
  expect(treeOf(path.join(system.root, 'last'))).toEqual(treeOf(system.site));
}
