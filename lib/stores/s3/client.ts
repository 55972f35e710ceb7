// How a store talks to S3: one client, few requests at a time, each with a deadline and asked again when it may help.
import { crc32 } from 'node:zlib';
import { S3Client } from '@aws-sdk/client-s3';
import { awsFailure } from '../../aws/failure.ts';
import { HoldfastError } from '../../errors.ts';
import type { S3Place } from '../../names/s3-place.ts';
import { inTime } from '../../network/in-time.ts';
import { persist, type Wait } from '../../network/persist.ts';
import { throwIfCancelled } from '../body.ts';
import { attemptsFor, failureOf } from './errors.ts';
import type { Asked } from './errors.ts';

export interface S3StoreOptions {
  /** Letters and digits, never the same twice: marks what this store has written, and spreads retries. */
  readonly random: () => string;
  /** A client that asks once and computes no checksums of its own. @default one for the place */
  readonly client?: S3Client;
  /** How retries wait. @default by the clock */
  readonly wait?: Wait;
  /** How long an answer may give nothing before it is asked for again. @default 30_000 */
  readonly idleMs?: number;
}

/** One store on S3, as its operations see it. */
export interface S3 {
  readonly place: S3Place;
  readonly client: S3Client;
  readonly random: () => string;
  readonly wait: Wait | undefined;
  readonly idleMs: number;
  readonly slots: Slots;
  /** What every request about the bucket holds: a bucket of the same name with another owner is not one of ours. */
  readonly bucket: { readonly Bucket: string; readonly ExpectedBucketOwner?: string };
}

export interface RequestOptions extends Asked {
  /** Ends it with `CANCELLED`. */
  readonly signal?: AbortSignal | undefined;
  /** How much is sent, or copied: what is large may take longer. */
  readonly bytes?: number;
}

/** What one attempt is given. */
export interface Attempt {
  readonly abortSignal: AbortSignal;
}

const ATTEMPTS = 7;
const FIRST_DELAY_MS = 400;
const LONGEST_DELAY_MS = 20_000;
const IDLE_MS = 30_000;
const REQUESTS_AT_ONCE = 32;
/** The slowest line that is waited for: 16 KB/s for each request. One on which nothing moves at all is given up long before. */
const SLOWEST_BYTES_PER_MS = 16;

/** `CONFIG_INVALID` when nothing says in which region the place is. */
export async function connect(place: S3Place, options: S3StoreOptions): Promise<S3> {
  const { random, idleMs = IDLE_MS, client = makeS3Client(place, idleMs) } = options;
  await client.config.region().catch((error: unknown) => {
    throw new HoldfastError(
      'CONFIG_INVALID',
      `no region is given for the bucket "${place.bucket}"`,
      {
        hint: "Give region=… in the store's URL, or AWS_REGION in the environment.",
        cause: error,
      },
    );
  });
  return {
    place,
    client,
    random,
    wait: options.wait,
    idleMs,
    slots: makeSlots(REQUESTS_AT_ONCE),
    bucket: {
      Bucket: place.bucket,
      ...(place.account !== undefined && { ExpectedBucketOwner: place.account }),
    },
  };
}

/** A client for `place` that leaves retries and checksums to the store, and gives up connections on which nothing moves. */
export function makeS3Client(
  { region, endpoint, pathStyle }: S3Place,
  idleMs: number = IDLE_MS,
): S3Client {
  const where = region ?? (endpoint === undefined ? undefined : 'us-east-1');
  return new S3Client({
    ...(where !== undefined && { region: where }),
    ...(endpoint !== undefined && { endpoint }),
    forcePathStyle: pathStyle,
    maxAttempts: 1,
    // Else the SDK adds checksums in forms that other servers do not know.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: 10_000,
      // The timeout of the socket, in both directions. A server may think for a while about what it was sent: longer than an answer may pause.
      socketTimeout: 2 * idleMs,
      httpAgent: { keepAlive: true, maxSockets: REQUESTS_AT_ONCE * 2 },
      httpsAgent: { keepAlive: true, maxSockets: REQUESTS_AT_ONCE * 2 },
    },
  });
}

/** Asks until it is answered, or nothing more may be hoped for; errors are those of `failureOf`, or `CANCELLED`. */
export async function request<T>(
  s3: S3,
  options: RequestOptions,
  send: (attempt: Attempt) => Promise<T>,
): Promise<T> {
  return persistently(s3, options, () => answer(s3, options, send));
}

/** Has `act` ask, as {@link request} does, and do with the {@link answer} what may have to be done again. */
export async function persistently<T>(
  s3: S3,
  options: RequestOptions,
  act: () => Promise<T>,
): Promise<T> {
  const { signal } = options;
  const again = async (error: unknown, attempt: number) => {
    if (attempt >= attemptsFor(error, ATTEMPTS)) return undefined;
    // Without others to be had, the next attempt tells.
    if (awsFailure(error)?.reason === 'expired') {
      await s3.client.config.credentials({ forceRefresh: true }).catch(() => undefined);
    }
    return delayMs(attempt, s3.random());
  };
  throwIfCancelled(signal);
  try {
    return await persist(() => s3.slots(act), { again, signal, wait: s3.wait });
  } catch (error) {
    throwIfCancelled(signal);
    throw failureOf(error, options, s3.place);
  }
}

/** One answer, in the time that it may take. */
export async function answer<T>(
  { idleMs }: S3,
  { signal, bytes = 0 }: RequestOptions,
  send: (attempt: Attempt) => Promise<T>,
): Promise<T> {
  throwIfCancelled(signal);
  const ms = idleMs + bytes / SLOWEST_BYTES_PER_MS;
  return inTime({ ms, signal }, (abortSignal) => send({ abortSignal }));
}

/** Half of it by chance, so that those who failed together do not come back together. */
function delayMs(attempt: number, seed: string): number {
  const longest = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** (attempt - 1));
  return (longest * (1 + crc32(seed) / 2 ** 32)) / 2;
}

/** Runs work when its turn has come. */
export type Slots = <T>(work: () => Promise<T>) => Promise<T>;

function makeSlots(count: number): Slots {
  let free = count;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free += 1;
      else next();
    }
  };
}
