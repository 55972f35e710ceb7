// What PostgreSQL prints otherwise once it was loaded is proven all the same; what was changed in a restored database is found, whatever
// kind of object it is, and nothing else is named.
import fs from 'node:fs';
import { fileURLToPath } from 'node:url';
import zlib from 'node:zlib';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { BackupResult } from '../../../../lib/engine/backup.ts';
import { openBackup } from '../../../../lib/engine/catalog/backups.ts';
import { restoreTest } from '../../../../lib/engine/restore-test.ts';
import { artifactOf } from '../../../../lib/format/manifest.ts';
import type { Explained } from '../../../../lib/sources/postgres/proof/explain.ts';
import { DatabaseScene, judged } from '../../../support/databases.ts';
import { startPostgres, type PostgresServer } from '../../../support/postgres.ts';

const SUBSCRIPTION =
  "CREATE SUBSCRIPTION k_heard CONNECTION 'host=one.example password=secret-three' PUBLICATION all_there WITH (connect = false, slot_name = NONE)";
const SCHEMA = fileURLToPath(new URL('../../../fixtures/postgres/kinds.sql', import.meta.url));

let server: PostgresServer;
let scene: DatabaseScene;
let made: BackupResult;

beforeAll(async () => {
  server = await startPostgres();
  scene = new DatabaseScene();
  server.create('kinds', { empty: true });
  server.sql('kinds', fs.readFileSync(SCHEMA, 'utf8'));
  made = await scene.backUp(server.url('kinds'));
  const { key, bytes } = artifactOf(made.manifest, 'dump');
  server.create('restored', { empty: true });
  const args = ['-X', '-q', '-o', '/dev/null', '-v', 'ON_ERROR_STOP=1', '-d', 'restored'];
  server.run('psql', args, zlib.gunzipSync(await scene.store.read(key, 0, bytes)));
}, 120_000);
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

async function judgedWith(sql: string): Promise<Explained> {
  server.sql('postgres', 'CREATE DATABASE changed TEMPLATE restored');
  try {
    // Of subscriptions a template has none.
    server.sql('changed', `${SUBSCRIPTION}; ${sql}`);
    const backup = await openBackup(scene.engine, made.source, made.id);
    const work = { pool: scene.engine.pool, signal: undefined, onProgress: undefined };
    return await judged(backup, { server, database: 'changed', work });
  } finally {
    server.drop('changed');
  }
}

/** Every definition of the fixture that is printed otherwise. */
const PRINTED_OTHERWISE = [
  'DOMAIN k.word',
  'INDEX k.open_orders',
  'POLICY k.orders own',
  'TABLE DATA k.child',
  'TABLE k.orders',
  'VIEW k.nulls',
  'VIEW k.paid',
];

test('a restored database is proven, with a remark on each object that is printed otherwise', async () => {
  const { verdict, problems, facts } = await restoreTest(scene.engine, made);
  const printed = problems.filter(({ code }) => code === 'printed-otherwise');
  expect(problems.filter(({ tolerated }) => tolerated !== true)).toEqual([]);
  expect(verdict).toBe('proven');
  expect(printed.map((one) => one.path).sort()).toEqual(PRINTED_OTHERWISE);
  const orders = printed.find((one) => one.path === 'TABLE k.orders')?.detail;
  expect(orders).toContain(
    "ANY ((ARRAY['new'::character varying, 'paid'::character varying])::text[])",
  );
  expect(orders).toContain(
    "ARRAY[('new'::character varying)::text, ('paid'::character varying)::text]",
  );
  expect(facts['transactions']).toBe('one');
}, 120_000);

/** A change of one object of each kind, and what has to be named; nothing else may be. */
const CHANGES: readonly (readonly [string, string])[] = [
  // It stands as a setting before the table, and before the next one: at the end of what precedes each of them.
  ['ALTER TABLE k.heir_heap SET ACCESS METHOD heap', 'TABLE k.heir'],
  ['SELECT 3', 'TABLE k.heir_heap'],
  ["ALTER TABLE k.orders ALTER status SET DEFAULT 'paid'", 'TABLE k.orders'],
  ['ALTER TYPE k.pair ALTER ATTRIBUTE b TYPE integer CASCADE', 'TYPE k.pair'],
  ["ALTER TYPE k.state RENAME VALUE 'shut' TO 'closed'", 'TYPE k.state'],
  [
    'ALTER DOMAIN k.small DROP CONSTRAINT small_check; ALTER DOMAIN k.small ADD CONSTRAINT small_check CHECK (VALUE < 11)',
    'DOMAIN k.small',
  ],
  [
    "ALTER DOMAIN k.word DROP CONSTRAINT word_check; ALTER DOMAIN k.word ADD CONSTRAINT word_check CHECK (VALUE IN ('one', 'six'))",
    'DOMAIN k.word',
  ],
  ["SELECT setval('k.numbers', 43)", 'SEQUENCE SET k.numbers'],
  ['ALTER SEQUENCE k.numbers CYCLE', 'SEQUENCE k.numbers'],
  [
    'DROP TABLE k.swapped; CREATE TABLE k.swapped (second_one integer, first_one integer); INSERT INTO k.swapped SELECT i, i FROM generate_series(1, 5) i; REVOKE ALL ON k.swapped FROM kinds_reader',
    'TABLE k.swapped',
  ],
  // Its rows have their columns in the other order, too.
  ['SELECT 1', 'TABLE DATA k.swapped'],
  ['UPDATE k.heir SET b = 9', 'TABLE DATA k.heir'],
  ['ALTER TABLE k.child NO INHERIT k.parent', 'TABLE k.child'],
  [
    "ALTER TABLE k.parts DETACH PARTITION k.parts_1; ALTER TABLE k.parts ATTACH PARTITION k.parts_1 FOR VALUES FROM ('2026-01-01') TO ('2026-03-01')",
    'TABLE ATTACH k.parts_1',
  ],
  ['ALTER TABLE k.cache SET LOGGED', 'TABLE k.cache'],
  ['ALTER TABLE k.gone ALTER COLUMN big SET STORAGE EXTENDED', 'TABLE k.gone'],
  [
    "DROP INDEX k.open_orders; CREATE INDEX open_orders ON k.orders (id) WHERE status IN ('new', 'late')",
    'INDEX k.open_orders',
  ],
  [
    'DROP INDEX k.cheap_orders; CREATE INDEX cheap_orders ON k.orders (price) WHERE price < 8',
    'INDEX k.cheap_orders',
  ],
  ['ALTER STATISTICS k.related SET STATISTICS 7', 'STATISTICS k.related'],
  [
    "CREATE OR REPLACE VIEW k.paid AS SELECT id FROM k.orders WHERE status IN ('paid', 'late') AND price > 4",
    'VIEW k.paid',
  ],
  [
    'DROP MATERIALIZED VIEW k.sums; CREATE MATERIALIZED VIEW k.sums AS SELECT status, sum(price) FROM k.orders GROUP BY status HAVING sum(price) > 1; REVOKE ALL ON k.sums FROM kinds_reader',
    'MATERIALIZED VIEW k.sums',
  ],
  [
    "CREATE OR REPLACE FUNCTION k.add(integer, integer) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT $1 - $2'",
    'FUNCTION k.add(integer, integer)',
  ],
  ["CREATE OR REPLACE PROCEDURE k.nothing() LANGUAGE sql AS 'SELECT 2'", 'PROCEDURE k.nothing()'],
  [
    "CREATE OR REPLACE AGGREGATE k.total (integer) (SFUNC = k.add, STYPE = integer, INITCOND = '1')",
    'AGGREGATE k.total(integer)',
  ],
  [
    'DROP OPERATOR k.### (integer, integer); CREATE OPERATOR k.### (FUNCTION = k.add, LEFTARG = integer, RIGHTARG = integer, COMMUTATOR = OPERATOR(k.###))',
    'OPERATOR k.###',
  ],
  [
    'DROP OPERATOR CLASS k.numbers_class USING btree; CREATE OPERATOR CLASS k.numbers_class DEFAULT FOR TYPE k.span USING btree FAMILY k.numbers_family AS FUNCTION 1 (k.span, k.span) range_cmp(anyrange, anyrange)',
    'OPERATOR CLASS k.numbers_class',
  ],
  [
    'ALTER OPERATOR FAMILY k.numbers_family USING btree ADD FUNCTION 4 (integer, integer) btequalimage(oid)',
    'OPERATOR FAMILY k.numbers_family',
  ],
  [
    'DROP CAST (integer AS k.pair); CREATE CAST (integer AS k.pair) WITH INOUT AS ASSIGNMENT',
    'CAST CAST (integer AS k.pair)',
  ],
  [
    "DROP CONVERSION k.to_utf8; CREATE CONVERSION k.to_utf8 FOR 'LATIN2' TO 'UTF8' FROM iso8859_to_utf8",
    'CONVERSION k.to_utf8',
  ],
  [
    'ALTER TABLE k.gone ALTER v TYPE text COLLATE "default"; DROP COLLATION k.plain; CREATE COLLATION k.plain (locale = \'C.UTF-8\')',
    'COLLATION k.plain',
  ],
  // The column that had it.
  ['SELECT 2', 'TABLE k.gone'],
  [
    'DROP TRANSFORM FOR integer LANGUAGE plpgsql; CREATE TRANSFORM FOR integer LANGUAGE plpgsql (FROM SQL WITH FUNCTION k.unpack(internal))',
    'TRANSFORM TRANSFORM FOR integer LANGUAGE plpgsql',
  ],
  [
    'DROP CAST (k.pair AS integer); CREATE CAST (k.pair AS integer) WITH FUNCTION k.number_of(k.pair) AS IMPLICIT',
    'CAST CAST (k.pair AS integer)',
  ],
  [
    'DROP ACCESS METHOD k_index; CREATE ACCESS METHOD k_index TYPE INDEX HANDLER hashhandler',
    'ACCESS METHOD k_index',
  ],
  [
    "ALTER SUBSCRIPTION k_heard CONNECTION 'host=two.example password=secret-four'",
    'SUBSCRIPTION k_heard',
  ],
  [
    'DROP LANGUAGE k_sql; CREATE TRUSTED LANGUAGE k_sql HANDLER k.handle',
    'PROCEDURAL LANGUAGE k_sql',
  ],
  [
    'DROP TEXT SEARCH PARSER k.cutter; CREATE TEXT SEARCH PARSER k.cutter (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end, HEADLINE = prsd_headline, LEXTYPES = prsd_lextype)',
    'TEXT SEARCH PARSER k.cutter',
  ],
  [
    'DROP TEXT SEARCH TEMPLATE k.likeness; CREATE TEXT SEARCH TEMPLATE k.likeness (INIT = dsimple_init, LEXIZE = dsimple_lexize)',
    'TEXT SEARCH TEMPLATE k.likeness',
  ],
  ["COMMENT ON COLUMN k.lines.at IS 'whenever'", 'COMMENT k.COLUMN lines.at'],
  ["COMMENT ON FUNCTION k.touch() IS 'does much'", 'COMMENT k.FUNCTION touch()'],
  ['GRANT UPDATE (v) ON k.cache TO kinds_reader', 'ACL k.COLUMN cache.v'],
  ['GRANT CREATE ON SCHEMA k TO kinds_reader', 'ACL SCHEMA k'],
  ["COMMENT ON LARGE OBJECT 77 IS 'three bytes'", 'COMMENT LARGE OBJECT 77'],
  ['GRANT UPDATE ON LARGE OBJECT 77 TO kinds_reader', 'ACL LARGE OBJECT 77'],
  ['ALTER LARGE OBJECT 78 OWNER TO kinds_owner', 'BLOB 78'],
  ['ALTER SCHEMA k OWNER TO kinds_owner', 'SCHEMA k'],
  [
    'DROP TRIGGER touch ON k.orders; CREATE TRIGGER touch AFTER UPDATE ON k.orders FOR EACH ROW EXECUTE FUNCTION k.touch()',
    'TRIGGER k.orders touch',
  ],
  ['ALTER EVENT TRIGGER kinds_heard DISABLE', 'EVENT TRIGGER kinds_heard'],
  [
    'CREATE OR REPLACE RULE no_delete AS ON DELETE TO k.lines DO ALSO NOTHING',
    'RULE k.lines no_delete',
  ],
  ['ALTER POLICY own ON k.orders TO PUBLIC', 'POLICY k.orders own'],
  ['ALTER TEXT SEARCH DICTIONARY k.stems (accept = true)', 'TEXT SEARCH DICTIONARY k.stems'],
  [
    'ALTER TEXT SEARCH CONFIGURATION k.words ALTER MAPPING FOR word WITH k.stems',
    'TEXT SEARCH CONFIGURATION k.words',
  ],
  [
    "ALTER FOREIGN DATA WRAPPER k_wrapper OPTIONS (SET debug 'false')",
    'FOREIGN DATA WRAPPER k_wrapper',
  ],
  ["ALTER SERVER k_server OPTIONS (SET host 'two.example')", 'SERVER k_server'],
  [
    "ALTER USER MAPPING FOR kinds_reader SERVER k_server OPTIONS (SET password 'secret-two')",
    'USER MAPPING USER MAPPING kinds_reader SERVER k_server',
  ],
  ["ALTER FOREIGN TABLE k.away OPTIONS (SET path '/two')", 'FOREIGN TABLE k.away'],
  ["ALTER PUBLICATION kinds_all SET (publish = 'insert, update')", 'PUBLICATION kinds_all'],
  ["COMMENT ON TABLE k.lines IS 'what was ordered'", 'COMMENT k.TABLE lines'],
  ['GRANT UPDATE ON k.lines TO kinds_reader', 'ACL k.TABLE lines'],
  ['ALTER FUNCTION k.touch() OWNER TO kinds_owner', 'FUNCTION k.touch()'],
  [
    'ALTER DEFAULT PRIVILEGES IN SCHEMA k GRANT INSERT ON TABLES TO kinds_reader',
    'DEFAULT ACL k.DEFAULT PRIVILEGES FOR TABLES',
  ],
  ['ALTER TABLE k.lines REPLICA IDENTITY DEFAULT', 'TABLE k.lines'],
  [
    'ALTER TABLE k.lines DROP CONSTRAINT lines_order_id_fkey; ALTER TABLE k.lines ADD CONSTRAINT lines_order_id_fkey FOREIGN KEY (order_id) REFERENCES k.orders',
    'FK CONSTRAINT k.lines lines_order_id_fkey',
  ],
  ['UPDATE k.orders SET note = note || 1 WHERE id = 7', 'TABLE DATA k.orders'],
  ["SELECT lo_put(77, 0, '\\x09')", 'BLOBS BLOBS'],
];

/** No more than fifty are named at once. */
const HALF = Math.ceil(CHANGES.length / 2);

test.each([
  ['the first half of them', CHANGES.slice(0, HALF)],
  ['the second half of them', CHANGES.slice(HALF)],
])(
  'a change of each kind of object is damage, and no other object is named: %s',
  async (_half, changes) => {
    const { damage, unclear } = await judgedWith(changes.map(([sql]) => `${sql};\n`).join(''));
    const named = [...new Set(damage.map((one) => one.path))].sort();
    expect(named).toEqual([...new Set(changes.map(([, title]) => title))].sort());
    expect(unclear).toEqual([]);
    expect(JSON.stringify(damage)).not.toContain('secret-');
  },
  120_000,
);

test('a constant in a definition that is printed otherwise cannot hide behind it', async () => {
  const { damage } = await judgedWith(
    `ALTER TABLE k.orders DROP CONSTRAINT orders_status_check;
     ALTER TABLE k.orders ADD CONSTRAINT orders_status_check CHECK (((status)::text = ANY (ARRAY[('new'::varchar)::text, ('late'::varchar)::text]))) NOT VALID;
     UPDATE pg_constraint SET convalidated = true WHERE conname = 'orders_status_check'`,
  );
  expect(damage.map((one) => one.path)).toEqual(['TABLE k.orders']);
});

test('of a setting that stands before an object, that object is named', async () => {
  const { damage } = await judgedWith('ALTER TABLE k.heir_heap SET ACCESS METHOD heap');
  expect(damage.map((one) => one.path)).toEqual(['TABLE k.heir', 'TABLE k.heir_heap']);
  expect(damage[0]?.detail).toContain('a setting for TABLE k.heir_heap, which follows it');
});

test('forced row security is found', async () => {
  const { damage } = await judgedWith('ALTER TABLE k.swapped FORCE ROW LEVEL SECURITY');
  expect(damage.map((one) => one.path)).toEqual(['TABLE k.swapped']);
});
