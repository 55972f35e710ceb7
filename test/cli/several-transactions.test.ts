// A database that loads in several transactions only, on the command line: who looks at its backup is told, and who restores it may choose.
import fs from 'node:fs';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startPostgres, type PostgresServer } from '../support/postgres.ts';
import { makeSystem, type System } from '../support/system.ts';

let server: PostgresServer;
let system: System;

beforeAll(async () => {
  server = await startPostgres();
  server.create('app', { empty: true });
  // Whoever writes a row makes the rest of his transaction read-only.
  server.sql(
    'app',
    `CREATE FUNCTION public.seen(integer) RETURNS boolean LANGUAGE plpgsql AS
       $$ BEGIN PERFORM set_config('transaction_read_only', 'on', true); RETURN true; END $$;
     CREATE TABLE public.first (id integer CHECK (public.seen(id)));
     CREATE TABLE public.second (id integer CHECK (public.seen(id)));
     INSERT INTO public.first VALUES (1);
     INSERT INTO public.second VALUES (2)`,
  );
  system = makeSystem({ plant: (site) => fs.mkdirSync(site) });
  system.configure('  database:\n    kind: postgres\n    connection: env:DATABASE_URL');
  await text('backup', 'database');
  expect(await text('restore-test', 'database')).toContain('noted: several-transactions:');
}, 60_000);
afterAll(async () => {
  system[Symbol.dispose]();
  await server[Symbol.asyncDispose]();
});

function run(...args: string[]) {
  const env = { DATABASE_URL: server.url('app'), TARGET_URL: server.url('target'), TMPDIR: '/tmp' };
  return system.run(args, { env });
}

async function text(...args: string[]): Promise<string> {
  const { exit, stdout, stderr } = await run(...args);
  expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' });
  return stdout;
}

test('list, show and verify say it', async () => {
  const listed = await run('list');
  expect(listed.stdout).toMatch(/good, several transactions /);
  expect(listed.stdout + listed.stderr).toContain('--several-transactions');
  const json = JSON.parse(await text('list', '--json')) as { backups: object[] };
  expect(json.backups).toMatchObject([{ transactions: 'several' }]);
  expect(await text('show', 'database')).toMatch(
    /restored +in several transactions only \(--several-transactions\)/,
  );
  expect(await text('verify', 'database')).toContain('noted: it may load in several transactions');
});

test('restore refuses one transaction, and a dry run tells what several are', async () => {
  server.create('target', { empty: true });
  const to = ['restore', 'database', '--to', 'env:TARGET_URL'];
  const refused = await run(...to);
  expect(refused.exit).toBe(1);
  expect(refused.stderr).toContain('--several-transactions');
  const planned = await text(...to, '--several-transactions', '--dry-run');
  expect(planned).toMatch(/^would restore {2}database\//);
  expect(planned).toContain('in several transactions: what was done before a failure would stay');
  expect(server.sql('target', "SELECT to_regclass('public.first')")).toBe('');
  expect(await text(...to, '--several-transactions')).toContain('it holds what was recorded');
  expect(server.sql('target', 'TABLE first UNION ALL TABLE second')).toBe('1\n2');
});
