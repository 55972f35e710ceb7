// Dumps in the directory format: by several jobs, kept as a plain archive, restored by several jobs, and proven like any other.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { BackupResult } from '../../../../lib/engine/backup.ts';
import { openBackup } from '../../../../lib/engine/catalog/backups.ts';
import { diffBackups } from '../../../../lib/engine/diff.ts';
import type { Engine } from '../../../../lib/engine/engine.ts';
import {
  restoreToService,
  type ServiceRestoreOptions,
} from '../../../../lib/engine/restore/to-service.ts';
import { restoreTest } from '../../../../lib/engine/restore-test.ts';
import { verifyBackup } from '../../../../lib/engine/verify.ts';
import type { Problem } from '../../../../lib/errors.ts';
import { artifactOf } from '../../../../lib/format/manifest.ts';
import { openArchiveFile } from '../../../../lib/sources/tree/archive-file.ts';
import { filesKind } from '../../../../lib/sources/files/kind.ts';
import { DirectoryText, extractDump } from '../../../../lib/sources/postgres/dump/directory.ts';
import { postgresKind } from '../../../../lib/sources/postgres/kind.ts';
import { findTools, type Machine } from '../../../../lib/sources/postgres/server/tools.ts';
import { DatabaseScene, failureOf, judged } from '../../../support/databases.ts';
import { codeOf, restoreTo } from '../../../support/engine.ts';
import { MACHINE, startPostgres, type PostgresServer } from '../../../support/postgres.ts';

const DIRECTORY = { format: 'directory', jobs: 3 } as const;

let server: PostgresServer;
let scene: DatabaseScene;
let engine: Engine;
let made: BackupResult;
/** Where dumps are spooled: nothing may stay there. */
const scratch = fs.mkdtempSync('/tmp/holdfast-directory-');
const machine: Machine = { ...MACHINE, scratch };
const kind = postgresKind(machine);

beforeAll(async () => {
  server = await startPostgres();
  server.create('app');
  scene = new DatabaseScene(machine);
  engine = scene.engine;
  made = await scene.backUp(server.tcpUrl('app'), DIRECTORY);
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  fs.rmSync(scratch, { recursive: true, force: true });
});

function textOf(database: string): string {
  const { restrictKey = '' } = made.manifest.database ?? {};
  return server
    .run('pg_dump', [`--restrict-key=${restrictKey}`, `--dbname=${database}`])
    .toString();
}

let targets = 0;
function target(empty = true): string {
  const name = `target_${targets++}`;
  server.create(name, { empty });
  return name;
}

function restore(database: string, changes: Partial<ServiceRestoreOptions> = {}) {
  return restoreToService(engine, made, {
    ...{ target: server.tcpUrl(database), targetFrom: 'env:TARGET', parts: [], checks: [] },
    ...{ replace: false, prepare: false },
    ...changes,
  });
}

/** The artifacts under one folder, where commands of a shell find them. */
async function storedAt(folder: string): Promise<(key: string) => string> {
  const place = (key: string) => path.join(folder, path.basename(key));
  for (const { key, bytes } of made.manifest.artifacts) {
    fs.writeFileSync(place(key), await scene.store.read(key, 0, bytes));
  }
  return place;
}

test('it is proven, with the facts of a plain dump and of the same database', async () => {
  const plain = await scene.backUp(server.tcpUrl('app'));
  expect(made.manifest.status).toBe('complete');
  const { restrictKey, ...facts } = made.manifest.database ?? {};
  expect(restrictKey).toMatch(/^\w+$/);
  expect(plain.manifest.database).toMatchObject(facts);
  expect(made.manifest.totals.entries).toBe(plain.manifest.totals.entries);
  expect(made.manifest.totals.files).toBe(plain.manifest.totals.files);
  for (const level of ['digest', 'content'] as const) {
    expect(await verifyBackup(engine, made, level)).toMatchObject({ verdict: 'proven' });
  }
  expect(fs.readdirSync(scratch)).toEqual([]);
});

test('by hand, as `show` says, it is restored without Holdfast', async () => {
  const folder = fs.mkdtempSync('/tmp/holdfast-by-hand-');
  const place = await storedAt(folder);
  const { check, restore } = kind.byHand(made.manifest, ({ key }) => place(key));
  const script = ['set -e', ...check, ...restore].join('\n').replaceAll('FOLDER', 'restored');
  const ended = spawnSync('bash', ['-c', script], {
    cwd: folder,
    env: {
      PATH: process.env['PATH'],
      ...{ PGHOST: server.folder, PGPORT: String(server.port), PGUSER: 'postgres' },
    },
    encoding: 'utf8',
  });
  // The roles are there already, so that CREATE ROLE fails, which ends nothing.
  expect(ended.stderr.replace(/.*already exists\n/g, '')).not.toContain('ERROR');
  expect(ended.status).toBe(0);
  expect(textOf('app_restored')).toBe(textOf('app'));
  fs.rmSync(folder, { recursive: true });
});

test.each(['small', 'zstd', 'none'] as const)(
  'with compression %s the restore test proves it, and leaves nothing behind',
  async (compression) => {
    const backup = await scene.backUp(server.url('app'), { ...DIRECTORY, compression });
    const own = fs.mkdtempSync('/tmp/holdfast-own-');
    fs.chmodSync(own, 0o755);
    const result = await restoreTest({ ...engine, scratch: own }, backup, {
      checks: ['SELECT count(*) = 500 FROM app.users'],
    });
    expect(result).toMatchObject({ verdict: 'proven', problems: [] });
    expect(fs.readdirSync(own)).toEqual([]);
    fs.rmdirSync(own);
  },
);

test('what did not change is copied from the backup before', async () => {
  server.sql('postgres', 'CREATE DATABASE grown');
  server.sql('grown', 'CREATE TABLE t AS SELECT i, md5(i::text) FROM generate_series(1, 20000) i');
  await scene.backUp(server.url('grown'), DIRECTORY);
  const again = await scene.backUp(server.url('grown'), DIRECTORY);
  const { bytes } = artifactOf(again.manifest, 'archive');
  expect(again.manifest.totals.reusedBytes).toBeGreaterThan(bytes / 2);
  expect(await restoreTest(engine, again)).toMatchObject({ verdict: 'proven', problems: [] });
});

test('lists the objects of the dump with their rows, and says what two backups differ in', async () => {
  server.create('changing');
  const before = await scene.backUp(server.url('changing'), DIRECTORY);
  server.sql('changing', 'DELETE FROM app.events_2026 WHERE id > 1990');
  const after = await scene.backUp(server.url('changing'), DIRECTORY);
  const changed: string[] = [];
  const totals = await diffBackups(engine, before, after, (one) => changed.push(one.path));
  expect(changed).toEqual(['app/TABLE DATA/events_2026']);
  expect(totals.rows).toMatchObject({ lost: 10, gained: 0 });
});

describe('to a database', () => {
  test('it is restored by several jobs, large objects too, and the facts are equal', async () => {
    const name = target();
    const report = await restore(name, { checks: ['SELECT count(*) = 500 FROM app.users'] });
    expect(report.differences).toEqual([]);
    expect(textOf(name)).toBe(textOf('app'));
    expect(fs.readdirSync(scratch)).toEqual([]);
  });

  test('a name that would be a connection string is a name', async () => {
    const odd = "odd'\\ dbname=app";
    server.sql('postgres', `CREATE DATABASE "${odd}"`);
    const url = `postgres:///${encodeURIComponent(odd)}?host=${server.folder}&port=${server.port}&user=postgres`;
    expect((await restore(odd, { target: url })).differences).toEqual([]);
  });

  test('one that is not empty is refused, and replaced when told to, after it was saved', async () => {
    const name = target(false);
    server.sql(name, 'CREATE TABLE precious (id integer); INSERT INTO precious VALUES (1)');
    expect((await failureOf(restore(name))).code).toBe('TARGET_REFUSED');
    const report = await restore(name, { replace: true });
    expect(report.differences).toEqual([]);
    expect(textOf(name)).toBe(textOf('app'));
    expect(report.saved).toMatch(/-safety$/);
  });

  test('single tables are restored too', async () => {
    const name = target();
    const parts = ['public.cache', 'public.no_columns'];
    const report = await restore(name, { parts });
    expect(report.differences).toEqual([]);
    expect(server.sql(name, 'SELECT v FROM public.cache')).toBe('1');
    expect(server.sql(name, 'SELECT count(*) FROM public.no_columns')).toBe('2');
    expect(server.sql(name, "SELECT to_regclass('public.parent') IS NULL")).toBe('t');
    expect((await failureOf(restore(name, { parts: ['public.x'] }))).code).toBe('BACKUP_NOT_FOUND');
  });

  test('that does not take it, it is called incomplete, and nothing is quoted', async () => {
    const name = target();
    server.sql(
      name,
      `SET allow_system_table_mods = on;
       CREATE FUNCTION pg_catalog.refuse() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no policies here'; END $$;
       CREATE EVENT TRIGGER refuse ON ddl_command_start WHEN TAG IN ('CREATE POLICY') EXECUTE FUNCTION pg_catalog.refuse()`,
    );
    const { code, message, hint } = await failureOf(restore(name));
    expect(code).toBe('COMMAND_FAILED');
    expect(message).toContain('no policies here');
    expect(message).toContain('is incomplete now');
    expect(message).not.toContain('Command was');
    expect(hint).toContain('--replace');
    expect(fs.readdirSync(scratch)).toEqual([]);
  });
});

describe('to a folder', () => {
  test('it is the directory that pg_restore takes, and compared', async () => {
    const to = path.join(scratch, 'folder');
    const report = await restoreTo(engine, made, to);
    expect(report.differences).toEqual([]);
    expect(fs.readdirSync(to).sort()).toEqual(['dump', 'globals.sql', 'properties.sql']);
    const name = target();
    server.run('pg_restore', ['-j', '2', '--exit-on-error', '-d', name, path.join(to, 'dump')]);
    expect(textOf(name)).toBe(textOf('app'));
    const backup = await openBackup(engine, made.source, made.id);
    const [row] = fs.readdirSync(path.join(to, 'dump')).filter((one) => /^\d+\.dat$/.test(one));
    fs.appendFileSync(path.join(to, 'dump', row ?? ''), 'x');
    const { pool } = engine;
    const work = { pool, signal: undefined, onProgress: undefined };
    const compared = await kind.compare(backup, {
      ...{ ...work, folder: to, paths: [], owners: 'aside' as const, times: false },
    });
    expect(compared.differences.map((one) => one.path)).toEqual([`dump/${row ?? ''}`]);
    fs.rmSync(to, { recursive: true });
  });

  test('single objects are refused, with the way to have them', async () => {
    const to = path.join(scratch, 'some');
    expect(await codeOf(restoreTo(engine, made, to, { paths: ['app/POLICY'] }))).toBe('USAGE');
    expect(fs.readdirSync(scratch)).toEqual([]);
  });
});

test('its archive alone, with the manifest beside it, is taken for the files that it holds', async () => {
  const folder = fs.mkdtempSync('/tmp/holdfast-alone-');
  const place = await storedAt(folder);
  const { bytes } = scene.store.objects.get(made.manifest.key) ?? {};
  fs.writeFileSync(path.join(folder, 'manifest.json'), bytes ?? '');
  await using archive = await openArchiveFile(
    place(artifactOf(made.manifest, 'archive').key),
    engine.trusted,
  );
  expect(archive.authenticity).toBe('trusted');
  expect(archive.backup.manifest.kind).toBe('files');
  const paths: string[] = [];
  for await (const { path: one } of filesKind.list(archive.backup, [])) paths.push(one);
  expect(paths).toContain('dump/toc.dat');
  fs.rmSync(folder, { recursive: true });
});

describe('a restored database that was changed', () => {
  const ODD = 'odd "name"; Type: TABLE; Schema: x \\! touch /tmp/holdfast-owned';
  const CHANGES: readonly (readonly [string, string, string, RegExp])[] = [
    ['nothing', 'SELECT 1', '', /^$/],
    [
      'a row',
      'DELETE FROM app.events_2026 WHERE id = 1000',
      'TABLE DATA app.events_2026',
      /row 145 is missing/,
    ],
    [
      'a row of an odd table',
      `DO $$ BEGIN EXECUTE format('DELETE FROM %s WHERE id = 5', (SELECT oid::regclass FROM pg_class WHERE relname LIKE 'odd%' AND relkind = 'r')); END $$`,
      `TABLE DATA public.${ODD}`,
      /row 5 is missing/,
    ],
    [
      'a policy',
      'ALTER POLICY own_rows ON app.users USING (true)',
      'POLICY app.users own_rows',
      /USING/,
    ],
    ['a grant', 'GRANT DELETE ON app.users TO app_user', 'ACL app.TABLE users', /DELETE/],
    ['a sequence', "SELECT setval('app.tickets', 1007)", 'SEQUENCE SET app.tickets', /1014.*1007/],
    ['a trigger', 'DROP TRIGGER touch ON app.users', 'TRIGGER app.users touch', /backup has it/],
    ['large objects', "SELECT lo_put(4711, 0, '\\x00')", 'BLOBS BLOBS', /bytes/],
  ];
  const folder = fs.mkdtempSync('/tmp/holdfast-changed-');

  beforeAll(async () => {
    server.create('restored', { empty: true });
    await restore('restored');
  });
  afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

  async function differences(): Promise<readonly Problem[]> {
    const work = { pool: engine.pool, signal: undefined, onProgress: undefined };
    const backup = await openBackup(engine, made.source, made.id);
    const into = fs.mkdtempSync(path.join(folder, 'dump-'));
    const dump = await extractDump(backup, into, work);
    const tools = await findTools(MACHINE);
    const { restrictKey } = made.manifest.database ?? {};
    const script = { machine, tools, dump, restrictKey, signal: undefined } as const;
    using directory = new DirectoryText({ ...script, failure: 'RESTORE_DIFFERS' });
    const text = directory.read.bind(directory);
    const { damage } = await judged(backup, { server, database: 'changed', work, text });
    return damage;
  }

  test.each(CHANGES)('%s is found and named', async (_what, sql, title, detail) => {
    server.sql('postgres', 'CREATE DATABASE changed TEMPLATE restored');
    try {
      server.sql('changed', sql);
      const named = (await differences()).filter((one) => title === '' || one.path === title);
      expect(named.map((one) => one.detail).join('\n')).toMatch(detail);
    } finally {
      server.sql('postgres', 'DROP DATABASE changed');
    }
  });

  test('all of it at once is named in one passage through the dump', async () => {
    server.sql('postgres', 'CREATE DATABASE changed TEMPLATE restored');
    for (const [, sql] of CHANGES) server.sql('changed', sql);
    const named = new Set((await differences()).map((one) => one.path));
    for (const [, , title] of CHANGES) if (title !== '') expect(named).toContain(title);
    server.sql('postgres', 'DROP DATABASE changed');
  });
});
