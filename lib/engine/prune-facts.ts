// What the records of prunes say: what each kept and let go, and how much there was.
import type { Problem } from '../errors.ts';
import { manifestKey } from '../format/layout.ts';
import type { Facts, Record } from '../format/record.ts';
import type { Engine } from './engine.ts';
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

/** Backups that the last prune kept and that are gone: not let go by us, so damage. */
export function missingSincePrune(survey: Survey, last: PruneFacts | undefined): Problem[] {
  const present = new Set(survey.backups.map(({ id }) => id));
  // By the very key: a broken record about a backup must not hide that the backup is gone.
  const unreadable = new Set(survey.problems.map(({ path }) => path));
  return (last?.kept ?? [])
    .filter((id) => !present.has(id) && !unreadable.has(manifestKey(survey.source, id)))
    .map((id) => ({
      path: `${survey.source}/${id}`,
      code: 'missing',
      detail: 'the last prune kept this backup, and it is gone',
    }));
}
