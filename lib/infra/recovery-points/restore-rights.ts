// What AWS Backup may do in the name of a system to restore: make new resources, and put into them what a recovery point holds. It
// deletes nothing, and touches nothing that is protected: tests make resources of names that begin alike, and their end is AWS's work.
import { Aws } from 'aws-cdk-lib';
import { Effect, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { ResourceKind } from '../../names/resources.ts';
import { here } from './backup-rights.ts';

/** What restored resources are called, and where their recovery points come from. */
export interface Target {
  /** ARNs, or a pattern of them where tags select, of what is protected. */
  readonly resources: readonly string[];
  /** What names of new resources match: `awsbackup-restore-test-*` in tests. */
  readonly names: string;
}

const EVERYWHERE = ['*'];

function allow(actions: string[], resources: readonly string[]): PolicyStatement {
  return new PolicyStatement({ actions, resources: [...resources] });
}

/** What a new database belongs to besides. */
const groups = (...kinds: readonly string[]) => kinds.map((kind) => here('rds', `${kind}:*`));
const OF_CLUSTERS = groups('subgrp', 'og', 'cluster-pg');
const OF_INSTANCES = groups('subgrp', 'og', 'pg');

const RIGHTS: Readonly<Record<ResourceKind, (target: Target) => PolicyStatement[]>> = {
  aurora: ({ names }) => {
    const cluster = here('rds', `cluster:${names}`);
    const [snapshot, past] = ['cluster-snapshot:awsbackup:*', 'cluster-auto-backup:*'];
    return [
      allow(['rds:DescribeDBClusters', 'rds:DescribeDBClusterSnapshots'], EVERYWHERE),
      allow(['rds:RestoreDBClusterFromSnapshot'], [cluster, here('rds', snapshot), ...OF_CLUSTERS]),
      allow(['rds:RestoreDBClusterToPointInTime'], [cluster, here('rds', past), ...OF_CLUSTERS]),
      allow(['rds:AddTagsToResource', 'rds:ListTagsForResource'], [cluster]),
    ];
  },
  rds: ({ names }) => {
    const instance = here('rds', `db:${names}`);
    const [snapshot, past] = ['snapshot:awsbackup:*', 'auto-backup:*'];
    return [
      allow(['rds:DescribeDBInstances', 'rds:DescribeDBSnapshots'], EVERYWHERE),
      allow(
        ['rds:RestoreDBInstanceFromDBSnapshot'],
        [instance, here('rds', snapshot), ...OF_INSTANCES],
      ),
      allow(['rds:RestoreDBInstanceToPointInTime'], [instance, here('rds', past), ...OF_INSTANCES]),
      allow(['rds:AddTagsToResource', 'rds:ListTagsForResource'], [instance]),
    ];
  },
  dynamodb: ({ resources, names }) => [
    allow(
      [
        'dynamodb:DescribeTable',
        'dynamodb:RestoreTableFromAwsBackup',
        'dynamodb:RestoreTableFromBackup',
        'dynamodb:BatchWriteItem',
        'dynamodb:DeleteItem',
        'dynamodb:GetItem',
        'dynamodb:PutItem',
        'dynamodb:Query',
        'dynamodb:Scan',
        'dynamodb:UpdateItem',
      ],
      [here('dynamodb', `table/${names}`)],
    ),
    allow(
      ['dynamodb:RestoreTableFromBackup'],
      resources.map((table) => `${table}/backup/*`),
    ),
  ],
  ebs: () => [
    allow(['ec2:DescribeVolumes', 'ec2:DescribeSnapshots'], EVERYWHERE),
    allow(
      ['ec2:CreateVolume', 'ec2:CreateTags'],
      [here('ec2', 'volume/*'), `arn:${Aws.PARTITION}:ec2:${Aws.REGION}::snapshot/*`],
    ),
  ],
  efs: () => [
    // What is new has no name yet.
    allow(
      ['elasticfilesystem:DescribeFileSystems', 'elasticfilesystem:CreateFileSystem'],
      EVERYWHERE,
    ),
    allow(
      ['elasticfilesystem:Restore', 'elasticfilesystem:TagResource'],
      [here('elasticfilesystem', 'file-system/*')],
    ),
  ],
  s3: ({ names }) => {
    const bucket = `arn:${Aws.PARTITION}:s3:::${names}`;
    return [
      allow(
        [
          's3:CreateBucket',
          's3:ListBucket',
          's3:ListBucketVersions',
          's3:GetBucketVersioning',
          's3:PutBucketVersioning',
          's3:GetBucketLocation',
          's3:GetBucketOwnershipControls',
          's3:PutBucketOwnershipControls',
        ],
        [bucket],
      ),
      allow(
        [
          's3:GetObject',
          's3:GetObjectVersion',
          's3:GetObjectAcl',
          's3:GetObjectVersionAcl',
          's3:GetObjectTagging',
          's3:ListMultipartUploadParts',
          's3:PutObject',
          's3:PutObjectAcl',
          's3:PutObjectVersionAcl',
          's3:PutObjectTagging',
        ],
        [`${bucket}/*`],
      ),
    ];
  },
};

/** What restoring a recovery point of `kind` into a new resource takes. */
export function restoreRights(kind: ResourceKind, target: Target): PolicyStatement[] {
  return RIGHTS[kind](target);
}

/** Writing to tables and buckets, which a restore into a new one does, too. */
const WRITING = [
  'dynamodb:BatchWriteItem',
  'dynamodb:DeleteItem',
  'dynamodb:PutItem',
  'dynamodb:UpdateItem',
  's3:PutObject',
  's3:PutObjectAcl',
  's3:PutObjectVersionAcl',
  's3:PutObjectTagging',
  's3:PutBucketVersioning',
  's3:PutBucketOwnershipControls',
];

/** Whatever else a role may do: what is protected, it does not write to. */
export function neverInto(resources: readonly string[]): PolicyStatement[] {
  const writable = resources.flatMap((arn) => (arn.includes(':s3:::') ? [arn, `${arn}/*`] : [arn]));
  if (writable.length === 0) return [];
  return [new PolicyStatement({ effect: Effect.DENY, actions: WRITING, resources: writable })];
}
