// The database that a restore goes to: what it has otherwise, how long it lets sessions take, who else is in it.
import { spawn } from 'node:child_process';
import path from 'node:path';
import process from 'node:process';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { BackupResult } from '../../../../lib/engine/backup.ts';
import {
  restoreToService,
  type ServiceRestoreOptions,
} from '../../../../lib/engine/restore/to-service.ts';
import { DatabaseScene, failureOf } from '../../../support/databases.ts';
import { startPostgres, type PostgresServer } from '../../../support/postgres.ts';

let server: PostgresServer;
let scene: DatabaseScene;
let made: BackupResult;
let databases = 0;

beforeAll(async () => {
  server = await startPostgres();
  scene = new DatabaseScene();
  server.sql(
    'postgres',
    "CREATE DATABASE app TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C' LOCALE_PROVIDER icu ICU_LOCALE 'sv'",
  );
  server.sql('app', "CREATE TABLE t AS SELECT 'ö' AS word");
  made = await scene.backUp(server.url('app'));
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

function target(sql = ''): string {
  const name = `target_${databases++}`;
  server.create(name, { empty: true });
  server.sql(name, sql);
  return name;
}

function restore(url: string, changes: Partial<ServiceRestoreOptions> = {}) {
  scene.clock.advance(5000);
  return restoreToService(scene.engine, made, {
    ...{ target: url, targetFrom: 'env:TARGET', parts: [], checks: [] },
    ...{ replace: false, prepare: false, ...changes },
  });
}

test('another encoding or locale is said, with SQL that makes a database like the first', async () => {
  server.sql(
    'postgres',
    "CREATE DATABASE plain TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'",
  );
  for (const dryRun of [true, false]) {
    const { notes } = await restore(server.url('plain'), { dryRun });
    expect(notes.map((one) => one.path)).toEqual(
      expect.arrayContaining(['setting encoding', 'setting locale', 'setting provider']),
    );
    expect(notes.at(-1)?.detail).toContain('restore to one made by CREATE DATABASE "plain"');
  }
});

test('a database that is not there is made by the SQL that the hint has', async () => {
  const { code, hint = '' } = await failureOf(restore(server.url('not "there')));
  expect(code).toBe('TARGET_REFUSED');
  server.sql('postgres', hint.slice(hint.indexOf('CREATE DATABASE')));
  const { notes, differences } = await restore(server.url('not "there'));
  expect([notes, differences]).toEqual([[], []]);
});

test('a role whose statements may take no time restores and compares all the same', async () => {
  const busy = Array.from({ length: 60 }, (_, i) => `CREATE TABLE t${i} (id int PRIMARY KEY);`);
  const name = target(busy.join(' '));
  server.sql(
    'postgres',
    "CREATE ROLE hasty LOGIN SUPERUSER; ALTER ROLE hasty SET statement_timeout = '40ms'; ALTER ROLE hasty SET idle_in_transaction_session_timeout = '40ms'",
  );
  const checks = ['SELECT pg_sleep(0.2) IS NOT NULL'];
  const { differences } = await restore(server.url(name, 'hasty'), { replace: true, checks });
  expect(differences).toEqual([]);
});

test('a database that takes no writes is refused', async () => {
  const name = target();
  server.sql('postgres', `ALTER DATABASE ${name} SET default_transaction_read_only = on`);
  const { code, message } = await failureOf(restore(server.url(name)));
  expect(code).toBe('TARGET_REFUSED');
  expect(message).toMatch(/takes no writes: default_transaction_read_only is on$/);
});

test('a session that is idle in a transaction is named, and nothing is saved or changed', async () => {
  const name = target('CREATE TABLE t AS SELECT 1 AS i');
  const idle = spawn(path.join(server.binaries, 'psql'), ['-X', '-q', server.url(name)], {
    env: { PATH: process.env['PATH'] },
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  try {
    idle.stdin.write('BEGIN; SELECT * FROM t;\n');
    const held = "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction'";
    while (server.sql('postgres', held) === '0')
      await new Promise((resolve) => setTimeout(resolve, 20));
    const stored = scene.stored.length;
    for (const parts of [[], ['t']]) {
      const { code, message, hint } = await failureOf(
        restore(server.url(name), { replace: true, parts }),
      );
      expect(code).toBe('TARGET_REFUSED');
      expect(message).toMatch(
        /process \d+ of postgres, idle in transaction since .*, on public\.t$/,
      );
      const [, pid] = /process (\d+)/.exec(message) ?? [];
      expect(hint).toContain(`pid IN (${pid ?? ''})`);
    }
    expect(scene.stored).toHaveLength(stored);
  } finally {
    idle.stdin.end();
    await new Promise((resolve) => idle.once('exit', resolve));
  }
  expect((await restore(server.url(name), { replace: true, parts: ['t'] })).differences).toEqual(
    [],
  );
});
