// The functions of recovery points: a live table and a live bucket are recorded, and copies of them are looked into, one of each
// tampered with. Jobs are made by hand, since nothing here restores; whatever is looked at is real.
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  jest,
  test,
} from '@jest/globals';
import {
  BatchWriteItemCommand,
  CreateTableCommand,
  DeleteItemCommand,
  DynamoDBClient,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { handler as record } from '../../lambda/record-recovery-point.ts';
import { handler as validateDatabase } from '../../lambda/database/validate-database.ts';
import { handler as validate } from '../../lambda/validate-recovery-point.ts';
import type { RecoveryPointsConfig, SelectionConfig } from '../../lib/config/recovery-points.ts';
import { testPlanName, vaultName } from '../../lib/names/recovery-points.ts';
import { machineTime } from '../support/machine-time.ts';
import { SmallBackup, type Recorded } from '../support/small-backup.ts';
import { startPostgres, type PostgresServer } from '../support/postgres.ts';
import { captureLog, contextOf, startStage, type Setting, type Stage } from './stage.ts';

jest.setTimeout(120_000);

const REGION = 'us-east-1';
const ACCOUNT = '000000000000';

let stage: Stage;
let backup: SmallBackup;
let dynamoDb: DynamoDBClient;

beforeAll(async () => {
  captureLog([]);
  stage = await startStage();
  dynamoDb = new DynamoDBClient(stage.aws.client);
});
afterAll(async () => {
  await (stage as Stage | undefined)?.stop();
});
beforeEach(async () => {
  backup = await SmallBackup.start();
});
afterEach(() => backup[Symbol.asyncDispose]());

let names = 0;
const nextName = (what: string) => `${what}-${(names += 1)}`;
const jobId = (number: number) => `AAAAAAAA-0000-0000-0000-${String(number).padStart(12, '0')}`;
let jobs = 0;

const tableArn = (name: string) => `arn:aws:dynamodb:${REGION}:${ACCOUNT}:table/${name}`;

async function makeTable(name: string, items: number): Promise<void> {
  await dynamoDb.send(
    new CreateTableCommand({
      TableName: name,
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: [
        { AttributeName: 'tenant', KeyType: 'HASH' },
        { AttributeName: 'id', KeyType: 'RANGE' },
      ],
      AttributeDefinitions: [
        { AttributeName: 'tenant', AttributeType: 'S' },
        { AttributeName: 'id', AttributeType: 'N' },
        { AttributeName: 'owner', AttributeType: 'S' },
      ],
      GlobalSecondaryIndexes: [
        {
          IndexName: 'byOwner',
          KeySchema: [{ AttributeName: 'owner', KeyType: 'HASH' }],
          Projection: { ProjectionType: 'ALL' },
        },
      ],
    }),
  );
  for (let from = 0; from < items; from += 25) {
    const count = Math.min(25, items - from);
    const requests = Array.from({ length: count }, (_, index) => ({
      PutRequest: { Item: itemOf(from + index) },
    }));
    await dynamoDb.send(new BatchWriteItemCommand({ RequestItems: { [name]: requests } }));
  }
}

function itemOf(number: number) {
  return {
    tenant: { S: `tenant-${number % 5}` },
    id: { N: String(number) },
    owner: { S: `owner-${number % 3}` },
    tags: { SS: ['b', 'a'] },
    blob: { B: Buffer.from([number % 256, 0, 255]) },
  };
}

function selection(
  name: string,
  arn: string,
  kind: 'dynamodb' | 's3' | 'efs' | 'rds',
): SelectionConfig {
  return {
    name,
    resources: [arn],
    tags: {},
    expected: { arns: [arn] },
    kinds: [kind],
    keys: [],
    schedule: '0 5 * * *',
    timeZone: 'UTC',
    rpoMs: undefined,
    rtoMs: undefined,
    graceMs: 0,
    retention: { daily: 7, weekly: 4, monthly: 12, yearly: 0 },
    continuousDays: undefined,
    coldAfterDays: undefined,
    copies: [],
    restoreTest: {
      everyDays: 3,
      maxAgeMs: 300_000_000,
      subnetGroup: undefined,
      securityGroups: [],
      postgres:
        kind === 'rds'
          ? {
              database: 'app',
              checks: ['SELECT count(*) = 2 FROM tasks'],
              instanceClass: 'db.t4g.medium',
            }
          : undefined,
    },
  };
}

interface Protected {
  readonly setting: Setting;
  readonly resource: string;
  readonly selection: string;
  /** Makes the environment that of the function. */
  as(name: 'record-recovery-point' | 'validate-recovery-point'): void;
}

/** A setting whose configuration protects one resource. */
async function protect(
  kind: 'dynamodb' | 's3' | 'efs' | 'rds',
  resource: (setting: { assets: string }) => string,
): Promise<Protected> {
  let arn = '';
  const setting = await stage.set({
    config: (config) => {
      const [source] = config.sources;
      arn = resource({ assets: source?.kind === 'bucket' ? source.bucket : '' });
      const recoveryPoints: RecoveryPointsConfig = {
        lock: { mode: 'governance', minDays: undefined, maxDays: undefined, graceDays: 14 },
        selections: [selection('things', arn, kind)],
      };
      return { aws: config.aws && { ...config.aws, recoveryPoints } };
    },
  });
  const as = (name: Parameters<Protected['as']>[0]) => {
    setting.become(name);
    process.env['AWS_ENDPOINT_URL_BACKUP'] = backup.endpoint;
  };
  return { setting, resource: arn, selection: 'things', as };
}

const seconds = (date: Date) => date.getTime() / 1000;

/** A backup job of AWS Backup that has ended, and the event about it. */
function backupJob({ setting, resource }: Protected, more: Recorded = {}) {
  const id = jobId((jobs += 1));
  // A bucket tells whole seconds.
  const created = new Date(machineTime().getTime() + 2000 + jobs);
  const vault = vaultName(setting.config.system);
  const point = `arn:aws:backup:${REGION}:${ACCOUNT}:recovery-point:${id}`;
  backup.backupJobs.set(id, {
    BackupJobId: id,
    ResourceArn: resource,
    BackupVaultArn: `arn:aws:backup:${REGION}:${ACCOUNT}:backup-vault:${vault}`,
    RecoveryPointArn: point,
    State: 'COMPLETED',
    CreationDate: seconds(created),
    CompletionDate: seconds(created) + 1,
    BackupSizeInBytes: 1000,
    CreatedBy: { BackupPlanArn: 'arn:aws:backup:us-east-1:000000000000:backup-plan:1' },
    ...more,
  });
  const event = {
    source: 'aws.backup',
    'detail-type': 'Backup Job State Change',
    detail: { backupJobId: id, state: 'COMPLETED' },
  };
  return { id, point, created, event };
}

/** A restore job for a test, and the event about it. */
function restoreJob(
  { setting, resource }: Protected,
  point: { point: string; created: Date },
  more: Recorded = {},
) {
  const id = jobId((jobs += 1));
  const plan = testPlanName(setting.config.system, 'things');
  const created = new Date(point.created.getTime() + 60_000);
  backup.restoreJobs.set(id, {
    RestoreJobId: id,
    SourceResourceArn: resource,
    RecoveryPointArn: point.point,
    RecoveryPointCreationDate: seconds(point.created),
    Status: 'COMPLETED',
    CreationDate: seconds(created),
    CompletionDate: seconds(created) + 90,
    CreatedBy: {
      RestoreTestingPlanArn: `arn:aws:backup:${REGION}:${ACCOUNT}:restore-testing-plan:${plan}-1b2c3d4e-0000-0000-0000-000000000000`,
    },
    ...more,
  });
  const event = {
    source: 'aws.backup',
    'detail-type': 'Restore Job State Change',
    detail: { restoreJobId: id, status: 'COMPLETED' },
  };
  return { id, event };
}

async function recordsOf({ setting }: Protected, verb: string): Promise<Recorded[]> {
  const found: Recorded[] = [];
  for await (const { key, bytes } of setting.store.list(`records/${verb}/`)) {
    const [payload] = JSON.parse(
      Buffer.from(await setting.store.read(key, 0, bytes)).toString(),
    ) as [Recorded];
    found.push(payload);
  }
  return found;
}

describe('a table', () => {
  async function recorded(): Promise<
    Protected & { name: string; last: ReturnType<typeof backupJob> }
  > {
    const name = nextName('tasks');
    await makeTable(name, 60);
    const at = await protect('dynamodb', () => tableArn(name));
    at.as('record-recovery-point');
    // Two recovery points: what was the same at both can be told from what changed meanwhile.
    await record(backupJob(at).event, contextOf());
    const last = backupJob(at);
    await record(last.event, contextOf());
    return { ...at, name, last };
  }

  /** The numbers of two items of which the last record has samples. */
  async function sampledNumbers(at: Protected): Promise<[number, number]> {
    const records = (await recordsOf(at, 'recovery-point')) as unknown as {
      facts: { held: { samples: { key: { id: { N: string } } }[] } };
    }[];
    const numbers = records.at(-1)?.facts.held.samples.map(({ key }) => Number(key.id.N)) ?? [];
    return [numbers[0] ?? -1, numbers[1] ?? -1];
  }

  async function restoredCopy(): Promise<string> {
    const name = nextName('awsbackup-restore-test-tasks');
    await makeTable(name, 60);
    return name;
  }

  test('is recorded once, signed, however often and late its event comes', async () => {
    const at = await recorded();
    const again = await record(at.last.event, contextOf());
    expect(again).toMatchObject({ outcome: 'already', verdict: 'done' });
    const records = await recordsOf(at, 'recovery-point');
    expect(records).toHaveLength(2);
    expect(records[1]).toMatchObject({
      subject: at.last.id,
      verdict: 'done',
      facts: {
        resource: at.resource,
        recoveryPoint: at.last.point,
        kind: 'dynamodb',
        trigger: 'schedule',
        held: {
          keys: ['tenant HASH S', 'id RANGE N'],
          indexes: ['global byOwner: owner HASH S; ALL'],
          count: 60,
          countBefore: 60,
        },
      },
    });
  });

  test('is proven by a copy that is the same', async () => {
    const at = await recorded();
    const createdResource = tableArn(await restoredCopy());
    const { event, id } = restoreJob(at, at.last, { CreatedResourceArn: createdResource });
    at.as('validate-recovery-point');
    expect(await validate(event, contextOf())).toMatchObject({
      outcome: 'tested',
      verdict: 'proven',
    });
    expect(backup.validations).toEqual([
      {
        job: id,
        ValidationStatus: 'SUCCESSFUL',
        ValidationStatusMessage: 'the content is what was recorded',
      },
    ]);
    expect(await recordsOf(at, 'restore-test')).toMatchObject([
      {
        subject: id,
        verdict: 'proven',
        facts: { level: 'content', restoreMs: 90_000, items: 60, recoveryPoint: at.last.point },
      },
    ]);
  });

  test('is found damaged by a copy that was tampered with, and AWS Backup is told what differs', async () => {
    const at = await recorded();
    const [one, two] = await sampledNumbers(at);
    const name = await restoredCopy();
    const { tenant, id: number } = itemOf(one);
    const Key = { tenant, id: number };
    await dynamoDb.send(new DeleteItemCommand({ TableName: name, Key }));
    const changed = { ...itemOf(two), owner: { S: 'somebody' } };
    await dynamoDb.send(new PutItemCommand({ TableName: name, Item: changed }));
    const { event, id } = restoreJob(at, at.last, { CreatedResourceArn: tableArn(name) });
    at.as('validate-recovery-point');
    expect(await validate(event, contextOf())).toMatchObject({ verdict: 'damaged' });
    const [told] = backup.validations;
    expect(told).toMatchObject({ job: id, ValidationStatus: 'FAILED' });
    const message = String(told?.['ValidationStatusMessage']);
    expect(message).toMatch(/^damaged: /);
    expect(message).toContain(`id=${one}: the item is missing`);
    expect(message).toContain(`id=${two}: the item is not what was recorded`);
  });

  test('that nobody recorded is not proven', async () => {
    const name = nextName('tasks');
    await makeTable(name, 1);
    const at = await protect('dynamodb', () => tableArn(name));
    const created = {
      point: 'arn:aws:backup:us-east-1:000000000000:recovery-point:x',
      created: machineTime(),
    };
    const { event } = restoreJob(at, created, {
      CreatedResourceArn: tableArn(await restoredCopy()),
    });
    at.as('validate-recovery-point');
    expect(await validate(event, contextOf())).toMatchObject({ verdict: 'inconclusive' });
    expect(backup.validations[0]).toMatchObject({ ValidationStatus: 'FAILED' });
    expect(backup.validations[0]?.['ValidationStatusMessage']).toMatch(/^not proven: /);
    const [evidence] = await recordsOf(at, 'restore-test');
    expect(evidence).toMatchObject({ verdict: 'inconclusive' });
    expect(evidence?.['facts']).not.toHaveProperty('level');
  });

  test('that has vanished again is not proven', async () => {
    const at = await recorded();
    const gone = tableArn('awsbackup-restore-test-gone');
    const { event } = restoreJob(at, at.last, { CreatedResourceArn: gone });
    at.as('validate-recovery-point');
    const { verdict, message } = await validate(event, contextOf());
    expect([verdict, message]).toEqual([
      'inconclusive',
      expect.stringMatching(/^not proven: .*does not exist/),
    ]);
  });

  test('is reported as not proven when the time of the function ends', async () => {
    const at = await recorded();
    const createdResource = tableArn(await restoredCopy());
    const { event } = restoreJob(at, at.last, { CreatedResourceArn: createdResource });
    at.as('validate-recovery-point');
    const { verdict, message } = await validate(event, contextOf({ remainingMs: 2_001 }));
    expect(verdict).toBe('inconclusive');
    expect(message).toMatch(/^not proven: /);
    expect(backup.validations).toHaveLength(1);
    expect(await recordsOf(at, 'restore-test')).toHaveLength(1);
  });
});

describe('a bucket', () => {
  const put = (bucket: string, key: string, body: string) =>
    stage.gateway.client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body }));

  async function recorded(): Promise<Protected & { last: ReturnType<typeof backupJob> }> {
    const at = await protect('s3', ({ assets }) => `arn:aws:s3:::${assets}`);
    const { assets } = at.setting;
    for (const number of [1, 2, 3]) await put(assets, `photos/${number} ä.jpg`, `photo ${number}`);
    await put(assets, 'gone', 'was here');
    await stage.gateway.client.send(new DeleteObjectCommand({ Bucket: assets, Key: 'gone' }));
    await put(assets, 'photos/1 ä.jpg', 'a newer photo');
    at.as('record-recovery-point');
    const last = backupJob(at);
    await record(last.event, contextOf());
    return { ...at, last };
  }

  async function restoredCopy(): Promise<string> {
    const bucket = await stage.gateway.makeBucket({
      keeps: 'versions',
      named: 'awsbackup-restore-test',
    });
    await put(bucket, 'photos/1 ä.jpg', 'a newer photo');
    await put(bucket, 'photos/2 ä.jpg', 'photo 2');
    await put(bucket, 'photos/3 ä.jpg', 'photo 3');
    return bucket;
  }

  test('is recorded as it was when the recovery point was made, and proven by a copy of that', async () => {
    const at = await recorded();
    const [kept] = await recordsOf(at, 'recovery-point');
    expect(kept).toMatchObject({ verdict: 'done', facts: { held: { least: 3, most: 3 } } });
    const bucket = await restoredCopy();
    const { event } = restoreJob(at, at.last, { CreatedResourceArn: `arn:aws:s3:::${bucket}` });
    at.as('validate-recovery-point');
    expect(await validate(event, contextOf())).toMatchObject({ verdict: 'proven' });
    expect(backup.validations[0]).toMatchObject({ ValidationStatus: 'SUCCESSFUL' });
  });

  test('is found damaged by a copy that was tampered with, and AWS Backup is told what differs', async () => {
    const at = await recorded();
    const bucket = await restoredCopy();
    await put(bucket, 'photos/2 ä.jpg', 'photo X');
    await put(bucket, 'photos/1 ä.jpg', 'a photo');
    await stage.gateway.client.send(
      new DeleteObjectCommand({ Bucket: bucket, Key: 'photos/3 ä.jpg' }),
    );
    const { event } = restoreJob(at, at.last, { CreatedResourceArn: `arn:aws:s3:::${bucket}` });
    at.as('validate-recovery-point');
    expect(await validate(event, contextOf())).toMatchObject({ verdict: 'damaged' });
    const message = String(backup.validations[0]?.['ValidationStatusMessage']);
    expect(backup.validations[0]).toMatchObject({ ValidationStatus: 'FAILED' });
    for (const part of [
      'photos/2 ä.jpg: its content is not what was backed up',
      'photos/1 ä.jpg: it has 7 bytes instead of 13',
      'photos/3 ä.jpg: the object is missing',
      '2 objects were restored, and 3 were there when it was backed up',
    ])
      expect(message).toContain(part);
  });
});

describe('events', () => {
  const file = `arn:aws:elasticfilesystem:${REGION}:${ACCOUNT}:file-system/fs-0123456789abcdef0`;
  const point = () => ({
    point: 'arn:aws:backup:us-east-1:000000000000:recovery-point:y',
    created: machineTime(),
  });

  test('about a file system end in evidence that says "restored, content not proven"', async () => {
    const at = await protect('efs', () => file);
    const { event } = restoreJob(at, point(), { CreatedResourceArn: file });
    at.as('validate-recovery-point');
    expect(await validate(event, contextOf())).toMatchObject({
      verdict: 'inconclusive',
      message: 'not proven: restored, content not proven',
    });
    expect(await recordsOf(at, 'restore-test')).toMatchObject([
      { verdict: 'inconclusive', facts: { level: 'restored' } },
    ]);
  });

  test('of another plan are ignored, and nothing is reported', async () => {
    const at = await protect('efs', () => file);
    const others = [
      {
        CreatedBy: {
          RestoreTestingPlanArn: `arn:aws:backup:${REGION}:${ACCOUNT}:restore-testing-plan:other-1`,
        },
      },
      { CreatedBy: undefined },
      {
        CreatedBy: {
          RestoreTestingPlanArn: `arn:aws:backup:${REGION}:${ACCOUNT}:restore-testing-plan:${testPlanName(`${at.setting.config.system}x`, 'things')}-1`,
        },
      },
    ];
    for (const other of others) {
      const { event } = restoreJob(at, point(), { CreatedResourceArn: file, ...other });
      at.as('validate-recovery-point');
      expect(await validate(event, contextOf())).toMatchObject({ outcome: 'ignored' });
    }
    expect(backup.validations).toEqual([]);
    expect(await recordsOf(at, 'restore-test')).toEqual([]);
  });

  test('that come twice leave one record, and are reported again when the first report was lost', async () => {
    const at = await protect('efs', () => file);
    const { event, id } = restoreJob(at, point(), { CreatedResourceArn: file });
    at.as('validate-recovery-point');
    backup.faults = ({ path }) =>
      path.endsWith('/validations') ? { status: 403, name: 'AccessDeniedException' } : undefined;
    await expect(validate(event, contextOf())).rejects.toMatchObject({ name: 'STORE_DENIED' });
    backup.faults = () => undefined;
    expect(await validate(event, contextOf())).toMatchObject({ outcome: 'already' });
    expect(backup.validations).toMatchObject([{ job: id, ValidationStatus: 'FAILED' }]);
    const told = backup.restoreJobs.get(id) ?? {};
    backup.restoreJobs.set(id, { ...told, ValidationStatus: 'FAILED' });
    await validate(event, contextOf());
    expect(backup.validations).toHaveLength(1);
    expect(await recordsOf(at, 'restore-test')).toHaveLength(1);
  });

  test.each([
    [
      'without a created resource',
      { CreatedResourceArn: undefined },
      'names nothing that it restored',
    ],
    [
      'with a created resource of no known kind',
      { CreatedResourceArn: 'arn:aws:fsx:x:y:z' },
      'of a kind that is not known',
    ],
    [
      'with a resource that no test made',
      { CreatedResourceArn: tableArn('tasks') },
      'does not begin with',
    ],
  ] as const)('about a job %s are not proven', async (_name, more, expected) => {
    const at = await protect('efs', () => file);
    const { event } = restoreJob(at, point(), more);
    at.as('validate-recovery-point');
    const { verdict, message } = await validate(event, contextOf());
    expect([verdict, message]).toEqual(['inconclusive', expect.stringContaining(expected)]);
    expect(backup.validations).toMatchObject([{ ValidationStatus: 'FAILED' }]);
  });

  test('about a restore job that failed are evidence, and AWS Backup is told nothing', async () => {
    const at = await protect('efs', () => file);
    const { event } = restoreJob(at, point(), { Status: 'FAILED', StatusMessage: 'no subnet' });
    at.as('validate-recovery-point');
    expect(await validate(event, contextOf())).toMatchObject({
      verdict: 'inconclusive',
      message: 'not proven: AWS Backup says FAILED: no subnet',
    });
    expect(backup.validations).toEqual([]);
  });

  test.each(['RUNNING', 'PENDING', 'A_STATE_OF_TOMORROW'])(
    'of a job that is %s are ignored',
    async (state) => {
      const at = await protect('efs', () => file);
      at.as('validate-recovery-point');
      const restore = restoreJob(at, point(), { Status: state });
      expect(await validate(restore.event, contextOf())).toMatchObject({ outcome: 'ignored' });
      at.as('record-recovery-point');
      const job = backupJob(at, { State: state });
      expect(await record(job.event, contextOf())).toMatchObject({ outcome: 'ignored' });
    },
  );

  test.each([
    ['FAILED', {}, 'failed'],
    ['EXPIRED', {}, 'failed'],
    ['PARTIAL', {}, 'partial'],
    [
      'COMPLETED',
      { MessageCategory: 'SOME_ISSUE', StatusMessage: 'one object was skipped' },
      'partial',
    ],
  ] as const)(
    'of a backup job that is %s are written down as that',
    async (State, more, verdict) => {
      const at = await protect('efs', () => file);
      at.as('record-recovery-point');
      const job = backupJob(at, { State, ...more });
      expect(await record(job.event, contextOf())).toMatchObject({ outcome: 'recorded', verdict });
      expect(await recordsOf(at, 'recovery-point')).toMatchObject([{ verdict, problemCount: 1 }]);
    },
  );

  test('of a job of another vault or resource are ignored', async () => {
    const at = await protect('efs', () => file);
    at.as('record-recovery-point');
    for (const more of [
      { BackupVaultArn: `arn:aws:backup:${REGION}:${ACCOUNT}:backup-vault:other` },
      { ResourceArn: `${file}0` },
    ]) {
      const job = backupJob(at, more);
      expect(await record(job.event, contextOf())).toMatchObject({ outcome: 'ignored' });
    }
  });

  test.each([
    [{}],
    [{ source: 'aws.s3', detail: { backupJobId: jobId(1) } }],
    [{ source: 'aws.backup', detail: { backupJobId: '../../other' } }],
  ])('%j is refused', async (event) => {
    const at = await protect('efs', () => file);
    at.as('record-recovery-point');
    await expect(record(event, contextOf())).rejects.toMatchObject({ name: 'USAGE' });
  });
});

describe('a database', () => {
  const NAME = 'awsbackup-restore-test-1';
  const arnOf = (name: string) => `arn:aws:rds:${REGION}:${ACCOUNT}:db:${name}`;
  const onTask = () => ({ ...contextOf(), runsOn: 'task' as const });
  let postgres: PostgresServer;
  let rds: http.Server;
  let asked: string[];
  let at: Protected;

  beforeAll(async () => {
    postgres = await startPostgres();
    postgres.sql('postgres', 'CREATE ROLE master LOGIN IN ROLE pg_read_all_data');
    postgres.create('app', { empty: true });
    postgres.sql('app', 'CREATE TABLE tasks (id int); INSERT INTO tasks VALUES (1), (2)');
    process.env['PATH'] = `${postgres.binaries}:${process.env['PATH'] ?? ''}`;
    rds = http.createServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => response.end(answered(new URLSearchParams(body))));
    });
    await new Promise<void>((resolve) => rds.listen(0, '127.0.0.1', resolve));
  });
  afterAll(async () => {
    rds.closeAllConnections();
    rds.close();
    await postgres[Symbol.asyncDispose]();
  });
  beforeEach(async () => {
    asked = [];
    at = await protect('rds', () => arnOf('live'));
    at.as('validate-recovery-point');
    process.env['AWS_ENDPOINT_URL_RDS'] = `http://127.0.0.1:${(rds.address() as AddressInfo).port}`;
  });

  /** RDS: one instance, which is the server of this test. */
  function answered(input: URLSearchParams): string {
    const action = input.get('Action') ?? '';
    asked.push(action);
    const password = input.get('MasterUserPassword');
    if (password !== null) postgres.sql('postgres', `ALTER ROLE master PASSWORD '${password}'`);
    const instance = `<DBInstanceIdentifier>${NAME}</DBInstanceIdentifier><DBInstanceStatus>available</DBInstanceStatus><Engine>postgres</Engine><MasterUsername>master</MasterUsername><Endpoint><Address>127.0.0.1</Address><Port>${postgres.port}</Port></Endpoint>`;
    return `<${action}Response><${action}Result><DBInstances><DBInstance>${instance}</DBInstance></DBInstances></${action}Result></${action}Response>`;
  }

  function restored() {
    const point = `arn:aws:rds:${REGION}:${ACCOUNT}:snapshot:awsbackup:job-1`;
    return restoreJob(at, { point, created: machineTime() }, { CreatedResourceArn: arnOf(NAME) });
  }

  test('is left to the task by the function, and what is not one to the function by the task', async () => {
    expect(await validate(restored().event, contextOf())).toMatchObject({ outcome: 'elsewhere' });
    const table = restoreJob(
      at,
      { point: 'a', created: machineTime() },
      { CreatedResourceArn: tableArn('awsbackup-restore-test-x') },
    );
    expect(await validateDatabase(table.event, onTask())).toMatchObject({ outcome: 'elsewhere' });
    expect([asked, backup.validations]).toEqual([[], []]);
    expect(await recordsOf(at, 'restore-test')).toEqual([]);
  });

  test('is proven by the task when every table can be read and every check passes, once', async () => {
    const { event, id } = restored();
    expect(await validateDatabase(event, onTask())).toMatchObject({
      outcome: 'tested',
      verdict: 'proven',
    });
    const looks = asked.length;
    expect(await validateDatabase(event, onTask())).toMatchObject({ outcome: 'already' });
    expect(asked).toHaveLength(looks);
    const told = {
      job: id,
      ValidationStatus: 'SUCCESSFUL',
      ValidationStatusMessage: 'every table was read, and every check has passed',
    };
    expect(backup.validations[0]).toEqual(told);
    expect(await recordsOf(at, 'restore-test')).toMatchObject([
      {
        subject: id,
        verdict: 'proven',
        facts: { kind: 'rds', level: 'content', database: 'app', tables: 1, rows: 2 },
      },
    ]);
  });

  test('of which a check does not pass is damaged', async () => {
    postgres.sql('app', 'INSERT INTO tasks VALUES (3)');
    const { event } = restored();
    expect(await validateDatabase(event, onTask())).toMatchObject({ verdict: 'damaged' });
    expect(backup.validations).toMatchObject([
      {
        ValidationStatus: 'FAILED',
        ValidationStatusMessage: 'damaged: SELECT count(*) = 2 FROM tasks: it gave "f"',
      },
    ]);
  });

  test('whose restore failed is not proven, and AWS Backup knows that itself', async () => {
    const { event } = restoreJob(
      at,
      { point: 'a', created: machineTime() },
      { Status: 'FAILED', StatusMessage: 'no subnet group' },
    );
    expect(await validateDatabase(event, onTask())).toMatchObject({ verdict: 'inconclusive' });
    expect([asked, backup.validations]).toEqual([[], []]);
  });

  test('of another plan is ignored', async () => {
    const { event } = restoreJob(
      at,
      { point: 'a', created: machineTime() },
      { CreatedBy: { RestoreTestingPlanArn: 'arn:aws:backup:us-east-1:0:restore-testing-plan:x' } },
    );
    expect(await validateDatabase(event, onTask())).toMatchObject({ outcome: 'ignored' });
    expect(asked).toEqual([]);
  });
});
