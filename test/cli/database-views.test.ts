// A database under the commands that look: rows and tables, the server, what changed between two backups, and what looks odd.
import fs from 'node:fs';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startPostgres, type PostgresServer } from '../support/postgres.ts';
import { makeSystem, type Ended, type System } from '../support/system.ts';

let server: PostgresServer;
let system: System;
let before: string;
let after: string;

beforeAll(async () => {
  server = await startPostgres();
  server.create('app');
  system = makeSystem({ plant: (site) => fs.mkdirSync(site) });
  system.configure(
    [
      ...['  database:', '    kind: postgres', '    connection: env:DATABASE_URL'],
      ...['    timestamps: [app.users.created_at]', '    dropPercent: 70'],
    ].join('\n'),
  );
  before = await backUp();
  // Of 1,145 rows none is left, of 855 more than 70 % are gone, of 500 fewer.
  server.sql(
    'app',
    `DELETE FROM app.events WHERE at > '2025-08-01'; DELETE FROM app.users WHERE id > 180;
     DROP POLICY everybody ON app.users; ALTER POLICY own_rows ON app.users USING (true);
     DROP TABLE public.cache; CREATE TABLE public.fresh AS SELECT i FROM generate_series(1, 30) i`,
  );
  after = await backUp();
});
afterAll(async () => {
  system[Symbol.dispose]();
  await server[Symbol.asyncDispose]();
});

function run(...args: string[]): Promise<Ended> {
  return system.run(args, { env: { DATABASE_URL: server.url('app'), TMPDIR: '/tmp' } });
}

async function text(...args: string[]): Promise<string> {
  const { exit, stdout, stderr } = await run(...args);
  expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' });
  return stdout;
}

async function json(...args: string[]): Promise<Record<string, unknown>> {
  return JSON.parse(await text(...args, '--json')) as Record<string, unknown>;
}

async function backUp(): Promise<string> {
  const { sources } = (await json('backup', 'database')) as { sources: { id: string }[] };
  return sources[0]?.id ?? '';
}

test('list tells tables, rows and the server', async () => {
  const stdout = await text('list', 'database');
  expect(stdout).toMatch(/good +9 tables, 2,512 rows .* PostgreSQL \d+\.\d+\n/);
  const { backups } = await json('list', 'database');
  expect(backups).toMatchObject([
    { id: before, database: { tables: 9, rows: 2512 } },
    {
      id: after,
      database: {
        tables: 9,
        rows: 400,
        newest: { 'app.users.created_at': '2026-01-01T03:00:00.000Z' },
      },
    },
  ]);
});

test('show tells the server, the newest values, and the rows of each table', async () => {
  const stdout = await text('show', 'database');
  expect(stdout).toMatch(/content +9 tables, 400 rows in \d+ objects/);
  expect(stdout).toMatch(/database +app, PostgreSQL \d+\.\d+, by pg_dump \d+\.\d+/);
  expect(stdout).toMatch(/newest value +app\.users\.created_at 2026-01-01 03:00:00 UTC/);
  expect(stdout).toMatch(/ {2}app\.events_2025 +179 rows\n/);
  expect(stdout).toMatch(/app\/ {2}\d+ objects, 359 rows\n/);
  expect(stdout).toMatch(
    / {2}createdb --template=template0 \S+ --locale=C\.UTF-8 app_restored &&\n/,
  );
  expect(stdout).not.toMatch(/\d files?\b/);
  expect(await text('show', 'database', 'app/TABLE DATA')).toMatch(/users {2}180 rows\n/);
});

test('diff tells the rows that tables gained and lost, and the objects that came, went and changed', async () => {
  const names = [`database/${before}`, `database/${after}`];
  const stdout = await text('diff', ...names);
  expect(stdout).toMatch(/^- .*app\/POLICY\/users everybody$/m);
  expect(stdout).toMatch(/^~ .*app\/POLICY\/users own_rows {2}\(content\)$/m);
  expect(stdout).toMatch(/^~ .*app\/TABLE DATA\/users {2}\(320 rows fewer: 500 → 180\)$/m);
  expect(stdout).toMatch(/^\+ .*public\/TABLE DATA\/fresh {2}\(30 rows\)$/m);
  expect(stdout).toMatch(/2 objects added .*; 2,512 → 400 rows: 30 gained, 2,142 lost\n$/);
  const document = await json('diff', ...names);
  expect(document).toMatchObject({
    equal: false,
    totals: { rows: { before: 2512, after: 400, gained: 30, lost: 2142 } },
  });
  expect(document['changes']).toContainEqual({
    ...{ path: 'public/TABLE DATA/cache', change: 'removed', details: [] },
    ...{ bytesBefore: 128, rowsBefore: 1 },
  });
});

test('a database that did not change is equal to itself, though its dumps are not', async () => {
  const again = await backUp();
  const document = await json('diff', `database/${after}`, `database/${again}`);
  expect(document).toMatchObject({ equal: true, changes: [], totals: { rows: { lost: 0 } } });
  expect(await text('diff', `database/${after}`, `database/${again}`)).toContain(
    '400 rows in both',
  );
});

test('diff --live says what to do instead', async () => {
  const { exit, stderr } = await run('diff', `database/${before}`, '--live');
  expect(exit).toBe(2);
  expect(stderr).toContain('database is a source of kind postgres');
  expect(stderr).toContain(`holdfast backup database, then holdfast diff database/${before}`);
});

test('rows that are gone beyond the configured share are noted by table, and status says so', async () => {
  const noted = (await text('show', `database/${after}`)).match(/noted: .*/g);
  expect(noted).toEqual([
    'noted: anomaly-dropped: 84 % fewer rows: 400 after 2512',
    'noted: app.events_2026: anomaly-empty: no rows, where there were 1145',
    'noted: app.events_2025: anomaly-dropped: 79 % fewer rows: 179 after 855',
  ]);
  server.sql('app', 'DELETE FROM app.users');
  await backUp();
  const status = await text('status', 'database');
  expect(status).toMatch(/watch: anomaly: \S+: app\.users: no rows, where there were 180\n/);
  expect(status).toMatch(/holds +9 tables, \d+ rows; PostgreSQL \d+\.\d+\n/);
  expect(status).toMatch(/newest value +app\.users\.created_at none\n/);
});
