// A backup that was found damaged is restored only on request, whatever its kind and wherever it goes to.
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startPostgres, type PostgresServer } from '../support/postgres.ts';
import { makeSystem, type Ended, type System } from '../support/system.ts';

let server: PostgresServer;
let system: System;
/** By source. */
const good: Record<string, string> = {};
const damaged: Record<string, string> = {};

beforeAll(async () => {
  server = await startPostgres();
  server.create('app', { empty: true });
  server.sql('app', 'CREATE TABLE t AS SELECT 1 AS i');
  system = makeSystem({
    plant: (site) => {
      fs.mkdirSync(site);
      fs.writeFileSync(path.join(site, 'page'), 'words');
    },
  });
  system.configure('  database:\n    kind: postgres\n    connection: env:DATABASE_URL');
  for (const source of ['site', 'database']) {
    good[source] = await backUp(source);
    damaged[source] = await backUp(source);
    await findDamaged(source, damaged[source]);
  }
});
afterAll(async () => {
  system[Symbol.dispose]();
  await server[Symbol.asyncDispose]();
});

function run(...args: string[]): Promise<Ended> {
  const env = {
    DATABASE_URL: server.url('app'),
    TARGET_URL: server.url('target'),
    TMPDIR: '/tmp',
  };
  return system.run(args, { env });
}

async function backUp(source: string): Promise<string> {
  const { stdout } = await run('backup', source, '--json');
  const { sources } = JSON.parse(stdout) as { sources: { id: string }[] };
  return sources[0]?.id ?? '';
}

/** A disk that gave other bytes once: what was found counts, though all is well again. */
async function findDamaged(source: string, id: string): Promise<void> {
  const folder = path.join(system.folder, 'backups', source, id);
  const name = fs.readdirSync(folder).find((one) => /^(archive|dump)-/.test(one)) ?? '';
  const file = path.join(folder, name);
  const bytes = fs.readFileSync(file);
  const broken = Buffer.from(bytes);
  broken[bytes.length - 20] = (broken[bytes.length - 20] ?? 0) ^ 0xff;
  fs.rmSync(file);
  fs.writeFileSync(file, broken);
  expect((await run('verify', `${source}/${id}`)).exit).toBe(4);
  fs.rmSync(file);
  fs.writeFileSync(file, bytes);
}

function expectRefused({ exit, stderr }: Ended, source: string): void {
  expect(exit).toBe(4);
  expect(stderr).toMatch(
    new RegExp(
      `the backup ${source}/${damaged[source] ?? ''} is known to be damaged \\(found damaged by verify`,
    ),
  );
  const other = `${source}/${good[source] ?? ''}, which is older`;
  // A database has nothing to be repaired from.
  expect(stderr).toContain(
    source === 'site'
      ? `First try \`holdfast repair site/${damaged[source] ?? ''}\`: it takes what is damaged from other backups. Or restore the newest good one, ${other}`
      : `The newest good backup is ${other}`,
  );
  expect(stderr).toContain('--allow-damaged');
}

test('files are restored from a damaged backup only on request', async () => {
  const to = path.join(system.root, 'restored');
  expectRefused(await run('restore', 'site', '--to', to), 'site');
  expectRefused(await run('restore', `site/${damaged['site'] ?? ''}`, 'page', '--to', to), 'site');
  expectRefused(await run('restore', 'site/latest', '--in-place'), 'site');
  expect(fs.existsSync(to)).toBe(false);
  expect((await run('restore', 'site', '--to', to, '--allow-damaged')).exit).toBe(0);
  expect((await run('restore', 'site', '--to', `${to}-2`, '--skip-damaged')).exit).toBe(0);
  expect((await run('restore', `site/${good['site'] ?? ''}`, '--to', `${to}-3`)).exit).toBe(0);
});

test('a database is restored from a damaged backup only on request, whole, by table or as files', async () => {
  server.create('target', { empty: true });
  const to = path.join(system.root, 'dump');
  expectRefused(await run('restore', 'database', '--to', 'env:TARGET_URL'), 'database');
  const table = ['--table', 'public.t'];
  expectRefused(await run('restore', 'database', '--to', 'env:TARGET_URL', ...table), 'database');
  expectRefused(await run('restore', 'database', '--to', to), 'database');
  expect(server.sql('target', "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")).toBe(
    '0',
  );
  const asked = ['restore', 'database', '--to', 'env:TARGET_URL', '--allow-damaged'];
  expect(await run(...asked)).toMatchObject({ exit: 0 });
  expect(server.sql('target', 'SELECT i FROM t')).toBe('1');
});

test('without a good backup, the way out is another one', async () => {
  const folder = path.join(system.folder, 'backups/site', good['site'] ?? '');
  fs.renameSync(folder, `${system.root}/away`);
  const { exit, stderr } = await run('restore', 'site', '--to', path.join(system.root, 'none'));
  fs.renameSync(`${system.root}/away`, folder);
  expect(exit).toBe(4);
  expect(stderr).toContain('First try `holdfast repair site/');
  expect(stderr).toContain('No backup of site is good.');
});

test('whoever names no target is told how this kind of backup is restored', async () => {
  const database = await run('restore', `database/${good['database'] ?? ''}`);
  expect(database).toMatchObject({ exit: 2 });
  expect(database.stderr).toMatch(
    /Pass --to env:NAME, where the variable NAME holds the URL of an empty database/,
  );
  const over = await run('restore', `database/${good['database'] ?? ''}`, '--in-place');
  expect(over).toMatchObject({ exit: 2 });
  expect(over.stderr).toMatch(/Pass --to env:NAME/);
  const files = await run('restore', `site/${good['site'] ?? ''}`);
  expect(files).toMatchObject({ exit: 2 });
  expect(files.stderr).toMatch(/Pass --to FOLDER, which must not exist yet, or --in-place/);
});
