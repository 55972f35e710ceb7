// How much of a store stands once for several backups, and what did so before somebody copied it.
import { readArtifacts, type ReadArtifact } from '../../format/read-artifacts.ts';
import type { StoredBackup } from './backups.ts';
import type { ReadRecord } from './records.ts';

/** What a backup shares with others of its source. */
export interface SharedBytes {
  readonly bytes: number;
  /** The ids of the others. */
  readonly with: readonly string[];
}

interface Sharing {
  readonly id: string;
  /** As in a survey. */
  readonly sharedBytes: ReadonlyMap<string, number>;
}

/** What a backup shares with others; of those that were surveyed together. */
export function sharedWith(backup: Sharing, all: readonly Sharing[]): SharedBytes {
  const isOwn = (name: string) => backup.sharedBytes.has(name);
  const others = all.filter(
    ({ id, sharedBytes }) => id !== backup.id && sharedBytes.keys().some(isOwn),
  );
  const shared = new Set(others.flatMap(({ sharedBytes }) => [...sharedBytes.keys()]));
  let bytes = 0;
  for (const [name, size] of backup.sharedBytes) if (shared.has(name)) bytes += size;
  return { bytes, with: others.map(({ id }) => id) };
}

/** What stands once for several of the backups, and how many these are; undefined where nothing does. */
export function sharedAmong(
  all: readonly Sharing[],
): { bytes: number; backups: number } | undefined {
  const seen = new Set<string>();
  const shared = new Map<string, number>();
  for (const [name, bytes] of all.flatMap(({ sharedBytes }) => [...sharedBytes])) {
    if (seen.has(name)) shared.set(name, bytes);
    seen.add(name);
  }
  if (shared.size === 0) return undefined;
  const isShared = (name: string) => shared.has(name);
  return {
    bytes: shared.values().reduce((sum, bytes) => sum + bytes, 0),
    backups: all.filter(({ sharedBytes }) => sharedBytes.keys().some(isShared)).length,
  };
}

/** Files that were one file when they were read, and are several now. */
export interface Apart {
  /** How many there are more than there were. */
  readonly files: number;
  /** What these take. */
  readonly bytes: number;
}

/** What backups shared by the records of their verifies, and no longer share: somebody has copied the store without its links. */
export function standingApart(
  stored: readonly StoredBackup[],
  records: readonly ReadRecord[],
): Apart {
  const listed = new Map(
    stored.flatMap(({ artifacts }) => artifacts).map((object) => [object.key, object]),
  );
  const lines = records
    .flatMap(({ record }) => readArtifacts(record))
    .filter(({ key }) => listed.has(key));
  const apart = { files: 0, bytes: 0 };
  const nameOf = ({ inode, modified, sha256 }: ReadArtifact) => `${inode} ${modified} ${sha256}`;
  for (const [first, ...others] of Map.groupBy(lines, nameOf).values()) {
    if (first === undefined) continue;
    const keys = [first, ...others].map(({ key }) => listed.get(key)?.shared ?? key);
    const more = new Set(keys).size - 1;
    apart.files += more;
    apart.bytes += more * first.bytes;
  }
  return apart;
}
