// What the definitions of a dump are about: which table an index, a comment or a privilege belongs to, and under which settings an object
// is made. Read from pg_dump's own text, as its comments name objects in ways that more than one can mean.
import type { StoredText, Stretch } from './reader.ts';
import type { DumpObject } from './scanner.ts';
import { decoderOf, encodingIn } from './encodings.ts';
import { needsOf, type Need } from './machine-needs.ts';
import { unquoted } from '../server/session.ts';

/** The relation that a definition makes or changes, and the others that it names; each as schema and name. */
export interface Subject {
  /** The table that it belongs to, where its text says so. */
  readonly table?: Relation;
  /** The index, sequence or statistics that it belongs to, or is. */
  readonly of?: Relation;
  /** What a partition, or its index, is attached to. */
  readonly parent?: Relation;
  /** What a table inherits from. */
  readonly inherits?: readonly Relation[];
}

export interface Relation {
  readonly schema: string;
  readonly name: string;
}

/** The tablespace and the table access method that are in force when an object is made, as SQL writes them. */
export interface MadeUnder {
  readonly tablespace: string | undefined;
  readonly accessMethod: string | undefined;
}

export interface Definition extends Subject {
  readonly object: DumpObject;
  readonly under: MadeUnder;
  /** Where its own text ends: what follows are settings for the next one. */
  readonly end: number;
  /** Where in the dump the statement stands that gives it to its owner. */
  readonly owner: Stretch | undefined;
  /** For grants, policies and mappings: every name in the text, roles among them. */
  readonly names: ReadonlySet<string>;
  /** What it needs of the server that it is loaded on. */
  readonly needs: readonly Need[];
}

const NAME = '(?:"(?:[^"]|"")+"|[^\\s".,;()\']+)';
const RELATION = `(${NAME}\\.${NAME})`;
/** Words and columns that stand between a trigger's name and its table. */
const WORDS = `(?:${NAME}|[\\s,()])+?`;
const ON_OBJECT = `(?:(?:FOREIGN )?TABLE|MATERIALIZED VIEW|VIEW|INDEX|SEQUENCE|STATISTICS) ${RELATION}|COLUMN ${RELATION}\\.${NAME}|(?:CONSTRAINT|TRIGGER|POLICY|RULE) ${NAME} ON ${RELATION}`;

/** What stands at the beginning of a definition. The first group that matched is the relation it is about, the next its parent. */
const FORMS: Readonly<Record<string, RegExp>> = {
  TABLE: form(`CREATE (?:UNLOGGED )?TABLE ${RELATION}`),
  'FOREIGN TABLE': form(`CREATE FOREIGN TABLE ${RELATION}`),
  CONSTRAINT: form(`ALTER (?:FOREIGN )?TABLE (?:ONLY )?${RELATION}`),
  'CHECK CONSTRAINT': form(`ALTER (?:FOREIGN )?TABLE (?:ONLY )?${RELATION}`),
  'FK CONSTRAINT': form(`ALTER (?:FOREIGN )?TABLE (?:ONLY )?${RELATION}`),
  DEFAULT: form(`ALTER (?:FOREIGN )?TABLE (?:ONLY )?${RELATION}`),
  'ROW SECURITY': form(`ALTER TABLE (?:ONLY )?${RELATION}`),
  TRIGGER: form(
    `(?:CREATE (?:CONSTRAINT )?TRIGGER ${NAME} ${WORDS} ON|ALTER (?:FOREIGN )?TABLE(?: ONLY)?) ${RELATION}`,
  ),
  RULE: form(`CREATE RULE ${NAME} AS\\s+ON \\w+ TO ${RELATION}`),
  POLICY: form(`CREATE POLICY ${NAME} ON ${RELATION}`),
  INDEX: form(`CREATE (?:UNIQUE )?INDEX ${NAME} ON (?:ONLY )?${RELATION}`),
  'INDEX ATTACH': form(`ALTER INDEX ${RELATION} ATTACH PARTITION ${RELATION}`),
  'TABLE ATTACH': form(`ALTER TABLE (?:ONLY )?${RELATION} ATTACH PARTITION ${RELATION}`),
  STATISTICS: form(`CREATE STATISTICS ${NAME}\\.[^]*? FROM ${RELATION};`),
  'SEQUENCE OWNED BY': form(`ALTER SEQUENCE ${RELATION} OWNED BY ${RELATION}\\.${NAME}`),
  'PUBLICATION TABLE': form(`ALTER PUBLICATION ${NAME} ADD TABLE (?:ONLY )?${RELATION}`),
  COMMENT: form(`COMMENT ON (?:${ON_OBJECT})`),
  'SECURITY LABEL': form(`SECURITY LABEL FOR \\S+ ON (?:${ON_OBJECT})`),
  ACL: form(
    `(?:SET SESSION AUTHORIZATION ${NAME};\\n)?(?:GRANT|REVOKE) ${WORDS} ON (?:TABLE|SEQUENCE) ${RELATION}`,
  ),
};
const IDENTITY = new RegExp(
  `^ALTER TABLE ${RELATION} ALTER COLUMN ${NAME} ADD GENERATED [^]*?SEQUENCE NAME ${RELATION}`,
);
const INHERITS = new RegExp(`\\n\\)\\nINHERITS \\((${RELATION}(?:, ${RELATION})*)\\)`);

function form(pattern: string): RegExp {
  return new RegExp(`^${pattern}`);
}

const NAMED_ON = /^(?:COMMENT|SECURITY LABEL FOR \S+) ON (\w+)|\bON (SEQUENCE) /;

/** What a definition is about. Its header, pg_dump's comment, may stand before it. */
export function subjectOf({ type, schema, name }: DumpObject, text: string): Subject {
  const own = { schema, name };
  const sql = text.replace(/^--\n-- .*\n--\n\n/, '');
  if (type === 'TABLE DATA' || type === 'STATISTICS DATA') return { table: own };
  if (type === 'SEQUENCE SET') return { of: own };
  if (type === 'SEQUENCE') {
    const [, table] = IDENTITY.exec(sql) ?? [];
    return { of: own, ...(table !== undefined && { table: relationIn(table) }) };
  }
  const groups: (string | undefined)[] = FORMS[type]?.exec(sql)?.slice(1) ?? [];
  const [first, second] = groups.filter((one) => one !== undefined).map(relationIn);
  return first === undefined ? {} : placed({ type, own, first, second }, sql);
}

function placed(
  {
    type,
    own,
    first,
    second,
  }: { type: string; own: Relation; first: Relation; second: Relation | undefined },
  sql: string,
): Subject {
  if (type === 'TABLE ATTACH') return { parent: first, ...(second && { table: second }) };
  if (type === 'INDEX ATTACH') return { parent: first, ...(second && { of: second }) };
  if (type === 'SEQUENCE OWNED BY') return { of: first, ...(second && { table: second }) };
  if (type === 'STATISTICS' || type === 'INDEX') return { of: own, table: first };
  const kind = /^(?:COMMENT|SECURITY|ACL)/.test(type) ? kindNamed(sql) : 'TABLE';
  if (['INDEX', 'SEQUENCE', 'STATISTICS'].includes(kind)) return { of: first };
  return { table: first, ...inheritance(type, sql) };
}

function kindNamed(sql: string): string {
  const [, kind, sequence] = NAMED_ON.exec(sql) ?? [];
  return sequence ?? kind ?? 'TABLE';
}

function inheritance(type: string, sql: string): Pick<Subject, 'inherits'> {
  const [, list] = (type === 'TABLE' ? INHERITS.exec(sql) : undefined) ?? [];
  if (list === undefined) return {};
  const names = [...list.matchAll(new RegExp(RELATION, 'g'))].map(([, one = '']) => one);
  return { inherits: names.map(relationIn) };
}

/** `public."Order Details"` as its parts. */
function relationIn(text: string): Relation {
  const [schema = '', name = ''] = namesIn(text);
  return { schema, name };
}

const SETTING = /(?:^|\n)SET (default_tablespace|default_table_access_method) = ([^\n]*);\n\n$/;

/** pg_dump says before the comment of an object under which settings it is made: that stands at the end of the one before. */
export function settingsAtEnd(text: string, before: MadeUnder): MadeUnder {
  let tablespace: string | undefined;
  let accessMethod: string | undefined;
  let rest = text;
  for (;;) {
    const found = SETTING.exec(rest);
    if (found === null) break;
    const [, name, value] = found;
    if (name === 'default_tablespace') tablespace ??= value;
    else accessMethod ??= value;
    rest = rest.slice(0, found.index + 1);
  }
  return {
    tablespace: tablespace ?? before.tablespace,
    accessMethod: accessMethod ?? before.accessMethod,
  };
}

const SETTINGS_AT_END =
  /(?:^|\n)((?:SET default_(?:tablespace|table_access_method) = [^\n]*;\n\n)+)$/;

function settingsBytes(text: Buffer): number {
  const tail = text.subarray(-TAIL_BYTES).toString('latin1');
  return SETTINGS_AT_END.exec(tail)?.[1]?.length ?? 0;
}

/** Longer than any two settings; of rows, nothing but their end is read. */
const TAIL_BYTES = 4096;
/** Adjacent definitions are read together, up to so many bytes. */
const RUN_BYTES = 8 << 20;
const DATA: readonly string[] = ['TABLE DATA', 'BLOBS'];
const ROWS_FOLLOW: readonly string[] = [...DATA, 'SEQUENCE SET'];

/** Every object of a dump with what it is about, in one passage forwards through its definitions; rows are passed over. */
export async function* readDefinitions(
  objects: readonly DumpObject[],
  stored: StoredText,
): AsyncGenerator<Definition> {
  let under: MadeUnder = { tablespace: undefined, accessMethod: undefined };
  let decode = decoderOf('UTF8');
  const runs = runsOf(objects);
  for (const [at, run] of runs.entries()) {
    const first = run[0];
    const last = run.at(-1);
    if (first === undefined || last === undefined) continue;
    const end = last.offset + last.bytes;
    // Of rows, settings for a definition that follows may stand at the end; of a thousand tables, the rows of one are followed by such.
    const rows = DATA.includes(first.type);
    const tail = ROWS_FOLLOW.includes(runs[at + 1]?.[0]?.type ?? '') ? 0 : TAIL_BYTES;
    const from = rows ? Math.max(first.offset, end - tail) : first.offset;
    const read = await textOf(stored, from, end);
    for (const object of run) {
      const bytes = rows
        ? read
        : read.subarray(object.offset - from, object.offset - from + object.bytes);
      if (object.type === 'BEGIN') decode = decoderOf(encodingIn(bytes.toString('latin1')));
      const text = decode(bytes);
      const owner = rows ? undefined : ownerStatement(object, bytes.toString('latin1'));
      const names = new Set(NAMES_ROLES.includes(object.type) ? namesIn(text) : []);
      const needs = rows ? [] : needsOf(object, text);
      const end = object.offset + object.bytes - settingsBytes(bytes);
      yield { object, under, end, owner, names, needs, ...subjectOf(object, text) };
      under = settingsAtEnd(text, under);
    }
  }
}

/** The last statement of most definitions. `text` has a character for each byte. */
function ownerStatement({ offset }: DumpObject, text: string): Stretch | undefined {
  const words = text.lastIndexOf(' OWNER TO ');
  const start = text.lastIndexOf('\n\nALTER ', words);
  if (words < 0 || start < 0) return undefined;
  const [statement] = OWNER.exec(text.slice(start + 2)) ?? [];
  if (statement === undefined) return undefined;
  return { from: offset + start + 2, to: offset + start + 2 + statement.length };
}

const OWNER = new RegExp(
  `^ALTER [^]* OWNER TO ${NAME};\\n(?=\\n*(?:SET default_\\w+ = [^\\n]*;\\n+)*$)`,
);

const NAMES_ROLES: readonly string[] = ['ACL', 'DEFAULT ACL', 'POLICY', 'USER MAPPING'];

function namesIn(text: string): string[] {
  return [...text.matchAll(new RegExp(NAME, 'g'))].map(([one]) => unquoted(one));
}

/** Objects whose texts were kept when they passed, and those texts as one. */
export function keptAlone(
  objects: readonly DumpObject[],
  texts: readonly Buffer[],
): { objects: DumpObject[]; text: StoredText } {
  let at = 0;
  const standing = objects.map((object, i) => {
    const bytes = texts[i]?.length ?? 0;
    at += bytes;
    return { ...object, offset: at - bytes, bytes };
  });
  const whole = Buffer.concat(texts);
  return {
    objects: standing,
    text: async function* ({ from, to }) {
      yield await Promise.resolve(whole.subarray(from, to));
    },
  };
}

function runsOf(objects: readonly DumpObject[]): DumpObject[][] {
  const runs: DumpObject[][] = [];
  let bytes = 0;
  for (const object of objects) {
    const last = runs.at(-1)?.at(-1);
    const data = DATA.includes(object.type);
    const together = last !== undefined && !data && !DATA.includes(last.type) && bytes < RUN_BYTES;
    if (together) runs.at(-1)?.push(object);
    else runs.push([object]);
    bytes = (together ? bytes : 0) + object.bytes;
  }
  return runs;
}

async function textOf(stored: StoredText, from: number, to: number): Promise<Buffer> {
  if (from >= to) return Buffer.alloc(0);
  const parts: Buffer[] = [];
  for await (const part of stored({ from, to })) parts.push(part);
  return Buffer.concat(parts);
}
