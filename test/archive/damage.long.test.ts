// Any damage to an archive is found, and named as narrowly as the archive still allows.
import fs from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { locateTable, openArchive, readGroups } from '../../lib/archive/read/archive-reader.ts';
import type { IndexGroup } from '../../lib/format/archive-index.ts';
import { displayPath } from '../../lib/format/paths.ts';
import {
  backUp,
  MemoryReader,
  noise,
  openMade,
  plant,
  prose,
  prove,
  restoreInto,
  Scratch,
  type MadeBackup,
} from '../support/archives.ts';
import { factsOf } from '../support/trees.ts';

const scratch = new Scratch();
const backups = new Map<'default' | 'zstd', MadeBackup>();
const groupsOf = new Map<MadeBackup, IndexGroup[]>();

beforeAll(async () => {
  plant(scratch.at('tree'), {
    a: 'a'.repeat(3000),
    'b/c': noise(100),
    'b/d': 'x',
    'é\n': 'x',
    'f/': '',
    z: 'z'.repeat(70_000),
    zz: 'zz'.repeat(33_000),
  });
  fs.symlinkSync('a', scratch.at('tree/link'));
  fs.linkSync(scratch.at('tree/a'), scratch.at('tree/hard'));
  for (const compression of ['default', 'zstd'] as const) {
    const backup = await backUp(scratch.at('tree'), { compression });
    const groups: IndexGroup[] = [];
    for await (const group of readGroups(await openMade(backup))) groups.push(group);
    backups.set(compression, backup);
    groupsOf.set(backup, groups);
  }
});

afterAll(() => {
  scratch[Symbol.dispose]();
});

function made(compression: 'default' | 'zstd'): {
  backup: MadeBackup;
  groups: readonly IndexGroup[];
} {
  const backup = backups.get(compression);
  if (backup === undefined) throw new Error('nothing was backed up');
  return { backup, groups: groupsOf.get(backup) ?? [] };
}

function flipped(bytes: Buffer, at: number, bits = 1): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ bits;
  return copy;
}

function pathsAt(groups: readonly IndexGroup[], at: number): string[] | undefined {
  const group = groups.find(({ members }) =>
    members.some(({ offset, bytes }) => at >= offset && at < offset + bytes),
  );
  return group?.entries.map(({ path }) => displayPath(path));
}

describe.each(['default', 'zstd'] as const)('of a small archive (%s)', (compression) => {
  test('every byte matters: flipped, it is found at level digest, and names the entries that it concerns', async () => {
    const { backup, groups } = made(compression);
    expect(groups.length).toBeGreaterThan(2);
    for (let at = 0; at < backup.archive.length; at++) {
      const { problems } = await prove(backup, 'digest', {
        bytes: flipped(backup.archive, at, 1 << (at % 8)),
      });
      const concerned = pathsAt(groups, at);
      if (concerned === undefined) expect(problems.length).toBeGreaterThan(0);
      else expect(problems.map(({ path }) => path)).toEqual(concerned);
    }
  });

  test('every byte matters at level content as well', async () => {
    const { backup, groups } = made(compression);
    for (let at = 0; at < backup.archive.length; at += 5) {
      const { problems } = await prove(backup, 'content', {
        bytes: flipped(backup.archive, at, 255),
      });
      const named = [...new Set(problems.map(({ path }) => path))];
      const concerned = pathsAt(groups, at);
      if (concerned === undefined) expect(named.length).toBeGreaterThan(0);
      else expect(named).toEqual(concerned);
    }
  });

  test('every length but its own is found', async () => {
    const { backup } = made(compression);
    for (let length = 0; length < backup.archive.length; length++) {
      const { problems } = await prove(backup, 'digest', {
        bytes: backup.archive.subarray(0, length),
      });
      expect(problems.length).toBeGreaterThan(0);
    }
    for (const more of [Buffer.from('x'), Buffer.alloc(512), backup.archive]) {
      const { problems } = await prove(backup, 'digest', {
        bytes: Buffer.concat([backup.archive, more]),
      });
      expect(problems).toMatchObject([{ path: '', code: 'damaged' }]);
    }
  });

  test('something else in its place is found: nothing, zeros, another archive', async () => {
    const { backup } = made(compression);
    const other = made(compression === 'zstd' ? 'default' : 'zstd').backup.archive;
    for (const bytes of [Buffer.alloc(0), Buffer.alloc(backup.archive.length), other]) {
      const { problems } = await prove(backup, 'digest', { bytes });
      expect(problems).toMatchObject([{ path: '.holdfast/index.ndjson', code: 'damaged' }]);
    }
  });

  test('members that change places are found', async () => {
    const { backup, groups } = made(compression);
    const [first, second] = groups.map(({ members }) => members[0]);
    if (first === undefined || second === undefined) throw new Error('too few members');
    const bytes = Buffer.from(backup.archive);
    const cut = (one: typeof first) => backup.archive.subarray(one.offset, one.offset + one.bytes);
    Buffer.concat([cut(second), cut(first)]).copy(bytes, first.offset);
    expect((await prove(backup, 'digest', { bytes })).problems.length).toBeGreaterThan(1);
  });
});

describe('an archive alone', () => {
  test.each(['default', 'zstd'] as const)(
    'is opened by its last bytes, and by nothing less (%s)',
    async (compression) => {
      const { archive } = made(compression).backup;
      const { codec, place } = await locateTable(new MemoryReader(archive));
      const opened = await openArchive(new MemoryReader(archive), place, codec);
      expect(opened.table.entries).toBe(made(compression).backup.manifest.totals.entries);
      for (const wrong of [
        archive.subarray(0, -1),
        Buffer.concat([archive, Buffer.from('x')]),
        Buffer.alloc(0),
        Buffer.alloc(1000),
      ]) {
        await expect(locateTable(new MemoryReader(wrong))).rejects.toMatchObject({
          code: 'FORMAT_UNSUPPORTED',
        });
      }
    },
  );

  test.each(['default', 'zstd'] as const)(
    'is never opened as another when a byte of its end is flipped (%s)',
    async (compression) => {
      const { archive } = made(compression).backup;
      for (let at = archive.length - 80; at < archive.length; at++) {
        const reader = new MemoryReader(flipped(archive, at, 1 << (at % 8)));
        const opening = (async () => {
          const { codec, place } = await locateTable(reader);
          return openArchive(reader, place, codec);
        })();
        // The bytes before the locator end the tar: what they are is the proof's concern.
        if (at < archive.length - (compression === 'zstd' ? 58 : 74)) continue;
        await expect(opening).rejects.toMatchObject({
          code: expect.stringMatching(/^(BACKUP_DAMAGED|FORMAT_UNSUPPORTED)$/),
        });
      }
    },
  );
});

describe('in a restore', () => {
  test('what is damaged is named and not written, and the rest is whole', async () => {
    const { backup, groups } = made('default');
    const victim = groups.find(({ entries }) => entries.some(({ path }) => path === 'z'));
    const bytes = flipped(backup.archive, (victim?.members[0]?.offset ?? 0) + 50);
    const summary = await restoreInto(await openMade(backup, bytes), scratch.at('partly'));
    const lost = victim?.entries.map(({ path }) => path) ?? [];
    expect(lost).toContain('z');
    expect(summary.problems.map(({ path }) => path)).toEqual(lost);
    const wanted = Object.fromEntries(
      Object.entries(factsOf(scratch.at('tree'))).filter(([path]) => !lost.includes(path)),
    );
    expect(factsOf(scratch.at('partly'))).toEqual(wanted);
  });
});

describe('of a large archive', () => {
  const files = Object.fromEntries(
    Array.from({ length: 9000 }, (_, i) => [`${i % 90}/${i}-${'n'.repeat(60)}`, `${i}`]),
  );
  let large: MadeBackup;

  beforeAll(async () => {
    plant(scratch.at('large'), { ...files, zzz: Buffer.concat([noise(6 << 20), prose(3 << 20)]) });
    large = await backUp(scratch.at('large'), { workers: 2 });
  });

  test('a part of the index that is lost costs what it names, and no more', async () => {
    const { pieces } = (await openMade(large)).table;
    expect(pieces.length).toBeGreaterThan(2);
    const [, piece, next] = pieces;
    if (piece === undefined || next === undefined) throw new Error('too few pieces');
    const bytes = flipped(large.archive, piece.offset + 10);
    const { problems, entries } = await prove(large, 'content', { bytes, workers: 2 });
    expect(problems).toHaveLength(1);
    expect(problems[0]?.path).toBe('.holdfast/index.ndjson');
    expect(problems[0]?.detail).toContain(
      `from ${piece.firstPath} on and before ${next.firstPath}`,
    );
    const total = large.manifest.totals.entries;
    expect(entries).toBeLessThan(total);
    expect(entries).toBeGreaterThan(total / 2);
    const summary = await restoreInto(await openMade(large, bytes), scratch.at('rest'), {
      workers: 2,
    });
    expect(summary.problems.map(({ path }) => path)).toEqual(['.holdfast/index.ndjson']);
    expect(summary.entries).toBe(entries);
    expect(fs.statSync(scratch.at('rest/zzz')).size).toBe(9 << 20);
  });

  test('each damaged piece of a split file is said, at both levels, and the file is not taken for whole', async () => {
    const groups: IndexGroup[] = [];
    for await (const group of readGroups(await openMade(large), 'zzz')) groups.push(group);
    const { members } = groups.at(-1) ?? { members: [] };
    expect(members.length).toBe(3);
    const bytes = flipped(
      flipped(large.archive, (members[0]?.offset ?? 0) + 99),
      (members[2]?.offset ?? 0) + 99,
    );
    for (const level of ['digest', 'content'] as const) {
      const { problems } = await prove(large, level, { bytes, workers: 2 });
      expect(problems.map(({ path }) => path)).toEqual(['zzz', 'zzz']);
    }
    const summary = await restoreInto(await openMade(large, bytes), scratch.at('split'), {
      paths: ['zzz'],
    });
    expect(summary.problems.map(({ path }) => path)).toContain('zzz');
  });

  test('a last piece that is tiny is handled by a worker like any other', async () => {
    plant(scratch.at('tiny'), {
      a: noise((8 << 20) + 1),
      b: noise(4 << 20, 2),
      c: noise((4 << 20) + 10, 3),
    });
    const backup = await backUp(scratch.at('tiny'), { workers: 2 });
    expect((await prove(backup, 'content', { workers: 2 })).problems).toEqual([]);
    await restoreInto(await openMade(backup), scratch.at('tiny-out'), { workers: 2 });
    expect(factsOf(scratch.at('tiny-out'))).toEqual(factsOf(scratch.at('tiny')));
  });
});

test('a verification changes nothing', async () => {
  const { backup } = made('default');
  const before = Buffer.from(backup.archive);
  await prove(backup, 'content');
  expect(backup.archive.equals(before)).toBe(true);
});
