// What each function may do: its own prefixes of the store, its own key, and nothing that deletes.
import { Aws, Stack } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { METRICS } from '../../names/aws.ts';
import type { RetainedKey } from './retained-key.ts';
import { BACKUPS_PREFIX, MARKER_KEY, RECORDS_PREFIX } from '../../format/layout.ts';

/** A store in a bucket, as policies see it. */
export interface StoreAccess {
  readonly bucketArn: string;
  /** Empty, or ends in a slash. */
  readonly prefix: string;
  readonly key: RetainedKey;
}

/** With the tags: of what a delete marker hides they tell whether it was released. */
const VERSIONED_READ = ['s3:GetObject', 's3:GetObjectVersion', 's3:GetObjectVersionTagging'];
const LISTING = ['s3:ListBucket', 's3:ListBucketVersions'];

function objects({ bucketArn, prefix }: StoreAccess, patterns: readonly string[]): string[] {
  return patterns.map((pattern) => `${bucketArn}/${prefix}${pattern}`);
}

function throughS3(): Record<string, string> {
  return { 'kms:ViaService': `s3.${Aws.REGION}.amazonaws.com` };
}

/** Listing what begins with one of `prefixes`. */
function list({ bucketArn, prefix }: StoreAccess, prefixes: readonly string[]): PolicyStatement {
  return new PolicyStatement({
    actions: LISTING,
    resources: [bucketArn],
    // A request for one object carries no prefix, and without this right S3 answers "denied" for what is merely absent.
    conditions: {
      StringLikeIfExists: { 's3:prefix': prefixes.map((one) => `${prefix}${one}*`) },
    },
  });
}

/** Reading the objects that match `patterns`, and listing `prefixes`. */
export function readStore(
  store: StoreAccess,
  patterns: readonly string[],
  prefixes: readonly string[],
): PolicyStatement[] {
  return [
    list(store, prefixes),
    new PolicyStatement({ actions: VERSIONED_READ, resources: objects(store, patterns) }),
    store.key.allow(['kms:Decrypt'], throughS3()),
  ];
}

/** Everything that tells what the store holds, without what was backed up. */
export const FACTS = [
  MARKER_KEY,
  `${BACKUPS_PREFIX}*/manifest.json`,
  `${RECORDS_PREFIX}*`,
] as const;

/** Putting new objects that match `patterns`; without headers that tag or lock, and without any right to take them back. */
export function putStore(store: StoreAccess, patterns: readonly string[]): PolicyStatement[] {
  return [
    new PolicyStatement({
      actions: ['s3:PutObject', 's3:AbortMultipartUpload', 's3:ListMultipartUploadParts'],
      resources: objects(store, patterns),
    }),
    // S3 decrypts the key of an upload again for each of its parts.
    store.key.allow(['kms:GenerateDataKey', 'kms:Decrypt'], throughS3()),
  ];
}

/** Extending locks, and releasing by tag. */
export function releaseStore(store: StoreAccess): PolicyStatement[] {
  return [
    new PolicyStatement({
      actions: [
        's3:GetObjectRetention',
        's3:PutObjectRetention',
        's3:GetObjectTagging',
        's3:GetObjectVersionTagging',
        's3:PutObjectTagging',
        's3:PutObjectVersionTagging',
      ],
      resources: objects(store, [`${BACKUPS_PREFIX}*`]),
    }),
  ];
}

/** Looking at the tags that release, and at locks. */
export function seeReleases(store: StoreAccess): PolicyStatement[] {
  return [
    new PolicyStatement({
      actions: ['s3:GetObjectTagging', 's3:GetObjectVersionTagging', 's3:GetObjectRetention'],
      resources: objects(store, [`${BACKUPS_PREFIX}*`]),
    }),
  ];
}

/** Signing digests as Holdfast makes them. */
export function sign(key: RetainedKey): PolicyStatement {
  return key.allow(['kms:Sign'], {
    'kms:SigningAlgorithm': 'ECDSA_SHA_256',
    'kms:MessageType': 'DIGEST',
  });
}

/** Fetching public keys, to check signatures. */
export function trust(keys: readonly RetainedKey[]): PolicyStatement[] {
  return keys.map((key) => key.allow(['kms:GetPublicKey']));
}

/** Looking whether keys are enabled. */
export function seeKeys(keys: readonly RetainedKey[], messagesKey: IKey): PolicyStatement[] {
  const actions = ['kms:DescribeKey'];
  return [
    ...keys.map((key) => key.allow(actions)),
    new PolicyStatement({ actions, resources: [messagesKey.keyArn] }),
  ];
}

/** Publishing metrics of our namespace; CloudWatch knows no resources here. */
export function publishMetrics(): PolicyStatement {
  return new PolicyStatement({
    actions: ['cloudwatch:PutMetricData'],
    resources: ['*'],
    conditions: { StringEquals: { 'cloudwatch:namespace': METRICS } },
  });
}

/** Sending traces; X-Ray knows no resources. */
export function sendTraces(): PolicyStatement {
  return new PolicyStatement({
    actions: ['xray:PutTraceSegments', 'xray:PutTelemetryRecords'],
    resources: ['*'],
  });
}

/** The ARN of `resource` of this account and region. */
export function arnHere(scope: Construct, service: string, resource: string): string {
  return Stack.of(scope).formatArn({ service, resource });
}
