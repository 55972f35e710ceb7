// What a role may not read, what the configuration names and is not there, and what a database does to whoever looks at it: a dump is
// whole as configured, or there is none.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { restoreTest } from '../../../../lib/engine/restore-test.ts';
import { examinePostgres } from '../../../../lib/sources/postgres/examine.ts';
import type { PostgresOptions } from '../../../../lib/sources/postgres/dump/read.ts';
import { parseConnection } from '../../../../lib/sources/postgres/server/connection.ts';
import { DatabaseSession } from '../../../../lib/sources/postgres/server/session.ts';
import { findTools } from '../../../../lib/sources/postgres/server/tools.ts';
import { DatabaseScene, failureOf } from '../../../support/databases.ts';
import {
  MACHINE,
  postgresOptions,
  startPostgres,
  type PostgresServer,
} from '../../../support/postgres.ts';

let server: PostgresServer;
let scene: DatabaseScene;

beforeAll(async () => {
  server = await startPostgres();
  server.create('app');
  server.create('empty', { empty: true });
  server.sql(
    'app',
    `CREATE ROLE limited LOGIN; GRANT USAGE ON SCHEMA app TO limited;
     GRANT SELECT ON ALL TABLES IN SCHEMA app, public TO limited; GRANT SELECT ON ALL SEQUENCES IN SCHEMA app, public TO limited;
     REVOKE SELECT ON app.events_2025, app.tickets FROM limited;
     CREATE ROLE reads_all LOGIN; GRANT pg_read_all_data TO reads_all;
     CREATE ROLE sees_all LOGIN BYPASSRLS; GRANT pg_read_all_data TO sees_all`,
  );
});
afterAll(async () => server[Symbol.asyncDispose]());
beforeEach(() => {
  scene = new DatabaseScene();
});

async function refusal(url: string, changes: Partial<PostgresOptions> = {}) {
  const error = await failureOf(scene.backUp(url, changes));
  expect(error.code).toBe('SOURCE_UNREADABLE');
  expect(scene.stored).toEqual([]);
  // The doctor says the same before it comes to that.
  const looked = examinePostgres(postgresOptions(url, changes), MACHINE).then(
    () => 'nothing',
    (thrown: unknown) => (thrown as Error).message,
  );
  return { message: error.message, hint: error.hint, doctor: await looked };
}

describe('a role', () => {
  test('that may not read some tables is refused, and all of these are named', async () => {
    const { message, hint, doctor } = await refusal(server.url('app', 'limited'));
    expect(message).toContain('limited may not read app.events_2025, app.tickets: permission');
    expect(hint).toContain('pg_read_all_data');
    expect(doctor).toBe(message);
  });

  test('to which row security applies is refused: rows are never left out', async () => {
    const { message, hint, doctor } = await refusal(server.url('app', 'reads_all'));
    expect(message).toContain('reads_all sees only some rows of app.users');
    expect(hint).toContain('BYPASSRLS');
    expect(doctor).toBe(message);
  });

  test('that may not read large objects is refused by pg_dump, with what to do', async () => {
    const { message, hint } = await refusal(server.url('app', 'sees_all'));
    expect(message).toContain('permission denied for large object 47');
    expect(hint).toContain('SELECT ON LARGE OBJECT');
  });

  test('that may read everything backs it up', async () => {
    server.sql('app', 'GRANT SELECT ON LARGE OBJECT 4711, 4712 TO sees_all');
    const { manifest } = await scene.backUp(server.url('app', 'sees_all'));
    expect(manifest.database?.rows['app.users']).toBe(500);
    server.sql('app', 'REVOKE SELECT ON LARGE OBJECT 4711, 4712 FROM sees_all');
  });

  test('may be enough for a part', async () => {
    const options = {
      schemas: ['app'],
      excludeTables: ['app.events_2025', 'app.users', 'tickets'],
    };
    const left = { ...options, excludeTables: ['app.events_2025', 'app.users'] };
    expect((await refusal(server.url('app', 'limited'), left)).message).toContain('app.tickets');
    server.sql('app', 'GRANT SELECT ON app.tickets TO limited');
    const { manifest } = await scene.backUp(server.url('app', 'limited'), left);
    expect(Object.keys(manifest.database?.rows ?? {})).toEqual(['app.events_2026']);
    server.sql('app', 'REVOKE SELECT ON app.tickets FROM limited');
  });
});

describe('a database', () => {
  test('without a table is refused: it is rarely the right one', async () => {
    const error = await failureOf(scene.backUp(server.url('empty')));
    expect(error.code).toBe('SOURCE_UNREADABLE');
    expect(error.message).toContain('holds no table');
    expect(scene.stored.filter((key) => key.endsWith('manifest.json'))).toEqual([]);
  });

  test('without a table is backed up and proven where that is fine', async () => {
    const made = await scene.backUp(server.url('empty'), { allowEmpty: true });
    expect(await restoreTest(scene.engine, made)).toMatchObject({
      verdict: 'proven',
      problems: [],
    });
  });

  test('that is larger than configured is refused, with the alternatives', async () => {
    const { message, hint, doctor } = await refusal(server.url('app'), { maxDatabaseBytes: 1000 });
    expect(message).toMatch(/takes \d+ bytes, allowed are 1000/);
    expect(hint).toContain('Raise `maxDatabaseSize`');
    expect(hint).toContain('snapshots and point-in-time recovery');
    expect(doctor).toBe(message);
  });

  test('whose collation has moved on is backed up, and it is said', async () => {
    server.sql(
      'postgres',
      `CREATE DATABASE moved LOCALE_PROVIDER icu ICU_LOCALE 'en-US' TEMPLATE template0`,
    );
    server.sql('moved', 'CREATE TABLE t AS SELECT 1 AS i');
    expect((await scene.backUp(server.url('moved'))).manifest.problems).toEqual([]);
    server.sql('moved', "UPDATE pg_database SET datcollversion = '1.0' WHERE datname = 'moved'");
    const { manifest } = await scene.backUp(server.url('moved'));
    expect(manifest.status).toBe('complete');
    expect(manifest.problems).toMatchObject([{ code: 'collation', tolerated: true }]);
    expect(manifest.problems[0]?.detail).toContain('made with 1.0');
  });
});

describe('what is configured and is not there', () => {
  test.each([
    ['a schema', { schemas: ['nope'] }, 'the schema nope'],
    ['a schema that is left out', { excludeSchemas: ['nope'] }, 'the schema nope'],
    ['a table', { tables: ['app.nope'] }, 'the table app.nope'],
    ['a table of public', { tables: ['users'] }, 'the table users'],
    // pg_dump itself passes over it, and a table that was to stay away is dumped.
    ['a table that is left out', { excludeTables: ['app.usres'] }, 'the table app.usres'],
    ['a column', { timestamps: ['app.users.nope'] }, 'the column app.users.nope'],
    ['a pattern', { tables: ['app.*'] }, 'the table app.*'],
  ])('%s fails and is named', async (_what, changes, named) => {
    const { message, doctor } = await refusal(server.url('app'), changes);
    expect(message).toContain(named);
    expect(doctor).toBe(message);
  });
});

describe('a part of a database', () => {
  test('does not hold what is in no schema, and says so', async () => {
    const { manifest } = await scene.backUp(server.url('app'), { schemas: ['app'] });
    expect(manifest.problems).toMatchObject([{ code: 'left-out', tolerated: true }]);
    expect(manifest.problems[0]?.detail).toBe(
      'not in this backup, which holds only some schemas or tables: 4 extensions, 2 large objects, 1 publication',
    );
    expect(manifest.database?.counts['largeObjects']).toBeUndefined();
  });

  test('that needs what it does not hold is not called damaged, nor proven', async () => {
    const made = await scene.backUp(server.url('app'), { tables: ['app.users'] });
    const { verdict, problems } = await restoreTest(scene.engine, made);
    expect(verdict).toBe('inconclusive');
    expect(problems.map(({ code }) => code)).toContain('refers-outside');
  });

  test('that needs nothing else is proven', async () => {
    const made = await scene.backUp(server.url('app'), { tables: ['cache', 'public.empty'] });
    expect(await restoreTest(scene.engine, made)).toMatchObject({ verdict: 'proven' });
  });
});

test('functions that lie in wait on the path of the database are not called', async () => {
  server.create('trap', { empty: true });
  server.sql(
    'trap',
    `CREATE TABLE public.bait AS SELECT now() AS at;
     CREATE FUNCTION public.spring(text, text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE 'the trap has sprung'; END $$;
     CREATE AGGREGATE public.json_agg(text) (sfunc = public.spring, stype = text, initcond = '');
     CREATE FUNCTION public.aclexplode(aclitem[]) RETURNS TABLE (grantee oid) LANGUAGE plpgsql AS $$ BEGIN RAISE 'the trap has sprung'; END $$;
     ALTER DATABASE trap SET search_path = public, pg_catalog`,
  );
  // It would spring where somebody asks without care.
  expect(() => server.sql('trap', 'SELECT json_agg(relname::text) FROM pg_class')).toThrow(
    'sprung',
  );
  const options = { timestamps: ['bait.at'] };
  const made = await scene.backUp(server.url('trap'), options);
  expect(made.manifest.database?.rows).toEqual({ 'public.bait': 1 });
  const looked = await examinePostgres(postgresOptions(server.url('trap'), options), MACHINE);
  expect(looked.notes).toEqual([]);
  const { verdict, problems } = await restoreTest(scene.engine, made);
  expect({ verdict, problems }).toEqual({ verdict: 'proven', problems: [] });
});

test('limits of a role do not end a dump', async () => {
  server.sql(
    'app',
    `CREATE ROLE hasty LOGIN SUPERUSER; ALTER ROLE hasty SET statement_timeout = '500ms';
     ALTER ROLE hasty SET idle_in_transaction_session_timeout = '500ms'`,
  );
  const tools = await findTools(MACHINE);
  const connection = parseConnection(server.url('app'), 'a test');
  const failure = 'COMMAND_FAILED';
  const locker = new DatabaseSession({
    machine: MACHINE,
    tools,
    connection,
    signal: undefined,
    failure,
  });
  await locker.ask('BEGIN; LOCK TABLE app.users IN ACCESS EXCLUSIVE MODE');
  const work = scene.backUp(server.url('app', 'hasty'));
  await new Promise((resolve) => setTimeout(resolve, 1500));
  await locker.close();
  expect((await work).manifest.status).toBe('complete');
});
