// Which part of a database is backed up: told to pg_dump, and to the questions that are asked beside it, in one place.
import { identifier, literal } from '../server/session.ts';

/** Names as they are, `schema` and `schema.table`; empty lists leave everything in and nothing out. */
export interface DumpSelection {
  readonly schemas: readonly string[];
  readonly excludeSchemas: readonly string[];
  readonly tables: readonly string[];
  readonly excludeTables: readonly string[];
}

export const EVERYTHING: DumpSelection = {
  schemas: [],
  excludeSchemas: [],
  tables: [],
  excludeTables: [],
};

/** True when pg_dump leaves out what is in no schema: extensions, large objects, publications, event triggers. */
export function isPartial({ schemas, tables }: Pick<DumpSelection, 'schemas' | 'tables'>): boolean {
  return schemas.length + tables.length > 0;
}

/** True when anything is left out that what is in may refer to. */
export function leavesOut({ excludeSchemas, excludeTables, ...selection }: DumpSelection): boolean {
  return isPartial(selection) || excludeSchemas.length + excludeTables.length > 0;
}

/** True when single tables are taken in or left out: their sequences come and go with them, though nothing names these. */
export function choosesTables({ tables, excludeTables }: DumpSelection): boolean {
  return tables.length + excludeTables.length > 0;
}

/** The arguments of pg_dump. Names are quoted, so that nothing in them is a pattern. */
export function selectionArguments(selection: DumpSelection): string[] {
  const args = (option: string, names: readonly string[], pattern: (name: string) => string) =>
    names.map((name) => `--${option}=${pattern(name)}`);
  return [
    ...args('schema', selection.schemas, identifier),
    ...args('exclude-schema', selection.excludeSchemas, identifier),
    ...args('table', selection.tables, tablePattern),
    ...args('exclude-table', selection.excludeTables, tablePattern),
    ...(isPartial(selection) ? ['--strict-names'] : []),
  ];
}

function tablePattern(name: string): string {
  const { schema, table } = parseTable(name);
  return `${identifier(schema)}.${identifier(table)}`;
}

/** The parts of `schema.table`; a name without a schema is of `public`. */
export function parseTable(name: string): { schema: string; table: string } {
  const dot = name.indexOf('.');
  return dot < 0
    ? { schema: 'public', table: name }
    : { schema: name.slice(0, dot), table: name.slice(dot + 1) };
}

/**
 * SQL: these tables and all that are below them, as `schema.table`. pg_dump takes a partitioned table without its partitions, where the
 * rows are, and one that is inherited from without its heirs.
 */
export function tablesBelow(names: readonly string[]): string {
  return `WITH RECURSIVE tree AS (
      SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE (n.nspname, c.relname) IN (${pairs(names)})
      UNION SELECT i.inhrelid FROM pg_inherits i JOIN tree ON i.inhparent = tree.oid)
    SELECT coalesce(json_agg(n.nspname || '.' || c.relname ORDER BY n.nspname, c.relname), '[]')
    FROM tree JOIN pg_class c ON c.oid = tree.oid JOIN pg_namespace n ON n.oid = c.relnamespace`;
}

/** `schema.table` of what may be named without its schema. */
export function fullName(name: string): string {
  const { schema, table } = parseTable(name);
  return `${schema}.${table}`;
}

/** SQL: schemas whose contents are backed up, as `pg_namespace n`. */
export function schemaCondition(selection: DumpSelection): string {
  const conditions = ["n.nspname !~ '^pg_'", "n.nspname <> 'information_schema'"];
  if (selection.schemas.length > 0)
    conditions.push(`n.nspname IN (${selection.schemas.map(literal).join(',')})`);
  if (selection.excludeSchemas.length > 0)
    conditions.push(`n.nspname NOT IN (${selection.excludeSchemas.map(literal).join(',')})`);
  return conditions.join(' AND ');
}

function pairs(names: readonly string[]): string {
  return names
    .map(parseTable)
    .map(({ schema, table }) => `(${literal(schema)},${literal(table)})`)
    .join(',');
}

/** SQL: relations that are backed up, as `pg_class c` in `pg_namespace n`. */
export function relationCondition(selection: DumpSelection): string {
  const conditions = [schemaCondition(selection), notOfExtension('pg_class', 'c.oid')];
  const { tables, excludeTables } = selection;
  if (tables.length > 0) conditions.push(`(n.nspname, c.relname) IN (${pairs(tables)})`);
  if (excludeTables.length > 0)
    conditions.push(`(n.nspname, c.relname) NOT IN (${pairs(excludeTables)})`);
  return conditions.join(' AND ');
}

/** SQL: what no extension owns. An extension is dumped as one word. */
export function notOfExtension(catalog: string, oid: string): string {
  return `NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = '${catalog}'::regclass AND d.objid = ${oid} AND d.deptype = 'e')`;
}

/** Names of schemas and tables that the selection leaves out or takes in and that are not there, to be asked of the database. */
export function absentNames(selection: DumpSelection): string {
  const schemas = [...selection.schemas, ...selection.excludeSchemas];
  const tables = [...selection.tables, ...selection.excludeTables];
  const rows = [
    ...schemas.map(
      (name) =>
        `SELECT ${literal(`the schema ${name}`)} AS what WHERE NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = ${literal(name)})`,
    ),
    ...tables.map((name) => {
      const { schema, table } = parseTable(name);
      return `SELECT ${literal(`the table ${name}`)} AS what WHERE NOT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = ${literal(schema)} AND c.relname = ${literal(table)})`;
    }),
  ];
  if (rows.length === 0) return "SELECT '[]'";
  return `SELECT coalesce(json_agg(what), '[]') FROM (${rows.join(' UNION ALL ')}) x`;
}
