// Backups of a real database: dumped, proven, listed, restored to files, by hand and in a scratch server, and what differs is named.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import zlib from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Pool } from '../../../lib/archive/threads/pool.ts';
import type { BackupResult } from '../../../lib/engine/backup.ts';
import { openBackup } from '../../../lib/engine/catalog/backups.ts';
import type { Engine } from '../../../lib/engine/engine.ts';
import { restoreTest } from '../../../lib/engine/restore-test.ts';
import { verifyBackup } from '../../../lib/engine/verify.ts';
import type { Problem } from '../../../lib/errors.ts';
import { artifactOf } from '../../../lib/format/manifest.ts';
import { compareFacts } from '../../../lib/sources/postgres/proof/compare-facts.ts';
import { parseConnection } from '../../../lib/sources/postgres/server/connection.ts';
import { postgresKind } from '../../../lib/sources/postgres/kind.ts';
import { DatabaseSession } from '../../../lib/sources/postgres/server/session.ts';
import type { PostgresOptions } from '../../../lib/sources/postgres/dump/read.ts';
import { postgresSource } from '../../../lib/sources/postgres/source.ts';
import { findTools } from '../../../lib/sources/postgres/server/tools.ts';
import {
  backUpNow,
  Clock,
  ClockedStore,
  codeOf,
  engineOn,
  restoreTo,
} from '../../support/engine.ts';
import { judged } from '../../support/databases.ts';
import {
  MACHINE,
  PASSWORD,
  postgresOptions,
  startPostgres,
  type PostgresServer,
} from '../../support/postgres.ts';

let server: PostgresServer;
let store: ClockedStore;
let engine: Engine;
let made: BackupResult;
const root = fs.mkdtempSync(path.join(os.tmpdir(), 'holdfast-postgres-test-'));

const kind = postgresKind(MACHINE);
const clock = new Clock();

function backUp(url: string, changes: Partial<PostgresOptions> = {}): Promise<BackupResult> {
  clock.advance(1000);
  return backUpNow(engine, postgresSource(postgresOptions(url, changes), MACHINE));
}

beforeAll(async () => {
  server = await startPostgres();
  server.create('app');
  store = new ClockedStore(clock);
  engine = engineOn(store, clock, { kinds: new Map([['postgres', () => kind]]), scratch: '/tmp' });
  made = await backUp(server.tcpUrl('app'), { timestamps: ['app.users.created_at'] });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  fs.rmSync(root, { recursive: true, force: true });
});

async function stored(role: 'dump' | 'globals' | 'properties'): Promise<Buffer> {
  const { key, bytes } = artifactOf(made.manifest, role);
  return Buffer.from(await store.read(key, 0, bytes));
}

test('the dump is what pg_dump writes, as a plain .sql.gz', async () => {
  const { restrictKey = '' } = made.manifest.database ?? {};
  const args = [`--restrict-key=${restrictKey}`, '--dbname=app'];
  const direct = server.run('pg_dump', args);
  const file = path.join(root, 'dump.sql.gz');
  fs.writeFileSync(file, await stored('dump'));
  const unpacked = spawnSync('gunzip', ['-c', file], { maxBuffer: 1 << 30 });
  expect(unpacked.stdout.equals(direct)).toBe(true);
  expect(made.manifest.status).toBe('complete');
  expect(made.manifest.requires).toEqual(['database']);
});

test('facts of the same snapshot are in the manifest', () => {
  const facts = made.manifest.database;
  expect(facts?.rows['app.users']).toBe(500);
  expect(facts?.rows['app.events_2026']).toBe(1145);
  expect(facts?.sequences['app.tickets']).toEqual({ last: '1014', used: true });
  expect(facts?.sequences['app.unused']).toEqual({ last: '1', used: false });
  expect(facts?.counts).toMatchObject({ policies: 2, triggers: 1, functions: 3, largeObjects: 2 });
  expect(facts?.newest).toEqual({ 'app.users.created_at': '2026-01-01T08:20:00.000Z' });
  expect(Object.keys(facts?.extensions ?? {})).toContain('pg_trgm');
  expect(facts?.roles).toEqual(['app_owner', 'app_user', 'odd role; --', 'postgres']);
});

test('the roles of the server are backed up without their passwords', async () => {
  const text = zlib.gunzipSync(await stored('globals')).toString();
  expect(text).toContain('CREATE ROLE app_user;');
  expect(text).not.toMatch(/PASSWORD|SCRAM/);
});

test('the password is in nothing that is stored', () => {
  const all = [...store.objects.values()].map(({ bytes }) => {
    const text = Buffer.from(bytes);
    return text[0] === 0x1f ? zlib.gunzipSync(text).toString() : text.toString();
  });
  for (const text of all) {
    expect(text).not.toContain(PASSWORD);
    expect(text).not.toContain(encodeURIComponent(PASSWORD));
  }
});

test.each(['default', 'small', 'zstd', 'none'] as const)(
  'with compression %s it is proven, and restored to a folder byte for byte',
  async (compression) => {
    const backup = await backUp(server.url('app'), { compression });
    expect(await verifyBackup(engine, backup, 'digest')).toMatchObject({ verdict: 'proven' });
    expect(await verifyBackup(engine, backup, 'content')).toMatchObject({ verdict: 'proven' });
    const to = path.join(root, `folder-${compression}`);
    const report = await restoreTo(engine, backup, to);
    expect(report.differences).toEqual([]);
    expect(fs.readdirSync(to).sort()).toEqual(['dump.sql', 'globals.sql', 'properties.sql']);
    const { restrictKey = '' } = backup.manifest.database ?? {};
    const direct = server.run('pg_dump', [`--restrict-key=${restrictKey}`, '--dbname=app']);
    expect(fs.readFileSync(path.join(to, 'dump.sql')).equals(direct)).toBe(true);
  },
);

test('lists the objects of a dump, and restores some of them', async () => {
  const backup = await openBackup(engine, made.source, made.id);
  const paths: string[] = [];
  for await (const { path: one } of kind.list(backup, [])) paths.push(one);
  expect(paths).toEqual([...paths].sort());
  expect(paths).toContain('app/TABLE DATA/users');
  expect(paths).toContain('app/POLICY/users own_rows');
  const to = path.join(root, 'some');
  await restoreTo(engine, made, to, { paths: ['app/POLICY', 'app/TABLE DATA/users'] });
  const text = fs.readFileSync(path.join(to, 'dump.sql'), 'utf8');
  expect(text).toContain('CREATE POLICY own_rows');
  expect(text).toContain('user500@example.org');
  expect(text).not.toContain('CREATE TABLE');
  expect(await codeOf(restoreTo(engine, made, path.join(root, 'no'), { paths: ['app/X'] }))).toBe(
    'BACKUP_NOT_FOUND',
  );
});

test('the restore test proves it, and leaves nothing behind', async () => {
  const scratch = fs.mkdtempSync('/tmp/holdfast-own-');
  fs.chmodSync(scratch, 0o755);
  const result = await restoreTest({ ...engine, scratch }, made, {
    checks: ['SELECT count(*) = 500 FROM app.users', 'SELECT 1 FROM app.events LIMIT 1'],
  });
  expect(result.problems).toEqual([]);
  expect(result.verdict).toBe('proven');
  expect(result.facts['newest']).toMatchObject({ 'app.users.created_at': {} });
  // Others of this machine may have theirs beside it.
  expect(fs.readdirSync(scratch)).toEqual([]);
  fs.rmdirSync(scratch);
});

test('a check that does not hold is damage, and is named', async () => {
  const checks = ['SELECT count(*) = 501 FROM app.users', 'SELECT no FROM where_else'];
  const result = await restoreTest(engine, made, { checks });
  expect(result.verdict).toBe('damaged');
  expect(result.problems.map(({ path: one, code }) => [one, code])).toEqual([
    [checks[0], 'check'],
    [checks[1], 'check'],
  ]);
});

test('by hand, as `show` says, it is restored without Holdfast', async () => {
  const { restrictKey = '' } = made.manifest.database ?? {};
  const places = new Map<string, string>();
  for (const role of ['dump', 'globals', 'properties'] as const) {
    const file = path.join(root, `by-hand-${role}.sql.gz`);
    fs.writeFileSync(file, await stored(role));
    places.set(artifactOf(made.manifest, role).key, file);
  }
  const { check, restore } = kind.byHand(made.manifest, ({ key }) => places.get(key) ?? '');
  const script = ['set -e', ...check, ...restore].join('\n');
  // The roles are there already, so that CREATE ROLE fails, which ends nothing.
  const ended = spawnSync('bash', ['-c', script], {
    env: {
      PATH: process.env['PATH'],
      ...{ PGHOST: server.folder, PGPORT: String(server.port), PGUSER: 'postgres' },
    },
    encoding: 'utf8',
  });
  expect(ended.status).toBe(0);
  expect(ended.stdout).toContain('-- PostgreSQL database dump complete\n');
  expect(ended.stderr.replace(/.*already exists\n/g, '')).not.toContain('ERROR');
  const again = server.run('pg_dump', [`--restrict-key=${restrictKey}`, '--dbname=app_restored']);
  expect(again.equals(zlib.gunzipSync(await stored('dump')))).toBe(true);
});

describe('a restored database that was changed', () => {
  const CHANGES: readonly (readonly [string, string, string, RegExp])[] = [
    [
      'a row',
      "ALTER TABLE app.users DISABLE TRIGGER ALL; UPDATE app.users SET mood = 'sad' WHERE id = 17",
      'TABLE DATA app.users',
      /row 17 is missing/,
    ],
    [
      'a row that was deleted',
      'DELETE FROM app.events_2026 WHERE id = 1000',
      'TABLE DATA app.events_2026',
      /row 145 is missing/,
    ],
    [
      'a policy',
      'ALTER POLICY own_rows ON app.users USING (true)',
      'POLICY app.users own_rows',
      /USING/,
    ],
    ['a grant', 'GRANT DELETE ON app.users TO app_user', 'ACL app.TABLE users', /DELETE/],
    ['a sequence', "SELECT setval('app.tickets', 1007)", 'SEQUENCE SET app.tickets', /1014.*1007/],
    [
      'a function',
      "CREATE OR REPLACE FUNCTION app.quoting() RETURNS text LANGUAGE sql AS 'select ''x'''",
      'FUNCTION app.quoting()',
      /AS/,
    ],
    [
      'row security',
      'ALTER TABLE app.users DISABLE ROW LEVEL SECURITY',
      'ROW SECURITY app.users',
      /./,
    ],
    [
      'a table',
      'CREATE TABLE public.intruder (id integer)',
      'TABLE public.intruder',
      /does not have/,
    ],
    [
      'a trigger',
      'DROP TRIGGER touch ON app.users',
      'TRIGGER app.users touch',
      /the backup has it/,
    ],
    ['large objects', "SELECT lo_put(4711, 0, '\\x00')", 'BLOBS BLOBS', /bytes/],
  ];

  /** What the database `changed` holds otherwise than the backup. */
  async function differences(): Promise<readonly Problem[]> {
    const backup = await openBackup(engine, made.source, made.id);
    const work = { pool: engine.pool, signal: undefined, onProgress: undefined };
    const { damage } = await judged(backup, { server, database: 'changed', work });
    return damage;
  }

  beforeAll(async () => {
    server.create('restored', { empty: true });
    const args = ['-X', '-q', '-o', '/dev/null', '-v', 'ON_ERROR_STOP=1', '-d', 'restored'];
    server.run('psql', args, zlib.gunzipSync(await stored('dump')));
  });

  test.each([['nothing', 'SELECT 1', '', /^$/] as const, ...CHANGES])(
    '%s is found and named',
    async (_what, sql, title, detail) => {
      server.sql('postgres', 'CREATE DATABASE changed TEMPLATE restored');
      try {
        server.sql('changed', sql);
        const named = (await differences()).filter((one) => title === '' || one.path === title);
        expect(named.map((one) => one.detail).join('\n')).toMatch(detail);
      } finally {
        server.sql('postgres', 'DROP DATABASE changed');
      }
    },
  );

  test('facts tell it too, where they count it', async () => {
    server.create('counted');
    const backup = await openBackup(engine, made.source, made.id);
    const tools = await findTools(MACHINE);
    const connection = parseConnection(server.url('counted'), 'a test');
    const ask = async () => {
      await using session = new DatabaseSession({
        ...{ machine: MACHINE, tools, connection, signal: undefined },
        failure: 'RESTORE_DIFFERS',
      });
      const { problems } = await compareFacts(backup, session, { sameMajor: true });
      return problems.map(({ path: one, detail }) => `${one}: ${detail}`);
    };
    expect(await ask()).toEqual([]);
    server.sql(
      'counted',
      `DELETE FROM app.events WHERE id = 5; SELECT setval('app.tickets', 7);
       DROP POLICY everybody ON app.users; REVOKE SELECT ON app.users FROM app_user;
       DROP EXTENSION pgcrypto; UPDATE app.users SET created_at = '2027-01-01' WHERE id = 3`,
    );
    expect(await ask()).toEqual([
      'rows of app.events_2025: expected 855, found 854',
      'sequence app.tickets: expected last 1014, used true, found last 7, used true',
      'newest value of app.users.created_at: expected 2026-01-01T08:20:00.000Z, found 2027-01-01T00:00:00.000Z',
      'number of policies: expected 2, found 1',
      'number of grantsOnRelations: expected 2, found 1',
      'extension pgcrypto: it is missing',
    ]);
  });
});

test('threads give the same bytes', async () => {
  await using pool = new Pool();
  server.sql('postgres', 'CREATE DATABASE large');
  server.sql(
    'large',
    'CREATE TABLE t AS SELECT i, md5(i::text) || repeat(md5((i * 7)::text), 3) AS text FROM generate_series(1, 250000) i',
  );
  const backup = await backUpNow(
    { ...engine, pool },
    postgresSource(postgresOptions(server.url('large')), MACHINE),
    { at: new Date('2039-01-01T00:00:00.000Z') },
  );
  const { key, bytes } = artifactOf(backup.manifest, 'dump');
  const { restrictKey = '' } = backup.manifest.database ?? {};
  const direct = server.run('pg_dump', [`--restrict-key=${restrictKey}`, '--dbname=large']);
  expect(zlib.gunzipSync(await store.read(key, 0, bytes)).equals(direct)).toBe(true);
  const result = await restoreTest({ ...engine, pool }, backup);
  expect(result).toMatchObject({ verdict: 'proven', problems: [] });
});
