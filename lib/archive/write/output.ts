// From parts to bytes: copies what is taken over, digests checked on the way, and digests the whole.
import { createHash } from 'node:crypto';
import zlib from 'node:zlib';
import type { Extent } from '../../format/codec.ts';
import type { Part } from './assembly.ts';
import type { Pool } from '../threads/pool.ts';
import type { ByteReader } from '../read/archive-reader.ts';

/** Copied ranges are read in stretches of about this size. */
const COPY_BYTES = 4 << 20;
/** Stretches that are read while earlier ones are written. */
const AHEAD = 3;

export interface StreamDigest {
  bytes: number;
  sha256: string;
  crc32: string;
}

/** Digests everything that passes; complete when the stream has ended. */
export class Digester {
  private readonly hash = createHash('sha256');
  private crc = 0;
  private bytes = 0;

  update(chunk: Uint8Array): void {
    this.hash.update(chunk);
    this.crc = zlib.crc32(chunk, this.crc);
    this.bytes += chunk.length;
  }

  digest(): StreamDigest {
    return {
      bytes: this.bytes,
      sha256: this.hash.digest('hex'),
      crc32: this.crc.toString(16).padStart(8, '0'),
    };
  }
}

/** The bytes of an archive in order. `BACKUP_DAMAGED` when a member to be taken over does not have its digest. */
export async function* partBytes(
  parts: AsyncIterable<Part>,
  from: { reader: ByteReader; pool: Pool } | undefined,
): AsyncGenerator<Uint8Array> {
  const ahead: Promise<Uint8Array>[] = [];
  let run: Extent[] = [];
  const startRun = () => {
    if (run.length === 0 || from === undefined) return;
    const stretch = readChecked(run, from);
    // Awaited in order; until then a rejection must not count as unhandled.
    stretch.catch(() => undefined);
    ahead.push(stretch);
    run = [];
  };
  for await (const part of parts) {
    if ('copy' in part) {
      for (const member of part.copy) {
        if (!continues(run, member)) startRun();
        run.push(member);
      }
    } else {
      startRun();
      ahead.push(Promise.resolve(part.bytes));
    }
    while (ahead.length > AHEAD) yield (await ahead.shift()) ?? new Uint8Array(0);
  }
  startRun();
  for (const chunk of ahead) yield await chunk;
}

function continues(run: readonly Extent[], member: Extent): boolean {
  const [first] = run;
  const last = run.at(-1);
  if (first === undefined || last === undefined) return true;
  const adjacent = last.offset + last.bytes === member.offset;
  return adjacent && member.offset + member.bytes - first.offset <= COPY_BYTES;
}

async function readChecked(
  members: readonly Extent[],
  { reader, pool }: { reader: ByteReader; pool: Pool },
): Promise<Uint8Array> {
  const offset = members[0]?.offset ?? 0;
  const length = members.reduce((sum, { bytes }) => sum + bytes, 0);
  const bytes = await reader.read(offset, length);
  const job = { range: { offset, bytes }, members };
  return (await pool.run('checkBytes', job, length, [bytes.buffer])).bytes;
}
