// Stores the archive of a tree in parts. Each part costs what changed in it: one of which nothing differs is taken over unread.
import { openArchive, groupsBetween, type Archive } from '../../archive/read/archive-reader.ts';
import { isLost } from '../../archive/read/together.ts';
import { ArchiveWriter } from '../../archive/write/archive-writer.ts';
import type { Gathered } from '../../archive/write/gather.ts';
import type { PlannedPart } from '../../archive/write/part-plan.ts';
import {
  encodePartScans,
  openPartScans,
  scanOfSection,
  type Section,
} from '../../archive/write/part-scans.ts';
import type { Predecessor } from '../../archive/write/predecessor.ts';
import { ScanWriter } from '../../archive/write/scan.ts';
import { HoldfastError, type Problem } from '../../errors.ts';
import type { Encoding } from '../../format/codec.ts';
import type { Artifact } from '../../format/manifest.ts';
import { namedPart, partsOf, type NamedPart } from '../../format/parts.ts';
import type { OpenBackup, PartSink, ReadInput, ReadResult } from '../source.ts';
import { tableOf } from './opened-archive.ts';
import { storeArchive } from './store-archive.ts';

/** Parts that are taken over at once: a bucket takes its time for each. */
const AT_ONCE = 4;

export interface TreeInParts {
  readonly gathered: Gathered;
  readonly parts: readonly PlannedPart[];
  readonly encoding: Encoding;
  readonly extension: string;
  /** What members are taken over from; undefined where none can be. */
  readonly predecessor: PreviousParts | undefined;
}

/** The parts of the predecessor, with what its scan tells of them where unread files may be trusted to be unchanged. */
export interface PreviousParts {
  readonly backup: OpenBackup;
  readonly parts: readonly PreviousPart[];
}

interface PreviousPart extends NamedPart {
  readonly section: Section | undefined;
}

export interface StoredParts extends Pick<ReadResult, 'totals' | 'problems'> {
  readonly artifacts: readonly Artifact[];
  /** The members of the scan. */
  readonly scan: readonly Uint8Array[];
}

/** The parts of a predecessor; undefined when it is one archive, or encoded otherwise. */
export async function openPreviousParts(
  backup: OpenBackup,
  { codec, readsAll }: { codec: Encoding['codec']; readsAll: boolean },
): Promise<PreviousParts | undefined> {
  const named = partsOf(backup.manifest);
  if (named[0].class === undefined || named[0].artifact.codec !== codec) return undefined;
  const scan = backup.manifest.artifacts.find(({ role }) => role === 'scan');
  const sections =
    scan === undefined || readsAll
      ? []
      : openPartScans(await backup.open(scan).read(0, scan.bytes), scan.sha256);
  const parts = named.map((part, i) => ({ ...part, section: sections[i] }));
  return { backup, parts };
}

/** Stores all parts in which something could be read, in order. */
export async function storeParts(input: ReadInput, tree: TreeInParts): Promise<StoredParts> {
  const writer = new PartsWriter(input, tree);
  await writer.write();
  return writer.stored();
}

/** A part as it was stored. */
interface StoredPart {
  readonly artifact: Artifact;
  readonly section: Section;
}

class PartsWriter {
  private readonly input: ReadInput;
  private readonly tree: TreeInParts;
  private readonly sink: PartSink;
  private readonly done: StoredPart[] = [];
  private readonly takenOver: PreviousPart[] = [];
  private readonly sharedDigests = new Map<string, string>();
  /** Files with other names, of parts that were not taken as they were found: they may hold something else by now, or be gone. */
  private readonly uncertain = new Set<string>();
  private readonly problems: Problem[] = [];
  private readonly totals = { entries: 0, files: 0, contentBytes: 0, readBytes: 0, reusedBytes: 0 };

  constructor(input: ReadInput, tree: TreeInParts) {
    this.input = input;
    this.tree = tree;
    this.sink = input.sink.parts();
  }

  stored(): StoredParts {
    return {
      artifacts: this.done.map(({ artifact }) => artifact),
      scan: encodePartScans(this.done.map(({ section }) => section)),
      totals: this.totals,
      problems: this.problems,
    };
  }

  async write(): Promise<void> {
    let unchanged: [PlannedPart, PreviousPart][] = [];
    for (const part of this.tree.parts) {
      const before = this.unchanged(part);
      if (before !== undefined) unchanged.push([part, before]);
      if (before === undefined || unchanged.length === AT_ONCE) {
        await this.takeOver(unchanged);
        unchanged = [];
      }
      if (before === undefined) await this.encode(part, this.baseOf(part));
    }
    await this.takeOver(unchanged);
  }

  /** The part of the predecessor that this one is, when all that was found is what was found then. */
  private unchanged(part: PlannedPart): PreviousPart | undefined {
    const { class: own, firstPath, from, to } = part;
    const before = this.tree.predecessor?.parts.find(
      (one) => one.class === own && one.firstPath === firstPath,
    );
    const found = before?.section?.found;
    if (found === undefined) return undefined;
    const isSame = this.tree.gathered.classes[own].digest(from, to) === found;
    return isSame && !this.sharesUncertain(part) ? before : undefined;
  }

  /** Whether a hard link in the part shares a file that is not surely what it was when the link was found. */
  private sharesUncertain({ class: own, from, to }: PlannedPart): boolean {
    if (own !== 'small' || this.uncertain.size === 0) return false;
    for (const { linkTarget } of this.tree.gathered.classes[own].entries(from, to)) {
      if (linkTarget !== undefined && this.uncertain.has(linkTarget)) return true;
    }
    return false;
  }

  /** Takes over parts that follow each other. One that is not whole in the store comes from the source. */
  private async takeOver(parts: readonly [PlannedPart, PreviousPart][]): Promise<void> {
    const first = this.done.length + 1;
    const ends = await Promise.allSettled(
      parts.map(([, { artifact }], i) => this.sink.clone(first + i, this.tree.extension, artifact)),
    );
    let lost: HoldfastError | undefined;
    for (const [i, end] of ends.entries()) {
      const [part, before] = parts[i] ?? [];
      if (part === undefined || before?.section === undefined) continue;
      if (end.status === 'rejected') {
        lost = await this.replace(part, before, end.reason);
      } else if (lost !== undefined && this.sharesUncertain(part)) {
        // It has its name already, so it cannot be written again.
        throw lost;
      } else this.note(part, before, { ...before.artifact, key: end.value });
    }
  }

  private note(part: PlannedPart, before: PreviousPart, artifact: Artifact): void {
    if (before.section === undefined) return;
    this.takenOver.push(before);
    this.done.push({ artifact, section: before.section });
    this.add({ ...part, readBytes: 0, reusedBytes: artifact.bytes });
  }

  /** Gives the error that was no reason to fail. */
  private async replace(
    part: PlannedPart,
    before: PreviousPart,
    error: unknown,
  ): Promise<HoldfastError> {
    const forgiven = this.forgive(before, error);
    const number = this.done.length;
    await this.encode(part, undefined);
    // Those after it have their numbers already.
    if (this.done.length === number) throw forgiven;
    return forgiven;
  }

  /** What turns out to be wrong with a part of the predecessor costs reading its files, and never the backup. */
  private forgive({ artifact }: NamedPart, error: unknown): HoldfastError {
    const isUnusable = error instanceof HoldfastError && error.code === 'FORMAT_UNSUPPORTED';
    if (!isLost(error) && !isUnusable) throw error;
    const detail = `${artifact.key} could not be built on: ${error.message}`;
    this.problems.push({ path: '', code: 'predecessor-unusable', detail, tolerated: true });
    return error;
  }

  /** The part of the predecessor in which the first entry would stand. */
  private baseOf({ class: own, firstPath }: PlannedPart): PreviousPart | undefined {
    return this.tree.predecessor?.parts.findLast(
      (one) => one.class === own && one.firstPath <= firstPath,
    );
  }

  private async encode(part: PlannedPart, base: PreviousPart | undefined): Promise<void> {
    await this.findSharedDigests(part);
    try {
      await this.encodeFrom(part, base);
    } catch (error) {
      if (base === undefined) throw error;
      this.forgive(base, error);
      await this.encodeFrom(part, undefined);
    }
  }

  private async encodeFrom(part: PlannedPart, base: PreviousPart | undefined): Promise<void> {
    const { input, sink, sharedDigests } = this;
    const { encoding, extension } = this.tree;
    const spool = this.tree.gathered.classes[part.class];
    const number = this.done.length + 1;
    const scan = new ScanWriter(input.pool);
    const archive = base && (await this.openBase(base));
    const writer = new ArchiveWriter({
      entries: spool.entries(part.from, part.to),
      encoding,
      pool: input.pool,
      scan,
      predecessor: archive,
      part: { begin: input.begin, sharedDigests },
      signal: input.signal,
      onProgress: ({ entries, contentBytes }) => this.report({ entries, contentBytes }),
    });
    const target = {
      put: (body: AsyncIterable<Uint8Array>) => sink.put(number, extension, body),
      clone: (from: Artifact) => sink.clone(number, extension, from),
    };
    const predecessor = archive && { archive, artifact: base.artifact };
    const options = { codec: encoding.codec, pool: input.pool, predecessor };
    const { summary, artifact } = await storeArchive(writer, target, options);
    this.problems.push(...summary.problems);
    if (!summary.asFound) this.noteUncertain(part);
    if (artifact === undefined) return;
    const found = summary.asFound ? spool.digest(part.from, part.to) : undefined;
    this.done.push({
      artifact: { ...artifact, part: namedPart(part.class, summary.firstPath) },
      section: { begin: input.begin, found, members: await scan.finish() },
    });
    this.add(summary.totals);
  }

  private noteUncertain({ class: own, from, to }: PlannedPart): void {
    if (this.tree.predecessor === undefined) return;
    for (const { path, shared } of this.tree.gathered.classes[own].entries(from, to))
      if (shared) this.uncertain.add(path);
  }

  private async openBase(base: PreviousPart): Promise<Predecessor> {
    const { section } = base;
    return {
      archive: await this.openPart(base),
      scan: section === undefined ? undefined : scanOfSection(section),
    };
  }

  private openPart({ artifact, firstPath }: NamedPart): Promise<Archive> {
    const reader = this.tree.predecessor?.backup.open(artifact);
    if (reader === undefined) throw new Error('a part of no predecessor');
    return openArchive(reader, tableOf(artifact), artifact.codec, firstPath);
  }

  /** Hard links of a part need the digests of what they share: of files in parts that were taken over, the predecessor tells them. */
  private async findSharedDigests({ class: own, from, to }: PlannedPart): Promise<void> {
    if (own !== 'small' || this.takenOver.length === 0) return;
    for (const { linkTarget } of this.tree.gathered.classes[own].entries(from, to)) {
      if (linkTarget === undefined || this.sharedDigests.has(linkTarget)) continue;
      const sha256 = await this.takenOverDigest(linkTarget);
      if (sha256 !== undefined) this.sharedDigests.set(linkTarget, sha256);
    }
  }

  private async takenOverDigest(path: string): Promise<string | undefined> {
    for (const own of ['large', 'small'] as const) {
      const part = this.takenOver.findLast((one) => one.class === own && one.firstPath <= path);
      if (part === undefined) continue;
      for await (const { entries } of groupsBetween(await this.openPart(part), path, path)) {
        const found = entries.find((one) => one.path === path && one.type === 'file');
        if (found?.sha256 !== undefined) return found.sha256;
      }
    }
    return undefined;
  }

  private add(more: StoredParts['totals']): void {
    this.totals.entries += more.entries;
    this.totals.files += more.files;
    this.totals.contentBytes += more.contentBytes;
    this.totals.readBytes += more.readBytes;
    this.totals.reusedBytes += more.reusedBytes;
    this.report({ entries: 0, contentBytes: 0 });
  }

  private report(more: { entries: number; contentBytes: number }): void {
    this.input.onProgress?.({
      entries: this.totals.entries + more.entries,
      bytes: this.totals.contentBytes + more.contentBytes,
      totalBytes: this.tree.parts.reduce((sum, one) => sum + one.contentBytes, 0),
    });
  }
}
