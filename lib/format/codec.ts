// Members: independent gzip streams (RFC 1952) or zstd frames (RFC 8878), each decodable alone, together one plain file.
import zlib from 'node:zlib';
import { HoldfastError } from '../errors.ts';
import { deflateFast } from '../deflate/deflate.ts';

export const CODECS = ['gzip', 'zstd'] as const;
export type Codec = (typeof CODECS)[number];

/** How members are encoded. Part of what an archive's bytes depend on. */
export interface Encoding {
  readonly codec: Codec;
  /** 0 stores; for gzip 1 is our own encoder, 2 to 9 are zlib's; 1 to 19 for zstd. */
  readonly level: number;
}

/** The level of gzip that `deflateFast` is. */
export const FAST_LEVEL = 1;

/** A stretch of a member's raw bytes that is deflated, or stored because it would not shrink. */
export interface Segment {
  readonly bytes: Uint8Array;
  readonly stored: boolean;
}

const GZIP_HEADER_BYTES = 10;
const GZIP_TRAILER_BYTES = 8;
const STORED_BLOCK_BYTES = 65_535;
const RAW_BLOCK_BYTES = 128 << 10;
/** A zstd frame is stored whole when at least this share of it would not shrink. */
const STORED_SHARE = 0.9;

/** One member that decodes to the segments' bytes, in order. */
export function encodeMember(segments: readonly Segment[], encoding: Encoding): Buffer {
  return encoding.codec === 'gzip'
    ? encodeGzip(segments, encoding.level)
    : encodeZstd(segments, encoding.level);
}

/**
 * The `rawBytes` bytes of a member.
 *
 * Never allocates by what the member claims: a member that would decode to more, or to fewer bytes, is `BACKUP_DAMAGED`.
 */
export function decodeMember(member: Uint8Array, rawBytes: number, codec: Codec): Buffer {
  let raw: Buffer;
  try {
    raw = codec === 'gzip' ? decodeGzip(member, rawBytes) : decodeZstd(member, rawBytes);
  } catch (cause) {
    if (cause instanceof HoldfastError) throw cause;
    throw damaged(`a ${codec} member does not decode`, cause);
  }
  if (raw.length !== rawBytes) {
    throw damaged(`a member decodes to ${raw.length} bytes, its index says ${rawBytes}`);
  }
  return raw;
}

function damaged(message: string, cause?: unknown): HoldfastError {
  return new HoldfastError('BACKUP_DAMAGED', message, { cause });
}

function gzipHeader(flags: number): Buffer {
  // No time and an unknown system: the bytes depend on the content alone.
  return Buffer.from([0x1f, 0x8b, 8, flags, 0, 0, 0, 0, 0, 255]);
}

function encodeGzip(segments: readonly Segment[], level: number): Buffer {
  const parts: Uint8Array[] = [gzipHeader(0)];
  let crc = 0;
  let rawBytes = 0;
  segments.forEach((segment, i) => {
    const last = i === segments.length - 1;
    crc = zlib.crc32(segment.bytes, crc);
    rawBytes += segment.bytes.length;
    if (segment.stored || level === 0) pushStored(parts, segment.bytes, last);
    else if (level === FAST_LEVEL) parts.push(...deflateFast(segment.bytes, last));
    else parts.push(deflate(segment.bytes, level, last));
  });
  if (segments.length === 0) parts.push(Buffer.from([3, 0]));
  const trailer = Buffer.alloc(GZIP_TRAILER_BYTES);
  trailer.writeUInt32LE(crc, 0);
  trailer.writeUInt32LE(rawBytes % 2 ** 32, 4);
  parts.push(trailer);
  return Buffer.concat(parts);
}

/** Deflate blocks that end on a byte, so that stored blocks or further deflate blocks can follow (RFC 1951, 3.2.3). */
function deflate(bytes: Uint8Array, level: number, last: boolean): Buffer {
  const { Z_FINISH, Z_SYNC_FLUSH } = zlib.constants;
  return zlib.deflateRawSync(bytes, {
    level,
    memLevel: 9,
    chunkSize: outputBytes(bytes.length),
    finishFlush: last ? Z_FINISH : Z_SYNC_FLUSH,
  });
}

/** Stored deflate blocks (RFC 1951, 3.2.4). */
function pushStored(parts: Uint8Array[], bytes: Uint8Array, last: boolean): void {
  let at = 0;
  do {
    const length = Math.min(STORED_BLOCK_BYTES, bytes.length - at);
    const header = Buffer.alloc(5);
    header[0] = last && at + length === bytes.length ? 1 : 0;
    header.writeUInt16LE(length, 1);
    header.writeUInt16LE(length ^ 0xffff, 3);
    parts.push(header, bytes.subarray(at, at + length));
    at += length;
  } while (at < bytes.length);
}

function decodeGzip(member: Uint8Array, rawBytes: number): Buffer {
  const body = member.length - GZIP_HEADER_BYTES - GZIP_TRAILER_BYTES;
  if (body < 2 || gzipHeader(0).compare(member, 0, GZIP_HEADER_BYTES) !== 0) {
    throw damaged('a member does not begin as a gzip member of Holdfast');
  }
  const raw = zlib.inflateRawSync(member.subarray(GZIP_HEADER_BYTES, GZIP_HEADER_BYTES + body), {
    // One byte more than expected, so that the end is seen in the first call.
    chunkSize: Math.max(64, rawBytes + 1),
    maxOutputLength: Math.max(64, rawBytes + 1),
  });
  const trailer = Buffer.from(member.buffer, member.byteOffset + GZIP_HEADER_BYTES + body, 8);
  if (
    trailer.readUInt32LE(0) !== zlib.crc32(raw) ||
    trailer.readUInt32LE(4) !== raw.length % 2 ** 32
  ) {
    throw damaged('the CRC-32 or the length at the end of a gzip member is wrong');
  }
  return raw;
}

/** As much as members hold, so that zstd has all of one before it; for smaller ones it takes less by itself. */
const WINDOW_LOG = 22;

function encodeZstd(segments: readonly Segment[], level: number): Buffer {
  const raw = joined(segments);
  const storedBytes = segments.reduce((sum, one) => sum + (one.stored ? one.bytes.length : 0), 0);
  if (level === 0 || storedBytes >= STORED_SHARE * raw.length) return storeZstd(raw);
  return zlib.zstdCompressSync(raw, {
    chunkSize: outputBytes(raw.length),
    pledgedSrcSize: raw.length,
    params: {
      [zlib.constants.ZSTD_c_compressionLevel]: level,
      [zlib.constants.ZSTD_c_windowLog]: WINDOW_LOG,
      [zlib.constants.ZSTD_c_checksumFlag]: 1,
    },
  });
}

/** Room for output: the default of 16 KiB costs a call for each; what shrinks fits half its size, mostly, and room unused is memory too. */
function outputBytes(rawBytes: number): number {
  return Math.max(4096, (rawBytes >> 1) + 64);
}

/** The bytes of all segments; those of a single one are not copied. */
function joined(segments: readonly Segment[]): Uint8Array {
  const [first, ...others] = segments;
  if (first !== undefined && others.length === 0) return first.bytes;
  return Buffer.concat(segments.map((segment) => segment.bytes));
}

/** A frame of raw blocks (RFC 8878, 3.1.1.2.2): a single segment with a content size of four bytes. */
function storeZstd(raw: Uint8Array): Buffer {
  const head = Buffer.alloc(9);
  head.writeUInt32LE(0xfd2fb528, 0);
  head[4] = (2 << 6) | (1 << 5);
  head.writeUInt32LE(raw.length, 5);
  const parts: Uint8Array[] = [head];
  let at = 0;
  do {
    const length = Math.min(RAW_BLOCK_BYTES, raw.length - at);
    const block = Buffer.alloc(3);
    block.writeUIntLE((length << 3) | (at + length === raw.length ? 1 : 0), 0, 3);
    parts.push(block, raw.subarray(at, at + length));
    at += length;
  } while (at < raw.length);
  return Buffer.concat(parts);
}

function decodeZstd(member: Uint8Array, rawBytes: number): Buffer {
  return zlib.zstdDecompressSync(member, {
    chunkSize: Math.max(1024, rawBytes + 1),
    maxOutputLength: Math.max(1024, rawBytes + 1),
  });
}

/** Where a piece of an artifact stands, and what it must be. */
export interface Extent {
  readonly offset: number;
  readonly bytes: number;
  readonly rawBytes: number;
  /** The digest of the stored bytes, in hex. */
  readonly sha256: string;
}

const LOCATOR_PAYLOAD_BYTES = 8 + 4 + 4 + 32;

/** The bytes that `encodeLocator` makes, for a codec. */
export const LOCATOR_BYTES: Record<Codec, number> = {
  gzip: GZIP_HEADER_BYTES + 2 + 4 + LOCATOR_PAYLOAD_BYTES + 2 + GZIP_TRAILER_BYTES,
  zstd: 8 + 2 + LOCATOR_PAYLOAD_BYTES,
};

/**
 * The end of an archive: a piece that decodes to nothing and says where the index's table stands, so that an archive found alone
 * can be opened. An empty member with an extra field `HF` (gzip), or a skippable frame (zstd).
 */
export function encodeLocator(table: Extent, codec: Codec): Buffer {
  const payload = Buffer.alloc(LOCATOR_PAYLOAD_BYTES);
  payload.writeBigUInt64LE(BigInt(table.offset), 0);
  payload.writeUInt32LE(table.bytes, 8);
  payload.writeUInt32LE(table.rawBytes, 12);
  payload.write(table.sha256, 16, 'hex');
  if (codec === 'zstd') {
    const head = Buffer.alloc(10);
    head.writeUInt32LE(0x184d2a50, 0);
    head.writeUInt32LE(2 + payload.length, 4);
    head.write('HF', 8, 'latin1');
    return Buffer.concat([head, payload]);
  }
  const extra = Buffer.alloc(6);
  extra.writeUInt16LE(4 + payload.length, 0);
  extra.write('HF', 2, 'latin1');
  extra.writeUInt16LE(payload.length, 4);
  return Buffer.concat([gzipHeader(4), extra, payload, Buffer.from([3, 0]), Buffer.alloc(8)]);
}

/** What `encodeLocator` wrote, or undefined when `bytes` is no locator. */
export function decodeLocator(bytes: Uint8Array, codec: Codec): Extent | undefined {
  if (bytes.length !== LOCATOR_BYTES[codec]) return undefined;
  const at = codec === 'gzip' ? GZIP_HEADER_BYTES + 6 : 10;
  const payload = Buffer.from(bytes.buffer, bytes.byteOffset + at, LOCATOR_PAYLOAD_BYTES);
  const offset = payload.readBigUInt64LE(0);
  if (offset > BigInt(Number.MAX_SAFE_INTEGER)) return undefined;
  const table: Extent = {
    offset: Number(offset),
    bytes: payload.readUInt32LE(8),
    rawBytes: payload.readUInt32LE(12),
    sha256: payload.toString('hex', 16),
  };
  return encodeLocator(table, codec).equals(bytes) ? table : undefined;
}
