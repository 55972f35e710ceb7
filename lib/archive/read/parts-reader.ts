// The archive of a backup as one, in however many parts it stands: its entries in order, and the parts in which a path can stand.
import { HoldfastError } from '../../errors.ts';
import type { IndexEntry } from '../../format/archive-index.ts';
import type { PartClass } from '../../format/manifest.ts';
import { mayHold } from '../../format/parts.ts';
import { displayPath } from '../../format/paths.ts';
import { groupsBetween, PathOrder, readGroups, type Archive } from './archive-reader.ts';

/** One part, opened when it is looked into for the first time. */
export interface PartReader {
  /** Undefined for an archive that is the only one. */
  readonly class: PartClass | undefined;
  /** A byte string; empty for an archive that is the only one. */
  readonly firstPath: string;
  /** `BACKUP_DAMAGED` or `BACKUP_NOT_FOUND` when it cannot be read. */
  open(): Promise<Archive>;
}

/** All parts of an archive, in order. */
export type Parts = readonly PartReader[];

/** Told why a part cannot be read, or a piece of its index. */
export type OnDamage = (error: unknown) => void;

/** Entries in order; as many at once as stand side by side. */
type Entries = AsyncGenerator<readonly IndexEntry[]>;

/**
 * All entries in ascending order of their paths.
 *
 * Over all parts paths ascend strictly, and nothing stands below what is no directory; in several parts nothing stands in a part of
 * another class, and hard links lead back. Otherwise `BACKUP_DAMAGED`. What of the index is damaged is thrown, or handed to `onDamage`
 * and passed over.
 */
export async function* entriesOf(parts: Parts, onDamage?: OnDamage): Entries {
  const order = new PathOrder();
  for await (const entries of merged(parts, (own) => allEntries(own, onDamage))) {
    for (const entry of entries) order.add(entry);
    yield entries;
  }
}

/**
 * Some entries and what is below them, in ascending order, each once; checked among themselves as `entriesOf` checks all.
 *
 * @param paths - byte strings without a slash at the end
 */
export async function* entriesAt(parts: Parts, paths: readonly string[]): Entries {
  const order = new PathOrder();
  let given = '';
  for (const range of rangesOf(paths)) {
    const before = given;
    for await (const found of merged(parts, (own) => entriesBetween(own, range))) {
      // One of the paths may stand below another.
      const entries = found.filter(({ path }) => path > before);
      for (const entry of entries) order.add(entry);
      given = entries.at(-1)?.path ?? given;
      yield entries;
    }
  }
}

/** The parts in which paths from `first` to `last` can stand: of each class those that begin before, and reach so far. */
export function partsBetween(parts: Parts, first: string, last: string): Parts {
  return byClass(parts).flatMap((own) => {
    const begin = own.findLastIndex(({ firstPath }) => firstPath <= first);
    return own.filter(({ firstPath }, i) => i >= begin && firstPath <= last);
  });
}

/** Paths that stand side by side. */
interface Range {
  readonly first: string;
  /** None of them is beyond this. */
  readonly last: string;
  readonly belongs: (path: string) => boolean;
}

/** What is below a directory does not follow it directly: `a-b` stands between `a` and `a/`. */
function rangesOf(paths: readonly string[]): Range[] {
  const ranges = paths.flatMap((path): Range[] => [
    { first: path, last: path, belongs: (one) => one === path },
    { first: `${path}/`, last: `${path}0`, belongs: (one) => one.startsWith(`${path}/`) },
  ]);
  return ranges.sort((a, b) => (a.first < b.first ? -1 : 1));
}

function byClass(parts: Parts): PartReader[][] {
  return [...Map.groupBy(parts, (part) => part.class).values()];
}

async function* allEntries(own: Parts, onDamage?: OnDamage): Entries {
  for (const part of own) {
    const lost = (error: unknown) => {
      if (onDamage === undefined) throw error;
      onDamage(error);
    };
    let archive: Archive;
    try {
      archive = await part.open();
    } catch (error) {
      lost(error);
      continue;
    }
    const groups = readGroups(archive, '', (_piece, error) => lost(error));
    for await (const { entries } of groups) yield ofClass(part, entries);
  }
}

async function* entriesBetween(own: Parts, { first, last, belongs }: Range): Entries {
  for (const part of partsBetween(own, first, last)) {
    for await (const { entries } of groupsBetween(await part.open(), first, last)) {
      yield ofClass(
        part,
        entries.filter(({ path }) => belongs(path)),
      );
    }
  }
}

/** `BACKUP_DAMAGED` for an entry that would not be looked for in such a part, and for a hard link that would come too early there. */
function ofClass(
  { class: own }: PartReader,
  entries: readonly IndexEntry[],
): readonly IndexEntry[] {
  if (own === undefined) return entries;
  for (const { path, type, linkTarget = '' } of entries) {
    const named = `the index names ${displayPath(path)}, a ${type}`;
    if (!mayHold(own, type)) {
      throw new HoldfastError('BACKUP_DAMAGED', `${named}, in a part of class ${own}`);
    }
    if (type === 'hardlink' && linkTarget >= path) {
      throw new HoldfastError('BACKUP_DAMAGED', `${named} to ${displayPath(linkTarget)} after it`);
    }
  }
  return entries;
}

/** The entries of all classes, each a stream in order, in one order. */
async function* merged(parts: Parts, read: (own: Parts) => Entries): Entries {
  const streams = byClass(parts).map((own) => new Head(read(own)));
  try {
    for (const stream of streams) await stream.refill();
    for (;;) {
      const [least, next] = streams
        .filter(({ path }) => path !== undefined)
        .sort((a, b) => ((a.path ?? '') < (b.path ?? '') ? -1 : 1));
      if (least === undefined) return;
      yield least.takeBefore(next?.path);
      await least.refill();
    }
  } finally {
    for (const stream of streams) await stream.close();
  }
}

/** A stream of entries, of which the next ones are at hand. */
class Head {
  private readonly entries: Entries;
  private batch: readonly IndexEntry[] = [];
  private at = 0;

  constructor(entries: Entries) {
    this.entries = entries;
  }

  /** Of the next entry; undefined when there is none. */
  get path(): string | undefined {
    return this.batch[this.at]?.path;
  }

  /** The next entries before `path`, at least one. */
  takeBefore(path: string | undefined): readonly IndexEntry[] {
    const from = this.at++;
    if (path === undefined) this.at = this.batch.length;
    for (
      let one = this.path;
      one !== undefined && path !== undefined && one < path;
      one = this.path
    )
      this.at++;
    return from === 0 && this.at === this.batch.length
      ? this.batch
      : this.batch.slice(from, this.at);
  }

  /** Reads on where nothing is at hand. */
  async refill(): Promise<void> {
    while (this.at >= this.batch.length) {
      const next = await this.entries.next();
      if (next.done === true) return;
      this.batch = next.value;
      this.at = 0;
    }
  }

  async close(): Promise<void> {
    await this.entries.return(undefined);
  }
}
