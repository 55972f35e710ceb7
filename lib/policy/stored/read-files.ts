// For how long the reading of a stored file stands for the file as long as nobody has written to it: disks fail silently.
import { DAY_MS } from '../../durations.ts';
import { CLOCK_TOLERANCE_MS } from '../durations.ts';

/** What tells a stored file from every other, and from itself after somebody wrote to it. */
export interface StoredFile {
  /** The digest of its bytes, in hex. */
  readonly sha256: string;
  /** What it was compared with, or is to be; as one text. */
  readonly claim: string;
  readonly bytes: number;
  readonly inode: string;
  /** When it was last written to, in nanoseconds since 1970. */
  readonly modified: string;
}

/** A stored file that was read, and was what it had to be. */
export interface ReadFile extends StoredFile {
  readonly readAt: Date;
}

// This soon after it was written, a file is read from memory, and not from the disk.
const FROM_MEMORY_MS = DAY_MS;
const FROM_MEMORY_STANDS_MS = DAY_MS;
const STANDS_FROM_MS = 4 * DAY_MS;
const STANDS_TO_MS = 7 * DAY_MS;

/**
 * Until when a reading stands: a day for what was read soon after it was written, 4 to 7 days for all else. The digests spread
 * these, so that the parts of an archive are not all due on one day.
 */
export function standsUntil({ sha256, modified, readAt }: ReadFile): Date {
  const writtenMs = Number(BigInt(modified) / 1_000_000n);
  const readMs = readAt.getTime();
  if (readMs - writtenMs < FROM_MEMORY_MS) return new Date(readMs + FROM_MEMORY_STANDS_MS);
  const share = Number.parseInt(sha256.slice(0, 8), 16) / 0x1_0000_0000;
  return new Date(readMs + STANDS_FROM_MS + share * (STANDS_TO_MS - STANDS_FROM_MS));
}

/**
 * The latest of `readings` that stands for `file` at `now`; undefined when it is to be read again. A reading counts for the very file,
 * not written to since, and not when it is from the future.
 */
export function standingReading(
  file: StoredFile,
  readings: readonly ReadFile[],
  now: Date,
): ReadFile | undefined {
  return readings
    .filter((one) => isSameFile(one, file) && one.readAt.getTime() <= +now + CLOCK_TOLERANCE_MS)
    .filter((one) => now <= standsUntil(one))
    .reduce<ReadFile | undefined>(
      (latest, one) => (latest === undefined || one.readAt > latest.readAt ? one : latest),
      undefined,
    );
}

/** Whether two are one file, not written to between, and compared with the same. */
export function isSameFile(a: StoredFile, b: StoredFile): boolean {
  const isOneFile = a.inode === b.inode && a.modified === b.modified && a.bytes === b.bytes;
  return isOneFile && a.sha256 === b.sha256 && a.claim === b.claim;
}
