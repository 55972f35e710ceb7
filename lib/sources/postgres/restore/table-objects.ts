// Everything in a dump that belongs to some tables, and nothing that belongs to others: definitions and rows, partitions, what is defined on
// them elsewhere in the text, and the settings under which each was made.
import { HoldfastError } from '../../../errors.ts';
import { readDefinitions, type Definition, type Relation } from '../dump/definitions.ts';
import type { StoredText } from '../dump/reader.ts';
import type { DumpObject } from '../dump/scanner.ts';
import { parseTable } from '../dump/selection.ts';

/** What of a dump restores some tables. */
export interface TableParts {
  /** In the order of the dump, with its beginning and end. */
  readonly definitions: readonly Definition[];
  /** The tables that were asked for, and their partitions. */
  readonly tables: readonly Relation[];
  /** Tables that are not among them and that they are partitions or heirs of. */
  readonly parents: readonly Relation[];
  /** The table that something of an index, a sequence or statistics belongs to. */
  readonly tableOf: (definition: Definition) => string | undefined;
  /** Publications that have one of them as a member, and of which. */
  readonly publications: readonly { publication: string; definition: Definition }[];
}

/** The objects of some tables. `BACKUP_NOT_FOUND` for a table that the dump lacks. */
export async function partsOfTables(
  objects: readonly DumpObject[],
  names: readonly string[],
  text: StoredText,
): Promise<TableParts> {
  const all: Definition[] = [];
  for await (const one of readDefinitions(objects, text)) all.push(one);
  const known = new Set(all.filter(isTable).flatMap(({ table }) => (table ? [keyOf(table)] : [])));
  const asked = names.map(parseTable).map(({ schema, table }) => ({ schema, name: table }));
  for (const one of asked) {
    if (known.has(keyOf(one))) continue;
    throw new HoldfastError(
      'BACKUP_NOT_FOUND',
      `the backup holds no table ${one.schema}.${one.name}`,
      {
        hint: '`holdfast show <backup> --all` lists what it holds; a table is named as schema.table.',
      },
    );
  }
  const tables = withPartitions(all, asked);
  const wanted = new Set(tables.map(keyOf));
  const owners = ownersOf(all);
  const tableOf = ({ table, of }: Definition) =>
    table === undefined ? of && owners.get(keyOf(of)) : keyOf(table);
  const definitions = all.filter((one) => {
    if (one.object.type === 'BEGIN' || one.object.type === 'END') return true;
    return wanted.has(tableOf(one) ?? '');
  });
  const parents = definitions
    .filter(({ object }) => object.type === 'TABLE ATTACH' || object.type === 'TABLE')
    .flatMap(({ parent, inherits = [] }) => [...(parent ? [parent] : []), ...inherits])
    .filter((one) => !wanted.has(keyOf(one)));
  const publications = definitions
    .filter(({ object }) => object.type === 'PUBLICATION TABLE')
    .map((definition) => ({ publication: publicationOf(definition), definition }));
  return { definitions, tables, parents, publications, tableOf };
}

function isTable({ object: { type } }: Definition): boolean {
  return type === 'TABLE' || type === 'FOREIGN TABLE';
}

export function keyOf({ schema, name }: Relation): string {
  return `${schema}\0${name}`;
}

/** Dropping a partitioned table drops its partitions, whatever schema they are in. */
function withPartitions(all: readonly Definition[], asked: readonly Relation[]): Relation[] {
  const below = new Map<string, Relation[]>();
  for (const { object, table, parent } of all) {
    if (object.type !== 'TABLE ATTACH' || table === undefined || parent === undefined) continue;
    const key = keyOf(parent);
    below.set(key, [...(below.get(key) ?? []), table]);
  }
  const found = new Map(asked.map((one) => [keyOf(one), one]));
  // A map gives what is added while it is gone through, too.
  for (const key of found.keys())
    for (const one of below.get(key) ?? []) found.set(keyOf(one), one);
  return [...found.values()];
}

/** The tables that indexes, sequences and statistics belong to. */
function ownersOf(all: readonly Definition[]): Map<string, string> {
  const owners = new Map<string, string>();
  for (const { object, table, of } of all) {
    if (table === undefined) continue;
    if (of !== undefined) owners.set(keyOf(of), keyOf(table));
    // A constraint has an index of its name, in the schema of the table.
    if (object.type !== 'CONSTRAINT' || !object.name.startsWith(`${table.name} `)) continue;
    const name = object.name.slice(table.name.length + 1);
    owners.set(keyOf({ schema: table.schema, name }), keyOf(table));
  }
  return owners;
}

/** pg_dump names the membership by both. */
export function publicationOf({ object: { name }, table }: Definition): string {
  return table === undefined ? name : name.slice(0, name.length - table.name.length - 1);
}

/** What is made after a partition was attached; comments and privileges follow what they are on. */
const AFTER_ATTACH: readonly string[] = [
  ...['INDEX ATTACH', 'STATISTICS', 'RULE', 'TRIGGER', 'FK CONSTRAINT', 'POLICY', 'ROW SECURITY'],
  ...['PUBLICATION TABLE', 'COMMENT', 'SECURITY LABEL', 'ACL'],
];

/**
 * The order in which tables are restored, some of whose parents are there already. In the order of a dump a partition is attached before
 * it has its key; a parent that is whole makes one for it then, and its own is one too many. Attached later, its own is taken.
 */
export function inOrder(
  definitions: readonly Definition[],
  isThere: (parent: Relation) => boolean,
): Definition[] {
  const attaches = ({ object, parent }: Definition) =>
    object.type === 'TABLE ATTACH' && parent !== undefined && isThere(parent);
  if (!definitions.some(attaches)) return [...definitions];
  const stageOf = (one: Definition): number => {
    if (one.object.type === 'END') return 3;
    if (attaches(one)) return 1;
    return AFTER_ATTACH.includes(one.object.type) ? 2 : 0;
  };
  return [0, 1, 2, 3].flatMap((stage) => definitions.filter((one) => stageOf(one) === stage));
}
