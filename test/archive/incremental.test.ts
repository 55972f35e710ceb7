// What reuse saves must never show: an archive made with a predecessor is the archive that reading everything gives.
import fs from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Pool } from '../../lib/archive/threads/pool.ts';
import type { Problem } from '../../lib/errors.ts';
import type { Artifact } from '../../lib/format/manifest.ts';
import { filesKind } from '../../lib/sources/files/kind.ts';
import {
  backUp,
  noise,
  openMade,
  placeOf,
  plant,
  prose,
  prove,
  restoreInto,
  Scratch,
  type MadeBackup,
} from '../support/archives.ts';

type Edit = (root: string) => void;

const NAMES = ['a', 'a-b', 'ab', 'b', 'b0', 'c', 'd'];
const name = fc.constantFrom(...NAMES);
const place = fc.oneof(
  name,
  fc.tuple(name, name).map(([folder, file]) => `${folder}.d/${file}`),
  fc.tuple(name, name, name).map(([one, two, file]) => `${one}.d/${two}.d/${file}`),
);
const content = fc
  .tuple(fc.constantFrom(0, 1, 511, 512, 4096, 40_000, 70_000, 140_000), fc.nat(5), fc.boolean())
  .map(([bytes, seed, dense]) => (dense ? noise(bytes, seed + 1) : prose(bytes, seed)));

const quietly = (act: () => void) => {
  try {
    act();
  } catch (error) {
    // An edit that the tree does not allow, such as removing what is not there, changes nothing.
    if (typeof (error as NodeJS.ErrnoException).code !== 'string') throw error;
  }
};

const edit: fc.Arbitrary<Edit> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.tuple(place, content).map(
      ([to, bytes]): Edit =>
        (root) =>
          plant(root, { [to]: bytes }),
    ),
  },
  {
    weight: 2,
    arbitrary: place.map(
      (at): Edit =>
        (root) =>
          fs.rmSync(`${root}/${at}`, { force: true }),
    ),
  },
  name.map(
    (at): Edit =>
      (root) =>
        fs.rmSync(`${root}/${at}.d`, { recursive: true, force: true }),
  ),
  fc.tuple(place, place).map(
    ([from, to]): Edit =>
      (root) =>
        fs.renameSync(`${root}/${from}`, `${root}/${to}`),
  ),
  place.map(
    (at): Edit =>
      (root) =>
        fs.chmodSync(`${root}/${at}`, 0o600),
  ),
  place.map(
    (at): Edit =>
      (root) =>
        fs.utimesSync(`${root}/${at}`, 1_600_000_000, 1_600_000_000),
  ),
  place.map(
    (at): Edit =>
      (root) =>
        fs.appendFileSync(`${root}/${at}`, 'more'),
  ),
  place.map(
    (at): Edit =>
      (root) =>
        fs.symlinkSync('elsewhere', `${root}/${at}`),
  ),
  fc.tuple(place, place).map(
    ([from, to]): Edit =>
      (root) =>
        fs.linkSync(`${root}/${from}`, `${root}/${to}`),
  ),
  place.map((at): Edit => (root) => {
    // Other bytes under the same size and time: only the change time tells.
    const { size, mtime } = fs.statSync(`${root}/${at}`);
    fs.writeFileSync(`${root}/${at}`, noise(size, 99));
    fs.utimesSync(`${root}/${at}`, mtime, mtime);
  }),
);

// The configuration may change from one run to the next.
const setup = fc.record({
  times: fc.constantFrom(...(['recorded', 'recorded', 'content'] as const)),
  compression: fc.constantFrom(...(['default', 'default', 'small', 'none', 'zstd'] as const)),
  fullRun: fc.constantFrom(false, false, true),
});
const rounds = fc.array(fc.tuple(fc.array(edit, { maxLength: 6 }), setup), {
  minLength: 2,
  maxLength: 4,
});

// Small enough for a tree of a test to have many parts, and so large that no edit makes it another.
const PARTS = { fromBytes: 100_000, largeBytes: 60_000, leastBytes: 128 << 10 };

describe('with a predecessor', () => {
  test.each([
    ['one archive', undefined],
    ['parts', PARTS],
  ])(
    'any edits give what a full run gives, byte for byte: %s',
    async (_, parting) => {
      await fc.assert(
        fc.asyncProperty(rounds, async (runs) => {
          using scratch = new Scratch();
          const root = scratch.at('tree');
          plant(
            root,
            Object.fromEntries(NAMES.map((at, i) => [`${at}.d/${at}`, prose(30_000, i)])),
          );
          let before: MadeBackup | undefined;
          for (const [edits, setup] of runs) {
            for (const act of edits) quietly(() => act(root));
            const cut = parting && { parting };
            const full = await backUp(root, { ...setup, ...cut });
            const next = await backUp(root, { ...setup, ...cut, predecessor: before });
            expect(archivesOf(next)).toEqual(archivesOf(full));
            expect(next.manifest.totals.contentBytes).toBe(full.manifest.totals.contentBytes);
            expect(await problemsOf(next)).toEqual([]);
            before = next;
          }
        }),
        { numRuns: process.env['HOLDFAST_SWEEPS'] === undefined ? 60 : 1500 },
      );
    },
    600_000,
  );
});

describe('what is read again', () => {
  const TREE = {
    'a.txt': prose(2000),
    'b.txt': prose(2000, 2),
    'c/large': Buffer.concat([prose(5 << 20), noise(100)]),
    'c/x': 'x',
    'd/': '',
  };

  test('is nothing where nothing changed: the archive is stored as a clone', async () => {
    using scratch = new Scratch();
    plant(scratch.path, TREE);
    const first = await backUp(scratch.path);
    const second = await backUp(scratch.path, { predecessor: first });
    expect(second.cloned).toBe(true);
    expect(second.archive.equals(first.archive)).toBe(true);
    expect(second.manifest.totals).toEqual({
      ...first.manifest.totals,
      readBytes: 0,
      reusedBytes: second.manifest.totals.reusedBytes,
    });
    expect(second.manifest.totals.reusedBytes).toBeGreaterThan(first.archive.length * 0.8);
  });

  test('is everything on request, and still the same archive is a clone', async () => {
    using scratch = new Scratch();
    plant(scratch.path, TREE);
    const first = await backUp(scratch.path);
    const second = await backUp(scratch.path, { predecessor: first, fullRun: true });
    expect(second.full).toBe(true);
    expect(second.manifest.totals.readBytes).toBe(first.manifest.totals.contentBytes);
    expect(second.cloned).toBe(true);
  });

  test('is everything when the last full run is more than 30 days ago, or in the future', async () => {
    using scratch = new Scratch();
    plant(scratch.path, TREE);
    const first = await backUp(scratch.path);
    const day = 24 * 3600 * 1000;
    const begin = Date.parse(first.manifest.begin);
    const runs = [29.9, 30.1, -0.1].map((days) =>
      backUp(scratch.path, { predecessor: first, begin: new Date(begin + days * day) }),
    );
    expect((await Promise.all(runs)).map(({ full }) => full)).toEqual([false, true, true]);
  });

  test('is what surrounds a change, not the rest', async () => {
    using scratch = new Scratch();
    const files = Array.from({ length: 200 }, (_, i) => [
      `f${String(i).padStart(3, '0')}`,
      prose(5000, i),
    ]);
    plant(scratch.path, Object.fromEntries(files) as Record<string, Buffer>);
    const first = await backUp(scratch.path);
    fs.writeFileSync(scratch.at('f100'), 'another');
    const second = await backUp(scratch.path, { predecessor: first });
    expect(second.manifest.totals.readBytes).toBeLessThan(160_000);
    expect(second.manifest.totals.reusedBytes).toBeGreaterThan(first.archive.length * 0.7);
  });

  test('is a piece of a large file, whose other pieces are recognised', async () => {
    using scratch = new Scratch();
    plant(scratch.path, { large: noise(20 << 20) });
    const first = await backUp(scratch.path);
    const file = fs.openSync(scratch.at('large'), 'r+');
    fs.writeSync(file, 'changed', 10 << 20);
    fs.closeSync(file);
    // The time stands in the first piece's header, the change in the third.
    const second = await backUp(scratch.path, { predecessor: first });
    expect(second.manifest.totals.reusedBytes).toBeGreaterThan(11 << 20);
    expect(second.archive.equals((await backUp(scratch.path)).archive)).toBe(true);
  });

  test('includes a file whose size and time were kept, by its change time', async () => {
    using scratch = new Scratch();
    plant(scratch.path, TREE);
    const { atime, mtime } = fs.statSync(scratch.at('a.txt'));
    const first = await backUp(scratch.path);
    fs.writeFileSync(scratch.at('a.txt'), prose(2000, 3));
    fs.utimesSync(scratch.at('a.txt'), atime, mtime);
    const second = await backUp(scratch.path, { predecessor: first });
    const content = await contentOf(second, 'a.txt');
    expect(content.equals(prose(2000, 3))).toBe(true);
  });

  test('includes a hard link whose other name changed under the same time', async () => {
    using scratch = new Scratch();
    plant(scratch.path, TREE);
    fs.linkSync(scratch.at('a.txt'), scratch.at('z.txt'));
    const first = await backUp(scratch.path, { times: 'content' });
    fs.writeFileSync(scratch.at('a.txt'), prose(2000, 3));
    const second = await backUp(scratch.path, { times: 'content', predecessor: first });
    expect((await prove(second, 'content')).problems).toEqual([]);
    expect(second.archive.equals((await backUp(scratch.path, { times: 'content' })).archive)).toBe(
      true,
    );
  });

  test('includes a file that changed within two seconds of the scan, whatever its stat says', async () => {
    using scratch = new Scratch();
    plant(scratch.path, TREE);
    const changed = fs.statSync(scratch.at('a.txt')).ctimeMs;
    const unsettled = await backUp(scratch.path, { begin: new Date(changed + 1000) });
    const later = { begin: new Date(changed + 10_000) };
    const second = await backUp(scratch.path, { ...later, predecessor: unsettled });
    expect(second.manifest.totals.readBytes).toBe(unsettled.manifest.totals.contentBytes);
    // The second run's scan began long enough after the change.
    const third = await backUp(scratch.path, { ...later, predecessor: second });
    expect(third.manifest.totals.readBytes).toBe(0);
    expect([second.cloned, third.cloned]).toEqual([true, true]);
  });

  test('is nothing that matters in a fresh checkout, with times taken from the content', async () => {
    using scratch = new Scratch();
    plant(scratch.at('one'), TREE);
    plant(scratch.at('two'), TREE);
    const first = await backUp(scratch.at('one'), { times: 'content' });
    const second = await backUp(scratch.at('two'), { times: 'content', predecessor: first });
    expect(second.cloned).toBe(true);
    expect(second.manifest.totals.readBytes).toBe(first.manifest.totals.contentBytes);
  });
});

describe('a predecessor that is not what its manifest says', () => {
  test.each([
    ['index', (first: MadeBackup) => placeOf(first).offset + 5],
    ['members', () => 100],
  ])(
    'fails the run when its %s are damaged: nothing of it gets into a new archive',
    async (_, at) => {
      using scratch = new Scratch();
      plant(scratch.path, { a: prose(100_000), b: prose(100_000), c: prose(100_000), d: 'x' });
      const first = await backUp(scratch.path);
      fs.appendFileSync(scratch.at('d'), 'y');
      first.archive[at(first)] = (first.archive[at(first)] ?? 0) ^ 1;
      await expect(backUp(scratch.path, { predecessor: first })).rejects.toMatchObject({
        code: 'BACKUP_DAMAGED',
      });
    },
  );

  test('fails the run when its scan is damaged', async () => {
    using scratch = new Scratch();
    plant(scratch.path, { a: 'x' });
    const first = await backUp(scratch.path);
    first.scan[20] = (first.scan[20] ?? 0) ^ 1;
    await expect(backUp(scratch.path, { predecessor: first })).rejects.toMatchObject({
      code: 'BACKUP_DAMAGED',
    });
  });
});

/** What the manifest says of each part but its key; a digest of its bytes is among it. */
function archivesOf({ manifest }: MadeBackup): Artifact[] {
  return manifest.artifacts
    .filter(({ role }) => role === 'archive')
    .map((artifact) => ({ ...artifact, key: '' }));
}

async function problemsOf(backup: MadeBackup): Promise<readonly Problem[]> {
  await using pool = new Pool({ workers: 0 });
  const work = { pool, signal: undefined, onProgress: undefined };
  return (await filesKind.prove(backup, 'content', work)).problems;
}

async function contentOf(backup: MadeBackup, path: string): Promise<Buffer> {
  using scratch = new Scratch();
  await restoreInto(await openMade(backup), scratch.at('out'), { paths: [path] });
  return fs.readFileSync(scratch.at(`out/${path}`));
}
