// What AWS Backup gets so that it restores into a new resource, and never over the live one. Pure.
// The words of each kind: https://docs.aws.amazon.com/aws-backup/latest/devguide/restoring-a-backup.html
import type { ResourceKind } from '../names/resources.ts';

type Metadata = Readonly<Record<string, string>>;

export interface NewResource {
  readonly kind: ResourceKind;
  /** What AWS recorded with the recovery point. */
  readonly recorded: Metadata;
  /** The name of what was backed up. */
  readonly original: string;
  /** The name of what is made; for EFS and EBS, whose ids AWS gives, a tag-like token. */
  readonly name: string;
  /** The moment that is wanted of a continuous backup. */
  readonly moment: Date | undefined;
}

/** Which names may be given to something new, by kind; where AWS gives an id, anything is a token. */
const NAMES: Readonly<Record<ResourceKind, RegExp>> = {
  aurora: /^[a-z](?!.*--)[a-z0-9-]{0,61}[a-z0-9]$/i,
  dynamodb: /^[A-Za-z0-9_.-]{3,255}$/,
  ebs: /^[A-Za-z0-9_.-]{1,64}$/,
  efs: /^[A-Za-z0-9_.-]{1,64}$/,
  rds: /^[a-z](?!.*--)[a-z0-9-]{0,61}[a-z0-9]$/i,
  s3: /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/,
};

/** The kinds of which any moment can be restored. */
const WITH_MOMENTS: readonly ResourceKind[] = ['aurora', 'rds', 's3'];

/** The metadata of the restore job, or why there can be none, in words. */
export function newResourceMetadata(wanted: NewResource): Metadata | string {
  const { kind, name, original, moment, recorded } = wanted;
  if (!NAMES[kind].test(name)) return `"${name}" is not a valid name for such a resource`;
  if (name.toLowerCase() === original.toLowerCase())
    return `"${name}" is the name of what was backed up, and that is never overwritten`;
  if (moment !== undefined && !WITH_MOMENTS.includes(kind))
    return 'AWS Backup restores this kind only as of a recovery point, not as of a moment between two';
  return { ...without(recorded, DROPPED[kind]), ...OF_KIND[kind](wanted), ...at(wanted) };
}

/** Where AWS Backup reads the moment. */
function at({ moment }: NewResource): Metadata {
  return moment === undefined ? {} : { RestoreTime: moment.toISOString() };
}

/** What names the original, or another moment, and must not be said again. */
const DROPPED: Readonly<Record<ResourceKind, readonly string[]>> = {
  aurora: ['RestoreTime', 'UseLatestRestorableTime', 'DBClusterIdentifier'],
  dynamodb: ['originalTableName', 'targetTableName'],
  ebs: ['volumeId'],
  efs: ['newFileSystem', 'CreationToken', 'ItemsToRestore'],
  rds: ['RestoreTime', 'UseLatestRestorableTime', 'DBInstanceIdentifier'],
  s3: ['RestoreTime', 'DestinationBucketName', 'NewBucket', 'CreationToken'],
};

const OF_KIND: Readonly<Record<ResourceKind, (wanted: NewResource) => Metadata>> = {
  aurora: ({ name }) => ({ DBClusterIdentifier: name }),
  dynamodb: ({ name, recorded }) => ({
    targetTableName: name,
    encryptionType: recorded['encryptionType'] ?? 'Default',
  }),
  ebs: ({ recorded }) => ({ encrypted: recorded['encrypted'] ?? 'true' }),
  efs: ({ name, recorded }) => ({
    newFileSystem: 'true',
    CreationToken: name,
    Encrypted: recorded['Encrypted'] ?? 'true',
    PerformanceMode: recorded['PerformanceMode'] ?? 'generalPurpose',
  }),
  rds: ({ name }) => ({ DBInstanceIdentifier: name }),
  s3: ({ name, recorded }) => ({
    DestinationBucketName: name,
    NewBucket: 'true',
    CreationToken: name,
    Encrypted: recorded['Encrypted'] ?? 'true',
  }),
};

function without(metadata: Metadata, names: readonly string[]): Metadata {
  return Object.fromEntries(Object.entries(metadata).filter(([name]) => !names.includes(name)));
}

/** What has to be done after a restore, before anybody uses what was restored. */
export const SWITCH_OVER: Readonly<Record<ResourceKind, string>> = {
  aurora:
    'It has no instance yet: add one (aws rds create-db-instance --db-cluster-identifier NAME --engine aurora-postgresql --db-instance-class CLASS). Then set the endpoint of the application to that of the new cluster.',
  dynamodb:
    'Set again what no backup holds: alarms, auto scaling, streams, time to live, point-in-time recovery and tags. Then set the name of the table in the application.',
  ebs: 'Stop the instance, detach the old volume, attach the new one under the same device name, and start the instance.',
  efs: 'Restored files stand in a folder named aws-backup-restore_TIME. Make mount targets in each subnet, and mount the new file system.',
  rds: 'Compare parameter group, security groups and alarms with the old instance. Then set the endpoint of the application to that of the new one.',
  s3: 'Set again what no backup holds: the policy, lifecycle rules, notifications and access from CDNs. Then set the name of the bucket in the application.',
};
