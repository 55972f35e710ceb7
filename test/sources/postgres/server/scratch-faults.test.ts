// Scratch places that are too small, and servers that die under a restore test: nothing is called proven or damaged for it, and nothing
// is left behind.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { BackupResult } from '../../../../lib/engine/backup.ts';
import { restoreTest } from '../../../../lib/engine/restore-test.ts';
import { DatabaseScene, FakeTools } from '../../../support/databases.ts';
import {
  binaries,
  MACHINE,
  startPostgres,
  type PostgresServer,
} from '../../../support/postgres.ts';
import { asRoot } from '../../../support/as-root.ts';

/** With the `initdb` of PostgreSQL, which finds the disk full itself. */
const REAL = { ...MACHINE, debianFolder: path.join(binaries(), '../..') };

let server: PostgresServer;
let scene: DatabaseScene;
let made: BackupResult;

beforeAll(async () => {
  server = await startPostgres();
  server.create('large', { empty: true });
  server.sql(
    'large',
    'CREATE TABLE t AS SELECT i, repeat(md5(i::text), 40) AS text FROM generate_series(1, 40000) i',
  );
  scene = new DatabaseScene();
  made = await scene.backUp(server.url('large'));
});
afterAll(async () => server[Symbol.asyncDispose]());

function disk(size: string) {
  const folder = fs.mkdtempSync('/tmp/holdfast-small-');
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=1777`, 'tmpfs', folder]);
  fs.chmodSync(folder, 0o777);
  return {
    folder,
    [Symbol.dispose]: () => {
      execFileSync('umount', ['-l', folder]);
      fs.rmSync(folder, { recursive: true, force: true });
    },
  };
}

asRoot.each([
  // A server takes 40 MB before anything is in it.
  ['a server', '8m'],
  ['the rows', '90m'],
])('a disk without room for %s proves nothing', async (_what, size) => {
  using small = disk(size);
  const { verdict, problems } = await restoreTest(scene.under(REAL, small.folder), made);
  expect(verdict).toBe('inconclusive');
  expect(problems.map(({ code, detail }) => `${code} ${detail}`).join('\n')).toMatch(
    /(?:NO_SPACE|no-space) .*No space left on device/s,
  );
  expect(fs.readdirSync(small.folder)).toEqual([]);
});

asRoot('a disk with room proves it', async () => {
  using large = disk('600m');
  const result = await restoreTest(scene.under(MACHINE, large.folder), made);
  expect(result).toMatchObject({ verdict: 'proven', problems: [] });
  expect(fs.readdirSync(large.folder)).toEqual([]);
});

test('a server that dies under the rows proves nothing', async () => {
  // The server is told by the folder in which psql was started to look for it.
  using tools = new FakeTools({
    psql: `case "$*" in *"-o /dev/null"*ON_ERROR_STOP*) (head -c 2000000; kill -QUIT $(head -n 1 "$PGHOST/data/postmaster.pid"); cat) | "$REAL" "$@"; exit ;; esac
      exec "$REAL" "$@"`,
  });
  const { verdict, problems } = await restoreTest(scene.under(tools.machine), made);
  expect(verdict).toBe('inconclusive');
  expect(problems[0]?.code).toBe('not-loaded');
  expect(problems[0]?.detail).toContain('connection');
});

test('programs that cannot make a server prove nothing, and say why', async () => {
  using tools = new FakeTools({ initdb: 'echo "initdb: error: no mood for it" >&2; exit 1' });
  const { verdict, problems } = await restoreTest(scene.under(tools.machine), made);
  expect(verdict).toBe('inconclusive');
  expect(problems[0]?.detail).toContain('no mood for it');
});

test('a scratch place that is not there is passed over for one that is', async () => {
  const result = await restoreTest(scene.under(MACHINE, '/nonexistent'), made);
  expect(result.verdict).toBe('proven');
});
