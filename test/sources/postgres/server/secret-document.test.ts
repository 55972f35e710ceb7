// The JSON secrets that RDS makes, read as connections.
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  parseConnection,
  type Parameters,
} from '../../../../lib/sources/postgres/server/connection.ts';
import { failureOf } from '../../../support/databases.ts';

const HOST = 'app.abc123.eu-central-1.rds.amazonaws.com';
const SECRET = { username: 'postgres', password: 'a', engine: 'postgres', host: HOST, port: 5433 };

function read(secret: object, server: Parameters = {}, environment = {}) {
  return parseConnection(JSON.stringify(secret), 'secret:shop', environment, server);
}
async function refusalOf(secret: object | string, server: Parameters = {}): Promise<string> {
  const text = typeof secret === 'string' ? secret : JSON.stringify(secret);
  const reading = () => parseConnection(text, 'secret:shop', {}, server);
  const { code, message } = await failureOf(Promise.resolve().then(reading));
  return `${code}: ${message}`;
}

test('a secret that a rotation of RDS made says everything', () => {
  const secret = { ...SECRET, dbname: 'app', dbInstanceIdentifier: 'app', masterarn: 'arn:…' };
  expect(read(secret)).toMatchObject({
    env: { PGHOST: HOST, PGPORT: '5433', PGUSER: 'postgres', PGDATABASE: 'app', PGPASSWORD: 'a' },
    label: `postgres@${HOST}:5433/app`,
    password: 'a',
  });
});

test('a password of any characters is what the programs get', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', minLength: 1 }), (password) => {
      fc.pre(!password.includes('\0'));
      const { env } = read({ ...SECRET, dbname: 'app', password });
      expect(env['PGPASSWORD']).toBe(password);
    }),
  );
});

test('a secret that RDS manages has user and password alone: the rest is configured', async () => {
  const managed = { username: 'postgres', password: 'a' };
  const server = { host: HOST, dbname: 'app' };
  expect(read(managed, server).label).toBe(`postgres@${HOST}:5432/app`);
  expect(await refusalOf(managed)).toBe(
    'CONFIG_INVALID: the connection in secret:shop names no host and no database',
  );
  expect(await refusalOf(managed, { host: HOST })).toContain('names no database');
});

test('what is configured goes before what the secret says, be it JSON or a URL', () => {
  const server = { host: 'reader.example.com', dbname: 'other', user: 'backup' };
  expect(read({ ...SECRET, dbname: 'app' }, server).label).toBe(
    'backup@reader.example.com:5433/other',
  );
  const url = 'postgres://postgres:a@db.example.com:5433/app?hostaddr=10.0.0.1';
  const { env } = parseConnection(url, 'secret:shop', {}, server);
  expect(env).toMatchObject({ PGHOST: 'reader.example.com', PGPORT: '5433', PGDATABASE: 'other' });
  expect(env['PGHOSTADDR']).toBeUndefined();
});

test('a server of RDS has to show its certificate, unless something else is said', () => {
  const secret = { ...SECRET, dbname: 'app' };
  expect(read(secret).env['PGSSLMODE']).toBe('verify-full');
  expect(read(secret, { sslmode: 'require' }).env['PGSSLMODE']).toBe('require');
  expect(read(secret, {}, { PGSSLMODE: 'verify-ca' }).env['PGSSLMODE']).toBe('verify-ca');
  expect(read({ ...secret, ssl: true }).env['PGSSLMODE']).toBe('require');
  expect(read({ ...secret, host: 'db.example.com' }).env['PGSSLMODE']).toBeUndefined();
  expect(read({ ...secret, host: `${HOST}.evil.example` }).env['PGSSLMODE']).toBeUndefined();
  const url = parseConnection(`postgres://a:b@${HOST}/app`, 'env:X');
  expect(url.env['PGSSLMODE']).toBeUndefined();
});

test.each([
  [
    'of MySQL',
    { ...SECRET, dbname: 'app', engine: 'mysql' },
    'is of a database that is not PostgreSQL',
  ],
  ['cut off', '{"username":"a","password":"canary', 'cannot be read as JSON'],
  [
    'of a list as the password',
    { ...SECRET, dbname: 'app', password: ['canary'] },
    'no text as its "password"',
  ],
  ['of a NUL', { ...SECRET, dbname: 'app', password: 'canary\0' }, 'no text as its "password"'],
  [
    'of TLS that nobody knows',
    { ...SECRET, dbname: 'app', sslMode: 'x' },
    'has the parameter "sslMode"',
  ],
])('a secret %s is refused, and not shown', async (_, secret, message) => {
  const refusal = await refusalOf(secret);
  expect(refusal).toContain(message);
  expect(refusal).not.toContain('canary');
});
