// A look inside a database of a server that somebody else has restored: every table is read, and the configured questions are asked.
import { HoldfastError, type Problem } from '../../../errors.ts';
import type { Facts } from '../../../format/record.ts';
import { countObjects, countRows, readExtensions } from '../dump/facts.ts';
import { EVERYTHING } from '../dump/selection.ts';
import { readConnection } from '../server/connect.ts';
import { ToolEnd } from '../server/process.ts';
import { DatabaseSession } from '../server/session.ts';
import { findTools, type Machine } from '../server/tools.ts';
import { runChecks, type CheckResult } from './checks.ts';

/** A server, and who signs in. */
export interface ServerAccess {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
}

export interface DatabaseLook {
  readonly damage: readonly Problem[];
  /** Why nothing certain can be said. */
  readonly doubt: readonly Problem[];
  readonly facts: Facts;
}

interface Place {
  readonly machine: Machine;
  readonly signal: AbortSignal | undefined;
}

/** Whether one can sign in. Rejects with `SOURCE_UNAVAILABLE` where not. */
export async function signIn(access: ServerAccess, place: Place): Promise<void> {
  await using session = new DatabaseSession(
    await sessionInput(access, place, 'SOURCE_UNAVAILABLE'),
  );
  await session.ask('SELECT 1');
  await session.close();
}

/**
 * Reads every table from its beginning to its end, and asks each of `checks`. What the server refuses to show to this user, and what
 * ends a connection, is doubt; an error of the server in the middle of its own tables, and a check that does not pass, are damage.
 */
export async function lookAtDatabase(
  access: ServerAccess,
  checks: readonly string[],
  place: Place,
): Promise<DatabaseLook> {
  const input = await sessionInput(access, place, 'RESTORE_DIFFERS');
  const read = await readAll(input);
  if ('failure' in read) return { ...judged('', read.failure), facts: {} };
  const results = await runChecks(checks, input);
  const bad = results.filter(({ passed }) => !passed).map(judgedCheck);
  return {
    damage: bad.flatMap(({ damage }) => damage),
    doubt: bad.flatMap(({ doubt }) => doubt),
    facts: {
      ...read.facts,
      checks: results.map(({ check, passed }) => ({ check, passed })),
    },
  };
}

async function sessionInput(
  { host, port, user, password, database }: ServerAccess,
  { machine, signal }: Place,
  failure: 'RESTORE_DIFFERS' | 'SOURCE_UNAVAILABLE',
) {
  // In the form of a secret of RDS, so that its certificate is demanded as for every other of its servers.
  const secret = { username: user, password, host, port, dbname: database };
  const connection = readConnection(JSON.stringify(secret), `the restored ${host}`, machine);
  return { machine, tools: await findTools(machine), connection, signal, failure } as const;
}

/** An index says how many rows there are without a look at them. */
const READ_TABLES =
  "SET default_transaction_read_only = on; SELECT pg_catalog.set_config(name, 'off', false) FROM pg_catalog.pg_settings WHERE name IN ('enable_indexscan', 'enable_indexonlyscan', 'enable_bitmapscan')";

async function readAll(
  input: Awaited<ReturnType<typeof sessionInput>>,
): Promise<{ readonly facts: Facts } | { readonly failure: HoldfastError }> {
  try {
    await using session = new DatabaseSession(input);
    await session.ask(READ_TABLES);
    const rows = await countRows(session, EVERYTHING);
    const counts = await countObjects(session, EVERYTHING);
    const extensions = await readExtensions(session);
    await session.close();
    const all = Object.values(rows).reduce((sum, one) => sum + one, 0);
    return { facts: { tables: Object.keys(rows).length, rows: all, counts, extensions } };
  } catch (error) {
    if (error instanceof HoldfastError && error.code === 'RESTORE_DIFFERS')
      return { failure: error };
    throw error;
  }
}

type Judged = Pick<DatabaseLook, 'damage' | 'doubt'>;

function judgedCheck({ check, detail, failure }: CheckResult): Judged {
  if (failure !== undefined) return judged(check, failure);
  return { damage: [{ path: check, code: 'check', detail }], doubt: [] };
}

function judged(path: string, error: HoldfastError): Judged {
  const problem = { path, code: path === '' ? 'unread' : 'check', detail: error.message };
  return isOfContent(error) ? { damage: [problem], doubt: [] } : { damage: [], doubt: [problem] };
}

/** What the server says of this user, of its room or of its own end is no fault of what was restored. */
const NOT_OF_CONTENT =
  /permission denied|must be (?:owner|superuser)|canceling statement|terminating connection|the database system is|No space left|out of (?:shared )?memory|too many connections/i;

/** SQL that fails: psql has a code of its own for that, and others for all else. */
function isOfContent({ cause, message }: HoldfastError): boolean {
  return cause instanceof ToolEnd && cause.code === 3 && !NOT_OF_CONTENT.test(message);
}
