import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  encodeGroup,
  parsePiece,
  type IndexEntry,
  type IndexGroup,
} from '../../lib/format/archive-index.ts';
import { parsePieceBetween } from '../../lib/format/piece-search.ts';
import { encodeHeader, paddingBytes } from '../../lib/format/tar.ts';
import { entryPath } from '../support/entries.ts';

const SHA = 'ab'.repeat(32);

function file(path: string): IndexEntry {
  const linkTarget = undefined;
  const shared = { mode: 420, uid: 0, gid: 0, mtimeMicroseconds: undefined, linkTarget };
  return { path, type: 'file', size: 1, ...shared, sha256: SHA, holes: false };
}

/** A group of these paths with that many members; several where it is a split file. */
function groupOf(paths: readonly string[], count: number): IndexGroup {
  const [path = ''] = paths;
  const rawBytes = encodeHeader(file(path)).length + 1 + paddingBytes(1);
  const members = Array.from({ length: count }, (_, i) => ({
    offset: i,
    bytes: 1,
    rawBytes: i === 0 ? rawBytes : 0,
    sha256: SHA,
    key: SHA,
  }));
  return { entries: paths.map(file), members };
}

/** Groups as an index has them, each path above the one before. A number above 1 is a split file, one below a group of several. */
const sortedGroups = fc
  .record({
    paths: fc.uniqueArray(fc.oneof(entryPath, fc.stringMatching(/^[a-c]{1,4}$/)), {
      maxLength: 40,
    }),
    sizes: fc.array(fc.integer({ min: -5, max: 4 }), { minLength: 1, maxLength: 10 }),
  })
  .map(({ paths, sizes }) => {
    const sorted = paths.toSorted((a, b) => (a < b ? -1 : 1));
    const groups: IndexGroup[] = [];
    for (let at = 0, i = 0; at < sorted.length; i++) {
      const size = sizes[i % sizes.length] ?? 1;
      const end = size > 1 ? at + 1 : at + 1 - Math.min(size, 0);
      groups.push(groupOf(sorted.slice(at, end), Math.max(size, 1)));
      at = end;
    }
    return groups;
  });

/** The groups that a search must find, by parsing all. */
function between(text: string, first: string, last: string): IndexGroup[] {
  return parsePiece(text).filter(
    ({ entries }) => (entries[0]?.path ?? '') <= last && (entries.at(-1)?.path ?? '') >= first,
  );
}

describe('a search in a piece of the index', () => {
  test('finds the groups that parsing all of it finds, for any stretch of paths', () => {
    const ends = fc.tuple(entryPath, fc.nat(), fc.constantFrom('', '/', '0'), fc.boolean());
    fc.assert(
      fc.property(sortedGroups, ends, ends, (groups, ...stretch) => {
        const text = groups.map(encodeGroup).join('');
        const paths = groups.flatMap(({ entries }) => entries.map(({ path }) => path));
        const [a = '', b = ''] = stretch.map(([other, at, suffix, known]) =>
          known && paths.length > 0 ? `${paths[at % paths.length] ?? ''}${suffix}` : other,
        );
        const [first, last] = a < b ? [a, b] : [b, a];
        expect(parsePieceBetween(text, first, last)).toEqual(between(text, first, last));
      }),
    );
  });

  test('finds each path of a piece in its group', () => {
    fc.assert(
      fc.property(sortedGroups, (groups) => {
        const text = groups.map(encodeGroup).join('');
        for (const group of groups)
          for (const { path } of group.entries)
            expect(parsePieceBetween(text, path, path)).toEqual([group]);
      }),
      { numRuns: 30 },
    );
  });

  test('checks what it finds as parsing does', () => {
    const text = ['a', 'b', 'c'].map((path) => encodeGroup(groupOf([path], 1))).join('');
    const damaged = text.replace('{"path":"b","type":"file","size":1', '$&000000000000000000');
    expect(damaged).not.toBe(text);
    expect(() => parsePieceBetween(damaged, 'b', 'b')).toThrow(
      expect.objectContaining({ code: 'BACKUP_DAMAGED' }),
    );
  });

  test.each(['\n', '{}\n', '{"path"', '[]\n', '{"member":1}\n', '{"member":1}\n{"member":1}\n'])(
    'refuses %j as damaged',
    (text) => {
      expect(() => parsePieceBetween(text, 'a', 'b')).toThrow(
        expect.objectContaining({ code: 'BACKUP_DAMAGED' }),
      );
    },
  );
});
