// Repairs and restores in place over stores that fail at each of their calls: nothing that was whole is harmed, and again ends the work.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { openBackup } from '../../lib/engine/catalog/backups.ts';
import { repairBackup } from '../../lib/engine/repair.ts';
import { restoreInPlace, type InPlaceReport } from '../../lib/engine/restore/in-place.ts';
import { lastSafety } from '../../lib/engine/restore/safety.ts';
import { artifactOf } from '../../lib/format/manifest.ts';
import { localSigner } from '../../lib/format/signed.ts';
import type { Store } from '../../lib/stores/store.ts';
import { Scratch } from '../support/archives.ts';
import {
  Clock,
  ClockedStore,
  contents,
  DAY_MS,
  engineOn,
  folderSource,
  listed,
  makeGood,
  makeKeys,
  unsound,
} from '../support/engine.ts';
import { changeSite, plantSite } from '../support/small-site.ts';
import { sweep } from '../support/sweep.ts';
import { factsOf } from '../support/trees.ts';

// A sweep has no time to keep, and runs beside others.
jest.setTimeout(600_000);

const KEYS = makeKeys();
let scratch: Scratch;
let root: string;

beforeAll(() => {
  scratch = new Scratch();
  root = scratch.at('site');
  plantSite(root);
});
afterAll(() => scratch[Symbol.dispose]());

async function storeOf(folder: string, days: number) {
  const clock = new Clock();
  const store = new ClockedStore(clock);
  const made = [];
  for (let day = 0; day < days; day++) {
    made.push((await makeGood(engineOn(store, clock), folderSource(folder))).manifest);
    clock.advance(DAY_MS);
  }
  const [first] = made;
  if (first === undefined) throw new Error('no backup');
  return { store, first };
}

const factsIn = (folder: string) => factsOf(folder, { folderTimes: false });

describe('over a store that fails at any of its calls', () => {
  test('a repair harms nothing, lists nothing that is not whole, and is made once', async () => {
    const { store: from, first } = await storeOf(root, 2);
    const { key } = artifactOf(first, 'archive');
    const bytes = from.objects.get(key)?.bytes;
    if (bytes === undefined) throw new Error('no archive');
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
    const before = await contents(from);
    const tried = scratch.at('tried');
    fs.mkdirSync(tried);
    const repair = (store: Store, clock: Clock) =>
      repairBackup({ ...engineOn(store, clock), scratch: tried }, first);
    await sweep({
      from,
      act: repair,
      check: async ({ store, clock, where, error }) => {
        const now = await contents(store);
        expect({
          where,
          lost: [...before].filter(([one, digest]) => now.get(one) !== digest),
        }).toEqual({ where, lost: [] });
        expect({ where, unsound: await unsound(store, before) }).toEqual({ where, unsound: [] });
        if (error !== undefined)
          expect({ where, error }).toMatchObject({ error: { code: 'STORE_UNAVAILABLE' } });
        expect({ where, left: fs.readdirSync(tried) }).toEqual({ where, left: [] });
        const { repaired, lost } = await repair(store, clock);
        expect({ where, repaired: repaired?.endsWith('-repair'), lost }).toEqual({
          where,
          repaired: true,
          lost: [],
        });
        expect({ where, listed: (await listed(store)).length }).toEqual({ where, listed: 3 });
      },
    });
  });

  test.each(['the store', 'the safety store'])(
    'a restore in place leaves each file as it was or as it is to be, and can be taken back (%s)',
    async (which) => {
      const { store: from, first } = await storeOf(root, 1);
      const folder = scratch.at('live');
      const restored = factsIn(root);
      let changed: Record<string, string> = {};
      let safety = new ClockedStore(from.clock);
      const reset = () => {
        fs.rmSync(folder, { recursive: true, force: true });
        execFileSync('cp', ['-a', root, folder]);
        changeSite(folder);
        changed = factsIn(folder);
        safety = new ClockedStore(from.clock);
      };
      const place = (open: Store) => ({
        folder,
        safety: `${folder}.safety`,
        openSafety: () => Promise.resolve(open),
        safetySigner: localSigner(KEYS.privateKey),
      });
      const over = async (store: Store, clock: Clock, open: Store): Promise<InPlaceReport> => {
        const engine = engineOn(store, clock);
        const backup = await openBackup(engine, first.source, first.id);
        return restoreInPlace(engine, backup, {
          ...place(open),
          paths: [],
          owners: 'aside',
          remove: [],
          dryRun: false,
          commands: [],
          environment: {},
          confirm: () => Promise.resolve(),
        });
      };
      await sweep({
        // What fails is the one store or the other; the sweep counts its calls.
        from: which === 'the store' ? from : new ClockedStore(from.clock),
        act: async (faulty, clock) => {
          reset();
          if (which === 'the store') await over(faulty, clock, safety);
          else await over(from.copy(clock), clock, faulty);
        },
        check: async ({ store, clock, where }) => {
          const open = which === 'the store' ? safety : store;
          const now = factsIn(folder);
          const torn = Object.entries(now).filter(
            ([name, fact]) => ![changed[name], restored[name]].includes(fact),
          );
          expect({ where, torn }).toEqual({ where, torn: [] });
          expect(fs.readdirSync(scratch.path).filter((name) => name.startsWith('.live'))).toEqual(
            [],
          );
          const sound = from.copy(clock);
          await over(sound, clock, open);
          const after = factsIn(folder);
          expect({
            where,
            wrong: Object.entries(restored).filter(([name, fact]) => after[name] !== fact),
          }).toEqual({ where, wrong: [] });
          await takeBack(sound, clock, place(open));
          expect({ where, facts: factsIn(folder) }).toEqual({ where, facts: changed });
        },
      });
    },
  );
});

async function takeBack(store: Store, clock: Clock, place: Parameters<typeof lastSafety>[1]) {
  const engine = engineOn(store, clock);
  const undoing = await lastSafety(engine, place);
  const { of, steps } = undoing;
  for (const [i, { backup, remove }] of steps.entries()) {
    await restoreInPlace(engine, backup, {
      ...place,
      paths: [],
      owners: 'aside',
      remove,
      dryRun: false,
      commands: [],
      environment: {},
      of,
      unfinished: i < steps.length - 1,
      confirm: () => Promise.resolve(),
    });
  }
  await undoing.finish();
}
