// Encoding what is read into members: the work of a worker.
import crypto from 'node:crypto';
import fs from 'node:fs';
import type { Problem } from '../../errors.ts';
import type { IndexEntry } from '../../format/archive-index.ts';
import { encodeMember, type Encoding, type Segment } from '../../format/codec.ts';
import { encodeHeader, paddingBytes } from '../../format/tar.ts';
import { resists } from './entropy.ts';
import { keyOfGroup, keyOfPiece } from './member-key.ts';
import type { SourceEntry } from './plan.ts';
import { free } from '../threads/reclaim.ts';
import { Scratch } from './scratch.ts';
import { readStable, type ReadFile } from './stable-read.ts';

const scratch = new Scratch();

/** A group to encode, and the key of the member that stood there before: equal keys need no encoding. */
export interface GroupToEncode {
  readonly entries: readonly SourceEntry[];
  readonly candidateKey: string | undefined;
}

export interface EncodedMember {
  /** Undefined when the candidate's bytes serve. */
  readonly bytes: Uint8Array<ArrayBuffer> | undefined;
  readonly rawBytes: number;
  readonly sha256: string;
  readonly key: string;
}

export interface EncodedGroup {
  /** As read; what could not be read is missing here and named in `problems`. */
  readonly entries: readonly IndexEntry[];
  /** What changes when a file of the group changes, for each of `entries`. */
  readonly stats: readonly string[];
  /** Undefined when no entry is left. */
  readonly member: EncodedMember | undefined;
  readonly readBytes: number;
  readonly problems: readonly Problem[];
}

/** Reads the entries of a group and encodes them into one member. */
export function encodeGroupMember(group: GroupToEncode, encoding: Encoding): EncodedGroup {
  const entries: IndexEntry[] = [];
  const stats: string[] = [];
  const problems: Problem[] = [];
  const layout: Layout = { at: 0, headers: [], contents: [] };
  let readBytes = 0;
  for (const planned of group.entries) {
    const taken = take(planned, layout, problems);
    if (taken === undefined) continue;
    entries.push(taken.entry);
    stats.push(taken.stat);
    readBytes += taken.entry.size;
  }
  const member =
    entries.length === 0 ? undefined : encodeLayout(layout, entries, group.candidateKey, encoding);
  return { entries, stats, member, readBytes, problems };
}

/** Where headers and contents stand in the scratch. */
interface Layout {
  at: number;
  readonly headers: { start: number; end: number }[];
  readonly contents: { start: number; end: number; resists: boolean }[];
}

function take(
  planned: SourceEntry,
  layout: Layout,
  problems: Problem[],
): { entry: IndexEntry; stat: string } | undefined {
  if (planned.type !== 'file') {
    place(planned, layout, layout.at);
    return { entry: indexEntry(planned, undefined), stat: planned.stat };
  }
  const read =
    planned.bytes === undefined
      ? readStable(planned, scratch, layout.at + HEADER_ROOM, problems)
      : copyInto(planned, planned.bytes, layout.at);
  if (read === undefined) return undefined;
  const entry = { ...planned, ...read.meta };
  const content = place(entry, layout, layout.at + HEADER_ROOM);
  const sha256 = crypto.hash('sha256', content, 'hex');
  return { entry: indexEntry(entry, sha256), stat: read.stat };
}

/** Writes the header before content that was read to `readAt`, and closes the last block. */
function place(entry: SourceEntry, layout: Layout, readAt: number): Buffer {
  const header = encodeHeader(entry);
  const start = layout.at + header.length;
  const end = start + entry.size + paddingBytes(entry.size);
  scratch.reserve(Math.max(end, readAt), readAt + entry.size);
  if (entry.size > 0 && readAt !== start)
    scratch.bytes.copyWithin(start, readAt, readAt + entry.size);
  header.copy(scratch.bytes, layout.at);
  scratch.bytes.fill(0, start + entry.size, end);
  layout.headers.push({ start: layout.at, end: start });
  const content = scratch.bytes.subarray(start, start + entry.size);
  layout.contents.push({ start, end: start + entry.size, resists: resists(content) });
  layout.at = end;
  return content;
}

/** Content is read this far behind where its header will begin: most headers have this length. */
const HEADER_ROOM = 1536;

function copyInto(planned: SourceEntry, bytes: Uint8Array, at: number): ReadFile {
  scratch.reserve(at + HEADER_ROOM + bytes.length + 512, at);
  scratch.bytes.set(bytes, at + HEADER_ROOM);
  return { meta: { ...planned, size: bytes.length }, stat: planned.stat };
}

export function indexEntry(entry: SourceEntry, sha256: string | undefined): IndexEntry {
  const { path, type, size, mode, uid, gid, mtimeMicroseconds, linkTarget, holes } = entry;
  const known = { path, type, size, mode, uid, gid, mtimeMicroseconds, linkTarget, sha256, holes };
  return entry.objectKey === undefined ? known : { ...known, objectKey: entry.objectKey };
}

function encodeLayout(
  layout: Layout,
  entries: readonly IndexEntry[],
  candidateKey: string | undefined,
  encoding: Encoding,
): EncodedMember {
  const key = keyOfGroup(
    layout.headers.map(({ start, end }, i) => ({
      header: scratch.bytes.subarray(start, end),
      sha256: entries[i]?.type === 'file' ? entries[i].sha256 : undefined,
    })),
    encoding,
  );
  if (key === candidateKey) return { bytes: undefined, rawBytes: layout.at, sha256: '', key };
  const bytes = encodeMember(segmentsOf(layout), encoding) as Buffer<ArrayBuffer>;
  return { bytes, rawBytes: layout.at, sha256: crypto.hash('sha256', bytes, 'hex'), key };
}

/** Stretches that shrink and such that do not, in turn. */
function segmentsOf(layout: Layout): Segment[] {
  const segments: Segment[] = [];
  let from = 0;
  for (const content of layout.contents) {
    if (!content.resists) continue;
    segments.push({ bytes: scratch.bytes.subarray(from, content.start), stored: false });
    segments.push({ bytes: scratch.bytes.subarray(content.start, content.end), stored: true });
    from = content.end;
  }
  if (from < layout.at)
    segments.push({ bytes: scratch.bytes.subarray(from, layout.at), stored: false });
  return segments;
}

/** Groups with the bytes of all their members in one buffer: many small ones would leave holes in the allocator's memory. */
export function packed(groups: readonly EncodedGroup[]): EncodedGroup[] {
  const parts = groups.map(({ member }) => member?.bytes ?? new Uint8Array(0));
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  return groups.map((group, i) => {
    const part = parts[i] ?? new Uint8Array(0);
    all.set(part, at);
    const bytes = all.subarray(at, at + part.length);
    at += part.length;
    free(part);
    return group.member?.bytes === undefined
      ? group
      : { ...group, member: { ...group.member, bytes } };
  });
}

/** The bytes in a buffer of their own, which can be handed to another thread without copying. */
function exact(bytes: Buffer): Uint8Array<ArrayBuffer> {
  if (bytes.byteLength === bytes.buffer.byteLength)
    return new Uint8Array(bytes.buffer as ArrayBuffer);
  const copy = new Uint8Array(bytes);
  free(bytes);
  return copy;
}

/** A piece of a split file, to be read into `slot` by its file descriptor, and encoded. */
export interface PieceToEncode {
  /** Undefined when the slot holds the content already. */
  readonly fd: number | undefined;
  readonly position: number;
  readonly bytes: number;
  /** Before the first piece. */
  readonly header: Uint8Array | undefined;
  /** After the last piece. */
  readonly paddingBytes: number;
  readonly slot: SharedArrayBuffer;
  readonly candidateKey: string | undefined;
}

export interface EncodedPiece {
  readonly member: EncodedMember;
  /** Fewer than asked for when the file shrank; the rest of the slot is zeros then. */
  readonly gotBytes: number;
}

/** Reads and encodes one piece; the slot holds its content afterwards, for the digest of the whole file. */
export function encodePiece(piece: PieceToEncode, encoding: Encoding): EncodedPiece {
  const content = new Uint8Array(piece.slot, 0, piece.bytes);
  const gotBytes = piece.fd === undefined ? piece.bytes : readPiece(piece.fd, piece, content);
  const header = piece.header ?? new Uint8Array(0);
  const rawBytes = header.length + piece.bytes + piece.paddingBytes;
  const sha256 = crypto.hash('sha256', content, 'hex');
  const key = keyOfPiece({ header, sha256, rawBytes }, encoding);
  if (key === piece.candidateKey) {
    return { member: { bytes: undefined, rawBytes, sha256: '', key }, gotBytes };
  }
  const stored = resists(content);
  const segments: Segment[] = [];
  if (header.length > 0) segments.push({ bytes: header, stored });
  segments.push({ bytes: content, stored });
  if (piece.paddingBytes > 0) segments.push({ bytes: new Uint8Array(piece.paddingBytes), stored });
  const bytes = exact(encodeMember(segments, encoding));
  return {
    member: { bytes, rawBytes, sha256: crypto.hash('sha256', bytes, 'hex'), key },
    gotBytes,
  };
}

function readPiece(fd: number, piece: PieceToEncode, content: Uint8Array): number {
  let gotBytes = 0;
  while (gotBytes < piece.bytes) {
    const left = piece.bytes - gotBytes;
    const n = fs.readSync(fd, content, gotBytes, left, piece.position + gotBytes);
    if (n === 0) break;
    gotBytes += n;
  }
  content.fill(0, gotBytes);
  return gotBytes;
}

/** Text of the archive's own, as one member. */
export function encodeText(bytes: Uint8Array, encoding: Encoding): EncodedMember {
  const member = exact(encodeMember([{ bytes, stored: false }], encoding));
  return {
    bytes: member,
    rawBytes: bytes.length,
    sha256: crypto.hash('sha256', member, 'hex'),
    key: '',
  };
}
