// The index of an archive: one JSON line per entry and per member, in pieces of about 1 MiB behind a table of first paths.
import { HoldfastError } from '../errors.ts';
import type { Extent } from './codec.ts';
import { isOwnPath, pathOfKey } from './own-paths.ts';
import {
  displayPath,
  displayText,
  fromUtf8,
  MAX_PATH_BYTES,
  toUtf8,
  unsafePathReason,
} from './paths.ts';
import { assertEntry, encodeHeader, paddingBytes, type Entry, type EntryType } from './tar.ts';

/** An entry as the index records it. */
export interface IndexEntry extends Entry {
  /** The digest of the content, in hex; undefined for directories and symlinks. */
  readonly sha256: string | undefined;
  /** True when zeros in it were holes and are to become holes again. */
  readonly holes: boolean;
  /** The key of an object that could not be a path, as a byte string; its entry then lies in `.holdfast/keys/`. */
  readonly objectKey?: string | undefined;
}

/** A member of the artifact and the key by which a later run recognises what it would encode to. */
export interface Member extends Extent {
  readonly key: string;
}

/** What one member holds: several entries; or one split file, which spans several members. */
export interface IndexGroup {
  readonly entries: readonly IndexEntry[];
  readonly members: readonly Member[];
}

/** Pieces of the index are cut at the first group that starts at or after this many bytes. */
export const INDEX_PIECE_BYTES = 1 << 20;
/** What encoding may add, besides a 256th part: frames, and blocks that end on a byte. */
const MAX_OVERHEAD_BYTES = 4096;
/** No piece may claim more than this, whatever the table says. */
export const MAX_PIECE_BYTES = 64 << 20;

const TYPES: readonly EntryType[] = ['file', 'directory', 'symlink', 'hardlink'];

/** The lines of a group: each entry, with the members that begin with it behind it. UTF-8 text. */
export function encodeGroup(group: IndexGroup): string {
  let lines = '';
  group.entries.forEach((entry, i) => {
    lines += encodeEntry(entry);
    if (i === 0) for (const member of group.members) lines += encodeMemberLine(member);
  });
  return lines;
}

function encodeEntry(entry: IndexEntry): string {
  let line = `{${pathField('path', entry.path)},"type":"${entry.type}"`;
  if (entry.type === 'file') line += `,"size":${entry.size}`;
  line += `,"mode":${entry.mode},"uid":${entry.uid},"gid":${entry.gid}`;
  if (entry.mtimeMicroseconds !== undefined)
    line += `,"mtimeMicroseconds":${entry.mtimeMicroseconds}`;
  if (entry.linkTarget !== undefined) line += `,${pathField('linkTarget', entry.linkTarget)}`;
  if (entry.sha256 !== undefined) line += `,"sha256":"${entry.sha256}"`;
  if (entry.holes) line += ',"holes":true';
  if (entry.objectKey !== undefined) line += `,${pathField('objectKey', entry.objectKey)}`;
  return `${line}}\n`;
}

function encodeMemberLine(member: Member): string {
  return `{"member":${encodeExtent(member)},"key":"${member.key}"}\n`;
}

function encodeExtent(extent: Extent): string {
  return `{"offset":${extent.offset},"bytes":${extent.bytes},"rawBytes":${extent.rawBytes},"sha256":"${extent.sha256}"}`;
}

function pathField(name: string, path: string): string {
  const text = toUtf8(path);
  return text === undefined
    ? `"${name}Base64":"${Buffer.from(path, 'latin1').toString('base64')}"`
    : `"${name}":${JSON.stringify(text)}`;
}

/** The groups of one piece, in order. `BACKUP_DAMAGED` when it is not what `encodeGroup` writes. */
export function parsePiece(text: string): IndexGroup[] {
  const groups: { entries: IndexEntry[]; members: Member[] }[] = [];
  let start = 0;
  let pending: IndexEntry | undefined;
  while (start < text.length) {
    let end = text.indexOf('\n', start);
    if (end < 0) end = text.length;
    const line = parseLine(text.slice(start, end));
    start = end + 1;
    const last = groups.at(-1);
    if ('member' in line) {
      const member = parseMember(line);
      if (pending !== undefined) groups.push({ entries: [pending], members: [member] });
      else if (last?.entries.length === 1) last.members.push(member);
      else throw damaged('a member line stands between the entries of a member');
      pending = undefined;
    } else {
      // Whether an entry continues the last group or begins a new one shows on the next line.
      if (pending !== undefined) appendEntry(last, pending);
      pending = parseEntry(line);
    }
  }
  if (pending !== undefined) appendEntry(groups.at(-1), pending);
  for (const group of groups) if (group.members.length > 1) assertWhole(group);
  return groups;
}

/** The path in the line of an entry; `BACKUP_DAMAGED` when there is none. Nothing else of the line is checked. */
export function pathOfLine(text: string): string {
  return parsePath(parseLine(text), 'path');
}

/** The members of a split file hold its header, its content and its padding, no more; others are measured when they are decoded. */
function assertWhole({ entries, members }: IndexGroup): void {
  const [entry] = entries;
  if (entry === undefined) return;
  const rawBytes = members.reduce((sum, member) => sum + member.rawBytes, 0);
  const headerBytes = encodeHeader(entry).length;
  const first = members[0]?.rawBytes ?? 0;
  if (rawBytes === headerBytes + entry.size + paddingBytes(entry.size) && first >= headerBytes)
    return;
  throw damaged(
    `the members of ${displayPath(entry.path)} hold ${rawBytes} bytes, it has ${entry.size}`,
  );
}

function appendEntry(
  group: { entries: IndexEntry[]; members: Member[] } | undefined,
  entry: IndexEntry,
): void {
  if (group?.members.length !== 1) throw damaged('an entry stands in no member');
  group.entries.push(entry);
}

type Line = Record<string, unknown>;

function parseLine(text: string): Line {
  let line: unknown;
  try {
    line = JSON.parse(text);
  } catch (cause) {
    throw new HoldfastError('BACKUP_DAMAGED', 'a line of the index is not JSON', { cause });
  }
  if (typeof line !== 'object' || line === null || Array.isArray(line)) {
    throw damaged('a line of the index is not an object');
  }
  return line as Line;
}

function parseMember(line: Line): Member {
  const { member, key } = line;
  if (typeof member !== 'object' || member === null || !isDigest(key)) {
    throw damaged('a member line of the index is malformed');
  }
  return { ...parseExtent(member as Line), key };
}

function parseExtent({ offset, bytes, rawBytes, sha256 }: Line): Extent {
  if (!isCount(offset) || !isCount(bytes) || !isCount(rawBytes) || !isDigest(sha256)) {
    throw damaged('a place in the index is malformed');
  }
  if (rawBytes > MAX_PIECE_BYTES) {
    throw damaged(`a member claims ${rawBytes} bytes, allowed are ${MAX_PIECE_BYTES}`);
  }
  // A reader counts what is decoded: what is stored for it must not be able to fill memory instead.
  if (bytes > rawBytes + (rawBytes >> 8) + MAX_OVERHEAD_BYTES) {
    throw damaged(`a member takes ${bytes} bytes for ${rawBytes}`);
  }
  return { offset, bytes, rawBytes, sha256 };
}

function parseEntry(line: Line): IndexEntry {
  const type = TYPES.find((known) => known === line['type']);
  if (type === undefined) {
    throw new HoldfastError(
      'FORMAT_UNSUPPORTED',
      displayText(`an entry of type ${JSON.stringify(line['type'])} is unknown here`),
      {
        hint: 'A newer Holdfast may have written this archive: use that version.',
      },
    );
  }
  const linked = type === 'symlink' || type === 'hardlink';
  const { sha256, mode, uid, gid, mtimeMicroseconds, holes } = line;
  const entry: IndexEntry = {
    path: parsePath(line, 'path'),
    type,
    size: count(type === 'file' ? line['size'] : 0),
    mode: count(mode),
    uid: count(uid),
    gid: count(gid),
    mtimeMicroseconds: optional(mtimeMicroseconds, 'number'),
    linkTarget: linked ? parsePath(line, 'linkTarget') : undefined,
    sha256: isDigest(sha256) ? sha256 : undefined,
    holes: optional(holes, 'boolean') ?? false,
  };
  if ((type === 'file' || type === 'hardlink') !== (entry.sha256 !== undefined)) {
    throw damaged(`the entry ${displayPath(entry.path)} has no digest, or one too many`);
  }
  assertEntry(entry);
  const keyed = withKey(entry, line);
  if (keyed !== undefined) return keyed;
  assertPath(entry.path);
  if (entry.linkTarget !== undefined) assertLink(entry, entry.linkTarget);
  return entry;
}

/** The entry of an object whose key could not be a path: its path must be the one that the key gives. */
function withKey(entry: IndexEntry, line: Line): IndexEntry | undefined {
  if (line['objectKey'] === undefined && line['objectKeyBase64'] === undefined) return undefined;
  const objectKey = parsePath(line, 'objectKey');
  if (entry.type !== 'file' || entry.path !== pathOfKey(objectKey)) {
    throw unsafe(entry.path, 'it is not the path of the key that it tells');
  }
  return { ...entry, objectKey };
}

function assertLink(entry: Entry, target: string): void {
  if (entry.type === 'hardlink') assertPath(target);
  // Where a symlink points is its owner's business; that it can be one at all is ours.
  else if (target === '' || target.includes('\0') || target.length > MAX_PATH_BYTES) {
    throw unsafe(entry.path, 'it is a link to nowhere');
  }
}

function assertPath(path: string): void {
  const reason = unsafePathReason(path) ?? (isOwnPath(path) ? 'this name is kept' : undefined);
  if (reason !== undefined) throw unsafe(path, reason);
}

function unsafe(path: string, reason: string): HoldfastError {
  const shown = displayPath(path.slice(0, 200));
  return new HoldfastError('PATH_UNSAFE', `the index names "${shown}": ${reason}`, {
    hint: 'This archive was not made by Holdfast, or was tampered with. Do not restore from it.',
  });
}

function parsePath(line: Line, name: string): string {
  const text = line[name];
  if (typeof text === 'string') return fromUtf8(text);
  const base64 = line[`${name}Base64`];
  if (typeof base64 === 'string') return Buffer.from(base64, 'base64').toString('latin1');
  throw damaged(`an entry of the index has no ${name}`);
}

function optional(value: unknown, type: 'number'): number | undefined;
function optional(value: unknown, type: 'boolean'): boolean | undefined;
function optional(value: unknown, type: 'number' | 'boolean'): unknown {
  if (value === undefined || typeof value === type) return value;
  throw damaged(`a ${type} of the index is ${JSON.stringify(value)}`);
}

function count(value: unknown): number {
  if (!isCount(value)) throw damaged(`a number of the index is ${JSON.stringify(value)}`);
  return value;
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function isDigest(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{64}$/.test(value);
}

function damaged(message: string): HoldfastError {
  return new HoldfastError('BACKUP_DAMAGED', message);
}

/** One piece of the index and the first path in it. */
export interface IndexPiece extends Extent {
  readonly firstPath: string;
}

/** The last lines of the index: what the archive holds, and where its sums and the pieces of the index stand. */
export interface IndexTable {
  readonly entries: number;
  readonly members: number;
  /** All that stands before the sums: the members that the index names tile exactly this. */
  readonly dataBytes: number;
  readonly sums: readonly Extent[];
  readonly pieces: readonly IndexPiece[];
}

const TABLE_VERSION = 1;

export function encodeTable(table: IndexTable): string {
  let text = `{"table":${TABLE_VERSION},"entries":${table.entries},"members":${table.members},"dataBytes":${table.dataBytes}}\n`;
  for (const sums of table.sums) text += `{"sums":${encodeExtent(sums)}}\n`;
  for (const piece of table.pieces) {
    text += `{"piece":${encodeExtent(piece)},${pathField('firstPath', piece.firstPath)}}\n`;
  }
  return text;
}

/** What `encodeTable` wrote. `FORMAT_UNSUPPORTED` for other versions, `BACKUP_DAMAGED` when malformed. */
export function parseTable(text: string): IndexTable {
  const [head = {}, ...rest] = text.trimEnd().split('\n').map(parseLine);
  if (head['table'] !== TABLE_VERSION) {
    throw new HoldfastError(
      'FORMAT_UNSUPPORTED',
      `the index has version ${JSON.stringify(head['table'])}, known is ${TABLE_VERSION}`,
      {
        hint: 'Use the version of Holdfast that wrote this backup, or a newer one.',
      },
    );
  }
  const sums: Extent[] = [];
  const pieces: IndexPiece[] = [];
  for (const line of rest) {
    if (typeof line['sums'] === 'object' && line['sums'] !== null) {
      sums.push(parseExtent(line['sums'] as Line));
    } else if (typeof line['piece'] === 'object' && line['piece'] !== null) {
      pieces.push({
        ...parseExtent(line['piece'] as Line),
        firstPath: parsePath(line, 'firstPath'),
      });
    } else throw damaged('a line of the index table is malformed');
  }
  return {
    entries: count(head['entries']),
    members: count(head['members']),
    dataBytes: count(head['dataBytes']),
    sums,
    pieces,
  };
}
