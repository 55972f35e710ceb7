// Settings of a server that change what pg_dump prints: every one that pg_settings lists is tried, and what matters is pinned or recorded.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { restoreTest } from '../../../../lib/engine/restore-test.ts';
import { DatabaseScene } from '../../../support/databases.ts';
import { startPostgres, type PostgresServer } from '../../../support/postgres.ts';

/** Whatever is printed in more than one way: amounts, bytes, times, numbers, names, texts with backslashes. */
const SCHEMA = `
  SET standard_conforming_strings = on;
  CREATE TABLE public."every kind" (
    id integer PRIMARY KEY, amount money DEFAULT '1.5', bytes bytea DEFAULT '\\x00ff', at timestamptz DEFAULT '2026-01-02 03:04:05+00',
    day date, span interval, number float8, real float4, words text[] DEFAULT '{a,NULL}', document xml, path text DEFAULT 'a\\b',
    search tsvector, CHECK (path <> 'c\\d'), CHECK (at <> '2020-01-01 00:00:00+00'));
  INSERT INTO public."every kind" VALUES (1, '1234.5', '\\x5c00', '2026-07-01 12:00:00.123456+00', '2026-02-01', '1 year 2 days -03:04:05.5', 0.1::float8 + 0.2, 1.1, '{x,NULL}', '<a>1</a>', 'x\\y', 'the words'),
    (2, '-7', '', '-infinity', '0044-03-15 BC', '-1 mon', 'NaN', '-Infinity', NULL, NULL, '', NULL);
  CREATE INDEX lower_path ON public."every kind" (lower(path)) WHERE day > '2026-01-01';
  CREATE VIEW public.some AS SELECT id AS "from", amount + '2'::money AS more, at AT TIME ZONE 'Asia/Tokyo' AS there, interval '1 day 2 hours' AS span
    FROM public."every kind" WHERE path LIKE 'x\\\\%' AND bytes <> '\\xdeadbeef'::bytea AND day IS DISTINCT FROM NULL;
  CREATE FUNCTION public.f(text DEFAULT 'e\\f') RETURNS text LANGUAGE sql SET DateStyle = 'SQL, DMY' AS 'SELECT ''a\\b'' || $1';
  CREATE TABLE public.parts (at timestamptz) PARTITION BY RANGE (at);
  CREATE TABLE public.part PARTITION OF public.parts FOR VALUES FROM ('2026-01-01 00:00:00+00') TO ('2027-01-01 00:00:00+00');
  COMMENT ON TABLE public."every kind" IS 'back\\slash';`;

/** They say how a session begins, or what the server does beside, or are no settings of a database, or only make it slow. */
const NOT_TRIED =
  /^(?:transaction_|session_authorization|role$|seed$|debug_discard_caches|ignore_system_indexes|log_|debug_|trace_|client_min_messages|jit|force_parallel_mode|parallel_setup_cost)/;
const RECORDED = [
  'bytea_output',
  'lc_monetary',
  'quote_all_identifiers',
  'standard_conforming_strings',
];
const PINNED = ['DateStyle', 'TimeZone', 'client_encoding'];
/** Text that has a few values worth a try. */
const WORDS: Readonly<Record<string, string>> = {
  DateStyle: 'SQL, DMY',
  TimeZone: 'Asia/Tokyo',
  client_encoding: 'LATIN1',
  search_path: 'nowhere',
  lc_messages: 'C',
  lc_numeric: 'POSIX',
  lc_time: 'POSIX',
  default_text_search_config: 'pg_catalog.english',
  timezone_abbreviations: 'India',
  xmlbinary: 'hex',
};

let server: PostgresServer;
let plain: string;

beforeAll(async () => {
  server = await startPostgres();
  server.create('app', { empty: true });
  server.sql('app', SCHEMA);
  plain = dump();
});
afterAll(async () => server[Symbol.asyncDispose]());

interface Setting {
  readonly name: string;
  readonly values: readonly string[];
}

function dump(): string {
  return server.run('pg_dump', ['--restrict-key=a', '--encoding=UTF8', 'app']).toString();
}

function set(settings: Readonly<Record<string, string>>): void {
  const changes = Object.entries(settings).map(
    ([name, value]) => `ALTER DATABASE app SET ${name} = '${value}';`,
  );
  server.sql('postgres', `ALTER DATABASE app RESET ALL; ${changes.join('\n')}`);
}

function dumpUnder(settings: Readonly<Record<string, string>>): string {
  set(settings);
  try {
    return dump();
  } finally {
    set({});
  }
}

/** Every setting that a role or a database may have, with other values than it has. */
function settings(): Setting[] {
  const rows = JSON.parse(
    server.sql(
      'app',
      `SELECT json_agg(json_build_object('name', name, 'now', setting, 'type', vartype, 'enum', enumvals, 'min', min_val, 'max', max_val)) FROM pg_settings WHERE context IN ('user', 'superuser')`,
    ),
  ) as {
    name: string;
    now: string;
    type: string;
    enum: string[] | null;
    min: string;
    max: string;
  }[];
  return rows
    .filter(({ name }) => !NOT_TRIED.test(name))
    .map(({ name, now, type, enum: words, min, max }) => {
      if (type === 'bool') return { name, values: [now === 'on' ? 'off' : 'on'] };
      if (type === 'enum') return { name, values: (words ?? []).filter((one) => one !== now) };
      if (name === 'extra_float_digits') return { name, values: [min, max] };
      const word = WORDS[name];
      return { name, values: word === undefined ? [] : [word] };
    });
}

function round(all: readonly Setting[], at: number): Record<string, string> {
  const chosen = all.flatMap(({ name, values }) => {
    const value = values[at];
    return value === undefined ? [] : [[name, value] as const];
  });
  return Object.fromEntries(chosen);
}

test('no other setting changes what pg_dump prints', () => {
  const others = settings().filter(({ name }) => ![...RECORDED, ...PINNED].includes(name));
  expect(others.length).toBeGreaterThan(80);
  const rounds = Math.max(...others.map(({ values }) => values.length));
  for (let at = 0; at < rounds; at++) {
    const wanted = round(others, at);
    if (dumpUnder(wanted) === plain) continue;
    const guilty = Object.entries(wanted).filter(
      ([name, value]) => dumpUnder({ [name]: value }) !== plain,
    );
    expect(guilty).toEqual([]);
  }
}, 60_000);

test.each(['bytea_output', 'quote_all_identifiers', 'standard_conforming_strings', 'TimeZone'])(
  '%s does, so the database here would show it if another did',
  (name) => {
    const value = { bytea_output: 'escape', quote_all_identifiers: 'on', TimeZone: 'Asia/Tokyo' }[
      name
    ];
    expect(dumpUnder({ [name]: value ?? 'off' })).not.toBe(plain);
  },
);

test('with all of them otherwise at once, a backup is proven, and each of them is recorded', async () => {
  set({
    ...{ bytea_output: 'escape', quote_all_identifiers: 'on', standard_conforming_strings: 'off' },
    ...{
      TimeZone: 'Asia/Tokyo',
      DateStyle: 'SQL, DMY',
      lc_monetary: 'C',
      client_encoding: 'LATIN1',
    },
  });
  const scene = new DatabaseScene();
  const made = await scene.backUp(server.url('app'));
  set({});
  expect(made.manifest.status).toBe('complete');
  expect(made.manifest.database?.settings).toMatchObject({
    'session.bytea_output': 'escape',
    'session.lc_monetary': 'C',
    'session.quote_all_identifiers': 'on',
    'session.standard_conforming_strings': 'off',
    'session.TimeZone': 'UTC',
    'session.DateStyle': expect.stringMatching(/^ISO/),
  });
  const { verdict, problems } = await restoreTest(scene.engine, made);
  expect(problems.filter(({ tolerated }) => tolerated !== true)).toEqual([]);
  expect(verdict).toBe('proven');
}, 60_000);

/** A backup whose amounts are written in the way of a locale that is nowhere. */
async function testedElsewhere(schema: string, change: (dump: string) => string = (text) => text) {
  server.sql('postgres', 'DROP DATABASE IF EXISTS amounts');
  server.create('amounts', { empty: true });
  server.sql('amounts', schema);
  const scene = new DatabaseScene();
  const made = await scene.backUp(server.url('amounts'));
  const { database } = made.manifest;
  if (database === undefined) throw new Error('no facts');
  const facts = {
    ...database,
    settings: { ...database.settings, 'session.lc_monetary': 'xx_XX.UTF-8' },
  };
  const forged = await scene.forge(change(await scene.textOf(made)), facts);
  return restoreTest(scene.engine, forged);
}

test('amounts that a machine without their locale reads otherwise are inconclusive, not damaged', async () => {
  const schema =
    'CREATE TABLE t (amounts money[]); INSERT INTO t VALUES (ARRAY[1.5::numeric::money])';
  const { verdict, problems } = await testedElsewhere(schema, (text) =>
    text.replace('{$1.50}', '{"1,50"}'),
  );
  expect(verdict).toBe('inconclusive');
  expect(problems.map(({ path }) => path)).toEqual([
    'lc_monetary xx_XX.UTF-8',
    'TABLE DATA public.t',
  ]);
  expect(problems[0]?.detail).toContain('locales-all');
});

test('a missing locale of amounts does not matter where there are none, and hides no other damage', async () => {
  const schema = 'CREATE TABLE t (id integer); INSERT INTO t VALUES (7)';
  expect(await testedElsewhere(schema)).toMatchObject({ verdict: 'proven', problems: [] });
});
