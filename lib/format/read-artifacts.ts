// What a verify record says of each stored file that it read, in a store whose objects may share their bytes.
import * as z from 'zod/mini';
import type { Facts, Record } from './record.ts';

const text = z.string().check(z.maxLength(1024));

const lineSchema = z.object({
  key: text,
  sha256: z.string().check(z.regex(/^[0-9a-f]{64}$/)),
  bytes: z.int().check(z.nonnegative()),
  inode: z.string().check(z.regex(/^\d{1,40}$/)),
  modified: z.string().check(z.regex(/^-?\d{1,40}$/)),
  readAt: z.iso.datetime({ precision: 3 }),
  whole: z.boolean(),
});

/** One stored file: what the manifest says of its bytes, which file it was, when it was read, and whether it was whole. */
export interface ReadArtifact {
  readonly key: string;
  readonly sha256: string;
  readonly bytes: number;
  readonly inode: string;
  /** In nanoseconds since 1970. */
  readonly modified: string;
  readonly readAt: Date;
  readonly whole: boolean;
}

/** The fact of a verify record that tells them. */
export function factOfRead(read: readonly ReadArtifact[]): Facts[string] {
  return read.map((one) => ({ ...one, readAt: one.readAt.toISOString() }));
}

/** What a verify record tells of what it read; nothing of what is not as it should be, and nothing in records of older versions. */
export function readArtifacts({ verb, facts }: Record): ReadArtifact[] {
  const lines = facts['artifacts'];
  if (verb !== 'verify' || !Array.isArray(lines)) return [];
  return lines.flatMap((line) => {
    const { success, data } = lineSchema.safeParse(line);
    return success ? [{ ...data, readAt: new Date(data.readAt) }] : [];
  });
}
