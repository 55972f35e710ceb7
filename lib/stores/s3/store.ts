// A bucket at a prefix as a store. Its reads are pinned to versions, so that nothing laid over an object hides it.
import { strict as assert } from 'node:assert';
import { HeadBucketCommand } from '@aws-sdk/client-s3';
import { awsFailure } from '../../aws/failure.ts';
import { HoldfastError } from '../../errors.ts';
import { formatS3Url } from '../../names/s3-place.ts';
import type { S3Place } from '../../names/s3-place.ts';
import { discard, throwIfCancelled } from '../body.ts';
import type { Body } from '../body.ts';
import { assertKey, assertPrefix } from '../keys.ts';
import { connect, request } from './client.ts';
import type { S3, S3StoreOptions } from './client.ts';
import { cloneObject } from './clone.ts';
import { bucketOf } from './errors.ts';
import { letGo, lockEnd, lockUntil, markLongKept } from './keep.ts';
import { putBody } from './put.ts';
import { readRange } from './read.ts';
import type { Range } from './read.ts';
import { isReleased, listFound, look, lookAround } from './versions.ts';
import type { Found } from './versions.ts';
import type { PutOptions, Store, StoredObject } from '../store.ts';

export type { S3StoreOptions };

/** What is released waits for the lifecycle of the bucket. */
export type S3Store = Store & Required<Pick<Store, 'isReleased' | 'lockedUntil' | 'markLongKept'>>;

interface Known {
  readonly found: Found;
  /** When it was found, by a clock that only goes forward. */
  readonly atMs: number;
}

interface Opened {
  readonly s3: S3;
  /** What is known of keys, so that a read after a listing needs no question; the longest known goes first. */
  readonly known: Map<string, Known>;
  /** Set once the bucket has said that it has no locks. */
  withoutLocks: boolean;
}

/** Verification reads everything that is kept, and by pieces of a tenth of this it pays as much for requests as for the bytes. */
const READ_AT_ONCE = 4 << 20;
const MAX_KNOWN = 4_096;
/** How long a look is as good as a new one: no listing is fresher by the time that it is used. */
const FRESH_MS = 2_000;

/**
 * The bucket at `place` as a store; nothing is asked of it yet. Credentials come from where AWS tools take them.
 *
 * `CONFIG_INVALID` when nothing says in which region it is.
 */
export async function openS3Store(place: S3Place, options: S3StoreOptions): Promise<S3Store> {
  const s3 = await connect(place, options);
  const opened: Opened = { s3, known: new Map(), withoutLocks: false };
  return {
    url: formatS3Url(place),
    readAtOnce: READ_AT_ONCE,
    put: (key, body, putOptions) => put(opened, { key, body, ...putOptions }),
    clone: (from, to, putOptions) => clone(opened, { from, to, ...putOptions }),
    head: async (key) => shown(await find(opened, key)),
    read: (key, offset, length) => read(opened, key, { offset, length }),
    list: (prefix) => list(opened, prefix),
    protect: (key, until) => protect(opened, key, until),
    markLongKept: (key) => longKept(opened, key),
    release: (key) => release(opened, key),
    now: () => now(s3),
    isReleased: async (key) => {
      const found = await find(opened, key);
      return found !== undefined && isReleased(s3, found);
    },
    lockedUntil: async (key) => {
      const found = s3.place.versions ? await find(opened, key) : undefined;
      return found && lockEnd(s3, found);
    },
  };
}

async function put(
  opened: Opened,
  { key, body, signal }: { key: string; body: Body } & PutOptions,
): Promise<StoredObject> {
  try {
    assertKey(key);
  } catch (error) {
    await discard(body);
    throw error;
  }
  return keep(opened, await putBody(opened.s3, { key, body, ...(signal && { signal }) }));
}

async function clone(
  opened: Opened,
  { from, to, signal }: { from: string; to: string } & PutOptions,
): Promise<StoredObject> {
  assertKey(from);
  assertKey(to);
  throwIfCancelled(signal);
  const source = await find(opened, from);
  if (source === undefined) throw notFound(opened.s3, from);
  return keep(opened, await cloneObject(opened.s3, source, { to, ...(signal && { signal }) }));
}

async function find(opened: Opened, key: string): Promise<Found | undefined> {
  assertKey(key);
  const known = opened.known.get(key);
  if (known !== undefined && performance.now() - known.atMs < FRESH_MS) return known.found;
  const found = await ask(opened, key);
  if (found === undefined) opened.known.delete(key);
  return found;
}

async function ask(opened: Opened, key: string): Promise<Found | undefined> {
  const { s3 } = opened;
  const folder = key.slice(0, key.lastIndexOf('/') + 1);
  if (folder !== '' && s3.place.versions) {
    const { found, complete } = await lookAround(s3, folder);
    for (const one of found) keep(opened, one);
    const asked = found.find((one) => one.key === key);
    if (asked !== undefined || complete) return asked;
  }
  const found = await look(s3, key);
  if (found !== undefined) keep(opened, found);
  return found;
}

async function read(opened: Opened, key: string, range: Range): Promise<Uint8Array<ArrayBuffer>> {
  assertKey(key);
  const { offset, length } = range;
  assert(Number.isSafeInteger(offset) && offset >= 0, `offset ${offset}`);
  assert(Number.isSafeInteger(length) && length >= 0, `length ${length}`);
  const known = opened.known.get(key);
  if (known !== undefined) {
    try {
      return await readFound(opened, known.found, range);
    } catch (error) {
      // What was known may have ended since; whether it has is asked below.
      if (!(error instanceof HoldfastError && GONE.includes(error.code))) throw error;
      opened.known.delete(key);
    }
  }
  const found = await find(opened, key);
  if (found === undefined) throw notFound(opened.s3, key);
  return readFound(opened, found, range);
}

// The second where a bucket has no versions, and the ETag is another.
const GONE: readonly string[] = ['BACKUP_NOT_FOUND', 'STORE_CONFLICT'];

async function readFound({ s3 }: Opened, found: Found, range: Range) {
  const end = range.offset + range.length;
  if (end > found.bytes) {
    throw new HoldfastError(
      'BACKUP_DAMAGED',
      `"${found.key}" has ${found.bytes} bytes, and bytes up to ${end} were to be read`,
    );
  }
  return readRange(s3, found, range);
}

async function* list(opened: Opened, prefix: string): AsyncGenerator<StoredObject> {
  assertPrefix(prefix);
  for await (const found of listFound(opened.s3, prefix)) yield keep(opened, found);
}

async function protect(opened: Opened, key: string, until: Date): Promise<void> {
  assertKey(key);
  if (opened.withoutLocks || !opened.s3.place.versions) return;
  const found = opened.known.get(key)?.found ?? (await find(opened, key));
  if (found === undefined) throw notFound(opened.s3, key);
  opened.withoutLocks = !(await lockUntil(opened.s3, found, until));
}

async function longKept(opened: Opened, key: string): Promise<void> {
  assertKey(key);
  const found = opened.known.get(key)?.found ?? (await find(opened, key));
  if (found !== undefined) await markLongKept(opened.s3, found);
}

async function release({ s3, known }: Opened, key: string): Promise<void> {
  assertKey(key);
  known.delete(key);
  await letGo(s3, key);
}

/** Whatever it answers, even a refusal, is dated by the server. */
async function now(s3: S3): Promise<Date> {
  const date = await request(s3, { operation: 'HeadBucket' }, async (attempt) => {
    const command = new HeadBucketCommand(s3.bucket);
    let header: string | undefined;
    command.middlewareStack.add(
      (next) => async (args) => {
        const result = await next(args);
        header = dateOf(result.response);
        return result;
      },
      { step: 'deserialize', priority: 'low' },
    );
    await s3.client.send(command, attempt).catch((error: unknown) => {
      if (awsFailure(error)?.status !== 403 || header === undefined) throw error;
    });
    return header;
  });
  if (date === undefined || Number.isNaN(Date.parse(date))) {
    throw new HoldfastError('STORE_UNAVAILABLE', `${bucketOf(s3.place)} does not date its answers`);
  }
  return new Date(date);
}

function dateOf(response: unknown): string | undefined {
  return (response as { headers?: Record<string, string> }).headers?.['date'];
}

function keep({ known }: Opened, found: Found): StoredObject {
  known.delete(found.key);
  known.set(found.key, { found, atMs: performance.now() });
  const [oldest] = known.keys();
  if (known.size > MAX_KNOWN && oldest !== undefined) known.delete(oldest);
  return shown(found) ?? found;
}

function shown(found: Found | undefined): StoredObject | undefined {
  if (found === undefined) return undefined;
  const { key, bytes, storedAt, covered, storageClass } = found;
  return {
    key,
    bytes,
    storedAt,
    ...(covered !== undefined && { covered }),
    ...(storageClass !== undefined && { storageClass }),
  };
}

function notFound({ place }: S3, key: string): HoldfastError {
  return new HoldfastError('BACKUP_NOT_FOUND', `${bucketOf(place)} holds no "${key}"`, {
    hint: '`holdfast list` shows what is there.',
  });
}
