// What is kept for long in a bucket: marked by a tag for its lifecycle, and read, copied and released as before when that has moved it.
import { randomUUID } from 'node:crypto';
import {
  GetObjectTaggingCommand,
  HeadObjectCommand,
  PutObjectTaggingCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { makeS3Client } from '../../../lib/stores/s3/client.ts';
import { openS3Store, type S3Store } from '../../../lib/stores/s3/store.ts';
import { layFaults, type Faults, type SentRequest } from '../../support/faulty-handler.ts';
import { movedTo } from '../../support/moved.ts';
import { startVersitygw, type Versitygw } from '../../support/versitygw.ts';
import { failure } from '../contract.ts';

const BYTES = new TextEncoder().encode('a dump of last month');
const LONG_KEPT = { Key: 'holdfast:long-kept', Value: 'true' };
const RELEASED = { Key: 'holdfast:released', Value: 'true' };

let server: Versitygw;
let bucket: string;
beforeAll(async () => {
  server = await startVersitygw();
});
afterAll(() => server.stop());
beforeEach(async () => {
  bucket = await server.makeBucket();
});

async function open(faults?: Faults): Promise<{ store: S3Store; sent: SentRequest[] }> {
  const place = server.place(bucket);
  const client = makeS3Client(place);
  const sent = layFaults(client, faults);
  return { store: await openS3Store(place, { random: randomUUID, client }), sent };
}

const object = (key: string) => ({ Bucket: bucket, Key: `some/prefix/${key}` });

async function tags(key: string): Promise<unknown[]> {
  const { TagSet } = await server.client.send(new GetObjectTaggingCommand(object(key)));
  return TagSet ?? [];
}

async function tag(key: string, ...TagSet: { Key: string; Value: string }[]): Promise<void> {
  await server.client.send(new PutObjectTaggingCommand({ ...object(key), Tagging: { TagSet } }));
}

const count = (sent: readonly SentRequest[], operation: string) =>
  sent.filter((one) => one.operation === operation).length;

describe('what is marked as kept for long', () => {
  test('has a tag for that beside those of others, and is tagged once', async () => {
    const { store, sent } = await open();
    await store.put('a/dump', BYTES);
    await tag('a/dump', { Key: 'team', Value: 'web' });
    for (let time = 0; time < 2; time++) await store.markLongKept('a/dump');
    expect(await tags('a/dump')).toEqual(
      expect.arrayContaining([{ Key: 'team', Value: 'web' }, LONG_KEPT]),
    );
    expect(count(sent, 'PutObjectTagging')).toBe(1);
    expect(await store.isReleased('a/dump')).toBe(false);
  });

  test('loses that tag when it is released, so that it is not moved on its last day', async () => {
    const { store } = await open();
    await store.put('a/dump', BYTES);
    await store.markLongKept('a/dump');
    await store.release('a/dump');
    expect(await tags('a/dump')).toEqual([RELEASED]);
    await store.markLongKept('a/dump');
    expect(await tags('a/dump')).toEqual([RELEASED]);
    expect(await store.isReleased('a/dump')).toBe(true);
  });

  test('may be absent', async () => {
    const { store, sent } = await open();
    await store.markLongKept('a/never');
    expect(count(sent, 'PutObjectTagging')).toBe(0);
    await expect(store.markLongKept('../a')).rejects.toEqual(failure('PATH_UNSAFE'));
  });
});

describe('what lifecycle has moved to Glacier Instant Retrieval', () => {
  test('is listed with its class, and everything else without one', async () => {
    const usual = await open();
    await usual.store.put('a/dump', BYTES);
    expect(await usual.store.head('a/dump')).not.toHaveProperty('storageClass');
    const { store } = await open(movedTo('GLACIER_IR'));
    expect(await store.head('a/dump')).toMatchObject({ storageClass: 'GLACIER_IR' });
    for await (const one of store.list('')) expect(one.storageClass).toBe('GLACIER_IR');
  });

  test('is read as before, and asked for no tag again', async () => {
    await (await open()).store.put('a/dump', BYTES);
    const { store, sent } = await open(movedTo('GLACIER_IR'));
    expect(Buffer.from(await store.read('a/dump', 2, 4)).toString()).toBe('dump');
    await store.markLongKept('a/dump');
    expect(count(sent, 'GetObjectTagging') + count(sent, 'PutObjectTagging')).toBe(0);
  });

  test('is copied to a new object of the usual class', async () => {
    await (await open()).store.put('a/dump', BYTES);
    const { store, sent } = await open(movedTo('GLACIER_IR'));
    await store.clone('a/dump', 'b/dump');
    const creating = sent.filter(({ operation }) =>
      /^(Create|Put|Complete|UploadPart)/.test(operation),
    );
    expect(creating.length).toBeGreaterThan(1);
    for (const { headers } of creating)
      expect(Object.keys(headers)).not.toContain('x-amz-storage-class');
    const copied = await server.client.send(new HeadObjectCommand(object('b/dump')));
    expect(copied.StorageClass ?? 'STANDARD').toBe('STANDARD');
  });

  test('is locked and released as before', async () => {
    await (await open()).store.put('a/dump', BYTES);
    const { store } = await open(movedTo('GLACIER_IR'));
    await store.protect('a/dump', new Date('2100-01-01T00:00:00Z'));
    expect(await store.lockedUntil('a/dump')).toEqual(new Date('2100-01-01T00:00:00Z'));
    await store.release('a/dump');
    expect(await store.isReleased('a/dump')).toBe(true);
  });
});

test('what somebody has moved to a class that cannot be read at once says so when it is read', async () => {
  await (await open()).store.put('a/dump', BYTES);
  const { store } = await open((request, number) =>
    request.operation === 'GetObject'
      ? { answer: { status: 403, name: 'InvalidObjectState' } }
      : movedTo('DEEP_ARCHIVE')(request, number),
  );
  expect(await store.head('a/dump')).toMatchObject({ storageClass: 'DEEP_ARCHIVE' });
  await expect(store.read('a/dump', 0, 1)).rejects.toEqual(failure('STORE_UNAVAILABLE'));
  await expect(store.read('a/dump', 0, 1)).rejects.toThrow(/called back first/);
});
