// What is special about a folder as a store: links, modes, leftovers, full disks, rights and processes that die.
import { execFileSync } from 'node:child_process';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { openLocalStore } from '../../../lib/stores/folder/store.ts';
import type { Store } from '../../../lib/stores/store.ts';
import { asRoot } from '../../support/as-root.ts';
import { machineTime } from '../../support/machine-time.ts';
import { startStoreProcess } from '../../support/store-process.ts';
import { failure, storeContract } from '../contract.ts';

const DAY_MS = 24 * 3_600_000;

async function opened(options: { hardLinks?: boolean } = {}) {
  const folder = await fs.mkdtemp(join(tmpdir(), 'holdfast-store-'));
  const store = await openLocalStore(join(folder, 'store'), { random: randomUUID, ...options });
  return { store, cleanup: () => fs.rm(folder, { recursive: true }) };
}

storeContract('folder', () => opened());
storeContract('folder without hard links', () => opened({ hardLinks: false }));

describe('folder', () => {
  let outer: string;
  let root: string;
  let store: Store;

  beforeEach(async () => {
    outer = await fs.mkdtemp(join(tmpdir(), 'holdfast-store-'));
    root = join(outer, 'store');
    store = await openLocalStore(root, { random: randomUUID });
  });
  afterEach(() => fs.rm(outer, { recursive: true }));

  const keysIn = async (prefix = '') => {
    const keys: string[] = [];
    for await (const { key } of store.list(prefix)) keys.push(key);
    return keys;
  };
  const drafts = () => (existsSync(join(root, '.tmp')) ? readdirSync(join(root, '.tmp')) : []);
  const put = (key: string, bytes = 10) => store.put(key, randomBytes(bytes));

  test('is empty when it does not exist, and is not made by looking at it', async () => {
    expect(await keysIn()).toEqual([]);
    expect(await keysIn('backups/site/')).toEqual([]);
    expect(await store.head('a')).toBeUndefined();
    await store.release('a');
    expect(existsSync(root)).toBe(false);
  });

  test('is named by its absolute path', async () => {
    const relative = await openLocalStore('some/folder', { random: randomUUID });
    expect(relative.url).toBe(resolve('some/folder'));
  });

  test('makes folders and files that only their owner can read, whatever the umask', async () => {
    const before = process.umask(0);
    try {
      store = await openLocalStore(join(root, 'deep/er'), { random: randomUUID });
      await put('a/b/c');
      await store.clone('a/b/c', 'a/b/d');
    } finally {
      process.umask(before);
    }
    const modes = await Promise.all(
      ['', 'deep', 'deep/er', 'deep/er/.tmp', 'deep/er/a/b', 'deep/er/a/b/c', 'deep/er/a/b/d'].map(
        async (path) => (await fs.stat(join(root, path))).mode & 0o7777,
      ),
    );
    expect(modes).toEqual([0o700, 0o700, 0o700, 0o700, 0o700, 0o600, 0o600]);
  });

  test('leaves one name for each object and no other file', async () => {
    await put('a/b', 3_000_000);
    await store.clone('a/b', 'c');
    await store.now();
    expect((await fs.stat(join(root, 'a/b'))).nlink).toBe(1);
    expect((await fs.stat(join(root, 'c'))).nlink).toBe(1);
    expect(readdirSync(root).sort()).toEqual(['.tmp', 'a', 'c']);
    expect(drafts()).toEqual([]);
  });

  test('clones into blocks of its own: damage to one is not damage to the other', async () => {
    const body = randomBytes(5_000_000);
    await store.put('one', body);
    await store.clone('one', 'two');
    const damaged = await fs.open(join(root, 'one'), 'r+');
    await damaged.write(Buffer.from([0, 0, 0, 0]), 0, 4, 4_500_000);
    await damaged.close();
    expect(body.equals(await store.read('two', 0, 5_000_000))).toBe(true);
    expect((await fs.stat(join(root, 'two'))).blocks).toBeGreaterThan(9_000);
  });

  test('finds an object that was cut after it was stored, and after it was first read', async () => {
    await put('cut', 100_000);
    await store.read('cut', 0, 100_000);
    await fs.truncate(join(root, 'cut'), 90_000);
    await expect(store.read('cut', 0, 100_000)).rejects.toEqual(failure('BACKUP_DAMAGED'));
    expect(await store.read('cut', 0, 90_000)).toHaveLength(90_000);
    const cloned = store.clone('cut', 'copy');
    await expect(cloned).rejects.toEqual(failure('BACKUP_DAMAGED'));
    expect(await keysIn()).toEqual(['cut']);
  });

  test('removes the folders that a release leaves empty, never the root nor what others use', async () => {
    for (const key of ['a/b/c/d', 'a/b/e', 'f']) await put(key);
    await store.release('a/b/c/d');
    expect(existsSync(join(root, 'a/b/c'))).toBe(false);
    expect(await keysIn()).toEqual(['a/b/e', 'f']);
    await store.release('a/b');
    await store.release('a/b/e');
    await store.release('f');
    expect(readdirSync(root)).toEqual(['.tmp']);
  });

  test('stores beside others that remove the same folders as soon as they are empty', async () => {
    let done = false as boolean;
    const puts = async () => {
      for (let turn = 0; turn < 60; turn += 1) {
        await put(`x/y/${turn}`);
        await store.release(`x/y/${turn}`);
      }
    };
    const releases = async () => {
      while (!done) await store.release('x/y/none');
    };
    const putting = puts().finally(() => {
      done = true;
    });
    await Promise.all([putting, releases(), releases(), releases(), releases()]);
    expect(readdirSync(root)).toEqual(['.tmp']);
  });

  test('refuses keys where one would be the folder of another', async () => {
    await put('a/b');
    await expect(put('a')).rejects.toEqual(failure('STORE_CONFLICT'));
    await expect(put('a/b/c')).rejects.toEqual(failure('STORE_CONFLICT'));
    expect(await keysIn()).toEqual(['a/b']);
    expect(drafts()).toEqual([]);
  });

  test('tries another name when that of a file being written is taken', async () => {
    const names = ['taken', 'taken', 'free', 'free', 'other'];
    store = await openLocalStore(root, { random: () => names.shift() ?? 'taken' });
    await put('a');
    await fs.writeFile(join(root, '.tmp/taken'), 'of another');
    await put('b');
    expect(drafts()).toEqual(['taken']);
    names.length = 0;
    await expect(put('c')).rejects.toEqual(failure('STORE_UNAVAILABLE'));
    expect(await fs.readFile(join(root, '.tmp/taken'), 'utf8')).toBe('of another');
  });

  test('removes what dead runs left in a day or more, and nothing younger', async () => {
    await fs.mkdir(join(root, '.tmp'), { recursive: true });
    const ages = { old: 25, 'very-old': 9_000, young: 23, '.commit.lock': 9_000 };
    for (const [name, hours] of Object.entries(ages)) {
      await fs.writeFile(join(root, '.tmp', name), 'left');
      const time = new Date(machineTime().getTime() - (hours * DAY_MS) / 24);
      await fs.utimes(join(root, '.tmp', name), time, time);
    }
    await put('a');
    expect(drafts().sort()).toEqual(['.commit.lock', 'young']);
  });

  test('keeps as many files open after thousands of calls as before', async () => {
    const openNow = () => readdirSync('/dev/fd').length;
    const before = openNow();
    for (let turn = 0; turn < 40; turn += 1) await put(`many/${turn}`, 2_000);
    for (let turn = 0; turn < 1_000; turn += 1) {
      await store.read(`many/${turn % 40}`, turn, 100);
      await store.read('absent', 0, 1).catch(() => undefined);
    }
    for (let turn = 0; turn < 40; turn += 1) await store.clone(`many/${turn}`, `copy/${turn}`);
    for (let turn = 0; turn < 40; turn += 1)
      await store.put(`many/${turn}`, broken()).catch(() => undefined);
    await keysIn();
    for (let turn = 0; turn < 40; turn += 1) await store.release(`many/${turn}`);
    // Those that were read last stay open for a while.
    expect(openNow()).toBeLessThanOrEqual(before + 8);
    for (let turn = 0; turn < 100 && openNow() > before; turn += 1) await wait(100);
    expect(openNow()).toBeLessThanOrEqual(before);
  });

  describe('and what does not belong into it', () => {
    test('refuses to be a symbolic link or a file', async () => {
      await fs.mkdir(join(outer, 'real'));
      await fs.symlink(join(outer, 'real'), join(outer, 'link'));
      await fs.writeFile(join(outer, 'file'), '');
      const open = (name: string) => openLocalStore(join(outer, name), { random: randomUUID });
      await expect(open('link')).rejects.toEqual(failure('PATH_UNSAFE'));
      await expect(open('link/')).rejects.toEqual(failure('PATH_UNSAFE'));
      await expect(open('file')).rejects.toEqual(failure('CONFIG_INVALID'));
    });

    test('refuses a root that becomes a symbolic link later', async () => {
      await put('a');
      await fs.rename(root, join(outer, 'elsewhere'));
      await fs.symlink(join(outer, 'elsewhere'), root);
      await expect(put('b')).rejects.toEqual(failure('PATH_UNSAFE'));
      await expect(store.read('a', 0, 1)).rejects.toEqual(failure('PATH_UNSAFE'));
      await expect(keysIn()).rejects.toEqual(failure('PATH_UNSAFE'));
    });

    test.each(['folder', '.tmp'])('follows no symbolic link in place of %s', async (name) => {
      const outside = join(outer, 'outside');
      await fs.mkdir(outside);
      await fs.writeFile(join(outside, 'a'), 'secret');
      await fs.mkdir(root);
      await fs.symlink(outside, join(root, name));
      await expect(put('folder/b')).rejects.toEqual(failure('PATH_UNSAFE'));
      if (name === 'folder') {
        await expect(store.read('folder/a', 0, 1)).rejects.toEqual(failure('PATH_UNSAFE'));
        await expect(store.head('folder/a')).rejects.toEqual(failure('PATH_UNSAFE'));
        await expect(store.release('folder/a')).rejects.toEqual(failure('PATH_UNSAFE'));
        await expect(keysIn('folder/')).rejects.toEqual(failure('PATH_UNSAFE'));
      }
      expect(await keysIn()).toEqual([]);
      expect(readdirSync(outside)).toEqual(['a']);
    });

    test('follows no symbolic link in place of an object', async () => {
      await put('real');
      await fs.symlink(join(root, 'real'), join(root, 'link'));
      await fs.symlink('nowhere', join(root, 'dangling'));
      for (const key of ['link', 'dangling']) {
        await expect(store.read(key, 0, 1)).rejects.toEqual(failure('PATH_UNSAFE'));
        await expect(store.head(key)).rejects.toEqual(failure('PATH_UNSAFE'));
        await expect(store.clone(key, 'copy')).rejects.toEqual(failure('PATH_UNSAFE'));
        await expect(put(key)).rejects.toEqual(failure('PATH_UNSAFE'));
      }
      expect(await keysIn()).toEqual(['real']);
      await store.release('link');
      expect(await keysIn()).toEqual(['real']);
      expect(readdirSync(root).sort()).toEqual(['.tmp', 'dangling', 'real']);
    });

    test('lists neither strange names nor anything but files, and reads no FIFO', async () => {
      await put('a');
      execFileSync('mkfifo', [join(root, 'fifo')]);
      for (const name of ['.hidden', 'a b', 'ä', 'x+y', '.tmp/draft']) {
        await fs.writeFile(join(root, name), 'x');
      }
      await fs.mkdir(join(root, 'lost+found'));
      await fs.writeFile(join(root, 'lost+found/a'), 'x');
      expect(await keysIn()).toEqual(['a']);
      await expect(store.read('fifo', 0, 0)).rejects.toEqual(failure('BACKUP_NOT_FOUND'));
      expect(await store.head('fifo')).toBeUndefined();
    });
  });

  describe('in other processes', () => {
    test.each(['with-links', 'without-links'])(
      'holds only whole objects after kill -9 at any moment (%s)',
      async (links) => {
        for (let round = 0; round < 4; round += 1) {
          const { child, lines, said, ended } = startStoreProcess('put-forever', root, {
            args: [links],
          });
          await said('stored', 1 + Math.floor(Math.random() * 8));
          await wait(Math.random() * 20);
          child.kill('SIGKILL');
          await ended;
          const stored = lines.filter((line) => line === 'stored').length;
          const found = await keysIn(`objects/${child.pid ?? 0}-`);
          // One more may be stored, its process dead before it could say so.
          expect(found.length - stored).toBeGreaterThanOrEqual(0);
          expect(found.length - stored).toBeLessThanOrEqual(1);
          for (const key of await keysIn()) {
            expect(await digestOf(store, key)).toBe(key.split('/').at(-1));
          }
        }
        await put('after');
        expect(await store.head('after')).toBeDefined();
      },
    );

    const failsForWantOfSpace = async (way: FullDisk) => {
      await fs.mkdir(root);
      const leave = way.enter(root);
      try {
        const { lines, complaints, ended } = startStoreProcess('put-large', root, {
          shell: way.shell,
        });
        await ended;
        expect({ lines, complaints }).toEqual({
          lines: ['begun', 'NO_SPACE', 'stored'],
          complaints: [],
        });
        expect(await keysIn()).toEqual(['objects/late', 'objects/small']);
        expect(drafts()).toEqual([]);
      } finally {
        leave();
      }
    };

    test('fails with NO_SPACE on a file that may not grow, and leaves what was there', () =>
      failsForWantOfSpace({ shell: 'ulimit -f 2000', enter: () => () => undefined }));

    asRoot('fails with NO_SPACE on a full disk, and leaves what was there', () =>
      failsForWantOfSpace({ shell: ':', enter: mountSmallDisk }),
    );

    test('fails with STORE_DENIED where it may not write, and where it may not even look', async () => {
      await put('objects/mine');
      await fs.chmod(outer, 0o755);
      const isRoot = process.getuid?.() === 0;
      const modes = isRoot ? [0o700, 0o755] : [0o000, 0o500];
      for (const mode of modes) {
        for (const folder of ['.tmp', 'objects', '.']) await fs.chmod(join(root, folder), mode);
        const { lines, complaints, ended } = startStoreProcess('put-as-nobody', root);
        await ended;
        for (const folder of ['.', '.tmp', 'objects']) await fs.chmod(join(root, folder), 0o700);
        expect(complaints).toEqual([]);
        expect(lines).toEqual(['begun', 'STORE_DENIED', 'STORE_DENIED']);
        expect(await keysIn()).toEqual(['objects/mine']);
        expect(drafts()).toEqual([]);
      }
    });
  });
});

async function* broken(): AsyncGenerator<Uint8Array> {
  await Promise.resolve();
  yield randomBytes(100);
  throw new Error('broken');
}

async function digestOf(store: Store, key: string): Promise<string> {
  const { bytes } = (await store.head(key)) ?? { bytes: -1 };
  return createHash('sha256')
    .update(await store.read(key, 0, bytes))
    .digest('hex');
}

interface FullDisk {
  readonly shell: string;
  /** Makes the folder small and returns what undoes it. */
  readonly enter: (folder: string) => () => void;
}

function mountSmallDisk(folder: string): () => void {
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder]);
  return () => execFileSync('umount', ['-l', folder]);
}
