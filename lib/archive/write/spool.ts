// Entries that were found, kept until their turn comes: in memory while they are few, then in a file that no name leads to.
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { HoldfastError } from '../../errors.ts';
import type { EntryType } from '../../format/tar.ts';
import type { SourceEntry } from './plan.ts';

/** What was added last is gathered up to this size; an entry takes a few kilobytes at most. */
const CHUNK_BYTES = 256 << 10;
/** So much is looked at again at once: what is made of it holds it in memory. */
const READ_BYTES = 32 << 10;
/** More than this goes to a file. */
const IN_MEMORY_BYTES = 4 << 20;

/** What ends each field. No path and no target of a link can hold it. */
const END = '\0';
const FIELDS = 14;

/** Entries in the order in which they were added. Places among them are numbers of bytes. */
export class Spool implements Disposable {
  private readonly scratch: string;
  private readonly roots: string[] = [];
  private chunks: Buffer[] = [];
  /** What was added last; used again and again, so that nothing of it is left for the collector. */
  private readonly last = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  private lastBytes = 0;
  /** Of what is in the file, if there is one. */
  private filedBytes = 0;
  private chunkBytes = 0;
  private fd: number | undefined;

  /** @param scratch - an absolute folder, for what memory cannot hold */
  constructor(scratch: string) {
    this.scratch = scratch;
  }

  /** Where the next entry will stand. */
  get end(): number {
    return this.filedBytes + this.chunkBytes + this.lastBytes;
  }

  /** Adds an entry without content of its own: one that is read from a file, or needs no reading. */
  add(entry: SourceEntry): void {
    if (entry.bytes !== undefined || entry.content !== undefined)
      throw new Error(`${entry.path} is to be kept without its content`);
    const { size, mode, uid, gid, mtimeMicroseconds = '', linkTarget = '', stat } = entry;
    const key =
      entry.objectKey === undefined ? '' : Buffer.from(entry.objectKey, 'latin1').toString('hex');
    const text =
      `${entry.path}\0${entry.type}\0${size}\0${mode}\0${uid}\0${gid}\0${mtimeMicroseconds}\0${linkTarget}\0` +
      `${stat}\0${flag(entry.holes)}\0${flag(entry.shared)}\0${key}\0${this.readFrom(entry)}\0`;
    if (this.lastBytes + text.length > CHUNK_BYTES) this.cut();
    this.lastBytes += this.last.write(text, this.lastBytes, 'latin1');
  }

  /** Almost all entries are read from below one root, which is kept once. */
  private readFrom({ path: own, readPath }: SourceEntry): string {
    if (readPath === undefined) return END;
    if (!readPath.endsWith(own)) return `${END}${readPath}`;
    const root = readPath.slice(0, -own.length);
    const known = this.roots.lastIndexOf(root);
    return `${known === -1 ? this.roots.push(root) - 1 : known}${END}`;
  }

  private cut(): void {
    const bytes = this.last.subarray(0, this.lastBytes);
    if (this.fd === undefined && this.chunkBytes + bytes.length <= IN_MEMORY_BYTES) {
      this.chunks.push(Buffer.from(bytes));
      this.chunkBytes += bytes.length;
    } else this.file([...this.chunks.splice(0), bytes]);
    this.lastBytes = 0;
  }

  private file(chunks: readonly Buffer[]): void {
    try {
      this.fd ??= openNameless(this.scratch);
      for (const one of chunks) {
        writeAll(this.fd, one);
        this.filedBytes += one.length;
      }
      this.chunkBytes = 0;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'ENOSPC' && code !== 'EDQUOT') throw error;
      throw new HoldfastError('NO_SPACE', `there is no room in ${this.scratch}`, {
        hint: 'What a source holds is noted there before it is read: give it about 200 bytes for each file.',
        cause: error,
      });
    }
  }

  /** The entries from one place to another, both between entries. */
  *entries(from = 0, to = this.end): Generator<SourceEntry> {
    let rest = '';
    for (const piece of this.pieces(from, to)) {
      const fields = (rest + piece.toString('latin1')).split(END);
      const whole = fields.length - 1 - ((fields.length - 1) % FIELDS);
      for (let i = 0; i < whole; i += FIELDS) yield this.entryOf(fields, i);
      rest = fields.slice(whole).join(END);
    }
  }

  private entryOf(fields: readonly string[], i: number): SourceEntry {
    const text = (field: number) => fields[i + field] ?? '';
    const optional = (field: number) => (text(field) === '' ? undefined : text(field));
    const mtime = optional(6);
    const key = optional(11);
    const root = optional(12);
    return {
      path: text(0),
      type: text(1) as EntryType,
      size: Number(text(2)),
      mode: Number(text(3)),
      uid: Number(text(4)),
      gid: Number(text(5)),
      mtimeMicroseconds: mtime === undefined ? undefined : Number(mtime),
      linkTarget: optional(7),
      stat: text(8),
      holes: text(9) === '1',
      shared: text(10) === '1',
      readPath: root === undefined ? optional(13) : (this.roots[Number(root)] ?? '') + text(0),
      ...(key !== undefined && { objectKey: Buffer.from(key, 'hex').toString('latin1') }),
    };
  }

  /** A digest of all that was found of the entries between two places: equal when nothing about any of them differs. */
  digest(from: number, to: number): string {
    const hash = createHash('sha256');
    for (const piece of this.pieces(from, to)) hash.update(piece);
    return hash.digest('hex');
  }

  /** Pieces of what is kept, each to be used before the next one. */
  private *pieces(from: number, to: number): Generator<Buffer> {
    if (this.lastBytes > 0) this.cut();
    const filedTo = Math.min(to, this.filedBytes);
    const into = from < filedTo ? Buffer.allocUnsafeSlow(READ_BYTES) : Buffer.alloc(0);
    for (let at = from; at < filedTo;) {
      const piece = into.subarray(0, filedTo - at);
      readAll(this.fd ?? -1, piece, at);
      yield piece;
      at += piece.length;
    }
    let at = this.filedBytes;
    for (const chunk of this.chunks) {
      const piece = chunk.subarray(Math.max(0, from - at), Math.max(0, to - at));
      for (let i = 0; i < piece.length; i += READ_BYTES) yield piece.subarray(i, i + READ_BYTES);
      at += chunk.length;
    }
  }

  [Symbol.dispose](): void {
    if (this.fd !== undefined) fs.closeSync(this.fd);
    this.fd = undefined;
  }
}

function flag(set: boolean): string {
  return set ? '1' : '';
}

/** A new file without a name, so that nothing of it is left when this process dies. */
function openNameless(scratch: string): number {
  const folder = fs.mkdtempSync(path.join(scratch, 'holdfast-spool-'));
  try {
    const file = path.join(folder, 'entries');
    const fd = fs.openSync(file, 'wx+', 0o600);
    fs.unlinkSync(file);
    return fd;
  } finally {
    fs.rmdirSync(folder);
  }
}

function writeAll(fd: number, bytes: Buffer): void {
  for (let done = 0; done < bytes.length;)
    done += fs.writeSync(fd, bytes, done, bytes.length - done);
}

function readAll(fd: number, into: Buffer, position: number): void {
  for (let done = 0; done < into.length;) {
    const n = fs.readSync(fd, into, done, into.length - done, position + done);
    if (n === 0) throw new Error('the file of found entries ends too early');
    done += n;
  }
}
