// Fetches content that lies in no file of this machine, when its entry's turn has come: workers are handed bytes.
import type { Problem } from '../../errors.ts';
import type { GroupToEncode } from './encode.ts';
import type { SourceEntry } from './plan.ts';
import { letGo } from '../threads/reclaim.ts';

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
      // It came in pieces, which are dead now.
      if ('bytes' in fetched) letGo(fetched.bytes.length);
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
