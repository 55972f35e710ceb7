// What keeps a restore from replacing something: sessions that hold it, and objects that depend on it. Both are named before anything is
// saved or changed, as a server that waits for a lock says nothing.
import { HoldfastError } from '../../../errors.ts';
import type { Relation } from '../dump/definitions.ts';
import { identifier, literal, type DatabaseSession } from '../server/session.ts';

interface Holder {
  readonly pid: number;
  readonly who: string;
}

/** How often it is looked whether the same transactions still hold something, a second apart. */
const LOOKS = 5;

/** `TARGET_REFUSED` when another session holds what is to be replaced, and still does some seconds later. */
export async function assertNobodyHolds(
  session: DatabaseSession,
  label: string,
  tables: readonly Relation[],
): Promise<void> {
  let holders = await holdersOf(session, tables);
  const first = new Set(holders.map(({ who }) => who));
  for (let look = 1; look < LOOKS && holders.length > 0; look++) {
    await session.ask('SELECT pg_sleep(1)');
    holders = (await holdersOf(session, tables)).filter(({ who }) => first.has(who));
  }
  if (holders.length === 0) return;
  const pids = holders.map(({ pid }) => pid);
  throw new HoldfastError(
    'TARGET_REFUSED',
    `other sessions hold what is to be replaced in ${label}: ${holders.map(({ who }) => who).join('; ')}`,
    {
      hint: `Stop the application, or end them: SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid IN (${pids.join(', ')}).`,
    },
  );
}

function holdersOf(session: DatabaseSession, tables: readonly Relation[]): Promise<Holder[]> {
  const only =
    tables.length === 0
      ? "n.nspname !~ '^pg_'"
      : `(n.nspname, coalesce(t.relname, c.relname)) IN (${pairs(tables)})`;
  return session.json(
    `SELECT coalesce(json_agg(json_build_object('pid', pid, 'who', who) ORDER BY pid), '[]') FROM (
       SELECT l.pid, format('process %s of %s%s, %s since %s, on %s', l.pid, coalesce(a.usename, 'the server'), coalesce(' at ' || host(a.client_addr), ''),
         coalesce(a.state, 'busy'), coalesce(to_char(a.xact_start, 'HH24:MI:SS'), 'a time that is not shown'), min(n.nspname || '.' || c.relname)) AS who
       FROM pg_locks l JOIN pg_class c ON c.oid = l.relation LEFT JOIN pg_index i ON i.indexrelid = c.oid LEFT JOIN pg_class t ON t.oid = i.indrelid
         JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_stat_activity a ON a.pid = l.pid
       WHERE l.locktype = 'relation' AND l.granted AND l.pid <> pg_backend_pid() AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
         AND coalesce(a.backend_type, 'client backend') = 'client backend' AND ${only}
       GROUP BY l.pid, a.usename, a.client_addr, a.state, a.xact_start) x`,
  );
}

function pairs(tables: readonly Relation[]): string {
  return tables.map(({ schema, name }) => `(${literal(schema)},${literal(name)})`).join(',');
}

/** `TARGET_REFUSED` for tables that are there already, and that nobody has asked to replace. */
export function refuseTables(tables: readonly string[], label: string): never {
  const [which, exist, these] =
    tables.length === 1
      ? ['table', 'exists', 'this table alone is']
      : ['tables', 'exist', 'these tables alone are'];
  throw new HoldfastError(
    'TARGET_REFUSED',
    `the ${which} ${tables.join(', ')} ${exist} in ${label}`,
    {
      hint: `With --replace, the database is backed up first; then ${these} replaced.`,
    },
  );
}

/** SQL that drops tables which are there, all at once, so that what one has of another is in nobody's way. */
export function dropTables(tables: readonly Relation[]): string {
  return `DROP TABLE IF EXISTS ${tables.map(qualified).join(', ')}`;
}

export function qualified({ schema, name }: Relation): string {
  return `${identifier(schema)}.${identifier(name)}`;
}

/** `TARGET_REFUSED` when something else depends on tables that are to be replaced: the server is asked, in a transaction that changes nothing. */
export async function assertNothingDepends(
  session: DatabaseSession,
  label: string,
  tables: readonly Relation[],
): Promise<void> {
  await session.ask(
    `BEGIN; SET LOCAL lock_timeout = '10s'; SELECT set_config('holdfast.dependents', '', true) \\g /dev/null
DO $holdfast$
DECLARE detail text;
BEGIN
  EXECUTE ${literal(dropTables(tables))};
EXCEPTION WHEN dependent_objects_still_exist THEN
  GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
  PERFORM set_config('holdfast.dependents', detail, true);
END $holdfast$`,
  );
  const found = await session.ask("SELECT current_setting('holdfast.dependents')");
  await session.ask('ROLLBACK');
  if (found === '') return;
  const lines = found.split('\n').filter((line) => line !== '');
  throw new HoldfastError(
    'TARGET_REFUSED',
    `the tables cannot be replaced in ${label}, as other objects depend on them: ${lines.join('; ')}`,
    {
      hint: 'Nothing was changed. Restore to a new database and take over the rows: docs/runbook.md, "A table that others refer to", has the commands. Or name the tables that depend on it with --table, too.',
    },
  );
}
