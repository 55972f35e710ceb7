import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  encodeGroup,
  encodeTable,
  MAX_PIECE_BYTES,
  parsePiece,
  parseTable,
  type IndexTable,
} from '../../lib/format/archive-index.ts';
import { digest, entryPath, indexGroup } from '../support/entries.ts';

const SHA = 'ab'.repeat(32);
const extent = fc.record({
  offset: fc.maxSafeNat(),
  bytes: fc.nat(4096),
  rawBytes: fc.nat(MAX_PIECE_BYTES),
  sha256: digest,
});
const table: fc.Arbitrary<IndexTable> = fc.record({
  entries: fc.maxSafeNat(),
  members: fc.maxSafeNat(),
  dataBytes: fc.maxSafeNat(),
  sums: fc.array(extent, { maxLength: 3 }),
  pieces: fc.array(
    fc.tuple(extent, entryPath).map(([one, firstPath]) => ({ ...one, firstPath })),
    { maxLength: 3 },
  ),
});

describe('a piece of the index', () => {
  test('gives back the groups that it was made of', () => {
    fc.assert(
      fc.property(fc.array(indexGroup, { maxLength: 5 }), (groups) => {
        expect(parsePiece(groups.map(encodeGroup).join(''))).toEqual(groups);
      }),
    );
  });

  test('is one JSON object a line', () => {
    fc.assert(
      fc.property(indexGroup, (group) => {
        const lines = encodeGroup(group).split('\n');
        expect(lines.pop()).toBe('');
        expect(lines.length).toBe(group.entries.length + group.members.length);
        for (const line of lines) expect(typeof JSON.parse(line)).toBe('object');
      }),
    );
  });
});

const FILE = { path: 'a', type: 'file', size: 1, mode: 420, uid: 0, gid: 0, sha256: SHA };
const MEMBER = { member: { offset: 0, bytes: 9, rawBytes: 1024, sha256: SHA }, key: SHA };
const LINK = { path: 'a', type: 'symlink', mode: 511, uid: 0, gid: 0, linkTarget: 'b' };
const line = (value: object) => `${JSON.stringify(value)}\n`;
const piece = (...values: object[]) => values.map(line).join('');

describe('a piece of the index is refused as damaged', () => {
  test.each<[string, string]>([
    ['that is not JSON', '{"path"\n'],
    ['whose line is a list', '[]\n'],
    ['whose line is null', 'null\n'],
    ['that begins with a member', piece(MEMBER)],
    ['whose entries stand in no member', piece(FILE)],
    [
      'that breaks a split file',
      piece(FILE, MEMBER, { ...FILE, path: 'b' }, { ...FILE, path: 'c' }) +
        line(MEMBER) +
        line(MEMBER) +
        line(FILE),
    ],
    ['with a negative size', piece({ ...FILE, size: -1 }, MEMBER)],
    ['with a size that is text', piece({ ...FILE, size: '1' }, MEMBER)],
    ['with a size beyond what can be counted', piece({ ...FILE, size: 2 ** 53 }, MEMBER)],
    ['with a number that overflows', piece(FILE, MEMBER).replace('"size":1', '"size":1e999')],
    ['without an owner', piece({ ...FILE, uid: undefined }, MEMBER)],
    ['without a path', piece({ ...FILE, path: undefined }, MEMBER)],
    ['whose path is a number', piece({ ...FILE, path: 1 }, MEMBER)],
    ['whose time is text', piece({ ...FILE, mtimeMicroseconds: '1' }, MEMBER)],
    ['whose holes are a number', piece({ ...FILE, holes: 1 }, MEMBER)],
    ['whose file has no digest', piece({ ...FILE, sha256: undefined }, MEMBER)],
    ['whose digest is short', piece({ ...FILE, sha256: 'ab' }, MEMBER)],
    ['whose link has a digest', piece({ ...LINK, sha256: SHA }, MEMBER)],
    ['whose member has no place', piece(FILE, { ...MEMBER, member: null })],
    ['whose member has no key', piece(FILE, { ...MEMBER, key: undefined })],
    [
      'whose member stands at a negative place',
      piece(FILE, { ...MEMBER, member: { ...MEMBER.member, offset: -1 } }),
    ],
    [
      'whose member claims more than any may hold',
      piece(FILE, { ...MEMBER, member: { ...MEMBER.member, rawBytes: MAX_PIECE_BYTES + 1 } }),
    ],
    [
      'whose member takes far more than it holds',
      piece(FILE, { ...MEMBER, member: { ...MEMBER.member, bytes: 8192 } }),
    ],
    ['whose file is longer than its members', piece({ ...FILE, size: 5000 }, MEMBER, MEMBER)],
    ['whose file is shorter than its members', piece({ ...FILE, size: 1 }, MEMBER, MEMBER)],
    ['whose type hides behind __proto__', '{"path":"a","__proto__":{"type":"file"}}\n'],
  ])('%s', (_, text) => {
    const code = text.includes('__proto__') ? 'FORMAT_UNSUPPORTED' : 'BACKUP_DAMAGED';
    expect(() => parsePiece(text)).toThrow(expect.objectContaining({ code }));
  });
});

describe('a piece of the index is refused as unsafe', () => {
  test.each([
    '',
    '/etc/passwd',
    '../a',
    'a/../b',
    'a/..',
    './a',
    'a//b',
    'a\0b',
    'a/./b',
    '.holdfast',
    '.holdfast/x',
  ])('when it names %j', (path) => {
    expect(() => parsePiece(piece({ ...FILE, path }, MEMBER))).toThrow(
      expect.objectContaining({ code: 'PATH_UNSAFE' }),
    );
  });

  test.each(['/etc/passwd', '../a', 'a/../../b', ''])(
    'when a hard link shares %j',
    (linkTarget) => {
      const link = { ...FILE, type: 'hardlink', size: undefined, linkTarget };
      expect(() => parsePiece(piece(link, MEMBER))).toThrow(
        expect.objectContaining({ code: 'PATH_UNSAFE' }),
      );
    },
  );

  test.each(['', 'a\0b', 'x'.repeat(4096)])('when a symlink cannot be made: %#', (linkTarget) => {
    expect(() => parsePiece(piece({ ...LINK, linkTarget }, MEMBER))).toThrow(
      expect.objectContaining({ code: 'PATH_UNSAFE' }),
    );
  });

  test('when a name of the encoding for bytes leads out', () => {
    const pathBase64 = Buffer.from('../\xff', 'latin1').toString('base64');
    expect(() => parsePiece(piece({ ...FILE, path: undefined, pathBase64 }, MEMBER))).toThrow(
      expect.objectContaining({ code: 'PATH_UNSAFE' }),
    );
  });

  test('when half of a surrogate pair would become another name', () => {
    expect(() => parsePiece('{"path":"\\ud800","type":"file"}\n')).toThrow(
      expect.objectContaining({ code: 'PATH_UNSAFE' }),
    );
  });
});

test('a symlink may point anywhere: it is kept as it is', () => {
  for (const linkTarget of ['/etc/passwd', '../../x', '.', 'gone']) {
    const [group] = parsePiece(piece({ ...LINK, linkTarget }, MEMBER));
    expect(group?.entries[0]).toMatchObject({ linkTarget });
  }
});

test('types that a newer version may bring are refused with that hint, and shown safely', () => {
  const type = 'device\u009b31m';
  expect(() => parsePiece(piece({ ...FILE, type }, MEMBER))).toThrow(
    expect.objectContaining({
      code: 'FORMAT_UNSUPPORTED',
      message: expect.not.stringContaining('\u009b'),
    }),
  );
});

describe('the table', () => {
  test('gives back what it was made of', () => {
    fc.assert(
      fc.property(table, (one) => {
        expect(parseTable(encodeTable(one))).toEqual(one);
      }),
    );
  });

  test.each<[string, string, string]>([
    ['of another version', '{"table":2}\n', 'FORMAT_UNSUPPORTED'],
    ['without a version', '{}\n', 'FORMAT_UNSUPPORTED'],
    ['that is empty', '', 'BACKUP_DAMAGED'],
    [
      'with a negative count',
      '{"table":1,"entries":-1,"members":0,"dataBytes":0}\n',
      'BACKUP_DAMAGED',
    ],
    ['without its counts', '{"table":1}\n', 'BACKUP_DAMAGED'],
    [
      'with a line of another kind',
      '{"table":1,"entries":0,"members":0,"dataBytes":0}\n{}\n',
      'BACKUP_DAMAGED',
    ],
    [
      'with a piece without a place',
      '{"table":1,"entries":0,"members":0,"dataBytes":0}\n{"piece":{},"firstPath":"a"}\n',
      'BACKUP_DAMAGED',
    ],
    [
      'with a piece without its path',
      `{"table":1,"entries":0,"members":0,"dataBytes":0}\n{"piece":{"offset":0,"bytes":0,"rawBytes":0,"sha256":"${SHA}"}}\n`,
      'BACKUP_DAMAGED',
    ],
  ])('%s is refused', (_, text, code) => {
    expect(() => parseTable(text)).toThrow(expect.objectContaining({ code }));
  });
});
