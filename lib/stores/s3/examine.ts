// Looks at the bucket of a store as its owner would: what protects it, and what these credentials may do. Changes nothing.
import {
  GetBucketEncryptionCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  GetObjectLockConfigurationCommand,
  HeadBucketCommand,
  ListObjectVersionsCommand,
  PutObjectCommand,
  type DefaultRetention,
  type S3Client,
} from '@aws-sdk/client-s3';
import { awsFailure } from '../../aws/failure.ts';
import type { S3Place } from '../../names/s3-place.ts';
import { makeS3Client } from './client.ts';

/** What one question was answered. `unknown` where the server has no such thing, or did not say. */
export type Answer = 'yes' | 'no' | 'denied' | 'unknown';

export interface Denied {
  /** As policies name it: `s3:ListBucketVersions`. */
  readonly permission: string;
  readonly what: string;
}

export interface BucketExamination {
  /** Whose credentials these are, as far as they tell: the id of the access key, which is no secret. */
  readonly accessKeyId: string;
  readonly account: string | undefined;
  /** Undefined when the bucket answers; otherwise what it answered: `NoSuchBucket`, `AccessDenied` … */
  readonly unreachable: string | undefined;
  readonly versioned: Answer;
  readonly locked: Answer;
  /** The default lock of new objects. */
  readonly lock: { readonly mode: string; readonly days: number } | undefined;
  readonly encryptedByKms: Answer;
  readonly denied: readonly Denied[];
}

/**
 * Asks the bucket at `place`. `key` is one that exists, so that a conditional put of it stores nothing; undefined in an empty store.
 * Throws what the SDK throws only where there are no credentials or no way to the server.
 */
export async function examineBucket(
  place: S3Place,
  key: string | undefined,
): Promise<BucketExamination> {
  const client = makeS3Client(place);
  try {
    const credentials = await client.config.credentials();
    const bucket = {
      Bucket: place.bucket,
      ...(place.account !== undefined && { ExpectedBucketOwner: place.account }),
    };
    const who = { accessKeyId: credentials.accessKeyId, account: credentials.accountId };
    const head = await ask(() => client.send(new HeadBucketCommand(bucket)));
    if (head.refusal !== undefined && head.status !== 403)
      return { ...who, ...NOTHING, unreachable: head.refusal };
    return {
      ...who,
      ...(await protectionOf(client, bucket)),
      unreachable: undefined,
      denied: await deniedOf(client, { bucket, place, key }),
    };
  } finally {
    client.destroy();
  }
}

type Protection = Pick<BucketExamination, 'versioned' | 'locked' | 'lock' | 'encryptedByKms'>;

async function protectionOf(client: S3Client, bucket: { Bucket: string }): Promise<Protection> {
  const [versioning, lock, encryption] = await Promise.all([
    ask(() => client.send(new GetBucketVersioningCommand(bucket))),
    ask(() => client.send(new GetObjectLockConfigurationCommand(bucket))),
    ask(() => client.send(new GetBucketEncryptionCommand(bucket))),
  ]);
  const locking = lock.value?.ObjectLockConfiguration;
  const [rule] = encryption.value?.ServerSideEncryptionConfiguration?.Rules ?? [];
  const algorithm = rule?.ApplyServerSideEncryptionByDefault?.SSEAlgorithm;
  return {
    versioned: answerOf(versioning, versioning.value?.Status === 'Enabled'),
    locked: answerOf(lock, locking?.ObjectLockEnabled === 'Enabled'),
    lock: defaultLock(locking?.Rule?.DefaultRetention),
    encryptedByKms: answerOf(encryption, algorithm?.startsWith('aws:kms') === true),
  };
}

function defaultLock(retention: DefaultRetention | undefined): BucketExamination['lock'] {
  const { Mode: mode, Days: days, Years: years = 0 } = retention ?? {};
  return mode === undefined ? undefined : { mode: mode.toLowerCase(), days: days ?? years * 365 };
}

const NO_BYTES = new Uint8Array();

const NOTHING = {
  versioned: 'unknown',
  locked: 'unknown',
  lock: undefined,
  encryptedByKms: 'unknown',
  denied: [],
} as const;

interface Asked<T> {
  readonly value: T | undefined;
  /** The name of the error. */
  readonly refusal: string | undefined;
  readonly status: number | undefined;
}

async function ask<T>(send: () => Promise<T>): Promise<Asked<T>> {
  try {
    return { value: await send(), refusal: undefined, status: 200 };
  } catch (error) {
    const { name: refusal, status } = awsFailure(error) ?? {};
    if (status === undefined) throw error;
    return { value: undefined, refusal, status };
  }
}

// What a bucket says when it simply has no lock, or no rule of encryption.
const ABSENT: readonly string[] = [
  'ObjectLockConfigurationNotFoundError',
  'ServerSideEncryptionConfigurationNotFoundError',
];

function answerOf({ refusal, status }: Asked<unknown>, holds: boolean): Answer {
  if (refusal === undefined) return holds ? 'yes' : 'no';
  if (status === 403) return 'denied';
  return ABSENT.includes(refusal) ? 'no' : 'unknown';
}

interface Probe {
  readonly bucket: { readonly Bucket: string };
  readonly place: S3Place;
  readonly key: string | undefined;
}

/** What is refused of the calls that backups and restores are made of; each is tried in a way that changes nothing. */
async function deniedOf(client: S3Client, { bucket, place, key }: Probe): Promise<Denied[]> {
  const denied: Denied[] = [];
  const look = async (permission: string, what: string, send: () => Promise<unknown>) => {
    if ((await ask(send)).status === 403) denied.push({ permission, what });
  };
  const listing = { ...bucket, Prefix: place.prefix, MaxKeys: 1 };
  await look('s3:ListBucketVersions', 'listing, and so everything', () =>
    client.send(new ListObjectVersionsCommand(listing)),
  );
  if (key === undefined) return denied;
  const object = { ...bucket, Key: place.prefix + key };
  await look(
    's3:GetObject, or kms:Decrypt on the key of the store',
    'verifying and restoring',
    () =>
      client.send(new GetObjectCommand({ ...object, Range: 'bytes=0-0' })).then(({ Body }) => {
        (Body as { destroy?: () => void } | undefined)?.destroy?.();
      }),
  );
  await look('s3:PutObject, or kms:GenerateDataKey on the key of the store', 'backing up', () =>
    // The object is there, so the condition fails, and what may put gets that for an answer.
    client.send(
      new PutObjectCommand({ ...object, Body: NO_BYTES, ContentLength: 0, IfNoneMatch: '*' }),
    ),
  );
  return denied;
}
