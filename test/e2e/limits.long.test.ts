// Where something runs out or is forbidden: full disks, read-only stores, few file descriptors, little memory.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { describe, expect, test } from '@jest/globals';
import { Scratch, noise } from '../support/archives.ts';
import { contents, listed, treeOf, unsound } from '../support/engine.ts';
import { plantSite } from '../support/small-site.ts';
import { makeSystem, type Ended, type System } from '../support/system.ts';
import { asRoot } from '../support/as-root.ts';

const TIMEOUT_MS = 240_000;

/** Far more than the heap that it is read, verified and restored with. */
const LARGE_BYTES = (process.env['HOLDFAST_SWEEPS'] === undefined ? 128 : 2048) * 2 ** 20;

/** A file system of its own, as small as it is told to be. */
function mounted(size: string) {
  const scratch = new Scratch();
  const folder = scratch.at('disk');
  fs.mkdirSync(folder);
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder]);
  return {
    folder,
    remount: (how: 'ro' | 'rw') => execFileSync('mount', ['-o', `remount,${how}`, folder]),
    [Symbol.dispose]: () => {
      // Lazily: the store keeps what it read last open for a moment.
      execFileSync('umount', ['-l', folder]);
      scratch[Symbol.dispose]();
    },
  };
}

interface Failed {
  readonly code: string;
  readonly hint?: string;
}

/** The failure that a command printed, of its own or of its first source. */
function failureOf({ stdout }: Ended): Failed | undefined {
  const { error, sources } = JSON.parse(stdout) as {
    error?: Failed;
    sources?: { error?: Failed }[];
  };
  return error ?? sources?.[0]?.error;
}

const temporary = ({ folder }: Pick<System, 'folder'>) => fs.readdirSync(path.join(folder, '.tmp'));

describe('a full disk', () => {
  asRoot(
    'fails a backup with NO_SPACE and a hint; earlier ones and the next are none the worse',
    async () => {
      using disk = mounted('2m');
      using system = makeSystem({ plant: plantSite, folder: path.join(disk.folder, 'store') });
      await system.json(['backup']);
      const store = await system.openStore();
      const before = await contents(store, 'backups/');
      fs.writeFileSync(`${system.site}/large.bin`, noise(6_000_000));
      const full = await system.run(['backup', '--json']);
      expect(full.exit).toBe(1);
      expect(failureOf(full)).toMatchObject({
        code: 'NO_SPACE',
        hint: expect.stringContaining('Free some space'),
      });
      expect(await contents(store, 'backups/')).toEqual(before);
      expect(temporary(system)).toEqual([]);
      fs.rmSync(`${system.site}/large.bin`);
      await system.json(['backup']);
      expect(await listed(store)).toHaveLength(2);
      expect(await unsound(store, new Map(), system)).toEqual([]);
    },
    TIMEOUT_MS,
  );

  asRoot(
    'without a byte left can still be read, verified, restored from and pruned',
    async () => {
      using disk = mounted('2m');
      using system = makeSystem({ plant: plantSite, folder: path.join(disk.folder, 'store') });
      await system.json(['backup']);
      fill(path.join(disk.folder, 'filler'));
      const backup = await system.run(['backup', '--json']);
      expect({ exit: backup.exit, failure: failureOf(backup)?.code }).toEqual({
        exit: 1,
        failure: 'NO_SPACE',
      });
      await system.json(['list']);
      const verified = await system.run(['verify']);
      expect(verified).toMatchObject({
        exit: 0,
        stderr: expect.stringContaining('no evidence was kept'),
      });
      const to = path.join(system.root, 'restored');
      const restored = await system.run(['restore', 'site/latest', '--to', to]);
      expect(restored).toMatchObject({
        exit: 0,
        stderr: expect.stringContaining('no record was left'),
      });
      expect(treeOf(to)).toEqual(treeOf(system.site));
      // Letting go needs a record first: nobody finds a backup gone and no reason why.
      const pruned = await system.run(['prune', '--json']);
      expect({ exit: pruned.exit, failure: failureOf(pruned)?.code }).toEqual({
        exit: 1,
        failure: 'NO_SPACE',
      });
      expect(await listed(await system.openStore())).toHaveLength(1);
    },
    TIMEOUT_MS,
  );

  asRoot(
    'fails a restore with NO_SPACE and leaves nothing at its target',
    async () => {
      using disk = mounted('2m');
      using system = makeSystem({ plant: plantSite });
      fs.writeFileSync(`${system.site}/large.bin`, noise(6_000_000));
      await system.json(['backup']);
      for (const more of [[], ['--skip-damaged'], ['--no-verify']]) {
        const to = path.join(disk.folder, 'restored');
        const full = await system.run(['restore', 'site/latest', '--to', to, '--json', ...more]);
        expect({ exit: full.exit, code: failureOf(full)?.code }).toEqual({
          exit: 1,
          code: 'NO_SPACE',
        });
        expect(failureOf(full)?.hint).toBeDefined();
        expect(fs.readdirSync(disk.folder)).toEqual([]);
      }
    },
    TIMEOUT_MS,
  );

  asRoot(
    'makes a restore test inconclusive, and no backup damaged',
    async () => {
      using disk = mounted('2m');
      using system = makeSystem({ plant: plantSite });
      fs.writeFileSync(`${system.site}/large.bin`, noise(6_000_000));
      await system.json(['backup']);
      const tested = await system.run(['restore-test', '--json'], { env: { TMPDIR: disk.folder } });
      expect(tested.exit).toBe(4);
      expect(JSON.parse(tested.stdout)).toMatchObject({
        backups: [{ verdict: 'inconclusive', problems: [{ code: 'NO_SPACE' }] }],
      });
      expect(fs.readdirSync(disk.folder)).toEqual([]);
      expect(await system.json(['list'])).toMatchObject({ backups: [{ standing: 'good' }] });
    },
    TIMEOUT_MS,
  );

  test(
    'or a limit on the size of files fails a backup with NO_SPACE',
    async () => {
      using system = makeSystem({ plant: plantSite });
      await system.json(['backup']);
      const store = await system.openStore();
      const before = await contents(store, 'backups/');
      fs.writeFileSync(`${system.site}/large.bin`, noise(6_000_000));
      const full = await system.run(['backup', '--json'], { shell: 'ulimit -f 2000' });
      expect({ exit: full.exit, code: failureOf(full)?.code }).toEqual({
        exit: 1,
        code: 'NO_SPACE',
      });
      expect(await contents(store, 'backups/')).toEqual(before);
      expect(temporary(system)).toEqual([]);
    },
    TIMEOUT_MS,
  );
});

describe('a store that is read-only', () => {
  asRoot(
    'refuses a backup and a prune with 12, and gives all that it holds',
    async () => {
      using disk = mounted('16m');
      using system = makeSystem({ plant: plantSite, folder: path.join(disk.folder, 'store') });
      await system.json(['backup']);
      const store = await system.openStore();
      const before = await contents(store);
      disk.remount('ro');
      for (const command of ['backup', 'prune']) {
        const refused = await system.run([command, '--json']);
        expect({ command, exit: refused.exit, code: failureOf(refused)?.code }).toEqual({
          command,
          exit: 12,
          code: 'STORE_DENIED',
        });
      }
      await system.json(['list']);
      await system.json(['prune', '--dry-run']);
      expect(await system.run(['verify', '--all'])).toMatchObject({
        exit: 0,
        stderr: expect.stringContaining('no evidence was kept'),
      });
      expect(await system.run(['restore-test'])).toMatchObject({
        exit: 0,
        stderr: expect.stringContaining('no evidence was kept'),
      });
      const to = path.join(system.root, 'restored');
      expect(await system.run(['restore', 'site/latest', '--to', to])).toMatchObject({ exit: 0 });
      expect(treeOf(to)).toEqual(treeOf(system.site));
      expect(await contents(store)).toEqual(before);
    },
    TIMEOUT_MS,
  );
});

describe('few resources', () => {
  test(
    '64 file descriptors are enough for every verb',
    async () => {
      using system = makeSystem({ plant: plantMany });
      const shell = 'ulimit -n 64';
      const to = path.join(system.root, 'restored');
      for (const args of [
        ['backup'],
        ['backup', '--full'],
        ['verify', '--all'],
        ['restore', 'site/latest', '--to', to],
        ['restore-test'],
        ['prune'],
      ]) {
        const { exit, stderr } = await system.run(args, { shell });
        expect({ args, exit, stderr }).toEqual({ args, exit: 0, stderr: '' });
      }
      expect(treeOf(to)).toEqual(treeOf(system.site));
    },
    TIMEOUT_MS,
  );

  test(
    '64 MB of heap are enough for a file of any size',
    async () => {
      using system = makeSystem({ plant: plantSite });
      fs.closeSync(fs.openSync(`${system.site}/large.img`, 'w'));
      fs.truncateSync(`${system.site}/large.img`, LARGE_BYTES);
      const node = ['--max-old-space-size=64'];
      const to = path.join(system.root, 'restored');
      for (const args of [
        ['backup'],
        ['verify', '--all'],
        ['restore', 'site/latest', '--to', to],
      ]) {
        const { exit, stderr } = await system.run(args, { node });
        expect({ args, exit, stderr }).toEqual({ args, exit: 0, stderr: '' });
      }
      const { size, blocks } = fs.statSync(path.join(to, 'large.img'));
      expect(size).toBe(LARGE_BYTES);
      // What were holes are holes again.
      expect(blocks * 512).toBeLessThan(2 ** 20);
    },
    TIMEOUT_MS,
  );
});

/** More files than descriptors, large and small. */
function plantMany(site: string): void {
  plantSite(site);
  fs.mkdirSync(`${site}/many`);
  for (let n = 0; n < 600; n++) fs.writeFileSync(`${site}/many/${n}.txt`, `file ${n}`);
  for (let n = 0; n < 20; n++) fs.writeFileSync(`${site}/many/${n}.bin`, noise(600_000, n + 1));
  fs.writeFileSync(`${site}/many/split.bin`, noise(10_000_000, 77));
}

/** Writes a file until nothing more fits. */
function fill(file: string): void {
  const fd = fs.openSync(file, 'w');
  try {
    for (const bytes of [65_536, 4096, 512, 1]) {
      try {
        for (;;) fs.writeSync(fd, Buffer.alloc(bytes));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      }
    }
  } finally {
    fs.closeSync(fd);
  }
}
