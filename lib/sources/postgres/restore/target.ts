// The database that a restore goes to: what it holds already, what of that stays, and what its server lacks.
import { keyOf } from './table-objects.ts';
import type { Relation } from '../dump/definitions.ts';
import { HOLDS_EXTENSION, notOfExtension } from './make-room.ts';
import type { Kept } from './plan.ts';
import { identifier, literal, unquoted, type DatabaseSession } from '../server/session.ts';

/** What a database holds that is neither the system's nor an extension's. */
export interface Occupancy {
  readonly serverMajor: number;
  readonly role: string;
  /** Why the server takes no writes; null when it does. */
  readonly closed: string | null;
  /** Some of it, for people. */
  readonly objects: readonly string[];
  readonly count: number;
}

const OWN = (catalog: string, oid: string) =>
  `n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND ${notOfExtension(catalog, oid)}`;

/** What is in no table's place: catalogs, and what people call their objects. */
const OTHERS = [
  ...['pg_publication', 'pg_cast', 'pg_foreign_server', 'pg_foreign_data_wrapper'],
  ...[
    'pg_collation',
    'pg_conversion',
    'pg_operator',
    'pg_opclass',
    'pg_opfamily',
    'pg_ts_config',
    'pg_ts_dict',
  ],
  ...['pg_language', 'pg_statistic_ext', 'pg_transform', 'pg_am'],
]
  .map(
    (catalog) =>
      `UNION ALL SELECT 'the ' || i.type || ' ' || i.identity FROM ${catalog} x, pg_identify_object('${catalog}'::regclass, x.oid, 0) i WHERE x.oid >= 16384 AND ${notOfExtension(catalog, 'x.oid')}`,
  )
  .join('\n       ');

/** Looks at what a restore would meet. */
export async function readOccupancy(session: DatabaseSession): Promise<Occupancy> {
  return session.json<Occupancy>(
    `WITH found AS (
       SELECT 'the table or sequence ' || n.nspname || '.' || c.relname AS what FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r','p','v','m','S','f') AND ${OWN('pg_class', 'c.oid')}
       UNION ALL SELECT 'the function ' || n.nspname || '.' || p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE ${OWN('pg_proc', 'p.oid')}
       UNION ALL SELECT 'the type ' || n.nspname || '.' || t.typname FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE t.typtype IN ('e','d','r') AND ${OWN('pg_type', 't.oid')}
       UNION ALL SELECT 'the schema ' || n.nspname FROM pg_namespace n WHERE n.nspname <> 'public' AND ${OWN('pg_namespace', 'n.oid')} AND NOT ${HOLDS_EXTENSION}
       ${OTHERS}
       UNION ALL SELECT 'the large object ' || oid FROM pg_largeobject_metadata)
     SELECT json_build_object('serverMajor', current_setting('server_version_num')::int / 10000, 'role', current_user,
       'closed', CASE WHEN pg_is_in_recovery() THEN 'its server is a standby' WHEN current_setting('transaction_read_only') = 'on' THEN 'default_transaction_read_only is on' END,
       'count', (SELECT count(*) FROM found), 'objects', (SELECT coalesce(json_agg(what), '[]') FROM (SELECT what FROM found ORDER BY what LIMIT 3) first))`,
  );
}

/** Roles that a dump names and a server does not have. */
export async function missingRoles(
  session: DatabaseSession,
  roles: readonly string[],
): Promise<readonly string[]> {
  return session.json(
    `SELECT coalesce(json_agg(name), '[]') FROM unnest(ARRAY[${roles.map(literal).join(',')}]::text[]) name
     WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name)`,
  );
}

/** Roles that own and are granted, and that nobody can log in as until somebody says so. */
export function createRoles(roles: readonly string[]): string {
  return roles.map((name) => `CREATE ROLE ${identifier(name)} NOLOGIN;\n`).join('');
}

/** What a database has that a restore leaves as it is; of tables, whether these are there. */
export async function readKept(
  session: DatabaseSession,
  tables: readonly Relation[],
): Promise<Kept> {
  const wanted = tables.map(({ schema, name }) => `(${literal(schema)},${literal(name)})`);
  const among = wanted.length === 0 ? 'false' : `(n.nspname, c.relname) IN (${wanted.join(',')})`;
  const found = await session.json<{
    extensions: string[];
    schemas: string[];
    publications: string[];
    tables: Relation[];
  }>(
    `SELECT json_build_object('extensions', (SELECT coalesce(json_agg(extname), '[]') FROM pg_extension),
       'schemas', (SELECT coalesce(json_agg(n.nspname), '[]') FROM pg_namespace n WHERE n.nspname <> 'public' AND ${HOLDS_EXTENSION}),
       'publications', (SELECT coalesce(json_agg(pubname), '[]') FROM pg_publication),
       'tables', (SELECT coalesce(json_agg(json_build_object('schema', n.nspname, 'name', c.relname)), '[]') FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ${among}))`,
  );
  return {
    extensions: new Set(found.extensions),
    schemas: new Set(found.schemas),
    publications: new Set(found.publications),
    tables: new Set(found.tables.map(keyOf)),
  };
}

/** The tablespaces, as SQL writes them, that the server of a session lacks or in which its role may make nothing. */
export async function missingTablespaces(
  session: DatabaseSession,
  tablespaces: readonly string[],
): Promise<string[]> {
  if (tablespaces.length === 0) return [];
  return session.json(
    `SELECT coalesce(json_agg(CASE WHEN t.oid IS NULL THEN 'the tablespace ' ELSE 'the right to use the tablespace ' END || name), '[]')
     FROM unnest(ARRAY[${tablespaces.map((one) => literal(unquoted(one))).join(',')}]::text[]) name LEFT JOIN pg_tablespace t ON t.spcname = name
     WHERE t.oid IS NULL OR NOT has_tablespace_privilege(t.oid, 'CREATE') AND t.oid <> (SELECT dattablespace FROM pg_database WHERE datname = current_database())`,
  );
}
