// Keys that cannot be paths keep their content under a name made from the key, and the key in the index.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readGroups } from '../../../lib/archive/read/archive-reader.ts';
import { Pool } from '../../../lib/archive/threads/pool.ts';
import {
  bucketKind,
  bucketSource,
  type BucketOptions,
} from '../../../lib/sources/bucket/source.ts';
import {
  openMade,
  prove,
  prose,
  readBackup,
  Scratch,
  type MadeBackup,
} from '../../support/archives.ts';
import { SmallBucket } from '../../support/small-bucket.ts';

let bucket: SmallBucket;
beforeEach(async () => {
  bucket = await SmallBucket.start();
});
afterEach(async () => {
  await bucket[Symbol.asyncDispose]();
});

async function backUp(
  changes: Partial<BucketOptions> = {},
  predecessor?: MadeBackup,
): Promise<MadeBackup> {
  const options = {
    name: 'site',
    bucket: 'assets',
    prefix: '',
    // As the configuration has it where nothing is said.
    include: ['**'],
    exclude: [],
    tolerate: [],
    allowEmpty: false,
    compression: 'default',
    account: undefined,
    ...changes,
  } as const;
  return readBackup(bucketSource(options, { client: bucket.client }), { predecessor });
}

/** The content of every file of a backup, by the key that it tells. */
async function contents(made: MadeBackup, into: string): Promise<Map<string, string>> {
  fs.mkdirSync(into);
  execFileSync('tar', ['-xzf', '-', '-C', into], { input: made.archive });
  execFileSync('sha256sum', ['--quiet', '-c', '.holdfast/SHA256SUMS'], { cwd: into });
  const found = new Map<string, string>();
  for await (const { entries } of readGroups(await openMade(made))) {
    for (const { type, path, objectKey = path } of entries) {
      if (type !== 'file') continue;
      const name = Buffer.from(path, 'latin1').toString();
      const content = fs.readFileSync(`${into}/${name}`, 'utf8');
      found.set(Buffer.from(objectKey, 'latin1').toString(), content);
    }
  }
  return found;
}

async function pathsOf(made: MadeBackup): Promise<string[]> {
  const paths: string[] = [];
  for await (const { entries } of readGroups(await openMade(made))) {
    paths.push(...entries.map(({ path }) => path));
  }
  return paths;
}

const keyPath = (key: string) => `.holdfast/keys/${createHash('sha256').update(key).digest('hex')}`;

const ODD = [
  '/absolute',
  'a//b',
  'a/../../etc/passwd',
  './here',
  'named-like-a-folder/',
  `long/${'n'.repeat(256)}`,
  'nul\0in-it',
  'x\\y/..',
];

describe('keys of a bucket', () => {
  it('that cannot be paths are kept, and restored by tar beside the others', async () => {
    using scratch = new Scratch();
    for (const key of [...ODD, 'plain', 'z/plain', '!early', '-x'])
      bucket.put(key, `content of ${key}`);

    const made = await backUp();

    expect(made.problems).toEqual([]);
    const found = await contents(made, scratch.at('restored'));
    expect(found.size).toBe(ODD.length + 4);
    for (const [key, content] of found) expect(content).toBe(`content of ${key}`);
    const paths = await pathsOf(made);
    expect(paths).toEqual([...paths].sort());
    for (const key of ODD) expect(paths).toContain(keyPath(key));
    // The reader that was written from docs/format.md alone.
    fs.writeFileSync(scratch.at('alone.tar.gz'), made.archive);
    execFileSync('python3', ['test/support/reader.py', 'verify', scratch.at('alone.tar.gz')]);
    expect((await prove(made, 'content')).problems).toEqual([]);
  });

  it('that are a file and a folder at once keep the folder', async () => {
    for (const key of ['a', 'a-between', 'a.txt', 'a/b', 'a/b/c', 'ab/c']) bucket.put(key, key);

    expect(await pathsOf(await backUp())).toEqual([
      ...[keyPath('a'), keyPath('a/b')].sort(),
      'a-between',
      'a.txt',
      'a/',
      'a/b/',
      'a/b/c',
      'ab/',
      'ab/c',
    ]);
  });

  it('are compared with what was restored, those that cannot be paths as well', async () => {
    using scratch = new Scratch();
    for (const key of ['a//b', 'c', 'd/e']) bucket.put(key, key);
    const made = await backUp();
    await using pool = new Pool({ workers: 0 });
    const work = { pool, signal: undefined, onProgress: undefined, owners: 'aside' } as const;
    const folder = scratch.at('restored');
    fs.mkdirSync(folder);
    await bucketKind.restore(made, { ...work, into: folder, paths: [] });
    const compare = async () =>
      (await bucketKind.compare(made, { ...work, folder, paths: [], times: true })).differences;

    expect(await compare()).toEqual([]);
    fs.writeFileSync(`${folder}/${keyPath('a//b')}`, 'a//c');
    expect((await compare()).filter(({ change }) => change !== 'time')).toEqual([
      expect.objectContaining({ path: keyPath('a//b'), change: 'content' }),
    ]);
  });

  it('below .holdfast/ are kept like those that cannot be paths', async () => {
    using scratch = new Scratch();
    const own = ['.holdfast', '.holdfast/index.ndjson', '.holdfast/SHA256SUMS', keyPath('x')];
    for (const key of [...own, 'page']) bucket.put(key, `content of ${key}`);

    const made = await backUp();

    expect(made.problems).toEqual([]);
    expect(await pathsOf(made)).toEqual([...own.map(keyPath).sort(), 'page']);
    const found = await contents(made, scratch.at('restored'));
    for (const key of own) expect(found.get(key)).toBe(`content of ${key}`);
  });

  it('with parts that no file can be called are matched by wildcards like others', async () => {
    const keys = ['.', '..', './a.css', '../a.css', '/a.css', 'x/../a.css', 'x//a.css', 'x/./b.js'];
    for (const key of keys) bucket.put(key, key);
    const css = keys.filter((key) => key.endsWith('.css'));

    expect(await pathsOf(await backUp({ include: ['**/*.css'] }))).toEqual(css.map(keyPath).sort());
    expect(await pathsOf(await backUp({ include: ['*/*.css'] }))).toEqual(
      ['./a.css', '../a.css', '/a.css'].map(keyPath).sort(),
    );
    expect(await pathsOf(await backUp({ exclude: ['**/*.css'] }))).toEqual(
      ['.', '..', 'x/./b.js'].map(keyPath).sort(),
    );
  });

  it('are taken as the globs say, folders that consoles make included', async () => {
    for (const key of [
      'css/a.css',
      'css/a.map',
      'deep/css/b.css',
      'img/x.png',
      'odd//a.map',
      'odd//b.css',
    ])
      bucket.put(key, key);
    bucket.put('empty/', '');
    bucket.put('img/', '');

    expect(await pathsOf(await backUp({ exclude: ['*.map', 'img'] }))).toEqual([
      keyPath('odd//b.css'),
      'css/',
      'css/a.css',
      'deep/',
      'deep/css/',
      'deep/css/b.css',
      'empty/',
    ]);
    const named = await backUp({ include: ['**/*.css', 'gone.txt'], exclude: ['odd'] });
    expect(await pathsOf(named)).toEqual([
      'css/',
      'css/a.css',
      'deep/',
      'deep/css/',
      'deep/css/b.css',
    ]);
    expect(named.problems.map(({ path, code }) => [path, code])).toEqual([
      ['gone.txt', 'vanished'],
    ]);
  });

  it('lose their prefix', async () => {
    for (const key of ['site/', 'site/a', 'site/b/c', 'sites', 'other'])
      bucket.put(key, key === 'site/' ? '' : key);

    expect(await pathsOf(await backUp({ prefix: 'site/' }))).toEqual(['a', 'b/', 'b/c']);
  });

  it('of any kind come back as they were, whatever pages they are listed in', async () => {
    const part = fc.constantFrom(
      '',
      'a',
      'b',
      'a-',
      'é',
      '..',
      '.',
      '+',
      ' ',
      '%41',
      '.holdfas',
      '.holdfast',
      'SHA256SUMS',
      'keys',
      '\u0001',
      '\n',
      'n'.repeat(256),
      '😀',
      '￿',
    );
    const key = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(
          key.filter((one) => one !== ''),
          { minLength: 1, maxLength: 30 },
        ),
        fc.boolean(),
        fc.integer({ min: 1, max: 5 }),
        async (keys, versions, pageSize) => {
          using scratch = new Scratch();
          bucket.objects.clear();
          Object.assign(bucket, { versions, pageSize });
          for (const one of keys) bucket.put(one, `content of ${one}`);

          const found = await contents(await backUp(), scratch.at('restored'));

          expect([...found.keys()].sort()).toEqual([...keys].sort());
          for (const [one, content] of found) expect(content).toBe(`content of ${one}`);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('are sorted where a server gives them in an order of its own', async () => {
    for (const key of ['b', 'a/x', 'c']) bucket.put(key, prose(20));
    bucket.shuffled = true;

    expect(await pathsOf(await backUp())).toEqual(['a/', 'a/x', 'b', 'c']);
  });
});
