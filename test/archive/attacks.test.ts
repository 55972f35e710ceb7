// Archives that agree with themselves and mean harm. Nothing outside the folder that is restored into may be touched.
import fs from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Pool } from '../../lib/archive/threads/pool.ts';
import { proveArchive } from '../../lib/archive/read/prove-archive.ts';
import type { RestoreSummary } from '../../lib/archive/read/restore-archive.ts';
import { ASIDE } from '../../lib/archive/read/ownership.ts';
import { HoldfastError } from '../../lib/errors.ts';
import { INDEX_PATH } from '../../lib/format/own-paths.ts';
import { onePart, plant, restoreInto, Scratch } from '../support/archives.ts';
import { forge, openForged, tarOf, type ForgedGroup } from '../support/forge.ts';
import { factsOf, type TreeFacts } from '../support/trees.ts';

let scratch: Scratch;
let canary: TreeFacts;

beforeEach(() => {
  scratch = new Scratch();
  plant(scratch.path, {
    'canary/file': 'alive',
    'canary/folder/inner': 'alive',
    'outside.txt': 'alive',
  });
  canary = factsOf(scratch.path, { without: /^out$/ });
});

afterEach(() => {
  scratch[Symbol.dispose]();
});

/** Restores what was forged; what it throws is returned, and nothing beside the target may have changed. */
async function attempt(
  groups: readonly ForgedGroup[],
  paths: readonly string[] = [],
): Promise<RestoreSummary | string> {
  let outcome: RestoreSummary | string;
  try {
    outcome = await restoreInto(await openForged(await forge(groups)), scratch.at('out'), {
      paths,
    });
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    outcome = error.code;
  }
  if (typeof outcome !== 'string' && outcome.problems.some(({ path }) => path === INDEX_PATH)) {
    // A piece of the index that cannot be read is passed over, and all that it names with it.
    expect(outcome.entries).toBe(0);
    outcome = 'BACKUP_DAMAGED';
  }
  expect(factsOf(scratch.path, { without: /^out$/ })).toEqual(canary);
  return outcome;
}

/** What level `content` says of it: its code, or the paths that it names. */
async function provenAs(groups: readonly ForgedGroup[]): Promise<string | string[]> {
  const { bytes, place } = await forge(groups);
  await using pool = new Pool({ workers: 0 });
  try {
    const { problems } = await proveArchive({
      parts: onePart(() => openForged({ bytes, place })),
      entries: undefined,
      level: 'content',
      pool,
      signal: undefined,
      onProgress: undefined,
    });
    return problems.map(({ path }) => path);
  } catch (error) {
    return (error as HoldfastError).code;
  }
}

const one = (...entries: ForgedGroup['entries']): ForgedGroup[] => [{ entries }];
const EVIL = { content: 'evil' };
const hardlink = (linkTarget: string, path = 'h') =>
  ({ path, type: 'hardlink', linkTarget, ...EVIL }) as const;

test('what is forged honestly is restored, so that the refusals below are for their reasons', async () => {
  const groups = [
    { entries: [{ path: 'a/' }, { path: 'a/b', ...EVIL }] },
    { entries: [{ path: 'f', ...EVIL }, hardlink('f')] },
    { entries: [{ path: 's', type: 'symlink', linkTarget: '../outside.txt' }] },
  ] as const;
  expect(await attempt(groups)).toMatchObject({ problems: [], entries: 5, files: 3 });
  expect(await provenAs(groups)).toEqual([]);
});

describe('a path that leads elsewhere is refused before anything is written', () => {
  test.each([
    '../outside.txt',
    '../../x',
    'a/../../outside.txt',
    'a/..',
    '..',
    '/etc/cron.d/evil',
    '//server/share',
    './a',
    'a//b',
    'a/./b',
    'nul\0byte',
    '',
    '.holdfast/SHA256SUMS',
    '.holdfast',
    'x/'.repeat(2100) + 'x',
  ])('%j', async (path) => {
    const groups = one({ path, ...EVIL });
    expect(await attempt(groups)).toBe('PATH_UNSAFE');
    expect(fs.readdirSync(scratch.at('out'))).toEqual([]);
    expect(await provenAs(groups)).toBe('PATH_UNSAFE');
  });

  test('in a folder, a link and a hard link as well', async () => {
    expect(await attempt(one({ path: '../canary/' }))).toBe('PATH_UNSAFE');
    fs.rmdirSync(scratch.at('out'));
    expect(await attempt(one({ path: '../link', type: 'symlink', linkTarget: 'x' }))).toBe(
      'PATH_UNSAFE',
    );
    fs.rmdirSync(scratch.at('out'));
    expect(
      await attempt(one({ path: 'h', type: 'hardlink', linkTarget: '../outside.txt', ...EVIL })),
    ).toBe('PATH_UNSAFE');
    fs.rmdirSync(scratch.at('out'));
    expect(
      await attempt(
        one({ path: 'h', type: 'hardlink', linkTarget: `${scratch.path}/outside.txt`, ...EVIL }),
      ),
    ).toBe('PATH_UNSAFE');
  });

  test('and what is no way up on this system is an ordinary name', async () => {
    const names = [
      '..\\..\\x',
      'C:\\x',
      'C:x',
      '\\\\server\\share',
      '...',
      '..a',
      'a\\..\\b',
    ].sort();
    expect(await attempt(one(...names.map((path) => ({ path, ...EVIL }))))).toMatchObject({
      problems: [],
      files: names.length,
    });
    expect(fs.readdirSync(scratch.at('out')).sort()).toEqual(names);
  });
});

describe('links are no way out', () => {
  const link = (path: string, linkTarget: string) => ({
    path,
    type: 'symlink' as const,
    linkTarget,
  });

  test.each<[string, ForgedGroup[]]>([
    ['a file below a link', one(link('l', '../canary'), { path: 'l/file', ...EVIL })],
    [
      'a folder of the same name as a link',
      one(link('l', '../canary'), { path: 'l/' }, { path: 'l/file', ...EVIL }),
    ],
    ['a link below a file', one({ path: 'f', ...EVIL }, link('f/l', '..'))],
    [
      'a file below a link, other names between',
      one(link('l', '../canary'), { path: 'l!', ...EVIL }, { path: 'l/file', ...EVIL }),
    ],
    ['two steps', one(link('a', '..'), link('a/b', 'canary'), { path: 'a/b/file', ...EVIL })],
    ['a file and a folder of one name', one({ path: 'x', ...EVIL }, { path: 'x/' })],
    ['one name twice', one({ path: 'x', ...EVIL }, link('x', '../outside.txt'))],
    [
      'one name twice, in two members',
      [...one(link('x', '../outside.txt')), ...one({ path: 'x', ...EVIL })],
    ],
    ['names out of order', one({ path: 'b', ...EVIL }, { path: 'a', ...EVIL })],
    [
      'a file below a hard link',
      one(
        { path: 'a', ...EVIL },
        { path: 'h', type: 'hardlink', linkTarget: 'a', ...EVIL },
        { path: 'h/x', ...EVIL },
      ),
    ],
  ])('%s', async (_, groups) => {
    expect(await attempt(groups)).toBe('BACKUP_DAMAGED');
    expect(await provenAs(groups)).toContain('.holdfast/index.ndjson');
  });

  test('they are made last, and kept as they are', async () => {
    const groups = one({ path: 'a', ...EVIL }, link('l', '../canary'), link('m', '/etc/passwd'), {
      path: 'z',
      ...EVIL,
    });
    expect(await attempt(groups)).toMatchObject({ problems: [], entries: 4 });
    expect(fs.readlinkSync(scratch.at('out/l'))).toBe('../canary');
    expect(fs.readlinkSync(scratch.at('out/m'))).toBe('/etc/passwd');
  });

  test.each<[string, ForgedGroup[]]>([
    ['nothing', one(hardlink('gone'))],
    ['itself', one(hardlink('h'))],
    ['a folder', one({ path: 'd/' }, hardlink('d'))],
    ['a folder, spelled as one', one({ path: 'd/' }, hardlink('d/'))],
    ['a link that leads out', one(hardlink('l'), link('l', '../outside.txt'))],
    ['a link before it', one(link('a', '../outside.txt'), hardlink('a'))],
    [
      'another hard link',
      one(
        { path: 'a', ...EVIL },
        { path: 'b', type: 'hardlink', linkTarget: 'a', ...EVIL },
        hardlink('b'),
      ),
    ],
  ])('a hard link to %s is a problem of its own', async (_, groups) => {
    const outcome = await attempt(groups);
    if (typeof outcome === 'string') throw new Error(outcome);
    const linked = fs.existsSync(scratch.at('out/h'));
    expect([linked, outcome.problems.some(({ path }) => path === 'h')]).toContain(true);
    if (linked) expect(fs.readFileSync(scratch.at('out/h'), 'utf8')).toBe('evil');
    expect(await provenAs(groups)).toContain('h');
  });

  test('a hard link whose digest is not that of its file is found', async () => {
    const groups = one({ path: 'a', content: 'x' }, { ...hardlink('a'), content: 'y' });
    expect(await provenAs(groups)).toEqual(expect.arrayContaining(['h']));
  });
});

describe('what the tar says differs from what the index says', () => {
  const harmless = { path: 'f', content: 'same' };

  test.each<[string, Buffer]>([
    ['a mode with setuid', tarOf([{ ...harmless, mode: 0o4755 }])],
    ['another owner', tarOf([{ ...harmless, uid: 1 }])],
    ['another name', tarOf([{ ...harmless, path: 'g' }])],
    ['another size', tarOf([{ ...harmless, content: 'longer' }])],
    ['a link', tarOf([{ path: 'f', type: 'symlink', linkTarget: '../outside.txt' }])],
    ['an entry more', tarOf([harmless, { path: 'g', content: 'hidden' }])],
    ['an entry less', Buffer.alloc(0)],
    [
      'something in the padding',
      Buffer.concat([tarOf([harmless]).subarray(0, -1), Buffer.from('x')]),
    ],
  ])('%s: the entry is not restored', async (_, raw) => {
    const groups = [{ entries: [harmless], raw }];
    const outcome = await attempt(groups);
    expect(outcome).toMatchObject({ problems: [{ path: 'f', code: 'damaged' }] });
    expect(fs.existsSync(scratch.at('out/f'))).toBe(false);
    expect(await provenAs(groups)).toEqual(['f']);
  });

  test('content that is not the digest in the index is found at level content', async () => {
    expect(await provenAs([{ entries: [{ ...harmless, sha256: 'ab'.repeat(32) }] }])).toEqual([
      'f',
    ]);
  });
});

describe('numbers that lie', () => {
  const file = { path: 'f', ...EVIL };

  test.each<[string, ForgedGroup[], string]>([
    ['a negative size', one({ ...file, size: -1 }), 'BACKUP_DAMAGED'],
    ['a size that is no number', one({ ...file, size: NaN }), 'BACKUP_DAMAGED'],
    ['an owner beyond 32 bits', one({ ...file, uid: 2 ** 40 }), 'FORMAT_UNSUPPORTED'],
    ['a mode with a type in it', one({ ...file, mode: 0o100644 }), 'FORMAT_UNSUPPORTED'],
    ['a time beyond all time', one({ ...file, mtimeMicroseconds: 1e300 }), 'FORMAT_UNSUPPORTED'],
    ['a folder without its slash', one({ path: 'd', type: 'directory' }), 'FORMAT_UNSUPPORTED'],
    ['a file with a slash', one({ path: 'f/', type: 'file', ...EVIL }), 'FORMAT_UNSUPPORTED'],
    ['a member that begins late', [{ entries: [file], member: { offset: 1 } }], 'BACKUP_DAMAGED'],
    [
      'a member beyond the end',
      [{ entries: [file], member: { offset: 2 ** 50 } }],
      'BACKUP_DAMAGED',
    ],
    [
      'members that overlap',
      [...one(file), { entries: [{ path: 'g', ...EVIL }], member: { offset: 0 } }],
      'BACKUP_DAMAGED',
    ],
    [
      'a member that is all of memory',
      [{ entries: [file], member: { rawBytes: 2 ** 40 } }],
      'BACKUP_DAMAGED',
    ],
    [
      'a member that takes what it does not hold',
      [{ entries: [file], member: { bytes: 2 ** 25 } }],
      'BACKUP_DAMAGED',
    ],
  ])('%s', async (_, groups, code) => {
    expect(await attempt(groups)).toBe(code);
  });

  test('a file that its members do not add up to', async () => {
    const member = {
      offset: 0,
      bytes: 0,
      rawBytes: 1 << 20,
      sha256: 'ab'.repeat(32),
      key: '0'.repeat(64),
    };
    expect(await attempt([{ entries: [file], more: [member, member] }])).toBe('BACKUP_DAMAGED');
  });

  test('a bomb is stopped at what the index says, and the others are restored', async () => {
    const bomb = Buffer.alloc(16 << 20);
    const before = process.memoryUsage.rss();
    const groups = [
      { entries: [{ path: 'a', content: 'fine' }] },
      { entries: [file], raw: bomb, member: { rawBytes: 120_000 } },
      { entries: [{ path: 'z', content: 'fine' }] },
    ];
    const forged = await forge(groups);
    const summary = await restoreInto(await openForged(forged), scratch.at('out'));
    expect(summary.problems).toMatchObject([{ path: 'f', code: 'damaged' }]);
    expect(fs.readdirSync(scratch.at('out'))).toEqual(['a', 'z']);
    expect(process.memoryUsage.rss() - before).toBeLessThan(100 << 20);
  });

  test('a digest of another member does not open this one', async () => {
    const outcome = await attempt([
      { entries: [{ path: 'a', content: 'x' }] },
      { entries: [{ path: 'b', content: 'y' }], member: { sha256: 'ab'.repeat(32) } },
    ]);
    expect(outcome).toMatchObject({ problems: [{ path: 'b', code: 'damaged' }] });
    expect(fs.readdirSync(scratch.at('out'))).toEqual(['a']);
  });
});

describe('rights', () => {
  test('set-id bits and owners are not given by a restore that was not asked for them', async () => {
    const entries = [
      { path: 'd/', mode: 0o6777 },
      { path: 'd/f', mode: 0o6755, uid: 0, gid: 0, ...EVIL },
    ];
    expect(await attempt(one(...entries))).toMatchObject({ problems: [] });
    expect(fs.statSync(scratch.at('out/d/f')).mode & 0o7777).toBe(0o755);
    expect(fs.statSync(scratch.at('out/d')).mode & 0o7777).toBe(0o777);
  });

  test('a folder that nobody may enter does not hinder what is in it', async () => {
    const groups = one(
      { path: 'd/', mode: 0 },
      { path: 'd/e/', mode: 0 },
      { path: 'd/e/f', ...EVIL },
    );
    expect(await attempt(groups)).toMatchObject({ problems: [], files: 1 });
    expect(fs.statSync(scratch.at('out/d')).mode & 0o7777).toBe(0);
    fs.chmodSync(scratch.at('out/d'), 0o700);
  });
});

test('what stands in the way of a file is not overwritten', async () => {
  fs.mkdirSync(scratch.at('elsewhere'));
  const archive = await openForged(
    await forge(one({ path: 'a', ...EVIL }, { path: 'd/' }, { path: 'd/b', ...EVIL })),
  );
  const pool = new Pool({ workers: 0 });
  const { restoreArchive } = await import('../../lib/archive/read/restore-archive.ts');
  fs.symlinkSync(scratch.at('outside.txt'), scratch.at('elsewhere/a'));
  fs.symlinkSync(scratch.at('canary'), scratch.at('elsewhere/d'));
  const summary = await restoreArchive(onePart(archive), {
    root: `${scratch.at('elsewhere')}/`,
    paths: [],
    write: { ownership: ASIDE },
    pool,
    signal: undefined,
    onProgress: undefined,
  });
  expect(summary.problems.map(({ path }) => path)).toContain('a');
  expect(fs.readFileSync(scratch.at('outside.txt'), 'utf8')).toBe('alive');
});
