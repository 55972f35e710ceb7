// The scan: a line per entry with what recognises the file as unchanged in the next run, so that the archive need not hold it.
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import zlib from 'node:zlib';
import { HoldfastError } from '../../errors.ts';
import type { Encoding } from '../../format/codec.ts';
import type { EncodedMember } from './encode.ts';
import type { Pool } from '../threads/pool.ts';

const PIECE_BYTES = 1 << 20;
const VERSION = 1;
/** Deflating numbers harder gains little; the scan is always gzip. */
const ENCODING: Encoding = { codec: 'gzip', level: 1 };
/** A file changed so shortly before a scan may change again within the same tick of its clock. */
const SETTLED_NS = 2_000_000_000n;

/** What the first line of a scan says: when its walk began. */
export interface ScanHead {
  readonly scan: number;
  readonly begin: string;
}

/** Writes a scan, or the lines of one part; `finish` gives its members. Lines stand in the order of the index. */
export class ScanWriter {
  private readonly pool: Pool;
  private readonly pieces: Promise<EncodedMember>[] = [];
  private text = '';

  /** @param begin - when the walk began; undefined for the lines of one part, which have no head */
  constructor(pool: Pool, begin?: Date) {
    this.pool = pool;
    if (begin === undefined) return;
    const head: ScanHead = { scan: VERSION, begin: begin.toISOString() };
    this.text = `${JSON.stringify(head)}\n`;
  }

  add(stats: readonly string[]): void {
    for (const stat of stats) this.text += `"${stat}"\n`;
    if (this.text.length >= PIECE_BYTES) this.cut();
  }

  private cut(): void {
    const bytes = Buffer.from(this.text, 'latin1');
    this.text = '';
    const piece = this.pool.run('encodeText', { bytes, encoding: ENCODING }, bytes.length);
    // Awaited in `finish`; until then a rejection must not count as unhandled.
    piece.catch(() => undefined);
    this.pieces.push(piece);
  }

  async finish(): Promise<Uint8Array[]> {
    this.cut();
    const pieces = await Promise.all(this.pieces);
    return pieces.flatMap(({ bytes }) => (bytes === undefined ? [] : [bytes]));
  }
}

/** The lines of a scan, one by one, and when its walk began. */
export interface Scan {
  readonly begin: Date;
  /** The next entry's stat line; undefined at the end. */
  next(): Promise<string | undefined>;
}

/** `BACKUP_DAMAGED` when a stored scan does not have its recorded digest. */
export function assertScan(stored: Uint8Array, sha256: string): void {
  if (createHash('sha256').update(stored).digest('hex') === sha256) return;
  throw new HoldfastError(
    'BACKUP_DAMAGED',
    'the scan of the previous backup does not have its recorded digest',
  );
}

/** Opens a scan whose digest is known; `BACKUP_DAMAGED` when it has another, `FORMAT_UNSUPPORTED` for other versions. */
export async function openScan(stored: Uint8Array, sha256: string): Promise<Scan> {
  assertScan(stored, sha256);
  const lines = new LineReader(stored);
  const head = JSON.parse((await lines.next()) ?? 'null') as Partial<ScanHead> | null;
  if (head?.scan !== VERSION || head.begin === undefined) {
    throw unknownVersion();
  }
  return scanOf(lines, new Date(head.begin));
}

export function unknownVersion(): HoldfastError {
  return new HoldfastError(
    'FORMAT_UNSUPPORTED',
    'the scan of the previous backup has an unknown version',
  );
}

/** The lines of one part, whose walk began at `begin`. */
export function scanOfPart(stored: Uint8Array, begin: Date): Scan {
  return scanOf(new LineReader(stored), begin);
}

function scanOf(lines: LineReader, begin: Date): Scan {
  return { begin, next: async () => (await lines.next())?.slice(1, -1) };
}

/** The lines of gzipped text in memory, inflated a stretch at a time. */
class LineReader {
  private readonly chunks: AsyncIterator<Buffer>;
  private lines: string[] = [];
  private at = 0;
  private rest = '';

  constructor(stored: Uint8Array) {
    const stream = Readable.from([stored], { objectMode: true }).pipe(
      zlib.createGunzip({ chunkSize: 1 << 18 }),
    );
    this.chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  }

  async next(): Promise<string | undefined> {
    while (this.at >= this.lines.length) {
      const chunk = await this.chunks.next();
      if (chunk.done === true) return undefined;
      const text = this.rest + chunk.value.toString('latin1');
      this.lines = text.split('\n');
      this.rest = this.lines.pop() ?? '';
      this.at = 0;
    }
    return this.lines[this.at++];
  }
}

/** True when a file with this stat was surely not written again after the scan that began at `begin` read it. */
export function isSettled(stat: string, begin: Date): boolean {
  const ctime = stat.split(' ')[1];
  return ctime !== undefined && BigInt(ctime) < BigInt(begin.getTime()) * 1_000_000n - SETTLED_NS;
}
