// What a definition needs of the machine and the server that it is loaded on, such as a library or a locale: SQL that a server refuses
// where it is missing. Nothing of a dump's text is run: names and values are read from it and written again. Pure.
import type { DumpObject } from './scanner.ts';
import { remedyFor } from '../server/extensions-of-rds.ts';
import { identifier, literal, unquoted } from '../server/session.ts';

const TEXT = "'((?:[^']|'')*)'";
const NAME = '(?:"(?:[^"]|"")+"|[^\\s".,;()\']+)';
const EXTENSION = new RegExp(
  `^CREATE EXTENSION IF NOT EXISTS (${NAME})(?: WITH SCHEMA (${NAME}))?;`,
);
const LANGUAGE = /\n {4}LANGUAGE "?(\w+)/;
const IN_C = new RegExp(`\\n    LANGUAGE "?c\\b[^]*?\\n    AS ${TEXT}, ${TEXT};`);
const OPTION = new RegExp(
  `\\b(provider|locale|lc_collate|lc_ctype|deterministic|rules) = (?:${TEXT}|(\\w+))`,
  'g',
);
const TEMPLATE = new RegExp(`\\n    TEMPLATE = (${NAME})\\.(${NAME})`);
const DICTIONARY_OPTION = new RegExp(`,\\s+(${NAME}) = (?:${TEXT}|([-+.\\w]+))`, 'gy');
/** Without a schema it is one of the server's own: pg_dump writes its text under an empty search path. */
const COLLATE = new RegExp(`\\bCOLLATE (?:pg_catalog\\.)?(${NAME})(?![\\w.])`, 'g');

/** What the server itself parses when it makes one of these; the bodies of functions are text that it may never run. */
const PARSED: readonly string[] = [
  ...[
    'TABLE',
    'FOREIGN TABLE',
    'VIEW',
    'MATERIALIZED VIEW',
    'DOMAIN',
    'TYPE',
    'INDEX',
    'CONSTRAINT',
  ],
  ...['CHECK CONSTRAINT', 'DEFAULT', 'POLICY', 'TRIGGER', 'RULE', 'STATISTICS'],
];

/** Something that a server has or has not. */
export interface Need {
  /** Undefined for what only comes before another. */
  readonly what: string | undefined;
  /** A statement that the server refuses where it is missing, to be run in a transaction that is taken back. */
  readonly sql: string;
  readonly remedy: string;
  /** Codes by which the server says something else. */
  readonly besides: readonly string[];
}

const INSTALL = 'install the package that brings it on the machine of that server';
const EXTENSION_REMEDY =
  'install its package on the machine of that server, add it to shared_preload_libraries and restart where it has to be, or have a superuser CREATE EXTENSION in the database: a restore leaves extensions that are there as they are';
const LOCALE =
  "install the locale on the machine of that server (apt-get install locales-all, or localedef), restart it, and SELECT pg_import_system_collations('pg_catalog') in the database";
/** What stands in the way of a trial, such as an object of that name or too few rights, is no lack. */
const DENIED = '42501';
const IN_THE_WAY: readonly string[] = ['42710', '42723', '42P06', '42P07', '42712'];
const UNDEFINED_OBJECT = '42704';

function need(what: string | undefined, sql: string, remedy: string, besides = [DENIED]): Need {
  return { what, sql, remedy, besides: [...IN_THE_WAY, ...besides] };
}

/** What a definition needs. */
export function needsOf(object: Pick<DumpObject, 'type' | 'name'>, text: string): Need[] {
  const { type } = object;
  // Settings at its end are for what follows it.
  const sql = text
    .replace(/^--\n-- .*\n--\n\n/, '')
    .replace(/(?:\nSET default_\w+ = [^\n]*;\n*)+$/, '');
  if (type === 'EXTENSION') return ofExtension(sql);
  if (type === 'FUNCTION' || type === 'PROCEDURE') return ofFunction(sql);
  if (type === 'TEXT SEARCH DICTIONARY') return ofDictionary(object, sql);
  const made = type === 'COLLATION' ? ofCollation(object, sql) : [];
  return [...made, ...(PARSED.includes(type) ? ofCollations(sql) : [])];
}

/** Needs of many definitions, each once. */
export function eachOnce(needs: readonly Need[]): Need[] {
  return [...new Map(needs.map((one) => [one.sql, one])).values()];
}

function ofExtension(sql: string): Need[] {
  const [, name, schema] = EXTENSION.exec(sql) ?? [];
  if (name === undefined) return [];
  const where = schema === undefined ? undefined : identifier(unquoted(schema));
  const first = where === undefined || /^"pg_/.test(where) ? [] : [where];
  const make = `CREATE EXTENSION IF NOT EXISTS ${identifier(unquoted(name))}${where === undefined ? '' : ` WITH SCHEMA ${where}`}`;
  return [
    ...first.map((one) => need(undefined, `CREATE SCHEMA IF NOT EXISTS ${one}`, '')),
    need(`the extension ${unquoted(name)}`, make, remedyFor(unquoted(name), EXTENSION_REMEDY), []),
  ];
}

/** The server looks for the symbol in the library, whatever the function takes and gives. */
function ofFunction(sql: string): Need[] {
  // The body of another function may look like one in C.
  if (LANGUAGE.exec(sql)?.[1] !== 'c') return [];
  const [, file, symbol] = IN_C.exec(sql) ?? [];
  if (file === undefined || symbol === undefined) return [];
  const as = `${literal(plain(file))}, ${literal(plain(symbol))}`;
  const make = `CREATE FUNCTION pg_temp.${trialName(as)}() RETURNS int LANGUAGE c AS ${as}`;
  return [need(`the library ${plain(file)} with ${plain(symbol)}`, make, INSTALL)];
}

function ofCollation({ name }: Pick<DumpObject, 'name'>, sql: string): Need[] {
  const options = [...sql.slice(0, sql.indexOf(');\n')).matchAll(OPTION)].map(
    ([, option = '', text, word = '']) =>
      `${option} = ${text === undefined ? word : literal(plain(text))}`,
  );
  if (options.length === 0) return [];
  const of = options.join(', ');
  const make = `CREATE COLLATION pg_temp.${trialName(of)} (${of})`;
  return [need(`the locale of the collation ${name}`, make, LOCALE)];
}

function ofDictionary({ name: own }: Pick<DumpObject, 'name'>, sql: string): Need[] {
  const [template, schema = '', name = ''] = TEMPLATE.exec(sql) ?? [];
  if (template === undefined) return [];
  const rest = sql.slice(sql.indexOf(template) + template.length);
  const options = [...rest.matchAll(DICTIONARY_OPTION)].map(
    ([, option = '', text, word = '']) =>
      `${identifier(unquoted(option))} = ${text === undefined ? word : literal(plain(text))}`,
  );
  const of = [
    `TEMPLATE = ${identifier(unquoted(schema))}.${identifier(unquoted(name))}`,
    ...options,
  ];
  const make = `CREATE TEXT SEARCH DICTIONARY pg_temp.${trialName(of.join(', '))} (${of.join(', ')})`;
  // A template of the dump itself is not there yet.
  const besides = [DENIED, UNDEFINED_OBJECT];
  return [need(`a file of the text search dictionary ${own}`, make, INSTALL, besides)];
}

function ofCollations(sql: string): Need[] {
  if (!sql.includes('COLLATE ')) return [];
  const code = sql.replaceAll(new RegExp(TEXT, 'g'), "''");
  const names = [...code.matchAll(COLLATE)].map(([, name = '']) => unquoted(name));
  return [...new Set(names)].map((name) =>
    need(`the collation ${name}`, `SELECT '' COLLATE pg_catalog.${identifier(name)}`, LOCALE),
  );
}

/** The same need has the same name, so that needs can be told apart by their text. */
function trialName(text: string): string {
  let hash = 0;
  for (const letter of text) hash = (hash * 31 + (letter.codePointAt(0) ?? 0)) >>> 0;
  return `holdfast_${hash.toString(36)}`;
}

/** What stands between quotes. */
function plain(text: string): string {
  return text.replaceAll("''", "'");
}
