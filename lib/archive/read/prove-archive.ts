// Proves a whole archive, part by part: every stored byte against the index, and on request everything it decodes to. Changes nothing.
import { createHash } from 'node:crypto';
import { HoldfastError, type Problem } from '../../errors.ts';
import type { IndexEntry, IndexGroup } from '../../format/archive-index.ts';
import { displayPath } from '../../format/paths.ts';
import { INDEX_PATH } from '../../format/own-paths.ts';
import { knownPieces } from '../../format/structure.ts';
import { sumsLine } from '../../format/sums.ts';
import type { Pool } from '../threads/pool.ts';
import { free } from '../threads/reclaim.ts';
import { extentOfPiece, readExtent, readGroups, type Archive } from './archive-reader.ts';
import { entriesOf, type PartReader, type Parts } from './parts-reader.ts';
import { assertTogether, isLost, lostPart } from './together.ts';
import { stretches, type Stretch } from './stretches.ts';
import { windowFor, type Window } from './window.ts';
import type { Extent } from '../../format/codec.ts';

export interface ProveInput {
  readonly parts: Parts;
  /** The places, from 0, of parts whose bytes need not be read: they were proven at this level. */
  readonly known?: ReadonlySet<number>;
  /** Whether it was proven at this level that the parts fit together. @default false */
  readonly fits?: boolean;
  /** How many entries the parts hold together; undefined where nobody knows. */
  readonly entries: number | undefined;
  readonly level: 'digest' | 'content';
  readonly pool: Pool;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: ((progress: { entries: number; bytes: number }) => void) | undefined;
}

export interface ArchiveFindings {
  readonly problems: readonly Problem[];
  readonly entries: number;
  /** Stored bytes that were looked at. */
  readonly bytes: number;
}

export interface WholeFindings extends ArchiveFindings {
  /** What is wrong with parts in themselves, by their places from 0. */
  readonly damagedParts: ReadonlyMap<number, readonly Problem[]>;
}

/** Everything that is wrong with an archive, entry by entry where the index still tells them. */
export async function proveArchive(input: ProveInput): Promise<WholeFindings> {
  const sum = { problems: new Array<Problem>(), entries: 0, bytes: 0 };
  const damagedParts = new Map<number, readonly Problem[]>();
  const hardlinks: IndexEntry[] = [];
  let whole = true;
  for (const [i, part] of input.parts.entries()) {
    if (input.known?.has(i) === true) continue;
    const before = { ...sum };
    const found = await provePart(part, {
      ...input,
      onProgress: ({ entries, bytes }) =>
        input.onProgress?.({ entries: before.entries + entries, bytes: before.bytes + bytes }),
    });
    sum.problems.push(...found.problems);
    if (found.problems.length > 0) damagedParts.set(i, found.problems);
    sum.entries += found.entries;
    sum.bytes += found.bytes;
    hardlinks.push(...found.hardlinks);
    whole &&= found.indexIsWhole;
  }
  // With a part of the index lost, nothing can be said of what belongs together.
  if (whole && input.fits !== true) sum.problems.push(...(await proveTogether(input, hardlinks)));
  if (input.parts.length === 1 && sum.problems.length > 0) damagedParts.set(0, sum.problems);
  return { ...sum, damagedParts };
}

interface PartFindings extends ArchiveFindings {
  readonly indexIsWhole: boolean;
  readonly hardlinks: readonly IndexEntry[];
}

async function provePart(part: PartReader, input: ProveInput): Promise<PartFindings> {
  const problems: Problem[] = [];
  let archive: Archive;
  try {
    archive = await part.open();
  } catch (error) {
    const found =
      part.class !== undefined && isLost(error)
        ? lostPart(part, error, 'verified')
        : damage(INDEX_PATH, error);
    return { problems: [found], entries: 0, bytes: 0, indexIsWhole: false, hardlinks: [] };
  }
  await proveStructure(archive, problems);
  return new Proof(archive, input, problems).run();
}

/** What no part tells alone: that they fit together and are all there, and that hard links share what they say. */
async function proveTogether(
  { parts, entries }: ProveInput,
  hardlinks: readonly IndexEntry[],
): Promise<Problem[]> {
  if (parts.length === 1) return proveHardlinks(parts, hardlinks);
  try {
    // Those of parts that are not read as well: what they share may have changed in another part.
    const all = await assertTogether(parts, entries);
    return all === undefined ? [] : await proveHardlinks(parts, all);
  } catch (error) {
    return [damage('', error)];
  }
}

/** A hard link has no content of its own: the file that it shares must stand before it, and have the same digest. */
async function proveHardlinks(parts: Parts, hardlinks: readonly IndexEntry[]): Promise<Problem[]> {
  const wanted = new Set(hardlinks.map(({ linkTarget }) => linkTarget));
  if (wanted.size === 0) return [];
  const digests = new Map<string, string | undefined>();
  for await (const entries of entriesOf(parts)) {
    for (const { path, type, sha256 } of entries) {
      if (type === 'file' && wanted.has(path)) digests.set(path, sha256);
    }
  }
  return hardlinks.flatMap(({ path, linkTarget = '', sha256 }) => {
    if (linkTarget < path && digests.get(linkTarget) === sha256) return [];
    const detail = `it shares no content with ${displayPath(linkTarget)} that has its digest`;
    return [{ path: displayPath(path), code: 'damaged', detail }];
  });
}

function damage(path: string, error: unknown): Problem {
  if (error instanceof HoldfastError && error.code === 'BACKUP_DAMAGED') {
    return { path, code: 'damaged', detail: error.message };
  }
  throw error;
}

/** What follows from the table must stand where it belongs, and nothing after it. */
async function proveStructure(archive: Archive, problems: Problem[]): Promise<void> {
  const { pieces, archiveBytes } = knownPieces(archive.table, archive.place, archive);
  if (archive.reader.bytes !== archiveBytes) {
    problems.push({
      path: '',
      code: 'damaged',
      detail: `the archive has ${archive.reader.bytes} bytes, its index says ${archiveBytes}`,
    });
  }
  for (const { offset, content } of pieces) {
    try {
      const stored = await archive.reader.read(offset, content.length);
      if (content.equals(stored)) continue;
      throw new HoldfastError(
        'BACKUP_DAMAGED',
        `the ${content.length} bytes from byte ${offset} are not what the index implies`,
      );
    } catch (error) {
      problems.push(damage('', error));
    }
  }
}

class Proof {
  private readonly archive: Archive;
  private readonly input: ProveInput;
  private readonly problems: Problem[];
  private readonly window: Window;
  private readonly sums: SumsProof;
  private readonly hardlinks: IndexEntry[] = [];
  private indexIsWhole = true;
  private entries = 0;
  private bytes = 0;

  constructor(archive: Archive, input: ProveInput, problems: Problem[]) {
    this.archive = archive;
    this.input = input;
    this.problems = problems;
    this.window = windowFor(input.pool);
    this.sums = new SumsProof(archive, problems);
  }

  async run(): Promise<PartFindings> {
    for await (const stretch of stretches(this.groups())) {
      if (this.input.signal?.aborted === true) {
        throw new HoldfastError('CANCELLED', 'the verification was interrupted');
      }
      if (stretch.split) await this.proveSplit(stretch);
      else await this.window.add(stretch.rawBytes, () => this.proveStretch(stretch));
    }
    await this.window.drain();
    await this.sums.finish();
    const { problems, entries, bytes, indexIsWhole, hardlinks } = this;
    return { problems, entries, bytes, indexIsWhole, hardlinks };
  }

  private async *groups(): AsyncGenerator<IndexGroup> {
    const onDamage = (i: number, error: unknown) => {
      const found = damage(this.archive.names.index, error);
      const lost = `${extentOfPiece(this.archive.table, i)} cannot be verified`;
      this.problems.push({ ...found, detail: `${found.detail}; ${lost}` });
      this.giveUp();
    };
    try {
      for await (const group of readGroups(this.archive, '', onDamage)) {
        if (this.input.level === 'content') await this.noteContents(group);
        yield group;
      }
    } catch (error) {
      // Pieces that have their digests and yet do not fit together: nothing after them can be trusted.
      this.problems.push(damage(this.archive.names.index, error));
      this.giveUp();
    }
  }

  private giveUp(): void {
    this.indexIsWhole = false;
    this.sums.giveUp();
  }

  private async noteContents(group: IndexGroup): Promise<void> {
    await this.sums.add(group);
    for (const entry of group.entries) if (entry.type === 'hardlink') this.hardlinks.push(entry);
  }

  private async proveStretch(stretch: Stretch): Promise<void> {
    const { groups, offset, bytes } = stretch;
    try {
      const range = { offset, bytes: await this.archive.reader.read(offset, bytes) };
      const job = { range, groups, codec: this.archive.codec, level: this.input.level };
      const { problems } = await this.input.pool.run('proveGroups', job, stretch.rawBytes, [
        range.bytes.buffer,
      ]);
      this.problems.push(...problems);
    } catch (error) {
      for (const { entries } of groups) {
        for (const { path } of entries) this.problems.push(damage(displayPath(path), error));
      }
    }
    for (const { entries } of groups) this.entries += entries.length;
    this.advance(bytes);
  }

  private advance(bytes: number): void {
    this.bytes += bytes;
    this.input.onProgress?.({ entries: this.entries, bytes: this.bytes });
  }

  private async proveSplit(stretch: Stretch): Promise<void> {
    const [group] = stretch.groups;
    const [entry] = group?.entries ?? [];
    if (group === undefined || entry === undefined) return;
    const hash = createHash('sha256');
    const found: Problem[] = [];
    let before: Promise<void> = Promise.resolve();
    for (let i = 0; i < group.members.length; i++) {
      const member = group.members[i];
      if (member === undefined) continue;
      const previous = before;
      const { promise, resolve } = Promise.withResolvers<undefined>();
      before = promise;
      await this.window.add(member.rawBytes, async () => {
        try {
          const content = await this.provePiece(group, i, found);
          await previous;
          if (content !== undefined) {
            hash.update(content);
            free(content);
          }
        } finally {
          resolve(undefined);
        }
        this.advance(member.bytes);
      });
    }
    await before;
    this.entries++;
    if (
      found.length === 0 &&
      this.input.level === 'content' &&
      hash.digest('hex') !== entry.sha256
    ) {
      const detail = 'its content does not have the digest that was recorded';
      found.push({ path: displayPath(entry.path), code: 'damaged', detail });
    }
    this.problems.push(...found);
  }

  private async provePiece(
    group: IndexGroup,
    i: number,
    found: Problem[],
  ): Promise<Uint8Array | undefined> {
    const member = group.members[i];
    if (member === undefined) return undefined;
    const { level, pool } = this.input;
    const { codec } = this.archive;
    try {
      const range = {
        offset: member.offset,
        bytes: await this.archive.reader.read(member.offset, member.bytes),
      };
      const transfer = [range.bytes.buffer];
      if (level === 'digest') {
        const groups = [{ entries: group.entries, members: [member] }];
        const { problems } = await pool.run(
          'proveGroups',
          { range, groups, codec, level },
          member.bytes,
          transfer,
        );
        found.push(...problems);
        return undefined;
      }
      const job = { range, group, piece: i, codec };
      const { content, problems } = await pool.run('provePiece', job, member.rawBytes, transfer);
      found.push(...problems);
      return content;
    } catch (error) {
      found.push(damage(displayPath(group.entries[0]?.path ?? ''), error));
      return undefined;
    }
  }
}

/** The sums: their stored bytes always, and at level `content` their lines against the index. */
class SumsProof {
  private readonly archive: Archive;
  private readonly problems: Problem[];
  private text: Buffer[] = [];
  private bytes = 0;
  private next = 0;
  private compare = false;
  private unknown = false;

  constructor(archive: Archive, problems: Problem[]) {
    this.archive = archive;
    this.problems = problems;
  }

  /** With a part of the index lost, nothing can be compared any more. */
  giveUp(): void {
    this.unknown = true;
  }

  async add(group: IndexGroup): Promise<void> {
    this.compare = true;
    if (this.unknown) return;
    let lines = '';
    for (const { path, sha256 } of group.entries)
      if (sha256 !== undefined) lines += sumsLine(path, sha256);
    this.text.push(Buffer.from(lines, 'latin1'));
    this.bytes += lines.length;
    const piece = this.archive.table.sums[this.next];
    if (piece !== undefined && this.bytes >= piece.rawBytes) await this.provePiece(piece);
  }

  private async provePiece(piece: Extent): Promise<void> {
    this.next++;
    const all = Buffer.concat(this.text);
    this.text = [all.subarray(piece.rawBytes)];
    this.bytes = Math.max(0, all.length - piece.rawBytes);
    try {
      const raw = await readExtent(this.archive.reader, piece, this.archive.codec);
      if (!this.compare || this.unknown || raw.equals(all.subarray(0, piece.rawBytes))) return;
      throw new HoldfastError('BACKUP_DAMAGED', 'it is not what the index says');
    } catch (error) {
      this.problems.push(damage(this.archive.names.sums, error));
    }
  }

  async finish(): Promise<void> {
    const { sums } = this.archive.table;
    for (let piece = sums[this.next]; piece !== undefined; piece = sums[this.next])
      await this.provePiece(piece);
    if (this.compare && !this.unknown && this.bytes > 0) {
      this.problems.push({
        path: this.archive.names.sums,
        code: 'damaged',
        detail: 'it lacks files that the index has',
      });
    }
  }
}
