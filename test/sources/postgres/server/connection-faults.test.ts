// Lines that break and servers that refuse: no backup comes of it, what may pass by itself is told from what will not, and no
// password from anything.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import net from 'node:net';
import { ERRORS } from '../../../../lib/errors.ts';
import { parseConnection } from '../../../../lib/sources/postgres/server/connection.ts';
import { DatabaseSession } from '../../../../lib/sources/postgres/server/session.ts';
import { findTools } from '../../../../lib/sources/postgres/server/tools.ts';
import { DatabaseScene, dumper, failureOf, FakeTools, Line } from '../../../support/databases.ts';
import {
  MACHINE,
  PASSWORD,
  startPostgres,
  type PostgresServer,
} from '../../../support/postgres.ts';

let server: PostgresServer;
let scene: DatabaseScene;

beforeAll(async () => {
  server = await startPostgres();
  // More than any buffer between server and client holds.
  server.create('large', { empty: true });
  server.sql(
    'large',
    'CREATE TABLE t AS SELECT i, repeat(md5(i::text), 40) AS text FROM generate_series(1, 40000) i; CREATE ROLE reader LOGIN; GRANT SELECT ON t TO reader; CREATE TABLE small (id integer)',
  );
});
afterAll(async () => server[Symbol.asyncDispose]());
beforeEach(() => {
  scene = new DatabaseScene();
});

/** After the questions and the definitions, in the middle of the rows. */
const MIDDLE = 8 << 20;

function through(line: Line): string {
  return server.tcpUrl('large').replace(`:${server.port}/`, `:${line.port}/`);
}

async function refused(work: Promise<unknown>) {
  const error = await failureOf(work);
  const said = `${error.message} ${error.hint ?? ''} ${error.stack ?? ''} ${JSON.stringify(error)}`;
  expect(said).not.toContain(PASSWORD);
  expect(said).not.toContain(encodeURIComponent(PASSWORD));
  expect(scene.stored).toEqual([]);
  return error;
}

test('a line that is whole makes a backup', async () => {
  let reached = 0;
  await using line = await Line.to(server.port, MIDDLE, () => {
    reached++;
  });
  expect((await scene.backUp(through(line))).manifest.database?.rows['public.t']).toBe(40_000);
  expect(reached).toBe(1);
});

describe('in the middle of the rows', () => {
  test('a line that is cut makes none', async () => {
    await using line = await Line.to(server.port, MIDDLE, (one) => one.cut());
    const error = await refused(scene.backUp(through(line)));
    expect(error.code).toBe('SOURCE_UNAVAILABLE');
    expect(error.message).toMatch(/pg_dump of .* ended with exit code 1|the session with/);
    expect(error.hint).toContain('Run it again');
  });

  test('a server that ends the session of pg_dump makes none', async () => {
    let ended = '';
    const terminate = `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = 'large' AND query LIKE 'COPY %'`;
    await using line = await Line.to(server.port, MIDDLE, () => {
      ended = server.sql('postgres', terminate);
    });
    const error = await refused(scene.backUp(through(line)));
    expect(ended).toBe('1');
    expect(error.code).toBe('SOURCE_UNAVAILABLE');
    // Which of the two pg_dump comes to say depends on how far it had read.
    expect(error.message).toMatch(/the connection unexpectedly|terminating connection/);
    expect(error.hint).toContain('The connection could not be made, or broke.');
  });

  test('a server that ends the session of the facts makes none, and pg_dump does not go on', async () => {
    const terminate = `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = 'large' AND backend_xmin IS NOT NULL AND query NOT LIKE 'COPY %' AND pid <> pg_backend_pid()`;
    const still = `SELECT count(*) FROM pg_stat_activity WHERE datname = 'large' AND query LIKE 'COPY %'`;
    // The rows are counted for as long as this holds on to one of the tables.
    await using locker = await session();
    await locker.ask('BEGIN; LOCK TABLE small IN ACCESS EXCLUSIVE MODE');
    using tools = new FakeTools(dumper('exec "$REAL" --exclude-table=small "$@"'));
    let ended = '';
    await using line = await Line.to(server.port, MIDDLE, (_line, client) => {
      client.pause();
      ended = server.sql('postgres', terminate);
    });
    const error = await refused(scene.backUp(through(line), { binaries: tools.folder }));
    expect(Number(ended)).toBeGreaterThan(0);
    expect(error.message).toContain('the session with');
    expect(server.sql('postgres', still)).toBe('0');
  });

  test('an interruption ends pg_dump, and is no failure of the source', async () => {
    const stop = new AbortController();
    await using line = await Line.to(server.port, MIDDLE, () => stop.abort());
    const interrupted = new DatabaseScene();
    Object.assign(interrupted.engine, { signal: stop.signal });
    const error = await failureOf(interrupted.backUp(through(line)));
    expect(error.code).toBe('CANCELLED');
    expect(interrupted.stored).toEqual([]);
  });
});

describe('a table that somebody else has locked', () => {
  test('is waited for as long as is configured, and then given up', async () => {
    await using locker = await session();
    await locker.ask('BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE');
    const work = scene.backUp(server.tcpUrl('large'), { lockWaitTimeoutSeconds: 1 });
    const error = await refused(work);
    expect(error.code).toBe('SOURCE_UNAVAILABLE');
    expect(error.message).toContain('lock timeout');
    expect(error.hint).toContain('lockWaitTimeout');
  });

  test('is dumped when it is free in time', async () => {
    const locker = await session();
    await locker.ask('BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE');
    const work = scene.backUp(server.tcpUrl('large'), { lockWaitTimeoutSeconds: 30 });
    await new Promise((resolve) => setTimeout(resolve, 1000));
    await locker.ask('COMMIT');
    await locker.close();
    expect((await work).manifest.status).toBe('complete');
  });
});

describe('a connection that cannot be made', () => {
  const passing: readonly (readonly [string, (url: string) => Promise<string> | string, RegExp])[] =
    [
      [
        'nobody listens',
        async () => `postgres://me:${secret}@127.0.0.1:${await unused()}/x`,
        /Connection refused/,
      ],
      [
        'no such host',
        () => `postgres://me:${secret}@nowhere.invalid/x`,
        /could not translate host name/,
      ],
    ];
  test.each(passing)('because of %s may be made later', async (_what, urlOf, message) => {
    const error = await refused(scene.backUp(await urlOf('')));
    expect(error.code).toBe('SOURCE_UNAVAILABLE');
    expect(ERRORS[error.code].retry).toBe(true);
    expect(error.message).toMatch(message);
  });

  test.each([
    ['a wrong password', () => server.tcpUrl('large', 'postgres', `${PASSWORD}!`), /credentials/],
    ['no password', () => server.tcpUrl('large', 'postgres', ''), /credentials/],
    ['a role that does not exist', () => server.tcpUrl('large', 'ghost'), /credentials/],
    ['a database that does not exist', () => server.tcpUrl('ghost'), /no such database/],
    ['a server without encryption', () => `${server.tcpUrl('large')}?sslmode=require`, /sslmode/],
  ])('because of %s will not be made later', async (_what, urlOf, hint) => {
    const error = await refused(scene.backUp(urlOf()));
    expect(error.code).toBe('SOURCE_UNREADABLE');
    expect(ERRORS[error.code].retry).toBe(false);
    expect(error.hint ?? 'nothing').toMatch(hint);
  });

  test('because of a password with a raw @ behind the address is refused, and not taken for a name', async () => {
    const error = await refused(
      scene.backUp(`postgres://127.0.0.1/large?user=app&password=p@${PASSWORD}`),
    );
    expect(error.code).toBe('CONFIG_INVALID');
    expect(`${error.message} ${error.hint ?? ''}`).not.toContain('p@');
  });

  test('because a token of IAM has run out on the way is told as such', async () => {
    using tools = new FakeTools(
      dumper(`echo 'pg_dump: error: FATAL:  PAM authentication failed for user "app"' >&2; exit 1`),
    );
    const work = scene.backUp(server.tcpUrl('large'), { binaries: tools.folder });
    const error = await refused(work);
    expect(error.code).toBe('SOURCE_UNREADABLE');
    expect(error.hint).toContain('15 minutes');
  });
});

test('a program that prints the password does not have it shown', async () => {
  using tools = new FakeTools(dumper('echo "bad password $PGPASSWORD here" >&2; exit 1'));
  const work = scene.backUp(server.tcpUrl('large'), { binaries: tools.folder });
  expect((await refused(work)).message).toContain('bad password [hidden] here');
});

const secret = encodeURIComponent(PASSWORD);

async function session(): Promise<DatabaseSession> {
  const connection = parseConnection(server.url('large'), 'a test');
  const input = { machine: MACHINE, tools: await findTools(MACHINE), connection };
  return new DatabaseSession({
    ...input,
    signal: undefined,
    ownPath: true,
    failure: 'COMMAND_FAILED',
  });
}

function unused(): Promise<number> {
  return new Promise((resolve) => {
    const listener = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = listener.address() as net.AddressInfo;
      listener.close(() => resolve(port));
    });
  });
}
