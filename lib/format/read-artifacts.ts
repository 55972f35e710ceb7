// What a verify record says of each stored file that it read, in a store whose objects may share their bytes.
import { createHash } from 'node:crypto';
import type { Artifact, Manifest } from './manifest.ts';
import type { Facts, Record } from './record.ts';

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

/** What each line holds. Records of a year hold thousands of lines, which a validator would take longer for than the rest of a run. */
const LINE: { readonly [Name in keyof ReadArtifact]: (value: unknown) => boolean } = {
  key: (value) => typeof value === 'string' && value.length <= 1024,
  claim: matches(/^[0-9a-f]{64}$/),
  sha256: matches(/^[0-9a-f]{64}$/),
  bytes: (value) => Number.isSafeInteger(value) && Number(value) >= 0,
  inode: matches(/^\d{1,40}$/),
  modified: matches(/^-?\d{1,40}$/),
  readAt: matches(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/),
  whole: (value) => typeof value === 'boolean',
};

const LINE_NAMES = Object.keys(LINE) as (keyof ReadArtifact)[];

function matches(pattern: RegExp): (value: unknown) => boolean {
  return (value) => typeof value === 'string' && pattern.test(value);
}

/**
 * What a manifest says of an artifact, whatever its key, as one digest: bytes that were proven against it are proven against every
 * manifest that says the same.
 */
export function claimOf(artifact: Artifact): string {
  const said = inOrder({ ...artifact, key: undefined });
  return createHash('sha256').update(JSON.stringify(said)).digest('hex');
}

/**
 * What a manifest says of all parts of its archive and of what they hold together, as one digest: parts that were proven to fit together
 * do so under every manifest that says the same. Undefined where there is one archive.
 */
export function togetherOf({ artifacts, totals }: Manifest): string | undefined {
  const parts = artifacts.filter(({ role }) => role === 'archive');
  if (parts.length < 2) return undefined;
  const said = JSON.stringify([totals.entries, ...parts.map(claimOf)]);
  return createHash('sha256').update(said).digest('hex');
}

/** What parts a record proves to fit together, as `togetherOf` gives it; undefined where it says nothing of that. */
export function provenTogether({ verb, verdict, facts }: Record): string | undefined {
  const { together } = facts;
  return verb === 'verify' && verdict === 'proven' && typeof together === 'string'
    ? together
    : undefined;
}

/** Whether a record that tells of damage says that all of it is in the files that it names as not whole. */
export function isDamageOfFiles({ verb, facts }: Record): boolean {
  return verb === 'verify' && facts['inArtifacts'] === true;
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
    const one = (line ?? {}) as { readonly [Name in keyof ReadArtifact]: unknown };
    if (!LINE_NAMES.every((name) => LINE[name](one[name]))) return [];
    const readAt = new Date(String(one.readAt));
    if (Number.isNaN(readAt.getTime())) return [];
    const { key, claim, sha256, bytes, inode, modified, whole } = one as ReadArtifact;
    return [{ key, claim, sha256, bytes, inode, modified, readAt, whole }];
  });
}
