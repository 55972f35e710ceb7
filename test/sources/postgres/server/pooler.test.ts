// Databases behind pgbouncer: a pool that keeps sessions is as good as none; one that does not is refused before anything is set in it.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { restoreTest } from '../../../../lib/engine/restore-test.ts';
import { restoreToService } from '../../../../lib/engine/restore/to-service.ts';
import { examinePostgres } from '../../../../lib/sources/postgres/examine.ts';
import { DatabaseScene, failureOf } from '../../../support/databases.ts';
import { startPooler, type Pooler } from '../../../support/pgbouncer.ts';
import {
  MACHINE,
  postgresOptions,
  startPostgres,
  type PostgresServer,
} from '../../../support/postgres.ts';

let server: PostgresServer;
let sessions: Pooler;
let transactions: Pooler;
let statements: Pooler;
let scene: DatabaseScene;

beforeAll(async () => {
  server = await startPostgres({ settings: { timezone: 'Asia/Tokyo', bytea_output: 'escape' } });
  server.create('app');
  [sessions, transactions, statements] = await Promise.all([
    startPooler(server, 'session'),
    startPooler(server, 'transaction'),
    startPooler(server, 'statement'),
  ]);
  scene = new DatabaseScene();
});
afterAll(async () => {
  const all = [sessions, transactions, statements, server];
  for (const one of all) await one[Symbol.asyncDispose]();
});

test('through a pool of sessions it is backed up under the same settings, proven, and restored', async () => {
  const made = await scene.backUp(sessions.url('app'));
  expect(made.manifest.database?.settings).toMatchObject({
    'session.TimeZone': 'UTC',
    'session.bytea_output': 'escape',
  });
  const { verdict, problems } = await restoreTest(scene.engine, made);
  expect([verdict, ...problems.filter(({ tolerated }) => tolerated !== true)]).toEqual(['proven']);
  server.create('restored', { empty: true });
  const { differences } = await restoreToService(scene.engine, made, {
    ...{ target: sessions.url('restored'), targetFrom: 'env:TARGET', parts: [], checks: [] },
    ...{ replace: false, prepare: true },
  });
  expect(differences).toEqual([]);
}, 60_000);

test.each([
  [
    'Supabase',
    'postgres://postgres.projectref:p%40ss@127.0.0.1:PORT/app?supa=base-pooler.x&pgbouncer=false',
  ],
  [
    'Neon',
    'postgres://neondb_owner:p%40ss@ep-cool-lake-1.c-2.eu-central-1.aws.neon.tech:PORT/app?hostaddr=127.0.0.1&sslmode=prefer&channel_binding=prefer',
  ],
])('the URL that %s shows is taken as it is, where it leads to a session', async (_, url) => {
  const { port } = new URL(sessions.url('app'));
  const { manifest } = await scene.backUp(url.replace('PORT', port));
  expect(manifest.problems.filter(({ tolerated }) => tolerated !== true)).toEqual([]);
});

test('a pool of transactions is refused with the way out, and is left as it was', async () => {
  const url = transactions.url('app');
  const error = await failureOf(scene.backUp(url));
  expect(error.code).toBe('CONFIG_INVALID');
  expect(error.message).toContain('does not keep sessions');
  expect(error.hint).toContain('pool_mode = session');
  expect((await failureOf(examinePostgres(postgresOptions(url), MACHINE))).code).toBe(
    'CONFIG_INVALID',
  );
  const made = await scene.backUp(server.url('app'));
  server.create('not_filled', { empty: true });
  const restoring = restoreToService(scene.engine, made, {
    ...{ target: transactions.url('not_filled'), targetFrom: 'env:TARGET', parts: [], checks: [] },
    ...{ replace: false, prepare: true },
  });
  expect((await failureOf(restoring)).message).toContain('the connection in env:TARGET leads to');
  // Whoever gets the same server next finds his own settings.
  const shown = server.run('psql', ['-X', '-A', '-t', '-c', 'SHOW search_path', url]).toString();
  expect(shown).toBe('"$user", public\n');
});

test('a pool of statements is refused with the way out', async () => {
  const error = await failureOf(scene.backUp(statements.url('app')));
  expect(error.message).toContain('statement pooling');
  expect(error.hint).toContain('a pool in session mode');
});

test('what a pooler refuses of a connection is named', async () => {
  const error = await failureOf(scene.backUp(`${sessions.url('app')}?options=-c%20work_mem%3D64`));
  expect(error.hint).toContain('ignore_startup_parameters');
});
