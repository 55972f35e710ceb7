// Which entries share a member. Decided by the entries alone, so that one that is added or changed moves the boundaries of its
// own neighbourhood and no other.
import type { Entry } from '../../format/tar.ts';
import type { Content } from './content.ts';

/** An entry as it was found, with what is needed to read it and to recognise it later. */
export interface SourceEntry extends Entry {
  /** Where the content is read, as a byte string; undefined for everything but files. */
  readonly readPath: string | undefined;
  /** The content itself, of an entry that needs no reading and is not split. */
  readonly bytes?: Uint8Array | undefined;
  /** How the content is fetched that lies in no file of this machine. */
  readonly content?: Content | undefined;
  /** The key of an object whose path is made from it, because it can be none. A byte string. */
  readonly objectKey?: string | undefined;
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
  const plan = new GroupPlan();
  for (const entry of entries) yield* plan.add(entry);
  yield* plan.end();
}

/** The same groups of entries that have to be waited for. */
export async function* planArriving(
  entries: AsyncIterable<SourceEntry>,
): AsyncGenerator<SourceEntry[]> {
  const plan = new GroupPlan();
  for await (const entry of entries) yield* plan.add(entry);
  yield* plan.end();
}

const NONE: readonly SourceEntry[][] = [];

class GroupPlan {
  private group: SourceEntry[] = [];
  private bytes = 0;

  /** Groups that are complete now that `entry` has come. */
  add(entry: SourceEntry): readonly SourceEntry[][] {
    const weight = weightOf(entry);
    const split = isSplit(entry);
    const ends =
      split || this.bytes + weight > MAX_GROUP_BYTES || beginsAt(entry.path, weight, GROUP_BYTES);
    const ended = ends ? this.end() : NONE;
    if (split) return [...ended, [entry]];
    this.group.push(entry);
    this.bytes += weight;
    return ended;
  }

  /** The group that was begun, if any. */
  end(): readonly SourceEntry[][] {
    if (this.group.length === 0) return NONE;
    const ended = [this.group];
    this.group = [];
    this.bytes = 0;
    return ended;
  }
}

/** What an entry is reckoned at where sizes decide what stands together. */
export function weightOf(entry: { size: number }): number {
  return HEADER_BYTES + entry.size;
}

/**
 * Whether an entry begins what comes in this size, a group or a part; what it begins at one size it begins at each smaller one. Heavy
 * entries do so more often, so that what they begin comes out near its size whatever it holds.
 */
export function beginsAt(path: string, weight: number, bytes: number): boolean {
  return hash(path) < (weight / bytes) * 2 ** 32;
}

/** FNV-1a with a final mix, over the bytes of the path: 32 bits, spread evenly; nothing depends on it but boundaries. */
function hash(path: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < path.length; i++) h = Math.imul(h ^ path.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 15), 0x85ebca6b);
  return (h ^ (h >>> 13)) >>> 0;
}
