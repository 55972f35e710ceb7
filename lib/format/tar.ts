// Tar headers, pax interchange format (POSIX.1-2001). Encoding alone: a reader encodes what the index says and compares bytes, so
// that no header of an archive is ever interpreted.
import { isAscii } from 'node:buffer';
import { HoldfastError } from '../errors.ts';
import { displayPath } from './paths.ts';

export const BLOCK_BYTES = 512;

export type EntryType = 'file' | 'directory' | 'symlink' | 'hardlink';

/** One file, directory or link, as an archive and its index record it. */
export interface Entry {
  /** A byte string (each char one byte), relative; directories end in `/`. */
  readonly path: string;
  readonly type: EntryType;
  /** Bytes of content; 0 for everything but files. */
  readonly size: number;
  /** The twelve permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Since 1970 in UTC; undefined where no times are recorded. */
  readonly mtimeMicroseconds: number | undefined;
  /** For links: where a symlink points, verbatim; which earlier entry a hard link shares. A byte string. */
  readonly linkTarget: string | undefined;
}

/** The time in headers of entries without one: 1980-01-01, which every tool can represent. */
const NO_TIME_SECONDS = 315_532_800;

const TYPE_FLAGS: Record<EntryType, string> = {
  file: '0',
  hardlink: '1',
  symlink: '2',
  directory: '5',
};

/** What an owner's number can be; -1 appears as this too. */
const MAX_OWNER = 2 ** 32 - 1;
const OCTAL_7 = 0o7777777;
const OCTAL_11 = 0o77777777777;

/** The bytes that fill the last block of `size` bytes of content. */
export function paddingBytes(size: number): number {
  return (BLOCK_BYTES - (size % BLOCK_BYTES)) % BLOCK_BYTES;
}

/** What the header of `entry` takes in the archive: one block, and before it a pax header where ustar does not suffice. */
export function encodeHeader(entry: Entry): Buffer {
  const name = splitName(entry.path);
  const link = entry.linkTarget ?? '';
  const records = paxRecords(entry, name === undefined);
  const mtime = Math.floor((entry.mtimeMicroseconds ?? NO_TIME_SECONDS * 1e6) / 1e6);
  const fields: Fields = {
    name: name?.name ?? entry.path.slice(0, 100),
    prefix: name?.prefix ?? '',
    mode: entry.mode,
    uid: inRange(entry.uid, OCTAL_7),
    gid: inRange(entry.gid, OCTAL_7),
    size: inRange(entry.size, OCTAL_11),
    mtime: inRange(mtime, OCTAL_11),
    flag: TYPE_FLAGS[entry.type],
    link: link.slice(0, 100),
  };
  if (records === '') {
    const header = Buffer.alloc(BLOCK_BYTES);
    writeBlock(header, 0, fields);
    return header;
  }
  const paxBlocks = Math.ceil(records.length / BLOCK_BYTES);
  const header = Buffer.alloc(BLOCK_BYTES * (2 + paxBlocks));
  writeBlock(header, 0, {
    ...fields,
    name: paxName(fields.name),
    prefix: '',
    mode: 0o644,
    size: records.length,
    mtime: 0,
    flag: 'x',
    link: '',
  });
  header.write(records, BLOCK_BYTES, 'latin1');
  writeBlock(header, BLOCK_BYTES * (1 + paxBlocks), fields);
  return header;
}

interface Fields {
  name: string;
  prefix: string;
  mode: number;
  uid: number;
  gid: number;
  size: number;
  mtime: number;
  flag: string;
  link: string;
}

function inRange(value: number, max: number): number {
  return value >= 0 && value <= max ? value : 0;
}

/** A name for the pax header itself; readers that know pax never show it, and it must not look like a directory. */
function paxName(name: string): string {
  return `PaxHeaders/${name.replace(/\/$/, '')}`.slice(0, 100);
}

function writeBlock(to: Buffer, at: number, fields: Fields): void {
  to.write(fields.name, at, 'latin1');
  to.write(octal(fields.mode, 7), at + 100, 'latin1');
  to.write(octal(fields.uid, 7), at + 108, 'latin1');
  to.write(octal(fields.gid, 7), at + 116, 'latin1');
  to.write(octal(fields.size, 11), at + 124, 'latin1');
  to.write(octal(fields.mtime, 11), at + 136, 'latin1');
  to.write('        ', at + 148, 'latin1');
  to.write(fields.flag, at + 156, 'latin1');
  to.write(fields.link, at + 157, 'latin1');
  to.write('ustar\x0000', at + 257, 'latin1');
  to.write(fields.prefix, at + 345, 'latin1');
  let sum = 0;
  for (let i = at; i < at + BLOCK_BYTES; i++) sum += to[i] ?? 0;
  to.write(`${octal(sum, 6)}\0 `, at + 148, 'latin1');
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0');
}

/** The path in the two name fields of ustar, or undefined when it does not fit them. */
function splitName(path: string): { name: string; prefix: string } | undefined {
  if (path.length <= 100) return { name: path, prefix: '' };
  if (path.length > 256) return undefined;
  // The name is what follows the cut; a directory's own final slash cannot be it.
  const cut = path.indexOf('/', path.length - 101);
  if (cut <= 0 || cut > 155 || cut >= path.length - 1) return undefined;
  return { name: path.slice(cut + 1), prefix: path.slice(0, cut) };
}

function paxRecords(entry: Entry, pathTooLong: boolean): string {
  const path = paxText('path', entry.path, pathTooLong);
  const link = paxText('linkpath', entry.linkTarget ?? '', (entry.linkTarget ?? '').length > 100);
  let records = path.binary || link.binary ? record('hdrcharset', 'BINARY') : '';
  records += path.record + link.record;
  if (entry.size > OCTAL_11) records += record('size', String(entry.size));
  if (entry.uid > OCTAL_7) records += record('uid', String(entry.uid));
  if (entry.gid > OCTAL_7) records += record('gid', String(entry.gid));
  const micros = entry.mtimeMicroseconds;
  if (micros !== undefined && (micros % 1e6 !== 0 || micros < 0 || micros / 1e6 > OCTAL_11)) {
    records += record('mtime', decimalSeconds(micros));
  }
  return records;
}

/**
 * The record of a name that does not fit its field; `binary` for one that is more than ASCII.
 *
 * Names are bytes. In their fields they stay so; in records they are UTF-8 unless declared binary, and what is UTF-8 some readers
 * normalize, so that of two names that look the same one would overwrite the other.
 */
function paxText(key: string, text: string, needed: boolean): { record: string; binary: boolean } {
  return {
    record: needed ? record(key, text) : '',
    binary: needed && !isAscii(Buffer.from(text, 'latin1')),
  };
}

function record(key: string, value: string): string {
  const bare = key.length + value.length + 3;
  let length = bare + 1;
  while (String(length).length + bare !== length) length = String(length).length + bare;
  return `${length} ${key}=${value}\n`;
}

/** Microseconds as decimal seconds without trailing zeros, such as `-1.5`. */
export function decimalSeconds(micros: number): string {
  const sign = micros < 0 ? '-' : '';
  const whole = Math.floor(Math.abs(micros) / 1e6);
  const fraction = String(Math.abs(micros) % 1e6).padStart(6, '0');
  return `${sign}${whole}.${fraction}`.replace(/\.?0+$/, '');
}

/** Beyond the year 2255 a double counts microseconds in steps of two and more, which is near enough. */
function isTime(micros: number): boolean {
  return Number.isInteger(micros) && Math.abs(micros) < 2 ** 62;
}

/** Fails when an entry cannot be put into a header; a bug of the caller or a hostile index, never a file's doing. */
export function assertEntry(entry: Entry): void {
  const numbers = [entry.size, entry.mode, entry.uid, entry.gid];
  const sound =
    numbers.every((n) => Number.isSafeInteger(n) && n >= 0) &&
    entry.mode <= 0o7777 &&
    entry.uid <= MAX_OWNER &&
    entry.gid <= MAX_OWNER &&
    entry.path.endsWith('/') === (entry.type === 'directory') &&
    (entry.type === 'file' || entry.size === 0) &&
    (entry.linkTarget !== undefined) === (entry.type === 'symlink' || entry.type === 'hardlink') &&
    (entry.mtimeMicroseconds === undefined || isTime(entry.mtimeMicroseconds));
  if (!sound) {
    throw new HoldfastError(
      'FORMAT_UNSUPPORTED',
      `the entry ${displayPath(entry.path)} is malformed`,
    );
  }
}
