// What a restore needs of the server that it goes to: looked for before anything is saved or changed, and named when it is missing.
import { HoldfastError, type Problem } from '../../../errors.ts';
import type { DatabaseFacts } from '../../../format/manifest.ts';
import type { OpenBackup } from '../../source.ts';
import { factsOf } from '../proof/compare-facts.ts';
import { isDirectory } from '../dump/objects.ts';
import { readSettings } from '../dump/facts.ts';
import { createDatabase, localeOf } from '../server/locale.ts';
import type { Definition, Relation } from '../dump/definitions.ts';
import { literal, type DatabaseSession } from '../server/session.ts';
import { isOfSurroundings } from '../dump/surroundings.ts';
import { missingRoles, missingTablespaces } from './target.ts';
import { lacking, refuseFor } from './target-trial.ts';
import { findTools, knowsRestrictKey, type Machine, type Tools } from '../server/tools.ts';

export interface Requirements {
  readonly session: DatabaseSession;
  /** The name of the target, for messages. */
  readonly label: string;
  readonly owners: boolean;
}

/** The roles that the server lacks; `TARGET_REFUSED` unless they may be made. */
export async function rolesToMake(
  { session, label }: Requirements,
  needed: readonly string[],
  mayMake: boolean,
): Promise<readonly string[]> {
  const missing = await missingRoles(session, needed);
  if (missing.length === 0) return missing;
  const can =
    mayMake &&
    (await session.json<boolean>(
      'SELECT to_json(rolsuper OR rolcreaterole) FROM pg_roles WHERE rolname = current_user',
    ));
  if (can) return missing;
  throw new HoldfastError(
    'TARGET_REFUSED',
    `the server of ${label} lacks roles that the dump names: ${missing.join(', ')}${mayMake ? '; and the role that restores may not make them' : ''}`,
    {
      hint: `Create them first, from globals.sql${mayMake ? ' as a superuser' : ', or pass --create-roles to have them made without a password and without the right to log in'}. With --no-owner those are not needed that only own something: all belongs to the role that restores. With --no-privileges those are not needed that only were granted something.`,
    },
  );
}

/** `TARGET_REFUSED` when the server or the database lacks what definitions need, or a table that a wanted one inherits from. */
export async function assertHas(
  { session, label }: Requirements,
  {
    definitions,
    tablespaces,
    trial,
  }: {
    readonly definitions: readonly Definition[];
    /** As SQL writes them. */
    readonly tablespaces: readonly string[];
    /** A session that does nothing else. */
    readonly trial: DatabaseSession;
  },
  inherited: readonly Relation[],
): Promise<void> {
  const missing = await missingTablespaces(session, tablespaces);
  refuseFor(label, [
    ...missing.map((what) => ({ what, why: '', remedy: TABLESPACE })),
    ...inherited.map(({ schema, name }) => ({
      what: `the table ${schema}.${name}, from which one inherits`,
      why: '',
      remedy: 'name the tables from which others inherit with --table, too',
    })),
    ...(await lacking(
      trial,
      definitions.flatMap(({ needs }) => needs),
    )),
  ]);
}

const TABLESPACE = 'CREATE TABLESPACE, or GRANT CREATE ON TABLESPACE to the role that restores';

/** `TARGET_REFUSED` when the role of a session may not make what is to be made, or not give it to its owners. */
export async function assertMay(
  { session, label, owners }: Requirements,
  definitions: readonly Definition[],
): Promise<void> {
  const objects = definitions.map(({ object }) => object);
  const own = [...new Set(owners ? objects.map(({ owner }) => owner) : [])].filter(Boolean);
  const found = await session.json<Rights>(
    `SELECT json_build_object('role', current_user, 'superuser', rolsuper, 'database', has_database_privilege(current_database(), 'CREATE'),
       'public', coalesce((SELECT has_schema_privilege(oid, 'CREATE') FROM pg_namespace WHERE nspname = 'public'), true),
       'others', (SELECT coalesce(json_agg(o.rolname ORDER BY o.rolname), '[]') FROM pg_roles o WHERE o.rolname = ANY (ARRAY[${own.map(literal).join(',')}]::text[])
         AND NOT CASE WHEN current_setting('server_version_num')::int >= 160000 THEN pg_has_role(o.oid, 'SET') ELSE pg_has_role(o.oid, 'MEMBER') END))
     FROM pg_roles WHERE rolname = current_user`,
  );
  if (found.superuser) return;
  const { role } = found;
  if (!found.database && objects.some(({ type }) => type === 'SCHEMA' || type === 'PUBLICATION')) {
    throw new HoldfastError('TARGET_REFUSED', `${role} may not make schemas in ${label}`, {
      hint: `Nothing was changed. Restore as the owner of the database, or GRANT CREATE ON DATABASE to ${role}.`,
    });
  }
  if (!found.public && objects.some(({ schema, type }) => schema === 'public' && MADE.test(type))) {
    throw new HoldfastError(
      'TARGET_REFUSED',
      `${role} may not make anything in the schema public of ${label}`,
      {
        hint: `Nothing was changed. Restore as the owner of the database, or GRANT CREATE ON SCHEMA public to ${role}.`,
      },
    );
  }
  if (found.others.length === 0) return;
  throw new HoldfastError(
    'TARGET_REFUSED',
    `${role} may not give anything to ${found.others.join(', ')}, to whom it belonged, in ${label}`,
    {
      hint: `Nothing was changed. Restore as a superuser, GRANT these roles to ${role}, or pass --no-owner: what is restored belongs to ${role} then.`,
    },
  );
}

interface Rights {
  readonly role: string;
  readonly superuser: boolean;
  readonly database: boolean;
  readonly public: boolean;
  readonly others: readonly string[];
}

const MADE =
  /^(?:TABLE|VIEW|MATERIALIZED VIEW|FOREIGN TABLE|SEQUENCE|FUNCTION|PROCEDURE|AGGREGATE|TYPE|DOMAIN)$/;

/** The programs that load a backup. `COMMAND_FAILED` when those of the machine cannot. */
export async function toolsFor(machine: Machine, backup: OpenBackup): Promise<Tools> {
  const tools = await findTools(machine);
  if (factsOf(backup).restrictKey !== undefined && !knowsRestrictKey(tools)) {
    throw new HoldfastError(
      'COMMAND_FAILED',
      `psql ${tools.version} in ${tools.folder} does not know \\restrict, with which this dump begins`,
      { hint: 'Update PostgreSQL’s client; the first line must not be removed from the dump.' },
    );
  }
  // The directory is of the version that wrote it, or newer ones read it.
  const { clientVersion } = factsOf(backup);
  if (isDirectory(backup.manifest) && tools.major < Number.parseInt(clientVersion, 10)) {
    throw new HoldfastError(
      'COMMAND_FAILED',
      `the dump was made by pg_dump ${clientVersion}, pg_restore in ${tools.folder} is ${tools.version}: it must not be older`,
      {
        hint: 'Install the client of that version or a newer one: apt-get install postgresql-client.',
      },
    );
  }
  return tools;
}

/** What is other there than it was, and stays so: a restore makes neither database nor server. */
export async function otherThere(
  session: DatabaseSession,
  { settings, serverVersion }: DatabaseFacts,
  { database, serverMajor }: { readonly database: string; readonly serverMajor: number },
): Promise<Problem[]> {
  const notes = settingsNotes(settings, await readSettings(session));
  if (notes.some(({ path }) => FROM_CREATION.includes(path))) {
    const sql = createDatabase(database, localeOf(settings), serverMajor);
    const detail = `a database has these from when it is created: to have them as they were, restore to one made by ${sql}`;
    notes.push({ path: '', code: OTHER_SETTING, detail });
  }
  const sourceMajor = Number.parseInt(serverVersion, 10);
  if (serverMajor >= sourceMajor) return notes;
  const detail = `the backup is of PostgreSQL ${sourceMajor}, the target is ${serverMajor}`;
  return [...notes, { path: '', code: 'older-server', detail }];
}

/** An error; with SQL that makes a database like the one that was backed up, where it says that there is none. */
export function orHowToCreate(
  error: unknown,
  { settings, serverVersion }: DatabaseFacts,
  database: string,
): unknown {
  const none =
    error instanceof HoldfastError && /database ".*" does not exist/s.test(error.message);
  if (!none) return error;
  const sql = createDatabase(database, localeOf(settings), Number.parseInt(serverVersion, 10));
  const hint = `Make it first, like the one that was backed up: ${sql}`;
  return new HoldfastError('TARGET_REFUSED', error.message, { hint, cause: error });
}

const OTHER_SETTING = 'other-setting';
/** What nobody can change of a database. */
const FROM_CREATION: readonly string[] = [
  ...['encoding', 'collate', 'ctype', 'provider', 'locale', 'icuRules'].map(
    (name) => `setting ${name}`,
  ),
];

function settingsNotes(
  expected: Readonly<Record<string, string>>,
  found: Readonly<Record<string, string>>,
): Problem[] {
  return Object.entries(expected)
    .filter(([name, value]) => name !== 'collationVersion' && found[name] !== value)
    .filter(([name]) => !isOfSurroundings(name))
    .map(([name, value]) => ({
      path: `setting ${name}`,
      code: OTHER_SETTING,
      detail: `the database that was backed up has ${value || 'none'}, the target ${found[name] || 'none'}`,
    }));
}
