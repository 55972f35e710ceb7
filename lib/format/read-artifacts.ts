// What a verify record says of each stored file that it read, in a store whose objects may share their bytes.
import { createHash } from 'node:crypto';
import * as z from 'zod/mini';
import type { Artifact } from './manifest.ts';
import type { Facts, Record } from './record.ts';

const text = z.string().check(z.maxLength(1024));

const digest = z.string().check(z.regex(/^[0-9a-f]{64}$/));

const lineSchema = z.object({
  key: text,
  claim: digest,
  sha256: digest,
  bytes: z.int().check(z.nonnegative()),
  inode: z.string().check(z.regex(/^\d{1,40}$/)),
  modified: z.string().check(z.regex(/^-?\d{1,40}$/)),
  readAt: z.iso.datetime({ precision: 3 }),
  whole: z.boolean(),
});

/** One stored file: what the manifest says of its bytes, which file it was, when it was read, and whether it was whole. */
export interface ReadArtifact {
  readonly key: string;
  /** As `claimOf` gives it: what its bytes were compared with. */
  readonly claim: string;
  readonly sha256: string;
  readonly bytes: number;
  readonly inode: string;
  /** In nanoseconds since 1970. */
  readonly modified: string;
  readonly readAt: Date;
  readonly whole: boolean;
}

/**
 * What a manifest says of an artifact, whatever its key, as one digest: bytes that were proven against it are proven against every
 * manifest that says the same.
 */
export function claimOf(artifact: Artifact): string {
  const said = inOrder({ ...artifact, key: undefined });
  return createHash('sha256').update(JSON.stringify(said)).digest('hex');
}

/** The same with the names of each object in order. */
function inOrder(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, one]) => one !== undefined);
  entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([name, one]) => [name, inOrder(one)]));
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
