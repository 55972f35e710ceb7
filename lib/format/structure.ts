// What an archive holds besides its entries: the sums, the index and the end. All of it follows from the index table, so a reader
// computes what has to stand there and compares.
import { Buffer } from 'node:buffer';
import { HoldfastError } from '../errors.ts';
import { encodeTable, type IndexTable } from './archive-index.ts';
import { encodeLocator, encodeMember, type Codec, type Extent } from './codec.ts';
import type { OwnNames } from './own-paths.ts';
import { BLOCK_BYTES, encodeHeader, paddingBytes } from './tar.ts';

/** How an archive is encoded, and what it calls its own files. */
export interface Form {
  readonly codec: Codec;
  readonly names: OwnNames;
}

/** The member before the sums: their header. Nothing in a part without sums. */
export function sumsHead(sumsBytes: number, { codec, names }: Form): Buffer {
  if (names.ofPart && sumsBytes === 0) return Buffer.alloc(0);
  return stored(ownHeader(names.sums, sumsBytes), codec);
}

/** The member between the sums and the index: the end of the one and the header of the other. */
export function indexHead(sumsBytes: number, indexBytes: number, { codec, names }: Form): Buffer {
  const padding = Buffer.alloc(paddingBytes(sumsBytes));
  return stored(Buffer.concat([padding, ownHeader(names.index, indexBytes)]), codec);
}

/** What follows the table: the end of the tar, then the locator. */
export function archiveTail(indexBytes: number, table: Extent, codec: Codec): Buffer {
  const end = Buffer.alloc(paddingBytes(indexBytes) + 2 * BLOCK_BYTES);
  return Buffer.concat([stored(end, codec), encodeLocator(table, codec)]);
}

/** A piece of the artifact that is known before it is read. */
export interface KnownPiece {
  readonly offset: number;
  readonly content: Buffer;
}

/** The pieces of an archive that follow from its table, and its whole length. */
export function knownPieces(
  table: IndexTable,
  place: Extent,
  form: Form,
): { pieces: KnownPiece[]; archiveBytes: number } {
  const sumsBytes = sum(table.sums);
  const indexBytes = sum(table.pieces) + Buffer.byteLength(encodeTable(table));
  const head = sumsHead(sumsBytes, form);
  const sumsEnd = table.dataBytes + head.length + table.sums.reduce((n, one) => n + one.bytes, 0);
  const tail = archiveTail(indexBytes, place, form.codec);
  const pieces = [
    { offset: table.dataBytes, content: head },
    { offset: sumsEnd, content: indexHead(sumsBytes, indexBytes, form) },
    { offset: place.offset + place.bytes, content: tail },
  ];
  return { pieces, archiveBytes: place.offset + place.bytes + tail.length };
}

/**
 * Checks that sums, index and table stand one behind the other after the data, with nothing but the known pieces between them.
 *
 * `BACKUP_DAMAGED` otherwise: bytes that nothing names would be bytes that nothing verifies.
 */
export function assertTable(table: IndexTable, place: Extent, form: Form): void {
  const { pieces } = knownPieces(table, place, form);
  const [head, between] = pieces.map(({ content }) => content.length);
  const sumsEnd = follow(table.sums, table.dataBytes + (head ?? 0));
  const end = follow([...table.pieces, place], sumsEnd + (between ?? 0));
  if (end === place.offset + place.bytes) return;
  throw new HoldfastError('BACKUP_DAMAGED', 'the pieces of the index overlap, or leave a gap');
}

/** Where the last of `extents` ends when the first begins at `offset` and each follows the one before; otherwise NaN. */
function follow(extents: readonly Extent[], offset: number): number {
  return extents.reduce((at, extent) => (extent.offset === at ? at + extent.bytes : NaN), offset);
}

function sum(extents: readonly Extent[]): number {
  return extents.reduce((total, extent) => total + extent.rawBytes, 0);
}

function ownHeader(path: string, size: number): Buffer {
  return encodeHeader({
    path,
    type: 'file',
    size,
    mode: 0o644,
    uid: 0,
    gid: 0,
    mtimeMicroseconds: undefined,
    linkTarget: undefined,
  });
}

function stored(bytes: Buffer, codec: Codec): Buffer {
  return encodeMember([{ bytes, stored: true }], { codec, level: 0 });
}
