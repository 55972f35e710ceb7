// Compares restored tables with a backup: their own definitions as pg_dump writes them now, their rows, and the publications they are in.
import type { Problem } from '../../../errors.ts';
import type { OpenBackup } from '../../source.ts';
import { factsOf, type CompareInput } from '../proof/compare-facts.ts';
import { keptAlone, readDefinitions, type Definition, type Relation } from '../dump/definitions.ts';
import { scanDump } from '../dump/writer.ts';
import { tableName, titleOf } from '../dump/objects.ts';
import type { StoredText } from '../dump/reader.ts';
import type { DumpObject } from '../dump/scanner.ts';
import { pinned } from '../dump/surroundings.ts';
import { countRows } from '../dump/facts.ts';
import { EVERYTHING } from '../dump/selection.ts';
import { literal, type DatabaseSession } from '../server/session.ts';
import { publicationOf } from './table-objects.ts';

/** What pg_dump does not say of a table that it is given alone, and what stands around all objects. */
const ELSEWHERE: readonly string[] = [
  'BEGIN',
  'END',
  'TABLE DATA',
  'SEQUENCE SET',
  'PUBLICATION TABLE',
  'STATISTICS',
];

function isSaid(
  { object: { type, name } }: { readonly object: DumpObject },
  { privileges }: { readonly privileges: boolean },
): boolean {
  if (!privileges && type === 'ACL') return false;
  return !ELSEWHERE.includes(type) && !(type === 'COMMENT' && name.startsWith('STATISTICS '));
}

export interface ComparedTables {
  readonly differences: readonly Problem[];
  /** Definitions that the server prints otherwise, for another reason than is known to change nothing: both texts are shown. */
  readonly notes: readonly Problem[];
}

/** What restored tables are other than in the backup. `text` is of the stored dump; `owners` and `privileges` say whether these count. */
export async function compareTables(
  backup: OpenBackup,
  wanted: readonly Definition[],
  input: CompareInput & {
    readonly tables: readonly Relation[];
    readonly text: StoredText;
    readonly owners: boolean;
    readonly privileges: boolean;
    readonly signal: AbortSignal | undefined;
  },
): Promise<ComparedTables> {
  const texts: Buffer[] = [];
  const summary = await scanDump(
    {
      ...input,
      // As every dump is made, whatever zone the target is in.
      connection: pinned(input.connection),
      selection: {
        ...EVERYTHING,
        tables: input.tables.map(({ schema, name }) => `${schema}.${name}`),
      },
      ...{ restrictKey: undefined, snapshot: undefined, lockWaitTimeoutSeconds: 60 },
      ...{ definitionsAlone: true, encoding: 'UTF8', withoutUnlogged: false },
      failure: 'RESTORE_DIFFERS',
    },
    { onDefinition: (_object, text) => void texts.push(text) },
  );
  const again = keptAlone(summary.objects, texts);
  const found = new Map<string, Made>();
  for await (const one of readDefinitions(again.objects, again.text)) {
    found.set(titled(one.object, found), await madeOf(one, again.text, input.owners));
  }
  const differences: Problem[] = [];
  const notes: Problem[] = [];
  const expected = new Map<string, Made>();
  for (const one of wanted.filter((each) => isSaid(each, input))) {
    expected.set(titled(one.object, expected), await madeOf(one, input.text, input.owners));
  }
  for (const [title, one] of expected) {
    const other = found.get(title);
    const say = (code: string, detail: string) => ({ path: title, code, detail });
    if (other === undefined) differences.push(say('missing', 'the backup has it'));
    else if (one.place !== other.place)
      differences.push(say('content', `expected ${one.place}, found ${other.place}`));
    else if (sameText(one.sql) !== sameText(other.sql))
      notes.push(say('printed-otherwise', firstDifference(one, other)));
  }
  for (const [title, { object }] of found)
    if (!expected.has(title) && isSaid({ object }, input))
      differences.push({ path: title, code: 'unexpected', detail: 'the backup does not have it' });
  return { differences: [...differences, ...(await rowsOf(backup, wanted, input))], notes };
}

interface Made {
  readonly object: DumpObject;
  /** Owner, tablespace and access method. */
  readonly place: string;
  readonly sql: string;
}

const WITH_TABLESPACE: readonly string[] = ['TABLE', 'INDEX', 'CONSTRAINT'];

async function madeOf(one: Definition, stored: StoredText, owners: boolean): Promise<Made> {
  const { object, under, owner } = one;
  const parts: Buffer[] = [];
  for await (const part of stored({ from: object.offset, to: object.offset + object.bytes }))
    parts.push(part);
  const bytes = Buffer.concat(parts);
  const cut = owner && { from: owner.from - object.offset, to: owner.to - object.offset };
  const own = cut ? Buffer.concat([bytes.subarray(0, cut.from), bytes.subarray(cut.to)]) : bytes;
  const sql = own
    .toString('utf8')
    .replace(/^--\n-- .*\n--\n\n/, '')
    .replace(/\s*(?:\n\nSET default_\w+ = [^\n]*;)*\s*$/, '');
  const tablespace = `tablespace ${under.tablespace ?? "''"}`;
  const place = [
    ...(owners ? [`owner ${object.owner}`] : []),
    ...(WITH_TABLESPACE.includes(object.type) ? [tablespace] : []),
    ...(object.type === 'TABLE' ? [`access method ${under.accessMethod ?? 'heap'}`] : []),
  ];
  return { object, place: place.join(', '), sql };
}

function titled(object: DumpObject, seen: ReadonlyMap<string, unknown>): string {
  const title = titleOf(object);
  for (let count = 1; ; count++) {
    const one = count === 1 ? title : `${title} (${count})`;
    if (!seen.has(one)) return one;
  }
}

const VARCHAR = "(?:NULL|'(?:[^']|'')*')::character varying";
const AS_TEXT = new RegExp(`\\(ARRAY\\[(${VARCHAR}(?:, ${VARCHAR})*)\\]\\)::text\\[\\]`, 'g');

/** The text with `IN ('a', 'b')` over a varchar as PostgreSQL prints it from then on: the dump has what it was typed as. */
function sameText(sql: string): string {
  return sql.replaceAll(AS_TEXT, (_, list: string) => {
    const each = list.replaceAll(new RegExp(VARCHAR, 'g'), (one) => `(${one})::text`);
    return `ARRAY[${each}]`;
  });
}

function firstDifference(one: Made, other: Made): string {
  const [lines, found] = [one.sql.split('\n'), other.sql.split('\n')];
  const at = lines.findIndex((line, i) => line !== found[i]);
  const shown = (line: string | undefined) =>
    line === undefined ? 'nothing' : JSON.stringify(line.slice(0, 300));
  const i = at < 0 ? lines.length : at;
  return `the backup says ${shown(lines[i])}, the server ${shown(found[i])}`;
}

async function rowsOf(
  backup: OpenBackup,
  wanted: readonly Definition[],
  input: CompareInput & {
    readonly session?: DatabaseSession;
    readonly signal: AbortSignal | undefined;
  },
): Promise<Problem[]> {
  const tables = wanted.flatMap(({ object }) =>
    object.type === 'TABLE DATA' ? [tableName(object)] : [],
  );
  if (tables.length === 0 || input.session === undefined) return [];
  const found = await countRows(input.session, { ...EVERYTHING, tables });
  const { rows } = factsOf(backup);
  return tables
    .filter((name) => found[name] !== rows[name])
    .map((name) => ({
      path: name,
      code: 'rows',
      detail: `expected ${rows[name] ?? 'no'} rows, found ${found[name] ?? 'none'}`,
    }));
}

/** The publications that restored tables should be in and are not, and their statistics that are missing. */
export async function absentBeside(
  session: DatabaseSession,
  wanted: readonly Definition[],
): Promise<Problem[]> {
  const publications = wanted.flatMap((one) =>
    one.object.type === 'PUBLICATION TABLE' && one.table !== undefined
      ? [{ publication: publicationOf(one), table: one.table }]
      : [],
  );
  const statistics = wanted.filter(({ object }) => object.type === 'STATISTICS');
  return [
    ...(await absentMemberships(session, publications)),
    ...(await absentStatistics(session, statistics)),
  ];
}

async function absentStatistics(
  session: DatabaseSession,
  wanted: readonly Definition[],
): Promise<Problem[]> {
  if (wanted.length === 0) return [];
  const found = await session.json<string[]>(
    "SELECT coalesce(json_agg(n.nspname || '.' || s.stxname), '[]') FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace",
  );
  return wanted
    .filter(({ object }) => !found.includes(tableName(object)))
    .map(({ object }) => ({
      path: titleOf(object),
      code: 'missing',
      detail: 'the backup has it',
    }));
}

async function absentMemberships(
  session: DatabaseSession,
  publications: readonly { publication: string; table: Relation }[],
): Promise<Problem[]> {
  if (publications.length === 0) return [];
  const wanted = publications.map(
    ({ publication, table }) =>
      `(${literal(publication)}, ${literal(table.schema)}, ${literal(table.name)})`,
  );
  const absent = await session.json<{ publication: string; table: string }[]>(
    `SELECT coalesce(json_agg(json_build_object('publication', w.p, 'table', w.s || '.' || w.t)), '[]') FROM (VALUES ${wanted.join(',')}) w(p, s, t)
     WHERE NOT EXISTS (SELECT FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid JOIN pg_class c ON c.oid = r.prrelid
       JOIN pg_namespace n ON n.oid = c.relnamespace WHERE (p.pubname, n.nspname, c.relname) = (w.p, w.s, w.t))`,
  );
  return absent.map(({ publication, table }) => ({
    path: `publication ${publication}`,
    code: 'missing',
    detail: `${table} is not in it`,
  }));
}
