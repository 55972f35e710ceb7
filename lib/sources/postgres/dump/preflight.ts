// What is looked at before a dump begins: what would make it fail later, or leave something out without a word.
import { HoldfastError, type Problem } from '../../../errors.ts';
import type { Connection } from '../server/connection.ts';
import { absentColumns } from './facts.ts';
import {
  absentNames,
  fullName,
  isPartial,
  notOfExtension,
  relationCondition,
  tablesBelow,
  type DumpSelection,
} from './selection.ts';
import type { DatabaseSession } from '../server/session.ts';
import { knowsRestrictKey, outdated, type Tools } from '../server/tools.ts';

/** What a manifest may name. */
const MAX_NAMES = 10_000;

export interface PreflightInput {
  readonly session: DatabaseSession;
  readonly tools: Tools;
  readonly connection: Connection;
  readonly selection: DumpSelection;
  readonly timestamps: readonly string[];
  /** Undefined for no limit. */
  readonly maxDatabaseBytes: number | undefined;
}

/** What was found of a server and a database. */
export interface Preflight {
  readonly serverVersion: string;
  readonly serverMajor: number;
  readonly databaseBytes: number;
  readonly role: string;
  /** As configured, and with each named table what is below it. */
  readonly selection: DumpSelection;
  /** What should be known and does not stop a backup. */
  readonly notes: readonly Problem[];
}

interface Server {
  readonly version: string;
  readonly number: number;
  readonly bytes: number;
  readonly role: string;
}

/** Looks at a database. `SOURCE_UNREADABLE` when a dump would fail or be less than it seems. */
export async function preflight(input: PreflightInput): Promise<Preflight> {
  const { session, tools, connection } = input;
  const server = await session.json<Server>(
    `SELECT json_build_object('version', current_setting('server_version'), 'number', current_setting('server_version_num')::int,
       'bytes', pg_database_size(current_database()), 'role', current_user)`,
  );
  const serverMajor = Math.floor(server.number / 10000);
  if (tools.major < serverMajor) {
    throw new HoldfastError(
      'SOURCE_UNREADABLE',
      `the server is PostgreSQL ${server.version}, pg_dump in ${tools.folder} is ${tools.version}: it must be ${serverMajor} or newer`,
      {
        hint: `Install the client of version ${serverMajor} (apt-get install postgresql-client-${serverMajor}), or name the folder of its programs as \`binaries\` of the source.`,
      },
    );
  }
  assertSize(server.bytes, input);
  const selection = await wholeSelection(session, input.selection);
  const absent = [
    ...(await session.json<string[]>(absentNames(selection))),
    ...(await absentColumns(session, input.timestamps)).map((name) => `the column ${name}`),
  ];
  if (absent.length > 0) {
    throw new HoldfastError(
      'SOURCE_UNREADABLE',
      `the configuration names what ${connection.label} does not have: ${absent.join(', ')}`,
      { hint: 'Names are taken as they are, without patterns and quotes: schema, schema.table.' },
    );
  }
  await assertReadable(session, selection, server.role);
  return {
    serverVersion: server.version,
    serverMajor,
    databaseBytes: server.bytes,
    role: server.role,
    selection,
    notes: await notesOn({ ...input, selection }, serverMajor),
  };
}

async function wholeSelection(
  session: DatabaseSession,
  selection: DumpSelection,
): Promise<DumpSelection> {
  const { schemas, excludeSchemas } = selection;
  const excludeTables = await withThoseBelow(session, selection.excludeTables);
  // What is left out is not named: pg_dump demands that everything named is there, in the restored database too.
  const tables = await withThoseBelow(session, selection.tables, excludeTables);
  return { schemas, excludeSchemas, tables, excludeTables };
}

async function withThoseBelow(
  session: DatabaseSession,
  names: readonly string[],
  without: readonly string[] = [],
): Promise<readonly string[]> {
  if (names.length === 0) return names;
  const known = new Set([...names, ...without].map(fullName));
  const found = await session.json<string[]>(tablesBelow(names));
  const all = [...names, ...found.filter((name) => !known.has(name))];
  if (all.length <= MAX_NAMES) return all;
  throw new HoldfastError(
    'SOURCE_UNREADABLE',
    `with their partitions, ${all.length} tables are named, at most ${MAX_NAMES} are supported`,
    { hint: 'Take whole schemas with `schemas`, or leave them out with `excludeSchemas`.' },
  );
}

function assertSize(bytes: number, { maxDatabaseBytes, connection }: PreflightInput): void {
  if (maxDatabaseBytes === undefined || bytes <= maxDatabaseBytes) return;
  throw new HoldfastError(
    'SOURCE_UNREADABLE',
    `the database ${connection.label} takes ${bytes} bytes, allowed are ${maxDatabaseBytes}`,
    {
      hint: 'A dump of this size takes long to write and longer to load. Raise `maxDatabaseSize`, leave tables out with `excludeTables`, or use the snapshots and point-in-time recovery of the server beside a dump of the rest.',
    },
  );
}

/** pg_dump would fail too, but names the first table only. */
async function assertReadable(
  session: DatabaseSession,
  selection: DumpSelection,
  role: string,
): Promise<void> {
  const found = await session.json<{ denied: string[]; hidden: string[] }>(
    `WITH r AS (SELECT c.oid, c.relkind, n.oid AS schema, n.nspname || '.' || c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE c.relkind IN ('r','p','S') AND ${relationCondition(selection)})
     SELECT json_build_object(
       'denied', (SELECT coalesce(json_agg(name ORDER BY name), '[]') FROM r WHERE NOT has_schema_privilege(schema, 'USAGE') OR NOT has_table_privilege(oid, 'SELECT')),
       'hidden', (SELECT coalesce(json_agg(name ORDER BY name), '[]') FROM r WHERE relkind <> 'S' AND row_security_active(oid)))`,
  );
  const some = (names: readonly string[]) =>
    names.slice(0, 5).join(', ') + (names.length > 5 ? ` and ${names.length - 5} more` : '');
  if (found.denied.length > 0) {
    throw new HoldfastError(
      'SOURCE_UNREADABLE',
      `the role ${role} may not read ${some(found.denied)}: permission denied`,
      {
        hint: 'GRANT pg_read_all_data TO it (PostgreSQL 14 or newer), back up as the owner, or leave these out with `excludeTables`.',
      },
    );
  }
  if (found.hidden.length > 0) {
    throw new HoldfastError(
      'SOURCE_UNREADABLE',
      `the role ${role} sees only some rows of ${some(found.hidden)}: row security applies to it`,
      {
        hint: 'Back up as the owner of the tables, or as a role with BYPASSRLS. Rows are never left out without a word.',
      },
    );
  }
}

/** What the database was made with, and what the server has now; without a version where the collation has none. */
const COLLATION = `SELECT json_build_object('recorded', coalesce(datcollversion, ''), 'actual', coalesce(pg_database_collation_actual_version(oid), datcollversion, ''))
  FROM pg_database WHERE datname = current_database()`;
/** Older servers do not know of versions of a database's collation. */
const COLLATION_MAJOR = 15;

async function notesOn(
  { session, tools, selection }: PreflightInput,
  serverMajor: number,
): Promise<Problem[]> {
  const notes: Problem[] = [];
  const note = (code: string, detail: string) =>
    void notes.push({ path: '', code, detail, tolerated: true });
  const old = outdated(tools);
  if (old !== undefined) note('outdated', old);
  if (!knowsRestrictKey(tools)) {
    note('no-restrict-key', `pg_dump ${tools.version} does not guard its output with \\restrict`);
  }
  const { recorded = '', actual = '' } =
    serverMajor < COLLATION_MAJOR
      ? {}
      : await session.json<{ recorded?: string; actual?: string }>(COLLATION);
  if (recorded !== actual) {
    const detail = `the server sorts text by version ${actual} of the collation, the database was made with ${recorded}: its indexes of text may be in disorder`;
    note('collation', detail);
  }
  const leftOut = isPartial(selection) ? await ofNoSchema(session) : [];
  if (leftOut.length > 0) {
    note(
      'left-out',
      `not in this backup, which holds only some schemas or tables: ${leftOut.join(', ')}`,
    );
  }
  for (const detail of isPartial(selection) ? [] : await notKept(session)) note('not-kept', detail);
  const foreign = await session.json<number>(
    `SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'f' AND ${relationCondition(selection)}`,
  );
  if (foreign > 0) {
    note('left-out', `the rows of ${foreign} foreign tables stay where they are: on other servers`);
  }
  return notes;
}

/** What a database itself has and no backup of it keeps. */
async function notKept(session: DatabaseSession): Promise<string[]> {
  const { tablespace, labels } = await session.json<{ tablespace: string; labels: number }>(
    `SELECT json_build_object('tablespace', (SELECT spcname FROM pg_tablespace WHERE oid = d.dattablespace),
       'labels', (SELECT count(*) FROM pg_shseclabel WHERE objoid = d.oid AND classoid = 'pg_database'::regclass))
     FROM pg_database d WHERE datname = current_database()`,
  );
  return [
    ...(tablespace === 'pg_default'
      ? []
      : [
          `the database is in the tablespace ${tablespace}, and a restored one is where it was created`,
        ]),
    ...(labels === 0 ? [] : [`${labels} security labels of the database itself`]),
  ];
}

/** What pg_dump passes over when it is given schemas or tables, as `2 large objects`. */
async function ofNoSchema(session: DatabaseSession): Promise<string[]> {
  // Every new database has plpgsql.
  const found = await session.json<Record<string, number>>(
    `SELECT json_build_object('extension', (SELECT count(*) FROM pg_extension WHERE extname <> 'plpgsql'),
       'large object', (SELECT count(*) FROM pg_largeobject_metadata), 'publication', (SELECT count(*) FROM pg_publication),
       'event trigger', (SELECT count(*) FROM pg_event_trigger x WHERE ${notOfExtension('pg_event_trigger', 'x.oid')}))`,
  );
  return Object.entries(found)
    .filter(([, count]) => count > 0)
    .map(([what, count]) => `${count} ${what}${count === 1 ? '' : 's'}`);
}
