// What S3, a server like it, or the way to it answered, as errors that tell what to do. Told by names and statuses, never by text.
import { HoldfastError } from '../../errors.ts';
import type { ErrorCode } from '../../errors.ts';
import type { S3Place } from '../../names/s3-place.ts';

/** What was asked of the server. */
export interface Asked {
  /** The operation as S3 calls it. */
  readonly operation: Operation;
  /** Of the store; undefined when it concerns the bucket. */
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

/** What is kept of an error of the SDK: the original holds headers of the request, and with them its signature. */
export class S3Cause extends Error {
  readonly status: number | undefined;
  readonly requestId: string | undefined;
  /** What the server named as the region of the bucket. */
  readonly region: string | undefined;

  constructor(name: string, message: string, facts: Omit<Facts, 'name' | 'message'>) {
    super(message);
    this.name = name;
    this.status = facts.status;
    this.requestId = facts.requestId;
    this.region = facts.region;
  }
}

/** Thrown by us, for the same loop of retries: an answer that did not come, or not whole. */
export class BrokenAnswer extends Error {
  override readonly name = 'BrokenAnswer';
}

interface Facts {
  readonly name: string;
  readonly message: string;
  readonly status: number | undefined;
  readonly requestId: string | undefined;
  readonly region: string | undefined;
}

interface Meaning {
  readonly code: ErrorCode;
  readonly what: string;
  readonly hint?: string;
}

// Each may go away when the same is asked again; the server did nothing, or what it did is found out afterwards.
const TRANSIENT = new Set([
  'BadDigest',
  'BrokenAnswer',
  'ConditionalRequestConflict',
  'IncompleteBody',
  'InternalError',
  'OperationAborted',
  'RequestTimeout',
  'ServiceUnavailable',
  'SlowDown',
  'Throttling',
  'ThrottlingException',
  'TimeoutError',
  'TooManyRequests',
  'XAmzContentSHA256Mismatch',
]);
/** Once more with what the SDK has learnt from it: the time of the server, or fresh credentials. */
const WORTH_ONE_MORE = new Set(['ExpiredToken', 'ExpiredTokenException', 'RequestTimeTooSkewed']);

/** How many times the same may be asked when it ends with `error`: 1 to leave it at that. */
export function attemptsFor(error: unknown, attempts: number): number {
  const facts = factsOf(error);
  if (facts === undefined || facts.name === 'CredentialsProviderError') return 1;
  if (WORTH_ONE_MORE.has(facts.name)) return 2;
  const { status } = facts;
  // Without a status nothing was answered: a connection that was refused, reset or never made.
  const transient = status === undefined || status >= 500 || status === 429 || status < 300;
  return (transient && status !== 501) || TRANSIENT.has(facts.name) ? attempts : 1;
}

/** Whether `error` says that credentials have run out, and others may be had. */
export function isExpired(error: unknown): boolean {
  return /^ExpiredToken(Exception)?$/.test(factsOf(error)?.name ?? '');
}

/** `error` as an error for people; what is no answer of a server, such as a bug, is returned as it is. */
export function failureOf(error: unknown, asked: Asked, place: S3Place): unknown {
  const facts = error instanceof HoldfastError ? undefined : factsOf(error);
  if (facts === undefined) return error;
  const { code, what, hint } = meaningOf(facts, asked, place);
  const thing = asked.key === undefined ? '' : ` "${asked.key}"`;
  return new HoldfastError(code, `${asked.operation}${thing} in ${bucketOf(place)}: ${what}`, {
    ...(hint !== undefined && { hint }),
    cause: new S3Cause(facts.name, facts.message, facts),
  });
}

/** The name that S3 gave to the reason of `error`, as {@link failureOf} made it. */
export function reasonOf(error: unknown): string | undefined {
  return error instanceof HoldfastError && error.cause instanceof S3Cause
    ? error.cause.name
    : undefined;
}

/** The store as messages name it, without its options. */
export function bucketOf({ bucket, prefix }: S3Place): string {
  return `s3://${bucket}/${prefix}`;
}

function factsOf(error: unknown): Facts | undefined {
  if (!(error instanceof Error)) return undefined;
  if (error instanceof S3Cause) return error;
  const { $metadata, $response, Region, code } = error as SdkError;
  const known = [$metadata, $response, code].some((one) => one !== undefined);
  if (!known && !OURS.includes(error.name)) return undefined;
  const status = $metadata?.httpStatusCode;
  return {
    name: status === undefined ? (code ?? error.name) : error.name,
    message: error.message,
    status: status ?? $response?.statusCode,
    requestId: $metadata?.requestId,
    region: $response?.headers?.['x-amz-bucket-region'] ?? Region,
  };
}

const OURS = ['BrokenAnswer', 'TimeoutError', 'AbortError', 'CredentialsProviderError'];

interface SdkError extends Error {
  readonly $metadata?: { readonly httpStatusCode?: number; readonly requestId?: string };
  readonly $response?: {
    readonly statusCode?: number;
    readonly headers?: Readonly<Record<string, string>>;
  };
  readonly Region?: string;
  readonly code?: string;
}

function meaningOf(facts: Facts, asked: Asked, place: S3Place): Meaning {
  return (
    byName(facts, asked, place) ??
    byStatus(facts, asked, place) ?? {
      code: 'STORE_UNAVAILABLE',
      what: `it answered ${facts.name}${facts.status === undefined ? '' : ` (${facts.status})`}`,
      hint:
        facts.status === undefined
          ? `Check the network and that ${place.endpoint ?? 'S3'} can be reached, then run it again.`
          : 'Run it again later; if it stays, see what the server says about this code.',
    }
  );
}

function byName(facts: Facts, asked: Asked, place: S3Place): Meaning | undefined {
  const { name } = facts;
  if (/^KMS\./.test(name)) {
    return {
      code: 'STORE_DENIED',
      what: `the KMS key cannot be used (${name}): every backup under this key is unreadable until it can`,
      hint: 'Enable the key, or cancel its deletion, at once; then look at who disabled it.',
    };
  }
  // An answer to HEAD has no body that names the reason.
  if (name === 'NoSuchBucket' || (facts.status === 404 && asked.key === undefined)) {
    return {
      code: 'CONFIG_INVALID',
      what: 'there is no such bucket',
      hint: "Check the name of the bucket and its region in the store's URL.",
    };
  }
  if (WRONG_REGION.includes(name)) return wrongRegion(facts, place);
  if (name === 'InvalidObjectState') {
    return {
      code: 'STORE_UNAVAILABLE',
      what: 'the object was moved to an archive class (Glacier) and has to be called back first',
      hint: `Run \`aws s3api restore-object --bucket ${place.bucket} --key ${place.prefix}${asked.key ?? ''} --restore-request Days=7\`, wait until it is there (hours), then run this again.`,
    };
  }
  if (name === 'RequestTimeTooSkewed') {
    return {
      code: 'CLOCK_SKEW',
      what: 'this clock and that of the server differ by more than 15 minutes',
      hint: "Set this machine's time.",
    };
  }
  if (name === 'ConditionalRequestConflict' || name === 'OperationAborted') {
    return {
      code: 'STORE_UNAVAILABLE',
      what: 'others keep writing the same key',
      hint: 'Run it again.',
    };
  }
  if (/StorageFull|QuotaExceeded|InsufficientStorage/.test(name)) {
    return { code: 'NO_SPACE', what: `the store is full (${name})` };
  }
  return credentialsMeaning(name);
}

const WRONG_REGION = [
  'AuthorizationHeaderMalformed',
  'IllegalLocationConstraintException',
  'PermanentRedirect',
  'TemporaryRedirect',
];

const CREDENTIALS = {
  CredentialsProviderError: 'no credentials were found',
  ExpiredToken: 'the credentials have expired',
  ExpiredTokenException: 'the credentials have expired',
  InvalidAccessKeyId: 'the access key is not known there',
  InvalidToken: 'the session token is not valid',
  SignatureDoesNotMatch: 'the secret key does not match the access key',
  TokenRefreshRequired: 'the credentials have expired',
} as const;

function credentialsMeaning(name: string): Meaning | undefined {
  if (!Object.hasOwn(CREDENTIALS, name)) return undefined;
  return {
    code: 'STORE_DENIED',
    what: CREDENTIALS[name as keyof typeof CREDENTIALS],
    hint: 'Give valid credentials as AWS tools take them: a role, a profile, or variables of the environment.',
  };
}

function byStatus(facts: Facts, asked: Asked, place: S3Place): Meaning | undefined {
  const { name, status } = facts;
  switch (status) {
    case 301:
    case 307:
      return wrongRegion(facts, place);
    case 401:
    case 403:
      return denied(name, asked, place);
    case 404:
      return { code: 'BACKUP_NOT_FOUND', what: 'there is no such object' };
    case 409:
    case 412:
      return { code: 'STORE_CONFLICT', what: `the key is taken (${name})` };
    case 416:
      return { code: 'BACKUP_DAMAGED', what: 'the object is shorter than it should be' };
    case 501:
    case 405:
      return {
        code: 'CONFIG_INVALID',
        what: `the server cannot do this (${name})`,
        hint: 'The options of the URL say what a server can; docs/stores.md lists them.',
      };
    case 507:
      return { code: 'NO_SPACE', what: `the store is full (${name})` };
    default:
      return undefined;
  }
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

function wrongRegion({ region }: Facts, place: S3Place): Meaning {
  const there = region === undefined ? 'another region' : `the region ${region}`;
  return {
    code: 'CONFIG_INVALID',
    what: `the bucket is in ${there}, not in ${place.region ?? 'that of the environment'}`,
    hint: `Give region=${region ?? 'REGION'} in the store's URL.`,
  };
}
