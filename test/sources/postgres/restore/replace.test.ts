// Restoring over a database: every kind of object goes, extensions stay, the database itself gets what it had, and owners are a choice.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  restoreToService,
  type ServiceRestoreOptions,
} from '../../../../lib/engine/restore/to-service.ts';
import type { BackupResult } from '../../../../lib/engine/backup.ts';
import { DatabaseScene, failureOf } from '../../../support/databases.ts';
import { startPostgres, type PostgresServer } from '../../../support/postgres.ts';

let server: PostgresServer;
let scene: DatabaseScene;

beforeAll(async () => {
  server = await startPostgres();
  scene = new DatabaseScene();
  server.sql('postgres', 'CREATE ROLE app LOGIN; CREATE ROLE other LOGIN; CREATE ROLE reader');
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

function dumpOf(name: string): string {
  return server.run('pg_dump', ['--restrict-key=x', `--dbname=${name}`]).toString();
}

function restore(made: BackupResult, target: string, changes: Partial<ServiceRestoreOptions> = {}) {
  scene.clock.advance(5000);
  return restoreToService(scene.engine, made, {
    ...{ target, targetFrom: 'env:TARGET', parts: [], checks: [], replace: false, prepare: false },
    ...changes,
  });
}

test('every kind of object is replaced by what was backed up', async () => {
  server.create('kinds', { empty: true });
  server.sql(
    'kinds',
    `CREATE TABLE t (id int PRIMARY KEY, b int); INSERT INTO t VALUES (1, 2); CREATE COLLATION ci (provider = icu, locale = 'und', deterministic = false);
     CREATE TEXT SEARCH CONFIGURATION fr (copy = french); CREATE TEXT SEARCH DICTIONARY sf (template = simple, stopwords = french);
     CREATE FUNCTION eq(int, text) RETURNS bool LANGUAGE sql AS 'select true'; CREATE OPERATOR === (leftarg = int, rightarg = text, procedure = eq);
     CREATE TYPE mood AS ENUM ('a'); CREATE FUNCTION m(mood) RETURNS int LANGUAGE sql AS 'select 1'; CREATE CAST (mood AS int) WITH FUNCTION m(mood);
     CREATE EXTENSION postgres_fdw; CREATE SERVER s1 FOREIGN DATA WRAPPER postgres_fdw; CREATE USER MAPPING FOR app SERVER s1;
     CREATE OPERATOR CLASS ops FOR TYPE int USING btree AS OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 btint4cmp(int, int);
     CREATE AGGREGATE s2(int) (sfunc = int4pl, stype = int); CREATE DOMAIN pos AS int CHECK (value > 0); CREATE TYPE fr AS RANGE (subtype = float8);
     ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO reader; ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
     CREATE CONVERSION myc FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8; CREATE PUBLICATION p FOR ALL TABLES; CREATE STATISTICS st ON id, b FROM t;
     CREATE FUNCTION et() RETURNS event_trigger LANGUAGE plpgsql AS 'begin end'; CREATE EVENT TRIGGER et1 ON ddl_command_end EXECUTE FUNCTION et();
     CREATE PROCEDURE pr() LANGUAGE sql AS 'select 1'; CREATE SCHEMA own; CREATE TABLE own.t (id int);
     CREATE FUNCTION lh() RETURNS language_handler LANGUAGE c AS 'plpgsql', 'plpgsql_call_handler'; CREATE LANGUAGE mine HANDLER lh;
     SET client_min_messages = error; CREATE SUBSCRIPTION sub1 CONNECTION 'host=127.0.0.1 dbname=x' PUBLICATION p WITH (connect = false)`,
  );
  const before = dumpOf('kinds');
  const made = await scene.backUp(server.url('kinds'));
  const { differences } = await restore(made, server.url('kinds'), { replace: true });
  expect(differences).toEqual([]);
  expect(dumpOf('kinds')).toBe(before);
  server.sql('kinds', 'ALTER SUBSCRIPTION sub1 SET (slot_name = NONE); DROP SUBSCRIPTION sub1');
});

test('the database itself gets its owner, privileges, settings and comment, unless they are left', async () => {
  server.create('mine', { empty: true });
  server.sql(
    'mine',
    `CREATE TABLE t AS SELECT 1 AS i; ALTER DATABASE mine OWNER TO app; REVOKE CONNECT ON DATABASE mine FROM PUBLIC; GRANT CONNECT ON DATABASE mine TO reader;
     ALTER DATABASE mine SET work_mem TO '5MB'; COMMENT ON DATABASE mine IS 'ours'`,
  );
  const made = await scene.backUp(server.url('mine'));
  const ITS = `SELECT pg_get_userbyid(datdba), (SELECT array_agg(x::text ORDER BY x::text) FROM unnest(datacl) x), (SELECT setconfig FROM pg_db_role_setting WHERE setdatabase = d.oid), shobj_description(oid, 'pg_database') FROM pg_database d WHERE datname = `;
  server.create('given', { empty: true });
  server.sql(
    'given',
    "ALTER DATABASE given SET statement_timeout TO '1min'; GRANT CREATE ON DATABASE given TO other",
  );
  expect((await restore(made, server.url('given'))).differences).toEqual([]);
  expect(server.sql('postgres', `${ITS}'given'`)).toBe(server.sql('postgres', `${ITS}'mine'`));
  server.create('left', { empty: true });
  await restore(made, server.url('left'), { properties: false });
  expect(server.sql('postgres', `${ITS}'left'`)).toBe('postgres|||');
});

test('who is no superuser restores beside extensions that are there, and without owners what was of others', async () => {
  server.create('foreign', { empty: true });
  server.sql(
    'foreign',
    `CREATE EXTENSION citext; CREATE EXTENSION "uuid-ossp"; GRANT ALL ON SCHEMA public TO app, other; ALTER DATABASE foreign OWNER TO app;
     SET ROLE app; CREATE TABLE t (id uuid DEFAULT public.uuid_generate_v4(), mail citext); INSERT INTO t (mail) VALUES ('A')`.replaceAll(
      'DATABASE foreign',
      'DATABASE "foreign"',
    ),
  );
  const made = await scene.backUp(server.url('foreign'));
  server.create('others', { empty: true });
  server.sql(
    'others',
    'CREATE EXTENSION citext; CREATE EXTENSION "uuid-ossp"; GRANT ALL ON SCHEMA public TO other; ALTER DATABASE others OWNER TO other',
  );
  const { code, hint } = await failureOf(restore(made, server.url('others', 'other')));
  expect([code, hint]).toEqual(['TARGET_REFUSED', expect.stringContaining('--no-owner')]);
  server.create('bare', { empty: true });
  const denied = await failureOf(restore(made, server.url('bare', 'other'), { owners: false }));
  expect(denied.message).toContain('the extension citext (permission denied');
  expect(denied.hint).toMatch(/To do: connect as a superuser, or as a role that may create ext/);
  expect(denied.hint).not.toContain('install');
  await restore(made, server.url('others', 'other'), { owners: false, properties: false });
  expect(server.sql('others', 'SELECT tableowner FROM pg_tables WHERE tablename = $$t$$')).toBe(
    'other',
  );
});
