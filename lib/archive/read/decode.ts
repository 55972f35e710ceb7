// Decoding members against their index: digest first, then the bytes, then every header compared with what the index says.
import crypto from 'node:crypto';
import { HoldfastError, type Problem } from '../../errors.ts';
import type { IndexEntry, IndexGroup, Member } from '../../format/archive-index.ts';
import { decodeMember, type Codec } from '../../format/codec.ts';
import { displayPath } from '../../format/paths.ts';
import { BLOCK_BYTES, encodeHeader, paddingBytes } from '../../format/tar.ts';
import { free } from '../threads/reclaim.ts';

/** Stored bytes, and where in the artifact they begin. */
export interface StoredRange {
  readonly offset: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** The stored bytes of a member; `BACKUP_DAMAGED` unless their digest is the one in the index. */
export function checkedMember(range: StoredRange, member: Member): Uint8Array {
  const start = member.offset - range.offset;
  const bytes = range.bytes.subarray(start, start + member.bytes);
  if (bytes.length !== member.bytes) {
    throw new HoldfastError('BACKUP_DAMAGED', `the member at byte ${member.offset} is cut short`);
  }
  if (crypto.hash('sha256', bytes, 'hex') !== member.sha256) {
    throw new HoldfastError(
      'BACKUP_DAMAGED',
      `the ${member.bytes} stored bytes from byte ${member.offset} do not have the digest that was recorded`,
    );
  }
  return bytes;
}

/**
 * Hands each entry of a group that is one member, with its content, to `visit`, after everything that the index says of the
 * member has been found to hold. `BACKUP_DAMAGED` otherwise, before the first call. The content is gone when `visit` returns.
 */
export function decodeGroup(
  range: StoredRange,
  group: IndexGroup,
  codec: Codec,
  visit: (entry: IndexEntry, content: Buffer) => void,
): void {
  const [member] = group.members;
  if (member === undefined) return;
  const raw = decodeMember(checkedMember(range, member), member.rawBytes, codec);
  try {
    const contents = layOut(group.entries, raw);
    group.entries.forEach((entry, i) => visit(entry, contents[i] ?? raw.subarray(0, 0)));
  } finally {
    free(raw);
  }
}

/** Where each entry's content stands in the raw bytes, with headers and padding compared. */
function layOut(entries: readonly IndexEntry[], raw: Buffer): Buffer[] {
  let at = 0;
  const contents = entries.map((entry) => {
    const start = at + expectHeader(entry, raw, at);
    at = expectPadding(entry, raw, start + entry.size);
    return raw.subarray(start, start + entry.size);
  });
  if (at !== raw.length) {
    throw new HoldfastError(
      'BACKUP_DAMAGED',
      `a member holds ${raw.length} bytes, its entries ${at}`,
    );
  }
  return contents;
}

function expectHeader(entry: IndexEntry, raw: Buffer, at: number): number {
  const header = encodeHeader(entry);
  if (!header.equals(raw.subarray(at, at + header.length))) {
    throw new HoldfastError(
      'BACKUP_DAMAGED',
      `the header of ${displayPath(entry.path)} is not what the index says of it`,
    );
  }
  return header.length;
}

const ZEROS = Buffer.alloc(BLOCK_BYTES);

/** Where the padding ends that begins at `at`. */
function expectPadding(entry: IndexEntry, raw: Buffer, at: number): number {
  const end = at + paddingBytes(entry.size);
  if (ZEROS.compare(raw.subarray(at, end), 0, end - at, 0, end - at) === 0) return end;
  throw new HoldfastError(
    'BACKUP_DAMAGED',
    `${displayPath(entry.path)} is not followed by the zeros that fill its last block`,
  );
}

/** The content in one member of a split file: piece `i` of `group.members`. `BACKUP_DAMAGED` as for groups. */
export function decodePiece(
  range: StoredRange,
  group: IndexGroup,
  i: number,
  codec: Codec,
): Buffer {
  const member = group.members[i];
  const [entry] = group.entries;
  if (member === undefined || entry === undefined) throw new RangeError('no such piece');
  const raw = decodeMember(checkedMember(range, member), member.rawBytes, codec);
  const start = i === 0 ? expectHeader(entry, raw, 0) : 0;
  if (i < group.members.length - 1) return raw.subarray(start);
  const end = raw.length - paddingBytes(entry.size);
  expectPadding(entry, raw, end);
  return raw.subarray(start, end);
}

/** A group whose stored bytes are not, or do not hold, what the index says: a problem for each entry in it. */
export function damageOf(group: IndexGroup, error: unknown): Problem[] {
  if (!(error instanceof HoldfastError) || error.code !== 'BACKUP_DAMAGED') throw error;
  return group.entries.map((entry) => ({
    path: displayPath(entry.path),
    code: 'damaged',
    detail: error.message,
  }));
}
