// Backups in parts share what did not change, part by part; damage to one part costs that part.
import fs from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { listStored } from '../../lib/engine/catalog/backups.ts';
import { surveySource } from '../../lib/engine/catalog/survey.ts';
import type { Engine } from '../../lib/engine/engine.ts';
import { readLately } from '../../lib/engine/memory.ts';
import { repairBackup } from '../../lib/engine/repair.ts';
import { verifyBackup } from '../../lib/engine/verify.ts';
import type { Manifest } from '../../lib/format/manifest.ts';
import { noise, plant, prose, Scratch } from '../support/archives.ts';
import {
  backUpNow,
  Clock,
  DAY_MS,
  engineOn,
  folderSource,
  makeGood,
  restoreTo,
  treeOf,
  unsound,
} from '../support/engine.ts';
import { LinkingStore } from '../support/linking-store.ts';
import { resigned } from '../support/resigned.ts';

const PARTING = { fromBytes: 100_000, largeBytes: 60_000, leastBytes: 64 << 10 };
const HOUR_MS = 3_600_000;

let scratch: Scratch;
let clock: Clock;
let store: LinkingStore;
let engine: Engine;

beforeEach(() => {
  scratch = new Scratch();
  const files = Array.from({ length: 24 }, (_, i): [string, Buffer] => [
    `d${i % 3}/f${String(i).padStart(2, '0')}`,
    i % 4 === 0 ? noise(70_000, i + 1) : prose(20_000, i),
  ]);
  plant(scratch.at('site'), Object.fromEntries(files));
  clock = new Clock();
  store = new LinkingStore(clock);
  engine = engineOn(store, clock, { scratch: scratch.path });
});
afterEach(() => scratch[Symbol.dispose]());

const source = () => folderSource(scratch.at('site'), {}, PARTING);
const partsOf = async (id: string) => {
  const stored = (await listStored(engine, 'site')).find((one) => one.id === id);
  return (stored?.artifacts ?? []).filter(({ key }) => key.includes('/archive-'));
};
const sharedWith = async (one: string, other: string) => {
  const of = new Set((await partsOf(other)).map(({ shared }) => shared ?? ''));
  return (await partsOf(one)).filter(({ shared }) => of.has(shared ?? '-')).length;
};
const rot = async (id: string, part: number) => {
  const object = store.objects.get((await partsOf(id))[part]?.key ?? '');
  if (object !== undefined) object.bytes[100] = (object.bytes[100] ?? 0) ^ 1;
};
const standings = async () => {
  const { backups } = await surveySource(engine, 'site');
  return backups.map(({ standing }) => standing);
};
const isTree = async (backup: { source: string; id: string }) => {
  const to = scratch.at(`restored-${backup.id}`);
  await restoreTo(engine, backup, to);
  expect(treeOf(to)).toEqual(treeOf(scratch.at('site')));
};

describe('a run after one in parts', () => {
  test('shares all of them when nothing changed, and its verify reads none', async () => {
    const first = await makeGood(engine, source());
    const parts = (await partsOf(first.id)).length;
    expect(parts).toBeGreaterThan(5);
    clock.advance(HOUR_MS);
    const second = await backUpNow(engine, source());
    expect(await sharedWith(second.id, first.id)).toBe(parts);
    const memory = await readLately(engine, second, 'digest');
    const verified = await verifyBackup(engine, second, 'digest', memory);
    expect(verified).toMatchObject({ verdict: 'proven', entries: 0, problems: [] });
    await isTree(second);
  });

  test('shares all but the part in which something changed', async () => {
    const first = await makeGood(engine, source());
    clock.advance(HOUR_MS);
    fs.writeFileSync(scratch.at('site/d1/f01'), 'changed');
    const second = await makeGood(engine, source());
    expect(await sharedWith(second.id, first.id)).toBe((await partsOf(first.id)).length - 1);
    await isTree(second);
  });

  test('shares what is whole when a part rotted and is due, and takes that from the source', async () => {
    const first = await makeGood(engine, source());
    await rot(first.id, 2);
    clock.advance(8 * DAY_MS);
    const second = await makeGood(engine, source());
    const parts = (await partsOf(first.id)).length;
    expect(await sharedWith(second.id, first.id)).toBe(parts - 1);
    expect(second.manifest.problems).toMatchObject([{ code: 'predecessor-unusable' }]);
    expect(await standings()).toEqual(['damaged', 'good']);
    await isTree(second);
    clock.advance(HOUR_MS);
    const third = await makeGood(engine, source());
    expect(await sharedWith(third.id, second.id)).toBe(parts);
    expect(await standings()).toEqual(['damaged', 'good', 'good']);
  });

  test('builds on what is whole of a backup that is known to be damaged', async () => {
    const first = await makeGood(engine, source());
    await rot(first.id, 0);
    clock.advance(HOUR_MS);
    expect(await verifyBackup(engine, first, 'content')).toMatchObject({ verdict: 'damaged' });
    fs.writeFileSync(scratch.at('site/d1/f01'), 'changed');
    const second = await makeGood(engine, source());
    expect(await sharedWith(second.id, first.id)).toBe((await partsOf(first.id)).length - 2);
    expect(await unsound(store, new Map([[first.manifest.key, '']]), engine)).toEqual([]);
    await isTree(second);
  });

  test('reads all when more may be damaged than its parts', async () => {
    const first = await makeGood(engine, source());
    const { totals } = first.manifest;
    await resigned(engine, first.manifest, { totals: { ...totals, entries: totals.entries + 1 } });
    clock.advance(HOUR_MS);
    expect(await verifyBackup(engine, first, 'digest')).toMatchObject({ verdict: 'damaged' });
    const second = await makeGood(engine, source());
    expect(await sharedWith(second.id, first.id)).toBe(0);
    await isTree(second);
  });
});

test('parts that were proven together are looked at again under a manifest that says otherwise', async () => {
  const first = await makeGood(engine, source());
  clock.advance(HOUR_MS);
  const second = await backUpNow(engine, source());
  const changes: ((manifest: Manifest) => Partial<Manifest>)[] = [
    ({ totals }) => ({ totals: { ...totals, entries: totals.entries - 1 } }),
    ({ artifacts }) => ({ artifacts: artifacts.filter(({ key }) => !key.includes('-002.')) }),
  ];
  for (const change of changes) {
    await resigned(engine, second.manifest, change(second.manifest));
    const memory = await readLately(engine, second, 'digest');
    const { verdict } = await verifyBackup(engine, second, 'digest', memory);
    expect(verdict).toBe('damaged');
  }
  expect(await verifyBackup(engine, first, 'content')).toMatchObject({ verdict: 'proven' });
});

describe('a backup in parts that is damaged', () => {
  // As a repair cuts it.
  const CUT = { fromBytes: 1 << 20, largeBytes: 1 << 20, leastBytes: 4 << 20 };
  const large = () => folderSource(scratch.at('large'), {}, CUT);

  beforeEach(() => {
    plant(scratch.at('large'), {
      'd/one.bin': noise(1_300_000, 1),
      'd/two.bin': noise(1_200_000, 2),
      'd/page.html': prose(50_000, 3),
    });
  });

  test.each(['digest', 'content'] as const)(
    'is repaired from a copy of its content, and shares what is whole (after a verify: %s)',
    async (level) => {
      const first = await makeGood(engine, large());
      const other = folderSource(scratch.at('large'), { name: 'other' });
      clock.advance(HOUR_MS);
      await makeGood(engine, other);
      await rot(first.id, 0);
      if (level === 'content') await verifyBackup(engine, first, level);
      const { repaired, healed, lost } = await repairBackup(engine, first);
      expect({ healed: healed.length > 0, lost }).toEqual({ healed: true, lost: [] });
      const mended = { source: 'site', id: repaired ?? '' };
      const parts = (await partsOf(first.id)).length;
      expect((await partsOf(mended.id)).length).toBe(parts);
      expect(await sharedWith(mended.id, first.id)).toBe(parts - 1);
      expect(await verifyBackup(engine, mended, 'content')).toMatchObject({ verdict: 'proven' });
      await restoreTo(engine, mended, scratch.at('mended'));
      expect(treeOf(scratch.at('mended'))).toEqual(treeOf(scratch.at('large')));
    },
  );

  test('is whole without what nobody holds, and says so', async () => {
    const first = await makeGood(engine, large());
    await rot(first.id, 0);
    const { repaired, lost } = await repairBackup(engine, first);
    expect(lost.length).toBeGreaterThan(0);
    const mended = { source: 'site', id: repaired ?? '' };
    expect(await verifyBackup(engine, mended, 'content')).toMatchObject({ verdict: 'proven' });
  });
});
