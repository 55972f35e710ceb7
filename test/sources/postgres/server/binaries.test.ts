// Programs that stand nowhere but where `binaries` of a source says: every verb finds them.
import fs from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { restoreToService } from '../../../../lib/engine/restore/to-service.ts';
import { restoreTest } from '../../../../lib/engine/restore-test.ts';
import { examinePostgres } from '../../../../lib/sources/postgres/examine.ts';
import type { Machine } from '../../../../lib/sources/postgres/server/tools.ts';
import { DatabaseScene, failureOf } from '../../../support/databases.ts';
import { binaries, MACHINE, postgresOptions, startPostgres } from '../../../support/postgres.ts';
import type { PostgresServer } from '../../../support/postgres.ts';

let server: PostgresServer;
/** What confines a scratch server is on the PATH, and nothing of PostgreSQL. */
const PATH = fs.mkdtempSync('/tmp/holdfast-bare-');
const BARE: Machine = { ...MACHINE, environment: { PATH }, debianFolder: '/nowhere' };

beforeAll(async () => {
  fs.chmodSync(PATH, 0o755);
  for (const name of ['setpriv', 'unshare', 'sh']) {
    const real = ['/usr/bin', '/bin'].map((one) => path.join(one, name)).find(fs.existsSync);
    if (real !== undefined) fs.symlinkSync(real, path.join(PATH, name));
  }
  server = await startPostgres();
  server.create('app', { empty: true });
  server.sql('app', 'CREATE TABLE t AS SELECT 1 AS i');
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  fs.rmSync(PATH, { recursive: true, force: true });
});

test('the restore test, the restore and the doctor work with the programs of the source', async () => {
  const scene = new DatabaseScene();
  const made = await scene.backUp(server.url('app'));
  const restore = (machine: Machine, name: string) => {
    server.create(name, { empty: true });
    return restoreToService(scene.under(machine), made, {
      ...{ target: server.url(name), targetFrom: 'env:TARGET', parts: [], checks: [] },
      ...{ replace: false, prepare: false },
    });
  };
  const { message } = await failureOf(restore(BARE, 'without'));
  expect(message).toContain('there is no pg_dump');

  const own = { ...BARE, binariesOf: (name: string) => (name === 'db' ? binaries() : undefined) };
  expect((await restore(own, 'with')).differences).toEqual([]);
  const tested = await restoreTest(scene.under(own), made, { checks: [] });
  expect([tested.verdict, tested.problems]).toEqual(['proven', []]);
  const options = postgresOptions(server.url('app'), { binaries: binaries() });
  expect((await examinePostgres(options, BARE)).unprovable).toEqual([]);
});
