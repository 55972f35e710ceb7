// What a server says when its machine lacks something, in its own words: told apart from what is wrong with a dump.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { missingHere } from '../../../../lib/sources/postgres/proof/missing-here.ts';
import { startPostgres, type PostgresServer } from '../../../support/postgres.ts';

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
  server.sql(
    'postgres',
    'CREATE EXTENSION citext; CREATE EXTENSION pg_stat_statements; CREATE EXTENSION postgres_fdw',
  );
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

/** What the server says of SQL that it refuses. */
function refusal(sql: string): string {
  try {
    server.sql('postgres', sql);
  } catch (error) {
    return String(error);
  }
  throw new Error(`it was taken: ${sql}`);
}

const FUNCTION = (as: string) => `CREATE FUNCTION f() RETURNS int LANGUAGE c AS ${as}`;

test.each([
  ['a library', FUNCTION("'$libdir/nowhere', 'f'"), /^the library \$libdir\/nowhere$/],
  [
    'an older library',
    FUNCTION("'$libdir/citext', 'nowhere'"),
    /^the library .*citext.* in the version/,
  ],
  ['an extension', 'CREATE EXTENSION nowhere', /^the extension (?:nowhere|.*nowhere\.control)$/],
  [
    'a version of one',
    "CREATE EXTENSION hstore VERSION '99'",
    /^the extension hstore in the version/,
  ],
  [
    'a dictionary',
    'CREATE TEXT SEARCH DICTIONARY d (TEMPLATE = ispell, DictFile = nowhere, AffFile = nowhere)',
    /^the file .*nowhere\.dict$/,
  ],
  [
    'stop words',
    'CREATE TEXT SEARCH DICTIONARY d (TEMPLATE = simple, StopWords = nowhere)',
    /^the file .*nowhere\.stop$/,
  ],
  [
    'a locale',
    "CREATE COLLATION c (provider = libc, locale = 'xx_XX.utf8')",
    /^the locale or collation xx_XX\.utf8$/,
  ],
  ['a tablespace', 'CREATE TABLE t () TABLESPACE nowhere', /^the tablespace nowhere$/],
  [
    'a preloaded library',
    'SELECT * FROM pg_stat_statements',
    /^pg_stat_statements in shared_preload_libraries$/,
  ],
  ['a setting', 'SET nowhere = 1', /^the setting nowhere,/],
  [
    'another server',
    `CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '/nowhere'); CREATE USER MAPPING FOR postgres SERVER far OPTIONS (user 'a');
     CREATE FOREIGN TABLE rows (a int) SERVER far; CREATE MATERIALIZED VIEW m AS SELECT * FROM rows`,
    /^the foreign server far$/,
  ],
  ['a time zone', "SELECT now() AT TIME ZONE 'Nowhere/City'", /^the time zone Nowhere\/City$/],
])('%s that is missing is named, with what would help', (_, sql, what) => {
  const found = missingHere(refusal(sql));
  expect(found?.what).toMatch(what);
  expect(found?.remedy).not.toBe('');
});

test.each([
  ['a table that is missing', 'SELECT * FROM nowhere'],
  ['a value that a rule refuses', "SELECT 'x'::int"],
  [
    'a right that is missing',
    "SET ROLE pg_monitor; CREATE TABLE public.t (); SELECT pg_read_file('x')",
  ],
  ['a role that is missing', 'ALTER SCHEMA public OWNER TO nowhere'],
  ['a division', 'SELECT 1 / 0'],
])('%s is not one of the machine', (_, sql) => {
  expect(missingHere(refusal(sql))).toBeUndefined();
});
