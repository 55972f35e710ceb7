// What a database holds, asked in one transaction: what a restored one must hold too.
import type { DatabaseFacts } from '../../../format/manifest.ts';
import { identifier, literal, type DatabaseSession } from '../server/session.ts';
import {
  choosesTables,
  EVERYTHING,
  isPartial,
  notOfExtension,
  relationCondition,
  schemaCondition,
  type DumpSelection,
} from './selection.ts';

/** What is asked at once. */
const BATCH = 50;

interface Relation {
  readonly name: string;
  readonly schema: string;
  readonly relation: string;
}

/** pg_dump puts a name on one line. */
const NAME = `translate(n.nspname || '.' || c.relname, E'\\n\\r', '  ')`;

/** Nobody can read what a standby has of an unlogged table. */
const READABLE = "NOT (c.relpersistence = 'u' AND pg_is_in_recovery())";

/**
 * Rows of each table, by name. Tables of one name, but for their newlines, count together. In a transaction, no table and no index
 * stays locked: of databases with thousands of them, a server has not enough locks, and pg_dump beside needs its own.
 */
export async function countRows(
  session: DatabaseSession,
  selection: DumpSelection,
  { inTransaction = false } = {},
): Promise<Record<string, number>> {
  const tables = await relations(session, selection, `c.relkind = 'r' AND ${READABLE}`);
  const rows = new Map<string, number>();
  for (let i = 0; i < tables.length; i += BATCH) {
    const batch = tables.slice(i, i + BATCH);
    const counts = batch.map(
      ({ schema, relation }) =>
        `(SELECT count(*) FROM ONLY ${identifier(schema)}.${identifier(relation)})`,
    );
    if (inTransaction) await session.ask('SAVEPOINT counting');
    const found = await session.json<number[]>(`SELECT json_build_array(${counts.join(', ')})`);
    // Rolling back to a savepoint releases the locks that were taken since.
    if (inTransaction)
      await session.ask('ROLLBACK TO SAVEPOINT counting; RELEASE SAVEPOINT counting');
    batch.forEach(({ name }, at) => rows.set(name, (rows.get(name) ?? 0) + (found[at] ?? 0)));
  }
  return Object.fromEntries(rows);
}

/** What the rows of all tables take on the disk of the server, and its large objects: about what a dump takes that is not compressed. */
export async function tableBytes(
  session: DatabaseSession,
  selection: DumpSelection,
): Promise<number> {
  const large = isPartial(selection) ? '0' : "pg_table_size('pg_catalog.pg_largeobject')";
  return session.json<number>(
    `SELECT coalesce(sum(pg_table_size(c.oid)), 0) + ${large} FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r' AND ${relationCondition(selection)}`,
  );
}

/** Where each sequence stands: its last value, and whether it was used. Where tables are chosen, of those in `recorded`. */
export async function readSequences(
  session: DatabaseSession,
  selection: DumpSelection,
  recorded: readonly string[],
): Promise<DatabaseFacts['sequences']> {
  const sequences = choosesTables(selection)
    ? await relations(session, EVERYTHING, `c.relkind = 'S' AND ${isNamed(recorded)}`)
    : await ownAndNamed(session, selection, recorded);
  const values: [string, { last: string; used: boolean }][] = [];
  for (let i = 0; i < sequences.length; i += BATCH) {
    const batch = sequences.slice(i, i + BATCH);
    const states = batch.map(
      ({ schema, relation }) =>
        `(SELECT json_build_object('last', last_value::text, 'used', is_called) FROM ${identifier(schema)}.${identifier(relation)})`,
    );
    const found = await session.json<{ last: string; used: boolean }[]>(
      `SELECT json_build_array(${states.join(', ')})`,
    );
    found.forEach((state, at) => values.push([batch[at]?.name ?? '', state]));
  }
  return Object.fromEntries(values);
}

/** Those of extensions are dumped where the extension says so: then they were recorded. */
async function ownAndNamed(
  session: DatabaseSession,
  selection: DumpSelection,
  recorded: readonly string[],
): Promise<readonly Relation[]> {
  const own = await relations(session, selection, "c.relkind = 'S'");
  const known = new Set(own.map(({ name }) => name));
  const others = recorded.filter((name) => !known.has(name));
  if (others.length === 0) return own;
  const named = `c.relkind = 'S' AND NOT (${relationCondition(selection)}) AND ${isNamed(others)}`;
  return [...own, ...(await session.json<Relation[]>(relationsSql(named)))];
}

function isNamed(names: readonly string[]): string {
  return names.length === 0 ? 'false' : `${NAME} IN (${names.map(literal).join(',')})`;
}

async function relations(
  session: DatabaseSession,
  selection: DumpSelection,
  kind: string,
): Promise<readonly Relation[]> {
  return session.json<Relation[]>(relationsSql(`${kind} AND ${relationCondition(selection)}`));
}

function relationsSql(condition: string): string {
  return `SELECT coalesce(json_agg(json_build_object('name', ${NAME}, 'schema', n.nspname, 'relation', c.relname) ORDER BY n.nspname, c.relname), '[]')
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ${condition}`;
}

/**
 * The newest value of each column, in UTC as ISO 8601 has it, with six digits and a sign for years that four do not hold: year 0 is 1 BC.
 * `infinity` and `-infinity` are themselves, and null means that there is no value.
 */
export async function readNewest(
  session: DatabaseSession,
  columns: readonly string[],
): Promise<DatabaseFacts['newest']> {
  if (columns.length === 0) return {};
  const newest = columns.map((column) => {
    const [schema, table, name] = columnParts(column);
    return `(SELECT CASE WHEN isfinite(v) THEN ${ISO_YEAR} || to_char(v, '-MM-DD"T"HH24:MI:SS.MS"Z"') ELSE v::text END
      FROM (SELECT max(${identifier(name)})::timestamptz AT TIME ZONE 'UTC' AS v FROM ${identifier(schema)}.${identifier(table)}) newest)`;
  });
  await session.ask("SET TIME ZONE 'UTC'");
  const found = await session.json<(string | null)[]>(
    `SELECT json_build_array(${newest.join(', ')})`,
  );
  return Object.fromEntries(columns.map((column, at) => [column, found[at] ?? null]));
}

/** The server counts no year 0. */
const YEAR = '(extract(year FROM v) + CASE WHEN extract(year FROM v) < 0 THEN 1 ELSE 0 END)::int';
const ISO_YEAR = `CASE WHEN ${YEAR} BETWEEN 0 AND 9999 THEN lpad((${YEAR})::text, 4, '0')
  ELSE CASE WHEN ${YEAR} < 0 THEN '-' ELSE '+' END || lpad(abs(${YEAR})::text, 6, '0') END`;

/** `schema.table.column`, or `table.column` in `public`. */
export function columnParts(column: string): [string, string, string] {
  const parts = column.split('.');
  const name = parts.pop() ?? '';
  const table = parts.pop() ?? '';
  return [parts.length === 0 ? 'public' : parts.join('.'), table, name];
}

/** Columns that are asked for and are not there. */
export async function absentColumns(
  session: DatabaseSession,
  columns: readonly string[],
): Promise<readonly string[]> {
  if (columns.length === 0) return [];
  const rows = columns.map((column) => {
    const [schema, table, name] = columnParts(column);
    return `SELECT ${literal(column)} AS what WHERE NOT EXISTS (SELECT FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = ${literal(schema)} AND c.relname = ${literal(table)} AND a.attname = ${literal(name)} AND NOT a.attisdropped)`;
  });
  return session.json(`SELECT coalesce(json_agg(what), '[]') FROM (${rows.join(' UNION ALL ')}) x`);
}

/** How many there are of what no row count shows: what decides who may do what, and what keeps data right. */
export async function countObjects(
  session: DatabaseSession,
  selection: DumpSelection,
): Promise<Record<string, number>> {
  const pairs = Object.entries(countQueries(selection)).map(
    ([name, query]) => `${literal(name)}, (${query})`,
  );
  return session.json(`SELECT json_build_object(${pairs.join(', ')})`);
}

const SCHEMA_GRANTS =
  'SELECT count(*) FROM (SELECT (aclexplode(n.nspacl)).grantee AS grantee, n.nspowner AS owner FROM pg_namespace n WHERE';

/** The grants on `public`, among those on schemas that {@link countObjects} counts. */
export async function countPublicGrants(session: DatabaseSession): Promise<number> {
  return session.json(`${SCHEMA_GRANTS} n.nspname = 'public') g WHERE g.grantee <> g.owner`);
}

function countQueries(selection: DumpSelection): Record<string, string> {
  const relation = `FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ${relationCondition(selection)}`;
  const relationKind = (kinds: string) => `SELECT count(*) ${relation} AND c.relkind IN (${kinds})`;
  const onRelation = (catalog: string, column: string, more = 'true') =>
    `SELECT count(*) FROM ${catalog} x WHERE ${more} AND x.${column} IN (SELECT c.oid ${relation})`;
  const granted = choosesTables(selection) ? "'r','p','v','m','f'" : "'r','p','v','m','f','S'";
  const bound = {
    tables: relationKind("'r','p'"),
    views: relationKind("'v'"),
    materializedViews: relationKind("'m'"),
    foreignTables: relationKind("'f'"),
    // Those that were never finished are not dumped.
    indexes: `SELECT count(*) FROM pg_index x JOIN pg_class t ON t.oid = x.indrelid WHERE (x.indisvalid OR t.relkind = 'p') AND x.indisready AND x.indrelid IN (SELECT c.oid ${relation})`,
    ...(!choosesTables(selection) && { sequences: relationKind("'S'") }),
    columns: `SELECT count(*) FROM pg_attribute x WHERE x.attnum > 0 AND NOT x.attisdropped AND x.attrelid IN (SELECT c.oid ${relation} AND c.relkind IN ('r','p','v','m','f'))`,
    constraints: onRelation('pg_constraint', 'conrelid', "x.contype IN ('c','f','p','u','x')"),
    triggers: onRelation('pg_trigger', 'tgrelid', 'NOT x.tgisinternal'),
    policies: onRelation('pg_policy', 'polrelid'),
    rowSecurity: `SELECT count(*) ${relation} AND c.relrowsecurity`,
    rules: onRelation('pg_rewrite', 'ev_class', "x.rulename <> '_RETURN'"),
    grantsOnRelations: `SELECT count(*) FROM (SELECT (aclexplode(coalesce(c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 's'::"char" ELSE 'r'::"char" END, c.relowner)))).grantee AS grantee, c.relowner AS owner ${relation} AND c.relkind IN (${granted})) x WHERE x.grantee <> x.owner`,
    grantsOnColumns: `SELECT count(*) FROM (SELECT aclexplode(a.attacl) FROM pg_attribute a WHERE a.attacl IS NOT NULL AND a.attrelid IN (SELECT c.oid ${relation})) x`,
  };
  if (selection.tables.length > 0) return bound;
  const inSchema = (catalog: string, namespace: string, more: string) =>
    `FROM ${catalog} x JOIN pg_namespace n ON n.oid = x.${namespace} WHERE ${schemaCondition(selection)} AND ${notOfExtension(catalog, 'x.oid')} AND ${more}`;
  const procs = inSchema('pg_proc', 'pronamespace', 'true');
  const ofSchemas = {
    functions: `SELECT count(*) ${procs}`,
    types: `SELECT count(*) ${inSchema('pg_type', 'typnamespace', "x.typtype IN ('e','d','r')")}`,
    enumLabels: `SELECT count(*) FROM pg_enum e WHERE e.enumtypid IN (SELECT x.oid ${inSchema('pg_type', 'typnamespace', 'true')})`,
    grantsOnFunctions: `SELECT count(*) FROM (SELECT (aclexplode(coalesce(x.proacl, acldefault('f', x.proowner)))).grantee AS grantee, x.proowner AS owner ${procs}) g WHERE g.grantee <> g.owner`,
    grantsOnSchemas: `${SCHEMA_GRANTS} ${schemaCondition(selection)} AND n.nspacl IS NOT NULL) g WHERE g.grantee <> g.owner`,
  };
  if (isPartial(selection)) return { ...bound, ...ofSchemas };
  return {
    ...bound,
    ...ofSchemas,
    defaultGrants: `SELECT count(*) FROM (SELECT aclexplode(defaclacl) FROM pg_default_acl) x`,
    eventTriggers: `SELECT count(*) FROM pg_event_trigger x WHERE ${notOfExtension('pg_event_trigger', 'x.oid')}`,
    publications: 'SELECT count(*) FROM pg_publication',
    largeObjects: 'SELECT count(*) FROM pg_largeobject_metadata',
  };
}

/** Settings of the database that its contents depend on, and that a restore target should share. */
export async function readSettings(session: DatabaseSession): Promise<Record<string, string>> {
  return session.json(
    // Older servers have fewer columns.
    `SELECT json_build_object('encoding', pg_encoding_to_char(d.encoding), 'collate', d.datcollate, 'ctype', d.datctype,
       'provider', coalesce(to_jsonb(d)->>'datlocprovider', 'c'), 'locale', coalesce(to_jsonb(d)->>'datlocale', to_jsonb(d)->>'daticulocale', ''),
       'icuRules', coalesce(to_jsonb(d)->>'daticurules', ''),
       'collationVersion', coalesce(to_jsonb(d)->>'datcollversion', ''))
     FROM pg_database d WHERE d.datname = current_database()`,
  );
}

/** SQL for each table of an extension, by `schema.table`: which of its rows are dumped. */
export async function readRowFilters(
  session: DatabaseSession,
): Promise<ReadonlyMap<string, string>> {
  const found = await session.json<Record<string, string>>(
    `SELECT coalesce(json_object_agg(${NAME}, x.condition), '{}') FROM pg_extension e, unnest(e.extconfig, e.extcondition) x (oid, condition)
       JOIN pg_class c ON c.oid = x.oid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE x.condition <> ''`,
  );
  return new Map(Object.entries(found));
}

/** Installed extensions and their versions. */
export async function readExtensions(session: DatabaseSession): Promise<Record<string, string>> {
  return session.json(
    `SELECT coalesce(json_object_agg(extname, extversion ORDER BY extname), '{}') FROM pg_extension`,
  );
}

/** The roles that own something here or the database, are granted something on either, stand in a policy or have settings here. */
export async function readRoles(session: DatabaseSession): Promise<string[]> {
  return session.json(
    `SELECT coalesce(json_agg(rolname ORDER BY rolname), '[]') FROM pg_roles r WHERE r.rolname !~ '^pg_' AND (r.oid IN (
       SELECT s.refobjid FROM pg_shdepend s JOIN pg_database d ON d.oid = s.dbid
       WHERE d.datname = current_database() AND s.refclassid = 'pg_authid'::regclass)
       OR r.oid IN (SELECT datdba FROM pg_database WHERE datname = current_database())
       OR r.oid IN (SELECT (aclexplode(datacl)).grantee FROM pg_database WHERE datname = current_database())
       OR r.oid IN (SELECT s.setrole FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase WHERE d.datname = current_database())
       OR r.oid IN (SELECT c.relowner FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema')
       OR r.oid IN (SELECT p.proowner FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema')
       OR r.oid IN (SELECT n.nspowner FROM pg_namespace n WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'))`,
  );
}
