// Writing an archive: entries are read and encoded by the pool, and come out in order with bounded memory.
import { HoldfastError, type Problem } from '../../errors.ts';
import type { IndexEntry } from '../../format/archive-index.ts';
import type { Encoding, Extent } from '../../format/codec.ts';
import { displayPath } from '../../format/paths.ts';
import { Assembly, type Part } from './assembly.ts';
import { Fetcher, isElsewhere } from './fetcher.ts';
import { indexEntry, type EncodedGroup, type GroupToEncode } from './encode.ts';
import { isSplit, planArriving, planGroups, type SourceEntry } from './plan.ts';
import type { Pool } from '../threads/pool.ts';
import {
  isUnchanged,
  PreviousGroups,
  sameMetadata,
  type Predecessor,
  type PreviousGroup,
} from './predecessor.ts';
import { isSettled, type ScanWriter } from './scan.ts';
import { openSplitFile, type SplitFile } from './split-file.ts';

export interface WriteProgress {
  readonly entries: number;
  readonly contentBytes: number;
}

/** What one part of an archive has to know of the others. */
export interface PartOfSeveral {
  /** When the walk began that found the entries. */
  readonly begin: Date;
  /** By path, the digests of files that have other names: hard links of later parts need them. Grows while parts are written. */
  readonly sharedDigests: Map<string, string>;
}

export interface WriteInput {
  /** In strictly ascending order of their paths. */
  readonly entries: Iterable<SourceEntry> | AsyncIterable<SourceEntry>;
  readonly encoding: Encoding;
  readonly pool: Pool;
  readonly scan: ScanWriter;
  readonly predecessor: Predecessor | undefined;
  /** For one part of several. @default - the only one */
  readonly part?: PartOfSeveral;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: ((progress: WriteProgress) => void) | undefined;
}

export interface ArchiveSummary {
  /** Where the index table stands; undefined when the archive is the predecessor's byte for byte, and no part was given out. */
  readonly place: Extent | undefined;
  readonly totals: {
    readonly entries: number;
    readonly files: number;
    readonly contentBytes: number;
    readonly readBytes: number;
    readonly reusedBytes: number;
  };
  readonly problems: readonly Problem[];
  /** Of the first entry; a byte string, empty when there is none. */
  readonly firstPath: string;
  /** Of a part: that all of it was taken as it was found, and none of it can have changed since without telling. */
  readonly asFound: boolean;
}

/** Raw bytes that may be under way at once; bounds the memory of a run, whatever its files are. */
const WINDOW_BYTES = 16 << 20;
/** Groups travel to a worker in batches of about this size: a message costs as much as a small file. */
const BATCH_BYTES = 256 << 10;

/** What an entry takes in memory, found and previous. */
const ENTRY_BYTES = 4096;

/** Work under way, in the order of the archive. */
interface Queued {
  readonly rawBytes: number;
  /** True for what a worker is busy with. */
  readonly waits: boolean;
  readonly finish: () => AsyncGenerator<Part>;
}

interface Batch {
  readonly groups: GroupToEncode[];
  readonly results: Promise<EncodedGroup[]>;
  readonly start: () => void;
  rawBytes: number;
}

/** Writes one archive; use once. */
export class ArchiveWriter {
  private readonly input: WriteInput;
  private readonly previous: PreviousGroups | undefined;
  private readonly assembly: Assembly;
  private readonly queue: Queued[] = [];
  private readonly fetcher = new Fetcher();
  private readonly open = new Set<SplitFile>();
  private queuedBytes = 0;
  private batch: Batch | undefined;
  private readonly sharedDigests: Map<string, string>;
  private readonly problems: Problem[] = [];
  private asFound = true;
  private foundEntries = 0;
  private firstPath = '';
  private readonly totals = { entries: 0, files: 0, contentBytes: 0, readBytes: 0 };

  constructor(input: WriteInput) {
    this.input = input;
    this.previous = input.predecessor && new PreviousGroups(input.predecessor);
    this.assembly = new Assembly(input);
    this.sharedDigests = input.part?.sharedDigests ?? new Map<string, string>();
  }

  /** The parts of the archive in order; the summary is the generator's return value. `CANCELLED` when the signal says so. */
  async *write(): AsyncGenerator<Part, ArchiveSummary> {
    try {
      const { entries } = this.input;
      const arriving = Symbol.asyncIterator in entries;
      for await (const group of arriving ? planArriving(entries) : planGroups(entries)) {
        this.throwIfCancelled();
        yield* this.take(group);
        while (this.isDue()) yield* this.drainOne();
      }
      while (this.queue.length > 0) yield* this.drainOne();
      // A part in which nothing could be read is none.
      if (this.input.part !== undefined && this.totals.entries === 0)
        return this.summary(undefined);
      const unchanged = this.assembly.unchangedGroups;
      if (unchanged !== undefined && unchanged > 0 && (await this.previous?.atEnd()) === true) {
        return this.summary(undefined);
      }
      return this.summary(yield* this.assembly.finish());
    } finally {
      for (const file of this.open) file.close();
    }
  }

  /** What waits for nothing is finished at once, so that a tree without changes is never held in memory. */
  private isDue(): boolean {
    return this.queuedBytes > WINDOW_BYTES || this.queue[0]?.waits === false;
  }

  private async *take(group: SourceEntry[]): AsyncGenerator<Part> {
    const [first] = group;
    if (first === undefined) return;
    this.foundEntries += group.length;
    const before = await this.previous?.find(first.path);
    if (before !== undefined && isUnchanged(group, before)) this.queueUnchanged(group, before);
    else if (isSplit(first)) yield* this.takeSplit(first, before);
    else this.queueGroup(group, before);
  }

  private summary(place: Extent | undefined): ArchiveSummary {
    const totals = { ...this.totals, reusedBytes: this.assembly.reusedBytes };
    const asFound = this.asFound && this.foundEntries === totals.entries;
    const { problems, firstPath } = this;
    return { place, totals, problems, firstPath, asFound };
  }

  private throwIfCancelled(): void {
    const { signal } = this.input;
    if (signal?.aborted !== true) return;
    throw new HoldfastError('CANCELLED', 'the backup was interrupted', { cause: signal.reason });
  }

  private enqueue(rawBytes: number, finish: () => AsyncGenerator<Part>, waits = true): void {
    this.queue.push({ rawBytes, waits, finish });
    this.queuedBytes += rawBytes;
  }

  private async *drainOne(): AsyncGenerator<Part> {
    this.throwIfCancelled();
    const item = this.queue.shift();
    if (item === undefined) return;
    if (item.waits) this.startBatch();
    yield* item.finish();
    this.queuedBytes -= item.rawBytes;
  }

  private queueUnchanged(found: readonly SourceEntry[], before: PreviousGroup): void {
    const { assembly } = this;
    const finish = async function* (this: ArchiveWriter): AsyncGenerator<Part> {
      const kept = this.withoutLostLinks(found, before.entries);
      if (kept.length < found.length) {
        yield* this.encodeAlone(kept);
        return;
      }
      assembly.beginGroup(before);
      for (const { rawBytes, key } of before.members) {
        yield* assembly.addMember({ bytes: undefined, rawBytes, sha256: '', key });
      }
      yield* this.endGroup(
        found,
        before.entries,
        found.map(({ stat }) => stat),
      );
    };
    // What these take in memory while earlier work is under way.
    this.enqueue(found.length * ENTRY_BYTES, finish.bind(this), false);
  }

  private queueGroup(group: readonly SourceEntry[], before: PreviousGroup | undefined): void {
    const rawBytes = group.reduce((sum, { size }) => sum + size + ENTRY_BYTES, 0);
    this.batch ??= this.newBatch();
    const { batch } = this;
    const i = batch.groups.length;
    const reusable = before?.members.length === 1 ? before : undefined;
    batch.groups.push({ entries: group, candidateKey: reusable?.members[0]?.key });
    batch.rawBytes += rawBytes;
    this.enqueue(rawBytes, () => this.finishGroup(group, batch, i, reusable));
    if (batch.rawBytes >= BATCH_BYTES) this.startBatch();
  }

  private newBatch(): Batch {
    const { promise, resolve } = Promise.withResolvers<EncodedGroup[]>();
    // Awaited when its groups are due; until then a rejection must not count as unhandled.
    promise.catch(() => undefined);
    const batch: Batch = {
      groups: [],
      results: promise,
      rawBytes: 0,
      start: () => resolve(this.encode(batch.groups, batch.rawBytes)),
    };
    return batch;
  }

  private async encode(groups: GroupToEncode[], rawBytes: number): Promise<EncodedGroup[]> {
    const { pool, encoding } = this.input;
    if (!groups.some(isElsewhere)) return pool.run('encodeGroups', { groups, encoding }, rawBytes);
    const fetched = await Promise.all(groups.map((group) => this.fetcher.fetch(group)));
    const job = { groups: fetched.map(({ group }) => group), encoding };
    const encoded = await pool.run('encodeGroups', job, rawBytes);
    return encoded.map((group, i) => ({
      ...group,
      problems: [...(fetched[i]?.problems ?? []), ...group.problems],
    }));
  }

  private startBatch(): void {
    this.batch?.start();
    this.batch = undefined;
  }

  private async *finishGroup(
    group: readonly SourceEntry[],
    batch: Batch,
    i: number,
    before: PreviousGroup | undefined,
  ): AsyncGenerator<Part> {
    const done = (await batch.results)[i];
    if (done === undefined) throw new Error('a batch lost a group');
    const kept = this.withoutLostLinks(group, done.entries);
    if (kept.length < group.length) yield* this.encodeAlone(kept);
    else yield* this.placeGroup(group, done, before);
  }

  /** Encodes a group that is not what was planned. */
  private async *encodeAlone(group: readonly SourceEntry[]): AsyncGenerator<Part> {
    const groups = [{ entries: group, candidateKey: undefined }];
    const rawBytes = group.reduce((sum, { size }) => sum + size, 0);
    for (const done of await this.encode(groups, rawBytes)) {
      yield* this.placeGroup(group, done, undefined);
    }
  }

  private async *placeGroup(
    group: readonly SourceEntry[],
    done: EncodedGroup,
    before: PreviousGroup | undefined,
  ): AsyncGenerator<Part> {
    this.problems.push(...done.problems);
    this.totals.readBytes += done.readBytes;
    if (done.member === undefined) return;
    this.assembly.beginGroup(before);
    yield* this.assembly.addMember(done.member);
    yield* this.endGroup(group, done.entries, done.stats);
  }

  private async *takeSplit(
    entry: SourceEntry,
    before: PreviousGroup | undefined,
  ): AsyncGenerator<Part> {
    const file = await openSplitFile(entry, this.input);
    if (!('entry' in file)) {
      this.problems.push(...file.problems);
      return;
    }
    this.open.add(file);
    for (let i = 0; i < file.pieces; i++) {
      while (this.queuedBytes > WINDOW_BYTES) yield* this.drainOne();
      const encoded = file.encode(i, before?.members[i]?.key);
      this.startBatch();
      this.enqueue(file.pieceBytes(i), () => this.finishPiece(file, i, encoded, before));
    }
  }

  private async *finishPiece(
    file: SplitFile,
    i: number,
    encoded: ReturnType<SplitFile['encode']>,
    before: PreviousGroup | undefined,
  ): AsyncGenerator<Part> {
    const member = await file.finishPiece(i, encoded);
    if (i === 0) this.assembly.beginGroup(before);
    yield* this.assembly.addMember(member);
    if (i < file.pieces - 1) return;
    this.open.delete(file);
    const { sha256, stat, problems } = file.finish();
    this.problems.push(...problems);
    this.totals.readBytes += file.entry.size;
    yield* this.endGroup([file.entry], [indexEntry(file.entry, sha256)], [stat]);
  }

  private async *endGroup(
    found: readonly SourceEntry[],
    read: readonly IndexEntry[],
    stats: readonly string[],
  ): AsyncGenerator<Part> {
    this.asFound &&= this.isAsFound(found, read, stats);
    const shared = new Set(found.flatMap((entry) => (entry.shared ? [entry.path] : [])));
    const entries = read.map((entry) => this.withDigest(entry, shared));
    if (this.totals.entries === 0) this.firstPath = entries[0]?.path ?? '';
    for (const { type, size } of entries) {
      this.totals.entries++;
      if (type === 'file') this.totals.files++;
      this.totals.contentBytes += size;
    }
    const { entries: count, contentBytes } = this.totals;
    this.input.onProgress?.({ entries: count, contentBytes });
    yield* this.assembly.endGroup(entries, stats);
  }

  private isAsFound(
    found: readonly SourceEntry[],
    read: readonly IndexEntry[],
    stats: readonly string[],
  ): boolean {
    const { part } = this.input;
    if (part === undefined) return false;
    return read.every((entry, i) => {
      const one = found[i];
      const stat = stats[i] ?? '';
      if (one === undefined || one.stat !== stat || !sameMetadata(one, entry)) return false;
      return stat === '' ? entry.type !== 'file' : isSettled(stat, part.begin);
    });
  }

  /** A hard link whose first name could not be read would be a link to nothing: it is a problem instead. */
  private withoutLostLinks(
    group: readonly SourceEntry[],
    read: readonly IndexEntry[],
  ): readonly SourceEntry[] {
    if (!group.some(({ type }) => type === 'hardlink')) return group;
    const beside = new Set(read.map(({ path }) => path));
    return group.filter(({ path, type, linkTarget = '' }) => {
      if (type !== 'hardlink' || beside.has(linkTarget) || this.sharedDigests.has(linkTarget)) {
        return true;
      }
      const detail = `shares its content with ${displayPath(linkTarget)}, which could not be read`;
      this.problems.push({ path: displayPath(path), code: 'unreadable', detail });
      return false;
    });
  }

  /** Hard links carry the digest of the entry that they share, which stands before them. */
  private withDigest(entry: IndexEntry, shared: ReadonlySet<string>): IndexEntry {
    if (shared.has(entry.path) && entry.sha256 !== undefined) {
      this.sharedDigests.set(entry.path, entry.sha256);
    }
    if (entry.type !== 'hardlink') return entry;
    return { ...entry, sha256: this.sharedDigests.get(entry.linkTarget ?? '') };
  }
}
