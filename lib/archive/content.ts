// Content that lies in no file of this machine: fetched where it is when its entry's turn has come, and handed to a worker as bytes.
import type { Problem } from '../errors.ts';
import type { GroupToEncode } from './encode.ts';
import type { SourceEntry } from './plan.ts';

/** What of an entry may turn out to be otherwise than it was found. */
export type Found = Pick<SourceEntry, 'size' | 'mtimeMicroseconds' | 'stat'>;

/** Content that cannot be had, and why. */
export interface NotFetched {
  readonly problems: readonly Problem[];
}

/** The whole content of an entry, and the entry as it was when that was read. */
export interface Fetched extends NotFetched {
  readonly now: Found;
  readonly bytes: Uint8Array;
}

/** Content that is read in stretches, all of them of one state. */
export interface OpenContent {
  readonly now: Found;
  /** Fills `into` with what begins at `position`, with zeros where it can no longer be had; says how much could. Several at once. */
  read(into: Uint8Array, position: number): Promise<number>;
  /** After the last read: what has to be said of it. */
  finish(): readonly Problem[];
}

/** How the content of one entry is fetched. What concerns this entry alone is a problem; what ends the run is thrown. */
export interface Content {
  /** For an entry that is not split. */
  whole(): Promise<Fetched | NotFetched>;
  /** For one that is. */
  open(): Promise<OpenContent | NotFetched>;
}

/** How many contents are fetched at once. */
const AT_ONCE = 24;

/** Groups with their contents at hand; what could not be had is missing in them. */
export interface FetchedGroup {
  readonly group: GroupToEncode;
  readonly problems: readonly Problem[];
}

/** True when the content of an entry has to be fetched first. */
export function isElsewhere({ entries }: GroupToEncode): boolean {
  return entries.some(({ content }) => content !== undefined);
}

/** Fetches contents, a bounded number at once over all groups. */
export class Fetcher {
  private busy = 0;
  private readonly waiting: (() => void)[] = [];

  async fetch(group: GroupToEncode): Promise<FetchedGroup> {
    const problems: Problem[] = [];
    const entries = await Promise.all(
      group.entries.map(async (entry) => this.fetchEntry(entry, problems)),
    );
    const taken = entries.filter((entry) => entry !== undefined);
    return { group: { ...group, entries: taken }, problems };
  }

  private async fetchEntry(
    entry: SourceEntry,
    problems: Problem[],
  ): Promise<SourceEntry | undefined> {
    const { content } = entry;
    if (content === undefined) return entry;
    if (this.busy >= AT_ONCE) await new Promise<void>((resolve) => this.waiting.push(resolve));
    else this.busy++;
    try {
      const fetched = await content.whole();
      problems.push(...fetched.problems);
      // Functions cannot go to another thread.
      return 'bytes' in fetched
        ? { ...entry, ...fetched.now, bytes: fetched.bytes, content: undefined }
        : undefined;
    } finally {
      const next = this.waiting.shift();
      if (next === undefined) this.busy--;
      else next();
    }
  }
}
