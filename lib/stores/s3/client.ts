// How a store talks to S3: one client, few requests at a time, each with a deadline and asked again when it may help.
import { setTimeout as sleep } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import { S3Client } from '@aws-sdk/client-s3';
import { HoldfastError } from '../../errors.ts';
import type { S3Place } from '../../names/s3-place.ts';
import { throwIfCancelled } from '../body.ts';
import { attemptsFor, BrokenAnswer, failureOf, isExpired } from './errors.ts';
import type { Asked } from './errors.ts';

export interface S3StoreOptions {
  /** Letters and digits, never the same twice: marks what this store has written, and spreads retries. */
  readonly random: () => string;
  /** A client that asks once and computes no checksums of its own. @default one for the place */
  readonly client?: S3Client;
  /** How retries wait. @default by the clock */
  readonly wait?: (ms: number) => Promise<void>;
  /** How long an answer may give nothing before it is asked for again. @default 30_000 */
  readonly idleMs?: number;
}

/** One store on S3, as its operations see it. */
export interface S3 {
  readonly place: S3Place;
  readonly client: S3Client;
  readonly random: () => string;
  readonly wait: (ms: number) => Promise<void>;
  readonly idleMs: number;
  readonly slots: Slots;
  /** What every request about the bucket holds: a bucket of the same name with another owner is none of ours. */
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
  /** Says that the answer is still coming. */
  readonly touch: () => void;
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
    wait: options.wait ?? ((ms) => sleep(ms)),
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
      // Of the socket, in both directions. A server may think for a while about what it was sent: longer than an answer may pause.
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
  for (let attempt = 1; ; attempt += 1) {
    throwIfCancelled(options.signal);
    try {
      return await s3.slots(() => once(s3, options, send));
    } catch (error) {
      throwIfCancelled(options.signal);
      if (attempt >= attemptsFor(error, ATTEMPTS)) throw failureOf(error, options, s3.place);
      // Without others to be had, the next attempt tells.
      if (isExpired(error)) {
        await s3.client.config.credentials({ forceRefresh: true }).catch(() => undefined);
      }
    }
    await s3.wait(delayMs(attempt, s3.random()));
  }
}

async function once<T>(
  { idleMs }: S3,
  { operation, signal, bytes = 0 }: RequestOptions,
  send: (attempt: Attempt) => Promise<T>,
): Promise<T> {
  throwIfCancelled(signal);
  const controller = new AbortController();
  const limitMs = idleMs + bytes / SLOWEST_BYTES_PER_MS;
  const cancel = () => controller.abort();
  const timer = setTimeout(cancel, limitMs);
  signal?.addEventListener('abort', cancel, { once: true });
  try {
    return await send({ abortSignal: controller.signal, touch: () => void timer.refresh() });
  } catch (error) {
    if (!controller.signal.aborted) throw error;
    throw new BrokenAnswer(`${operation} gave nothing for ${Math.round(limitMs / 1000)} seconds`);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', cancel);
  }
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
