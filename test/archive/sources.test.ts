// What a tree may hold, and what may happen to it while it is read: faults of source files, F1 to F19.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { ArchiveWriter, type ArchiveSummary } from '../../lib/archive/write/archive-writer.ts';
import { openArchive, readGroups } from '../../lib/archive/read/archive-reader.ts';
import { partBytes } from '../../lib/archive/write/output.ts';
import type { SourceEntry } from '../../lib/archive/write/plan.ts';
import { Pool } from '../../lib/archive/threads/pool.ts';
import { proveArchive } from '../../lib/archive/read/prove-archive.ts';
import { ScanWriter } from '../../lib/archive/write/scan.ts';
import type { IndexEntry } from '../../lib/format/archive-index.ts';
import { createSelector } from '../../lib/sources/tree/select.ts';
import { walk } from '../../lib/sources/tree/walk.ts';
import {
  onePart,
  backUp,
  MemoryReader,
  openMade,
  plant,
  prose,
  prove,
  Scratch,
  type MadeBackup,
} from '../support/archives.ts';
import { machineTime } from '../support/machine-time.ts';
import { plantSpecials } from '../support/trees.ts';

const SPLIT = 5 << 20;

/** The entries of a folder as the walker finds them, before anything is read. */
function found(root: string): SourceEntry[] {
  return [
    ...walk({
      root: `${root}/`,
      selector: createSelector({}),
      secrets: 'include',
      times: 'recorded',
      oneFileSystem: false,
      leaveOut: new Set(),
      onProblem: () => undefined,
    }),
  ];
}

interface Written {
  readonly summary: ArchiveSummary;
  readonly entries: readonly IndexEntry[];
  readonly problems: readonly string[];
}

/** Archives entries as they were found, though the tree is another by now, and makes sure that the archive is sound. */
async function write(entries: Iterable<SourceEntry>): Promise<Written> {
  await using pool = new Pool({ workers: 0 });
  const scan = new ScanWriter(pool, machineTime());
  const writer = new ArchiveWriter({
    entries,
    encoding: { codec: 'gzip', level: 2 },
    pool,
    scan,
    predecessor: undefined,
    signal: undefined,
    onProgress: undefined,
  });
  let summary: ArchiveSummary | undefined;
  const parts = async function* () {
    summary = yield* writer.write();
  };
  const chunks: Uint8Array[] = [];
  for await (const chunk of partBytes(parts(), undefined)) chunks.push(Buffer.from(chunk));
  if (summary?.place === undefined) throw new Error('no archive was made');
  const archive = Buffer.concat(chunks);
  execFileSync('tar', ['-tzf', '-'], { input: archive, stdio: ['pipe', 'ignore', 'ignore'] });
  const opened = await openArchive(new MemoryReader(archive), summary.place, 'gzip');
  const input = {
    parts: onePart(opened),
    entries: summary.totals.entries,
    level: 'content',
    pool,
    signal: undefined,
    onProgress: undefined,
  } as const;
  expect((await proveArchive(input)).problems).toEqual([]);
  const listed: IndexEntry[] = [];
  for await (const group of readGroups(opened)) listed.push(...group.entries);
  return {
    summary,
    entries: listed,
    problems: summary.problems.map(({ path, code }) => `${path}: ${code}`).sort(),
  };
}

const paths = ({ entries }: Written) => entries.map(({ path }) => path);

async function entriesOf(backup: MadeBackup): Promise<IndexEntry[]> {
  const listed: IndexEntry[] = [];
  for await (const group of readGroups(await openMade(backup))) listed.push(...group.entries);
  return listed;
}

const problemsOf = (backup: MadeBackup) =>
  backup.problems.map(({ path, code, tolerated }) => ({ path, code, tolerated }));

describe('while it is read, a file', () => {
  test.each([
    ['a small file', prose(3000)],
    ['a split file', prose(SPLIT)],
  ])('vanishes: %s is a problem, and the others are there', async (_, content) => {
    using scratch = new Scratch();
    plant(scratch.path, { a: 'x', b: content, c: 'x' });
    const entries = found(scratch.path);
    fs.rmSync(scratch.at('b'));
    const written = await write(entries);
    expect(paths(written)).toEqual(['a', 'c']);
    expect(written.problems).toEqual(['b: vanished']);
  });

  test('vanishes with its folder', async () => {
    using scratch = new Scratch();
    plant(scratch.path, { a: 'x', 'b/c': 'x', 'b/d': 'x' });
    const entries = found(scratch.path);
    fs.rmSync(scratch.at('b'), { recursive: true });
    const written = await write(entries);
    expect(paths(written)).toEqual(['a', 'b/']);
    expect(written.problems).toEqual(['b/c: vanished', 'b/d: vanished']);
  });

  test.each([
    ['grows', 'longer than it was'],
    ['shrinks', 'x'],
    ['is emptied', ''],
    ['keeps its size', 'other!'],
  ])('%s before its turn: it is taken as it is now', async (_, now) => {
    using scratch = new Scratch();
    plant(scratch.path, { a: 'before', b: 'x' });
    const entries = found(scratch.path);
    fs.writeFileSync(scratch.at('a'), now);
    const written = await write(entries);
    expect(written.problems).toEqual([]);
    expect(written.entries[0]).toMatchObject({ path: 'a', size: now.length });
  });

  test('never holds still: it is taken, said, and read again in the next run', async () => {
    using scratch = new Scratch();
    const log = scratch.at('log');
    plant(scratch.path, { log: prose(100_000) });
    const growing = 'while :; do printf x >> "$1"; done';
    const shell = execFileSync('sh', ['-c', `(${growing}) >/dev/null 2>&1 & echo $!`, 'sh', log])
      .toString()
      .trim();
    try {
      const written = await write(found(scratch.path));
      // Whether an append falls into each attempt is the scheduler's choice; either way the archive is sound.
      expect(paths(written)).toEqual(['log']);
      expect([[], ['log: changed']]).toContainEqual(written.problems);
    } finally {
      process.kill(Number(shell));
    }
  });

  test.each([
    ['grows', SPLIT + 1000],
    ['shrinks', SPLIT - 1000],
    ['shrinks to less than a piece', 100],
  ])('is large and %s: what was promised is written, and said', async (_, bytes) => {
    using scratch = new Scratch();
    plant(scratch.path, { large: prose(SPLIT), z: 'x' });
    const entries = found(scratch.path);
    fs.truncateSync(scratch.at('large'), bytes);
    const written = await write(entries);
    expect(written.entries.map(({ path, size }) => [path, size])).toEqual([
      ['large', SPLIT],
      ['z', 1],
    ]);
    expect(written.problems).toEqual(['large: changed']);
  });

  test.each([
    ['a folder', (at: string) => fs.mkdirSync(at), 'unreadable'],
    ['a link to a secret', (at: string) => fs.symlinkSync('/etc/passwd', at), 'changed'],
    ['a pipe', (at: string) => execFileSync('mkfifo', [at]), 'unreadable'],
  ])('becomes %s: it is neither followed nor waited for', async (_, swap, code) => {
    for (const content of ['x', prose(SPLIT)]) {
      using scratch = new Scratch();
      plant(scratch.path, { a: content, b: 'x' });
      const entries = found(scratch.path);
      fs.rmSync(scratch.at('a'));
      swap(scratch.at('a'));
      const written = await write(entries);
      expect(paths(written)).toEqual(['b']);
      expect(['a: changed', `a: ${code}`]).toContain(written.problems.join());
    }
  });

  test('is the first name of a hard link and vanishes: the second is a problem as well, not a link to nothing', async () => {
    for (const content of ['x', prose(SPLIT)]) {
      using scratch = new Scratch();
      plant(scratch.path, { a: content, b: 'x', z: 'x' });
      fs.linkSync(scratch.at('a'), scratch.at('c'));
      const entries = found(scratch.path);
      fs.rmSync(scratch.at('a'));
      const written = await write(entries);
      expect(paths(written)).toEqual(['b', 'z']);
      expect(written.problems).toEqual(['a: vanished', 'c: unreadable']);
    }
  });

  test('says that it is empty and is not, as those of /proc do', async () => {
    using scratch = new Scratch();
    plant(scratch.path, { a: '' });
    const entries = found(scratch.path).map((entry) => ({
      ...entry,
      readPath: '/proc/self/status',
    }));
    const written = await write(entries);
    expect(paths(written)).toEqual([]);
    expect(written.summary.problems[0]?.detail).toMatch(/is empty and is not|no longer/);
  });

  test('is larger than an archive can index: it is left out before it is read', async () => {
    using scratch = new Scratch();
    plant(scratch.path, { a: '', b: 'x' });
    fs.truncateSync(scratch.at('a'), 2 ** 40 + 1);
    const written = await write(found(scratch.path));
    expect(paths(written)).toEqual(['b']);
    expect(written.problems).toEqual(['a: skipped']);
  });
});

describe('of a tree', () => {
  test('pipes and sockets are named and left out, and nothing waits for them', async () => {
    using scratch = new Scratch();
    plant(scratch.path, { a: 'x' });
    plantSpecials(scratch.at('special'));
    const backup = await backUp(scratch.path);
    expect((await entriesOf(backup)).map(({ path }) => path)).toEqual(['a', 'special/']);
    expect(problemsOf(backup)).toEqual([
      { path: 'special/pipe', code: 'skipped', tolerated: true },
      { path: 'special/socket', code: 'skipped', tolerated: true },
    ]);
  });

  test.each([
    ['a folder', (at: string) => plant(at, { SHA256SUMS: 'lies', 'keys/x': 'x' })],
    ['a file', (at: string) => fs.writeFileSync(at, 'x')],
    [
      'a link, which would lead what tar extracts elsewhere',
      (at: string) => fs.symlinkSync('/tmp', at),
    ],
  ])('the name that archives keep is left out when it is %s', async (_, make) => {
    using scratch = new Scratch();
    plant(scratch.path, { a: 'x', 'b/.holdfast/c': 'x' });
    make(scratch.at('.holdfast'));
    const backup = await backUp(scratch.path);
    expect((await entriesOf(backup)).map(({ path }) => path)).toEqual([
      'a',
      'b/',
      'b/.holdfast/',
      'b/.holdfast/c',
    ]);
    expect(backup.problems).toMatchObject([{ code: 'skipped', tolerated: true }]);
  });

  test('the store is left out, by whatever path it is reached', async () => {
    using scratch = new Scratch();
    plant(scratch.path, { a: 'x', 'backups/store/holdfast.json': '{}' });
    fs.symlinkSync('backups', scratch.at('alias'));
    const backup = await backUp(scratch.path, { leaveOut: [scratch.at('alias/store')] });
    expect((await entriesOf(backup)).map(({ path }) => path)).toEqual(['a', 'alias', 'backups/']);
  });

  test('a hard link shares the digest of its first name; a second link to a symlink is another symlink', async () => {
    using scratch = new Scratch();
    plant(scratch.path, { a: prose(2000) });
    fs.linkSync(scratch.at('a'), scratch.at('b'));
    fs.symlinkSync('a', scratch.at('s1'));
    fs.linkSync(scratch.at('s1'), scratch.at('s2'));
    const [a, b, s1, s2] = await entriesOf(await backUp(scratch.path));
    expect(b).toMatchObject({ type: 'hardlink', linkTarget: 'a', sha256: a?.sha256, size: 0 });
    expect([s1?.type, s2?.type]).toEqual(['symlink', 'symlink']);
  });

  test('holes are told from zeros, and a small file has none', async () => {
    using scratch = new Scratch();
    plant(scratch.path, { small: '', sparse: '', zeros: Buffer.alloc(1 << 20) });
    fs.truncateSync(scratch.at('sparse'), 1 << 20);
    fs.truncateSync(scratch.at('small'), 4096);
    const entries = await entriesOf(await backUp(scratch.path));
    expect(entries.map(({ path, holes }) => [path, holes])).toEqual([
      ['small', false],
      ['sparse', true],
      ['zeros', false],
    ]);
  });

  test('a source that is missing, no folder or empty is no backup', async () => {
    using scratch = new Scratch();
    plant(scratch.path, { file: 'x', 'empty/': '', 'pipes/': '' });
    for (const name of ['gone', 'file', 'empty', 'pipes']) {
      await expect(backUp(scratch.at(name), { allowEmpty: false })).rejects.toMatchObject({
        code: 'SOURCE_UNREADABLE',
      });
    }
    const allowed = await backUp(scratch.at('empty'), { allowEmpty: true });
    expect((await prove(allowed, 'content')).problems).toEqual([]);
    expect(await entriesOf(allowed)).toEqual([]);
  });

  test('problems that the configuration tolerates are marked so', async () => {
    using scratch = new Scratch();
    plant(scratch.path, { 'logs/a': '', 'logs/b': '' });
    for (const name of ['a', 'b']) fs.truncateSync(scratch.at(`logs/${name}`), 2 ** 40 + 1);
    const backup = await backUp(scratch.path, { tolerate: ['logs/a'] });
    expect(backup.problems.map(({ path, tolerated }) => [path, tolerated])).toEqual([
      ['logs/a', true],
      ['logs/b', undefined],
    ]);
  });

  test('a .gitignore that is a link or a pipe is not followed, and its absence is said', async () => {
    using scratch = new Scratch();
    plant(scratch.path, {
      'a/x': 'x',
      'b/x': 'x',
      'c/x': 'x',
      'c/.gitignore': 'x\n',
      rules: 'x\n',
    });
    fs.symlinkSync('../rules', scratch.at('a/.gitignore'));
    execFileSync('mkfifo', [scratch.at('b/.gitignore')]);
    const backup = await backUp(scratch.path, { gitignore: true });
    const taken = (await entriesOf(backup)).map(({ path }) => path);
    expect(taken).toEqual([
      'a/',
      'a/.gitignore',
      'a/x',
      'b/',
      'b/x',
      'c/',
      'c/.gitignore',
      'rules',
    ]);
    expect(problemsOf(backup)).toEqual([
      { path: 'a/.gitignore', code: 'unreadable', tolerated: true },
      { path: 'b/.gitignore', code: 'unreadable', tolerated: true },
      { path: 'b/.gitignore', code: 'skipped', tolerated: true },
    ]);
  });
});

describe('without the rights to read all of it', () => {
  const CHILD = fileURLToPath(new URL('../support/archive-child.ts', import.meta.url));
  // Root may read everything; whoever else runs the tests is nobody special already.
  const nobody = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
  const asNobody = (folder: string) =>
    JSON.parse(
      execFileSync(process.execPath, [CHILD, folder], { ...nobody, cwd: '/' }).toString(),
    ) as {
      code?: string;
      problems: { path: string; code: string; detail: string; tolerated?: boolean }[];
      totals: { files: number };
    };

  test('what cannot be read is named, escaped, and the rest is there', () => {
    using scratch = new Scratch();
    fs.chmodSync(scratch.path, 0o755);
    plant(scratch.path, { 'a\x1b[31m': 'x', b: 'x', 'c/d': 'x', 'e/large': prose(SPLIT) });
    for (const path of ['a\x1b[31m', 'c', 'e/large']) fs.chmodSync(scratch.at(path), 0);
    const { problems, totals } = asNobody(scratch.path);
    expect(problems.sort((a, b) => (a.path < b.path ? -1 : 1))).toEqual([
      { path: 'a\\x1b[31m', code: 'unreadable', detail: 'EACCES: permission denied' },
      { path: 'c/', code: 'unreadable', detail: 'EACCES: permission denied' },
      { path: 'e/large', code: 'unreadable', detail: 'EACCES: permission denied' },
    ]);
    expect(totals.files).toBe(1);
    for (const path of ['a\x1b[31m', 'c', 'e/large']) fs.chmodSync(scratch.at(path), 0o700);
  });

  test('a source that cannot be read at all is no backup', () => {
    using scratch = new Scratch();
    fs.chmodSync(scratch.path, 0);
    expect(asNobody(scratch.path)).toEqual({ code: 'SOURCE_UNREADABLE' });
    fs.chmodSync(scratch.path, 0o700);
  });
});
