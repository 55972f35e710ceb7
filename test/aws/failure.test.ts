// What is read from errors of the SDK, and what is never kept of them.
import { inspect } from 'node:util';
import { HeadObjectCommand } from '@aws-sdk/client-s3';
import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { describe, expect, test } from '@jest/globals';
import { awsFailure, inWords, mayPass } from '../../lib/aws/failure.ts';
import { HoldfastError } from '../../lib/errors.ts';
import { BrokenAnswer, NoAnswer } from '../../lib/network/broken-answer.ts';
import { SmallBucket } from '../support/small-bucket.ts';

function answered(status: number | undefined, name: string, more: object = {}): Error {
  const metadata = { $metadata: { httpStatusCode: status, requestId: 'R1' } };
  return Object.assign(new Error('as told'), { name, ...metadata, ...more });
}

describe('a failure', () => {
  test.each([
    [403, 'AccessDenied', 'denied', false],
    [403, 'Forbidden', 'denied', false],
    [400, 'AccessDeniedException', 'denied', false],
    [403, 'ExpiredToken', 'expired', false],
    [400, 'UnrecognizedClientException', 'wrong-credentials', false],
    [undefined, 'CredentialsProviderError', 'no-credentials', false],
    [404, 'NoSuchBucket', 'no-bucket', false],
    [404, 'NoSuchKey', 'absent', false],
    [400, 'ParameterNotFound', 'absent', false],
    [301, 'PermanentRedirect', 'region', false],
    [307, 'Moved', 'region', false],
    [403, 'RequestTimeTooSkewed', 'clock', false],
    [403, 'InvalidObjectState', 'archived', false],
    [400, 'KMS.DisabledException', 'key', false],
    [400, 'KMS.NotFoundException', 'key', false],
    [400, 'DisabledException', 'disabled', false],
    [400, 'KMSInvalidStateException', 'unusable', false],
    [412, 'PreconditionFailed', 'taken', false],
    [409, 'BucketAlreadyExists', 'taken', false],
    [409, 'OperationAborted', 'busy', true],
    [416, 'InvalidRange', 'out-of-range', false],
    [501, 'NotImplemented', 'unsupported', false],
    [405, 'MethodNotAllowed', 'unsupported', false],
    [429, 'Whatever', 'throttled', true],
    [400, 'ThrottlingException', 'throttled', true],
    [503, 'SlowDown', 'throttled', true],
    [400, 'RequestTimeout', 'unavailable', true],
    [500, 'Whatever', 'unavailable', true],
    [507, 'XMinioStorageFull', 'full', true],
    [200, 'Whatever', 'unavailable', true],
    [undefined, 'Whatever', 'unavailable', true],
    [418, 'Whatever', 'unknown', false],
  ] as const)('%s %s is %s', (status, name, reason, passes) => {
    const failure = awsFailure(answered(status, name));
    expect(failure).toMatchObject({ name, status, requestId: 'R1', reason });
    expect(failure && mayPass(failure)).toBe(passes);
  });

  test.each([
    [answered(500, 'InternalError'), 'it answered InternalError (status 500)'],
    [new Error('Region is missing'), 'no region is set'],
    [Object.assign(new Error('x'), { code: 'ECONNREFUSED' }), 'it did not answer (ECONNREFUSED)'],
    [
      answered(400, 'ExpiredTokenException'),
      'the credentials have expired (ExpiredTokenException)',
    ],
    [new BrokenAnswer('ended too early'), 'it ended too early'],
    [new NoAnswer(2000), 'it gave no answer for 2 seconds'],
    [new TypeError('x is not a function'), 'TypeError'],
  ])('is told without the words of the server: %s', (error, words) => {
    expect(inWords(error)).toBe(words);
  });

  test('is found in the error that was made of it, and is read once', () => {
    const failure = awsFailure(answered(403, 'AccessDenied'));
    const error = new HoldfastError('STORE_DENIED', 'access was refused', { cause: failure });
    expect(awsFailure(error)).toBe(failure);
    expect(awsFailure(failure)).toBe(failure);
  });

  test.each([new TypeError('a bug'), 'text', undefined, new HoldfastError('USAGE', 'not so')])(
    'is not made of what no server has answered: %s',
    (error) => {
      expect(awsFailure(error)).toBeUndefined();
    },
  );

  test('knows the region that the server named', () => {
    const headers = { 'x-amz-bucket-region': 'eu-west-9' };
    const redirect = answered(301, 'PermanentRedirect', {
      $response: { statusCode: 301, headers },
    });
    expect(awsFailure(redirect)?.region).toBe('eu-west-9');
    expect(awsFailure(answered(400, 'Whatever', { Region: 'eu-west-8' }))?.region).toBe(
      'eu-west-8',
    );
  });

  test('keeps no header, key or signature of a real request', async () => {
    await using bucket = await SmallBucket.start();
    const error: unknown = await bucket.client
      .send(new HeadObjectCommand({ Bucket: 'assets', Key: 'none' }))
      .catch((thrown: unknown) => thrown);
    const secrets = /AKIDEXAMPLE|Signature=/;
    expect(inspect(error, { depth: 10, showHidden: true })).toMatch(secrets);
    const failure = awsFailure(error);
    expect(failure).toMatchObject({ status: 404, reason: 'absent' });
    expect(inspect(failure, { depth: 10, showHidden: true })).not.toMatch(secrets);
  });

  test('of a service that nobody answers for may pass', async () => {
    const client = new SSMClient({
      region: 'us-east-1',
      endpoint: 'http://127.0.0.1:9',
      maxAttempts: 1,
      credentials: { accessKeyId: 'x', secretAccessKey: 'x' },
    });
    const error: unknown = await client
      .send(new GetParameterCommand({ Name: 'x' }))
      .catch((thrown: unknown) => thrown);
    client.destroy();
    const failure = awsFailure(error);
    expect(failure).toMatchObject({ status: undefined, reason: 'unavailable' });
    expect(failure && mayPass(failure)).toBe(true);
  });
});
