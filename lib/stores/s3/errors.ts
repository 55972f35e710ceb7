// What S3, a server like it, or the way to it answered, as errors that tell what to do. Told by names and statuses, never by text.
import {
  awsFailure,
  CREDENTIALS,
  isCredentialsReason,
  mayPass,
  type AwsFailure,
  type Reason,
} from '../../aws/failure.ts';
import { HoldfastError } from '../../errors.ts';
import type { ErrorCode } from '../../errors.ts';
import type { S3Place } from '../../names/s3-place.ts';

/** What was asked of the server. */
export interface Asked {
  /** The operation as S3 calls it. */
  readonly operation: Operation;
  /** The key in the store; undefined when the error concerns the bucket. */
  readonly key?: string | undefined;
}

/** The operations that a store uses, and what a caller must be allowed for each. */
export const PERMISSIONS = {
  PutObject: 's3:PutObject',
  CreateMultipartUpload: 's3:PutObject',
  UploadPart: 's3:PutObject',
  UploadPartCopy: 's3:PutObject, and s3:GetObjectVersion for what is copied',
  CompleteMultipartUpload: 's3:PutObject',
  AbortMultipartUpload: 's3:AbortMultipartUpload',
  GetObject: 's3:GetObjectVersion',
  HeadObject: 's3:GetObjectVersion',
  ListObjectVersions: 's3:ListBucketVersions',
  ListObjectsV2: 's3:ListBucket',
  GetObjectTagging: 's3:GetObjectVersionTagging',
  PutObjectTagging: 's3:PutObjectVersionTagging',
  GetObjectRetention: 's3:GetObjectRetention',
  PutObjectRetention: 's3:PutObjectRetention',
  DeleteObject: 's3:DeleteObject',
  HeadBucket: 's3:ListBucket',
} as const;
export type Operation = keyof typeof PERMISSIONS;

interface Meaning {
  readonly code: ErrorCode;
  readonly what: string;
  readonly hint?: string;
}

/** How many times the same may be asked when it ends with `error`: 1 to leave it at that. */
export function attemptsFor(error: unknown, attempts: number): number {
  const failure = awsFailure(error);
  if (failure === undefined) return 1;
  // Once more with what the SDK has learnt from it: fresh credentials, or the time of the server.
  if (failure.reason === 'expired' || failure.reason === 'clock') return 2;
  return mayPass(failure) ? attempts : 1;
}

/** `error` as an error for people; what is no answer of a server, such as a bug, is returned as it is. */
export function failureOf(error: unknown, asked: Asked, place: S3Place): unknown {
  const failure = error instanceof HoldfastError ? undefined : awsFailure(error);
  if (failure === undefined) return error;
  const { code, what, hint } = meaningOf(failure, asked, place);
  const thing = asked.key === undefined ? '' : ` "${asked.key}"`;
  return new HoldfastError(code, `${asked.operation}${thing} in ${bucketOf(place)}: ${what}`, {
    ...(hint !== undefined && { hint }),
    cause: failure,
  });
}

/** The store as messages name it, without its options. */
export function bucketOf({ bucket, prefix }: S3Place): string {
  return `s3://${bucket}/${prefix}`;
}

function meaningOf(failure: AwsFailure, asked: Asked, place: S3Place): Meaning {
  const { name, reason } = failure;
  if (isCredentialsReason(reason)) {
    return {
      code: 'STORE_DENIED',
      what: CREDENTIALS[reason],
      hint: 'Give valid credentials as AWS tools take them: a role, a profile, or variables of the environment.',
    };
  }
  switch (reason) {
    case 'region':
      return wrongRegion(failure, place);
    case 'denied':
      return denied(name, asked, place);
    case 'no-bucket':
      return NO_BUCKET;
    case 'absent':
      // An answer to HEAD has no body that names the reason.
      return asked.key === undefined
        ? NO_BUCKET
        : { code: 'BACKUP_NOT_FOUND', what: 'there is no such object' };
    case 'archived':
      return {
        code: 'STORE_UNAVAILABLE',
        what: 'the object was moved to an archive class (Glacier) and has to be called back first',
        hint: `Run \`aws s3api restore-object --bucket ${place.bucket} --key ${place.prefix}${asked.key ?? ''} --restore-request Days=7\`, wait until it is there (hours), then run this again.`,
      };
    default:
      return MEANINGS[reason]?.(name) ?? unavailable(failure, place);
  }
}

const NO_BUCKET: Meaning = {
  code: 'CONFIG_INVALID',
  what: 'there is no such bucket',
  hint: "Check the name of the bucket and its region in the store's URL.",
};

/** Errors that mean the same for every request. */
const MEANINGS: Readonly<Partial<Record<Reason, (name: string) => Meaning>>> = {
  key: (name) => ({
    code: 'STORE_DENIED',
    what: `the KMS key cannot be used (${name}): every backup under this key is unreadable until it can`,
    hint: 'Enable the key, or cancel its deletion, at once; then look at who disabled it.',
  }),
  clock: () => ({
    code: 'CLOCK_SKEW',
    what: 'this clock and that of the server differ by more than 15 minutes',
    hint: "Set this machine's time.",
  }),
  busy: () => ({
    code: 'STORE_UNAVAILABLE',
    what: 'others keep writing the same key',
    hint: 'Run it again.',
  }),
  full: (name) => ({ code: 'NO_SPACE', what: `the store is full (${name})` }),
  taken: (name) => ({ code: 'STORE_CONFLICT', what: `the key is taken (${name})` }),
  'out-of-range': () => ({
    code: 'BACKUP_DAMAGED',
    what: 'the object is shorter than it should be',
  }),
  unsupported: (name) => ({
    code: 'CONFIG_INVALID',
    what: `the server cannot do this (${name})`,
    hint: 'The options of the URL say what a server can; docs/stores.md lists them.',
  }),
};

function unavailable(failure: AwsFailure, place: S3Place): Meaning {
  const hint =
    failure.status === undefined
      ? `Check the network and that ${place.endpoint ?? 'S3'} can be reached, then run it again.`
      : 'Run it again later; if it stays, see what the server says about this code.';
  return { code: 'STORE_UNAVAILABLE', what: failure.words, hint };
}

function denied(name: string, asked: Asked, { account, kmsKey }: S3Place): Meaning {
  const owner =
    account === undefined ? '' : ` It is refused as well when account ${account} does not own it.`;
  const key = kmsKey === undefined ? 'the KMS key of the bucket' : 'the KMS key of the store';
  return {
    code: 'STORE_DENIED',
    what: `access was refused (${name})`,
    hint: `It needs ${PERMISSIONS[asked.operation]}, and the use of ${key}.${owner}`,
  };
}

function wrongRegion({ region }: AwsFailure, place: S3Place): Meaning {
  const there = region === undefined ? 'another region' : `the region ${region}`;
  return {
    code: 'CONFIG_INVALID',
    what: `the bucket is in ${there}, not in ${place.region ?? 'that of the environment'}`,
    hint: `Give region=${region ?? 'REGION'} in the store's URL.`,
  };
}
