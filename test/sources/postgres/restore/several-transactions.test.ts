// Dumps that do not load in one transaction, and do in several: found by a restore test, told, and restored so on request.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { BackupResult } from '../../../../lib/engine/backup.ts';
import {
  restoreToService,
  type ServiceRestoreOptions,
} from '../../../../lib/engine/restore/to-service.ts';
import { restoreTest } from '../../../../lib/engine/restore-test.ts';
import { locksTaken, needsSeveral } from '../../../../lib/sources/postgres/dump/transactions.ts';
import { DatabaseScene, failureOf } from '../../../support/databases.ts';
import { startPostgres, type PostgresServer } from '../../../support/postgres.ts';

/** Whoever writes a row makes the rest of his transaction read-only. */
const SCHEMA = `
  CREATE FUNCTION public.seen(integer) RETURNS boolean LANGUAGE plpgsql AS
    $$ BEGIN PERFORM set_config('transaction_read_only', 'on', true); RETURN true; END $$;
  CREATE TABLE public.first (id integer CHECK (public.seen(id)));
  CREATE TABLE public.second (id integer CHECK (public.seen(id)));
  INSERT INTO public.first VALUES (1);
  INSERT INTO public.second VALUES (2)`;

let server: PostgresServer;
/** Has room for few locks. */
let narrow: PostgresServer;
let scene: DatabaseScene;
let untested: BackupResult;
let targets = 0;

beforeAll(async () => {
  const few = {
    ...{ max_locks_per_transaction: '10', max_connections: '20', autovacuum_max_workers: '1' },
    ...{ max_worker_processes: '1', max_wal_senders: '0' },
  };
  [server, narrow] = await Promise.all([startPostgres(), startPostgres({ settings: few })]);
  server.create('app', { empty: true });
  server.sql('app', SCHEMA);
  scene = new DatabaseScene();
  untested = await scene.backUp(server.url('app'));
});
afterAll(async () => {
  await Promise.all([server[Symbol.asyncDispose](), narrow[Symbol.asyncDispose]()]);
});

function emptyOn(on: PostgresServer): string {
  const name = `target_${targets++}`;
  on.create(name, { empty: true });
  return name;
}

function restore(made: BackupResult, target: string, changes: Partial<ServiceRestoreOptions> = {}) {
  return restoreToService(scene.engine, made, {
    ...{ target, targetFrom: 'env:TARGET', parts: [], replace: false, prepare: false, checks: [] },
    ...changes,
  });
}

const TABLES = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace";

test('what fails in one transaction changes nothing, and the way out is named', async () => {
  const name = emptyOn(server);
  const error = await failureOf(restore(untested, server.url(name)));
  expect(error.code).toBe('COMMAND_FAILED');
  expect(error.message).toContain('read-only transaction');
  expect(error.hint).toMatch(/^Nothing was changed.*--several-transactions/);
  expect(server.sql(name, TABLES)).toBe('0');
});

test('a restore test proves it in several transactions, and the next backup says so', async () => {
  const made = await scene.backUp(server.url('app'));
  const { verdict, problems, facts } = await restoreTest(scene.engine, made);
  expect([verdict, facts['transactions']]).toEqual(['proven', 'several']);
  const [note] = problems;
  expect([note?.code, note?.tolerated]).toEqual(['several-transactions', true]);
  expect(note?.detail).toContain('--several-transactions');
  const name = emptyOn(server);
  const error = await failureOf(restore(made, server.url(name)));
  expect(error.code).toBe('TARGET_REFUSED');
  expect(error.hint).toContain('--several-transactions');
  const next = await scene.backUp(server.url('app'));
  expect(needsSeveral(next.manifest, undefined)).toBe(true);
  expect(
    next.manifest.problems.find(({ code }) => code === 'several-transactions')?.detail,
  ).toContain(`the restore test of ${made.id} found`);
  expect(next.manifest.status).toBe('complete');
  const { notes } = await restore(next, server.url(name), { dryRun: true });
  expect(notes.map(({ code }) => code)).toContain('several-transactions');
}, 60_000);

test('in several transactions it is restored, and holds what was recorded', async () => {
  const name = emptyOn(server);
  const { differences, facts } = await restore(untested, server.url(name), { apart: true });
  expect(differences).toEqual([]);
  expect(facts['transactions']).toBe('several');
  expect(server.sql(name, 'TABLE first UNION ALL TABLE second')).toBe('1\n2');
});

test('what fails in several transactions says that the database is incomplete', async () => {
  const name = emptyOn(server);
  const text = (await scene.textOf(untested)).replace('\n2\n\\.', '\ntwo\n\\.');
  const facts = untested.manifest.database;
  if (facts === undefined) throw new Error('no facts');
  const forged = await scene.forge(text, facts);
  const error = await failureOf(restore(forged, server.url(name), { apart: true }));
  expect(error.message).toContain('is incomplete now');
  expect(server.sql(name, 'TABLE first')).toBe('1');
});

test('what is there stays as it is when it cannot be taken away, in several transactions too', async () => {
  const name = emptyOn(server);
  server.sql(
    name,
    `CREATE TABLE kept (id integer); INSERT INTO kept VALUES (7);
     CREATE FUNCTION refuse() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not today'; END $$;
     CREATE EXTENSION pgcrypto; CREATE EVENT TRIGGER refuse ON sql_drop EXECUTE FUNCTION refuse();
     ALTER EXTENSION pgcrypto ADD EVENT TRIGGER refuse`,
  );
  const options = { apart: true, replace: true };
  const error = await failureOf(restore(untested, server.url(name), options));
  expect(error.message).toContain('not today');
  expect(error.message).not.toContain('incomplete');
  expect(server.sql(name, 'TABLE kept')).toBe('7');
});

test('a dry run says how it would be done, and does nothing', async () => {
  const name = emptyOn(server);
  server.sql(name, 'CREATE TABLE kept (id integer)');
  const before = [...scene.store.objects.keys()];
  const options = { dryRun: true, replace: true } as const;
  const apart = await restore(untested, server.url(name), { ...options, apart: true });
  expect(apart).toMatchObject({ saved: undefined, record: undefined, differences: [] });
  expect(apart.facts).toMatchObject({ transactions: 'several', replaced: true });
  const together = await restore(untested, server.url(name), options);
  expect(together.facts).toMatchObject({ transactions: 'one', replaced: true });
  const refused = await failureOf(restore(untested, server.url(name), { dryRun: true }));
  expect(refused.code).toBe('TARGET_REFUSED');
  expect([...scene.store.objects.keys()]).toEqual(before);
  expect(server.sql(name, TABLES)).toBe('1');
});

test('more locks than a server has room for are noted, refused at once, and not needed in several', async () => {
  narrow.create('many', { empty: true });
  narrow.sql('many', 'CREATE TABLE t (id integer); INSERT INTO t VALUES (1)');
  for (let i = 0; i < 500; i += 50)
    narrow.sql(
      'many',
      `SELECT lo_from_bytea(i, '\\x01') FROM generate_series(${i + 1}, ${i + 50}) i`,
    );
  const made = await scene.backUp(narrow.url('many'));
  const note = made.manifest.problems.find(({ code }) => code === 'many-locks');
  expect(note?.tolerated).toBe(true);
  expect(note?.detail).toMatch(/takes 501 locks or more, and this server is set up for 230:/);
  expect(locksTaken(made.manifest.database?.counts ?? {})).toBe(501);
  const name = emptyOn(narrow);
  const error = await failureOf(restore(made, narrow.url(name)));
  expect(error.code).toBe('TARGET_REFUSED');
  expect(error.hint).toMatch(/max_locks_per_transaction.*--several-transactions/);
  const { differences } = await restore(made, narrow.url(name), { apart: true });
  expect(differences).toEqual([]);
  expect((await restore(made, server.url(emptyOn(server)))).differences).toEqual([]);
});
