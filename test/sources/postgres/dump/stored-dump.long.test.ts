// Stored dumps that are not what was signed, or were never what pg_dump writes: found by verify, by restores and by restore tests, and
// psql is not even started.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { BackupResult } from '../../../../lib/engine/backup.ts';
import { restoreTest } from '../../../../lib/engine/restore-test.ts';
import { restoreToService } from '../../../../lib/engine/restore/to-service.ts';
import type { Engine } from '../../../../lib/engine/engine.ts';
import { verifyBackup } from '../../../../lib/engine/verify.ts';
import { artifactOf, type DatabaseFacts } from '../../../../lib/format/manifest.ts';
import { DatabaseScene, failureOf, FakeTools } from '../../../support/databases.ts';
import { startPostgres, type PostgresServer } from '../../../support/postgres.ts';

let server: PostgresServer;
let scene: DatabaseScene;
let made: BackupResult;
let text: string;
let facts: DatabaseFacts;

/** Every psql notes that it was started, and what it was given. */
const RECORDING = { psql: 'echo started >> $NOTES; tee -a $NOTES | "$REAL" "$@"' };
let recorder: FakeTools;

beforeAll(async () => {
  server = await startPostgres();
  server.create('app');
  server.create('target', { empty: true });
  scene = new DatabaseScene();
  made = await scene.backUp(server.url('app'));
  text = await scene.textOf(made);
  if (made.manifest.database === undefined) throw new Error('no facts');
  facts = made.manifest.database;
  recorder = new FakeTools(RECORDING);
});
afterAll(async () => {
  recorder[Symbol.dispose]();
  await server[Symbol.asyncDispose]();
});

function restore(engine: Engine, backup: BackupResult, database: string) {
  return restoreToService(engine, backup, {
    ...{ target: server.url(database), targetFrom: 'env:TARGET', parts: [], checks: [] },
    ...{ replace: true, prepare: true },
  });
}

/** Neither a restore nor a restore test lets psql see anything of it; what they say. */
async function refusedBoth(backup: BackupResult, engine: Engine) {
  const before = recorder.noted;
  const error = await failureOf(restore(engine, backup, 'target'));
  expect(error.code).toBe('BACKUP_DAMAGED');
  const tested = await restoreTest(engine, backup);
  expect(tested.verdict).toBe('damaged');
  expect(recorder.noted).toBe(before);
  return [error.message, ...tested.problems.map(({ path, detail }) => `${path} ${detail}`)];
}

test('of a dump that is whole, psql is given everything', async () => {
  server.create('whole', { empty: true });
  await restore(scene.under(recorder.machine), made, 'whole');
  expect(recorder.noted).toContain('started');
  expect(recorder.noted).toContain('user500@example.org');
});

const first = (bytes: Uint8Array, length: number) => bytes.slice(0, length);
const flipped = (share: number) => (bytes: Uint8Array<ArrayBuffer>) =>
  bytes.map((one, i) => (i === Math.floor(bytes.length * share) ? one ^ 4 : one));

describe('a stored dump', () => {
  test.each([
    ['cut off', (bytes: Uint8Array<ArrayBuffer>) => first(bytes, bytes.length - 1000)],
    ['without its last byte', (bytes: Uint8Array<ArrayBuffer>) => first(bytes, bytes.length - 1)],
    ['of no bytes', (bytes: Uint8Array<ArrayBuffer>) => first(bytes, 0)],
    ['of zeros', (bytes: Uint8Array<ArrayBuffer>) => new Uint8Array(bytes.length)],
    ['with a bit flipped at its beginning', flipped(0.001)],
    ['with a bit flipped in the middle', flipped(0.5)],
    ['with a bit flipped at its end', flipped(0.999)],
  ])('%s is refused before psql is started', async (_what, spoil) => {
    const store = scene.store.copy();
    const { key } = artifactOf(made.manifest, 'dump');
    const object = store.objects.get(key);
    if (object === undefined) throw new Error('no dump');
    store.objects.set(key, { ...object, bytes: spoil(object.bytes) });
    const engine = { ...scene.under(recorder.machine), store };
    for (const level of ['digest', 'content'] as const) {
      expect(await verifyBackup(engine, made, level)).toMatchObject({ verdict: 'damaged' });
    }
    await refusedBoth(made, engine);
  });

  test.each(['index', 'globals', 'properties'] as const)(
    'whose %s is damaged is refused',
    async (role) => {
      const store = scene.store.copy();
      const { key } = artifactOf(made.manifest, role);
      const object = store.objects.get(key);
      if (object === undefined) throw new Error(`no ${role}`);
      store.objects.set(key, { ...object, bytes: flipped(0.5)(object.bytes) });
      const engine = { ...scene.under(recorder.machine), store };
      expect(await verifyBackup(engine, made, 'digest')).toMatchObject({ verdict: 'damaged' });
      await refusedBoth(made, engine);
    },
  );
});

/** Signed as every other, the index fitting the text: the text itself has to tell. */
describe('a signed backup', () => {
  const beforeRows = () => text.slice(0, text.indexOf('\nCOPY '));
  const END = '--\n-- PostgreSQL database dump complete\n';

  test.each<[string, () => string, RegExp]>([
    ['of a dump cut in its rows', () => text.slice(0, text.indexOf('user400@')), /last words/],
    [
      'of a dump cut between statements',
      () => text.slice(0, text.indexOf('--\n-- Data for')),
      /last words/,
    ],
    [
      'of a dump that ends before its rows',
      () => `${beforeRows().slice(0, beforeRows().lastIndexOf('--\n-- Data for'))}${END}--\n\n`,
      /holds no rows, the database held/,
    ],
    [
      'that lacks a row',
      () => text.replace(/^.*user17@example\.org.*\n/m, ''),
      /TABLE DATA app\.users .*holds 499 rows, the database held 500/,
    ],
    ['of nothing', () => '', /last words/],
  ])('%s is refused before psql is started', async (_what, textOf, message) => {
    const forged = await scene.forge(textOf(), facts);
    const engine = scene.under(recorder.machine);
    const { problems, verdict } = await verifyBackup(engine, forged, 'content');
    expect(verdict).toBe('damaged');
    expect(problems.map(({ path, detail }) => `${path} ${detail}`).join('\n')).toMatch(message);
    expect((await refusedBoth(forged, engine)).join('\n')).toMatch(message);
  });

  test('of the very text is proven: the forgery fails for no other reason', async () => {
    const forged = await scene.forge(text, facts);
    const { verdict, problems } = await restoreTest(scene.engine, forged);
    expect({ verdict, problems }).toEqual({ verdict: 'proven', problems: [] });
  });

  test.each([
    ['pg_nowhere', 'install its package'],
    ['aws_s3', 'RDS alone has it'],
  ])(
    'that needs %s, which is not here, is not called damaged, nor proven',
    async (name, remedy) => {
      const words = `Name: ${name}; Type: EXTENSION; Schema: -; Owner: -`;
      const extension = `--\n-- ${words}\n--\n\nCREATE EXTENSION IF NOT EXISTS ${name};\n\n\n`;
      const at = text.indexOf('--\n-- Name: ');
      const forged = await scene.forge(text.slice(0, at) + extension + text.slice(at), facts);
      const { verdict, problems } = await restoreTest(scene.engine, forged);
      expect(verdict).toBe('inconclusive');
      expect(problems).toMatchObject([
        {
          path: `extension ${name}`,
          code: 'extension-missing',
          detail: expect.stringContaining(remedy),
        },
      ]);
    },
  );

  test('with a statement that the server refuses is damaged, and what it refused is said', async () => {
    const forged = await scene.forge(
      text.replace('CREATE SCHEMA app;', 'CREATE SCHEME app;'),
      facts,
    );
    const { verdict, problems } = await restoreTest(scene.engine, forged);
    expect(verdict).toBe('damaged');
    expect(problems[0]?.detail).toContain('syntax error at or near "SCHEME"');
  });

  test('whose definition comes back in other words is proven, and that is said however far behind', async () => {
    server.create('far', { empty: true });
    const body = `${'-- a long function\n'.repeat(5000)}select 1`;
    server.sql('far', `CREATE FUNCTION far() RETURNS int LANGUAGE sql AS $$${body}$$`);
    const real = await scene.backUp(server.url('far'), { allowEmpty: true });
    const its = await scene.textOf(real);
    // The server keeps it otherwise than it stands there now, behind 90 KiB that are the same.
    const other = its.replace(/select 1(\$_?\$);\n/, (_all, end: string) => `select 1${end} ;\n`);
    expect(other).not.toBe(its);
    const { verdict, problems } = await restoreTest(
      scene.engine,
      await scene.forge(other, { ...facts, ...real.manifest.database }),
    );
    expect(verdict).toBe('proven');
    expect(problems).toMatchObject([
      { path: 'FUNCTION public.far()', code: 'printed-otherwise', tolerated: true },
    ]);
  });
});

test('a psql that does not know \\restrict is not given a dump that begins with it', async () => {
  using old = new FakeTools({
    pg_dump: 'echo "pg_dump (PostgreSQL) 15.13"',
    psql: 'echo started >> $NOTES; exec "$REAL" "$@"',
  });
  const error = await failureOf(restore(scene.under(old.machine), made, 'target'));
  expect(error.code).toBe('COMMAND_FAILED');
  expect(error.message).toContain('psql 15.13');
  expect(error.message).toContain('does not know \\restrict');
  expect(error.hint).toContain('must not be removed');
  expect(old.noted).toBe('');
});
