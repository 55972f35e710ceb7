// Puts encoded groups together in order: places members, gathers index and scan, and notices when nothing differs from before.
import type { IndexEntry, IndexGroup, Member } from '../../format/archive-index.ts';
import type { Encoding, Extent } from '../../format/codec.ts';
import type { EncodedMember } from './encode.ts';
import { ownNamesOfPart } from '../../format/own-paths.ts';
import { IndexWriter } from './index-writer.ts';
import type { Pool } from '../threads/pool.ts';
import { sameMetadata, type Predecessor, type PreviousGroup } from './predecessor.ts';
import { readGroups } from '../read/archive-reader.ts';
import type { ScanWriter } from './scan.ts';

/** A part of the new archive: bytes, or members of the predecessor that are taken over as they are stored. */
export type Part = { readonly bytes: Uint8Array } | { readonly copy: readonly Extent[] };

export interface AssemblyOptions {
  readonly pool: Pool;
  readonly encoding: Encoding;
  readonly scan: ScanWriter;
  readonly predecessor: Predecessor | undefined;
  /** For one part of several. */
  readonly part?: object;
}

/**
 * Takes groups one after the other: `beginGroup`, `addMember` for each, `endGroup`.
 *
 * As long as all groups are the predecessor's, from its first on, nothing is given out and no index is made: if it stays so to the
 * end, the archive is the predecessor's. Otherwise what was held back is given out when the first difference comes.
 */
export class Assembly {
  private readonly options: AssemblyOptions;
  private index: IndexWriter | undefined;
  private offset = 0;
  private prefixGroups = 0;
  private previous: PreviousGroup | undefined;
  private members: Member[] = [];
  reusedBytes = 0;

  constructor(options: AssemblyOptions) {
    this.options = options;
  }

  beginGroup(previous: PreviousGroup | undefined): void {
    this.previous = previous;
    this.members = [];
  }

  /** Places the next member of the group; one without bytes is the previous group's at the same position. */
  async *addMember(encoded: EncodedMember): AsyncGenerator<Part> {
    if (encoded.bytes !== undefined) {
      if (this.index === undefined) yield* this.diverge();
      this.place({ ...encoded, bytes: encoded.bytes.length });
      yield { bytes: encoded.bytes };
      return;
    }
    const before = this.previous?.members[this.members.length];
    if (before === undefined) throw new Error('a member is to be reused that is not there');
    if (this.index === undefined && this.previous?.ordinal !== this.prefixGroups)
      yield* this.diverge();
    this.place(before);
    this.reusedBytes += before.bytes;
    if (this.index !== undefined) yield { copy: [before] };
  }

  private place(member: Omit<Member, 'offset'>): void {
    const { bytes, rawBytes, sha256, key } = member;
    this.members.push({ offset: this.offset, bytes, rawBytes, sha256, key });
    this.offset += bytes;
  }

  /** Ends the group with what it holds, and each entry's stat line for the scan. */
  async *endGroup(entries: readonly IndexEntry[], stats: readonly string[]): AsyncGenerator<Part> {
    this.options.scan.add(stats);
    if (this.index === undefined) {
      if (this.isPreviousGroup(entries)) {
        this.prefixGroups++;
        // It is held back as a group of the predecessor from here on, no longer member by member.
        this.members = [];
        return;
      }
      yield* this.diverge();
    }
    this.index?.add({ entries, members: this.members });
  }

  private isPreviousGroup(entries: readonly IndexEntry[]): boolean {
    const before = this.previous;
    if (before?.ordinal !== this.prefixGroups) return false;
    return (
      before.entries.length === entries.length &&
      before.members.length === this.members.length &&
      before.entries.every((old, i) => {
        const entry = entries[i];
        return entry !== undefined && sameMetadata(entry, old) && entry.sha256 === old.sha256;
      })
    );
  }

  /** Gives out what was held back, and from here on everything as it comes. */
  private async *diverge(): AsyncGenerator<Part> {
    const { predecessor } = this.options;
    const held = this.members;
    this.index = this.newIndex();
    if (predecessor !== undefined && this.prefixGroups > 0) {
      let left = this.prefixGroups;
      for await (const group of readGroups(predecessor.archive)) {
        yield this.takeOver(group);
        if (--left === 0) break;
      }
    }
    if (held.length > 0) yield { copy: held };
  }

  private newIndex(): IndexWriter {
    const { pool, encoding, part } = this.options;
    return new IndexWriter(pool, encoding, part && ownNamesOfPart);
  }

  private takeOver(group: IndexGroup): Part {
    this.index?.add(group);
    return { copy: group.members };
  }

  /** How many groups, from the first, are the predecessor's; undefined once anything differed. */
  get unchangedGroups(): number | undefined {
    return this.index === undefined ? this.prefixGroups : undefined;
  }

  /** What follows the data, and where the table of the index stands. */
  async *finish(): AsyncGenerator<Part, Extent> {
    if (this.index === undefined) yield* this.diverge();
    const index = this.index ?? this.newIndex();
    const { parts, place } = await index.finish();
    for (const bytes of parts) yield { bytes };
    return place;
  }
}
