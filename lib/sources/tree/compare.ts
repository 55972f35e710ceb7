// Compares a tree on disk with the index of an archive: both in the same order, side by side; only contents of equal size are read.
import {
  bitsProblem,
  dueOf,
  octal,
  UnkeptList,
  WITHOUT_OWNER,
  type Due,
  type Ownership,
  type Unkept,
} from '../../archive/read/ownership.ts';
import type { SourceEntry } from '../../archive/write/plan.ts';
import type { Pool } from '../../archive/threads/pool.ts';
import { entriesAt, entriesOf, type Parts } from '../../archive/read/parts-reader.ts';
import { Window } from '../../archive/read/window.ts';
import { HoldfastError, type Problem } from '../../errors.ts';
import type { IndexEntry } from '../../format/archive-index.ts';
import { displayPath } from '../../format/paths.ts';
import type { Difference } from '../source.ts';

export interface CompareInput {
  readonly archive: Parts;
  /** The tree's entries in ascending order of their paths; or what stands in the tree at the path of an entry, if anything. */
  readonly found: Iterable<SourceEntry> | ((path: string) => SourceEntry | undefined);
  /** Only what these name can count: byte strings without a slash at the end. Undefined for everything. */
  readonly paths?: readonly string[] | undefined;
  /** Which of the archive's entries count; the tree's are the caller's to choose. */
  readonly wants: (path: string) => boolean;
  /** Who should own the entries, and how much of that the restoring user can set. */
  readonly ownership: Ownership;
  readonly times: boolean;
  readonly pool: Pool;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: ((progress: { entries: number; bytes: number }) => void) | undefined;
}

/** A difference with the path of the entry as it is: a byte string. */
export interface TreeDifference extends Difference {
  readonly entryPath: string;
}

export interface Comparison {
  readonly differences: readonly TreeDifference[];
  /** Entries of the tree that could not be read. */
  readonly problems: readonly Problem[];
  /** What is not as it was recorded, and cannot be made so by the user whose `ownership` it is. */
  readonly unkept: Unkept;
  readonly entries: number;
}

const BATCH_BYTES = 4 << 20;
const BATCH_FILES = 500;
const WINDOW_BYTES = 64 << 20;

/** Every way in which the tree differs from the archive. */
export async function compareTree(input: CompareInput): Promise<Comparison> {
  return new TreeComparison(input).run();
}

class TreeComparison {
  private readonly input: CompareInput;
  private readonly found: Iterator<SourceEntry> | undefined;
  private current: SourceEntry | undefined;
  private readonly window = new Window(WINDOW_BYTES);
  private readonly differences: TreeDifference[] = [];
  private readonly problems: Problem[] = [];
  private readonly unkept = new UnkeptList();
  private readonly shared = new Map<string, string>();
  private batch: { entry: IndexEntry; readPath: string }[] = [];
  private batchBytes = 0;
  private entries = 0;
  private bytes = 0;

  constructor(input: CompareInput) {
    this.input = input;
    this.found = typeof input.found === 'function' ? undefined : input.found[Symbol.iterator]();
    this.advance();
  }

  async run(): Promise<Comparison> {
    const { archive, paths } = this.input;
    const recorded = paths === undefined ? entriesOf(archive) : entriesAt(archive, paths);
    for await (const entries of recorded) {
      for (const entry of entries) if (this.input.wants(entry.path)) await this.take(entry);
      if (this.input.signal?.aborted === true) {
        throw new HoldfastError('CANCELLED', 'the comparison was interrupted');
      }
    }
    while (this.current !== undefined) this.unexpected();
    await this.flush();
    await this.window.drain();
    const differences = this.differences.sort((a, b) => (a.entryPath < b.entryPath ? -1 : 1));
    const { problems, entries, unkept } = this;
    return { differences, problems, entries, unkept: unkept.value() };
  }

  private advance(): void {
    const next = this.found?.next();
    this.current = next === undefined || next.done === true ? undefined : next.value;
  }

  private unexpected(): void {
    if (this.current !== undefined) {
      this.differ(this.current.path, 'unexpected', 'nothing', describe(this.current));
    }
    this.advance();
  }

  private differ(
    path: string,
    change: Difference['change'],
    expected: string,
    found: string,
  ): void {
    this.differences.push({ path: displayPath(path), entryPath: path, change, expected, found });
  }

  private async take(entry: IndexEntry): Promise<void> {
    const { found } = this.input;
    if (typeof found === 'function') this.current = found(entry.path);
    else while (this.current !== undefined && this.current.path < entry.path) this.unexpected();
    this.entries++;
    if (this.current?.path !== entry.path) {
      this.differ(entry.path, 'missing', describe(entry), 'nothing');
      return;
    }
    const { current } = this;
    this.compareMetadata(entry, current);
    if (isContent(entry) && isContent(current)) await this.compareContent(entry, current);
    this.advance();
  }

  private compareMetadata(entry: IndexEntry, found: SourceEntry): void {
    if (isContent(entry) !== isContent(found) || (!isContent(entry) && entry.type !== found.type)) {
      this.differ(entry.path, 'type', entry.type, found.type);
      return;
    }
    if (entry.type === 'symlink' && entry.linkTarget !== found.linkTarget) {
      this.differ(
        entry.path,
        'link',
        displayPath(entry.linkTarget ?? ''),
        displayPath(found.linkTarget ?? ''),
      );
    }
    const due = dueOf(entry, this.input.ownership);
    if (entry.type !== 'symlink') this.compareMode(entry, found, due);
    this.compareOwner(entry, found, due);
    if (this.input.times) this.compareTime(entry, found);
  }

  private compareMode(entry: IndexEntry, found: SourceEntry, due: Due): void {
    const bits = this.input.ownership.to === 'nobody' ? 0o1777 : 0o7777;
    if ((entry.mode & bits) === (found.mode & bits)) return;
    if (due.bitsLost && due.mode === found.mode) {
      this.unkept.problems.push(bitsProblem(entry.path, entry.mode, found.mode, WITHOUT_OWNER));
    } else this.differ(entry.path, 'mode', octal(entry.mode), octal(found.mode));
  }

  private compareOwner(entry: IndexEntry, found: SourceEntry, due: Due): void {
    const { to } = this.input.ownership;
    const { uid, gid } = due.owner;
    if (to === 'nobody' || (found.uid === uid && found.gid === gid)) return;
    if (due.ownerLost || this.isLasting(found)) this.unkept.ownerOf(entry);
    else this.differ(entry.path, 'owner', `${uid}:${gid}`, `${found.uid}:${found.gid}`);
  }

  /** A file can be written again; the folder of another user stays as it is. */
  private isLasting(found: SourceEntry): boolean {
    const { to } = this.input.ownership;
    return typeof to === 'object' && found.type === 'directory' && found.uid !== to.uid;
  }

  private compareTime(entry: IndexEntry, found: SourceEntry): void {
    const expected = entry.mtimeMicroseconds;
    const actual = found.mtimeMicroseconds;
    if (expected === undefined || actual === undefined || expected === actual) return;
    // A double counts the microseconds of far years in larger steps.
    if (Math.abs(expected) > 2 ** 52 && Math.abs(expected - actual) <= 8) return;
    if (this.isLasting(found)) {
      const detail = `is ${time(actual)} instead of ${time(expected)}: it belongs to another user`;
      const path = displayPath(entry.path);
      this.unkept.problems.push({ path, code: 'time', detail, tolerated: true });
    } else this.differ(entry.path, 'time', time(expected), time(actual));
  }

  private async compareContent(entry: IndexEntry, found: SourceEntry): Promise<void> {
    if (found.shared && found.readPath !== undefined) this.shared.set(found.path, found.readPath);
    const readPath = found.readPath ?? this.shared.get(found.linkTarget ?? '');
    if (readPath === undefined) return;
    if (entry.type === 'file' && found.type === 'file' && entry.size !== found.size) {
      this.differ(entry.path, 'content', `${entry.size} bytes`, `${found.size} bytes`);
      return;
    }
    this.batch.push({ entry, readPath });
    this.batchBytes += found.size;
    if (this.batchBytes >= BATCH_BYTES || this.batch.length >= BATCH_FILES) await this.flush();
  }

  private async flush(): Promise<void> {
    const { batch, batchBytes } = this;
    if (batch.length === 0) return;
    this.batch = [];
    this.batchBytes = 0;
    await this.window.add(batchBytes + 1, async () => {
      const files = batch.map(({ entry, readPath }) => ({ path: entry.path, readPath }));
      const { digests, problems } = await this.input.pool.run('hashFiles', { files }, batchBytes);
      this.problems.push(...problems);
      batch.forEach(({ entry }, i) => {
        const digest = digests[i];
        if (digest !== undefined && digest !== entry.sha256) {
          this.differ(entry.path, 'content', `SHA-256 ${entry.sha256 ?? ''}`, `SHA-256 ${digest}`);
        }
      });
      this.bytes += batchBytes;
      this.input.onProgress?.({ entries: this.entries, bytes: this.bytes });
    });
  }
}

/** A hard link is a file by another name: which of the names came first is nobody's difference. */
function isContent(entry: { type: string }): boolean {
  return entry.type === 'file' || entry.type === 'hardlink';
}

function describe(entry: { type: string; size: number }): string {
  return entry.type === 'file' ? `a file of ${entry.size} bytes` : `a ${entry.type}`;
}

function time(micros: number): string {
  const date = new Date(micros / 1000);
  return Number.isNaN(date.getTime()) ? `${micros} microseconds` : date.toISOString();
}
