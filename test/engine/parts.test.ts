// Backups whose archive has several parts go through every verb as others do.
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { openBackup } from '../../lib/engine/catalog/backups.ts';
import { diffBackups, type Change } from '../../lib/engine/diff.ts';
import type { Engine } from '../../lib/engine/engine.ts';
import { pruneSource } from '../../lib/engine/prune.ts';
import { repairBackup } from '../../lib/engine/repair.ts';
import { restoreTest } from '../../lib/engine/restore-test.ts';
import { contentsOf } from '../../lib/engine/show.ts';
import { verifyBackup } from '../../lib/engine/verify.ts';
import { artifactOf } from '../../lib/format/manifest.ts';
import { fromUtf8 } from '../../lib/format/paths.ts';
import { openArchiveFile } from '../../lib/sources/tree/archive-file.ts';
import { filesKind } from '../../lib/sources/files/kind.ts';
import { Scratch } from '../support/archives.ts';
import {
  Clock,
  ClockedStore,
  codeOf,
  DAILY,
  DAY_MS,
  engineOn,
  folderSource,
  keysOf,
  makeGood,
  restoreTo,
  treeOf,
} from '../support/engine.ts';
import { backUpInParts, putParted, withManifest, type PartedBackup } from '../support/parted.ts';
import { changeSite, plantSite } from '../support/small-site.ts';

let place: Scratch;
let store: ClockedStore;
let engine: Engine;
let parted: PartedBackup;
let name: { source: string; id: string };
let asBackedUp: string[];

beforeEach(async () => {
  place = new Scratch();
  plantSite(place.at('site'));
  asBackedUp = treeOf(place.at('site'));
  const clock = new Clock();
  store = new ClockedStore(clock);
  engine = engineOn(store, clock, { scratch: place.at('scratch') });
  parted = await backUpInParts(place.at('site'), { largeBytes: 30_000, entries: 2 });
  await putParted(engine, parted);
  name = { source: 'site', id: parted.manifest.id };
});
afterEach(() => place[Symbol.dispose]());

const keyOf = (partClass: string) =>
  parted.manifest.artifacts.find(({ part }) => part?.class === partClass)?.key ?? '';

function spoil(key: string, at = 30): void {
  const bytes = store.objects.get(key)?.bytes;
  if (bytes === undefined) throw new Error(`nothing is stored as ${key}`);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
}

test('it is verified at both levels, and restored and tried out as others are', async () => {
  for (const level of ['digest', 'content'] as const) {
    const { verdict, entries } = await verifyBackup(engine, name, level);
    expect({ verdict, entries }).toEqual({ verdict: 'proven', entries: 17 });
  }
  expect(await restoreTest(engine, name)).toMatchObject({ verdict: 'proven', problems: [] });
  await restoreTo(engine, name, place.at('restored'));
  expect(treeOf(place.at('restored'))).toEqual(asBackedUp);
  await restoreTo(engine, name, place.at('one'), { paths: [fromUtf8('public/same.png')] });
  expect(treeOf(place.at('one')).length).toBe(2);
});

test('a run after it makes a whole backup, and both are compared entry by entry', async () => {
  const { manifest } = await makeGood(engine, folderSource(place.at('site')));
  expect(manifest).toMatchObject({ status: 'complete', problems: [], totals: { reusedBytes: 0 } });
  const changes: Change[] = [];
  const totals = await diffBackups(engine, name, manifest, (one) => changes.push(one));
  expect(changes).toEqual([]);
  expect(totals.unchanged).toBe(manifest.totals.entries);
  changeSite(place.at('site'));
  const after = await makeGood(engine, folderSource(place.at('site')));
  const before = await diffBackups(engine, manifest, after.manifest, () => undefined);
  expect(await diffBackups(engine, name, after.manifest, () => undefined)).toEqual(before);
  const lines = [];
  for await (const line of contentsOf(engine, name, { paths: [], all: true })) lines.push(line);
  expect(lines.length).toBe(17);
});

test('a site is brought back in place from it', async () => {
  const backup = await openBackup(engine, name.source, name.id);
  changeSite(place.at('site'));
  const { inPlace } = filesKind;
  if (inPlace === undefined) throw new Error('files are restored in place');
  const { pool, signal, onProgress } = engine;
  const folder = place.at('site');
  const input = { pool, signal, onProgress, folder, paths: [], owners: 'aside' as const };
  const plan = await inPlace.plan(backup, { ...input, remove: ['public/three.png'] });
  expect(plan.replace.length).toBeGreaterThan(1);
  const done = { replaced: [], removed: [] };
  const change = { ...input, remove: ['public/three.png'], random: 'r', done };
  expect((await inPlace.apply(backup, plan, change)).problems).toEqual([]);
  expect((await inPlace.leftOver(backup, plan, change)).differences).toEqual([]);
  const modes = (tree: string[]) => tree.map((line) => line.split(' ').toSpliced(2, 1));
  expect(modes(treeOf(folder))).toEqual(modes(asBackedUp));
});

describe('damage', () => {
  test.each(['large', 'small', 'directories'])('of a part of class %s is found', async (own) => {
    spoil(keyOf(own));
    const { verdict, problems } = await verifyBackup(engine, name, 'digest');
    expect(verdict).toBe('damaged');
    expect(problems.length).toBeGreaterThan(0);
  });

  test('is a part that is gone, and one of another length', async () => {
    const key = keyOf('small');
    const bytes = store.objects.get(key);
    store.objects.delete(key);
    const gone = await verifyBackup(engine, name, 'digest');
    expect(gone).toMatchObject({ verdict: 'damaged', problems: [{ path: key, code: 'missing' }] });
    await store.put(key, Buffer.concat([bytes?.bytes ?? Buffer.alloc(0), Buffer.from('x')]));
    expect(await verifyBackup(engine, name, 'digest')).toMatchObject({ verdict: 'damaged' });
  });

  test('is repaired from another backup, into one that is whole', async () => {
    await makeGood(engine, folderSource(place.at('site')));
    spoil(keyOf('large'));
    const { repaired, healed, lost } = await repairBackup(engine, name);
    expect({ healed: healed.length > 0, lost }).toEqual({ healed: true, lost: [] });
    const mended = { source: 'site', id: repaired ?? '' };
    expect(await verifyBackup(engine, mended, 'content')).toMatchObject({ verdict: 'proven' });
    await restoreTo(engine, mended, place.at('mended'));
    expect(treeOf(place.at('mended'))).toEqual(asBackedUp);
  });

  test('of another backup is repaired from it', async () => {
    const { manifest } = await makeGood(engine, folderSource(place.at('site')));
    const { key, bytes } = artifactOf(manifest, 'archive');
    spoil(key, bytes >> 1);
    const { healed, lost } = await repairBackup(engine, manifest);
    expect(healed.map(({ from }) => from)).toContain(`site/${name.id}`);
    expect(lost).toEqual([]);
  });
});

test('a manifest that names a part of another source is not trusted', async () => {
  const artifacts = parted.manifest.artifacts.map((one, i) =>
    i === 1 ? { ...one, key: one.key.replace('/site/', '/other/') } : one,
  );
  const other = new ClockedStore(store.clock);
  const on = engineOn(other, store.clock);
  await putParted(on, withManifest(parted, { artifacts }));
  expect(await codeOf(openBackup(on, name.source, name.id))).toBe('UNTRUSTED');
  expect(await codeOf(restoreTo(on, name, place.at('restored')))).toBe('UNTRUSTED');
  expect(fs.existsSync(place.at('restored'))).toBe(false);
});

test('a prune releases all its parts, and nothing else', async () => {
  store.clock.advance(20 * DAY_MS);
  for (let day = 0; day < 4; day++) {
    await makeGood(engine, folderSource(place.at('site')));
    store.clock.advance(DAY_MS);
  }
  const before = await keysOf(store, 'backups/');
  const { release } = await pruneSource(engine, 'site', DAILY);
  expect(release.map(({ id }) => id)).toEqual([name.id]);
  const after = new Set(await keysOf(store, 'backups/'));
  const gone = before.filter((key) => !after.has(key));
  expect(gone).toEqual([...parted.stored.keys(), parted.manifest.key].sort());
});

describe('a part that was found alone', () => {
  const file = () => path.join(place.path, path.basename(keyOf('small')));

  beforeEach(async () => {
    for (const [key, bytes] of parted.stored) {
      fs.writeFileSync(path.join(place.path, path.basename(key)), bytes);
    }
    const { bytes } = (await store.head(parted.manifest.key)) ?? { bytes: 0 };
    const manifest = await store.read(parted.manifest.key, 0, bytes);
    fs.writeFileSync(place.at('manifest.json'), manifest);
  });

  test('stands for all parts, with the manifest beside it', async () => {
    await using found = await openArchiveFile(file(), engine.trusted);
    expect(found.authenticity).toBe('trusted');
    fs.mkdirSync(place.at('alone'));
    const { pool, signal, onProgress } = engine;
    const input = { pool, signal, onProgress, paths: [], into: place.at('alone') };
    const { problems } = await filesKind.restore(found.backup, { ...input, owners: 'aside' });
    expect(problems).toEqual([]);
    expect(treeOf(place.at('alone'))).toEqual(asBackedUp);
  });

  test('is refused without it, and says what to do', async () => {
    fs.rmSync(place.at('manifest.json'));
    for (const key of ['large', 'small', 'directories'].map(keyOf)) {
      const alone = path.join(place.path, path.basename(key));
      const failed = openArchiveFile(alone, engine.trusted);
      await expect(failed).rejects.toMatchObject({
        code: 'FORMAT_UNSUPPORTED',
        hint: expect.stringContaining('manifest.json') as unknown,
      });
    }
  });

  test('is not tried in parts when another one is gone', async () => {
    fs.rmSync(path.join(place.path, path.basename(keyOf('large'))));
    await using found = await openArchiveFile(file(), engine.trusted);
    const paths = [fromUtf8('public/one.png')];
    fs.mkdirSync(place.at('alone'));
    const { pool, signal, onProgress } = engine;
    const input = { pool, signal, onProgress, paths, into: place.at('alone') };
    const restored = filesKind.restore(found.backup, { ...input, owners: 'aside' });
    expect(await codeOf(restored)).toBe('BACKUP_NOT_FOUND');
  });
});
