// Reads a tar archive as git writes it, from a stream: what it does not write is refused. Nothing here touches a disk.
import { BLOCK_BYTES, paddingBytes } from '../../format/tar.ts';

/** One entry; its content has to be read before the next is asked for, or is passed over. */
export interface TarEntry {
  /** A byte string, as it stands in the archive. */
  readonly path: string;
  readonly type: 'file' | 'directory' | 'symlink';
  readonly size: number;
  readonly executable: boolean;
  readonly linkTarget: string | undefined;
  readonly content: AsyncIterable<Uint8Array>;
}

export interface TarVisit {
  /** The commit that the archive says it is of, in its first header. */
  readonly commit: string | undefined;
  readonly entry: TarEntry;
}

/** What is no tar archive of git's, or ends too early. */
export class NotATar extends Error {}

const MAX_RECORDS_BYTES = 1 << 20;
const MAX_FILE_BYTES = 2 ** 40;

/** The entries in the order of the archive. */
export async function* readTar(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<TarVisit> {
  const bytes = new Bytes(chunks);
  let records = new Map<string, string>();
  let commit: string | undefined;
  for (;;) {
    const block = await bytes.exactly(BLOCK_BYTES);
    if (block.every((byte) => byte === 0)) return;
    const header = parseHeader(block);
    if (header.flag === 'g' || header.flag === 'x') {
      if (header.size > MAX_RECORDS_BYTES) throw new NotATar('a pax header of it is too large');
      const text = (await bytes.exactly(header.size)).toString('latin1');
      await bytes.exactly(paddingBytes(header.size));
      const parsed = parseRecords(text);
      if (header.flag === 'x') records = parsed;
      else commit = parsed.get('comment');
      continue;
    }
    const entry = describe(header, records);
    records = new Map();
    const content = bytes.next(entry.size);
    yield { commit, entry: { ...entry, content } };
    // What was not read is passed over.
    const rest = content[Symbol.asyncIterator]();
    while ((await rest.next()).done !== true);
    await bytes.exactly(paddingBytes(entry.size));
  }
}

interface Header {
  readonly path: string;
  readonly flag: string;
  readonly size: number;
  readonly mode: number;
  readonly link: string;
}

function parseHeader(block: Buffer): Header {
  const text = (at: number, length: number) => {
    const field = block.toString('latin1', at, at + length);
    const end = field.indexOf('\0');
    return end < 0 ? field : field.slice(0, end);
  };
  const octal = (at: number, length: number) => {
    const digits = text(at, length).trim();
    if (!/^[0-7]*$/.test(digits)) throw new NotATar('a header of it holds no number');
    return digits === '' ? 0 : parseInt(digits, 8);
  };
  const sum = block.reduce((total, byte, i) => total + (i >= 148 && i < 156 ? 32 : byte), 0);
  if (octal(148, 8) !== sum) throw new NotATar('a header of it does not have its checksum');
  if (text(257, 5) !== 'ustar') throw new NotATar('a header of it is of another format');
  const prefix = text(345, 155);
  return {
    path: prefix === '' ? text(0, 100) : `${prefix}/${text(0, 100)}`,
    flag: text(156, 1),
    size: octal(124, 12),
    mode: octal(100, 8),
    link: text(157, 100),
  };
}

/** `<length> <keyword>=<value>` and a newline, as often as there are. */
function parseRecords(text: string): Map<string, string> {
  const records = new Map<string, string>();
  let at = 0;
  while (at < text.length) {
    const length = Number(/^[0-9]{1,7}(?= )/.exec(text.slice(at, at + 8))?.[0]);
    const record = text.slice(at, at + length);
    const [, keyword, value] = /^\d+ ([^=]+)=(.*)\n$/s.exec(record) ?? [];
    if (keyword === undefined || value === undefined || record.length !== length) {
      throw new NotATar('a pax header of it is malformed');
    }
    records.set(keyword, value);
    at += length;
  }
  return records;
}

function describe(header: Header, records: ReadonlyMap<string, string>): Omit<TarEntry, 'content'> {
  const path = records.get('path') ?? header.path;
  const link = records.get('linkpath') ?? header.link;
  const size = Number(records.get('size') ?? header.size);
  const executable = (header.mode & 0o100) !== 0;
  if (!Number.isSafeInteger(size) || size < 0 || size > MAX_FILE_BYTES) {
    throw new NotATar('an entry of it has no sensible size');
  }
  const common = { path, executable, linkTarget: undefined };
  if (header.flag === '5') return { ...common, type: 'directory', size: 0 };
  if (header.flag === '2') return { ...common, type: 'symlink', size: 0, linkTarget: link };
  if (header.flag === '0' || header.flag === '') return { ...common, type: 'file', size };
  throw new NotATar(`an entry of it has the type ${JSON.stringify(header.flag)}`);
}

/** Takes stretches of given lengths from chunks of any. */
class Bytes {
  private readonly chunks: AsyncIterator<Uint8Array>;
  private rest: Uint8Array = new Uint8Array(0);

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.chunks = chunks[Symbol.asyncIterator]();
  }

  async exactly(length: number): Promise<Buffer> {
    const parts: Uint8Array[] = [];
    for await (const part of this.next(length)) parts.push(part);
    return Buffer.concat(parts);
  }

  /** The next `length` bytes; who stops early can go on with the same. */
  next(length: number): AsyncIterable<Uint8Array> {
    let left = length;
    const take = async (): Promise<IteratorResult<Uint8Array, undefined>> => {
      if (left === 0) return { done: true, value: undefined };
      while (this.rest.length === 0) {
        const next = await this.chunks.next();
        if (next.done === true) throw new NotATar('it ends too early');
        this.rest = next.value;
      }
      const part = this.rest.subarray(0, left);
      this.rest = this.rest.subarray(part.length);
      left -= part.length;
      return { done: false, value: part };
    };
    return { [Symbol.asyncIterator]: () => ({ next: take }) };
  }
}
