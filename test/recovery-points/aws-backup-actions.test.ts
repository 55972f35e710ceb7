// What AWS Backup is asked to do: the real client over HTTP, and what a service far away does besides.
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { BackupClient } from '@aws-sdk/client-backup';
import { backupActor } from '../../lib/recovery-points/aws-backup-actions.ts';
import type { BackupActor, BackupOrder } from '../../lib/recovery-points/service.ts';
import { codeOf } from '../support/engine.ts';
import { SmallBackup, type BackupFault } from '../support/small-backup.ts';

const ROLE = 'arn:aws:iam::123456789012:role/backup';
const TABLE = 'arn:aws:dynamodb:eu-central-1:123456789012:table/tasks';
const POINT = 'arn:aws:backup:eu-central-1:123456789012:recovery-point:1/2';
const ORDER: BackupOrder = {
  vault: 'holdfast-shop',
  resource: TABLE,
  role: ROLE,
  token: 'token-1',
  keepDays: 7,
  tags: { 'holdfast:selection': 'tables' },
};

let aws: SmallBackup;
let actor: BackupActor;

beforeEach(async () => {
  aws = await SmallBackup.start();
  actor = actorOf();
});
afterEach(() => aws[Symbol.asyncDispose]());

function actorOf(signal?: AbortSignal): BackupActor {
  const client = new BackupClient({
    region: 'eu-central-1',
    endpoint: aws.endpoint,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    requestHandler: { requestTimeout: 1000, throwOnRequestTimeout: true },
    maxAttempts: 3,
  });
  return backupActor(client, signal);
}

function strike(times: number, fault: BackupFault): void {
  aws.faults = (_request, number) => (number <= times ? fault : undefined);
}

test('a backup is ordered with its token, its retention and its tags', async () => {
  expect(await actor.startBackup(ORDER)).toBe('00000000-0000-0000-0000-000000000001');
  expect(aws.ordered).toEqual([
    expect.objectContaining({
      kind: 'backup-jobs',
      BackupVaultName: 'holdfast-shop',
      ResourceArn: TABLE,
      IamRoleArn: ROLE,
      IdempotencyToken: 'token-1',
      Lifecycle: { DeleteAfterDays: 7 },
      RecoveryPointTags: { 'holdfast:selection': 'tables' },
    }),
  ]);
});

test('a restore is ordered with the metadata that it is given', async () => {
  const order = { point: POINT, role: ROLE, type: 'DynamoDB', token: 'token-2' };
  await actor.startRestore({ ...order, metadata: { targetTableName: 'tasks-restored' } });
  expect(aws.ordered).toEqual([
    expect.objectContaining({
      kind: 'restore-jobs',
      RecoveryPointArn: POINT,
      ResourceType: 'DynamoDB',
      Metadata: { targetTableName: 'tasks-restored' },
      IdempotencyToken: 'token-2',
    }),
  ]);
});

test('the metadata of a recovery point is found by its ARN, slashes and all', async () => {
  aws.metadata.set(POINT, { originalTableName: 'tasks' });
  expect(await actor.metadata('holdfast-shop', POINT)).toEqual({ originalTableName: 'tasks' });
});

test('a verdict is reported with its words', async () => {
  await actor.report('job-1', 'FAILED', 'not proven: nothing was recorded');
  expect(aws.validations).toEqual([
    {
      job: 'job-1',
      ValidationStatus: 'FAILED',
      ValidationStatusMessage: 'not proven: nothing was recorded',
    },
  ]);
});

test('throttling and a broken connection are waited out', async () => {
  strike(1, { status: 429, name: 'ThrottlingException' });
  await actor.report('job-1', 'SUCCESSFUL', 'fine');
  strike(aws.asked.length + 1, 'reset');
  await actor.startBackup(ORDER);
  expect([aws.validations.length, aws.ordered.length]).toEqual([1, 1]);
});

test('throttling that does not end is told as a service that may answer later', async () => {
  strike(100, { status: 429, name: 'ThrottlingException' });
  expect(await codeOf(actor.startBackup(ORDER))).toBe('STORE_UNAVAILABLE');
});

test('denied access is told without the words of the service, which may quote a request', async () => {
  strike(100, { status: 403, name: 'AccessDeniedException' });
  const error: unknown = await actor.startBackup(ORDER).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: 'STORE_DENIED' });
  expect(String(error)).not.toContain('secret');
});

test('an order that AWS Backup refuses is told with its reason', async () => {
  strike(100, { status: 400, name: 'InvalidParameterValueException' });
  expect(await codeOf(actor.startBackup(ORDER))).toBe('USAGE');
});

test('an answer without the id of a job is no job', async () => {
  strike(1, { body: '{}' });
  expect(await codeOf(actor.startBackup(ORDER))).toBe('STORE_UNAVAILABLE');
});

test('a signal ends a call', async () => {
  strike(1, 'hang');
  const actorWithSignal = actorOf(AbortSignal.timeout(50));
  expect(await codeOf(actorWithSignal.startBackup(ORDER))).toBe('CANCELLED');
});
