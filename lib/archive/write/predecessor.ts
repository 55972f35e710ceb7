// The previous archive of a source, read beside the new walk: what stands in both need not be read or encoded again.
import type { IndexEntry, IndexGroup } from '../../format/archive-index.ts';
import type { SourceEntry } from './plan.ts';
import { readGroups, type Archive } from '../read/archive-reader.ts';
import { isSettled, type Scan } from './scan.ts';

/** A group of the previous archive with its entries' stat lines, where they are known. */
export interface PreviousGroup extends IndexGroup {
  /** Which of the archive's groups this is, from 0. */
  readonly ordinal: number;
  readonly stats: readonly (string | undefined)[];
}

export interface Predecessor {
  readonly archive: Archive;
  /** Undefined when every file is to be read again; its members can still be recognised by their keys. */
  readonly scan: Scan | undefined;
}

/** Walks through a predecessor's groups in step with the groups of a new run. */
export class PreviousGroups {
  private readonly groups: AsyncGenerator<IndexGroup>;
  private readonly scan: Scan | undefined;
  private current: PreviousGroup | undefined;
  private ended = false;
  private ordinal = 0;

  constructor(predecessor: Predecessor) {
    this.groups = readGroups(predecessor.archive);
    this.scan = predecessor.scan;
  }

  /** The group that begins with `path`, if there is one; groups before it are passed over. */
  async find(path: string): Promise<PreviousGroup | undefined> {
    for (;;) {
      const group = await this.peek();
      const first = group?.entries[0]?.path;
      if (group === undefined || first === undefined || first > path) return undefined;
      this.current = undefined;
      if (first === path) return group;
    }
  }

  /** True when the new run has reached the predecessor's end as well. */
  async atEnd(): Promise<boolean> {
    return (await this.peek()) === undefined;
  }

  private async peek(): Promise<PreviousGroup | undefined> {
    if (this.current !== undefined || this.ended) return this.current;
    const next = await this.groups.next();
    if (next.done === true) {
      this.ended = true;
      return undefined;
    }
    const stats: (string | undefined)[] = [];
    for (const entry of next.value.entries) stats.push(await this.nextStat(entry));
    this.current = { ...next.value, stats, ordinal: this.ordinal++ };
    return this.current;
  }

  private async nextStat(entry: IndexEntry): Promise<string | undefined> {
    const stat = await this.scan?.next();
    if (stat === undefined || this.scan === undefined) return undefined;
    return entry.type !== 'file' || isSettled(stat, this.scan.begin) ? stat : undefined;
  }
}

/** True when the entries found are those of the previous group, and no file among them can have changed since. */
export function isUnchanged(found: readonly SourceEntry[], previous: PreviousGroup): boolean {
  if (found.length !== previous.entries.length) return false;
  return found.every((entry, i) => {
    const before = previous.entries[i];
    if (before === undefined || !sameMetadata(entry, before)) return false;
    // Without a scan no stat is known, not even the empty one of what is no file: then everything is encoded again.
    return previous.stats[i] === entry.stat;
  });
}

/** True when two entries would have the same header. */
export function sameMetadata(a: SourceEntry | IndexEntry, b: IndexEntry): boolean {
  return (
    a.path === b.path &&
    a.type === b.type &&
    a.size === b.size &&
    a.mode === b.mode &&
    a.uid === b.uid &&
    a.gid === b.gid &&
    a.mtimeMicroseconds === b.mtimeMicroseconds &&
    a.linkTarget === b.linkTarget &&
    a.holes === b.holes
  );
}
