// Gathers sums and index while an archive is written, encodes them in pieces, and ends the archive with them.
import crypto from 'node:crypto';
import {
  encodeGroup,
  encodeTable,
  INDEX_PIECE_BYTES,
  type IndexGroup,
  type IndexPiece,
  type IndexTable,
} from '../../format/archive-index.ts';
import type { Encoding, Extent } from '../../format/codec.ts';
import { OWN_NAMES, type OwnNames } from '../../format/own-paths.ts';
import { archiveTail, indexHead, sumsHead } from '../../format/structure.ts';
import { sumsLine } from '../../format/sums.ts';
import { encodeText, type EncodedMember } from './encode.ts';
import type { Pool } from '../threads/pool.ts';

interface Pending {
  readonly firstPath: string;
  readonly member: Promise<EncodedMember>;
}

/** Takes groups in order; `finish` gives what follows the data. Keeps only encoded pieces in memory. */
export class IndexWriter {
  private readonly pool: Pool;
  private readonly encoding: Encoding;
  private readonly names: (firstPath: string) => OwnNames;
  private readonly sums = new Lines();
  private readonly index = new Lines();
  private readonly sumsPieces: Pending[] = [];
  private readonly indexPieces: Pending[] = [];
  private firstPath = '';
  private entries = 0;
  private members = 0;
  private dataBytes = 0;

  /** @param names - of the archive's own files, by its first path */
  constructor(pool: Pool, encoding: Encoding, names: (firstPath: string) => OwnNames = alone) {
    this.pool = pool;
    this.encoding = encoding;
    this.names = names;
  }

  add(group: IndexGroup): void {
    // Pieces are cut between groups, so that each names the members of all its entries.
    if (this.index.bytes >= INDEX_PIECE_BYTES) this.cutIndex();
    if (this.sums.bytes >= INDEX_PIECE_BYTES) this.cutSums();
    if (this.index.bytes === 0) this.firstPath = group.entries[0]?.path ?? '';
    this.index.add(Buffer.from(encodeGroup(group)));
    let sums = '';
    for (const { path, sha256 } of group.entries) {
      if (sha256 !== undefined) sums += sumsLine(path, sha256);
    }
    this.sums.add(Buffer.from(sums, 'latin1'));
    this.entries += group.entries.length;
    this.members += group.members.length;
    const last = group.members.at(-1);
    if (last !== undefined) this.dataBytes = last.offset + last.bytes;
  }

  private cutIndex(): void {
    this.indexPieces.push({ firstPath: this.firstPath, member: this.encode(this.index.take()) });
  }

  private cutSums(): void {
    this.sumsPieces.push({ firstPath: '', member: this.encode(this.sums.take()) });
  }

  private encode(bytes: Buffer): Promise<EncodedMember> {
    const member = this.pool.run('encodeText', { bytes, encoding: this.encoding }, bytes.length);
    // Awaited in `finish`; until then a rejection must not count as unhandled.
    member.catch(() => undefined);
    return member;
  }

  /** The bytes that follow the data, in order, and where the table of the index stands among them. */
  async finish(): Promise<{ parts: Uint8Array[]; place: Extent }> {
    if (this.index.bytes > 0) this.cutIndex();
    if (this.sums.bytes > 0) this.cutSums();
    const form = { ...this.encoding, names: this.names(this.indexPieces[0]?.firstPath ?? '') };
    const sums = await Promise.all(this.sumsPieces.map(({ member }) => member));
    const pieces = await Promise.all(this.indexPieces.map(({ member }) => member));
    const sumsBytes = rawBytesOf(sums);
    const head = sumsHead(sumsBytes, form);
    const parts: Uint8Array[] = [head, ...bytesOf(sums)];
    const sumsExtents = placeAt(sums, this.dataBytes + head.length);
    const sumsEnd = this.dataBytes + head.length + storedBytesOf(sums);
    // The length of the table is needed before the table can be placed; only digits of offsets depend on it, and those are known.
    const between = indexHead(sumsBytes, 0, form).length;
    const table: IndexTable = {
      entries: this.entries,
      members: this.members,
      dataBytes: this.dataBytes,
      sums: sumsExtents,
      pieces: placeAt(pieces, sumsEnd + between).map((extent, i): IndexPiece => ({
        ...extent,
        firstPath: this.indexPieces[i]?.firstPath ?? '',
      })),
    };
    const tableText = Buffer.from(encodeTable(table));
    const indexBytes = rawBytesOf(pieces) + tableText.length;
    const tableMember = encodeText(tableText, this.encoding);
    const place: Extent = {
      offset: sumsEnd + between + storedBytesOf(pieces),
      bytes: tableMember.bytes?.length ?? 0,
      rawBytes: tableText.length,
      sha256: crypto.hash('sha256', tableMember.bytes ?? '', 'hex'),
    };
    parts.push(
      indexHead(sumsBytes, indexBytes, form),
      ...bytesOf(pieces),
      ...bytesOf([tableMember]),
    );
    parts.push(archiveTail(indexBytes, place, form.codec));
    return { parts, place };
  }
}

function alone(): OwnNames {
  return OWN_NAMES;
}

/** Text that gathers in buffers until it is cut. */
class Lines {
  bytes = 0;
  private parts: Buffer[] = [];

  add(part: Buffer): void {
    this.parts.push(part);
    this.bytes += part.length;
  }

  take(): Buffer {
    const all = Buffer.concat(this.parts);
    this.parts = [];
    this.bytes = 0;
    return all;
  }
}

function placeAt(members: readonly EncodedMember[], offset: number): Extent[] {
  let at = offset;
  return members.map(({ bytes, rawBytes, sha256 }) => {
    const extent = { offset: at, bytes: bytes?.length ?? 0, rawBytes, sha256 };
    at += extent.bytes;
    return extent;
  });
}

function bytesOf(members: readonly EncodedMember[]): Uint8Array[] {
  return members.flatMap(({ bytes }) => (bytes === undefined ? [] : [bytes]));
}

function rawBytesOf(members: readonly EncodedMember[]): number {
  return members.reduce((sum, { rawBytes }) => sum + rawBytes, 0);
}

function storedBytesOf(members: readonly EncodedMember[]): number {
  return members.reduce((sum, { bytes }) => sum + (bytes?.length ?? 0), 0);
}
