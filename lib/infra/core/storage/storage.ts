// The bucket that holds the store, its key, and the bucket of its access logs. All of it outlives the stack; only a first
// deployment that fails takes away what it has made, so that it can be repeated.
import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import {
  BlockPublicAccess,
  BlockedEncryptionType,
  Bucket,
  BucketEncryption,
  ObjectLockRetention,
  ObjectOwnership,
} from 'aws-cdk-lib/aws-s3';
import type { CfnBucket, IBucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import type { AwsConfig } from '../../../config/config.ts';
import { HoldfastError } from '../../../errors.ts';
import { globalName, storeAlias, type StackPlace } from '../../../names/aws.ts';
import { storeDenials } from './bucket-policy.ts';
import { roleArn } from '../deployers.ts';
import { listWeekly } from './inventory.ts';
import { sizesAsText, storeLifecycle } from './lifecycle.ts';
import { RetainedKey } from '../retained-key.ts';

export interface StorageProps extends StackPlace {
  /** The name of the bucket: it never changes while there are backups in it. */
  readonly bucketName: string;
  readonly aws: Pick<
    AwsConfig,
    'storage' | 'lockMode' | 'lockDays' | 'undoDays' | 'breakGlassRoles'
  >;
  /** Whether the lifecycle of the bucket moves what is marked as kept for long. */
  readonly movesLongKept: boolean;
  /** ARNs, or patterns of them, of the roles that may change bucket, key and policies. */
  readonly deployers: readonly string[];
}

const LOGS_SUFFIX = '-logs';
const MAX_BUCKET_NAME = 63;
/** Access logs answer who read a backup; a year and a month covers a yearly audit. */
const ACCESS_LOG_DAYS = 400;

/** Made once, and found again by name where an earlier stack has left it. */
export class Storage extends Construct {
  readonly bucket: IBucket;
  /** Undefined where the bucket was adopted. */
  readonly accessLogs: IBucket | undefined;
  readonly key: RetainedKey;

  constructor(scope: Construct, id: string, props: StorageProps) {
    super(scope, id);
    const { system, region, bucketName, aws, movesLongKept, deployers } = props;
    const adopt = aws.storage === 'existing';
    this.key = new RetainedKey(this, 'Key', {
      alias: storeAlias(system),
      description: `Encrypts the backups of ${system}`,
      use: 'encrypt',
      adopt,
      deployers,
    });
    if (this.key.key === undefined) {
      this.bucket = Bucket.fromBucketName(this, 'Bucket', bucketName);
      return;
    }
    const logs = accessLogs(this, bucketName);
    this.accessLogs = logs;
    const lifecycleRules = storeLifecycle({ undoDays: aws.undoDays, movesLongKept });
    const bucket = new Bucket(this, 'Bucket', {
      bucketName,
      encryption: BucketEncryption.KMS,
      encryptionKey: this.key.key,
      bucketKeyEnabled: true,
      blockedEncryptionTypes: [BlockedEncryptionType.SSE_C],
      ...PRIVATE,
      versioned: true,
      objectLockEnabled: true,
      objectLockDefaultRetention: retention(aws),
      lifecycleRules,
      serverAccessLogsBucket: logs,
      serverAccessLogsPrefix: 'access/',
    });
    listWeekly(bucket as IBucket, logs);
    const own = bucket.node.defaultChild as CfnBucket;
    sizesAsText(own, lifecycleRules);
    // The property of the template does what the construct would have a function of its own do.
    own.notificationConfiguration = {
      eventBridgeConfiguration: { eventBridgeEnabled: true },
    };
    for (const denial of storeDenials({
      bucketArn: bucket.bucketArn,
      keyArn: this.key.arn,
      deployers,
      pruneRole: roleArn(globalName({ system, region }, 'prune')),
      lockMode: aws.lockMode,
      lockDays: aws.lockDays,
      breakGlassRoles: aws.breakGlassRoles,
    })) {
      bucket.addToResourcePolicy(denial);
    }
    bucket.policy?.applyRemovalPolicy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE);
    this.bucket = bucket as IBucket;
  }
}

const PRIVATE = {
  blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
  objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
  enforceSSL: true,
  minimumTLSVersion: 1.2,
  removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
} as const;

function retention({ lockMode, lockDays }: StorageProps['aws']): ObjectLockRetention {
  const days = Duration.days(lockDays);
  return lockMode === 'compliance'
    ? ObjectLockRetention.compliance(days)
    : ObjectLockRetention.governance(days);
}

/** A bucket under Object Lock cannot take access logs, and the log service writes with no key but that of S3. */
function accessLogs(scope: Construct, bucketName: string): IBucket {
  const logsName = `${bucketName}${LOGS_SUFFIX}`;
  if (logsName.length > MAX_BUCKET_NAME) {
    throw new HoldfastError(
      'CONFIG_INVALID',
      `store: the name of the bucket, ${bucketName}, has ${bucketName.length} characters; allowed: ${MAX_BUCKET_NAME - LOGS_SUFFIX.length}, because its access logs go to ${logsName}`,
      { hint: 'Choose a shorter name.' },
    );
  }
  const logs = new Bucket(scope, 'AccessLogs', {
    bucketName: logsName,
    encryption: BucketEncryption.S3_MANAGED,
    ...PRIVATE,
    versioned: true,
    lifecycleRules: [
      {
        id: 'old-logs',
        expiration: Duration.days(ACCESS_LOG_DAYS),
        noncurrentVersionExpiration: Duration.days(1),
        abortIncompleteMultipartUploadAfter: Duration.days(7),
      },
    ],
  });
  logs.policy?.applyRemovalPolicy(RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE);
  // Under exact optional properties the class does not fit its own interface.
  return logs as IBucket;
}
