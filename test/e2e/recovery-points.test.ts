// A recovery point from its order to its evidence, on the local AWS: `trigger --wait` runs a job of AWS Backup for a table and for a
// bucket, the function writes down what they held, and `list`, `log` and a restore test read that.
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { BackupClient, CreateBackupVaultCommand } from '@aws-sdk/client-backup';
import { CreateTableCommand, DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { CreateAliasCommand, KMSClient } from '@aws-sdk/client-kms';
import {
  CreateBucketCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { stringify } from 'yaml';
import { handler as record } from '../../lambda/record-recovery-point.ts';
import type { RecoveryPointsConfig } from '../../lib/config/recovery-points.ts';
import { signingAlias } from '../../lib/names/aws.ts';
import { vaultName } from '../../lib/names/recovery-points.ts';
import { makePlace, type Place } from '../support/command-line.ts';
import { captureLog, contextOf, startStage, type Setting, type Stage } from '../lambda/stage.ts';

jest.setTimeout(180_000);

const TABLE = 'arn:aws:dynamodb:us-east-1:000000000000:table/tasks';
const BUCKET = 'arn:aws:s3:::shop-uploads';
const SELECTIONS = {
  tables: { resources: [TABLE], schedule: '0 5 * * *' },
  uploads: { resources: [BUCKET], schedule: '0 6 * * *' },
};

let stage: Stage;
let setting: Setting;
let place: Place;

beforeAll(async () => {
  captureLog([]);
  stage = await startStage();
  place = await makePlace();
  setting = await stage.set({
    config: ({ aws }) => ({ aws: aws && { ...aws, recoveryPoints } }),
  });
  const { system, store } = setting.config;
  await place.write({
    'holdfast.yaml': stringify({
      version: 1,
      system,
      store: `${store}&region=us-east-1`,
      sources: { assets: { kind: 'bucket', bucket: setting.assets } },
      aws: { recoveryPoints: { selections: SELECTIONS } },
    }),
  });
  const { client } = stage.aws;
  const kms = new KMSClient(client);
  for (const [signer, key] of Object.entries(stage.keys)) {
    const AliasName = signingAlias(system, signer as keyof typeof stage.keys);
    await kms.send(new CreateAliasCommand({ AliasName, TargetKeyId: key.split('/').at(-1) }));
  }
  await new BackupClient(client).send(
    new CreateBackupVaultCommand({ BackupVaultName: vaultName(system) }),
  );
  await fill();
});
afterAll(async () => {
  await (place as Place | undefined)?.remove();
  await (stage as Stage | undefined)?.stop();
});

const recoveryPoints: RecoveryPointsConfig = {
  lock: { mode: 'governance', minDays: undefined, maxDays: undefined, graceDays: 14 },
  selections: (['tables', 'uploads'] as const).map((name) => ({
    name,
    ...SELECTIONS[name],
    tags: {},
    expected: { arns: SELECTIONS[name].resources },
    kinds: [name === 'tables' ? 'dynamodb' : 's3'],
    keys: [],
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
      maxAgeMs: undefined,
      subnetGroup: undefined,
      securityGroups: [],
      postgres: undefined,
    },
  })),
};

async function fill(): Promise<void> {
  const dynamoDb = new DynamoDBClient(stage.aws.client);
  await dynamoDb.send(
    new CreateTableCommand({
      TableName: 'tasks',
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
      AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
    }),
  );
  for (const id of ['one', 'two', 'three'])
    await dynamoDb.send(new PutItemCommand({ TableName: 'tasks', Item: { id: { S: id } } }));
  const s3: S3Client = stage.gateway.client;
  const VersioningConfiguration = { Status: 'Enabled' } as const;
  await s3.send(new CreateBucketCommand({ Bucket: 'shop-uploads' }));
  await s3.send(
    new PutBucketVersioningCommand({ Bucket: 'shop-uploads', VersioningConfiguration }),
  );
  for (const Key of ['a.jpg', 'b.jpg'])
    await s3.send(new PutObjectCommand({ Bucket: 'shop-uploads', Key, Body: Key }));
}

test('a job that somebody orders is followed, recorded and listed, for a table and for a bucket', async () => {
  const { AWS_ACCESS_KEY_ID = '', AWS_SECRET_ACCESS_KEY = '' } = process.env;
  const env = {
    ...stage.aws.env,
    AWS_ENDPOINT_URL_S3: stage.gateway.endpoint,
    ...{ AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY },
  };
  setting.become('record-recovery-point');
  for (const selection of ['tables', 'uploads']) {
    const { exit, stdout, stderr } = await place.run(['trigger', selection, '--wait'], { env });
    expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' });
    const job = /job ([0-9a-f-]{36})/.exec(stdout)?.[1];
    expect(stdout).toContain('complete');
    const event = { source: 'aws.backup', detail: { backupJobId: job, state: 'COMPLETED' } };
    expect(await record(event, contextOf())).toMatchObject({
      outcome: 'recorded',
      selection,
      verdict: 'done',
      problems: [],
    });
  }
  const listed = await place.json(['list'], { env });
  expect(listed).toMatchObject({
    recoveryPoints: [
      { selection: 'tables', resource: TABLE, standing: 'good' },
      { selection: 'uploads', resource: BUCKET, standing: 'good' },
    ],
  });
  const { entries } = await place.json(['log', 'tables', 'uploads'], { env });
  const told = entries as { source: string; verb: string; verdict: string }[];
  // Both may have been made in one second.
  expect(told.map(({ source, verb, verdict }) => `${source} ${verb} ${verdict}`).sort()).toEqual([
    'tables recovery-point done',
    'uploads recovery-point done',
  ]);
  for (const entry of told) expect(entry).not.toHaveProperty('distrust');
});

test('the doctor finds what AWS Backup would pass over without a word', async () => {
  const { AWS_ACCESS_KEY_ID = '', AWS_SECRET_ACCESS_KEY = '' } = process.env;
  const env = {
    ...stage.aws.env,
    AWS_ENDPOINT_URL_S3: stage.gateway.endpoint,
    ...{ AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY },
  };
  await new DynamoDBClient(stage.aws.client).send(
    new CreateTableCommand({
      TableName: 'forgotten',
      BillingMode: 'PAY_PER_REQUEST',
      KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
      AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
    }),
  );
  const { findings } = await place.json(['doctor'], { env });
  const own = (findings as { area: string; level: string; message: string }[])
    .filter(({ area }) => area === 'points')
    .map(({ level, message }) => `${level}: ${message}`)
    .join('\n');
  const { system } = setting.config;
  for (const expected of [
    `problem: the vault holdfast-${system} has no lock`,
    'problem: AWS Backup is not opted in to DynamoDB',
    'problem: AWS Backup is not opted in to S3',
    `problem: there is no role holdfast-${system}-us-east-1-backup-jobs`,
    `problem: there is no role holdfast-${system}-us-east-1-start-restores`,
    `ok: tables matches ${TABLE}`,
    `ok: uploads matches ${BUCKET}`,
    'arn:aws:dynamodb:us-east-1:000000000000:table/forgotten',
  ])
    expect(own).toContain(expected);
});
