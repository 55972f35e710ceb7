import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { openStore } from '../../lib/stores/open.ts';
import { failure } from './contract.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast open '));
});
afterAll(() => rm(folder, { recursive: true }));

const random = () => 'draft';

test('opens a folder by its path, by a relative one and by its file:// URL', async () => {
  expect((await openStore(folder, { random })).url).toBe(folder);
  expect((await openStore(`${folder}/`, { random })).url).toBe(folder);
  expect((await openStore('../backups', { random })).url).toBe(resolve('../backups'));
  expect((await openStore(pathToFileURL(folder).href, { random })).url).toBe(folder);
});

test('opens again what a store calls itself', async () => {
  const store = await openStore(folder, { random });
  await store.put('a', new Uint8Array(1));
  expect(await (await openStore(store.url, { random })).head('a')).toBeDefined();
});

test.each(['gs://bucket', 'GS://bucket', 'https://user:secret@host/x'])(
  'refuses %s, names its kind and repeats nothing secret',
  async (url) => {
    const opening = openStore(url, { random });
    await expect(opening).rejects.toEqual(failure('USAGE'));
    await expect(opening).rejects.toThrow(/is no store that this version opens/);
    await expect(opening).rejects.not.toThrow(/secret/);
  },
);

test('opens a bucket by its URL, and is named by it', async () => {
  const url = 's3://bucket/some/prefix?region=eu-central-1&account=000000000000';
  expect((await openStore(url, { random })).url).toBe(url);
});

test.each(['s3://user:secret@bucket', 's3://Bucket', 's3://bucket/../x'])(
  'refuses %s, and repeats nothing secret',
  async (url) => {
    const opening = openStore(url, { random });
    await expect(opening).rejects.toEqual(failure('USAGE'));
    await expect(opening).rejects.not.toThrow(/secret/);
  },
);

test.each(['', 'a\0b', 'file://host/share', 'file://%00'])('refuses %j', async (url) => {
  await expect(openStore(url, { random })).rejects.toEqual(failure('USAGE'));
});
