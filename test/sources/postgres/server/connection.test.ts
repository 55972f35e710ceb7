// Connection strings, compared with psql: what libpq takes leads to the same place here.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseConnection } from '../../../../lib/sources/postgres/server/connection.ts';
import { DatabaseSession } from '../../../../lib/sources/postgres/server/session.ts';
import { findTools, type Tools } from '../../../../lib/sources/postgres/server/tools.ts';
import { DatabaseScene, failureOf } from '../../../support/databases.ts';
import {
  MACHINE,
  PASSWORD,
  startPostgres,
  type PostgresServer,
} from '../../../support/postgres.ts';

let server: PostgresServer;
let tools: Tools;
const WHERE =
  "SELECT current_database() || ' ' || current_user || ' ' || coalesce(host(inet_server_addr()), 'a socket')";

beforeAll(async () => {
  server = await startPostgres();
  server.create('app', { empty: true });
  tools = await findTools(MACHINE);
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

type Environment = Readonly<Record<string, string>>;

function bySession(text: string, environment: Environment): Promise<string> {
  const connection = parseConnection(text, 'env:X', environment);
  const session = new DatabaseSession({
    ...{ machine: MACHINE, tools, connection, signal: undefined, failure: 'SOURCE_UNREADABLE' },
  });
  return session.ask(WHERE).finally(() => session[Symbol.asyncDispose]());
}

function byPsql(text: string, environment: Environment): string {
  const ended = spawnSync(
    path.join(tools.folder, 'psql'),
    ['-X', '-A', '-t', '-w', '-c', WHERE, text],
    {
      env: { PATH: process.env['PATH'], ...environment },
      encoding: 'utf8',
    },
  );
  return ended.status === 0 ? ended.stdout.trim() : `psql: ${ended.stderr}`;
}

/** In them, `PORT` is the server's, `FOLDER` that of its socket, `SECRET` the password as a URL has it. */
function here(text: string): string {
  return text
    .replaceAll('PORT', String(server.port))
    .replaceAll('%FOLDER%', encodeURIComponent(server.folder))
    .replaceAll('FOLDER', server.folder)
    .replaceAll('SECRET', encodeURIComponent(PASSWORD));
}

const TCP = 'postgres://postgres:SECRET@127.0.0.1:PORT/app';

describe('what psql takes is taken, and leads to the same place:', () => {
  test.each([
    ['several hosts', 'postgres://postgres:SECRET@127.0.0.1:1,127.0.0.1:PORT/app'],
    [
      'one port for several hosts',
      'postgres://postgres:SECRET@/app?host=127.0.0.2,127.0.0.1&port=PORT',
    ],
    ['an address of IPv6', 'postgres://postgres:SECRET@[::ffff:127.0.0.1]:PORT/app'],
    ['a socket as a host', 'postgres://postgres@%FOLDER%:PORT/app'],
    ['a socket as a parameter', 'postgres:///app?host=FOLDER&port=PORT&user=postgres'],
    ['pairs', "host=FOLDER port = PORT dbname='app' user=postgres"],
    [
      'keepalives',
      `${TCP}?keepalives=1&keepalives_idle=30&keepalives_count=3&tcp_user_timeout=1000`,
    ],
    ['a list of revoked certificates', `${TCP}?sslmode=prefer&sslcrl=/dev/null`],
    ['a floor for TLS', `${TCP}?ssl_min_protocol_version=TLSv1.2`],
    ['names of applications', `${TCP}?fallback_application_name=x&application_name=my+app`],
    ['an encoding', `${TCP}?client_encoding=UTF8`],
    ['options', `${TCP}?options=-c%20statement_timeout%3D5min`],
    ['what kind of server it has to be', `${TCP}?target_session_attrs=read-write`],
  ])('%s', async (_what, text) => {
    const expected = byPsql(here(text), {});
    expect(expected).toMatch(/^app postgres /);
    expect(await bySession(here(text), {})).toBe(expected);
  });

  test('a file of passwords, named in the string or by the environment', async () => {
    const file = path.join(server.folder, 'passwords');
    const word = PASSWORD.replaceAll(/[\\:]/g, '\\$&');
    fs.writeFileSync(file, `127.0.0.1:*:*:postgres:${word}\n`, { mode: 0o600 });
    const plain = here('postgres://postgres@127.0.0.1:PORT/app');
    for (const [text, environment] of [
      [`${plain}?passfile=${file}`, {}],
      [plain, { PGPASSFILE: file }],
    ] as const) {
      expect(byPsql(text, environment)).toMatch(/^app postgres /);
      expect(await bySession(text, environment)).toMatch(/^app postgres /);
    }
    expect((await failureOf(bySession(plain, {}))).message).toContain('no password supplied');
  });

  test('a service', async () => {
    const file = path.join(server.folder, 'services');
    fs.writeFileSync(file, here('[main]\nhost=FOLDER\nport=PORT\nuser=postgres\n'));
    const environment = { PGSERVICEFILE: file };
    expect(byPsql('postgres:///app?service=main', environment)).toMatch(/^app postgres /);
    expect(await bySession('postgres:///app?service=main', environment)).toMatch(/^app postgres /);
  });

  test('how to connect, by the environment, which the string overrides', async () => {
    const environment = {
      PGSSLMODE: 'verify-full',
      PGHOST: '127.0.0.9',
      PGPORT: String(server.port),
    };
    const text = here('postgres://postgres:SECRET@127.0.0.1/app');
    const { message } = await failureOf(bySession(text, environment));
    expect(message).toContain('SSL was required');
    const overridden = await bySession(`${text}?sslmode=disable`, environment);
    expect(overridden).toBe('app postgres 127.0.0.1');
  });
});

test.each([
  ['ssl=true', 'require'],
  ['ssl=false', 'disable'],
  ['sslmode=no-verify', 'require'],
])('what libraries write is understood: %s', (parameter, mode) => {
  expect(parseConnection(`postgres://db/app?${parameter}`, 'env:X').env['PGSSLMODE']).toBe(mode);
});

test('what cannot be taken is named, with the reason', async () => {
  const refused = (text: string) =>
    failureOf(Promise.resolve().then(() => parseConnection(text, 'env:X')));
  const { message } = await refused('postgres://db/app?sslpassword=x');
  expect(message).toContain('"sslpassword", which is not taken: a key with a passphrase');
  const unknown = await refused('postgres://db/app?sslrotcert=x');
  expect(unknown.message).toContain('"sslrotcert", which is unknown');
  expect(unknown.hint).toContain('sslrootcert');
});

test('a database is backed up, whatever characters its name has', async () => {
  const scene = new DatabaseScene();
  const name = fc.string({
    unit: fc.constantFrom(...Array.from(`ab='"\\ /:@?&%;$ü,`)),
    minLength: 1,
    maxLength: 12,
  });
  const odd = [
    `dbname=postgres host=nowhere`,
    'postgres://nowhere/x',
    ...fc.sample(name, { numRuns: 2, seed: 7 }),
  ];
  for (const database of odd) {
    server.sql('postgres', `CREATE DATABASE "${database.replaceAll('"', '""')}"`);
    const quoted = `dbname='${database.replaceAll(/['\\]/g, '\\$&')}'`;
    server.run('psql', ['-X', '-q', '-d', quoted, '-c', 'CREATE TABLE t AS SELECT 1 AS i']);
    const { manifest } = await scene.backUp(server.url(encodeURIComponent(database)));
    expect([manifest.database?.rows, manifest.problems]).toEqual([{ 'public.t': 1 }, []]);
  }
});
