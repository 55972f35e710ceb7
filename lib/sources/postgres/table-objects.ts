// Everything in a dump that belongs to one table: its definition and rows, its partitions, and what is defined on it elsewhere in the text.
import { HoldfastError } from '../../errors.ts';
import type { OpenBackup } from '../source.ts';
import { openIndex } from './dump-index.ts';
import type { StoredText } from './dump-reader.ts';
import type { DumpObject } from './dump-text.ts';
import { parseTable } from './selection.ts';

/** Types whose names begin with the name of their table. */
const ON_TABLE: readonly string[] = [
  'CONSTRAINT',
  'FK CONSTRAINT',
  'CHECK CONSTRAINT',
  'TRIGGER',
  'POLICY',
  'RULE',
  'DEFAULT',
];
const OF_TABLE: readonly string[] = ['TABLE', 'TABLE DATA', 'ROW SECURITY', 'TABLE ATTACH'];
const TEXTS: readonly string[] = ['INDEX', 'SEQUENCE', 'SEQUENCE OWNED BY', 'STATISTICS'];
const MAX_DEFINITION_BYTES = 1 << 20;

/** The objects of some tables in the order of the dump, with its beginning and end. `BACKUP_NOT_FOUND` for a table it lacks. */
export async function objectsOfTables(
  backup: OpenBackup,
  tables: readonly string[],
  text: StoredText,
): Promise<DumpObject[]> {
  const { objects } = await openIndex(backup);
  const wanted = new Set(objects.filter(({ type }) => type === 'BEGIN' || type === 'END'));
  for (const table of tables) {
    const { schema, table: name } = parseTable(table);
    const found = await objectsOfTable(objects, { schema, name }, text);
    for (const object of found) wanted.add(object);
  }
  return objects.filter((one) => wanted.has(one));
}

async function objectsOfTable(
  objects: readonly DumpObject[],
  { schema, name }: { readonly schema: string; readonly name: string },
  stored: StoredText,
): Promise<DumpObject[]> {
  const inSchema = objects.filter((one) => one.schema === schema);
  const own = inSchema.filter(
    (one) =>
      (OF_TABLE.includes(one.type) && one.name === name) ||
      (ON_TABLE.includes(one.type) && one.name.startsWith(`${name} `)) ||
      (['ACL', 'COMMENT'].includes(one.type) &&
        (one.name === `TABLE ${name}` || one.name.startsWith(`COLUMN ${name}.`))),
  );
  const definition = own.find(({ type }) => type === 'TABLE');
  if (definition === undefined) {
    throw new HoldfastError('BACKUP_NOT_FOUND', `the backup holds no table ${schema}.${name}`, {
      hint: '`holdfast show <backup> --all` lists what it holds; a table is named as schema.table.',
    });
  }
  const text = await definitionOf(definition, stored);
  // As pg_dump writes it, with schema and quotes.
  const qualified = /CREATE (?:UNLOGGED |FOREIGN )?TABLE (.*?) (?:\(|PARTITION OF)/s.exec(
    text,
  )?.[1];
  if (qualified === undefined) return own;
  const sequences = new Set<string>();
  for (const one of inSchema.filter(({ type }) => TEXTS.includes(type))) {
    const its = await definitionOf(one, stored);
    if (!belongs(its, qualified)) continue;
    own.push(one);
    if (one.type.startsWith('SEQUENCE')) sequences.add(one.name);
  }
  const indexes = new Set(
    own.map(({ type, name: one }) => (type === 'CONSTRAINT' ? one.slice(name.length + 1) : one)),
  );
  const more = inSchema.filter(
    ({ type, name: one }) =>
      (type === 'INDEX ATTACH' && indexes.has(one)) ||
      (type.startsWith('SEQUENCE') && sequences.has(one)) ||
      (type === 'ACL' && one.startsWith('SEQUENCE ') && sequences.has(one.slice(9))),
  );
  const partitions = /\)\nPARTITION BY /.test(text)
    ? await partitionsOf(objects, qualified, stored)
    : [];
  return [...own, ...more, ...partitions];
}

/** Whoever drops a partitioned table drops its partitions, in whatever schema they are. */
async function partitionsOf(
  objects: readonly DumpObject[],
  qualified: string,
  stored: StoredText,
): Promise<DumpObject[]> {
  const found: DumpObject[] = [];
  for (const one of objects.filter(({ type }) => type === 'TABLE ATTACH')) {
    const text = await definitionOf(one, stored);
    if (!text.includes(`ALTER TABLE ONLY ${qualified} ATTACH PARTITION `)) continue;
    const { schema, name } = one;
    found.push(...(await objectsOfTable(objects, { schema, name }, stored)));
  }
  return found;
}

function belongs(text: string, qualified: string): boolean {
  return [
    ` ON ${qualified} `,
    ` ON ONLY ${qualified} `,
    ` FROM ${qualified};`,
    `OWNED BY ${qualified}.`,
    `ALTER TABLE ${qualified} ALTER`,
  ].some((words) => text.includes(words));
}

async function definitionOf(object: DumpObject, stored: StoredText): Promise<string> {
  const to = object.offset + Math.min(object.bytes, MAX_DEFINITION_BYTES);
  const parts: Buffer[] = [];
  for await (const part of stored({ from: object.offset, to })) parts.push(part);
  return Buffer.concat(parts).toString('utf8');
}
