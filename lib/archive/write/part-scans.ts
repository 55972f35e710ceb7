// The scan of an archive in parts: a section for each, so that one that stays as it is needs neither to be read nor to be written.
import zlib from 'node:zlib';
import type { Encoding } from '../../format/codec.ts';
import { encodeText } from './encode.ts';
import { assertScan, scanOfPart, unknownVersion, type Scan } from './scan.ts';

const VERSION = 2;
const ENCODING: Encoding = { codec: 'gzip', level: 1 };
const GZIP_HEADER_BYTES = 10;
const GZIP_TRAILER_BYTES = 8;
/** More parts than a manifest can name do not fill it. */
const MAX_HEAD_BYTES = 1 << 20;

/** What a scan tells of one part. */
export interface Section {
  /** When the walk began that found its entries. */
  readonly begin: Date;
  /** A digest of what was found of its entries; undefined when one of them was read otherwise than it was found, or may have changed since. */
  readonly found: string | undefined;
  /** Its lines, in members. */
  readonly members: readonly Uint8Array[];
}

interface Head {
  readonly scan: number;
  readonly parts: readonly {
    readonly begin: string;
    readonly found?: string;
    readonly bytes: number;
  }[];
}

/** The members of the scan of parts that are in this order. */
export function encodePartScans(sections: readonly Section[]): Uint8Array[] {
  const head: Head = {
    scan: VERSION,
    parts: sections.map(({ begin, found, members }) => ({
      begin: begin.toISOString(),
      ...(found !== undefined && { found }),
      bytes: members.reduce((sum, { length }) => sum + length, 0),
    })),
  };
  const { bytes } = encodeText(Buffer.from(`${JSON.stringify(head)}\n`), ENCODING);
  return [...(bytes === undefined ? [] : [bytes]), ...sections.flatMap(({ members }) => members)];
}

/**
 * The sections of a scan whose digest is known, in the order of the parts; `BACKUP_DAMAGED` when it has another, `FORMAT_UNSUPPORTED`
 * for other versions.
 */
export function openPartScans(stored: Uint8Array, sha256: string): Section[] {
  assertScan(stored, sha256);
  const { head, headBytes } = readHead(stored);
  let at = headBytes;
  return head.parts.map(({ begin, found, bytes }) => {
    const members = [stored.subarray(at, at + bytes)];
    at += bytes;
    return { begin: new Date(begin), found, members };
  });
}

/** The lines of a section that was opened. */
export function scanOfSection({ members: [stored = new Uint8Array(0)], begin }: Section): Scan {
  return scanOfPart(stored, begin);
}

/** The head is a member of its own, and ends where its deflated bytes do. */
function readHead(stored: Uint8Array): { head: Head; headBytes: number } {
  const options = { info: true, maxOutputLength: MAX_HEAD_BYTES } as const;
  const inflated = zlib.inflateRawSync(stored.subarray(GZIP_HEADER_BYTES), options);
  const { buffer, engine } = inflated as unknown as {
    buffer: Buffer;
    engine: { bytesWritten: number };
  };
  const head = JSON.parse(buffer.toString()) as Head;
  if (head.scan !== VERSION) throw unknownVersion();
  return { head, headBytes: GZIP_HEADER_BYTES + engine.bytesWritten + GZIP_TRAILER_BYTES };
}
