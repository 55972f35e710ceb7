// Archives of several parts: they are read as one, and refused where they are none.
import fs from 'node:fs';
import process from 'node:process';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Pool } from '../../lib/archive/threads/pool.ts';
import type { HoldfastError, Problem } from '../../lib/errors.ts';
import type { Artifact, Manifest } from '../../lib/format/manifest.ts';
import { displayPath, fromUtf8 } from '../../lib/format/paths.ts';
import { filesKind } from '../../lib/sources/files/kind.ts';
import type { ListedEntry, OpenBackup } from '../../lib/sources/source.ts';
import { backUp, plant, prose, Scratch, type MadeBackup } from '../support/archives.ts';
import {
  backUpInParts,
  forgeParts,
  PARTS_THAT_CLASH,
  readersOf,
  withManifest,
  type ForgedPart,
  type PartedBackup,
} from '../support/parted.ts';
import { factsOf, plantEveryKind, type TreeFacts } from '../support/trees.ts';

const scratch = new Scratch();
let backup: PartedBackup;
let whole: MadeBackup;
let facts: TreeFacts;

beforeAll(async () => {
  plantEveryKind(scratch.at('tree'));
  backup = await backUpInParts(scratch.at('tree'), { largeBytes: 100_000 });
  whole = await backUp(scratch.at('tree'));
  facts = factsOf(scratch.at('tree'));
});

afterAll(() => {
  scratch[Symbol.dispose]();
});

const work = (pool: Pool) => ({ pool, signal: undefined, onProgress: undefined });
let restores = 0;

async function restored(from: OpenBackup, paths: readonly string[] = [], workers = 0) {
  const into = scratch.at(`restored-${restores++}`);
  fs.mkdirSync(into);
  await using pool = new Pool({ workers });
  const input = { ...work(pool), paths: paths.map(fromUtf8), into, owners: 'aside' } as const;
  return { into, ...(await filesKind.restore(from, input)) };
}

async function proven(from: OpenBackup, level: 'digest' | 'content' = 'content') {
  await using pool = new Pool({ workers: 0 });
  return await filesKind.prove({ ...from }, level, work(pool));
}

async function listed(from: OpenBackup, paths: readonly string[] = []): Promise<ListedEntry[]> {
  const entries: ListedEntry[] = [];
  for await (const entry of filesKind.list({ ...from }, paths)) entries.push(entry);
  return entries;
}

const codeOf = (error: unknown) => (error as HoldfastError).code;

describe('an archive of several parts', () => {
  test('has parts of each class, and hard links that lead to an earlier one', () => {
    const parts = backup.manifest.artifacts.map(({ part }) => part?.class);
    expect(new Set(parts)).toEqual(new Set(['large', 'small', 'directories']));
    expect(parts.filter((one) => one === 'small').length).toBeGreaterThan(5);
  });

  test.each([0, 2])('is restored as the tree that it was made of, with %i workers', async (n) => {
    for (const codec of ['gzip', 'zstd'] as const) {
      const made = await backUpInParts(scratch.at('tree'), { encoding: { codec, level: 1 } });
      const { into, problems, entries, bytes } = await restored(made, [], n);
      expect(problems).toEqual([]);
      expect({ entries, bytes }).toEqual({
        entries: made.manifest.totals.entries,
        bytes: made.manifest.totals.contentBytes,
      });
      expect(factsOf(into)).toEqual(facts);
    }
  });

  test.each(['digest', 'content'] as const)('is proven at level %s', async (level) => {
    const { problems, entries } = await proven(backup, level);
    expect(problems).toEqual([]);
    expect(entries).toBe(backup.manifest.totals.entries);
  });

  test.each<[string, string[]]>([
    ['everything', []],
    ['a folder', ['odd']],
    ['a file and a folder whose name begins as its name', ['a', 'a.d']],
    ['a large file', ['large/split']],
    ['a folder with files of every class', ['large', 'links', 'modes']],
  ])('lists %s as one archive does', async (_, paths) => {
    expect(await listed(backup, paths)).toEqual(await listed(whole, paths));
  });

  test('gives paths alone, with the content of a hard link that leads to another part', async () => {
    const paths = ['links/hard', 'large', 'a'];
    const { into, problems } = await restored(backup, paths);
    expect(problems).toEqual([]);
    expect(factsOf(into, { folderTimes: false })).toEqual(
      factsOf((await restored(whole, paths)).into, { folderTimes: false }),
    );
  });

  test('says of a path that it does not hold it', async () => {
    await expect(restored(backup, ['gone'])).rejects.toMatchObject({ code: 'BACKUP_NOT_FOUND' });
    await expect(listed(backup, ['gone'])).rejects.toMatchObject({ code: 'BACKUP_NOT_FOUND' });
  });

  test('is looked into for one file in at most one part of each class', async () => {
    const opened = new Set<string>();
    const open = (artifact: Artifact) => {
      opened.add(artifact.key);
      return backup.open(artifact);
    };
    await restored({ ...backup, open }, ['odd/tab\tcarriage\rreturn']);
    expect(opened.size).toBeLessThanOrEqual(3);
  });

  test('is compared with a folder as one archive is', async () => {
    const { into } = await restored(backup);
    fs.appendFileSync(`${into}/content`, 'x');
    fs.rmSync(`${into}/large/split`);
    fs.writeFileSync(`${into}/new`, 'x');
    fs.chmodSync(`${into}/empty`, 0o700);
    await using pool = new Pool({ workers: 0 });
    for (const paths of [[], ['large', 'empty']]) {
      const input = { ...work(pool), folder: into, paths, owners: 'aside', times: true } as const;
      const { differences } = await filesKind.compare(backup, input);
      expect(differences.length).toBeGreaterThan(1);
      expect(differences).toEqual((await filesKind.compare(whole, input)).differences);
    }
  });
});

test('any tree is restored as it was, wherever it is cut', async () => {
  const name = fc.constantFrom('a', 'a-b', 'a.d', 'b', 'z', 'é', '\u{1f600}');
  const file = fc.tuple(fc.array(name, { minLength: 1, maxLength: 3 }), fc.nat(3000));
  const cutting = fc.record({ entries: fc.integer({ min: 1, max: 9 }), largeBytes: fc.nat(3000) });
  await fc.assert(
    fc.asyncProperty(
      fc.array(file, { minLength: 2, maxLength: 12 }),
      cutting,
      async (files, how) => {
        using own = new Scratch();
        for (const [names, size] of files) {
          const to = own.at(`tree/${names.join('/')}.f`);
          plant(own.at('tree'), { [`${names.slice(0, -1).join('/')}/`]: '' });
          fs.writeFileSync(to, prose(size, size));
        }
        const made = await backUpInParts(own.at('tree'), how);
        fc.pre(made.manifest.artifacts.length > 1);
        expect((await proven(made)).problems).toEqual([]);
        expect(factsOf((await restored(made)).into)).toEqual(factsOf(own.at('tree')));
      },
    ),
    { numRuns: 30 },
  );
});

describe('damage', () => {
  /** Whatever was not restored as it was is named. */
  function assertNamed(into: string, problems: readonly Problem[]): void {
    const found = factsOf(into, { folderTimes: false });
    const named = problems.map(({ path }) => path);
    // A name that is lost counts among the links of its file.
    const withoutLinks = (fact = '') => fact.replace(/ \d+ (\d+ \w+)$/, ' $1');
    for (const [path, fact] of Object.entries(
      factsOf(scratch.at('tree'), { folderTimes: false }),
    )) {
      if (withoutLinks(found[path]) !== withoutLinks(fact))
        expect(named).toContain(displayPath(path));
    }
  }

  test('in each part is named with its entries, and the others are restored', async () => {
    for (const { key } of backup.manifest.artifacts) {
      const bytes = Buffer.from(backup.stored.get(key) ?? []);
      bytes[30] = (bytes[30] ?? 0) ^ 1;
      const damaged = { ...backup, open: readersOf(new Map([...backup.stored, [key, bytes]])) };
      const { problems } = await proven(damaged);
      expect(problems.length).toBeGreaterThan(0);
      expect(problems.length).toBeLessThan(30);
      const found = await restored(damaged);
      assertNamed(found.into, found.problems);
    }
  });

  test('of any byte of any part is found', async () => {
    plant(scratch.at('tiny'), { big: prose(300), 'd/e': 'x', f: 'y', g: '' });
    const tiny = await backUpInParts(scratch.at('tiny'), { largeBytes: 200, entries: 2 });
    expect(tiny.manifest.artifacts.length).toBe(4);
    await using pool = new Pool({ workers: 0 });
    const missed: string[] = [];
    // The long tests try each byte.
    const step = process.env['HOLDFAST_SWEEPS'] === undefined ? 7 : 1;
    for (const [key, whole] of tiny.stored) {
      for (let at = 0; at < whole.length; at += step) {
        const bytes = Buffer.from(whole);
        bytes[at] = (bytes[at] ?? 0) ^ 0x10;
        const open = readersOf(new Map([...tiny.stored, [key, bytes]]));
        const { problems } = await filesKind.prove({ ...tiny, open }, 'digest', work(pool));
        if (problems.length === 0) missed.push(`${key} ${at}`);
      }
    }
    expect(missed).toEqual([]);
    expect((await proven(tiny, 'digest')).problems).toEqual([]);
  });

  test('of a whole part is said, and the other parts are restored', async () => {
    for (const { key, part } of backup.manifest.artifacts) {
      const stored = new Map(backup.stored);
      stored.delete(key);
      const { into, problems } = await restored({ ...backup, open: readersOf(stored) });
      const [lost] = problems;
      expect(lost?.path).toMatch(/^\.holdfast\/index-[0-9a-f]{16}\.ndjson$/);
      expect(lost?.detail).toMatch(
        /is gone; the part of the archive that begins with .* is not restored$/,
      );
      const left = Object.keys(factsOf(into)).length;
      const few = part?.class === 'directories' ? 20 : 5;
      expect(left).toBeGreaterThanOrEqual(Object.keys(facts).length - few - 1);
    }
  });

  test('of a part that does not begin as its manifest says is that of the part', async () => {
    const part = { class: 'large', firstPath: 'zzzz' } as const;
    const artifacts = changed(backup.manifest.artifacts, 1, { part });
    const other = withManifest(backup, { artifacts });
    expect((await restored(other)).problems[0]?.detail).toMatch(/begins with zzzz is not restored/);
    expect((await proven(other)).problems[0]?.detail).toMatch(/begins with zzzz is not verified/);
  });

  test('of all parts fails the restore', async () => {
    const failed = restored({ ...backup, open: readersOf(new Map()) });
    await expect(failed).rejects.toMatchObject({ code: 'BACKUP_NOT_FOUND' });
  });
});

describe('refused before anything is written', () => {
  async function refused(from: OpenBackup, notListed = true): Promise<void> {
    const into = scratch.at(`refused-${restores++}`);
    fs.mkdirSync(into);
    await using pool = new Pool({ workers: 0 });
    const input = { ...work(pool), paths: [], into, owners: 'aside' } as const;
    const outcome = await filesKind.restore({ ...from }, input).catch(codeOf);
    expect(outcome).toBe('BACKUP_DAMAGED');
    expect(fs.readdirSync(into)).toEqual([]);
    const proof = await proven(from).then(({ problems }) => problems.length > 0, codeOf);
    expect([true, 'BACKUP_DAMAGED']).toContain(proof);
    if (notListed) await expect(listed(from)).rejects.toMatchObject({ code: 'BACKUP_DAMAGED' });
  }

  test.each<[string, (manifest: Manifest) => Partial<Manifest>]>([
    ['without the feature that they need', () => ({ requires: [] })],
    ['a part missing', ({ artifacts }) => ({ artifacts: artifacts.toSpliced(2, 1) })],
    ['the first part missing', ({ artifacts }) => ({ artifacts: artifacts.slice(1) })],
    [
      'a part twice',
      ({ artifacts }) => ({ artifacts: artifacts.toSpliced(2, 0, ...artifacts.slice(2, 3)) }),
    ],
    ['a single part', ({ artifacts }) => ({ artifacts: artifacts.slice(0, 1) })],
    [
      'a part alone that needs nothing',
      ({ artifacts }) => ({ requires: [], artifacts: artifacts.slice(0, 1) }),
    ],
    ['parts in another order', ({ artifacts }) => ({ artifacts: artifacts.toReversed() })],
    [
      'a part that does not say which one it is',
      ({ artifacts }) => ({ artifacts: changed(artifacts, 1, { part: undefined }) }),
    ],
    [
      'parts of two encodings',
      ({ artifacts }) => ({ artifacts: changed(artifacts, 1, { codec: 'zstd' }) }),
    ],
    [
      'names of two runs',
      ({ artifacts }) => ({
        artifacts: changed(artifacts, 1, {
          key: (artifacts[1]?.key ?? '').replace('archive-r-', 'archive-other-'),
        }),
      }),
    ],
  ])('are parts of which the manifest names %s', async (_, change) => {
    await refused(withManifest(backup, change(backup.manifest)));
  });

  test.each(PARTS_THAT_CLASH)('are parts that hold %s', async (_, parts) => {
    await refused(await forgeParts(backup, parts));
  });

  test('are parts of which one was left out, and the others were numbered anew', async () => {
    const [a, b, c] = ['a', 'b', 'c'].map((path): ForgedPart => ['small', { path }]);
    if (a === undefined || b === undefined || c === undefined) throw new Error('three parts');
    const { manifest } = await forgeParts(backup, [a, b, c]);
    const fewer = await forgeParts(backup, [a, c]);
    expect((await restored(fewer)).problems).toEqual([]);
    await refused(withManifest(fewer, { totals: manifest.totals }), false);
  });

  test('is a part that stands in the place of another', async () => {
    const [first, second] = backup.manifest.artifacts;
    const stored = new Map(backup.stored);
    stored.set(first?.key ?? '', backup.stored.get(second?.key ?? '') ?? Buffer.alloc(0));
    const { problems } = await proven({ ...backup, open: readersOf(stored) });
    expect(problems.length).toBeGreaterThan(0);
  });
});

/** The artifacts with one of them changed. */
function changed(all: readonly Artifact[], i: number, change: Partial<Artifact>): Artifact[] {
  return all.map((one, at) => (at === i ? { ...one, ...change } : one));
}
