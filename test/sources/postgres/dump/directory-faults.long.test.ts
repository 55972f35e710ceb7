// Dumps in the directory format that go wrong: programs that fail or lie, disks that are full, stored bytes that were changed. Nothing of
// it becomes a backup or reaches pg_restore, and no file of it stays behind.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { BackupResult } from '../../../../lib/engine/backup.ts';
import { restoreToService } from '../../../../lib/engine/restore/to-service.ts';
import { restoreTest } from '../../../../lib/engine/restore-test.ts';
import { verifyBackup } from '../../../../lib/engine/verify.ts';
import { artifactOf } from '../../../../lib/format/manifest.ts';
import { postgresSource } from '../../../../lib/sources/postgres/source.ts';
import type { Machine } from '../../../../lib/sources/postgres/server/tools.ts';
import { DatabaseScene, dumper, failureOf, FakeTools } from '../../../support/databases.ts';
import { backUpNow } from '../../../support/engine.ts';
import {
  MACHINE,
  postgresOptions,
  startPostgres,
  type PostgresServer,
} from '../../../support/postgres.ts';
import { asRoot } from '../../../support/as-root.ts';

let server: PostgresServer;
let scene: DatabaseScene;
let made: BackupResult;
const scratch = fs.mkdtempSync('/tmp/holdfast-directory-');

beforeAll(async () => {
  server = await startPostgres();
  server.create('app');
  scene = new DatabaseScene({ ...MACHINE, scratch });
  made = await backUp('app');
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  fs.rmSync(scratch, { recursive: true, force: true });
});

interface Surroundings {
  readonly folder?: string;
  readonly tools?: FakeTools;
  readonly signal?: AbortSignal;
}

function backUp(database: string, { folder = scratch, tools, signal }: Surroundings = {}) {
  scene.clock.advance(1000);
  const machine: Machine = { ...MACHINE, scratch: folder };
  const binaries = tools?.folder;
  const options = { format: 'directory', jobs: 2, binaries } as const;
  const source = postgresSource(postgresOptions(server.url(database), options), machine);
  return backUpNow({ ...scene.engine, ...(signal && { signal }) }, source);
}

/** What pg_dump wrote is in `$DUMP` when the script is run. */
function afterDump(script: string): FakeTools {
  const where = 'for one in "$@"; do case "$one" in --file=*) DUMP=${one#--file=} ;; esac; done';
  return new FakeTools(dumper(`${where}\n"$REAL" "$@" || exit\n${script}`));
}

test.each([
  ['ends with code 3 after a whole dump', 'exit 3', /ended with exit code 3/],
  ['is killed after a whole dump', 'kill -KILL $$', /was ended by SIGKILL/],
  ['leaves no table of contents', 'rm "$DUMP/toc.dat"', /pg_restore/],
  ['leaves nothing', 'rm -r "$DUMP"', /pg_restore/],
  ['leaves a file of rows out', 'rm "$(ls -S "$DUMP"/*.dat | head -n 1)"', /pg_restore/],
  [
    'leaves a row out',
    'sed -i "/user17@example.org/d" "$DUMP"/*.dat',
    /holds 499 rows of TABLE app\.users, the database 500/,
  ],
  [
    'cuts rows off',
    'for one in "$DUMP"/*.dat; do grep -q user17@ "$one" && truncate -s 30000 "$one"; done; exit 0',
    /lacks "PostgreSQL database dump complete"|rows of TABLE app\.users/,
  ],
  [
    'empties the files of rows',
    'for one in "$DUMP"/*.dat; do : > "$one"; done',
    /pg_restore, reading the dump, ended with exit code 1/,
  ],
])('a pg_dump that %s makes no backup, and leaves no file', async (_what, script, words) => {
  using tools = afterDump(script);
  const before = scene.stored.filter((key) => key.endsWith('manifest.json'));
  const { message } = await failureOf(backUp('app', { tools }));
  expect(message).toMatch(words);
  expect(scene.stored.filter((key) => key.endsWith('manifest.json'))).toEqual(before);
  expect(fs.readdirSync(scratch)).toEqual([]);
});

test('an interrupted dump ends its program and all of its sessions, and leaves no file', async () => {
  server.create('busy', { empty: true });
  server.sql('busy', 'CREATE TABLE t AS SELECT md5(i::text) FROM generate_series(1, 500000) i');
  const interrupt = new AbortController();
  using tools = new FakeTools(dumper('echo $$ > $NOTES; exec "$REAL" "$@"'));
  const work = failureOf(backUp('busy', { tools, signal: interrupt.signal }));
  while (!fs.readdirSync(scratch).some((one) => fs.existsSync(`${scratch}/${one}/dump`)))
    await sleep(5);
  interrupt.abort();
  expect((await work).code).toBe('CANCELLED');
  expect(fs.existsSync(`/proc/${tools.noted.trim()}`)).toBe(false);
  expect(fs.readdirSync(scratch)).toEqual([]);
  // The server notices a moment later.
  const sessions = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'busy'";
  for (let i = 0; i < 100 && server.sql('postgres', sessions) !== '0'; i++) await sleep(50);
  expect(server.sql('postgres', sessions)).toBe('0');
});

function disk(size: string) {
  const folder = fs.mkdtempSync('/tmp/holdfast-small-');
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=1777`, 'tmpfs', folder]);
  return {
    folder,
    [Symbol.dispose]: () => {
      execFileSync('umount', ['-l', folder]);
      fs.rmSync(folder, { recursive: true, force: true });
    },
  };
}

asRoot.each([
  ['for what the tables take', 'md5(i::text) || i FROM generate_series(1, 60000) i', /takes about/],
  // Which the server keeps compressed.
  ['for what the rows are', "repeat('x', 1000000) FROM generate_series(1, 20) i", /no room for/],
])('a disk without room %s takes no dump', async (what, rows, words) => {
  using small = disk('3m');
  const name = what.replaceAll(' ', '_');
  server.sql('postgres', `CREATE DATABASE ${name}`);
  server.sql(name, `CREATE TABLE t AS SELECT ${rows}`);
  const { code, message, hint } = await failureOf(backUp(name, { folder: small.folder }));
  expect(code).toBe('NO_SPACE');
  expect(message).toMatch(words);
  expect(hint).toContain('TMPDIR');
  expect(fs.readdirSync(small.folder)).toEqual([]);
});

const flipped = (share: number) => (bytes: Uint8Array<ArrayBuffer>) =>
  bytes.map((one, i) => (i === Math.floor(bytes.length * share) ? one ^ 4 : one));

test.each([
  ['cut off', (bytes: Uint8Array<ArrayBuffer>) => bytes.slice(0, bytes.length - 1000)],
  ['of no bytes', (bytes: Uint8Array<ArrayBuffer>) => bytes.slice(0, 0)],
  ['with a bit flipped at its beginning', flipped(0.01)],
  ['with a bit flipped in the middle', flipped(0.5)],
])('a stored archive %s is refused before pg_restore is started', async (_what, spoil) => {
  using tools = new FakeTools({ pg_restore: 'echo started >> $NOTES; exec "$REAL" "$@"' });
  const { key } = artifactOf(made.manifest, 'archive');
  const store = scene.store.copy();
  const object = store.objects.get(key);
  if (object === undefined) throw new Error('no archive');
  store.objects.set(key, { ...object, bytes: spoil(new Uint8Array(object.bytes)) });
  const engine = { ...scene.under({ ...tools.machine, scratch }), store };
  expect(await verifyBackup(engine, made, 'digest')).toMatchObject({ verdict: 'damaged' });
  const error = await failureOf(
    restoreToService(engine, made, {
      ...{ target: server.url('postgres'), targetFrom: 'env:TARGET', parts: [], checks: [] },
      ...{ replace: true, prepare: true },
    }),
  );
  expect(error.code).toBe('BACKUP_DAMAGED');
  expect((await restoreTest(engine, made)).verdict).toBe('damaged');
  expect(tools.noted).toBe('');
  expect(fs.readdirSync(scratch)).toEqual([]);
});

const LOSSES: readonly (readonly [string, string, string])[] = [
  ['a row', 'DELETE FROM app.events_2026 WHERE id = 1000', 'TABLE DATA app.events_2026'],
  ['a policy', 'DROP POLICY everybody ON app.users', 'POLICY app.users everybody'],
  ['a grant', 'REVOKE SELECT ON app.users FROM app_user', 'ACL app.TABLE users'],
  ['a sequence', "SELECT setval('app.tickets', 7)", 'SEQUENCE SET app.tickets'],
];

test.each(LOSSES)('a restore test that loses %s names it', async (_what, sql, title) => {
  using tools = new FakeTools({
    pg_restore: `"$REAL" "$@" || exit
      case "$*" in *--jobs*) psql -X -q -o /dev/null -c "${sql}" ;; esac`,
  });
  const { verdict, problems } = await restoreTest(scene.under({ ...tools.machine, scratch }), made);
  expect(verdict).toBe('damaged');
  expect(problems.map(({ path }) => path)).toContain(title);
});

test('a pg_restore that fails by its own proves nothing; one that the server refuses, damage', async () => {
  // As a shell says of a program that was killed. It cannot kill itself where it is the first process of a namespace.
  using killed = new FakeTools({ pg_restore: 'exit 137' });
  const one = await restoreTest(scene.under({ ...killed.machine, scratch }), made);
  expect(one.verdict).toBe('inconclusive');
  using refused = new FakeTools({
    pg_restore: 'psql -X -q -c "CREATE SCHEMA app"; exec "$REAL" "$@"',
  });
  const other = await restoreTest(scene.under({ ...refused.machine, scratch }), made);
  expect(other.verdict).toBe('damaged');
  expect(other.problems[0]?.detail).toContain('schema "app" already exists');
});
