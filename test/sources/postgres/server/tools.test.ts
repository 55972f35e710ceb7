// Which of Postgres' programs are used, which are too old to be safe, and what a connection says of where it leads.
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parseConnection } from '../../../../lib/sources/postgres/server/connection.ts';
import {
  findDumper,
  findServer,
  findTools,
  knowsRestrictKey,
  outdated,
} from '../../../../lib/sources/postgres/server/tools.ts';
import { failureOf, FakeTools } from '../../../support/databases.ts';
import { MACHINE } from '../../../support/postgres.ts';

function versioned(version: string): FakeTools {
  return new FakeTools({ pg_dump: `echo "pg_dump (PostgreSQL) ${version}"` });
}

test.each([
  ['14.22', true],
  ['14.23', false],
  ['15.17', true],
  ['15.18', false],
  ['16.13', true],
  ['16.14', false],
  ['17.9', true],
  ['17.10', false],
  ['18.3', true],
  ['18.4', false],
  ['13.23', true],
  ['9.6', true],
  ['19.0', false],
])('whether PostgreSQL %s lacks security fixes: %s', (version, lacks) => {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  expect(outdated({ major, minor, version }) !== undefined).toBe(lacks);
});

test.each([
  ['15.13', false],
  ['15.14', true],
  ['13.22', true],
  ['17.5', false],
  ['17.6', true],
  ['18.0', true],
  ['12.40', false],
])('whether PostgreSQL %s can be told the key of \\restrict: %s', (version, can) => {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  expect(knowsRestrictKey({ major, minor })).toBe(can);
});

describe('of the programs on the PATH', () => {
  test('the first are used, and a folder that is configured before them', async () => {
    using first = versioned('16.14');
    using other = versioned('17.10 (Debian 17.10-1)');
    expect(await findTools(first.machine)).toMatchObject({ version: '16.14', major: 16 });
    expect(await findTools(first.machine, other.folder)).toMatchObject({
      folder: other.folder,
      version: '17.10',
    });
  });

  test('Debian’s script that chooses by the clusters of the machine is passed over', async () => {
    using tools = versioned('16.14');
    fs.renameSync(path.join(tools.folder, 'pg_dump'), path.join(tools.folder, 'pg_wrapper'));
    fs.symlinkSync('pg_wrapper', path.join(tools.folder, 'pg_dump'));
    expect((await findTools(tools.machine)).folder).not.toBe(tools.folder);
  });

  test('a restore test takes the server of the wanted version, or the next newer one', async () => {
    using newer = versioned('98.1');
    expect(await findServer(newer.machine, 98)).toMatchObject({ folder: newer.folder });
    expect(await findServer(newer.machine, 97)).toMatchObject({ folder: newer.folder });
    const real = await findTools(MACHINE);
    expect(await findServer(newer.machine, real.major)).toMatchObject({ folder: real.folder });
  });

  test('none is older than the database was: that is said', async () => {
    const { code, message, hint } = await failureOf(findServer(MACHINE, 99));
    expect(code).toBe('COMMAND_FAILED');
    expect(message).toMatch(/no server of PostgreSQL 99 or newer on this machine, only \d+\.\d+/);
    expect(hint).toContain('postgresql-99');
  });

  test('a dump is written again by the pg_dump that wrote it, where it is here', async () => {
    using old = versioned('16.13');
    const server = await findTools(MACHINE);
    expect((await findDumper(old.machine, '16.13', server)).folder).toBe(old.folder);
    expect(await findDumper(old.machine, '16.12', server)).toBe(server);
  });
});

function parsed(url: string): Promise<unknown> {
  return Promise.resolve(url).then((one) => parseConnection(one, 'env:X'));
}

describe('a connection', () => {
  test('goes into variables of libpq, and its label holds no password', () => {
    const { env, label, database } = parseConnection(
      'postgresql://me:p%40ss%2Fword@db.example.org:5433/shop?sslmode=verify-full&connection_limit=5',
      'env:X',
    );
    expect(env).toMatchObject({
      PGUSER: 'me',
      PGPASSWORD: 'p@ss/word',
      PGHOST: 'db.example.org',
      PGPORT: '5433',
      PGDATABASE: 'shop',
      PGSSLMODE: 'verify-full',
    });
    expect([label, database]).toEqual(['me@db.example.org:5433/shop', 'shop']);
  });

  test.each([
    ['no URL', 'me:hush-hush@db/shop'],
    ['pairs that break off', "host=db user=me password='hush-hush"],
    ['another scheme', 'mysql://me:hush-hush@db/shop'],
    ['a transaction pooler', 'postgres://me:hush-hush@db:6543/shop'],
    [
      'a pooler of Neon',
      'postgres://me:hush-hush@ep-cool-lake-1-pooler.c-2.eu-central-1.aws.neon.tech/shop',
    ],
    ['a transaction pooler among hosts', 'postgres://me:hush-hush@/shop?host=a,b&port=5432,6543'],
    ['pgbouncer', 'postgres://me:hush-hush@db/shop?pgbouncer=true'],
    ['a parameter that is unknown', 'postgres://me:hush-hush@db/shop?sslfactory=own'],
    ['a parameter that is not taken', 'postgres://me@db/shop?sslpassword=hush-hush'],
    ['a password that is not encoded', 'postgres://me:hush-hush%zz@db/shop'],
    ['no database', 'postgres://:hush-hush@db'],
  ])('that is %s is refused, and nothing of it is shown', async (_what, url) => {
    const error = await failureOf(parsed(url));
    expect(error.code).toBe('CONFIG_INVALID');
    expect(error.message).toContain('env:X');
    expect(`${error.message}${error.hint ?? ''}${error.stack ?? ''}`).not.toContain('hush');
  });

  test('that leads to a transaction pooler is told the way to the session pooler', async () => {
    const { hint } = await failureOf(parsed('postgres://a:b@x.pooler.dev:6543/p'));
    expect(hint).toContain('port 5432 instead of 6543');
  });
});
