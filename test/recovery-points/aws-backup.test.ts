// The port to AWS Backup: the real client over HTTP, against answers as AWS words them, and against what a service far away does besides.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { BackupClient } from '@aws-sdk/client-backup';
import { backupReader } from '../../lib/recovery-points/aws-backup.ts';
import type { BackupReader } from '../../lib/recovery-points/service.ts';
import { codeOf } from '../support/engine.ts';
import { listedPoint, SmallBackup, type BackupFault } from '../support/small-backup.ts';

const TABLE = 'arn:aws:dynamodb:eu-central-1:123456789012:table/tasks';
const AT = new Date('2026-11-22T05:00:00.000Z');
const SECONDS = AT.getTime() / 1000;

let aws: SmallBackup;
let reader: BackupReader;

beforeEach(async () => {
  aws = await SmallBackup.start();
  reader = readerOf();
});
afterEach(() => aws[Symbol.asyncDispose]());

function readerOf({
  signal,
  requestTimeout = 1000,
}: { signal?: AbortSignal; requestTimeout?: number } = {}) {
  const client = new BackupClient({
    region: 'eu-central-1',
    endpoint: aws.endpoint,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    requestHandler: { requestTimeout, throwOnRequestTimeout: true },
    maxAttempts: 3,
  });
  return backupReader(client, signal);
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

/** Strikes so often, then no more. */
function strike(times: number, fault: BackupFault): void {
  aws.faults = (_request, number) => (number <= times ? fault : undefined);
}

describe('a vault', () => {
  test('is described with its lock', async () => {
    aws.keep('holdfast-shop', [], {
      EncryptionKeyArn: 'arn:aws:kms:eu-central-1:123456789012:key/1',
      NumberOfRecoveryPoints: 23,
      Locked: true,
      MinRetentionDays: 7,
      MaxRetentionDays: 400,
      LockDate: SECONDS,
    });
    expect(await reader.vault('holdfast-shop')).toEqual({
      arn: 'arn:aws:backup:eu-central-1:123456789012:backup-vault:holdfast-shop',
      created: new Date(1_700_000_000_000),
      key: 'arn:aws:kms:eu-central-1:123456789012:key/1',
      points: 23,
      lock: { minDays: 7, maxDays: 400, finalFrom: AT },
    });
  });

  test('without a lock has none, and one that is not there is undefined', async () => {
    aws.keep('open', [], { Locked: false, MinRetentionDays: 7 });
    expect(await reader.vault('open')).toMatchObject({ lock: undefined, key: undefined });
    expect(await reader.vault('absent')).toBeUndefined();
  });
});

describe('recovery points', () => {
  test('are told with who made them and when they go', async () => {
    const more = {
      StatusMessage: 'as told',
      CreatedBy: { BackupPlanArn: 'arn:plan', BackupRuleName: 'daily' },
      CalculatedLifecycle: { DeleteAt: SECONDS + 86_400 },
    };
    aws.keep('v', [listedPoint(TABLE, AT, more)]);
    const [point] = await all(reader.points('v'));
    expect(point).toMatchObject({
      resource: TABLE,
      type: 'DynamoDB',
      state: 'COMPLETED',
      message: 'as told',
      created: AT,
      completed: new Date(AT.getTime() + 60_000),
      bytes: 1000,
      plan: 'arn:plan',
      rule: 'daily',
      deleteAt: new Date(AT.getTime() + 86_400_000),
    });
  });

  test('come from all pages, 10,000 of them, each once', async () => {
    const points = Array.from({ length: 10_000 }, (_, index) =>
      listedPoint(TABLE, new Date(AT.getTime() - index * 1000)),
    );
    aws.keep('v', points);
    const found = await all(reader.points('v'));
    expect(new Set(found.map(({ arn }) => arn)).size).toBe(10_000);
    expect(found).toHaveLength(10_000);
    expect(aws.asked).toHaveLength(10);
  });

  test('are asked for by resource and time', async () => {
    const older = listedPoint(TABLE, new Date(AT.getTime() - 1000));
    aws.keep('v', [older, listedPoint(TABLE, AT), listedPoint(`${TABLE}-2`, AT)]);
    const since = new Date(AT.getTime() - 500);
    const found = await all(reader.points('v', { resource: TABLE, since }));
    expect(found.map(({ resource, created }) => [resource, created])).toEqual([[TABLE, AT]]);
  });

  test('keep a state that the SDK does not know', async () => {
    aws.keep('v', [listedPoint(TABLE, AT, { Status: 'HIBERNATING' })]);
    expect(await all(reader.points('v'))).toMatchObject([{ state: 'HIBERNATING' }]);
  });

  test('that say nothing of themselves are in no known state, and as old as can be', async () => {
    aws.keep('v', [{}]);
    expect(await all(reader.points('v'))).toMatchObject([
      { state: 'unknown', created: new Date(0), resource: '', bytes: undefined },
    ]);
  });
});

describe('jobs', () => {
  test('of backups are told with their category', async () => {
    const job = {
      BackupJobId: 'A1',
      ResourceArn: TABLE,
      BackupVaultArn: 'arn:vault',
      RecoveryPointArn: 'arn:point',
      State: 'COMPLETED',
      StatusMessage: 'two files could not be read',
      MessageCategory: 'PARTIAL_SUCCESS',
      CreationDate: SECONDS,
      PercentDone: '100.0',
      BackupSizeInBytes: 7,
      CreatedBy: { BackupPlanArn: 'arn:plan' },
    };
    aws.backupJobs.set('A1', job);
    expect(await reader.backupJob('A1')).toEqual({
      id: 'A1',
      resource: TABLE,
      vault: 'arn:vault',
      point: 'arn:point',
      state: 'COMPLETED',
      message: 'two files could not be read',
      category: 'PARTIAL_SUCCESS',
      created: AT,
      completed: undefined,
      bytes: 7,
      percent: 100,
      plan: 'arn:plan',
    });
  });

  test('of restores are told with what they made and which plan tested', async () => {
    aws.restoreJobs.set('B2', {
      RestoreJobId: 'B2',
      RecoveryPointArn: 'arn:point',
      Status: 'COMPLETED',
      CreationDate: SECONDS,
      CompletionDate: SECONDS,
      CreatedResourceArn: 'arn:made',
      CreatedBy: { RestoreTestingPlanArn: 'arn:testing' },
      ValidationStatus: 'VALIDATING',
    });
    expect(await reader.restoreJob('B2')).toMatchObject({
      state: 'COMPLETED',
      point: 'arn:point',
      createdResource: 'arn:made',
      testingPlan: 'arn:testing',
      resource: undefined,
      validation: 'VALIDATING',
    });
  });

  test('of copies are those into one vault', async () => {
    const copy = { CopyJobId: 'C', ResourceArn: TABLE, State: 'COMPLETED', CreationDate: SECONDS };
    aws.copyJobs = [
      { ...copy, DestinationBackupVaultArn: 'arn:there', DestinationRecoveryPointArn: 'arn:copy' },
      { ...copy, DestinationBackupVaultArn: 'arn:elsewhere' },
    ];
    expect(await all(reader.copyJobs('arn:there'))).toMatchObject([
      { id: 'C', resource: TABLE, state: 'COMPLETED', copy: 'arn:copy', created: AT },
    ]);
  });

  test('that nobody knows are refused by their id', async () => {
    await expect(reader.backupJob('absent')).rejects.toMatchObject({
      code: 'STORE_DENIED',
      message: expect.stringContaining('the backup job absent cannot be described'),
    });
  });
});

test('opt-ins and protected resources are told as AWS names them', async () => {
  aws.optIns = { DynamoDB: true, EFS: false };
  aws.protectedResources = [
    { ResourceArn: TABLE, ResourceType: 'DynamoDB', LastBackupTime: SECONDS },
  ];
  expect(await reader.optIns()).toEqual({ DynamoDB: true, EFS: false });
  expect(await all(reader.protectedResources())).toEqual([
    { arn: TABLE, type: 'DynamoDB', lastBackup: AT },
  ]);
});

describe('what does not answer well', () => {
  test.each([
    ['throttling', { status: 400, name: 'ThrottlingException' }],
    ['an error of the service', { status: 500, name: 'ServiceUnavailableException' }],
    ['a connection that breaks', 'reset'],
  ] as const)('%s is asked again', async (_name, fault) => {
    aws.keep('v', [listedPoint(TABLE, AT)]);
    strike(2, fault);
    expect(await all(reader.points('v'))).toHaveLength(1);
  });

  test('throttling on a later page loses nothing', async () => {
    aws.keep(
      'v',
      Array.from({ length: 2500 }, (_, index) => listedPoint(TABLE, new Date(index * 1000))),
    );
    aws.faults = (_request, number) =>
      number === 2 ? { status: 429, name: 'TooManyRequestsException' } : undefined;
    expect(await all(reader.points('v'))).toHaveLength(2500);
  });

  test('what never answers well is unavailable', async () => {
    strike(99, { status: 400, name: 'ThrottlingException' });
    expect(await codeOf(all(reader.points('v')))).toBe('STORE_UNAVAILABLE');
    expect(await codeOf(reader.vault('v'))).toBe('STORE_UNAVAILABLE');
  });

  test('what answers nothing in time is unavailable', async () => {
    strike(99, 'hang');
    const code = await codeOf(readerOf({ requestTimeout: 100 }).optIns());
    expect(code).toBe('STORE_UNAVAILABLE');
  });

  test('what is no answer of AWS is unavailable', async () => {
    strike(99, { body: '<html>a captive portal</html>' });
    expect(await codeOf(reader.optIns())).toBe('STORE_UNAVAILABLE');
  });

  test('access denied is said of the vault, without the words of the service', async () => {
    strike(99, { status: 403, name: 'AccessDeniedException' });
    for (const asked of [reader.vault('v'), all(reader.points('v'))])
      await expect(asked).rejects.toMatchObject({
        code: 'STORE_DENIED',
        message: expect.stringMatching(
          /^the vault v cannot be (described|listed): access is denied/,
        ),
      });
    await expect(reader.vault('v')).rejects.not.toThrow(/secret word/);
  });

  test('a signal ends it', async () => {
    const stopped = new AbortController();
    strike(99, 'hang');
    const asked = codeOf(all(readerOf({ signal: stopped.signal }).points('v')));
    stopped.abort();
    expect(await asked).toBe('CANCELLED');
  });
});
