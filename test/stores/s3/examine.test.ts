// What the doctor finds out about a bucket, against a server that answers as S3 does to those who may do little.
import http from 'node:http';
import type { AddressInfo } from 'node:net';

import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';

import { examineBucket } from '../../../lib/stores/s3/examine.ts';
import { parseS3Url } from '../../../lib/names/s3-place.ts';

/** `METHOD what` of each request, and what it is answered: a status with the code of an error, or a body. */
const answers = new Map<string, { status: number; code?: string; body?: string }>();
const asked: string[] = [];

function whatOf({ method = '', url = '' }: http.IncomingMessage): string {
  const { pathname, searchParams } = new URL(url, 'http://s3');
  const [question = ''] = [...searchParams.keys()].filter((name) =>
    ['versioning', 'object-lock', 'encryption', 'versions'].includes(name),
  );
  return `${method} ${question !== '' ? `?${question}` : pathname.split('/').slice(2).join('/')}`;
}

const server = http.createServer((request, response) => {
  request.resume();
  const what = whatOf(request);
  asked.push(what);
  const { status, code, body } = answers.get(what) ?? { status: 501, code: 'NotImplemented' };
  response.writeHead(status, { 'content-type': 'application/xml' });
  const error = `<Error><Code>${code ?? ''}</Code><Message>no</Message></Error>`;
  response.end(request.method === 'HEAD' ? undefined : code === undefined ? body : error);
});

beforeAll(async () => {
  process.env['AWS_ACCESS_KEY_ID'] = 'AKIDEXAMPLE';
  process.env['AWS_SECRET_ACCESS_KEY'] = 'not-a-secret';
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const place = () => {
  const { port } = server.address() as AddressInfo;
  return parseS3Url(`s3://backups/shop?region=us-east-1&endpoint=http://127.0.0.1:${port}`);
};
const DENIED = { status: 403, code: 'AccessDenied' };

beforeEach(() => {
  asked.length = 0;
  answers.clear();
  const xml = (body: string) => ({ status: 200, body });
  answers.set('HEAD ', xml(''));
  answers.set(
    'GET ?versioning',
    xml('<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>'),
  );
  answers.set(
    'GET ?object-lock',
    xml(
      '<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled><Rule><DefaultRetention><Mode>GOVERNANCE</Mode><Days>14</Days></DefaultRetention></Rule></ObjectLockConfiguration>',
    ),
  );
  answers.set(
    'GET ?encryption',
    xml(
      '<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>aws:kms</SSEAlgorithm></ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>',
    ),
  );
  answers.set('GET ?versions', xml('<ListVersionsResult/>'));
  answers.set('GET shop/holdfast.json', xml('{'));
  answers.set('PUT shop/holdfast.json', { status: 412, code: 'PreconditionFailed' });
});

test('a bucket as the stack makes it, and credentials that may do all of it', async () => {
  expect(await examineBucket(place(), 'holdfast.json')).toEqual({
    accessKeyId: 'AKIDEXAMPLE',
    account: undefined,
    unreachable: undefined,
    versioned: 'yes',
    locked: 'yes',
    lock: { mode: 'governance', days: 14 },
    encryptedByKms: 'yes',
    denied: [],
  });
});

test.each([
  ['GET ?versions', 's3:ListBucketVersions'],
  ['GET shop/holdfast.json', 's3:GetObject, or kms:Decrypt on the key of the store'],
  ['PUT shop/holdfast.json', 's3:PutObject, or kms:GenerateDataKey on the key of the store'],
])('names the permission that %s lacks', async (call, permission) => {
  answers.set(call, DENIED);
  const { denied } = await examineBucket(place(), 'holdfast.json');
  expect(denied.map((one) => one.permission)).toEqual([permission]);
});

test('puts nothing into a store that is empty', async () => {
  await examineBucket(place(), undefined);
  expect(asked.filter((one) => one.startsWith('PUT'))).toEqual([]);
});

test('tells what is off from what may not be seen and what the server does not have', async () => {
  answers.set('GET ?versioning', { status: 200, body: '<VersioningConfiguration/>' });
  answers.set('GET ?object-lock', { status: 404, code: 'ObjectLockConfigurationNotFoundError' });
  answers.set('GET ?encryption', DENIED);
  expect(await examineBucket(place(), undefined)).toMatchObject({
    versioned: 'no',
    locked: 'no',
    lock: undefined,
    encryptedByKms: 'denied',
  });
  answers.set('GET ?object-lock', { status: 501, code: 'NotImplemented' });
  expect((await examineBucket(place(), undefined)).locked).toBe('unknown');
});

test('asks nothing more of a bucket that is not there', async () => {
  answers.set('HEAD ', { status: 404, code: 'NotFound' });
  expect(await examineBucket(place(), undefined)).toMatchObject({ unreachable: 'NotFound' });
  expect(asked).toEqual(['HEAD ']);
});

test('goes on where only the bucket itself may not be asked', async () => {
  answers.set('HEAD ', DENIED);
  answers.set('GET ?versions', DENIED);
  expect(await examineBucket(place(), undefined)).toMatchObject({
    unreachable: undefined,
    denied: [{ permission: 's3:ListBucketVersions' }],
  });
});
