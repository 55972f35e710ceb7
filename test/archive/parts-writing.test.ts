// An archive in parts costs what changed: which parts are taken over, which are written, and that what is restored is the tree.
import fs from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Pool } from '../../lib/archive/threads/pool.ts';
import { HoldfastError } from '../../lib/errors.ts';
import type { Artifact } from '../../lib/format/manifest.ts';
import { partsOf } from '../../lib/format/parts.ts';
import { fromUtf8 } from '../../lib/format/paths.ts';
import { filesKind } from '../../lib/sources/files/kind.ts';
import { archiveTree } from '../../lib/sources/tree/archive-tree.ts';
import { wholeTree } from '../../lib/sources/tree/opened-archive.ts';
import type { OpenBackup, PartSink, Source } from '../../lib/sources/source.ts';
import {
  backUp,
  noise,
  plant,
  prose,
  readBackup,
  Scratch,
  type BackupSetup,
  type MadeBackup,
} from '../support/archives.ts';
import { factsOf, plantEveryKind } from '../support/trees.ts';

const PARTING = { fromBytes: 100_000, largeBytes: 60_000, leastBytes: 64 << 10 };

let scratch: Scratch;
let root: string;

beforeEach(() => {
  scratch = new Scratch();
  root = scratch.at('tree');
  const files = Array.from({ length: 60 }, (_, i): [string, Buffer] => [
    `d${i % 7}/f${String(i).padStart(3, '0')}`,
    i % 6 === 0 ? noise(70_000 + i, i + 1) : prose(9000, i),
  ]);
  plant(root, { ...Object.fromEntries(files), 'empty folder/': '' });
});
afterEach(() => scratch[Symbol.dispose]());

const run = (setup: BackupSetup = {}) => backUp(root, { parting: PARTING, ...setup });
const partNames = (backup: MadeBackup) =>
  partsOf(backup.manifest).map(({ class: own, firstPath }) => `${own ?? 'one'} ${firstPath}`);
const keysOf = (backup: MadeBackup) =>
  backup.manifest.artifacts.filter(({ role }) => role === 'archive').map(({ key }) => key);
const linkPart = (backup: MadeBackup) =>
  partsOf(backup.manifest).findLast(
    (part) => part.class === 'small' && part.firstPath <= 'd6/z-link',
  )?.firstPath;
const takenOver = ({ takenOver: taken }: MadeBackup) => taken.map(({ key }) => key);

async function restored(backup: MadeBackup) {
  const into = fs.mkdtempSync(scratch.at('restored-'));
  await using pool = new Pool({ workers: 0 });
  const work = { pool, signal: undefined, onProgress: undefined };
  const proof = await filesKind.prove(backup, 'content', work);
  const input = { ...work, paths: [], into, owners: 'aside' } as const;
  const { problems } = await filesKind.restore(backup, input);
  expect([...proof.problems, ...problems]).toEqual([]);
  return factsOf(into);
}

describe('a tree in parts', () => {
  test('is restored as it was, with every kind of entry, from parts of each class', async () => {
    plantEveryKind(scratch.at('kinds'));
    const backup = await backUp(scratch.at('kinds'), { parting: PARTING });
    const classes = new Set(partsOf(backup.manifest).map((part) => part.class));
    expect(classes).toEqual(new Set(['large', 'small', 'directories']));
    expect(await restored(backup)).toEqual(factsOf(scratch.at('kinds')));
    expect(backup.manifest.requires).toEqual(['parts']);
  });

  test('is one archive, byte for byte as without parts, below the size', async () => {
    const one = await backUp(root);
    for (const fromBytes of [1e9, one.manifest.totals.contentBytes + 1]) {
      const small = await run({ parting: { ...PARTING, fromBytes } });
      expect(small.archive.equals(one.archive)).toBe(true);
      expect(small.manifest.requires).toEqual([]);
      expect(small.manifest.options).toEqual(one.manifest.options);
    }
    const exactly = { ...PARTING, fromBytes: one.manifest.totals.contentBytes };
    expect((await run({ parting: exactly })).manifest.requires).toEqual(['parts']);
  });

  test('is the same parts whenever it is read, and however many threads do it', async () => {
    const [one, other] = [await run(), await run({ workers: 2 })];
    expect(keysOf(one).map((key) => one.stored.get(key))).toEqual(
      keysOf(other).map((key) => other.stored.get(key)),
    );
    expect(one.manifest.options['partBytes']).toBe(PARTING.leastBytes);
  });

  test('is one archive when a single part would hold all of it', async () => {
    plant(scratch.at('single'), { a: noise(200_000) });
    const single = await backUp(scratch.at('single'), { parting: PARTING });
    expect(single.archive.equals((await backUp(scratch.at('single'))).archive)).toBe(true);
  });
});

describe('a run after it', () => {
  test('takes over every part where nothing changed, and reads nothing', async () => {
    const first = await run();
    const second = await run({ predecessor: first });
    expect(takenOver(second)).toEqual(keysOf(first));
    const { readBytes, reusedBytes, ...totals } = second.manifest.totals;
    expect(first.manifest.totals).toMatchObject(totals);
    expect(readBytes).toBe(0);
    const bytes = keysOf(first).reduce((sum, key) => sum + (first.stored.get(key)?.length ?? 0), 0);
    expect(reusedBytes).toBe(bytes);
    expect(second.scan.equals(first.scan)).toBe(true);
    expect(await restored(second)).toEqual(factsOf(root));
  });

  test('writes the part of a file that changed, and takes over the others', async () => {
    const first = await run();
    fs.writeFileSync(`${root}/d3/f003`, 'changed');
    const second = await run({ predecessor: first });
    expect(partNames(second)).toEqual(partNames(first));
    expect(takenOver(second).length).toBe(keysOf(first).length - 1);
    expect(second.manifest.totals.readBytes).toBeLessThan(140_000);
    expect(await restored(second)).toEqual(factsOf(root));
  });

  test('writes the part of a new file and that of its folder, and takes over the others', async () => {
    const first = await run();
    fs.writeFileSync(`${root}/d3/f003-new`, 'new');
    const second = await run({ predecessor: first });
    expect(takenOver(second).length).toBe(keysOf(first).length - 2);
    expect(await restored(second)).toEqual(factsOf(root));
  });

  test('reads all of it on request, and takes over what came out the same', async () => {
    const first = await run();
    const second = await run({ predecessor: first, fullRun: true });
    expect(second.full).toBe(true);
    expect(second.manifest.totals.readBytes).toBe(first.manifest.totals.contentBytes);
    expect(takenOver(second)).toEqual(keysOf(first));
  });

  test('reads what may have changed within two seconds of the scan, and takes it over the next time', async () => {
    const changed = fs.statSync(`${root}/d0/f000`).ctimeMs;
    const unsettled = await run({ begin: new Date(changed + 1000) });
    const later = { begin: new Date(changed + 10_000) };
    const second = await run({ ...later, predecessor: unsettled });
    expect(second.manifest.totals.readBytes).toBeGreaterThan(0);
    const third = await run({ ...later, predecessor: second });
    expect(third.manifest.totals.readBytes).toBe(0);
    expect([takenOver(second), takenOver(third)]).toEqual([keysOf(unsettled), keysOf(second)]);
  });

  test('of one archive takes nothing over from parts, and of parts nothing from one archive', async () => {
    const [one, parts] = [await backUp(root), await run()];
    const after = [await backUp(root, { predecessor: parts }), await run({ predecessor: one })];
    expect(after.map((backup) => takenOver(backup))).toEqual([[], []]);
    for (const backup of after) expect(await restored(backup)).toEqual(factsOf(root));
  });

  test('of another compression keeps the cuts and takes nothing over', async () => {
    const first = await run();
    const second = await run({ predecessor: first, compression: 'zstd' });
    expect([takenOver(second), partNames(second)]).toEqual([[], partNames(first)]);
    expect(await restored(second)).toEqual(factsOf(root));
  });
});

describe('a hard link to a file of an earlier part', () => {
  beforeEach(() => fs.linkSync(`${root}/d0/f000`, `${root}/d6/z-link`));

  test('is written with the digest of a part that was taken over', async () => {
    const first = await run();
    fs.writeFileSync(`${root}/d6/y`, 'beside the link');
    const second = await run({ predecessor: first });
    expect(takenOver(second)).toContain(keysOf(first)[0]);
    expect(await restored(second)).toEqual(factsOf(root));
  });

  test('is written again with the file that it shares, under the same times', async () => {
    const first = await run({ times: 'content' });
    fs.writeFileSync(`${root}/d0/f000`, noise(70_000, 99));
    const second = await run({ times: 'content', predecessor: first });
    await restored(second);
    const fresh = await run({ times: 'content' });
    expect(keysOf(second).map((key) => second.stored.get(key))).toEqual(
      keysOf(fresh).map((key) => fresh.stored.get(key)),
    );
  });

  test.each(['digest', 'content'] as const)(
    'in a part that need not be read is found at level %s when it does not share that file',
    async (level) => {
      const first = await run();
      fs.writeFileSync(`${root}/d0/f000`, noise(70_000, 99));
      const second = await run();
      const isOfLink = ({ part }: Artifact) =>
        part?.class === 'small' && part.firstPath === linkPart(second);
      const [old] = first.manifest.artifacts.filter(isOfLink);
      if (old === undefined) throw new Error('the link has no part');
      const artifacts = second.manifest.artifacts.map((one) =>
        isOfLink(one) ? { ...old, key: one.key } : one,
      );
      const mixed: OpenBackup = {
        manifest: { ...second.manifest, artifacts },
        open: (artifact) => (isOfLink(artifact) ? first.open(old) : second.open(artifact)),
      };
      await using pool = new Pool({ workers: 0 });
      const work = { pool, signal: undefined, onProgress: undefined };
      const known = new Set(artifacts.filter(isOfLink).map(({ key }) => key));
      for (const more of [{}, { known }]) {
        const { problems } = await filesKind.prove(mixed, level, { ...work, ...more });
        expect(problems).toMatchObject([{ path: 'd6/z-link', code: 'damaged' }]);
      }
    },
  );
});

describe('a part of the predecessor that is not whole', () => {
  test.each([
    ['members', () => 100],
    ['index', (part: Artifact) => (part.table?.offset ?? 0) - 20],
  ])('is read from the source when its %s are damaged and a change is in it', async (_, at) => {
    const parting = { ...PARTING, leastBytes: 512 << 10 };
    const first = await run({ parting });
    fs.writeFileSync(`${root}/d3/f059`, 'changed');
    const unchanged = takenOver(await run({ parting, predecessor: first }));
    const part = first.manifest.artifacts.find(({ key }) => !unchanged.includes(key));
    if (part === undefined) throw new Error('no part has changed');
    const bytes = first.stored.get(part.key) ?? Buffer.alloc(0);
    bytes[at(part)] = (bytes[at(part)] ?? 0) ^ 1;
    const second = await run({ parting, predecessor: first });
    expect(takenOver(second)).toEqual(unchanged);
    expect(second.problems).toMatchObject([{ code: 'predecessor-unusable', tolerated: true }]);
    expect(await restored(second)).toEqual(factsOf(root));
  });
});

describe('what cannot be read any more', () => {
  /** Backs up the tree as it was found, of which some is gone when it is read. */
  const without = (
    gone: readonly string[],
    predecessor?: MadeBackup,
    parting = PARTING,
  ): Source => ({
    name: 'site',
    kind: filesKind,
    read: async (input) => ({
      ...(await archiveTree(
        { ...input, predecessor },
        {
          entries: [...wholeTree(root, () => undefined)].map((entry) =>
            gone.includes(entry.path) ? { ...entry, readPath: fromUtf8(`${root}/gone`) } : entry,
          ),
          encoding: { codec: 'gzip', level: 1 },
          times: 'recorded',
          parting,
        },
      )),
      git: undefined,
      package: undefined,
    }),
  });

  test('is missing in its part, which begins with what is there, and is read again by the next run', async () => {
    const whole = await run();
    const [first = ''] = partsOf(whole.manifest)
      .filter((part) => part.class === 'small')
      .map(({ firstPath }) => firstPath);
    const partial = await readBackup(without([first]));
    expect(partial.problems).toMatchObject([{ path: first, code: 'vanished' }]);
    expect(partNames(partial)).not.toContain(`small ${first}`);
    await restored(partial);
    const next = await run({ predecessor: partial });
    expect(await restored(next)).toEqual(factsOf(root));
  });

  test('takes the hard links of a part that is otherwise as it was with it', async () => {
    fs.linkSync(`${root}/d1/f001`, `${root}/d6/z-link`);
    const first = await readBackup(without([]));
    fs.writeFileSync(`${root}/d1/f008`, 'changed beside it');
    const usual = await readBackup(without([], first), { predecessor: first });
    const partial = await readBackup(without(['d1/f001'], first), { predecessor: first });
    expect(partial.problems.map(({ path, code }) => [path, code])).toEqual([
      ['d1/f001', 'vanished'],
      ['d6/z-link', 'unreadable'],
    ]);
    // The part of the link stands apart from that of the file.
    expect(takenOver(partial).length).toBe(takenOver(usual).length - 1);
    await restored(partial);
  });

  test('is lost with a part of the predecessor, and then no hard link to it is taken over beside that', async () => {
    fs.linkSync(`${root}/d1/f001`, `${root}/d5/z-link`);
    const parting = { ...PARTING, largeBytes: 1e9, leastBytes: 512 << 10 };
    const first = await readBackup(without([], undefined, parting));
    const placeOf = (path: string) =>
      partsOf(first.manifest).findLastIndex(
        (part) => part.class === 'small' && part.firstPath <= path,
      );
    // Four parts are taken over at once.
    expect([placeOf('d1/f001'), placeOf('d5/z-link')]).toEqual([0, 3]);
    const [key] = keysOf(first);
    const source = without([], first, parting);
    const damaged: Source = {
      ...source,
      read: (input) =>
        source.read({ ...input, sink: { ...input.sink, parts: () => losing(input.sink.parts()) } }),
    };
    const losing = (sink: PartSink): PartSink => ({
      ...sink,
      clone: (number, extension, from) => {
        if (from.key !== key) return sink.clone(number, extension, from);
        fs.rmSync(`${root}/d1/f001`);
        return Promise.reject(new HoldfastError('BACKUP_DAMAGED', 'it is damaged'));
      },
    });
    await expect(readBackup(damaged, { predecessor: first })).rejects.toMatchObject({
      code: 'BACKUP_DAMAGED',
    });
  });

  test('leaves no part where nothing of it could be read', async () => {
    const all = [...wholeTree(root, () => undefined)];
    const large = all.filter(({ size }) => size >= PARTING.largeBytes).map(({ path }) => path);
    const partial = await readBackup(without(large));
    expect(new Set(partsOf(partial.manifest).map((part) => part.class))).toEqual(
      new Set(['small', 'directories']),
    );
    await restored(partial);
  });

  test('leaves one archive where only one part holds anything', async () => {
    const files = [...wholeTree(root, () => undefined)].filter(({ type }) => type === 'file');
    fs.rmdirSync(`${root}/empty folder`);
    const partial = await readBackup(without(files.map(({ path }) => path)));
    expect(partial.manifest.requires).toEqual([]);
    expect(partial.manifest.totals.files).toBe(0);
  });
});
