// Servers and programs of two major versions: which may read which, and what is proven across them.
import { afterAll, beforeAll, expect } from '@jest/globals';
import { restoreTest } from '../../../../lib/engine/restore-test.ts';
import { restoreToService } from '../../../../lib/engine/restore/to-service.ts';
import { examinePostgres } from '../../../../lib/sources/postgres/examine.ts';
import type { Problem } from '../../../../lib/errors.ts';
import type { Machine } from '../../../../lib/sources/postgres/server/tools.ts';
import { asRoot } from '../../../support/as-root.ts';
import { DatabaseScene, failureOf } from '../../../support/databases.ts';
import { debian13 } from '../../../support/debian13.ts';
import {
  MACHINE,
  postgresOptions,
  startPostgres,
  type PostgresServer,
} from '../../../support/postgres.ts';

let older: PostgresServer;
let newer: PostgresServer;
let scene: DatabaseScene;
/** A machine that has the programs of both. */
let both: Machine;

beforeAll(async () => {
  [older, newer] = await Promise.all([
    startPostgres(),
    startPostgres({ programs: debian13().binaries }),
  ]);
  older.create('app');
  newer.create('app');
  scene = new DatabaseScene();
  both = {
    ...MACHINE,
    environment: { PATH: `${newer.binaries}:${MACHINE.environment['PATH'] ?? ''}` },
  };
});
afterAll(async () => {
  await Promise.all([older[Symbol.asyncDispose](), newer[Symbol.asyncDispose]()]);
});

asRoot('a server that is newer than pg_dump is refused, with the package to install', async () => {
  const url = newer.tcpUrl('app');
  const error = await failureOf(scene.backUp(url));
  expect(error.code).toBe('SOURCE_UNREADABLE');
  expect(error.message).toMatch(
    /the server is PostgreSQL 17\.\d+.*, pg_dump in .* is 15\.\d+: it must be 17 or newer/,
  );
  expect(error.hint).toContain('apt-get install postgresql-client-17');
  const looked = examinePostgres(postgresOptions(url), MACHINE);
  expect((await failureOf(looked)).message).toBe(error.message);
  expect(scene.stored).toEqual([]);
});

/** Memberships that another superuser has granted are told and decide nothing. */
const DECIDES = ({ tolerated }: Problem) => tolerated !== true;

asRoot('its own programs back it up, and a scratch server of its version proves it', async () => {
  const made = await scene.backUp(newer.tcpUrl('app'), { binaries: newer.binaries });
  expect(made.manifest.database?.serverVersion).toMatch(/^17\./);
  const { verdict, problems, facts } = await restoreTest(scene.under(both), made);
  expect([verdict, ...problems.filter(DECIDES)]).toEqual(['proven']);
  expect(facts['server']).toMatch(/^17\./);
});

asRoot('what newer programs write of an older server is proven on its own version', async () => {
  older.create('plain', { empty: true });
  older.sql(
    'plain',
    `CREATE TABLE t (id serial PRIMARY KEY, text text NOT NULL DEFAULT 'x', UNIQUE (id, text));
     INSERT INTO t (text) SELECT md5(i::text) FROM generate_series(1, 1000) i;
     CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
     CREATE TRIGGER f BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION f();
     ALTER TABLE t ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON t USING (id > 7); GRANT SELECT ON t TO app_user`,
  );
  const made = await scene.backUp(older.tcpUrl('plain'), { binaries: newer.binaries });
  expect(made.manifest.database?.serverVersion).toMatch(/^15\./);
  expect(made.manifest.database?.clientVersion).toMatch(/^17\./);
  const { verdict, problems, facts } = await restoreTest(scene.under(both), made);
  expect([verdict, ...problems.filter(DECIDES)]).toEqual(['proven']);
  expect(facts['server']).toMatch(/^15\./);
  expect(facts['client']).toMatch(/^17\./);
});

asRoot('views, which servers print each in their way, are noted and decide nothing', async () => {
  const made = await scene.backUp(older.tcpUrl('app'), { binaries: newer.binaries });
  const facts = made.manifest.database;
  if (facts === undefined) throw new Error('no facts');
  // As on a machine that has no server of the version that the database was on.
  const forged = await scene.forge(await scene.textOf(made), { ...facts, serverVersion: '16.14' });
  const { verdict, problems } = await restoreTest(scene.under(both), forged);
  expect([verdict, ...problems.filter(DECIDES)]).toEqual(['proven']);
  const noted = problems.map(({ path, code }) => `${code} ${path}`);
  expect(noted).toEqual(
    expect.arrayContaining([
      'printed-otherwise VIEW app.happy',
      'printed-otherwise MATERIALIZED VIEW app.moods',
    ]),
  );
});

asRoot('a dump of the older server goes to the newer one, and the facts are equal', async () => {
  const made = await scene.backUp(older.tcpUrl('app'));
  newer.create('from_older', { empty: true });
  const restored = await restoreToService(scene.engine, made, {
    ...{ target: newer.tcpUrl('from_older'), targetFrom: 'env:TARGET', parts: [] },
    ...{ replace: false, prepare: true, checks: ['SELECT count(*) = 500 FROM app.users'] },
  });
  expect(restored.differences).toEqual([]);
});

asRoot('what the older server cannot take of a newer dump is refused whole', async () => {
  newer.create('novel', { empty: true });
  newer.sql(
    'novel',
    `CREATE TABLE a (id integer); INSERT INTO a VALUES (1);
     CREATE TABLE b (id integer DEFAULT random(1, 10))`,
  );
  const made = await scene.backUp(newer.tcpUrl('novel'), { binaries: newer.binaries });
  older.create('stays_empty', { empty: true });
  older.sql('stays_empty', 'CREATE TABLE kept (id integer); INSERT INTO kept VALUES (7)');
  const restoring = restoreToService(scene.under(both), made, {
    ...{ target: older.tcpUrl('stays_empty'), targetFrom: 'env:TARGET', parts: [], checks: [] },
    ...{ replace: true, prepare: true },
  });
  const error = await failureOf(restoring);
  expect(error.message).toContain('random(integer, integer) does not exist');
  expect(error.hint).toMatch(/^Nothing was changed/);
  expect(older.sql('stays_empty', "SELECT to_regclass('a'), id FROM kept")).toBe('|7');
});

asRoot('a dump by a newer pg_dump notes at once that its own server may refuse it', async () => {
  older.create('plainly', { empty: true });
  older.sql('plainly', 'CREATE TABLE t (id integer); INSERT INTO t VALUES (7)');
  const made = await scene.backUp(older.tcpUrl('plainly'), { binaries: newer.binaries });
  const codes = made.manifest.problems.map(({ code }) => code);
  expect([made.manifest.status, ...codes]).toEqual(['complete', 'newer-client']);
  older.create('back_again', { empty: true });
  const { differences } = await restoreToService(scene.under(both), made, {
    ...{ target: older.tcpUrl('back_again'), targetFrom: 'env:TARGET', parts: [], checks: [] },
    ...{ replace: false, prepare: true },
  });
  expect(differences).toEqual([]);
  expect(older.sql('back_again', 'TABLE t')).toBe('7');
});

asRoot(
  'a dump of the newer server goes to the older one, without the settings that this does not know',
  async () => {
    newer.create('simple', { empty: true });
    newer.sql('simple', 'CREATE TABLE t (id integer PRIMARY KEY); INSERT INTO t VALUES (7)');
    const made = await scene.backUp(newer.tcpUrl('simple'), { binaries: newer.binaries });
    expect(await scene.textOf(made)).toContain('SET transaction_timeout = 0;');
    older.create('from_newer', { empty: true });
    const restored = await restoreToService(scene.under(both), made, {
      ...{ target: older.tcpUrl('from_newer'), targetFrom: 'env:TARGET', parts: [], checks: [] },
      ...{ replace: false, prepare: true },
    });
    expect(restored.differences).toEqual([]);
    expect(older.sql('from_newer', 'SELECT id FROM t')).toBe('7');
  },
);
