// A database as RDS gives it: whoever is in charge is no superuser, and what belongs to RDS is out of reach.
import zlib from 'node:zlib';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { restoreTest } from '../../../lib/engine/restore-test.ts';
import { restoreToService } from '../../../lib/engine/restore/to-service.ts';
import type { BackupResult } from '../../../lib/engine/backup.ts';
import { artifactOf } from '../../../lib/format/manifest.ts';
import { DatabaseScene } from '../../support/databases.ts';
import { startPostgres, type PostgresServer } from '../../support/postgres.ts';

let server: PostgresServer;
let scene: DatabaseScene;
let made: BackupResult;

beforeAll(async () => {
  server = await startPostgres();
  scene = new DatabaseScene();
  server.sql(
    'postgres',
    `CREATE ROLE rdsadmin SUPERUSER; CREATE ROLE rds_superuser; CREATE ROLE rds_iam; CREATE ROLE rds_password; CREATE ROLE rds_replication;
     GRANT pg_monitor, pg_signal_backend, pg_checkpoint, rds_password, rds_replication TO rds_superuser WITH ADMIN OPTION;
     CREATE ROLE master LOGIN CREATEDB CREATEROLE; GRANT rds_superuser TO master;
     ALTER ROLE rdsadmin SET search_path = ''; ALTER ROLE rdsadmin PASSWORD 'not/for-anybody';
     CREATE DATABASE rdsadmin OWNER rdsadmin; REVOKE ALL ON DATABASE rdsadmin FROM PUBLIC`,
  );
  asMaster(
    'postgres',
    "CREATE ROLE app_owner LOGIN PASSWORD 'app/owner'; GRANT app_owner TO master; CREATE DATABASE app OWNER master",
  );
  // What RDS has to install for its customer belongs to nobody else.
  server.sql('app', 'CREATE EXTENSION pg_stat_statements');
  asMaster(
    'app',
    `CREATE EXTENSION pgcrypto; CREATE EXTENSION citext; CREATE SCHEMA shop AUTHORIZATION app_owner;
     SET ROLE app_owner; CREATE TABLE shop.orders (id serial PRIMARY KEY, mail citext, total money, at timestamptz DEFAULT '2026-01-01');
     INSERT INTO shop.orders (mail, total) SELECT 'u' || i, i::money FROM generate_series(1, 100) i;
     CREATE VIEW shop.totals AS SELECT sum(total) FROM shop.orders; GRANT SELECT ON shop.orders TO master; RESET ROLE;
     CREATE TABLE public.settings (name text PRIMARY KEY, value text); INSERT INTO public.settings VALUES ('a', 'b');
     SELECT lo_from_bytea(4711, 'of the master')`,
  );
  made = await scene.backUp(server.url('app', 'master'));
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

function asMaster(database: string, sql: string): void {
  server.run('psql', ['-X', '-q', '-v', 'ON_ERROR_STOP=1', '-U', 'master', '-d', database], sql);
}

test('is backed up whole, roles included, without what nobody but RDS may read', async () => {
  expect(made.manifest.problems.filter(({ tolerated }) => tolerated !== true)).toEqual([]);
  expect(made.manifest.database?.rows).toEqual({ 'public.settings': 1, 'shop.orders': 100 });
  const { key, bytes } = artifactOf(made.manifest, 'globals');
  const globals = zlib.gunzipSync(await scene.store.read(key, 0, bytes)).toString();
  expect(globals).toContain('CREATE ROLE rds_superuser');
  expect(globals).not.toMatch(/PASSWORD '/);
});

test('is proven by a restore test', async () => {
  const { verdict, problems } = await restoreTest(scene.engine, made);
  expect([verdict, ...problems]).toEqual(['proven']);
});

test('is restored by the same role to a database of the same server', async () => {
  asMaster('postgres', 'CREATE DATABASE restored');
  // RDS lets its customer make it; elsewhere it takes a superuser.
  server.sql('restored', 'CREATE EXTENSION pg_stat_statements');
  const { differences, notes } = await restoreToService(scene.engine, made, {
    ...{
      target: server.url('restored', 'master'),
      targetFrom: 'env:TARGET',
      parts: [],
      checks: [],
    },
    ...{ replace: false, prepare: true },
  });
  expect({ differences, notes }).toEqual({ differences: [], notes: [] });
});
