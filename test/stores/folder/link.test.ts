// One file of a folder under two keys: when it is one, when it is to be a copy, how old it looks, and that it lasts.
import { execFileSync } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { openLocalStore } from '../../../lib/stores/folder/store.ts';
import type { Identity, Store, StoredObject } from '../../../lib/stores/store.ts';
import { asRoot } from '../../support/as-root.ts';
import { machineTime } from '../../support/machine-time.ts';
import { startStoreProcess } from '../../support/store-process.ts';
import { failure } from '../contract.ts';

const DAY_MS = 24 * 3_600_000;

describe('a link in a folder', () => {
  let root: string;
  let store: Store;

  beforeEach(async () => {
    root = await fs.mkdtemp(join(tmpdir(), 'holdfast-link-'));
    store = await openLocalStore(root, { random: randomUUID });
    await store.put('a/one', randomBytes(1_000));
  });
  afterEach(() => fs.rm(root, { recursive: true }));

  const identify = async (key: string): Promise<Identity> => {
    const identity = await store.identify?.(key);
    if (identity === undefined) throw new Error('the store cannot link');
    return identity;
  };
  const link = async (from: string, to: string) => store.link?.(from, to, await identify('a/one'));
  const listed = async (prefix = ''): Promise<StoredObject[]> => {
    const objects: StoredObject[] = [];
    for await (const object of store.list(prefix)) objects.push(object);
    return objects;
  };
  const age = async (key: string, days: number) => {
    const time = new Date(machineTime().getTime() - days * DAY_MS);
    await fs.utimes(join(root, key), time, time);
  };

  test('is one file under both keys, which lives on without the first', async () => {
    const bytes = await store.read('a/one', 0, 1_000);
    expect(await link('a/one', 'b/two')).toMatchObject({ key: 'b/two', bytes: 1_000 });
    expect(await identify('b/two')).toEqual(await identify('a/one'));
    await store.settle?.();
    await store.release('a/one');
    expect(await store.read('b/two', 0, 1_000)).toEqual(bytes);
    expect((await listed()).map(({ key }) => key)).toEqual(['b/two']);
  });

  test('shows in a listing which objects share their bytes, and of the others nothing', async () => {
    await link('a/one', 'b/two');
    await store.put('c', randomBytes(10));
    const [one, two, other] = await listed();
    expect(one?.shared).toBeDefined();
    expect(two?.shared).toBe(one?.shared);
    expect(other).not.toHaveProperty('shared');
    await store.release('b/two');
    expect((await listed('a/'))[0]).not.toHaveProperty('shared');
  });

  test('is as old as the link, however old its file is, and also when the first key is gone', async () => {
    await age('a/one', 30);
    const begin = machineTime().getTime() - 2_000;
    await link('a/one', 'b/two');
    for (const released of [false, true]) {
      if (released) await store.release('a/one');
      const [two] = await listed('b/');
      expect(two?.storedAt.getTime()).toBeLessThan(begin - 29 * DAY_MS);
      expect(two?.keyedAt?.getTime()).toBeGreaterThan(begin);
    }
  });

  test('ages with its folder: a link that is made later does not make an earlier one younger', async () => {
    await link('a/one', 'b/two');
    await age('b/two', 30);
    await age('b', 20);
    await link('a/one', 'c/three');
    const [two] = await listed('b/');
    expect(machineTime().getTime() - (two?.keyedAt?.getTime() ?? 0)).toBeGreaterThan(19 * DAY_MS);
  });

  test('refuses a key that is taken, by whatever it is', async () => {
    await store.put('b', randomBytes(1_000));
    await expect(link('a/one', 'b')).rejects.toEqual(failure('STORE_CONFLICT'));
    await expect(link('a/one', 'b/c')).rejects.toEqual(failure('STORE_CONFLICT'));
    await expect(link('a/one', 'a/../b')).rejects.toEqual(failure('PATH_UNSAFE'));
  });

  test('is not made of a file that was written to, replaced or removed since it was identified', async () => {
    const identity = await identify('a/one');
    const attempt = () => store.link?.('a/one', 'b/two', identity);
    await fs.appendFile(join(root, 'a/one'), '');
    const written = await fs.open(join(root, 'a/one'), 'r+');
    await written.write(randomBytes(1), 0, 1, 500);
    await written.close();
    expect(await attempt()).toBeUndefined();
    await fs.writeFile(join(root, 'other'), randomBytes(1_000));
    await fs.rename(join(root, 'other'), join(root, 'a/one'));
    expect(await attempt()).toBeUndefined();
    await fs.rm(join(root, 'a/one'));
    expect(await attempt()).toBeUndefined();
    expect(await listed()).toEqual([]);
  });

  test('follows no symbolic link in the place of the file', async () => {
    const identity = await identify('a/one');
    await fs.rename(join(root, 'a/one'), join(root, 'real'));
    await fs.symlink('../real', join(root, 'a/one'));
    expect(await store.link?.('a/one', 'b', identity)).toBeUndefined();
    expect((await listed()).map(({ key }) => key)).toEqual(['real']);
  });

  test('is a copy wherever the file system makes no link, for each reason that it may give', async () => {
    const { lines, complaints, ended } = startStoreProcess('link-refused', root);
    await ended;
    expect(complaints).toEqual([]);
    const errnos = ['EPERM', 'EACCES', 'EMLINK', 'EXDEV', 'ENOTSUP', 'ENOSYS', 'EINVAL', 'ENOENT'];
    expect(lines).toEqual([
      'begun',
      ...errnos.map((errno) => `${errno} undefined`),
      'EIO STORE_UNAVAILABLE',
      'copied undefined',
    ]);
    expect((await listed()).map(({ key }) => key)).toEqual(['a/one']);
  });

  asRoot('is not made across a mount', async () => {
    await fs.mkdir(join(root, 'b'));
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', join(root, 'b')]);
    try {
      expect(await link('a/one', 'b/two')).toBeUndefined();
      expect(await listed('b/')).toEqual([]);
    } finally {
      execFileSync('umount', [join(root, 'b')]);
    }
  });

  test('is not offered where files get their keys without hard links', async () => {
    const without = await openLocalStore(root, { random: randomUUID, hardLinks: false });
    for (const method of ['link', 'identify', 'settle']) expect(without).not.toHaveProperty(method);
  });
});
