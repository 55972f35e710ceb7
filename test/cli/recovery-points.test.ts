// The command line and AWS Backup: what a user types, against the service as it answers over HTTP, a real S3 server as the store, and
// records that the functions of a stack have signed.
import { createPublicKey } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { encodeSigned, localSigner } from '../../lib/format/signed.ts';
import { makePlace, type Ended, type Place } from '../support/command-line.ts';
import { listedPoint, SmallBackup, type Recorded } from '../support/small-backup.ts';
import { SmallServices } from '../support/small-services.ts';
import { CREDENTIALS, startVersitygw, type Versitygw } from '../support/versitygw.ts';

const TABLE = 'arn:aws:dynamodb:us-east-1:123456789012:table/tasks';
const OTHER = 'arn:aws:dynamodb:us-east-1:123456789012:table/people';
const BUCKET = 'arn:aws:s3:::shop-uploads';
const VAULT = 'holdfast-shop';
const AT = new Date('2026-03-04T05:00:00.000Z');

let server: Versitygw;
let services: SmallServices;
let aws: SmallBackup;
let place: Place;
let bucket: string;

beforeAll(async () => {
  server = await startVersitygw();
});
afterAll(() => server.stop());
beforeEach(async () => {
  bucket = await server.makeBucket();
  place = await makePlace();
  services = await SmallServices.start();
  aws = await SmallBackup.start();
  const store = `s3://${bucket}?region=us-east-1&endpoint=${server.endpoint}&checksums=part`;
  const selection = (arns: readonly string[], more = '') =>
    `{ resources: [${arns.map((arn) => `'${arn}'`).join(', ')}], schedule: '0 5 * * *'${more} }`;
  await place.write({
    'holdfast.yaml': `version: 1
system: shop
store: '${store}'
sources:
  site: { kind: files, path: ./assets }
aws:
  recoveryPoints:
    selections:
      tables: ${selection([TABLE, OTHER])}
      uploads: ${selection([BUCKET], ', continuous: 7d')}
`,
    'assets/a.txt': 'a\n',
  });
});
afterEach(async () => {
  await services[Symbol.asyncDispose]();
  await aws[Symbol.asyncDispose]();
  await place.remove();
});

const env = () => ({ ...CREDENTIALS, ...services.env, AWS_ENDPOINT_URL_BACKUP: aws.endpoint });
const run = (...args: string[]): Promise<Ended> => place.run(args, { env: env() });
const json = (...args: string[]) => place.json(args, { env: env() });

/** Puts into the store what the function of that name would have written. */
async function recorded(signer: string, record: Recorded & { verb: string; subject: string }) {
  const alias = `alias/holdfast-shop-${signer}`;
  const key = services.keys.get(alias) ?? services.makeKey(alias);
  expect(createPublicKey(key).asymmetricKeyType).toBe('ec');
  const time = AT.toISOString().replaceAll(/[-:.]/g, '');
  const Key = `records/${record.verb}/tables/${time}-${record.subject}.json`;
  const payload = {
    key: Key,
    format: 1,
    system: 'shop',
    source: 'tables',
    who: signer,
    begin: AT.toISOString(),
    end: AT.toISOString(),
    problems: [],
    problemCount: 0,
    ...record,
  };
  const Body = await encodeSigned(payload, localSigner(key));
  await server.client.send(new PutObjectCommand({ Bucket: bucket, Key, Body }));
}

const point = listedPoint(TABLE, AT);
const arn = String(point['RecoveryPointArn']);
const JOB = 'AAAAAAAA-0000-0000-0000-000000000001';

async function recordedPoint(): Promise<void> {
  await recorded('record-recovery-point', {
    verb: 'recovery-point',
    subject: JOB,
    verdict: 'done',
    facts: { resource: TABLE, recoveryPoint: arn, vault: '', kind: 'dynamodb', bytes: 1000 },
  });
}

async function recordedTest(verdict: string): Promise<void> {
  await recorded('validate-recovery-point', {
    verb: 'restore-test',
    subject: 'BBBBBBBB-0000-0000-0000-000000000001',
    verdict,
    facts: { resource: TABLE, recoveryPoint: arn, level: 'content', restoreMs: 1 },
  });
}

describe('list', () => {
  test('shows what the vault holds beside what the store knows of it', async () => {
    await recordedPoint();
    await recordedTest('proven');
    aws.keep(VAULT, [
      point,
      listedPoint(OTHER, AT, { Status: 'PARTIAL', StatusMessage: 'one part is missing' }),
      listedPoint('arn:aws:dynamodb:us-east-1:123456789012:table/not-ours', AT),
    ]);
    const { recoveryPoints } = await json('list', 'tables');
    expect(recoveryPoints).toMatchObject([
      { selection: 'tables', resource: TABLE, standing: 'good', test: { verdict: 'proven' } },
      {
        selection: 'tables',
        resource: OTHER,
        standing: 'bad',
        why: 'partial: one part is missing',
      },
    ]);
    const { stdout } = await run('list');
    expect(stdout).toMatch(/tables +table\/tasks +2026-03-04 05:00:00 UTC .* good +proven/);
  });

  test('shows a recovery point as damaged when its restore test found that', async () => {
    await recordedPoint();
    await recordedTest('damaged');
    aws.keep(VAULT, [point]);
    expect(await json('list', 'tables')).toMatchObject({
      recoveryPoints: [{ standing: 'damaged', recoveryPoint: arn }],
    });
  });

  test('shows what was recorded where AWS Backup does not answer, and says so', async () => {
    await recordedPoint();
    aws.faults = () => ({ status: 403, name: 'AccessDeniedException' });
    const listed = await json('list', 'tables');
    expect(listed).toMatchObject({
      recoveryPoints: [{ standing: 'recorded', recoveryPoint: arn }],
    });
    expect(listed['recoveryPointsUnasked']).toMatch(/access is denied/);
  });

  test('believes no record that no key of the stack has signed', async () => {
    await recorded('backup', {
      verb: 'recovery-point',
      subject: JOB,
      verdict: 'done',
      facts: { resource: TABLE, recoveryPoint: arn },
    });
    services.makeKey('alias/holdfast-shop-record-recovery-point');
    aws.faults = () => ({ status: 403, name: 'AccessDeniedException' });
    expect(await json('list', 'tables')).toMatchObject({ recoveryPoints: [] });
  });
});

describe('status', () => {
  test('shows of each resource the newest recovery point that counts, and its last test', async () => {
    await recordedPoint();
    await recordedTest('proven');
    aws.keep(VAULT, [
      point,
      listedPoint(TABLE, new Date(AT.getTime() + 1000), { Status: 'PARTIAL' }),
    ]);
    const { recoveryPoints } = await json('status', 'tables');
    expect(recoveryPoints).toMatchObject([
      { resource: TABLE, newest: { recoveryPoint: arn }, tested: { test: { verdict: 'proven' } } },
      { resource: OTHER },
    ]);
    const { stdout } = await run('status');
    expect(stdout).toMatch(/tables +table\/tasks +newest: .* old +proven/);
    expect(stdout).toMatch(/tables +table\/people +newest: none is known +never tested/);
  });

  test('alarms, as the alarms of the stack do, when a recovery point is late', async () => {
    aws.keep(VAULT, [point], { CreationDate: AT.getTime() / 1000 - 86_400 });
    const { exit, stdout } = await run('status');
    expect(exit).toBe(4);
    expect(stdout).toMatch(/^ALARM {2}needs attention: .*tables/m);
    expect(stdout).toMatch(/ALARM +tables +table\/tasks[^\n]*\n +alarm: point-late: /);
  });

  test('judges nothing and shows what was recorded where AWS Backup does not answer', async () => {
    await recordedPoint();
    aws.faults = () => ({ status: 403, name: 'AccessDeniedException' });
    const { stdout, stderr } = await run('status');
    expect(stdout).toMatch(/NOT JUDGED +tables +table\/tasks +newest: .* old/);
    expect(stderr).toContain('AWS Backup was not asked');
  });
});

test('log shows jobs of AWS Backup and tests of what was restored', async () => {
  await recordedPoint();
  await recordedTest('damaged');
  const { entries } = await json('log', 'tables');
  const found = entries as Recorded[];
  expect(found).toHaveLength(2);
  expect(found.find(({ verb }) => verb === 'recovery-point')).toMatchObject({
    ...{ subject: JOB, verdict: 'done', bytes: 1000, detail: TABLE },
  });
  expect(found.find(({ verb }) => verb === 'restore-test')).toMatchObject({ verdict: 'damaged' });
});

describe('trigger of a selection', () => {
  beforeEach(() => aws.keep(VAULT, [], { Locked: true, MinRetentionDays: 9 }));
  const job = (number: number, more: Recorded): void => {
    const id = `00000000-0000-0000-0000-${String(number).padStart(12, '0')}`;
    aws.backupJobs.set(id, { BackupJobId: id, CreationDate: 1, CompletionDate: 61, ...more });
  };

  test('starts a job for each resource, kept as long as the lock demands, and the same once for one time', async () => {
    const args = ['trigger', 'tables', '--at', '2026-03-04T05:06:07Z'];
    const { jobs } = await json(...args);
    expect(jobs).toMatchObject([{ resource: TABLE }, { resource: OTHER }]);
    await json(...args);
    expect(aws.ordered).toHaveLength(4);
    expect(aws.ordered[0]).toMatchObject({
      BackupVaultName: VAULT,
      ResourceArn: TABLE,
      IamRoleArn: 'arn:aws:iam::123456789012:role/holdfast-shop-us-east-1-backup-jobs',
      Lifecycle: { DeleteAfterDays: 9 },
      RecoveryPointTags: { 'holdfast:selection': 'tables' },
    });
    const tokens = aws.ordered.map((one) => one['IdempotencyToken']);
    expect(tokens.slice(2)).toEqual(tokens.slice(0, 2));
    expect(new Set(tokens).size).toBe(2);
  });

  test('follows the jobs to their end', async () => {
    job(1, { State: 'COMPLETED', RecoveryPointArn: arn, BackupSizeInBytes: 2048 });
    const { exit, stdout } = await run('trigger', 'tables', '--resource', 'tasks', '--wait');
    expect(exit).toBe(0);
    expect(stdout).toContain(`${TABLE}  complete, 2.0 KiB in 1 min`);
    expect(aws.ordered).toHaveLength(1);
  });

  test.each([
    ['failed', { State: 'FAILED', StatusMessage: 'no such table' }, 'FAILED: no such table'],
    ['complete with issues', { State: 'COMPLETED', StatusMessage: 'one was skipped' }, 'skipped'],
  ] as const)('ends with 4 when a job has %s', async (_name, more, said) => {
    job(1, more);
    const { exit, stderr } = await run('trigger', 'tables', '--resource', TABLE, '--wait');
    expect(exit).toBe(4);
    expect(stderr).toContain(said);
  });

  test('ends with 4 when a job is not over in time, whatever its state is called', async () => {
    job(1, { State: 'A_STATE_OF_TOMORROW' });
    const args = ['--resource', 'tasks', '--wait', '--timeout', '1s'];
    const { exit, stderr } = await run('trigger', 'tables', ...args);
    expect(exit).toBe(4);
    expect(stderr).toContain('not complete within 1s: A_STATE_OF_TOMORROW');
  });

  test('starts nothing without a vault, or for a resource that the selection does not have', async () => {
    expect((await run('trigger', 'tables', '--resource', 'others')).exit).toBe(2);
    aws.vaults.clear();
    expect((await run('trigger', 'tables')).exit).toBe(10);
    expect(aws.ordered).toEqual([]);
  });
});

describe('restore of a recovery point', () => {
  const RESTORE_JOB = '00000000-0000-0000-0000-000000000001';
  const older = listedPoint(TABLE, new Date(AT.getTime() - 86_400_000));
  const later = listedPoint(TABLE, new Date(AT.getTime() + 86_400_000), { Status: 'PARTIAL' });
  beforeEach(() => {
    aws.keep(VAULT, [older, point, later]);
    aws.metadata.set(arn, { originalTableName: 'tasks', encryptionType: 'KMS' });
  });

  test('shows the plan and starts nothing with --dry-run', async () => {
    const args = ['restore', 'tables', '--resource', 'tasks', '--to', 'tasks-2', '--dry-run'];
    expect(await json(...args)).toMatchObject({
      dryRun: true,
      resource: TABLE,
      recoveryPoint: arn,
      role: 'arn:aws:iam::123456789012:role/holdfast-shop-us-east-1-restore-jobs',
      startedBy: 'arn:aws:iam::123456789012:role/holdfast-shop-us-east-1-start-restores',
      metadata: { targetTableName: 'tasks-2', encryptionType: 'KMS' },
    });
    expect(aws.ordered).toEqual([]);
  });

  test('restores the newest good one into a new resource, follows it and says what to switch over', async () => {
    aws.restoreJobs.set(RESTORE_JOB, {
      Status: 'COMPLETED',
      CreatedResourceArn: `${TABLE}-2`,
      CreationDate: 1,
      CompletionDate: 61,
    });
    const { exit, stdout, stderr } = await run('restore', arn, '--to', 'tasks-2');
    expect({ exit, stderr }).toMatchObject({ exit: 0 });
    expect(stdout).toContain(`restored  ${TABLE}-2 in 1 min`);
    expect(stdout).toContain('set the name of the table in the application');
    expect(aws.ordered).toMatchObject([
      { kind: 'restore-jobs', RecoveryPointArn: arn, ResourceType: 'DynamoDB' },
    ]);
  });

  test.each([
    ['without a name', ['tables', '--resource', 'tasks'], 2],
    ['under the name of what is live', ['tables', '--resource', 'tasks', '--to', 'tasks'], 2],
    ['under a name that no table can have', ['tables', '--resource', 'tasks', '--to', 'a b'], 2],
    ['of a selection with several resources', ['tables', '--to', 'x-y'], 2],
    ['that the vault does not hold', [`${arn}x`, '--to', 'x-y'], 10],
    [
      'of a moment without continuous backup',
      ['tables', '--resource', 'tasks', '--to', 'x-y', '--at', '2026-03-05T00:00:00Z'],
      10,
    ],
  ] as const)('starts nothing %s', async (_name, args, exit) => {
    expect((await run('restore', ...args)).exit).toBe(exit);
    expect(aws.ordered).toEqual([]);
  });

  test('restores a moment of a continuous one', async () => {
    const continuous = listedPoint(BUCKET, AT, {
      RecoveryPointArn: 'arn:aws:backup:us-east-1:123456789012:recovery-point:continuous:uploads',
      Status: 'AVAILABLE',
    });
    aws.keep(VAULT, [continuous]);
    aws.metadata.set(String(continuous['RecoveryPointArn']), { BucketName: 'shop-uploads' });
    const args = ['uploads', '--to', 'shop-uploads-2', '--at', '2026-03-05T00:00:00Z', '--dry-run'];
    expect(await json('restore', ...args)).toMatchObject({
      at: '2026-03-05T00:00:00.000Z',
      metadata: {
        RestoreTime: '2026-03-05T00:00:00.000Z',
        DestinationBucketName: 'shop-uploads-2',
        NewBucket: 'true',
      },
    });
  });

  test('that may not be started says which role may', async () => {
    aws.faults = ({ method }) =>
      method === 'PUT' ? { status: 403, name: 'AccessDeniedException' } : undefined;
    const { exit, stderr } = await run('restore', arn, '--to', 'tasks-2');
    expect(exit).toBe(12);
    expect(stderr).toMatch(/role\/holdfast-shop-us-east-1-start-restores may start it/);
    expect(aws.ordered).toEqual([]);
  });

  test('that fails is told with the words of AWS Backup', async () => {
    aws.restoreJobs.set(RESTORE_JOB, { Status: 'FAILED', StatusMessage: 'no such subnet' });
    const { exit, stderr } = await run('restore', arn, '--to', 'tasks-2');
    expect(exit).toBe(1);
    expect(stderr).toContain('FAILED: no such subnet');
  });
});
