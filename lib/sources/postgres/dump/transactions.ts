// In how many transactions a dump can be loaded: what is known of it beforehand, and for how many locks a server has room.
import { HoldfastError, type Problem } from '../../../errors.ts';
import type { Manifest } from '../../../format/manifest.ts';
import type { Facts } from '../../../format/record.ts';
import type { Tested } from '../../source.ts';
import type { LoadInput } from '../restore/load.ts';
import { ToolEnd } from '../server/process.ts';
import type { DatabaseSession } from '../server/session.ts';

/** The code of what is said of a dump that does not load in one transaction. */
export const SEVERAL = 'several-transactions';
/** The option of `restore` that loads it nevertheless. */
const OPTION = '--several-transactions';
/** A server has room for more locks than it is set up for; seldom for this many times as many. */
const LUCK = 2;

/** Kinds of objects that a transaction keeps locked from when it makes them to its end, as they are counted. */
const LOCKED = [
  ...['tables', 'indexes', 'sequences', 'views', 'materializedViews', 'foreignTables'],
  ...['functions', 'types', 'largeObjects'],
];

/** The locks that loading everything in one transaction takes, at the least. */
export function locksTaken(counts: Readonly<Record<string, number>>): number {
  return LOCKED.reduce((sum, name) => sum + (counts[name] ?? 0), 0);
}

/** The number of locks for which a server is set up, in all sessions together. */
export function lockRoom(session: DatabaseSession): Promise<number> {
  return session.json(
    `SELECT coalesce(sum(CASE name WHEN 'max_locks_per_transaction' THEN 0 ELSE setting::bigint END) + 1, 1)
       * max(CASE name WHEN 'max_locks_per_transaction' THEN setting::bigint END) FROM pg_settings
     WHERE name IN ('max_locks_per_transaction', 'max_connections', 'max_prepared_transactions', 'autovacuum_max_workers', 'max_worker_processes', 'max_wal_senders')`,
  );
}

/** Notes for a backup, from how its source is, and from what the newest restore test found. */
export function transactionNotes(
  counts: Readonly<Record<string, number>>,
  room: number,
  tested: Tested | undefined,
): Problem[] {
  const notes: Problem[] = [];
  const taken = locksTaken(counts);
  if (taken > room) {
    notes.push({
      ...{ path: '', code: 'many-locks', tolerated: true },
      detail: `restoring it in one transaction takes ${taken} locks or more, and this server is set up for ${room}: restore it with ${OPTION} to a new database, or raise max_locks_per_transaction of the server that it goes to`,
    });
  }
  if (tested !== undefined && isSeveral(tested.facts)) {
    notes.push({
      ...{ path: '', code: SEVERAL, tolerated: true },
      detail: `the restore test of ${tested.id} found that it does not load in one transaction, so this one may not, either: restore it with ${OPTION}, to a new database`,
    });
  }
  return notes;
}

function isSeveral(facts: Facts): boolean {
  return facts['transactions'] === 'several';
}

/** Whether a backup is known to load only in several transactions: by its own restore tests, or by what its manifest says. */
export function needsSeveral(
  { problems }: Pick<Manifest, 'problems'>,
  tested: Facts | undefined,
): boolean {
  const own = tested?.['transactions'];
  return own === undefined ? problems.some(({ code }) => code === SEVERAL) : own === 'several';
}

export interface OneTransaction {
  readonly manifest: Manifest;
  readonly tested: Facts | undefined;
  readonly session: DatabaseSession;
  readonly label: string;
}

/**
 * `TARGET_REFUSED` when it is known that a whole backup does not load in one transaction, or not on this server. What is only to be
 * feared is returned as notes: a try costs nothing but time.
 */
export async function assertOneWillDo({
  manifest,
  tested,
  session,
  label,
}: OneTransaction): Promise<readonly Problem[]> {
  if (tested !== undefined && isSeveral(tested)) {
    throw new HoldfastError(
      'TARGET_REFUSED',
      `${manifest.source}/${manifest.id} does not load in one transaction, as a restore test found`,
      {
        hint: `Nothing was changed. Pass ${OPTION}, and restore to a new database: what was done before a failure stays then.`,
      },
    );
  }
  const taken = locksTaken(manifest.database?.counts ?? {});
  const room = await lockRoom(session);
  if (taken <= room * LUCK) {
    return needsSeveral(manifest, tested)
      ? manifest.problems.filter(({ code }) => code === SEVERAL)
      : [];
  }
  throw new HoldfastError(
    'TARGET_REFUSED',
    `restoring in one transaction takes ${taken} locks or more, and the server of ${label} is set up for ${room}`,
    {
      hint: `Nothing was changed. Raise max_locks_per_transaction there and restart it, or pass ${OPTION} and restore to a new database: what was done before a failure stays then.`,
    },
  );
}

/** What failed in one transaction, with the way out. */
export function failedTogether(error: HoldfastError, apart: boolean): HoldfastError {
  const bySql = error.cause instanceof ToolEnd && error.cause.code === 3;
  if (!bySql || apart) return error;
  return new HoldfastError(error.code, error.message, {
    hint: `Nothing was changed, as all of it is one transaction. Where that is the cause (\`holdfast restore-test\` finds out), pass ${OPTION}, and restore to a new database.${error.hint === undefined ? '' : ` ${error.hint}`}`,
    cause: error.cause,
  });
}

/** What failed in several transactions, with what that leaves behind. */
export function failedApart(
  error: HoldfastError,
  { connection }: Pick<LoadInput, 'connection'>,
  saved: string | undefined,
): HoldfastError {
  const was = saved === undefined ? '' : ` What was there before is in ${saved}.`;
  return new HoldfastError(
    error.code,
    `${error.message}; the database ${connection.label} is incomplete now, as it was not loaded in one transaction`,
    {
      hint: `Do not use it as it is. When the cause is gone, restore again, to a new database or with --replace.${was}${error.hint === undefined ? '' : ` ${error.hint}`}`,
      cause: error,
    },
  );
}

/** What a restore test says of a dump that loads in several transactions only. */
export function severalDetail({ message }: HoldfastError): string {
  return `it does not load in one transaction (${message}), and does in several: restore it with ${OPTION}, to a new database, or by hand with psql without -1`;
}
