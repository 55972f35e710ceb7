// Looks at a database as a backup would, without dumping it: for the doctor.
import { HoldfastError, type Problem } from '../../errors.ts';
import { connectionTo } from './server/connect.ts';
import { readExtensions } from './dump/facts.ts';
import { openKept } from './server/pooler.ts';
import { preflight } from './dump/preflight.ts';
import { knownExtensions } from './server/extensions.ts';
import type { PostgresOptions } from './dump/read.ts';
import { findServer, findTools, type Machine } from './server/tools.ts';

export interface ExaminedDatabase {
  readonly label: string;
  readonly serverVersion: string;
  readonly databaseBytes: number;
  readonly role: string;
  /** The version of pg_dump. */
  readonly client: string;
  readonly notes: readonly Problem[];
  /** Why a restore test on this machine would prove nothing. */
  readonly unprovable: readonly string[];
}

/** Looks at a database. Fails as a backup of it would before its dump begins. */
export async function examinePostgres(
  options: PostgresOptions,
  machine: Machine,
): Promise<ExaminedDatabase> {
  const tools = await findTools(machine, options.binaries);
  const connection = await connectionTo(options, machine);
  const place = { machine, tools, connection };
  const kept = { ...place, signal: undefined, failure: 'SOURCE_UNREADABLE' } as const;
  await using session = await openKept(kept, options.urlFrom);
  await session.ask('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
  const found = await preflight({
    ...place,
    session,
    selection: options,
    timestamps: options.timestamps,
    maxDatabaseBytes: options.maxDatabaseBytes,
  });
  const extensions = Object.keys(await readExtensions(session));
  const needed = Math.max(found.serverMajor, tools.major);
  const own = { ...machine, binaries: options.binaries };
  const unprovable = await whyUnprovable(own, needed, extensions);
  const { serverVersion, databaseBytes, role, notes } = found;
  const { label } = connection;
  return {
    ...{ label, serverVersion, databaseBytes, role, notes, unprovable },
    client: tools.version,
  };
}

async function whyUnprovable(
  machine: Machine,
  major: number,
  extensions: readonly string[],
): Promise<string[]> {
  try {
    const server = await findServer(machine, major);
    const present = await knownExtensions(machine, server);
    return extensions
      .filter((name) => !present.has(name))
      .map((name) => `PostgreSQL ${server.version} on this machine lacks the extension ${name}`);
  } catch (error) {
    if (error instanceof HoldfastError) return [error.message];
    throw error;
  }
}
