// What is asked of a database beside its dump: with no more locks than pg_dump takes, and times of any age.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { newestTexts } from '../../../../lib/cli/output/holds-text.ts';
import { restoreTest } from '../../../../lib/engine/restore-test.ts';
import { DatabaseScene } from '../../../support/databases.ts';
import { startPostgres, type PostgresServer } from '../../../support/postgres.ts';

let server: PostgresServer;
let scene: DatabaseScene;

beforeAll(async () => {
  // Room for some 800 locks.
  const settings = { max_locks_per_transaction: '16', max_connections: '20' };
  server = await startPostgres({ settings });
  scene = new DatabaseScene();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

test('more tables and indexes than the server has locks are backed up, when pg_dump can', async () => {
  server.create('many', { empty: true });
  for (let i = 0; i < 5; i++) {
    server.sql(
      'many',
      `DO $$ BEGIN FOR i IN 1..50 LOOP EXECUTE format('CREATE TABLE t${i}_%s (a int PRIMARY KEY, b int UNIQUE, c int UNIQUE, d int UNIQUE, e int UNIQUE)', i); END LOOP; END $$`,
    );
  }
  const { manifest } = await scene.backUp(server.url('many'));
  expect(Object.keys(manifest.database?.rows ?? {})).toHaveLength(250);
});

test('newest values of any age are recorded, and shown as people write them', async () => {
  server.create('ages', { empty: true });
  const values = {
    plain: "('2026-01-05 02:00:00.5+01')",
    never: "('infinity'), ('2026-01-01')",
    always: "('-infinity')",
    ides: "('0044-03-15 12:00:00+00 BC')",
    first: "('0001-06-01 00:00:00+00 BC')",
    early: "('0099-02-03 04:05:06+00')",
    far: "('12026-01-01 00:00:00+00')",
  };
  const tables = Object.entries(values).map(
    ([name, rows]) => `CREATE TABLE ${name} (at timestamptz); INSERT INTO ${name} VALUES ${rows};`,
  );
  server.sql('ages', `${tables.join(' ')} CREATE TABLE none (at date)`);
  const timestamps = [...Object.keys(values), 'none'].map((name) => `${name}.at`);
  const made = await scene.backUp(server.url('ages'), { timestamps });
  const { newest = {} } = made.manifest.database ?? {};
  expect(newest).toEqual({
    'plain.at': '2026-01-05T01:00:00.500Z',
    'never.at': 'infinity',
    'always.at': '-infinity',
    'ides.at': '-000043-03-15T12:00:00.000Z',
    'first.at': '0000-06-01T00:00:00.000Z',
    'early.at': '0099-02-03T04:05:06.000Z',
    'far.at': '+012026-01-01T00:00:00.000Z',
    'none.at': null,
  });
  expect(newestTexts({ newest })).toEqual([
    'plain.at 2026-01-05 01:00:00 UTC',
    'never.at infinity',
    'always.at -infinity',
    'ides.at 0044-03-15 12:00:00 UTC BC',
    'first.at 0001-06-01 00:00:00 UTC BC',
    'early.at 0099-02-03 04:05:06 UTC',
    'far.at 12026-01-01 00:00:00 UTC',
    'none.at none',
  ]);
  expect((await restoreTest(scene.engine, made, { checks: [] })).verdict).toBe('proven');
});
