// A database under the command line: backed up, proven, listed, restored, and its password nowhere.
import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { parseConnection } from '../../lib/sources/postgres/server/connection.ts';
import { DatabaseSession } from '../../lib/sources/postgres/server/session.ts';
import { findTools } from '../../lib/sources/postgres/server/tools.ts';
import { MACHINE, PASSWORD, startPostgres, type PostgresServer } from '../support/postgres.ts';
import { makeSystem, type Ended, type System } from '../support/system.ts';

let server: PostgresServer;
let system: System;
let env: Record<string, string>;

const CONFIGURATION = [
  '  database:',
  '    kind: postgres',
  '    connection: env:DATABASE_URL',
  '    schedule: 0 2 * * *',
  '    rpo: 24h',
  '    timestamps: [app.users.created_at]',
  "    checks: ['SELECT count(*) = 500 FROM app.users']",
].join('\n');

beforeAll(async () => {
  server = await startPostgres();
  server.create('app');
  system = makeSystem({
    plant: (site) => {
      fs.mkdirSync(site);
      fs.writeFileSync(path.join(site, 'index.html'), 'hello');
    },
  });
  system.configure(CONFIGURATION);
  env = { DATABASE_URL: server.tcpUrl('app'), TMPDIR: '/tmp' };
});
afterAll(async () => {
  system[Symbol.dispose]();
  await server[Symbol.asyncDispose]();
});

async function run(args: readonly string[], more: Record<string, string> = {}): Promise<Ended> {
  const ended = await system.run(args, { env: { ...env, ...more } });
  for (const text of [ended.stdout, ended.stderr]) {
    expect(text).not.toContain(PASSWORD);
    expect(text).not.toContain(encodeURIComponent(PASSWORD));
  }
  return ended;
}

async function done(args: readonly string[], more: Record<string, string> = {}): Promise<string> {
  const { exit, stdout, stderr } = await run(args, more);
  expect({ exit, stderr }).toEqual({ exit: 0, stderr });
  return stdout;
}

function dump(database: string): string {
  return server.run('pg_dump', ['--restrict-key=x', `--dbname=${database}`]).toString();
}

test('the doctor looks at the database and finds all well', async () => {
  const { stdout } = await run(['doctor']);
  expect(stdout).toMatch(/database: postgres@127\.0\.0\.1:\d+\/app, PostgreSQL \d+/);
  expect(stdout).toContain('read as postgres by pg_dump');
  expect(stdout).toContain('sha256sum, openssl, gunzip, createdb, psql\n');
  expect(stdout).toMatch(/free for the store, a backup of all sources takes more than \d/);
});

test('backup, verify, list, show and a restore test', async () => {
  const backup = await done(['backup', 'database', '--at', '2026-01-05T02:00:00Z']);
  expect(backup).toContain('20260105T020000000Z-manual');
  expect(await done(['verify', 'database'])).toContain('proven');
  expect(await done(['list', 'database'])).toContain('20260105T020000000Z-manual');
  const shown = await done(['show', 'database/latest', '--all']);
  expect(shown).toContain('app/POLICY/users own_rows');
  expect(shown).toContain('psql -X -q -1 -v ON_ERROR_STOP=1 -o /dev/null -d app_restored\n');
  const tested = await done(['restore-test', 'database', '--json']);
  const { backups } = JSON.parse(tested) as { backups: { verdict: string; facts: object }[] };
  expect(backups[0]).toMatchObject({
    verdict: 'proven',
    facts: { checks: [{ passed: true }], newest: { 'app.users.created_at': {} } },
  });
});

test('restores to a database named by a variable, and says that it is the same', async () => {
  server.create('restored', { empty: true });
  const said = await done(['restore', 'database/latest', '--to', 'env:TARGET_URL'], {
    TARGET_URL: server.tcpUrl('restored'),
  });
  expect(said).toMatch(/ {2}it holds what was recorded when it was backed up\n/);
  expect(dump('restored')).toBe(dump('app'));
});

test('what was left by choice is not said to be there', async () => {
  server.create('bare', { empty: true });
  const args = ['restore', 'database/latest', '--to', 'env:TARGET_URL', '--no-owner'];
  const said = await done([...args, '--no-privileges'], { TARGET_URL: server.tcpUrl('bare') });
  expect(said).toMatch(/it holds what was recorded .*, but for owners, privileges\n/);
});

test('refuses to restore over what is there, and does so when told', async () => {
  server.create('live');
  server.sql('live', 'DELETE FROM app.events');
  const more = { TARGET_URL: server.tcpUrl('live') };
  const refused = await run(['restore', 'database/latest', '--to', 'env:TARGET_URL'], more);
  expect(refused.exit).toBe(1);
  expect(refused.stderr).toContain('not empty');
  const args = ['restore', 'database/latest', '--to', 'env:TARGET_URL', '--replace'];
  expect(await done(args, more)).toMatch(/what was there: database\/\d+T\d+Z-safety/);
  expect(dump('live')).toBe(dump('app'));
});

test('what was replaced is kept, is nobody’s latest, and counts for nothing', async () => {
  const { backups } = JSON.parse(await done(['list', 'database', '--json'])) as {
    backups: { id: string; standing: string; good: boolean }[];
  };
  const saved = backups.find(({ id }) => id.endsWith('-safety'));
  expect(saved).toMatchObject({ standing: 'safety', good: false });
  expect(await done(['show', 'database/latest'])).toContain('20260105T020000000Z-manual');
});

test('restores one table', async () => {
  server.sql('postgres', 'CREATE DATABASE one_table TEMPLATE app');
  server.sql('one_table', 'DROP TABLE public.cache');
  await done(['restore', 'database/latest', '--to', 'env:TARGET_URL', '--table', 'public.cache'], {
    TARGET_URL: server.tcpUrl('one_table'),
  });
  expect(dump('one_table')).toBe(dump('app'));
});

test('a password on the command line is refused', async () => {
  const url = server.tcpUrl('app', 'postgres', 'on-the-command-line');
  const { exit, stderr } = await run(['restore', 'database/latest', '--to', url]);
  expect(exit).toBe(2);
  expect(stderr).toContain('--to env:NAME');
  expect(stderr).not.toContain('on-the-command-line');
});

test('a transaction pooler is refused with the address of the session pooler', async () => {
  const url = 'postgres://postgres.abc:pw@aws-0-eu-central-1.pooler.supabase.com:6543/postgres';
  const { exit, stderr } = await run(['backup', 'database'], { DATABASE_URL: url });
  expect(exit).toBe(2);
  expect(stderr).toContain('port 6543, a transaction pooler');
  expect(stderr).toContain('port 5432 instead of 6543');
});

test('the password is in no argument of a process while a dump runs', async () => {
  // The dump waits for this table until it has been seen.
  const locker = new DatabaseSession({
    machine: MACHINE,
    tools: await findTools(MACHINE),
    connection: parseConnection(server.url('app'), 'a test'),
    signal: undefined,
    failure: 'COMMAND_FAILED',
  });
  await locker.ask('BEGIN; LOCK TABLE app.users IN ACCESS EXCLUSIVE MODE');
  const seen: string[] = [];
  const running = system.start(['backup', 'database', '--at', '2026-01-06T02:00:00Z'], { env });
  while (!seen.some((line) => line.includes('pg_dump\0--format=plain'))) {
    expect(running.child.exitCode).toBe(null);
    seen.push(...commandLines());
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await locker.close();
  const timer = setInterval(() => seen.push(...commandLines()), 5);
  const { exit } = await running.ended;
  clearInterval(timer);
  expect(exit).toBe(0);
  expect(seen.filter((line) => line.includes(PASSWORD))).toEqual([]);
  expect(seen.filter((line) => line.includes(encodeURIComponent(PASSWORD)))).toEqual([]);
});

test('nothing in the store holds the password', () => {
  const files = fs.readdirSync(system.folder, { recursive: true, encoding: 'utf8' });
  let looked = 0;
  for (const name of files) {
    const file = path.join(system.folder, name);
    if (!fs.statSync(file).isFile()) continue;
    const bytes = fs.readFileSync(file);
    const text = (bytes[0] === 0x1f ? zlib.gunzipSync(bytes) : bytes).toString();
    expect(text).not.toContain(PASSWORD);
    looked++;
  }
  expect(looked).toBeGreaterThan(5);
});

test('killed during a restore, it leaves the target as it was', async () => {
  server.create('large');
  server.sql(
    'large',
    "CREATE TABLE t AS SELECT i, md5(i::text) || repeat('x', 300) FROM generate_series(1, 300000) i",
  );
  const source = { DATABASE_URL: server.tcpUrl('large') };
  await done(['backup', 'database', '--at', '2026-01-07T02:00:00Z'], source);
  server.create('killed', { empty: true });
  server.sql('killed', 'CREATE TABLE t (precious integer); INSERT INTO t VALUES (1)');
  const args = ['restore', 'database/20260107T020000000Z-manual', '--to', 'env:TARGET_URL'];
  const running = system.start([...args, '--replace'], {
    env: { ...env, TARGET_URL: server.tcpUrl('killed') },
  });
  const loading = (what: string) =>
    server.sql(
      'postgres',
      `SELECT count(*) FROM pg_stat_activity WHERE datname = 'killed' ${what}`,
    );
  while (loading("AND query LIKE 'COPY public.t%FROM stdin%'") === '0') {
    expect(running.child.exitCode).toBe(null);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  running.child.kill('SIGKILL');
  while (loading('') !== '0') await new Promise((resolve) => setTimeout(resolve, 20));
  expect(server.sql('killed', 'SELECT precious FROM t')).toBe('1');
});

test('killed during a restore test, it leaves neither server nor folder', async () => {
  const TMPDIR = fs.mkdtempSync('/tmp/holdfast-killed-');
  // The server runs as another user, who has to reach its folder.
  fs.chmodSync(TMPDIR, 0o1777);
  const running = system.start(['restore-test', 'database'], { env: { ...env, TMPDIR } });
  const mine = () => fs.readdirSync(TMPDIR).filter((one) => one.startsWith('holdfast-scratch-'));
  while (!mine().some((one) => fs.existsSync(path.join(TMPDIR, one, 'data/postmaster.pid')))) {
    expect(running.child.exitCode).toBe(null);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const [folder = ''] = mine();
  running.child.kill('SIGKILL');
  const served = () => commandLines().filter((line) => line.includes(folder));
  for (let waited = 0; mine().length + served().length > 0 && waited < 20_000; waited += 50) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  expect(mine()).toEqual([]);
  expect(served()).toEqual([]);
  fs.rmSync(TMPDIR, { recursive: true });
});

/** What every process of this machine was started with. */
function commandLines(): string[] {
  const lines: string[] = [];
  for (const pid of fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      lines.push(fs.readFileSync(`/proc/${pid}/cmdline`, 'latin1'));
    } catch (error) {
      // It has ended since it was listed.
      if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    }
  }
  return lines;
}
