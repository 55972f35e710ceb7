// A pg_dump that fails, dies, lies or is too old: whatever it wrote until then, nothing of it becomes a backup.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { verifyBackup } from '../../../../lib/engine/verify.ts';
import { readRecords } from '../../../../lib/engine/catalog/records.ts';
import { DatabaseScene, dumper, failureOf, FakeTools } from '../../../support/databases.ts';
import { startPostgres, type PostgresServer } from '../../../support/postgres.ts';

let server: PostgresServer;
let scene: DatabaseScene;

beforeAll(async () => {
  server = await startPostgres();
  server.create('app');
});
afterAll(async () => server[Symbol.asyncDispose]());
beforeEach(() => {
  scene = new DatabaseScene();
});

/** Every dump of the fixture has more. */
const SOME = 40_000;

const LIES: readonly (readonly [string, string, RegExp])[] = [
  ['ends with code 3 after a whole dump', '"$REAL" "$@"; exit 3', /ended with exit code 3/],
  [
    'is killed in the middle',
    `"$REAL" "$@" | head -c ${SOME}; kill -KILL $$`,
    /was ended by SIGKILL/,
  ],
  ['is killed after a whole dump', '"$REAL" "$@"; kill -KILL $$', /was ended by SIGKILL/],
  ['ends well in the middle', `"$REAL" "$@" | head -c ${SOME}`, /lacks "PostgreSQL database dump/],
  ['ends well and says nothing', 'exit 0', /after 0 bytes it lacks/],
  [
    'ends well behind its header',
    '"$REAL" "$@" | head -n 20',
    /lacks "PostgreSQL database dump complete"/,
  ],
  [
    'ends well without its last words',
    '"$REAL" "$@" | grep -v "database dump complete"',
    /lacks "PostgreSQL database dump complete"/,
  ],
  [
    'writes a command to the shell',
    String.raw`"$REAL" "$@" | sed "s/^SET row_security.*/\\\\! touch owned/"`,
    /holds what pg_dump does not write: "\\\\! touch owned"/,
  ],
  [
    'writes COPY to a program',
    `"$REAL" "$@" | sed "s/^SET row_security.*/COPY x TO PROGRAM 'id';/"`,
    /holds what pg_dump does not write/,
  ],
];

const OMISSIONS: readonly (readonly [string, string, RegExp])[] = [
  [
    'leaves a row out',
    '"$REAL" "$@" | sed "/user17@example.org/d"',
    /holds 499 rows of TABLE app\.users, the database 500/,
  ],
  [
    'leaves a table out',
    '"$REAL" --exclude-table-data=app.users "$@"',
    /holds no rows of TABLE app\.users/,
  ],
];

describe('a pg_dump that', () => {
  test.each(LIES)('%s makes no backup', async (_what, script, message) => {
    using tools = new FakeTools(dumper(script));
    const error = await failureOf(scene.backUp(server.tcpUrl('app'), { binaries: tools.folder }));
    expect(error.code).toBe('SOURCE_UNREADABLE');
    expect(error.message).toMatch(message);
    // The artifact neither: a store has taken the bytes when the program has ended well, or not at all.
    expect(scene.stored).toEqual([]);
    const [record] = await readRecords(scene.engine, 'backup', 'db', {
      onProblem: () => undefined,
    });
    expect(record?.record).toMatchObject({ verdict: 'failed' });
  });

  test.each(OMISSIONS)('%s is found out by the facts', async (_what, script, message) => {
    using tools = new FakeTools(dumper(script));
    const error = await failureOf(scene.backUp(server.tcpUrl('app'), { binaries: tools.folder }));
    expect(error.code).toBe('SOURCE_UNREADABLE');
    expect(error.message).toMatch(message);
    // A dump that no manifest names is not one.
    expect(scene.stored.filter((key) => !key.includes('/dump-'))).toEqual([]);
  });

  test('does none of this makes one', async () => {
    using tools = new FakeTools(dumper('exec "$REAL" "$@"'));
    const made = await scene.backUp(server.tcpUrl('app'), { binaries: tools.folder });
    expect(made.manifest.status).toBe('complete');
  });

  test('was killed is said to have been, with the usual reason', async () => {
    using tools = new FakeTools(dumper('kill -KILL $$'));
    const { hint } = await failureOf(scene.backUp(server.url('app'), { binaries: tools.folder }));
    expect(hint).toContain('when memory runs out');
  });
});

describe('on a replica that cancels the dump', () => {
  const CANCELLED =
    'echo "pg_dump: error: Dumping the contents of table failed: ERROR:  canceling statement due to conflict with recovery" >&2; exit 1';

  test('it is tried once more', async () => {
    using tools = new FakeTools(
      dumper(`echo run >> $NOTES\nif [ $(wc -l < $NOTES) -lt 2 ]; then ${CANCELLED}; fi
        exec "$REAL" "$@"`),
    );
    const made = await scene.backUp(server.url('app'), { binaries: tools.folder });
    expect(tools.noted).toBe('run\nrun\n');
    expect(await verifyBackup(scene.engine, made, 'content')).toMatchObject({ verdict: 'proven' });
  });

  test('it fails the second time, and may be tried later', async () => {
    using tools = new FakeTools(dumper(`echo run >> $NOTES; ${CANCELLED}`));
    const error = await failureOf(scene.backUp(server.url('app'), { binaries: tools.folder }));
    expect(error.code).toBe('SOURCE_UNAVAILABLE');
    expect(error.hint).toContain('max_standby_streaming_delay');
    expect(tools.noted).toBe('run\nrun\n');
  });
});

describe('a pg_dump whose version', () => {
  const ofVersion = (version: string) => ({
    pg_dump: `case "$*" in --version) echo "pg_dump (PostgreSQL) ${version}"; exit ;; esac
      echo run >> $NOTES; exec "$REAL" "$@"`,
  });

  test('is older than the server is refused before it runs', async () => {
    using tools = new FakeTools(ofVersion('14.23'));
    const error = await failureOf(scene.backUp(server.url('app'), { binaries: tools.folder }));
    expect(error.code).toBe('SOURCE_UNREADABLE');
    expect(error.message).toMatch(/the server is PostgreSQL 15\.\d+.* is 14\.23: it must be 15/);
    expect(error.hint).toContain('apt-get install postgresql-client-15');
    expect(tools.noted).toBe('');
  });

  test('lacks security fixes makes a backup that says so', async () => {
    using tools = new FakeTools(ofVersion('15.3'));
    const { manifest } = await scene.backUp(server.url('app'), { binaries: tools.folder });
    expect(manifest.problems.map(({ code }) => code)).toEqual(['outdated', 'no-restrict-key']);
    expect(manifest.problems[0]?.detail).toContain('lacks security fixes of 15.18');
    expect(manifest.status).toBe('complete');
  });

  test('cannot be told is refused', async () => {
    using tools = new FakeTools(ofVersion('unknown'));
    const error = await failureOf(scene.backUp(server.url('app'), { binaries: tools.folder }));
    expect(error.code).toBe('COMMAND_FAILED');
    expect(error.message).toContain('tells no version');
  });
});

describe('a pg_dumpall that', () => {
  const DENIED = 'echo "pg_dumpall: error: permission denied for view pg_roles" >&2; exit 1';

  test.each([
    ['may not read the roles', DENIED, 'permission denied for view pg_roles'],
    ['ends well in the middle', '"$REAL" "$@" | head -n 20', 'is not complete'],
  ])('%s leaves a partial backup that says so', async (_what, script, detail) => {
    using tools = new FakeTools({ pg_dumpall: script });
    const { manifest } = await scene.backUp(server.url('app'), { binaries: tools.folder });
    expect(manifest.status).toBe('partial');
    expect(manifest.problems).toMatchObject([{ path: 'globals', code: 'unreadable' }]);
    expect(manifest.problems[0]?.detail).toContain(detail);
    expect(manifest.artifacts.map(({ role }) => role)).toEqual(['dump', 'properties', 'index']);
    const tolerant = await scene.backUp(server.url('app'), {
      binaries: tools.folder,
      tolerate: ['globals'],
    });
    expect(tolerant.manifest.status).toBe('complete');
  });

  test('is missing is named', async () => {
    using tools = new FakeTools({});
    const options = { binaries: `${tools.folder}/nowhere` };
    const error = await failureOf(scene.backUp(server.url('app'), options));
    expect(error.code).toBe('COMMAND_FAILED');
    expect(error.message).toContain(`there is no pg_dump in ${options.binaries}`);
  });
});

test('row security is never asked for, and nothing secret stands in an argument', async () => {
  using tools = new FakeTools(dumper('echo "$@" >> $NOTES; exec "$REAL" "$@"'));
  await scene.backUp(server.tcpUrl('app'), { binaries: tools.folder, schemas: ['app'] });
  expect(tools.noted).toMatch(/^--format=plain .*--no-password /);
  expect(tools.noted).toContain('--schema="app"');
  expect(tools.noted).not.toContain('row-security');
  expect(tools.noted).not.toMatch(/canary|postgres:\/\//);
});
