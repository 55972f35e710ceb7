// Restoring to a database in use: whole or not at all, nothing lost without having been saved, and compared afterwards.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { BackupResult } from '../../../../lib/engine/backup.ts';
import type { Engine } from '../../../../lib/engine/engine.ts';
import {
  restoreToService,
  type ServiceRestoreOptions,
} from '../../../../lib/engine/restore/to-service.ts';
import { postgresKind } from '../../../../lib/sources/postgres/kind.ts';
import { postgresSource } from '../../../../lib/sources/postgres/source.ts';
import { failureOf } from '../../../support/databases.ts';
import {
  backUpNow,
  Clock,
  ClockedStore,
  codeOf,
  engineOn,
  listed,
} from '../../../support/engine.ts';
import {
  MACHINE,
  PASSWORD,
  postgresOptions,
  startPostgres,
  type PostgresServer,
} from '../../../support/postgres.ts';

let server: PostgresServer;
let other: PostgresServer;
let store: ClockedStore;
let engine: Engine;
let made: BackupResult;
const clock = new Clock();
let targets = 0;

beforeAll(async () => {
  [server, other] = await Promise.all([startPostgres(), startPostgres()]);
  server.create('app');
  store = new ClockedStore(clock);
  const kind = postgresKind(MACHINE);
  engine = engineOn(store, clock, { kinds: new Map([['postgres', () => kind]]), scratch: '/tmp' });
  made = await backUpNow(engine, postgresSource(postgresOptions(server.url('app')), MACHINE));
});
afterAll(async () => {
  await Promise.all([server[Symbol.asyncDispose](), other[Symbol.asyncDispose]()]);
});

function target(on = server, options = { empty: true }): string {
  const name = `target_${targets++}`;
  on.create(name, options);
  return name;
}

function restore(target: string, changes: Partial<ServiceRestoreOptions> = {}) {
  return restoreToService(engine, made, {
    ...{ target, targetFrom: 'env:TARGET', parts: [], replace: false, prepare: false, checks: [] },
    ...changes,
  });
}

function dumpOf(on: PostgresServer, database: string): string {
  const { restrictKey = '' } = made.manifest.database ?? {};
  return on.run('pg_dump', [`--restrict-key=${restrictKey}`, `--dbname=${database}`]).toString();
}

test('restores everything in one transaction, large objects too, and finds the facts equal', async () => {
  const name = target();
  const report = await restore(server.tcpUrl(name), {
    checks: ['SELECT count(*) = 500 FROM app.users'],
  });
  expect(report.differences).toEqual([]);
  expect(dumpOf(server, name)).toBe(dumpOf(server, 'app'));
  expect(report.to).toBe(`postgres@127.0.0.1:${server.port}/${name}`);
  expect(report.record).toBeDefined();
});

test('refuses a database that is not empty, and changes nothing there', async () => {
  const name = target();
  server.sql(name, 'CREATE TABLE precious (id integer); INSERT INTO precious VALUES (1)');
  const { code, message } = await failureOf(restore(server.url(name)));
  expect(code).toBe('TARGET_REFUSED');
  expect(message).toContain('public.precious');
  expect(server.sql(name, 'SELECT count(*) FROM precious')).toBe('1');
});

test('replaces what is there when told to, after it has been backed up', async () => {
  const name = target(server, { empty: false });
  server.sql(
    name,
    `DELETE FROM app.events; CREATE SCHEMA extra; CREATE TABLE extra.t (id integer);
     CREATE FUNCTION public.f() RETURNS int LANGUAGE sql AS 'select 1'; DROP POLICY own_rows ON app.users`,
  );
  const before = dumpOf(server, name);
  clock.advance(5000);
  const report = await restore(server.url(name), { replace: true });
  expect(report.differences).toEqual([]);
  expect(dumpOf(server, name)).toBe(dumpOf(server, 'app'));
  const [source = '', id = ''] = (report.saved ?? '').split('/');
  expect((await listed(store)).map((one) => one.id)).toContain(id);
  const again = target();
  await restoreToService(
    engine,
    { source, id },
    {
      ...{ target: server.url(again), targetFrom: 'env:TARGET', parts: [] },
      ...{ replace: false, prepare: false, checks: [] },
    },
  );
  expect(dumpOf(server, again)).toBe(before);
});

test('names the roles that a server lacks, and makes them when told to', async () => {
  const name = target(other);
  const { code, message } = await failureOf(restore(other.url(name)));
  expect(code).toBe('TARGET_REFUSED');
  expect(message).toContain('app_owner, app_user, odd role; --');
  expect(other.sql('postgres', "SELECT count(*) FROM pg_roles WHERE rolname ~ 'app'")).toBe('0');
  const report = await restore(other.url(name), { prepare: true });
  expect(report.differences).toEqual([]);
  expect(report.notes.map(({ code }) => code)).toContain('created');
  expect(dumpOf(other, name)).toBe(dumpOf(server, 'app'));
});

test('restores one table with all that belongs to it', async () => {
  const name = target(server, { empty: false });
  const before = dumpOf(server, name);
  server.sql(name, 'DROP TABLE app.events CASCADE; DROP TABLE public.cache');
  const parts = ['app.events', 'app.events_2025', 'app.events_2026', 'cache'];
  await restore(server.url(name), { parts });
  expect(dumpOf(server, name)).toBe(before);
  expect(await codeOf(restore(server.url(name), { parts: ['cache'] }))).toBe('TARGET_REFUSED');
  expect(await codeOf(restore(server.url(name), { parts: ['nothing'] }))).toBe('BACKUP_NOT_FOUND');
});

test('a partitioned table takes its partitions along, those that a replacement drops too', async () => {
  const name = target(server, { empty: false });
  const before = dumpOf(server, name);
  server.sql(name, 'DELETE FROM app.events WHERE id % 3 = 0');
  clock.advance(5000);
  const report = await restore(server.url(name), { parts: ['app.events'], replace: true });
  expect(report.differences).toEqual([]);
  expect(dumpOf(server, name)).toBe(before);
});

test('refuses to replace a database by a backup of a part of it', async () => {
  clock.advance(5000);
  const options = postgresOptions(server.url('app'), { name: 'part', schemas: ['app'] });
  const part = await backUpNow(engine, postgresSource(options, MACHINE));
  const name = target(server, { empty: false });
  const error = await failureOf(
    restoreToService(engine, part, {
      ...{ target: server.url(name), targetFrom: 'env:TARGET', parts: [], checks: [] },
      ...{ replace: true, prepare: false },
    }),
  );
  expect(error.code).toBe('TARGET_REFUSED');
  expect(error.message).toContain('only a part of its database (schemas)');
  expect(server.sql(name, 'SELECT count(*) FROM public.cache')).toBe('1');
});

test('rolls everything back when the target does not take it', async () => {
  const name = target();
  // Policies come last in a dump; by then its rows and large objects are there.
  server.sql(
    name,
    `SET allow_system_table_mods = on;
     CREATE FUNCTION pg_catalog.refuse() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no policies here'; END $$;
     CREATE EVENT TRIGGER refuse ON ddl_command_start WHEN TAG IN ('CREATE POLICY') EXECUTE FUNCTION pg_catalog.refuse()`,
  );
  const error = await failureOf(restore(server.url(name)));
  expect(error.code).toBe('COMMAND_FAILED');
  expect(error.message).toContain('no policies here');
  expect(server.sql(name, "SELECT count(*) FROM pg_namespace WHERE nspname = 'app'")).toBe('0');
  expect(server.sql(name, 'SELECT count(*) FROM pg_largeobject_metadata')).toBe('0');
});

test('a target that cannot be reached is named without its password', async () => {
  const wrong = server.tcpUrl('app', 'postgres', `${PASSWORD}-wrong`);
  const error = await failureOf(restore(wrong));
  expect(error.code).toBe('COMMAND_FAILED');
  expect(error.message).toContain('password authentication failed');
  expect(error.hint).toContain('pg_hba.conf');
  expect(error.hint).not.toContain('IAM');
  expect(`${error.message}${error.stack ?? ''}${error.hint ?? ''}`).not.toContain(PASSWORD);
});
