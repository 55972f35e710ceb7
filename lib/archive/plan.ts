// Which entries share a member. Decided by the entries alone, so that one that is added or changed moves the boundaries of its
// own neighbourhood and no other.
import type { Entry } from '../format/tar.ts';

/** An entry as it was found, with what is needed to read it and to recognise it later. */
export interface SourceEntry extends Entry {
  /** Where the content is read, as a byte string; undefined for everything but files. */
  readonly readPath: string | undefined;
  /** What changes when the file changes: modification time, change time in nanoseconds, and inode. */
  readonly stat: string;
  /** True when the file has other names, so that later hard links need its digest. */
  readonly shared: boolean;
  /** True when the file takes less room than its size: its zeros may be holes. */
  readonly holes: boolean;
}

/** Members hold about this many bytes of tar, unless a single entry is larger. */
export const GROUP_BYTES = 64 << 10;
const MAX_GROUP_BYTES = 2 * GROUP_BYTES;
/** Larger files are split into pieces of this size, each a member of its own. */
export const SPLIT_BYTES = 4 << 20;
/** What the index says of a larger file would not fit one of its pieces. */
export const MAX_FILE_BYTES = 2 ** 40;
/** What a header is reckoned at: a block, a pax header and its record. */
const HEADER_BYTES = 1536;

export function isSplit(entry: { size: number }): boolean {
  return entry.size > SPLIT_BYTES;
}

/** Sorts entries into groups, in order; a file that is split is a group of its own. */
export function* planGroups(entries: Iterable<SourceEntry>): Generator<SourceEntry[]> {
  let group: SourceEntry[] = [];
  let bytes = 0;
  for (const entry of entries) {
    const weight = HEADER_BYTES + entry.size;
    const split = isSplit(entry);
    if (
      group.length > 0 &&
      (split || bytes + weight > MAX_GROUP_BYTES || begins(entry.path, weight))
    ) {
      yield group;
      group = [];
      bytes = 0;
    }
    if (split) {
      yield [entry];
      continue;
    }
    group.push(entry);
    bytes += weight;
  }
  if (group.length > 0) yield group;
}

/** Large entries begin a group more often, so that groups come out near their size whatever they hold. */
function begins(path: string, weight: number): boolean {
  return hash(path) < (weight / GROUP_BYTES) * 2 ** 32;
}

/** FNV-1a with a final mix, over the bytes of the path: 32 bits, spread evenly; nothing depends on it but boundaries. */
function hash(path: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < path.length; i++) h = Math.imul(h ^ path.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 15), 0x85ebca6b);
  return (h ^ (h >>> 13)) >>> 0;
}
