import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import { openNeededStore, type StoreNeed } from '../../../lib/cli/store/opened-store.ts';
import type { Config } from '../../../lib/config/config.ts';
import { HoldfastError } from '../../../lib/errors.ts';

let root: string;
beforeEach(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'holdfast-opened-')));
});
afterEach(() => rm(root, { recursive: true }));

const open = (place: string, need: StoreNeed) =>
  openNeededStore({ place, need, config: configOf(place) });

/** As much of a configuration as opening a store looks at. */
function configOf(store: string): Config {
  const some: Partial<Config> = { system: 'shop', store, storeFrom: 'file', file: '/x.yaml' };
  return some as Config;
}

async function makeStore(...parts: string[]): Promise<string> {
  const folder = join(root, ...parts);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'holdfast.json'), '{"format":1,"system":"shop"}\n');
  return folder;
}

async function refusal(place: string, need: StoreNeed = 'found'): Promise<HoldfastError> {
  const error: unknown = await open(place, need).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof HoldfastError) return error;
  throw new Error(`${place} was opened`, { cause: error });
}

describe('a place without a store', () => {
  test.each(['found', 'marked'] as const)('is refused when one must be %s', async (need) => {
    const place = join(root, 'not/there');
    expect(await refusal(place, need)).toMatchObject({ code: 'STORE_NOT_FOUND' });
    expect(await readdir(root)).toEqual([]);
  });

  test('is an empty folder, too: the place where a disk is mounted', async () => {
    const place = join(root, 'mnt');
    await mkdir(place);
    expect((await refusal(place)).message).toContain('the folder is empty');
    expect(await readdir(place)).toEqual([]);
  });

  test('is a folder with other things in it', async () => {
    await writeFile(join(root, 'notes.txt'), '');
    expect((await refusal(root)).message).toContain('has no holdfast.json');
    expect(await readdir(root)).toEqual(['notes.txt']);
  });

  test('is made when that is asked for, with an id, and only once', async () => {
    const place = join(root, 'deep/er');
    const first = await open(place, 'created');
    expect(first).toMatchObject({ created: true, marker: { system: 'shop' } });
    expect(first.marker?.id).toMatch(/^[0-9a-f]{32}$/);
    const second = await open(place, 'created');
    expect(second).toMatchObject({ created: false, marker: first.marker });
  });

  test('does not matter to what works without one', async () => {
    const { store } = await open(join(root, 'absent'), 'unneeded');
    await expect(store.put('a', Buffer.from('a'))).rejects.toMatchObject({
      code: 'STORE_NOT_FOUND',
    });
    expect(existsSync(join(root, 'absent'))).toBe(false);
  });
});

describe('what may have been meant', () => {
  test.each([
    ['a mistyped name', 'mnt/bakcups/shop', 'mnt/backups/shop'],
    ['a mistyped name at the end', 'mnt/backups/shpo', 'mnt/backups/shop'],
    ['a disk that got another name', 'media/Backup/shop', 'media/Backup1/shop'],
    ['a folder too far down', 'mnt/backups/shop/site', 'mnt/backups/shop'],
    ['a folder too far up', 'mnt/backups', 'mnt/backups/shop'],
  ])('is named: %s', async (_, named, meant) => {
    const there = await makeStore(meant);
    expect((await refusal(join(root, named))).hint).toContain(`${there} is a store`);
  });

  test('is the store of the same system rather than one with a name more alike', async () => {
    const ours = await makeStore('backups-shop');
    await makeStore('backup');
    await writeFile(join(root, 'backup/holdfast.json'), '{"format":1,"system":"blog"}');
    expect((await refusal(join(root, 'backups'))).hint).toContain(ours);
  });

  test('is nothing where no store is near', async () => {
    await writeFile(join(root, 'holdfast.json'), '{"version":1,"system":"a configuration"}');
    expect((await refusal(join(root, 'a/b'))).hint).not.toContain('is a store');
  });
});

describe('backups without a marker', () => {
  beforeEach(async () => {
    const folder = join(root, 'backups/site/20260101T000000000Z-manual');
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'manifest.json'), '[]');
  });

  test('can be read, with a remark, and not be added to', async () => {
    expect(await open(root, 'found')).toMatchObject({
      marker: undefined,
      remark: expect.stringContaining('holdfast.json is gone'),
    });
    expect(await refusal(root, 'marked')).toMatchObject({
      code: 'STORE_NOT_FOUND',
      hint: expect.stringContaining('--create-store'),
    });
  });

  test('can be read when the marker is spoilt', async () => {
    await writeFile(join(root, 'holdfast.json'), 'x');
    expect((await open(root, 'found')).remark).toContain('cannot be read');
    expect(await refusal(root, 'marked')).toMatchObject({ code: 'STORE_CONFLICT' });
  });
});

test('a store whose disk goes is written to no more, and nothing is made in its place', async () => {
  const place = await makeStore('disk');
  const { store } = await open(place, 'marked');
  await store.put('backups/a', Buffer.from('a'));
  for (const name of await readdir(place)) await rm(join(place, name), { recursive: true });
  const gone = { code: 'STORE_NOT_FOUND' };
  await expect(store.put('backups/b', Buffer.from('b'))).rejects.toMatchObject(gone);
  await expect(store.now()).rejects.toMatchObject(gone);
  expect(await readdir(place)).toEqual([]);
});

test('nothing is made when the disk goes while an object is written', async () => {
  const place = await makeStore('disk');
  const { store } = await open(place, 'marked');
  async function* body() {
    yield Buffer.from('a');
    await rm(join(place, 'holdfast.json'));
  }
  await expect(store.put('backups/site/a', body())).rejects.toMatchObject({
    code: 'STORE_NOT_FOUND',
  });
  expect(existsSync(join(place, 'backups'))).toBe(false);
});

test('the store of a stack may be empty: the first backup claims it', async () => {
  // Where functions run the bucket is there, and asking for it is all that can be tried here.
  const config = { ...configOf('s3://shop-backups?region=eu-central-1'), aws: {} };
  const { isOfStack } = await import('../../../lib/config/load/store-place.ts');
  expect(isOfStack(config as Config)).toBe(true);
  expect(isOfStack({ ...config, storeFrom: 'flag' } as Config)).toBe(false);
  expect(isOfStack(configOf('/mnt/backups'))).toBe(false);
});
