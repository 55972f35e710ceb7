// Gives the session that loads a dump the settings of the database that was backed up. What a load computes anew (materialized views,
// generated columns, indexes of expressions) depends on them, and a session knows only those that its database had when it began.
import type { Problem } from '../../../errors.ts';
import { DATA_TYPES } from '../dump/header.ts';
import type { Property } from '../dump/properties.ts';
import type { DumpObject } from '../dump/scanner.ts';
import { identifier, literal, unquoted, type DatabaseSession } from '../server/session.ts';
import type { Piece } from './plan.ts';

/** Settings that change what an expression gives. A dump sets the others that matter, such as `search_path`, itself. */
const COUNTS =
  /^(?:timezone|timezone_abbreviations|datestyle|intervalstyle|lc_\w+|default_text_search_config|bytea_output|extra_float_digits|xmlbinary|.*\..*)$/i;

const OF_DATABASE = /^ALTER DATABASE :"DBNAME" SET ("(?:[^"]|"")+") (TO [^]*;)$/;

interface Setting {
  readonly name: string;
  /** As SQL writes it: `TO 'Europe/Berlin';`. */
  readonly value: string;
}

function settingsIn(properties: readonly Property[]): Setting[] {
  return properties.flatMap(({ sql }) => {
    const [, word = '', value = ''] = OF_DATABASE.exec(sql) ?? [];
    const name = unquoted(word);
    return COUNTS.test(name) ? [{ name, value }] : [];
  });
}

/** Statements that give a session what counts of the settings of a database. What the server does not take, no later session has either. */
export function settingsOfSession(properties: readonly Property[]): string[] {
  return settingsIn(properties).map(({ name, value }) => {
    const set = literal(`SET ${identifier(name)} ${value}`);
    const body = `BEGIN EXECUTE ${set}; EXCEPTION WHEN OTHERS THEN NULL; END`;
    return `DO ${literal(body)};\n`;
  });
}

/** SQL that gives them to the database of a session, and takes away those that `found` has besides: for sessions that begin later. */
export function settingsOfDatabase(
  properties: readonly Property[],
  found: readonly Property[],
): string {
  const own = settingsIn(properties);
  const reset = namesBeside(own, found).map(
    (name) => `ALTER DATABASE :"DBNAME" RESET ${identifier(name)};\n`,
  );
  const set = own.map(
    ({ name, value }) => `ALTER DATABASE :"DBNAME" SET ${identifier(name)} ${value}\n`,
  );
  return [...reset, ...set].join('');
}

function namesBeside(own: readonly Setting[], found: readonly Property[]): string[] {
  const names = new Set(own.map(({ name }) => name.toLowerCase()));
  return settingsIn(found)
    .map(({ name }) => name)
    .filter((name) => !names.has(name.toLowerCase()));
}

/** Whether a session that began before has settings of the database that it is to lose. */
export function losesSettings(
  properties: readonly Property[],
  found: readonly Property[],
): boolean {
  return namesBeside(settingsIn(properties), found).length > 0;
}

const FILLED: readonly string[] = [...DATA_TYPES, 'CONSTRAINT', 'INDEX'];

/** Stretches of a dump, with statements before the first one that holds data: by then all that settings can name is made. */
export function beforeData(
  pieces: readonly Piece[],
  objects: readonly DumpObject[],
  settings: readonly string[],
): readonly Piece[] {
  // The encoding of the dump is that of the session by then.
  const sql = settings.filter((one) => /^[ -~\n]*$/.test(one)).join('');
  const isLoaded = (at: number) => pieces.some(({ from, to }) => at >= from && at < to);
  const at = objects.find(({ type, offset }) => FILLED.includes(type) && isLoaded(offset))?.offset;
  if (at === undefined || sql === '') return pieces;
  return pieces.flatMap((piece) => {
    const { from, to, before = '' } = piece;
    if (at < from || at >= to) return [piece];
    const rest = { from: at, to };
    if (at === from) return [{ ...rest, before: `${sql}${before}` }];
    return [
      { ...piece, to: at },
      { ...rest, before: sql },
    ];
  });
}

/** The materialized views that a load fills, in its order. */
function viewsIn(objects: readonly DumpObject[]): DumpObject[] {
  return objects.filter(({ type }) => type === 'MATERIALIZED VIEW DATA');
}

/** SQL that fills the materialized views among objects once more. */
export function refreshSql(objects: readonly DumpObject[]): string {
  return viewsIn(objects)
    .map((one) => `REFRESH MATERIALIZED VIEW ${identifier(one.schema)}.${identifier(one.name)};\n`)
    .join('');
}

/** Says that materialized views were filled by a restore, and in which time zone: no backup knows what was in them. */
export async function filledAnew(
  {
    objects,
    properties,
  }: { readonly objects: readonly DumpObject[]; readonly properties: readonly Property[] },
  session: DatabaseSession,
): Promise<Problem[]> {
  const views = viewsIn(objects);
  if (views.length === 0) return [];
  const own = settingsIn(properties).find(({ name }) => name.toLowerCase() === 'timezone');
  const zone =
    own === undefined
      ? await session.ask("SELECT current_setting('TimeZone')")
      : own.value.slice("TO '".length, -"';".length);
  const [first] = views;
  const path =
    views.length === 1 && first !== undefined
      ? `materialized view ${first.schema}.${first.name}`
      : `${views.length} materialized views`;
  const detail = `a dump does not hold their rows: filled from their queries, with TimeZone ${zone}`;
  return [{ path, code: 'filled-anew', detail, tolerated: true }];
}
