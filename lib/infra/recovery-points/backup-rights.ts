// What AWS Backup may do in the name of a system to make recovery points and copies: for each kind of resource that is protected, the
// part of AWS's own policy that it needs, on these resources. The snapshots behind recovery points are deleted by it, when they expire.
import { Aws } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { ResourceKind } from '../../names/resources.ts';

/** Resources of one kind. */
export interface Reach {
  /** ARNs, or a pattern of them where tags select. */
  readonly resources: readonly string[];
}

/** ARNs of this account and region in `service`, whose last part is `rest`. */
export function here(service: string, rest: string): string {
  return `arn:${Aws.PARTITION}:${service}:${Aws.REGION}:${Aws.ACCOUNT_ID}:${rest}`;
}

/** What stands for every resource of a kind. */
export const ANY_OF_KIND: Readonly<Record<ResourceKind, string>> = {
  aurora: here('rds', 'cluster:*'),
  dynamodb: here('dynamodb', 'table/*'),
  ebs: here('ec2', 'volume/*'),
  efs: here('elasticfilesystem', 'file-system/*'),
  rds: here('rds', 'db:*'),
  s3: `arn:${Aws.PARTITION}:s3:::*`,
};

function allow(actions: string[], resources: readonly string[]): PolicyStatement {
  return new PolicyStatement({ actions, resources: [...resources] });
}

const EVERYWHERE = ['*'];

/** By kind: reading a resource, and making, copying and expiring what is made of it. */
const RIGHTS: Readonly<Record<ResourceKind, (reach: Reach) => PolicyStatement[]>> = {
  aurora: ({ resources }) => [
    allow(
      [
        'rds:DescribeDBClusters',
        'rds:DescribeDBClusterSnapshots',
        'rds:DescribeDBClusterAutomatedBackups',
      ],
      EVERYWHERE,
    ),
    allow(
      [
        'rds:CreateDBClusterSnapshot',
        'rds:ListTagsForResource',
        'rds:AddTagsToResource',
        // For continuous backup.
        'rds:ModifyDBCluster',
      ],
      resources,
    ),
    allow(
      [
        'rds:CreateDBClusterSnapshot',
        'rds:CopyDBClusterSnapshot',
        'rds:AddTagsToResource',
        'rds:ListTagsForResource',
        'rds:ModifyDBClusterSnapshotAttribute',
        'rds:DeleteDBClusterSnapshot',
      ],
      [here('rds', 'cluster-snapshot:awsbackup:*')],
    ),
    allow(['rds:DeleteDBClusterAutomatedBackup'], [here('rds', 'cluster-auto-backup:*')]),
  ],
  rds: ({ resources }) => [
    allow(['rds:DescribeDBInstances', 'rds:DescribeDBSnapshots'], EVERYWHERE),
    allow(
      [
        'rds:CreateDBSnapshot',
        'rds:ListTagsForResource',
        'rds:AddTagsToResource',
        // For continuous backup.
        'rds:ModifyDBInstance',
      ],
      resources,
    ),
    allow(
      [
        'rds:CreateDBSnapshot',
        'rds:CopyDBSnapshot',
        'rds:AddTagsToResource',
        'rds:ListTagsForResource',
        'rds:ModifyDBSnapshotAttribute',
        'rds:DeleteDBSnapshot',
      ],
      [here('rds', 'snapshot:awsbackup:*')],
    ),
    allow(['rds:DeleteDBInstanceAutomatedBackup'], [here('rds', 'auto-backup:*')]),
  ],
  dynamodb: ({ resources }) => [
    allow(
      [
        'dynamodb:DescribeTable',
        'dynamodb:CreateBackup',
        'dynamodb:StartAwsBackupJob',
        'dynamodb:ListTagsOfResource',
      ],
      resources,
    ),
    allow(
      ['dynamodb:DescribeBackup', 'dynamodb:DeleteBackup'],
      resources.map((table) => `${table}/backup/*`),
    ),
  ],
  ebs: ({ resources }) => [
    allow(['ec2:DescribeVolumes', 'ec2:DescribeSnapshots', 'ec2:DescribeTags'], EVERYWHERE),
    allow(['ec2:CreateSnapshot'], resources),
    allow(['ec2:CreateSnapshot', 'ec2:CopySnapshot', 'ec2:CreateTags'], [snapshots()]),
    new PolicyStatement({
      actions: ['ec2:DeleteSnapshot', 'ec2:ModifySnapshotAttribute', 'ec2:ModifySnapshotTier'],
      resources: [snapshots()],
      // What AWS Backup has made, and nothing else.
      conditions: { Null: { 'aws:ResourceTag/aws:backup:source-resource': 'false' } },
    }),
  ],
  efs: ({ resources }) => [
    allow(['elasticfilesystem:Backup', 'elasticfilesystem:DescribeTags'], resources),
  ],
  s3: ({ resources }) => [
    allow(
      [
        's3:GetBucketTagging',
        's3:GetInventoryConfiguration',
        's3:PutInventoryConfiguration',
        's3:ListBucketVersions',
        's3:ListBucket',
        's3:GetBucketVersioning',
        's3:GetBucketLocation',
        's3:GetBucketAcl',
        's3:GetBucketNotification',
        // AWS Backup hears of changes by events of the bucket.
        's3:PutBucketNotification',
      ],
      resources,
    ),
    allow(
      [
        's3:GetObject',
        's3:GetObjectAcl',
        's3:GetObjectTagging',
        's3:GetObjectVersion',
        's3:GetObjectVersionAcl',
        's3:GetObjectVersionTagging',
      ],
      resources.map((bucket) => `${bucket}/*`),
    ),
    allow(
      [
        'events:DescribeRule',
        'events:PutRule',
        'events:DeleteRule',
        'events:EnableRule',
        'events:DisableRule',
        'events:PutTargets',
        'events:RemoveTargets',
        'events:ListTargetsByRule',
      ],
      [here('events', 'rule/AwsBackupManagedRule*')],
    ),
    allow(['events:ListRules', 'cloudwatch:GetMetricData'], EVERYWHERE),
  ],
};

function snapshots(): string {
  return `arn:${Aws.PARTITION}:ec2:${Aws.REGION}::snapshot/*`;
}

/** What making recovery points of `kind` takes. */
export function backupRights(kind: ResourceKind, reach: Reach): PolicyStatement[] {
  return RIGHTS[kind](reach);
}
