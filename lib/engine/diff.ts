// How two backups differ, or a backup and its source as it is now. Two backups are compared by their indexes, side by side.
import { HoldfastError } from '../errors.ts';
import type { Manifest } from '../format/manifest.ts';
import type { ComparedLive, ListedEntry, LiveSource } from '../sources/source.ts';
import { openBackup } from './catalog/backups.ts';
import { kindOf, throwIfCancelled, workOf, type Engine } from './engine.ts';

/** In what way an entry that both backups hold is not the same. */
export type Aspect = 'type' | 'rows' | 'content' | 'link' | 'mode' | 'owner' | 'time';

/** One entry that differs. */
export interface Change {
  /** A byte string. */
  readonly path: string;
  readonly change: 'added' | 'removed' | 'changed';
  /** What differs in a changed entry; empty for the others. */
  readonly aspects: readonly Aspect[];
  readonly before: ListedEntry | undefined;
  readonly after: ListedEntry | undefined;
}

/** How many entries, with the bytes of their content before and after. */
export interface DiffCount {
  readonly entries: number;
  readonly bytesBefore: number;
  readonly bytesAfter: number;
}

/** Rows of all tables; of those that changed, how many more or fewer there are of each, summed up. */
export interface RowCount {
  readonly before: number;
  readonly after: number;
  readonly gained: number;
  readonly lost: number;
}

export interface DiffTotals {
  readonly added: DiffCount;
  readonly removed: DiffCount;
  readonly changed: DiffCount;
  /** How many of the changed entries differ in their time alone. */
  readonly timeOnly: number;
  readonly unchanged: number;
  /** Undefined where nothing that was compared has rows. */
  readonly rows?: RowCount;
}

export interface BackupName {
  readonly source: string;
  readonly id: string;
}

/**
 * Compares two backups of one kind, `before` with `after`. Each change is handed to `onChange` in ascending order of the paths and
 * kept nowhere, so memory does not grow with the backups.
 *
 * `USAGE` when their kinds differ; `BACKUP_DAMAGED`, `UNTRUSTED` and `BACKUP_NOT_FOUND` as for anything that reads a backup.
 */
export async function diffBackups(
  engine: Engine,
  before: BackupName,
  after: BackupName,
  onChange: (change: Change) => void,
): Promise<DiffTotals> {
  const [a, b] = await Promise.all([
    openBackup(engine, before.source, before.id),
    openBackup(engine, after.source, after.id),
  ]);
  assertSameKind(a.manifest, b.manifest);
  const kind = await kindOf(engine, b.manifest.kind);
  if (sameBytes(a.manifest, b.manifest)) {
    return { ...EMPTY_TOTALS, unchanged: b.manifest.totals.entries };
  }
  const tally = new Tally();
  for await (const [one, other] of sideBySide(kind.list(a, []), kind.list(b, []))) {
    const change = changeOf(one, other);
    tally.add(change);
    tally.addRows(one?.rows, other?.rows);
    if (change !== undefined) onChange(change);
    throwIfCancelled(engine);
  }
  return tally.totals();
}

function assertSameKind(before: Manifest, after: Manifest): void {
  if (before.kind === after.kind) return;
  throw new HoldfastError(
    'USAGE',
    `${before.source}/${before.id} is a backup of ${before.kind}, ${after.source}/${after.id} one of ${after.kind}`,
    { hint: 'Compare two backups of one source.' },
  );
}

/** Archives of the same bytes hold the same. The scan says nothing that an archive does not, but for how to read less. */
function sameBytes(before: Manifest, after: Manifest): boolean {
  const digests = ({ artifacts }: Manifest) =>
    artifacts
      .filter(({ role }) => role !== 'scan')
      .map(({ role, bytes, sha256 }) => `${role} ${bytes} ${sha256}`)
      .join('\n');
  return digests(before) === digests(after);
}

type Pair = readonly [before: ListedEntry | undefined, after: ListedEntry | undefined];

/** Pairs of entries with the same path, in the order of both. */
async function* sideBySide(
  before: AsyncIterable<ListedEntry>,
  after: AsyncIterable<ListedEntry>,
): AsyncGenerator<Pair> {
  await using a = new Cursor(before);
  await using b = new Cursor(after);
  let [one, other] = [await a.next(), await b.next()];
  while (one !== undefined || other !== undefined) {
    if (other === undefined || (one !== undefined && one.path < other.path)) {
      yield [one, undefined];
      one = await a.next();
    } else if (one === undefined || other.path < one.path) {
      yield [undefined, other];
      other = await b.next();
    } else {
      yield [one, other];
      [one, other] = [await a.next(), await b.next()];
    }
  }
}

/** Takes entries one by one, and ends the listing even when it was not read to its end. */
class Cursor implements AsyncDisposable {
  private readonly entries: AsyncIterator<ListedEntry>;

  constructor(entries: AsyncIterable<ListedEntry>) {
    this.entries = entries[Symbol.asyncIterator]();
  }

  async next(): Promise<ListedEntry | undefined> {
    const result = await this.entries.next();
    return result.done === true ? undefined : result.value;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.entries.return?.();
  }
}

function changeOf(
  before: ListedEntry | undefined,
  after: ListedEntry | undefined,
): Change | undefined {
  const path = (before ?? after)?.path ?? '';
  if (before === undefined) return { path, change: 'added', aspects: [], before, after };
  if (after === undefined) return { path, change: 'removed', aspects: [], before, after };
  const aspects = aspectsOf(before, after);
  return aspects.length === 0 ? undefined : { path, change: 'changed', aspects, before, after };
}

function aspectsOf(before: ListedEntry, after: ListedEntry): Aspect[] {
  if (contentType(before) !== contentType(after)) return ['type'];
  const differs: Record<Exclude<Aspect, 'type'>, boolean> = {
    rows: before.rows !== after.rows,
    content: before.sha256 !== after.sha256,
    // Which of a file's names came first is nobody's difference.
    link: contentType(before) === 'symlink' && before.linkTarget !== after.linkTarget,
    mode: before.mode !== after.mode,
    owner: before.owner !== after.owner,
    time: before.mtimeMicroseconds !== after.mtimeMicroseconds,
  };
  return (Object.keys(differs) as (keyof typeof differs)[]).filter((aspect) => differs[aspect]);
}

/** A hard link is a file by another name. */
function contentType({ type }: ListedEntry): string {
  return type === 'hardlink' ? 'file' : type;
}

const NOTHING: DiffCount = { entries: 0, bytesBefore: 0, bytesAfter: 0 };
const EMPTY_TOTALS: DiffTotals = {
  added: NOTHING,
  removed: NOTHING,
  changed: NOTHING,
  timeOnly: 0,
  unchanged: 0,
};

class Tally {
  private readonly counts = {
    added: { ...NOTHING },
    removed: { ...NOTHING },
    changed: { ...NOTHING },
  };
  private timeOnly = 0;
  private unchanged = 0;
  private rows: RowCount | undefined;

  add(change: Change | undefined): void {
    if (change === undefined) {
      this.unchanged++;
      return;
    }
    const { entries, bytesBefore, bytesAfter } = this.counts[change.change];
    this.counts[change.change] = {
      entries: entries + 1,
      bytesBefore: bytesBefore + (change.before?.size ?? 0),
      bytesAfter: bytesAfter + (change.after?.size ?? 0),
    };
    if (change.aspects.length === 1 && change.aspects[0] === 'time') this.timeOnly++;
  }

  addRows(before: number | undefined, after: number | undefined): void {
    if (before === undefined && after === undefined) return;
    const [one, other] = [before ?? 0, after ?? 0];
    const { rows = { before: 0, after: 0, gained: 0, lost: 0 } } = this;
    this.rows = {
      before: rows.before + one,
      after: rows.after + other,
      gained: rows.gained + Math.max(0, other - one),
      lost: rows.lost + Math.max(0, one - other),
    };
  }

  totals(): DiffTotals {
    const { timeOnly, unchanged, rows } = this;
    return { ...this.counts, timeOnly, unchanged, ...(rows && { rows }) };
  }
}

/** True when nothing differs at all, times included. */
export function isEqual({ added, removed, changed }: DiffTotals): boolean {
  return added.entries + removed.entries + changed.entries === 0;
}

/**
 * Compares a backup with its source as it is now, under the selection that is configured now; with `place`, with that folder.
 *
 * `SOURCE_UNREADABLE` when there is no such source to look at, `USAGE` when the backup is of another kind.
 */
export async function diffLive(
  engine: Engine,
  { source, id }: BackupName,
  live: LiveSource,
  place: string | undefined,
): Promise<ComparedLive> {
  const backup = await openBackup(engine, source, id);
  if (live.kind.kind !== backup.manifest.kind) {
    throw new HoldfastError(
      'USAGE',
      `${source}/${id} is a backup of ${backup.manifest.kind}, the source ${live.name} is of ${live.kind.kind}`,
    );
  }
  return live.compareLive(backup, { ...workOf(engine), place });
}
