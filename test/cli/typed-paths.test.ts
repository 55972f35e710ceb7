// What paths mean that people type, decided against a listing: every way of spelling an entry leads to it.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { typedPaths, type TypedPlace } from '../../lib/cli/typed-paths.ts';
import { HoldfastError } from '../../lib/errors.ts';
import { bytesOf, fromUtf8 } from '../../lib/format/paths.ts';
import type { ListedEntry, OpenBackup } from '../../lib/sources/source.ts';

const NAMES = [
  'index.html',
  'root.txt',
  'uploads/',
  'uploads/a.jpg',
  'uploads/b.jpg',
  'uploads/index.html',
  'uploads/2024/',
  'uploads/2024/Summer Trip.png',
  'app/',
  'app/[id]/',
  'app/[id]/page.tsx',
  'app/(shop)/',
  'app/(shop)/page.tsx',
  `${'über'.normalize('NFD')}.txt`,
  'Café/',
  `Café/${'é'.normalize('NFD')}.md`,
  'a{b,c}',
  'back\\slash',
  '-rf',
].map(fromUtf8);
const NOT_UTF8 = 'lat\xff.txt';
const LISTING = [...NAMES, NOT_UTF8].sort((a, b) => (a < b ? -1 : 1));

const kind = {
  // eslint-disable-next-line @typescript-eslint/require-await -- what a kind lists comes from a store
  async *list(_backup: OpenBackup, paths: readonly string[]): AsyncGenerator<ListedEntry> {
    for (const one of paths.length === 0 ? [undefined] : paths) {
      const found = LISTING.filter(
        (entry) =>
          one === undefined || entry === one || entry === `${one}/` || entry.startsWith(`${one}/`),
      );
      if (found.length === 0) throw new HoldfastError('BACKUP_NOT_FOUND', 'not there');
      for (const entry of found) yield { path: entry } as ListedEntry;
    }
  },
};

let root: string;
const notes: string[] = [];
beforeAll(() => {
  root = path.join(
    fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'holdfast-typed-'))),
    'site',
  );
  for (const folder of ['uploads/2024', 'app/[id]', 'Café']) {
    fs.mkdirSync(path.join(root, folder), { recursive: true });
  }
  fs.symlinkSync('site', path.join(path.dirname(root), 'www'));
});
afterAll(() => fs.rmSync(path.dirname(root), { recursive: true }));

const problems = [
  { path: 'app/.env', code: 'secret', detail: 'it holds environment variables', tolerated: true },
  { path: 'uploads/gone.jpg', code: 'vanished', detail: 'it is gone' },
];
const at = (folder: string, changes: Partial<TypedPlace> = {}): TypedPlace => ({
  cwd: path.join(root, folder),
  roots: [root],
  note: (text) => notes.push(text),
  ...changes,
});
const meant = (typed: string | string[], place: TypedPlace) =>
  typedPaths(
    kind,
    { manifest: { kind: 'files', problems } } as unknown as OpenBackup,
    [typed].flat(),
    place,
  );
const text = (bytes: string) => bytesOf(bytes).toString('utf8');

test('every entry is found from every folder, relative, absolute, and in either form of Unicode', async () => {
  const folders = fc.constantFrom('', 'uploads', 'uploads/2024', 'app/[id]', 'Café', '..');
  const form = fc.constantFrom('NFC', 'NFD');
  const way = fc.constantFrom('relative', 'absolute', 'with dot', 'with slash');
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...NAMES),
      folders,
      form,
      way,
      async (entry, folder, as, how) => {
        const bare = entry.replace(/\/$/, '');
        const place = at(folder);
        const full = path.join(root, text(bare).normalize(as));
        const relative = path.relative(place.cwd, full) || '.';
        // What leads out of the source and in again is no path in it, but for who stands outside.
        fc.pre(folder !== '..' || how === 'absolute');
        const typed = {
          relative,
          absolute: full,
          'with dot': `./${relative}`,
          'with slash': `${relative}/`,
        }[how];
        expect(await meant(typed, place)).toEqual([bare]);
      },
    ),
  );
});

describe('a path', () => {
  test('may be seen from the source, too, wherever the user stands', async () => {
    expect(await meant('uploads/a.jpg', at('uploads/2024'))).toEqual(['uploads/a.jpg']);
    expect(await meant('uploads/a.jpg', at('', { cwd: os.tmpdir() }))).toEqual(['uploads/a.jpg']);
    expect(await meant('uploads/a.jpg', at('', { roots: [] }))).toEqual(['uploads/a.jpg']);
  });

  test('that could mean two entries means the one where the user stands, and he is told', async () => {
    notes.length = 0;
    expect(await meant('index.html', at('uploads'))).toEqual(['uploads/index.html']);
    expect(notes).toEqual([expect.stringContaining('the backup holds index.html, too')]);
  });

  test('may lead through a link to the source', async () => {
    const www = path.join(path.dirname(root), 'www');
    expect(await meant(`${www}/uploads/a.jpg`, at(''))).toEqual(['uploads/a.jpg']);
    expect(await meant(`${root}/uploads/a.jpg`, at('', { roots: [www] }))).toEqual([
      'uploads/a.jpg',
    ]);
  });

  test('of the folder itself means all that is in it; of the source, everything', async () => {
    expect(await meant('.', at('uploads'))).toEqual(['uploads']);
    expect(await meant('.', at(''))).toEqual([]);
    expect(await meant(root, at('uploads'))).toEqual([]);
    expect(await meant('..', at('uploads'))).toEqual([]);
  });

  test('may be a name that is not UTF-8, as it is shown', async () => {
    expect(await meant('lat\\xff.txt', at(''))).toEqual([NOT_UTF8]);
    expect(await meant('lat\ufffd.txt', at(''))).toEqual([NOT_UTF8]);
  });
});

describe('a pattern', () => {
  test.each([
    ['*.jpg', 'uploads', ['uploads/a.jpg', 'uploads/b.jpg']],
    ['uploads/*.jpg', '', ['uploads/a.jpg', 'uploads/b.jpg']],
    [
      '../*.txt',
      'uploads',
      ['lat\xff.txt', 'root.txt', fromUtf8(`${'über'.normalize('NFD')}.txt`)],
    ],
    ['**/*.png', '', ['uploads/2024/Summer Trip.png']],
    ['*/page.tsx', 'app', ['app/(shop)/page.tsx', 'app/[id]/page.tsx']],
    ['*', 'app/[id]', ['app/[id]/page.tsx']],
    ['upl*', '', ['uploads']],
  ])('%s in %s', async (pattern, folder, expected) => {
    expect((await meant(pattern, at(folder))).sort()).toEqual(expected.sort());
  });

  test('is a name where the backup holds one that is spelled so', async () => {
    expect(await meant('app/[id]/page.tsx', at(''))).toEqual(['app/[id]/page.tsx']);
    expect(await meant('a{b,c}', at(''))).toEqual(['a{b,c}']);
  });
});

test.each([
  ['uplaods/a.jpg', 'uploads/a.jpg'],
  ['UPLOADS/A.JPG', 'uploads/a.jpg'],
  ['page.tsx', 'page.tsx'],
  ['uploads/summer trip.png', 'Summer Trip.png'],
])('of %s, which is not there, the nearest is named', async (typed, near) => {
  await expect(meant(typed, at(''))).rejects.toMatchObject({
    code: 'BACKUP_NOT_FOUND',
    hint: expect.stringMatching(
      new RegExp(`^Did you mean \\S*.*${near.replace(/[.]/g, '\\.')}\\?`),
    ),
  });
});

test('an empty path is refused: a variable that is not set must not mean everything', async () => {
  await expect(meant('', at(''))).rejects.toMatchObject({ code: 'USAGE' });
});

test('what is nowhere near is refused without a guess, and what lies elsewhere with the folder', async () => {
  await expect(meant('zzzzzzzzzz', at(''))).rejects.toMatchObject({
    hint: expect.not.stringContaining('Did you mean'),
  });
  await expect(meant('/etc/passwd', at(''))).rejects.toMatchObject({
    message: expect.stringContaining(`it is not in ${root}`),
  });
  await expect(meant('../../x', at('uploads'))).rejects.toMatchObject({ code: 'BACKUP_NOT_FOUND' });
});

test.each(['app/.env', './app/.env/'])('of %s, which was left out, it is said', async (typed) => {
  await expect(meant(typed, at(''))).rejects.toMatchObject({
    message: expect.stringContaining('it was left out, as it holds environment variables'),
    hint: expect.stringContaining("include: ['**', 'app/.env']"),
  });
});

test('of what was not backed up for another reason, nothing of secrets is said', async () => {
  await expect(meant('uploads/gone.jpg', at(''))).rejects.toMatchObject({
    message: expect.not.stringContaining('left out'),
  });
});
