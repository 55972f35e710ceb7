import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import { parseTable } from '../../lib/format/archive-index.ts';
import { isOwnPath, OWN_NAMES } from '../../lib/format/own-paths.ts';
import { assertTable, knownPieces } from '../../lib/format/structure.ts';
import { backUp, openMade, placeOf, plant, prose, Scratch } from '../support/archives.ts';

async function tableOf(compression: 'default' | 'zstd') {
  using scratch = new Scratch();
  plant(scratch.path, { 'a/b': prose(3000), c: prose(200_000), d: '' });
  const backup = await backUp(scratch.path, { compression });
  return { ...(await openMade(backup)), bytes: backup.archive, place: placeOf(backup) };
}

describe.each([
  ['default', 'gzip'],
  ['zstd', 'zstd'],
] as const)('what an archive holds besides its entries (%s)', (compression, codec) => {
  const form = { codec, names: OWN_NAMES };

  test('follows from its table, byte for byte, to its end', async () => {
    const { table, place, bytes } = await tableOf(compression);
    const { pieces, archiveBytes } = knownPieces(table, place, form);
    expect(archiveBytes).toBe(bytes.length);
    for (const { offset, content } of pieces) {
      expect(bytes.subarray(offset, offset + content.length).equals(content)).toBe(true);
    }
  });

  test('is refused where the table leaves a gap, overlaps or points back', async () => {
    const { table, place } = await tableOf(compression);
    expect(() => assertTable(table, place, form)).not.toThrow();
    const [sums] = table.sums;
    const [piece] = table.pieces;
    if (sums === undefined || piece === undefined) throw new Error('an archive without an index');
    const moved = <T extends { offset: number }>(one: T, by: number) => ({
      ...one,
      offset: one.offset + by,
    });
    for (const by of [1, -1]) {
      expect(() => assertTable({ ...table, sums: [moved(sums, by)] }, place, form)).toThrow(/gap/);
      expect(() => assertTable({ ...table, pieces: [moved(piece, by)] }, place, form)).toThrow(
        /gap/,
      );
      expect(() => assertTable({ ...table, dataBytes: table.dataBytes + by }, place, form)).toThrow(
        /gap/,
      );
      expect(() => assertTable(table, moved(place, by), form)).toThrow(/gap/);
    }
    expect(() => assertTable({ ...table, pieces: [] }, place, form)).toThrow(/gap/);
  });
});

test('the index in the tar is its pieces and then the table', async () => {
  const { table, place, bytes } = await tableOf('default');
  const text = Buffer.concat(
    [...table.pieces, place].map(({ offset, bytes: length }) =>
      gunzipSync(bytes.subarray(offset, offset + length)),
    ),
  ).toString();
  expect(gunzipSync(bytes).includes(text)).toBe(true);
  expect(parseTable(text.slice(text.indexOf('{"table"')))).toEqual(table);
});

test('the names that an archive keeps for itself are all at the root', () => {
  for (const own of ['.holdfast', '.holdfast/', '.holdfast/x', '.holdfast/SHA256SUMS'])
    expect(isOwnPath(own)).toBe(true);
  for (const free of ['a/.holdfast/', '.holdfast2', '.holdfas', 'holdfast/', '.holdfast\n/'])
    expect(isOwnPath(free)).toBe(false);
});
