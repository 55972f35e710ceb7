// Each verb over a store that fails at each of its calls in turn: whatever happens, what is listed is whole, what was there stays as it
// was, and running it again heals.
import fs from 'node:fs';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { pinBackup } from '../../lib/engine/pin.ts';
import { pruneSource } from '../../lib/engine/prune.ts';
import { readRecords } from '../../lib/engine/catalog/records.ts';
import { restoreTest } from '../../lib/engine/restore-test.ts';
import { surveySource } from '../../lib/engine/catalog/survey.ts';
import { verifyBackup } from '../../lib/engine/verify.ts';
import { parseBackupKey } from '../../lib/format/layout.ts';
import type { Store } from '../../lib/stores/store.ts';
import { plant, Scratch } from '../support/archives.ts';
import {
  backUpNow,
  Clock,
  ClockedStore,
  contents,
  DAILY,
  DAY_MS,
  engineOn,
  EPOCH,
  folderSource,
  keysOf,
  listed,
  makeGood,
  restoreTo,
  treeOf,
  unsound,
} from '../support/engine.ts';
import { LinkingStore } from '../support/linking-store.ts';
import { changeSite, plantSite } from '../support/small-site.ts';
import { sweep, type Attempt } from '../support/sweep.ts';

// A sweep has no time to keep, and runs beside others.
jest.setTimeout(600_000);

/** Cuts the small site into six parts. */
const PARTING = { fromBytes: 1, largeBytes: 30_000, leastBytes: 16 << 10 };

let scratch: Scratch;
let root: string;

beforeAll(() => {
  scratch = new Scratch();
  root = scratch.at('site');
  plantSite(root);
});
afterAll(() => scratch[Symbol.dispose]());

/** A store with some backups of a folder, one a day, each proven. */
async function storeWith(backups: number, folder = root): Promise<ClockedStore> {
  const clock = new Clock();
  const store = new ClockedStore(clock);
  const engine = engineOn(store, clock);
  for (let day = 0; day < backups; day++) {
    if (day > 0) clock.advance(DAY_MS);
    await makeGood(engine, folderSource(folder));
  }
  return store;
}

/** What no fault may ever bring about. */
async function expectSound({ store, error, where }: Attempt, before: ReadonlyMap<string, string>) {
  const now = await contents(store);
  const lost = [...before].filter(([key, digest]) => now.get(key) !== digest);
  expect({ where, lost }).toEqual({ where, lost: [] });
  expect({ where, unsound: await unsound(store, before) }).toEqual({ where, unsound: [] });
  if (error !== undefined)
    expect({ where, error }).toMatchObject({ where, error: { code: 'STORE_UNAVAILABLE' } });
  await expectNoSlander(store, where);
}

/** A store that does not answer is no evidence against a backup. */
async function expectNoSlander(store: Store, where: string) {
  const engine = engineOn(store, new Clock());
  for (const verb of ['verify', 'restore-test'] as const) {
    const records = await readRecords(engine, verb, 'site', {
      onProblem: () => expect(where).toBe('readable'),
    });
    expect({
      where,
      damaged: records.filter(({ record }) => record.verdict === 'damaged'),
    }).toEqual({ where, damaged: [] });
  }
}

describe('over a store that fails at any of its calls', () => {
  test.each([
    [false, 'copied', ClockedStore, 1],
    [true, 'copied', ClockedStore, 1],
    [false, 'linked', LinkingStore, 1],
    [false, 'read again and linked', LinkingStore, 8],
    [true, 'copied in parts', ClockedStore, 1],
    [true, 'linked in parts', LinkingStore, 1],
    [true, 'read again and linked in parts', LinkingStore, 8],
  ] as const)(
    'a backup is whole or absent, and running it again makes it (changed: %p, the rest %s)',
    async (changed, how, Kind, days) => {
      const folder = scratch.at(`backed-up-${changed}-${how}`);
      plantSite(folder);
      const source = folderSource(folder, {}, how.endsWith('in parts') ? PARTING : undefined);
      const clock = new Clock();
      const from = new Kind(clock);
      const earlier = await makeGood(engineOn(from, clock), source);
      if (changed) changeSite(folder);
      clock.advance(days * DAY_MS);
      const at = new Date(clock.ms);
      const before = await contents(from);
      const calls = await sweep({
        from,
        act: (store, time) => backUpNow(engineOn(store, time), source, { at }),
        check: async (attempt) => {
          const { store, clock: time, where, error } = attempt;
          await expectSound(attempt, before);
          const after = (await listed(store)).length;
          if (error === undefined) expect({ where, after }).toEqual({ where, after: 2 });
          time.advance(60_000);
          const again = await backUpNow(engineOn(store, time), source, { at });
          expect({ where, outcome: again.outcome }).toEqual({
            where,
            outcome: after === 2 ? 'already' : 'made',
          });
          expect(await listed(store)).toHaveLength(2);
          expect({ where, unsound: await unsound(store) }).toEqual({ where, unsound: [] });
          expect(again.id > earlier.id).toBe(true);
          await expectLeftoversGoIn15Days(store, time);
        },
      });
      expect(calls).toBeGreaterThan(15);
    },
  );

  test('the first backup of a store is whole or absent', async () => {
    const from = new ClockedStore(new Clock());
    const source = folderSource(root);
    await sweep({
      from,
      act: (store, clock) => backUpNow(engineOn(store, clock), source, { at: EPOCH }),
      check: async (attempt) => {
        await expectSound(attempt, new Map());
        await backUpNow(engineOn(attempt.store, attempt.clock), source, { at: EPOCH });
        expect(await listed(attempt.store)).toHaveLength(1);
        expect(await unsound(attempt.store)).toEqual([]);
      },
    });
  });

  test('verifying changes no backup and speaks ill of none', async () => {
    const from = await storeWith(2);
    const before = await contents(from);
    const [, newest] = await listed(from);
    if (newest === undefined) throw new Error('no backup');
    await sweep({
      from,
      act: async (store, clock) => {
        const { verdict, problems } = await verifyBackup(engineOn(store, clock), newest, 'content');
        expect(['proven', 'inconclusive']).toContain(verdict);
        if (store.struck && verdict === 'inconclusive')
          expect(problems[0]?.code).toBe('STORE_UNAVAILABLE');
      },
      check: async (attempt) => {
        await expectSound(attempt, before);
        const engine = engineOn(attempt.store, attempt.clock);
        expect((await verifyBackup(engine, newest, 'content')).verdict).toBe('proven');
        expect((await surveySource(engine, 'site')).backups.every(({ good }) => good)).toBe(true);
      },
    });
  });

  test('restoring leaves the target absent or whole, and nothing beside it', async () => {
    const from = await storeWith(2);
    const before = await contents(from);
    const [, newest] = await listed(from);
    if (newest === undefined) throw new Error('no backup');
    const tree = treeOf(root);
    const into = scratch.at('into');
    const target = `${into}/restored`;
    const restore = (store: Store, clock: Clock) =>
      restoreTo(engineOn(store, clock), newest, target);
    fs.mkdirSync(into);
    await sweep({
      from,
      act: async (store, clock) => {
        fs.rmSync(into, { recursive: true });
        fs.mkdirSync(into);
        await restore(store, clock);
      },
      check: async (attempt) => {
        await expectSound(attempt, before);
        const { where, error, store, clock } = attempt;
        const left = fs.readdirSync(into);
        if (error === undefined) expect({ where, left }).toEqual({ where, left: ['restored'] });
        else expect(['', 'restored']).toContain(left.join());
        if (left.length > 0) expect({ where, tree: treeOf(target) }).toEqual({ where, tree });
        fs.rmSync(target, { recursive: true, force: true });
        await restore(store, clock);
        expect(treeOf(target)).toEqual(tree);
      },
    });
  });

  test('testing a restore removes what it made, and speaks ill of no backup', async () => {
    const from = await storeWith(2);
    const before = await contents(from);
    const [, newest] = await listed(from);
    if (newest === undefined) throw new Error('no backup');
    const tested = scratch.at('tested');
    fs.mkdirSync(tested);
    await sweep({
      from,
      act: async (store, clock) => {
        const { verdict } = await restoreTest(
          { ...engineOn(store, clock), scratch: tested },
          newest,
        );
        expect(['proven', 'inconclusive']).toContain(verdict);
      },
      check: async (attempt) => {
        await expectSound(attempt, before);
        expect({ where: attempt.where, left: fs.readdirSync(tested) }).toEqual({
          where: attempt.where,
          left: [],
        });
        const engine = { ...engineOn(attempt.store, attempt.clock), scratch: tested };
        expect((await restoreTest(engine, newest)).verdict).toBe('proven');
      },
    });
  });

  test('pruning releases nothing but what it should, says first what, and ends its work the next time', async () => {
    plant(scratch.at('tiny'), { 'a.txt': 'a' });
    const from = await storeWith(10, scratch.at('tiny'));
    const [, second, third] = await listed(from);
    if (second === undefined || third === undefined) throw new Error('no backups');
    const engine = engineOn(from, from.clock);
    // The policy wants neither; the pin one of them.
    await pinBackup(engine, third, 'before the relaunch');
    const ended = from.copy(new Clock(new Date(from.clock.ms)));
    await pruneUntilDone(ended);
    const kept = new Set((await listed(ended)).map(({ id }) => id));
    expect(kept).toContain(third.id);
    expect(kept).not.toContain(second.id);
    const before = new Map(
      [...(await contents(from))].filter(([key]) => {
        const place = parseBackupKey(key);
        return place === undefined || kept.has(place.id);
      }),
    );
    await sweep({
      from,
      act: (store, clock) => pruneSource(engineOn(store, clock), 'site', DAILY),
      check: async (attempt) => {
        await expectSound(attempt, before);
        const { store, where } = attempt;
        await expectEachLossRecorded(from, store, where);
        await pruneUntilDone(store);
        const left = (await listed(store)).map(({ id }) => id);
        expect({ where, left: left.filter((id) => kept.has(id)) }).toEqual({
          where,
          left: [...kept].sort(),
        });
        await expectNoOrphans(store, where);
      },
    });
  });
});

/** One run releases a fifth of what is there at most. */
async function pruneUntilDone(store: ClockedStore) {
  for (let released = 1; released > 0;) {
    const { release } = await pruneSource(engineOn(store, store.clock), 'site', DAILY);
    released = release.length;
  }
}

/** Whoever finds a backup gone also finds the record that says so. */
async function expectEachLossRecorded(from: Store, now: Store, where: string) {
  const present = new Set((await listed(now)).map(({ id }) => id));
  const gone = (await listed(from)).filter(({ id }) => !present.has(id)).map(({ id }) => id);
  const engine = engineOn(now, new Clock());
  const records = await readRecords(engine, 'prune', 'site', { onProblem: () => undefined });
  const told = JSON.stringify(records.map(({ record }) => record.facts['released']));
  expect({ where, unexplained: gone.filter((id) => !told.includes(id)) }).toEqual({
    where,
    unexplained: [],
  });
}

/** Artifacts that no manifest names go after 14 days, and only they. */
async function expectLeftoversGoIn15Days(store: ClockedStore, clock: Clock) {
  const before = await listed(store);
  clock.advance(15 * DAY_MS);
  await pruneSource(engineOn(store, clock), 'site', { ...DAILY, intervalMs: undefined });
  expect((await listed(store)).map(({ id }) => id)).toEqual(before.map(({ id }) => id));
  await expectNoOrphans(store, 'leftovers');
}

async function expectNoOrphans(store: Store, where: string) {
  const named = new Set<string>();
  for (const { manifest } of (await surveySource(engineOn(store, new Clock()), 'site')).backups) {
    named.add(manifest.key);
    for (const { key } of manifest.artifacts) named.add(key);
  }
  const orphans = (await keysOf(store, 'backups/')).filter((key) => !named.has(key));
  expect({ where, orphans }).toEqual({ where, orphans: [] });
}
