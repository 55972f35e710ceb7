// What the functions of recovery points may do: one reads what is live, the other only what was restored for a test.
import { Aws, Stack } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import type { Config } from '../../../config/config.ts';
import { selectionNames } from '../../../config/load/stack-keys.ts';
import type { SelectionConfig } from '../../../config/recovery-points.ts';
import { MARKER_KEY, recordsPrefix } from '../../../format/layout.ts';
import { parseResource, RESTORED_FOR_TESTS, type ResourceKind } from '../../../names/resources.ts';
import { arnHere, putStore, readStore, type StoreAccess } from '../permissions.ts';

interface Reach {
  readonly config: Config;
  readonly store: StoreAccess;
}

/** Reading what is protected as it is now, and writing down what that is. */
export function recorderPermissions(scope: Construct, reach: Reach): PolicyStatement[] {
  const selections = selectionsOf(reach);
  return [
    ...records(reach, { read: ['recovery-point'], written: 'recovery-point' }),
    askJobs(['backup:DescribeBackupJob']),
    ...selections.flatMap((selection) => [
      ...readTables(tablesOf(scope, selection), tagsOf(selection)),
      ...readBuckets(bucketsOf(selection), tagsOf(selection)),
    ]),
    ...decrypt(selections),
  ];
}

/** Reading what was restored for a test, and saying what came of it. */
export function validatorPermissions(scope: Construct, reach: Reach): PolicyStatement[] {
  const selections = selectionsOf(reach);
  const has = (kind: ResourceKind) => selections.some(({ kinds }) => kinds.includes(kind));
  const restored = `${RESTORED_FOR_TESTS}*`;
  const table = arnOf(scope, 'dynamodb', `table/${restored}`);
  return [
    ...testRecords(reach),
    ...(has('dynamodb') ? readTables([table], undefined) : []),
    ...(has('s3') ? readBuckets([bucketArn(restored)], undefined) : []),
    ...decrypt(selections),
  ];
}

/**
 * Looking into databases that were restored for a test: all that changes anything ends at their names, and an instance is deleted only where
 * the tags say that it was made for a test. No snapshot and no cluster can be deleted.
 */
export function databaseValidatorPermissions(scope: Construct, reach: Reach): PolicyStatement[] {
  const selections = selectionsOf(reach).filter((one) => one.restoreTest.postgres !== undefined);
  const restored = `${RESTORED_FOR_TESTS}*`;
  const instance = arnHere(scope, 'rds', `db:${restored}`);
  const cluster = arnHere(scope, 'rds', `cluster:${restored}`);
  const withClusters = selections.filter(({ kinds }) => kinds.includes('aurora'));
  const allow = (actions: string[], resources: string[]) =>
    new PolicyStatement({ actions, resources });
  return [
    ...testRecords(reach),
    // Instances that an earlier test has lost are found by a list of all.
    allow(['rds:DescribeDBInstances'], [arnHere(scope, 'rds', 'db:*')]),
    allow(['rds:ModifyDBInstance'], [instance]),
    ...(withClusters.length > 0
      ? [
          allow(['rds:DescribeDBClusters', 'rds:ModifyDBCluster'], [cluster]),
          allow(
            ['rds:CreateDBInstance'],
            [
              instance,
              cluster,
              ...['og', 'pg', 'subgrp'].map((one) => arnHere(scope, 'rds', `${one}:*`)),
            ],
          ),
          allow(['rds:AddTagsToResource'], [instance]),
          new PolicyStatement({
            actions: ['rds:DeleteDBInstance'],
            resources: [instance],
            conditions: {
              StringEquals: { 'aws:ResourceTag/holdfast:system': reach.config.system },
              Null: { 'aws:ResourceTag/awsbackup-restore-test': 'false' },
            },
          }),
          ...letRdsUse(withClusters),
        ]
      : []),
  ];
}

/**
 * RDS uses the key of a cluster on behalf of who adds an instance to it:
 * https://docs.aws.amazon.com/AmazonRDS/latest/AuroraUserGuide/Overview.Encryption.Keys.html
 */
function letRdsUse(selections: readonly SelectionConfig[]): PolicyStatement[] {
  const keys = [...new Set(selections.flatMap((one) => one.keys))];
  if (keys.length === 0) return [];
  const viaRds = { StringEquals: { 'kms:ViaService': `rds.${Aws.REGION}.amazonaws.com` } };
  return [
    new PolicyStatement({ actions: ['kms:DescribeKey'], resources: keys, conditions: viaRds }),
    new PolicyStatement({
      actions: ['kms:CreateGrant'],
      resources: keys,
      conditions: { ...viaRds, Bool: { 'kms:GrantIsForAWSResource': 'true' } },
    }),
  ];
}

/** What is known of recovery points and their tests, writing down what came of one, and telling AWS Backup. */
function testRecords(reach: Reach): PolicyStatement[] {
  return [
    ...records(reach, { read: ['recovery-point', 'restore-test'], written: 'restore-test' }),
    askJobs(['backup:DescribeRestoreJob', 'backup:PutRestoreValidationResult']),
  ];
}

function selectionsOf({ config }: Reach): readonly SelectionConfig[] {
  return config.aws?.recoveryPoints?.selections ?? [];
}

function records(
  { config, store }: Reach,
  { read, written }: { read: readonly string[]; written: string },
): PolicyStatement[] {
  const names = selectionNames(config);
  const prefixes = read.flatMap((verb) => names.map((name) => recordsPrefix(verb, name)));
  return [
    ...readStore(
      store,
      [MARKER_KEY, ...prefixes.map((prefix) => `${prefix}*`)],
      [MARKER_KEY, ...prefixes],
    ),
    ...putStore(
      store,
      names.map((name) => `${recordsPrefix(written, name)}*`),
    ),
  ];
}

/** Jobs are no resources to IAM. */
function askJobs(actions: string[]): PolicyStatement {
  return new PolicyStatement({ actions, resources: ['*'] });
}

/** What a selection names or expects of one kind; where it says a number alone, whatever has its tags. */
function named({ expected }: SelectionConfig, kind: ResourceKind): readonly string[] {
  return (expected.arns ?? []).filter((arn) => parseResource(arn)?.kind === kind);
}

function tagsOf({ expected, tags }: SelectionConfig): Readonly<Record<string, string>> | undefined {
  return expected.arns === undefined ? tags : undefined;
}

function tablesOf(scope: Construct, selection: SelectionConfig): readonly string[] {
  const anyTagged = tagsOf(selection) !== undefined && selection.kinds.includes('dynamodb');
  return anyTagged ? [arnOf(scope, 'dynamodb', 'table/*')] : named(selection, 'dynamodb');
}

function bucketsOf(selection: SelectionConfig): readonly string[] {
  const anyTagged = tagsOf(selection) !== undefined && selection.kinds.includes('s3');
  return anyTagged ? [bucketArn('*')] : named(selection, 's3');
}

function bucketArn(name: string): string {
  return `arn:${Aws.PARTITION}:s3:::${name}`;
}

function arnOf(scope: Construct, service: string, resource: string): string {
  return Stack.of(scope).formatArn({ service, resource });
}

type Tags = Readonly<Record<string, string>> | undefined;

function tagged(tags: Tags) {
  if (tags === undefined) return {};
  const pairs = Object.entries(tags).map(([key, value]) => [`aws:ResourceTag/${key}`, value]);
  return { conditions: { StringEquals: Object.fromEntries(pairs) as Record<string, string> } };
}

function readTables(tables: readonly string[], tags: Tags): PolicyStatement[] {
  if (tables.length === 0) return [];
  return [
    new PolicyStatement({
      actions: ['dynamodb:DescribeTable', 'dynamodb:GetItem', 'dynamodb:Scan'],
      resources: [...tables],
      ...tagged(tags),
    }),
  ];
}

function readBuckets(buckets: readonly string[], tags: Tags): PolicyStatement[] {
  if (buckets.length === 0) return [];
  return [
    new PolicyStatement({
      actions: ['s3:ListBucket', 's3:ListBucketVersions'],
      resources: [...buckets],
      ...tagged(tags),
    }),
    new PolicyStatement({
      actions: ['s3:GetObject', 's3:GetObjectVersion'],
      resources: buckets.map((bucket) => `${bucket}/*`),
      ...tagged(tags),
    }),
  ];
}

/** The keys that the configuration names, through the services that read with them. */
function decrypt(selections: readonly SelectionConfig[]): PolicyStatement[] {
  const keys = [...new Set(selections.flatMap((one) => one.keys))];
  if (keys.length === 0) return [];
  const services = ['dynamodb', 's3'].map((service) => `${service}.${Aws.REGION}.amazonaws.com`);
  return [
    new PolicyStatement({
      actions: ['kms:Decrypt'],
      resources: keys,
      conditions: { StringEquals: { 'kms:ViaService': services } },
    }),
  ];
}
