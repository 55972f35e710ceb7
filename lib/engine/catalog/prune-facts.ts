// What the records of prunes say: what each kept and released, and how much there was.
import type { Problem } from '../../errors.ts';
import type { Facts, Record } from '../../format/record.ts';
import { DAY_MS } from '../../durations.ts';
import type { Engine } from '../engine.ts';
import { readNewestRecord, readRecords } from './records.ts';
import type { Survey } from './survey.ts';

/** One prune of a source, as a record that can be trusted tells it. */
export interface PruneFacts {
  readonly at: Date;
  readonly kept: readonly string[];
  readonly released: readonly {
    readonly id: string;
    /** `unwanted` for a good backup, `not-good` for any other. */
    readonly reason: string;
  }[];
  /** What should have been there and was not, or could not be used; empty in older records. */
  readonly missing: readonly string[];
  /** What somebody accepted as lost. */
  readonly accepted: readonly string[];
  /** What the store held of the source before; undefined in older records. */
  readonly storedBytes: number | undefined;
}

/** The prunes of a source that a trusted key vouches for, oldest first; only those that began at `since` or later, when given. */
export async function readPrunes(
  engine: Engine,
  source: string,
  since?: Date,
): Promise<PruneFacts[]> {
  const options = { onProblem: () => undefined, ...(since && { since }) };
  const records = await readRecords(engine, 'prune', source, options);
  return records
    .filter(({ distrust }) => distrust === undefined)
    .map(({ record }) => factsOf(record));
}

/** The newest of them; a store may hold years of their records, and only this one is read. */
export async function lastPrune(engine: Engine, source: string): Promise<PruneFacts | undefined> {
  const record = await readNewestRecord(engine, 'prune', source);
  return record && factsOf(record);
}

function factsOf({ end, facts }: Record): PruneFacts {
  return {
    at: new Date(end),
    kept: listOf(facts, 'kept').map(({ id }) => id),
    released: listOf(facts, 'released'),
    missing: listOf(facts, 'missing').map(({ id }) => id),
    accepted: listOf(facts, 'accepted').map(({ id }) => id),
    storedBytes: typeof facts['storedBytes'] === 'number' ? facts['storedBytes'] : undefined,
  };
}

function listOf(facts: Facts, name: string): { id: string; reason: string }[] {
  const entries = facts[name];
  if (!Array.isArray(entries)) return [];
  return entries.map((entry) => {
    const { id, reason } = entry as { id?: unknown; reason?: unknown };
    return { id: String(id), reason: String(reason) };
  });
}

/** How long after its release a store may still list a backup: until its lifecycle has come to it, and what it hid is gone. */
const RELEASE_LOOK_BACK_MS = 90 * DAY_MS;

/**
 * The ids of those backups that an earlier prune released and none has kept since, although the store lists them still: a bucket
 * deletes late, and a run may have been killed before it came to them. What was stored after its release is another backup.
 */
export async function releasedAndListed(
  engine: Engine,
  { source, backups }: Survey,
  last: PruneFacts | undefined,
): Promise<ReadonlySet<string>> {
  if (last === undefined) return new Set();
  const kept = new Set(last.kept);
  const doubtful = backups.filter(({ id, storedAt }) => storedAt <= last.at && !kept.has(id));
  if (doubtful.length === 0) return new Set();
  const since = new Date(last.at.getTime() - RELEASE_LOOK_BACK_MS);
  const releasedAt = new Map<string, Date>();
  for (const prune of await readPrunes(engine, source, since)) {
    for (const id of prune.kept) releasedAt.delete(id);
    for (const { id } of prune.released) releasedAt.set(id, prune.at);
  }
  const released = doubtful.filter(({ id, storedAt }) => {
    const at = releasedAt.get(id);
    return at !== undefined && storedAt <= at;
  });
  return new Set(released.map(({ id }) => id));
}

/**
 * The ids of all backups that prunes have released since then, trusted or not; undefined when one of those cannot be read.
 */
export async function releasedIn(
  engine: Engine,
  source: string,
  since: Date | undefined,
): Promise<ReadonlySet<string> | undefined> {
  const unreadable: Problem[] = [];
  const records = await readRecords(engine, 'prune', source, {
    ...(since && { since }),
    onProblem: (problem) => unreadable.push(problem),
  });
  if (unreadable.length > 0) return undefined;
  return new Set(records.flatMap(({ record }) => factsOf(record).released).map(({ id }) => id));
}
