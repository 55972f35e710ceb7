// Dumps that want more than to be restored, in backups whose signature is valid: what is no dump's is not run at all, and what is SQL
// is run where it finds nothing.
import fs from 'node:fs';
import process from 'node:process';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { restoreTest } from '../../../../lib/engine/restore-test.ts';
import { restoreToService } from '../../../../lib/engine/restore/to-service.ts';
import type { BackupResult } from '../../../../lib/engine/backup.ts';
import type { DatabaseFacts } from '../../../../lib/format/manifest.ts';
import { DatabaseScene, failureOf, FakeTools } from '../../../support/databases.ts';
import {
  MACHINE,
  PASSWORD,
  startPostgres,
  type PostgresServer,
} from '../../../support/postgres.ts';

let server: PostgresServer;
let scene: DatabaseScene;
let text: string;
let facts: DatabaseFacts;
/** Where a program that a dump runs may leave a word. */
const loot = fs.mkdtempSync('/tmp/holdfast-loot-');

beforeAll(async () => {
  fs.chmodSync(loot, 0o777);
  server = await startPostgres();
  server.create('app');
  server.create('target', { empty: true });
  scene = new DatabaseScene();
  const made = await scene.backUp(server.url('app'));
  text = await scene.textOf(made);
  if (made.manifest.database === undefined) throw new Error('no facts');
  facts = made.manifest.database;
});
afterAll(async () => {
  fs.rmSync(loot, { recursive: true, force: true });
  await server[Symbol.asyncDispose]();
});

/** A backup of the dump with some lines more, where its rows are behind it. */
function hostile(lines: string): Promise<BackupResult> {
  const at = text.indexOf('--\n-- Name: users users_pkey; Type: CONSTRAINT');
  if (at < 0) throw new Error('the fixture has changed');
  return scene.forge(`${text.slice(0, at)}${lines}\n\n${text.slice(at)}`, facts);
}

const taken = `touch ${loot}/taken`;

test.each([
  ['a command to the shell', `\\! ${taken}`],
  ['a command to the shell behind a statement', `SELECT 1; \\! ${taken}`],
  ['a command to the shell behind an early \\unrestrict', `\\unrestrict KEY\n\\! ${taken}`],
  ['another \\restrict', `\\unrestrict KEY\n\\restrict KEY\n\\! ${taken}`],
  ['COPY to a program', `COPY app.users TO PROGRAM '${taken}';`],
  ['COPY from a program', `copy app.users from program '${taken}';`],
  ['\\copy', `\\copy app.users TO PROGRAM '${taken}'`],
  ['an output that is piped', `\\o |${taken}`],
  ['a query that is piped', `SELECT 1 \\g |${taken}`],
  ['a variable from a command', `\\set x \`${taken}\``],
  ['a file that is read', '\\i /etc/passwd'],
])('%s in a signed dump is refused before psql is started', async (_what, lines) => {
  const backup = await hostile(lines.replaceAll('KEY', facts.restrictKey ?? ''));
  using recorder = new FakeTools({ psql: 'echo started >> $NOTES; exec "$REAL" "$@"' });
  const engine = scene.under(recorder.machine);
  const tested = await restoreTest(engine, backup);
  expect(tested.verdict).toBe('damaged');
  expect(tested.problems[0]?.detail).toContain('holds what pg_dump does not write');
  const error = await failureOf(
    restoreToService(engine, backup, {
      ...{ target: server.url('target'), targetFrom: 'env:TARGET', parts: [], checks: [] },
      ...{ replace: true, prepare: true },
    }),
  );
  expect(error.code).toBe('BACKUP_DAMAGED');
  expect(recorder.noted).toBe('');
  expect(fs.readdirSync(loot)).toEqual([]);
});

describe('SQL that runs a program from within a function', () => {
  const CANARY = 'HOLDFAST_CANARY';
  let report: Record<string, string>;
  let verdict: string;
  let named: readonly string[];

  beforeAll(async () => {
    process.env[CANARY] = PASSWORD;
    const file = `${loot}/report`;
    const ask = [
      'echo uid=$(id -u)',
      'echo groups=$(id -G)',
      'echo interfaces=$(tail -n +3 /proc/net/dev | cut -d: -f1 | xargs)',
      'echo routes=$(tail -n +2 /proc/net/route | wc -l)',
      'echo canary=$(env | grep -c -e CANARY -e PGPASSWORD -e DATABASE_URL -e AWS_)',
      `echo tcp=$(psql -X -w -h 127.0.0.1 -p ${server.port} -U postgres -d app -c "SELECT 1" 2>&1 | head -n 1)`,
      `echo socket=$(psql -X -w -h ${server.folder} -p ${server.port} -U postgres -d app -c "SELECT 1" 2>&1 | head -n 1)`,
    ].join('; ');
    const backup = await hostile(
      `DO $do$ BEGIN EXECUTE $copy$COPY (SELECT 1) TO PROGRAM $sh$cat > /dev/null; (${ask}) > ${file}$sh$$copy$; END $do$;`,
    );
    const machine = { ...MACHINE, environment: { ...MACHINE.environment, [CANARY]: PASSWORD } };
    const tested = await restoreTest(scene.under(machine), backup);
    verdict = tested.verdict;
    named = tested.problems.map(({ path }) => path);
    report = Object.fromEntries(
      fs
        .readFileSync(file, 'utf8')
        .trim()
        .split('\n')
        .map((line) => line.split(/=(.*)/s) as [string, string]),
    );
  });
  afterAll(() => {
    Reflect.deleteProperty(process.env, CANARY);
    fs.rmSync(`${loot}/report`, { force: true });
  });

  test('is neither root nor somebody whom a server of this machine trusts', () => {
    const nobody = process.getuid?.() === 0 ? '65534' : String(process.getuid?.());
    expect(report['uid']).toBe(nobody);
    if (process.getuid?.() === 0) expect(report['groups']).toBe('65534');
  });

  test('has no network', () => {
    expect(report['interfaces']).toBe('lo');
    expect(report['routes']).toBe('0');
    expect(report['tcp']).toMatch(/refused|unreachable/);
  });

  test('reaches no server by its socket', () => {
    expect(report['socket']).toMatch(/Permission denied|could not connect|No such file/);
  });

  test('finds no secret in its environment', () => {
    expect(report['canary']).toBe('0');
  });

  test('is shown, as text that no dump of the restored database has', () => {
    // Nothing that was recorded is lost or changed by it, so this is a remark.
    expect(verdict).toBe('proven');
    expect(named).toHaveLength(1);
  });
});

test('names of the database that are commands are names', async () => {
  const owned = '/tmp/holdfast-owned';
  fs.rmSync(owned, { force: true });
  expect(text).toContain(`\\! touch ${owned}`);
  server.create('named', { empty: true });
  server.sql(
    'named',
    `CREATE TABLE "x\n\\! touch ${owned}\n" (id integer); INSERT INTO "x\n\\! touch ${owned}\n" VALUES (1);
     CREATE SCHEMA "s""; DROP TABLE x; --"; CREATE TABLE "s""; DROP TABLE x; --"."$$\r\n" AS SELECT 2 AS "';";
     COMMENT ON SCHEMA "s""; DROP TABLE x; --" IS E'\\n\\\\! touch ${owned}\\n'`,
  );
  const made = await scene.backUp(server.url('named'));
  const { verdict, problems } = await restoreTest(scene.engine, made);
  expect({ verdict, problems }).toEqual({ verdict: 'proven', problems: [] });
  server.create('renamed', { empty: true });
  const restored = await restoreToService(scene.engine, made, {
    ...{ target: server.url('renamed'), targetFrom: 'env:TARGET', parts: [], checks: [] },
    ...{ replace: false, prepare: false },
  });
  expect(restored.differences).toEqual([]);
  expect(fs.existsSync(owned)).toBe(false);
});
