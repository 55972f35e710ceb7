// Databases as RDS has them: secrets that are rotated, certificates that are checked, and tokens in place of passwords.
import fs from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { databaseToken } from '../../../../lib/aws/database-token.ts';
import type { PostgresSourceConfig } from '../../../../lib/config/config.ts';
import { NO_SERVER } from '../../../../lib/config/load/resolve.ts';
import { examinePostgres } from '../../../../lib/sources/postgres/examine.ts';
import type { PostgresOptions } from '../../../../lib/sources/postgres/dump/read.ts';
import { CERTIFICATES_OF_RDS } from '../../../../lib/sources/postgres/server/certificates.ts';
import { connectionTo } from '../../../../lib/sources/postgres/server/connect.ts';
import { DatabaseSession } from '../../../../lib/sources/postgres/server/session.ts';
import { findTools, type Machine } from '../../../../lib/sources/postgres/server/tools.ts';
import { postgresSource } from '../../../../lib/sources/postgres/source.ts';
import { databaseOptions } from '../../../../lib/wiring/databases.ts';
import { DatabaseScene, dumper, failureOf, FakeTools } from '../../../support/databases.ts';
import { backUpNow } from '../../../support/engine.ts';
import { HOST, startLikeRds, type LikeRds } from '../../../support/like-rds.ts';
import { MACHINE, PASSWORD, postgresOptions } from '../../../support/postgres.ts';

const CREDENTIALS = { AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY: 'canary-secret' };
const before = { ...process.env };
let rds: LikeRds;

beforeAll(async () => {
  Object.assign(process.env, CREDENTIALS);
  rds = await startLikeRds(isSigned);
  rds.server.create('app');
  rds.server.sql(
    'app',
    'CREATE ROLE token_reader LOGIN BYPASSRLS; GRANT pg_read_all_data, rds_iam TO token_reader; ALTER ROLE token_reader SET lo_compat_privileges = on',
  );
});
afterAll(async () => {
  process.env = before;
  await rds[Symbol.asyncDispose]();
});

/** As RDS judges a token: signed for this server and role, with a key that it knows, not too long ago. */
async function isSigned(user: string, token: string): Promise<boolean> {
  const query = new URLSearchParams(token.split('?')[1]);
  const [, ...at] = /^(....)(..)(..)T(..)(..)(..)Z$/.exec(query.get('X-Amz-Date') ?? '') ?? [];
  const [year = 0, month = 0, ...rest] = at.map(Number);
  const now = new Date(Date.UTC(year, month - 1, ...rest));
  const to = { host: HOST, port: String(rds.server.port), user };
  return (await databaseToken(to, now)) === token;
}

/** A machine from which the name of RDS leads to the server of the tests. */
function machine(changes: Partial<Machine> = {}): Machine {
  const environment = { ...MACHINE.environment, PGHOSTADDR: '127.0.0.1' };
  return { ...MACHINE, environment, certificatesOfRds: rds.certificates, ...changes };
}
const secretOf = (password = PASSWORD, user = 'postgres') =>
  JSON.stringify({
    ...{ username: user, password, engine: 'postgres', host: HOST },
    ...{ port: rds.server.port, dbname: 'app', dbInstanceIdentifier: 'app' },
  });

async function ask(options: PostgresOptions, sql: string, on = machine()): Promise<string> {
  const connection = await connectionTo(options, on);
  const tools = await findTools(on);
  await using session = new DatabaseSession({
    ...{ machine: on, tools, connection, signal: undefined, failure: 'SOURCE_UNREADABLE' },
  });
  return await session.ask(sql);
}
const USES_TLS = 'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()';

describe('a secret that is rotated', () => {
  test('is read anew for each program that connects: also when it changes during a dump', async () => {
    const { server } = rds;
    server.sql(
      'app',
      "CREATE ROLE rotated LOGIN BYPASSRLS PASSWORD 'first/p@ss'; GRANT pg_read_all_data TO rotated; ALTER ROLE rotated SET lo_compat_privileges = on",
    );
    const current = path.join(server.folder, 'current');
    fs.writeFileSync(current, 'first/p@ss');
    const rotate = `env -i PATH="$PATH" psql -q -h ${server.folder} -p ${server.port} -U postgres -d app -c "ALTER ROLE rotated PASSWORD 'second-\\"p@ss'" && printf 'second-"p@ss' >${current}`;
    using tools = new FakeTools(dumper(`"$REAL" "$@"; code=$?; ${rotate}; exit $code`));
    const scene = new DatabaseScene();
    const options = postgresOptions('', {
      url: () => Promise.resolve(secretOf(fs.readFileSync(current, 'utf8'), 'rotated')),
      urlFrom: 'secret:shop',
    });
    const environment = { ...tools.machine.environment, PGHOSTADDR: '127.0.0.1' };
    const source = postgresSource(options, machine({ environment }));
    const made = await backUpNow(scene.engine, source);
    expect(fs.readFileSync(current, 'utf8')).toBe('second-"p@ss');
    expect(made.manifest.artifacts.map(({ role }) => role)).toContain('globals');
    expect(made.manifest.problems.filter(({ tolerated }) => tolerated !== true)).toEqual([]);
  });
});

describe('a server of RDS', () => {
  test('is compared with the certificates of RDS, in a secret and in a URL, without any file being named', async () => {
    const secret = postgresOptions(secretOf());
    expect(await ask(secret, USES_TLS)).toBe('t');
    const url = `postgres://postgres:${encodeURIComponent(PASSWORD)}@${HOST}:${rds.server.port}/app?sslmode=verify-full`;
    expect(await ask(postgresOptions(url), USES_TLS)).toBe('t');
    const { role } = await examinePostgres(secret, machine());
    expect(role).toBe('postgres');
  });

  test('that somebody else certified is refused, before it gets a password', async () => {
    const impostor = machine({ certificatesOfRds: CERTIFICATES_OF_RDS });
    const error = await failureOf(ask(postgresOptions(secretOf()), USES_TLS, impostor));
    expect(error.message).toContain('certificate verify failed');
    expect(error.hint).toContain('sslrootcert');
  });

  test('with another name than that of its certificate is refused', async () => {
    const server = { host: HOST.replace('app', 'other') };
    const error = await failureOf(ask(postgresOptions(secretOf(), { server }), USES_TLS));
    expect(error.message).toContain('does not match host name');
  });

  test('is compared with the certificates of the user where he has some', async () => {
    const home = fs.mkdtempSync('/tmp/holdfast-home-');
    fs.mkdirSync(path.join(home, '.postgresql'));
    fs.copyFileSync(rds.certificates, path.join(home, '.postgresql/root.crt'));
    const environment = { ...machine().environment, HOME: home };
    const own = machine({ environment, certificatesOfRds: CERTIFICATES_OF_RDS });
    expect(await ask(postgresOptions(secretOf()), USES_TLS, own)).toBe('t');
    fs.rmSync(home, { recursive: true });
  });
});

describe('tokens of IAM', () => {
  const byToken = () =>
    databaseOptions(
      {
        ...CONFIGURED,
        server: {
          ...NO_SERVER,
          host: HOST,
          port: rds.server.port,
          database: 'app',
          user: 'token_reader',
        },
      },
      { secret: () => Promise.reject(new Error('there is no secret')) },
    );

  test('open the database, over TLS alone, one for each program that connects', async () => {
    const scene = new DatabaseScene();
    const seen = rds.tokens.length;
    const made = await backUpNow(scene.engine, postgresSource(byToken(), machine()));
    expect(made.manifest.problems.filter(({ tolerated }) => tolerated !== true)).toEqual([]);
    expect(made.manifest.database?.rows['app.users']).toBeGreaterThan(0);
    // Two sessions, the dump and the roles.
    expect(rds.tokens.length - seen).toBe(4);
    expect(await ask(byToken(), `SELECT current_user || ' ' || (${USES_TLS})`)).toBe(
      'token_reader true',
    );
    const signed = new URLSearchParams(rds.tokens.at(-1)?.split('?')[1]);
    expect(signed.get('X-Amz-Credential')).toMatch(
      /^AKIDEXAMPLE\/\d{8}\/eu-central-1\/rds-db\/aws4_request$/,
    );
  });

  test('for another role, or signed with another key, open nothing, and are not shown', async () => {
    const other = {
      ...byToken(),
      token: () =>
        databaseToken({ host: HOST, port: String(rds.server.port), user: 'other' }, new Date(0)),
    };
    const error = await failureOf(ask(other, 'SELECT 1'));
    expect(error.message).toContain('authentication failed');
    expect(error.message).not.toContain('X-Amz');
    expect(error.hint).toContain('rds-db:connect');
  });
});

const CONFIGURED: PostgresSourceConfig = {
  kind: 'postgres',
  name: 'db',
  connection: 'iam',
  server: NO_SERVER,
  compression: 'default',
  format: 'plain',
  runOn: 'function',
  restoreTest: { every: 'never', maxAgeMs: undefined },
  ...{ binaries: undefined, jobs: undefined, tolerate: [], timestamps: [], checks: [] },
  ...{ schemas: [], excludeSchemas: [], tables: [], excludeTables: [], afterRestore: [] },
  ...{ lockWaitTimeoutSeconds: 60, maxDatabaseBytes: 1e9, allowEmpty: false, dropShare: 0.5 },
  ...{ schedule: undefined, timeZone: 'UTC', rpoMs: undefined, rtoMs: undefined, graceMs: 0 },
  heartbeat: undefined,
  retention: { daily: 1, weekly: 0, monthly: 0, yearly: 0, last: 0, withinMs: 0, timeZone: 'UTC' },
};
