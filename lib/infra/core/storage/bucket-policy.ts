// What nobody may do to the store, whatever their own policies allow. A role's session counts as its role.
import { AnyPrincipal, Effect, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Conditions } from 'aws-cdk-lib/aws-iam';
import type { AwsConfig } from '../../../config/config.ts';
import { denyToAllBut } from '../deployers.ts';

export interface StoreDenialsProps {
  readonly bucketArn: string;
  /** The only key by which objects may be encrypted. */
  readonly keyArn: string;
  readonly deployers: readonly string[];
  readonly breakGlassRoles: readonly string[];
  /** The one role that releases backups and extends locks. */
  readonly pruneRole: string;
  readonly lockMode: AwsConfig['lockMode'];
  readonly lockDays: number;
}

const CONFIGURATION = [
  's3:PutLifecycleConfiguration',
  's3:PutBucketVersioning',
  's3:PutBucketObjectLockConfiguration',
  's3:PutReplicationConfiguration',
  's3:PutEncryptionConfiguration',
  's3:PutBucketNotification',
  's3:PutBucketPolicy',
  's3:DeleteBucketPolicy',
  's3:PutBucketPublicAccessBlock',
  's3:PutBucketOwnershipControls',
  's3:PutBucketAcl',
  's3:PutBucketLogging',
  's3:PutInventoryConfiguration',
];

const KEY_HEADER = 's3:x-amz-server-side-encryption-aws-kms-key-id';
const METHOD_HEADER = 's3:x-amz-server-side-encryption';
const REMAINING_DAYS = 's3:object-lock-remaining-retention-days';

/** The denials of the bucket's policy. Lifecycle acts on behalf of nobody and is not bound by them. */
export function storeDenials(props: StoreDenialsProps): PolicyStatement[] {
  return [
    ...destruction(props),
    ...hiding(props),
    ...encryption(props),
    ...classes(props),
    ...locks(props),
  ];
}

function destruction({ bucketArn, deployers, breakGlassRoles }: StoreDenialsProps) {
  const objects = [`${bucketArn}/*`];
  return [
    // A delete marker hides the good version, and lifecycle would end it then.
    denyToAllBut([], { sid: 'NobodyDeletes', actions: ['s3:DeleteObject'], resources: objects }),
    // A replication writes and deletes past every condition on puts. No replica exists that writes back into a store.
    denyToAllBut([], {
      sid: 'NobodyReplicatesInto',
      actions: ['s3:ReplicateObject', 's3:ReplicateDelete', 's3:ReplicateTags'],
      resources: objects,
    }),
    denyToAllBut([], {
      sid: 'NobodyDeletesTheBucket',
      actions: ['s3:DeleteBucket'],
      resources: [bucketArn],
    }),
    denyToAllBut(breakGlassRoles, {
      sid: 'OnlyBreakGlassEndsVersions',
      actions: ['s3:DeleteObjectVersion', 's3:BypassGovernanceRetention', 's3:PutObjectLegalHold'],
      resources: objects,
    }),
    denyToAllBut(deployers, {
      sid: 'OnlyDeploymentsConfigure',
      actions: CONFIGURATION,
      resources: [bucketArn],
    }),
    denyToAllBut(deployers, {
      sid: 'OnlyDeploymentsReencrypt',
      actions: ['s3:UpdateObjectEncryption', 's3:PutObjectAcl', 's3:PutObjectVersionAcl'],
      resources: objects,
    }),
  ];
}

/** An overwrite, or a put over a delete marker, hides the good version as a deletion does. */
function hiding({ bucketArn }: StoreDenialsProps) {
  return [
    deny(bucketArn, 'OnlyNewKeys', ['s3:PutObject'], {
      Null: { 's3:if-none-match': 'true' },
      Bool: { 's3:ObjectCreationOperation': 'true' },
    }),
  ];
}

function encryption({ bucketArn, keyArn }: StoreDenialsProps) {
  return [
    deny(bucketArn, 'NoOtherKey', ['s3:PutObject'], {
      Null: { [KEY_HEADER]: 'false' },
      ArnNotEquals: { [KEY_HEADER]: keyArn },
    }),
    // Without the name of a key, the header stands for one of AWS's own; without the header, the bucket's key is taken.
    deny(bucketArn, 'NoUnnamedKey', ['s3:PutObject'], {
      Null: { [METHOD_HEADER]: 'false', [KEY_HEADER]: 'true' },
    }),
    deny(bucketArn, 'NoOtherMethod', ['s3:PutObject'], {
      Null: { [METHOD_HEADER]: 'false' },
      StringNotEquals: { [METHOD_HEADER]: 'aws:kms' },
    }),
    deny(bucketArn, 'NoKeyOfTheCaller', ['s3:PutObject'], {
      Null: { 's3:x-amz-server-side-encryption-customer-algorithm': 'false' },
    }),
  ];
}

/** What is stored in another class costs more, or cannot be read for hours. Nobody but the lifecycle moves anything. */
function classes({ bucketArn }: StoreDenialsProps) {
  return [
    deny(bucketArn, 'NoOtherClass', ['s3:PutObject'], {
      Null: { 's3:x-amz-storage-class': 'false' },
      StringNotEquals: { 's3:x-amz-storage-class': 'STANDARD' },
    }),
  ];
}

function locks({ bucketArn, pruneRole, lockMode, lockDays, breakGlassRoles }: StoreDenialsProps) {
  return [
    denyToAllBut([pruneRole, ...breakGlassRoles], {
      sid: 'OnlyPruneReleasesAndExtends',
      actions: [
        's3:PutObjectTagging',
        's3:PutObjectVersionTagging',
        's3:DeleteObjectTagging',
        's3:DeleteObjectVersionTagging',
        's3:PutObjectRetention',
      ],
      resources: [`${bucketArn}/*`],
    }),
    // A lock for a hundred years is an attack on the one who pays. One day more, because the end of a lock is rounded.
    deny(bucketArn, 'NoLongerLock', ['s3:PutObjectRetention'], {
      NumericGreaterThan: { [REMAINING_DAYS]: String(lockDays + 1) },
    }),
    // What nobody can undo is done by the configuration alone. The other way, what was locked before keeps its mode.
    ...(lockMode === 'governance'
      ? [
          deny(bucketArn, 'NoCompliance', ['s3:PutObjectRetention'], {
            StringEquals: { 's3:object-lock-mode': 'COMPLIANCE' },
          }),
        ]
      : []),
  ];
}

function deny(bucketArn: string, sid: string, actions: string[], conditions: Conditions) {
  return new PolicyStatement({
    sid,
    effect: Effect.DENY,
    principals: [new AnyPrincipal()],
    actions,
    resources: [`${bucketArn}/*`],
    conditions,
  });
}
