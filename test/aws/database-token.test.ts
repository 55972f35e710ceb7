// Tokens of IAM for databases, compared with those that the SDK for Python makes.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import process from 'node:process';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { databaseToken } from '../../lib/aws/database-token.ts';
import { need } from '../needs/need.ts';

const programs = need('ministack');
const before = { ...process.env };
const HOST = 'app.abc123.eu-central-1.rds.amazonaws.com';
const CREDENTIALS = {
  AWS_ACCESS_KEY_ID: 'ASIAEXAMPLE',
  AWS_SECRET_ACCESS_KEY: 'a/secret+of=no+account',
  AWS_SESSION_TOKEN: 'a token/of+the=session&more',
};

beforeAll(() => {
  Object.assign(process.env, CREDENTIALS);
});
afterAll(() => {
  process.env = before;
});

function byPython(user: string): string {
  const code = `import boto3, sys
print(boto3.client('rds', 'eu-central-1').generate_db_auth_token(sys.argv[1], 5433, sys.argv[2]), end='')`;
  const ended = spawnSync(path.join(programs(), 'python'), ['-c', code, HOST, user], {
    env: { PATH: before['PATH'], ...CREDENTIALS, AWS_EC2_METADATA_DISABLED: 'true' },
    encoding: 'utf8',
  });
  if (ended.status !== 0) throw new Error(ended.stderr);
  return ended.stdout;
}

function partsOf(token: string): { place: string; query: Record<string, string> } {
  const [place = '', query = ''] = token.split('?');
  return { place, query: Object.fromEntries(new URLSearchParams(query)) };
}

test.each(['backup', "a role's (own) name!*", 'grüße'])(
  'a token for %s is the one that the SDK for Python signs at that time',
  async (user) => {
    const theirs = partsOf(byPython(user));
    const [, ...at] = /^(....)(..)(..)T(..)(..)(..)Z$/.exec(theirs.query['X-Amz-Date'] ?? '') ?? [];
    const [year = 0, month = 0, ...rest] = at.map(Number);
    const now = new Date(Date.UTC(year, month - 1, ...rest));
    const ours = partsOf(await databaseToken({ host: HOST, port: '5433', user }, now));
    expect(ours).toEqual(theirs);
    expect(ours.query).toMatchObject({ DBUser: user, 'X-Amz-Expires': '900' });
  },
);

test('without credentials it says so, as every service does', async () => {
  const keys = Object.keys(CREDENTIALS);
  for (const key of keys) Reflect.deleteProperty(process.env, key);
  Object.assign(process.env, {
    HOME: '/nonexistent',
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_CONFIG_FILE: '/nonexistent',
    AWS_SHARED_CREDENTIALS_FILE: '/nonexistent',
  });
  const token = databaseToken({ host: HOST, port: '5432', user: 'backup' }, new Date(0));
  await expect(token).rejects.toMatchObject({
    code: 'STORE_DENIED',
    message: expect.stringContaining('credentials are missing'),
  });
});
