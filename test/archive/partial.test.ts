// A path out of an archive costs the members that hold it, a piece of the index or two, and the table.
import fs from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  backUp,
  noise,
  openMade,
  plant,
  prose,
  restoreInto,
  Scratch,
  type MadeBackup,
} from '../support/archives.ts';
import { factsOf } from '../support/trees.ts';

const scratch = new Scratch();
let backup: MadeBackup;
let runs = 0;

beforeAll(async () => {
  const files = Object.fromEntries(
    Array.from({ length: 12_000 }, (_, i) => [
      `site/${i % 120}/${String(i).padStart(5, '0')}-${'n'.repeat(40)}.md`,
      `# ${i}\n`,
    ]),
  );
  plant(scratch.at('tree'), {
    ...files,
    'images/photo.jpg': noise(9 << 20),
    'images/small.jpg': noise(20_000, 2),
    a: 'x',
    'a!': 'beside',
    'a-b': 'beside',
    'b/file': 'x',
    'b!': 'beside',
    'b-c/file': 'beside',
    b0: 'beside',
    'b/z/file': 'x',
    'notes.txt': prose(100),
  });
  fs.linkSync(scratch.at('tree/notes.txt'), scratch.at('tree/x-linked'));
  fs.linkSync(scratch.at('tree/notes.txt'), scratch.at('tree/y-linked'));
  fs.symlinkSync('site', scratch.at('tree/z-link'));
  backup = await backUp(scratch.at('tree'), { workers: 2 });
});

afterAll(() => {
  scratch[Symbol.dispose]();
});

async function restored(
  ...paths: string[]
): Promise<{ into: string; readBytes: number; entries: number }> {
  const archive = await openMade(backup);
  const opened = archive.reader.readBytes;
  const into = scratch.at(`out-${runs++}`);
  const { problems, entries } = await restoreInto(archive, into, { paths });
  expect(problems).toEqual([]);
  return { into, readBytes: archive.reader.readBytes - opened, entries };
}

const largestPiece = async () =>
  Math.max(...(await openMade(backup)).table.pieces.map(({ bytes }) => bytes));

describe('one path', () => {
  test('reads a member, and no more of the index than where it and what lies below it would stand', async () => {
    const { into, readBytes } = await restored(`site/7/00007-${'n'.repeat(40)}.md`);
    expect(fs.readFileSync(`${into}/site/7/00007-${'n'.repeat(40)}.md`, 'utf8')).toBe('# 7\n');
    expect(readBytes).toBeLessThan(2 * (await largestPiece()) + 70_000);
    expect(readBytes).toBeLessThan(backup.archive.length / 25);
  });

  test('opens the archive by its table alone', async () => {
    const { reader } = await openMade(backup);
    expect(reader.ranges).toHaveLength(1);
    expect(reader.readBytes).toBeLessThan(10_000);
  });

  test('of a small file beside a large one does not read the large one', async () => {
    expect((await restored('images/small.jpg')).readBytes).toBeLessThan(1 << 20);
    expect((await restored('images/photo.jpg')).readBytes).toBeGreaterThan(9 << 20);
  });
});

describe('what is asked for', () => {
  test.each<[string, string[], string[]]>([
    ['a file, not what sorts beside it', ['a'], ['a']],
    [
      'a folder with all below it, not what sorts between',
      ['b'],
      ['b', 'b/file', 'b/z', 'b/z/file'],
    ],
    ['a folder in a folder', ['b/z'], ['b', 'b/z', 'b/z/file']],
    ['a file in a folder', ['b/file'], ['b', 'b/file']],
    ['a link, not what it leads to', ['z-link'], ['z-link']],
    ['several', ['z-link', 'a', 'b0'], ['a', 'b0', 'z-link']],
    ['one path twice', ['a', 'a'], ['a']],
    ['a folder and what is in it', ['b/file', 'b', 'b/z/file'], ['b', 'b/file', 'b/z', 'b/z/file']],
    ['a hard link without its first name', ['x-linked'], ['x-linked']],
    ['two names of one file without the first', ['x-linked', 'y-linked'], ['x-linked', 'y-linked']],
    ['a hard link with its first name', ['y-linked', 'notes.txt'], ['notes.txt', 'y-linked']],
  ])('%s', async (_, paths, wanted) => {
    const { into } = await restored(...paths);
    const found = factsOf(into, { times: false });
    expect(Object.keys(found).sort()).toEqual(wanted);
    const links = wanted.filter((path) => /linked|notes/.test(path));
    for (const path of links) {
      expect(fs.readFileSync(`${into}/${path}`).equals(prose(100))).toBe(true);
      expect(fs.statSync(`${into}/${path}`).nlink).toBe(links.length);
    }
  });

  test.each([
    [['gone']],
    [['a', 'gone']],
    [['b', 'b/gone']],
    [['site/7/0']],
    [['a/x']],
    [['']],
    [['..']],
  ])('but is not there: %j', async (paths) => {
    const into = scratch.at(`out-${runs++}`);
    await expect(restoreInto(await openMade(backup), into, { paths })).rejects.toMatchObject({
      code: 'BACKUP_NOT_FOUND',
    });
  });
});

test('a tree is restored whole with any number of workers', async () => {
  const wanted = factsOf(scratch.at('tree'));
  for (const workers of [0, 2]) {
    const into = scratch.at(`whole-${workers}`);
    await restoreInto(await openMade(backup), into, { workers });
    expect(factsOf(into)).toEqual(wanted);
  }
});
