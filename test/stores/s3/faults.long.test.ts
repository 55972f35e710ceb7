// A bucket as a store, when the server, the way to it, or somebody with rights does what it should not.
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { crc32 } from 'node:zlib';
import {
  AbortMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectRetentionCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectVersionsCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { HoldfastError } from '../../../lib/errors.ts';
import type { S3Place } from '../../../lib/names/s3-place.ts';
import { makeS3Client } from '../../../lib/stores/s3/client.ts';
import { PERMISSIONS } from '../../../lib/stores/s3/errors.ts';
import { MAX_PARTS, partBytes } from '../../../lib/stores/s3/parts.ts';
import { openS3Store, type S3Store, type S3StoreOptions } from '../../../lib/stores/s3/store.ts';
import {
  layFaults,
  strike,
  type Fault,
  type Faults,
  type SentRequest,
} from '../../support/faulty-handler.ts';
import { machineTime } from '../../support/machine-time.ts';
import { CREDENTIALS, startVersitygw, type Versitygw } from '../../support/versitygw.ts';
import { expectNow, failure } from '../contract.ts';

const MIB = 1 << 20;
const LARGE = 20 * MIB + 7;
const ALWAYS = { times: Infinity };
const inAnHour = () => new Date(machineTime().getTime() + 3_600_000);

let server: Versitygw;
let bucket: string;
/** What was waited for between attempts. */
let waits: number[];
beforeAll(async () => {
  server = await startVersitygw();
});
afterAll(() => server.stop());
beforeEach(async () => {
  bucket = await server.makeBucket();
  waits = [];
});
// Whatever a test does, no upload is left under way: it would be paid for, for ever.
afterEach(async () => {
  const { Uploads = [] } = await server.client.send(
    new ListMultipartUploadsCommand({ Bucket: bucket }),
  );
  expect(Uploads).toEqual([]);
});

interface Faulty {
  readonly store: S3Store;
  readonly sent: SentRequest[];
}

async function open(
  faults?: Faults,
  { place: changes, ...options }: Partial<S3StoreOptions> & { place?: Partial<S3Place> } = {},
): Promise<Faulty> {
  const place = server.place(bucket, changes);
  const { client = makeS3Client(place) } = options;
  const sent = layFaults(client, faults);
  const wait = (ms: number) => {
    waits.push(ms);
    return new Promise<void>((resolve) => setImmediate(resolve));
  };
  const store = await openS3Store(place, { random: randomUUID, wait, ...options, client });
  return { store, sent };
}

const sound = () => open().then(({ store }) => store);
const whole = (key: string) => `some/prefix/${key}`;

async function* halves(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  await Promise.resolve();
  yield bytes.subarray(0, bytes.byteLength >> 1);
  yield bytes.subarray(bytes.byteLength >> 1);
}

async function expectStored(key: string, bytes: Uint8Array): Promise<void> {
  const store = await sound();
  const head = await store.head(key);
  expect(head?.bytes).toBe(bytes.byteLength);
  expect(Buffer.compare(await store.read(key, 0, bytes.byteLength), bytes)).toBe(0);
}

async function versions(key: string): Promise<number> {
  const { Versions = [] } = await server.client.send(
    new ListObjectVersionsCommand({ Bucket: bucket, Prefix: whole(key) }),
  );
  return Versions.length;
}

const count = (sent: readonly SentRequest[], operation: string) =>
  sent.filter((one) => one.operation === operation).length;

describe('a server that is ill', () => {
  const ILLNESSES: readonly Fault[] = [
    { answer: { status: 500, name: 'InternalError' } },
    { answer: { status: 503, name: 'SlowDown' } },
    { answer: { status: 502, name: 'BadGateway' } },
    { answer: { status: 504, name: 'GatewayTimeout' } },
    { answer: { status: 429, name: 'TooManyRequests' } },
    { answer: { status: 400, name: 'RequestTimeout' } },
    { reset: true },
    { lost: true },
  ];

  test('fails every third request in all ways, and everything is done once all the same', async () => {
    const { store, sent } = await open((_, number) =>
      number % 3 === 0 ? ILLNESSES[(number / 3) % ILLNESSES.length] : undefined,
    );
    const [small, large] = [randomBytes(5_000), randomBytes(LARGE)];
    await store.put('small', small);
    await store.put('large', halves(large));
    await store.clone('large', 'copy');
    expect(Buffer.compare(await store.read('large', 3, LARGE - 3), large.subarray(3))).toBe(0);
    const keys: string[] = [];
    for await (const { key } of store.list('')) keys.push(key);
    expect(keys).toEqual(['copy', 'large', 'small']);
    await store.protect('small', inAnHour());
    await store.release('small');
    await expectNow(() => store.now());
    for (const [key, bytes] of [
      ['small', small],
      ['large', large],
      ['copy', large],
    ] as const) {
      await expectStored(key, bytes);
      expect(await versions(key)).toBe(1);
    }
    expect(sent.length).toBeGreaterThan(20);
  });

  test.each(ILLNESSES)('ends as STORE_UNAVAILABLE when it never gets well: %j', async (illness) => {
    const { store, sent } = await open(() => illness);
    // A listing that is lost has no effect to be found out afterwards.
    await expect(store.head('a')).rejects.toEqual(failure('STORE_UNAVAILABLE'));
    expect(sent).toHaveLength(7);
    expect(waits).toHaveLength(6);
    waits.forEach((ms, at) => {
      const longest = Math.min(20_000, 400 * 2 ** at);
      expect(ms).toBeGreaterThanOrEqual(longest / 2);
      expect(ms).toBeLessThanOrEqual(longest);
    });
    expect(new Set(waits.map((ms, at) => ms / 2 ** at)).size).toBeGreaterThan(1);
  });

  test('gives up an upload whose part is never taken, and leaves nothing of it', async () => {
    const fault = { answer: { status: 503, name: 'SlowDown' } };
    const { store } = await open(strike('UploadPart', fault, { from: 2, ...ALWAYS }));
    let closed = false;
    async function* body(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) yield await Promise.resolve(new Uint8Array(MIB));
      } finally {
        closed = true;
      }
    }
    await expect(store.put('endless', body())).rejects.toEqual(failure('STORE_UNAVAILABLE'));
    expect(closed).toBe(true);
    expect(await (await sound()).head('endless')).toBeUndefined();
  });

  test('gives up an upload while the body gives nothing', async () => {
    const fault = { answer: { status: 403, name: 'AccessDenied' } };
    const { store } = await open(strike('UploadPart', fault, ALWAYS));
    async function* body(): AsyncGenerator<Uint8Array> {
      yield new Uint8Array(9 * MIB);
      await new Promise(() => undefined);
    }
    await expect(store.put('hung', body())).rejects.toEqual(failure('STORE_DENIED'));
  });
});

describe('answers that break off', () => {
  const bytes = randomBytes(LARGE);

  test.each(['reset', 'stall', 'end'] as const)(
    'are taken up where they ended: %s',
    async (then) => {
      await (await sound()).put('large', bytes);
      // The first answer of each piece brings 100,000 bytes, and then no more.
      const struck = new Set<string>();
      const { store, sent } = await open(
        (request) => {
          const end = request.headers['range']?.split('-')[1];
          if (request.operation !== 'GetObject' || end === undefined || struck.has(end)) return;
          struck.add(end);
          return { after: 100_000, then };
        },
        // Long enough for a machine that has much else to do.
        { idleMs: then === 'stall' ? 1_000 : 30_000 },
      );
      expect(Buffer.compare(await store.read('large', 0, LARGE), bytes)).toBe(0);
      const ranges = sent.flatMap(({ headers }) => headers['range'] ?? []);
      const begins = ranges.map((range) => Number(/[0-9]+/.exec(range)?.[0]) % (8 * MIB));
      // Nothing that has come is asked for again, but for what a reset has swallowed.
      expect(begins.slice(0, 3)).toEqual([0, 0, 0]);
      for (const begin of begins.slice(3)) expect(begin).toBeGreaterThan(0);
      expect(ranges).toHaveLength(6);
    },
  );

  test.each(['reset', 'stall', 'end'] as const)(
    'end as STORE_UNAVAILABLE in the end: %s',
    async (then) => {
      await (await sound()).put('small', bytes.subarray(0, 1000));
      const { store } = await open(strike('GetObject', { after: 0, then }, ALWAYS), { idleMs: 50 });
      await expect(store.read('small', 0, 1000)).rejects.toEqual(failure('STORE_UNAVAILABLE'));
    },
  );

  test('are waited for when they only come slowly, and asked for once', async () => {
    const few = bytes.subarray(0, 100_000);
    await (await sound()).put('small', few);
    // All of it takes twice as long as a pause may.
    const { store, sent } = await open(strike('GetObject', { pieces: 20, pauseMs: 150 }), {
      idleMs: 1_500,
    });
    expect(Buffer.compare(await store.read('small', 0, few.byteLength), few)).toBe(0);
    expect(count(sent, 'GetObject')).toBe(1);
    expect(waits).toEqual([]);
  });

  test('are refused when they are of another range', async () => {
    await (await sound()).put('small', bytes.subarray(0, 1000));
    const edit: Fault = {
      edit: ({ headers, body }) => ({
        headers: { ...headers, 'content-range': 'bytes 0-99/1000' },
        body,
      }),
    };
    const { store } = await open(strike('GetObject', edit, ALWAYS));
    await expect(store.read('small', 100, 100)).rejects.toEqual(failure('STORE_UNAVAILABLE'));
  });

  test('that never begin are asked for again', async () => {
    for (const operation of ['PutObject', 'ListObjectVersions', 'GetObject']) {
      const { store } = await open(strike(operation, { hang: true }), { idleMs: 300 });
      const body = bytes.subarray(0, 1000);
      await store.put(operation, body);
      expect(Buffer.compare(await store.read(operation, 0, body.byteLength), body)).toBe(0);
      expect(await versions(operation)).toBe(1);
    }
  });

  test('that never begin are given up when nothing moves on the socket, though much was to be sent', async () => {
    const mute = createServer((socket) => socket.pause());
    mute.listen(0, '127.0.0.1');
    await once(mute, 'listening');
    const { port } = mute.address() as AddressInfo;
    const place = server.place(bucket, { endpoint: `http://127.0.0.1:${port}` });
    const client = makeS3Client(place, 100);
    const answers: Record<string, string> = {
      ListObjectVersions: '<ListVersionsResult></ListVersionsResult>',
      CreateMultipartUpload: '<R><UploadId>1</UploadId></R>',
      AbortMultipartUpload: '',
    };
    layFaults(client, ({ operation }) => {
      const body = answers[operation];
      return body === undefined ? undefined : { body };
    });
    const { store, sent } = await open(undefined, { client });
    await expect(store.put('large', bytes)).rejects.toEqual(failure('STORE_UNAVAILABLE'));
    expect(count(sent, 'UploadPart')).toBeGreaterThanOrEqual(7);
    client.destroy();
    mute.close();
  });
});

describe('a success that nobody heard of', () => {
  const bytes = randomBytes(LARGE);

  test.each([
    ['PutObject', 1000],
    ['CompleteMultipartUpload', LARGE],
    ['CreateMultipartUpload', LARGE],
    ['UploadPart', LARGE],
  ])('is one all the same: %s', async (operation, length) => {
    const { store, sent } = await open(strike(operation, { lost: true }));
    const stored = await store.put('key', bytes.subarray(0, length));
    expect(stored).toEqual({ key: 'key', bytes: length, storedAt: expect.any(Date) });
    expect(count(sent, operation)).toBeGreaterThan(1);
    await expectStored('key', bytes.subarray(0, length));
    expect(await versions('key')).toBe(1);
    if (operation === 'CreateMultipartUpload') await abortUploads();
  });

  test('is one even when the server then knows no such upload', async () => {
    const faults: Faults[] = [
      strike('CompleteMultipartUpload', { lost: true }),
      strike(
        'CompleteMultipartUpload',
        { answer: { status: 404, name: 'NoSuchUpload' } },
        { from: 2 },
      ),
    ];
    const { store } = await open((request, number) => {
      const [first, second] = faults.map((one) => one(request, number));
      return first ?? second;
    });
    expect((await store.put('key', bytes)).bytes).toBe(LARGE);
    expect((await store.clone('key', 'copy')).bytes).toBe(LARGE);
  });

  test('is no success of another writer, though the bytes are the same', async () => {
    const first = await sound();
    for (const length of [0, 1000, LARGE]) {
      const key = `key-${length}`;
      await first.put(key, bytes.subarray(0, length));
      const { store } = await open(strike('PutObject', { lost: true }));
      const again = store.put(key, bytes.subarray(0, length));
      await expect(again).rejects.toEqual(failure('STORE_CONFLICT'));
      expect(await versions(key)).toBe(1);
    }
  });

  test('is not one when somebody else has ended the upload', async () => {
    const fault = { answer: { status: 404, name: 'NoSuchUpload' } };
    const { store } = await open(strike('CompleteMultipartUpload', fault, ALWAYS));
    await expect(store.put('key', bytes)).rejects.toEqual(failure('STORE_UNAVAILABLE'));
  });
});

describe('an error inside a success', () => {
  const body = '<Error><Code>InternalError</Code><Message>as told</Message></Error>';

  test.each(['CompleteMultipartUpload', 'UploadPartCopy'])('is one: %s', async (operation) => {
    const bytes = randomBytes(9 * MIB);
    await (await sound()).put('from', bytes);
    const once = await open(strike(operation, { body }));
    await once.store.clone('from', 'to');
    await expectStored('to', bytes);
    const always = await open(strike(operation, { body }, ALWAYS));
    const failing = always.store.clone('from', 'never');
    await expect(failing).rejects.toEqual(failure('STORE_UNAVAILABLE'));
    expect(await (await sound()).head('never')).toBeUndefined();
  });
});

describe('two that write the same key', () => {
  const busy: Fault = { answer: { status: 409, name: 'ConditionalRequestConflict' } };

  test.each([
    ['PutObject', 1000],
    ['CompleteMultipartUpload', 9 * MIB],
  ])('are told apart by asking again: %s', async (operation, length) => {
    const once = await open(strike(operation, busy, { times: 2 }));
    expect((await once.store.put('key', new Uint8Array(length))).bytes).toBe(length);
    const always = await open(strike(operation, busy, ALWAYS));
    const failing = always.store.put('other', new Uint8Array(length));
    await expect(failing).rejects.toEqual(failure('STORE_UNAVAILABLE'));
    expect(await versions('other')).toBe(0);
  });

  test('find one winner among large bodies too', async () => {
    const store = await sound();
    const bodies = Array.from({ length: 4 }, () => randomBytes(9 * MIB));
    const ends = await Promise.allSettled(bodies.map((body) => store.put('key', halves(body))));
    const winners = bodies.filter((_, at) => ends[at]?.status === 'fulfilled');
    expect(winners).toHaveLength(1);
    await expectStored('key', winners[0] ?? new Uint8Array());
    for (const end of ends) {
      if (end.status === 'rejected') expect(end.reason).toEqual(failure('STORE_CONFLICT'));
    }
  });
});

describe('bytes that do not arrive as they were sent', () => {
  test('are noticed by their number', async () => {
    const edit: Fault = {
      edit: ({ headers, body }) => ({
        headers,
        body: body.replace('<Size>1000<', '<Size>999<'),
      }),
    };
    const { store } = await open(strike('ListObjectVersions', edit));
    const put = store.put('key', new Uint8Array(1000));
    await expect(put).rejects.toThrow(/has 999 bytes after 1000 were sent/);
  });

  test('are noticed by the CRC-32 of the whole', async () => {
    const edit: Fault = {
      edit: ({ headers, body }) => ({
        headers: { ...headers, 'x-amz-checksum-crc32': 'AAAAAA==' },
        body,
      }),
    };
    const { store } = await open(strike('PutObject', edit));
    const put = store.put('key', randomBytes(1000));
    await expect(put).rejects.toThrow(/has the CRC-32 AAAAAA==/);
  });

  test.each(['full-object', 'part', 'none'] as const)(
    'are checked by the server: %s',
    async (checksums) => {
      const { store, sent } = await open(undefined, { place: { checksums } });
      const bytes = randomBytes(LARGE);
      await store.put('large', halves(bytes));
      await expectStored('large', bytes);
      const head = await server.client.send(
        new HeadObjectCommand({ Bucket: bucket, Key: whole('large'), ChecksumMode: 'ENABLED' }),
      );
      const crc = Buffer.alloc(4);
      crc.writeUInt32BE(crc32(bytes));
      expect(head.ChecksumType === 'FULL_OBJECT' && head.ChecksumCRC32).toBe(
        checksums === 'full-object'
          ? crc.toString('base64')
          : head.ChecksumCRC32 === undefined
            ? undefined
            : false,
      );
      const parts = sent.filter(({ operation }) => operation === 'UploadPart');
      expect(parts).toHaveLength(3);
      for (const { headers } of parts) {
        expect('x-amz-checksum-crc32' in headers).toBe(checksums !== 'none');
      }
    },
  );

  test('are never more parts than S3 takes, for the largest object that it takes', () => {
    let bytes = 0;
    for (let number = 1; number <= MAX_PARTS; number += 1) {
      expect(partBytes(number)).toBeLessThanOrEqual(5 * 2 ** 30);
      bytes += partBytes(number);
    }
    expect(bytes).toBeGreaterThan(5 * 2 ** 40);
  });
});

describe('credentials', () => {
  const expired: Fault = { answer: { status: 403, name: 'ExpiredToken' } };
  const skewed: Fault = { answer: { status: 403, name: 'RequestTimeTooSkewed' } };

  test('that run out in the middle of an upload are fetched anew', async () => {
    let fetched = 0;
    let current = 0;
    const place = server.place(bucket);
    const client = makeS3Client(place);
    const real = client.config.credentials;
    client.config.credentials = (options) => {
      if (options?.forceRefresh === true) current = fetched += 1;
      return real(options);
    };
    layFaults(client, ({ operation }) =>
      operation === 'UploadPart' && current === 0 ? expired : undefined,
    );
    const store = await openS3Store(place, {
      random: randomUUID,
      client,
      wait: () => Promise.resolve(),
    });
    expect((await store.put('large', randomBytes(LARGE))).bytes).toBe(LARGE);
    expect(fetched).toBeGreaterThan(0);
  });

  test.each([
    [expired, 'STORE_DENIED', /expired/, 2],
    [skewed, 'CLOCK_SKEW', /clock/, 2],
    [{ answer: { status: 403, name: 'InvalidAccessKeyId' } }, 'STORE_DENIED', /access key/, 1],
    [{ answer: { status: 403, name: 'SignatureDoesNotMatch' } }, 'STORE_DENIED', /secret key/, 1],
    [{ answer: { status: 400, name: 'InvalidToken' } }, 'STORE_DENIED', /token/, 1],
  ] as const)('that are refused are named: %j', async (fault, code, message, attempts) => {
    const { store, sent } = await open(() => fault);
    await expect(store.head('a')).rejects.toEqual(failure(code));
    expect(sent).toHaveLength(attempts);
    await expect(store.head('a')).rejects.toThrow(message);
  });

  test('that are wrong are refused by a real server', async () => {
    const client = makeS3Client(server.place(bucket));
    client.config.credentials = () =>
      Promise.resolve({ accessKeyId: CREDENTIALS.AWS_ACCESS_KEY_ID, secretAccessKey: 'wrong' });
    const { store } = await open(undefined, { client });
    await expect(store.head('a')).rejects.toEqual(failure('STORE_DENIED'));
  });

  test('that are nowhere are asked for in plain words', async () => {
    const client = makeS3Client(server.place(bucket));
    client.config.credentials = () =>
      Promise.reject(Object.assign(new Error('none'), { name: 'CredentialsProviderError' }));
    const { store } = await open(undefined, { client });
    await expect(store.head('a')).rejects.toEqual(failure('STORE_DENIED'));
    expect(waits).toEqual([]);
  });
});

describe('one permission that is missing', () => {
  const acts: Record<string, (store: S3Store) => Promise<unknown>> = {
    PutObject: (store) => store.put('new', new Uint8Array(10)),
    CreateMultipartUpload: (store) => store.put('new', new Uint8Array(9 * MIB)),
    UploadPart: (store) => store.put('new', new Uint8Array(9 * MIB)),
    CompleteMultipartUpload: (store) => store.put('new', new Uint8Array(9 * MIB)),
    UploadPartCopy: (store) => store.clone('there', 'new'),
    GetObject: (store) => store.read('there', 0, 1),
    HeadObject: (store) => store.put('there', new Uint8Array(10)),
    ListObjectVersions: (store) => store.head('there'),
    GetObjectTagging: (store) => store.release('there'),
    PutObjectTagging: (store) => store.release('there'),
    GetObjectRetention: (store) => store.protect('there', inAnHour()),
    PutObjectRetention: (store) => store.protect('there', inAnHour()),
  };

  test.each(Object.keys(acts))('is named: that for %s', async (operation) => {
    await (await sound()).put('there', new Uint8Array(10));
    const fault = { answer: { status: 403, name: 'AccessDenied' } };
    const { store } = await open(strike(operation, fault, ALWAYS));
    const error = await acts[operation]?.(store).catch((thrown: unknown) => thrown);
    expect(error).toEqual(failure('STORE_DENIED'));
    const { message, hint } = error as HoldfastError;
    expect(message).toContain(operation);
    expect(hint).toContain(PERMISSIONS[operation as keyof typeof PERMISSIONS]);
    expect(waits).toEqual([]);
    expect(await versions('new')).toBe(0);
  });

  test('does no harm when it is the one to abort, and the error told is the first', async () => {
    const denied = { answer: { status: 403, name: 'AccessDenied' } };
    const { store } = await open(strike('AbortMultipartUpload', denied, ALWAYS));
    const error = new Error('the source has gone');
    async function* body(): AsyncGenerator<Uint8Array> {
      yield await Promise.resolve(new Uint8Array(9 * MIB));
      throw error;
    }
    await expect(store.put('new', body())).rejects.toBe(error);
    await abortUploads();
  });

  test('does not hide the time: even a refusal has a date', async () => {
    const fault = { answer: { status: 403, name: 'AccessDenied' } };
    const { store } = await open(strike('HeadBucket', fault, ALWAYS));
    await expectNow(() => store.now());
  });
});

describe('a KMS key that cannot be used', () => {
  test.each(['KMS.DisabledException', 'KMS.NotFoundException', 'KMS.KMSInvalidStateException'])(
    'is told as what it is: %s',
    async (name) => {
      await (await sound()).put('there', new Uint8Array(10));
      const { store } = await open(({ operation }) =>
        ['PutObject', 'GetObject'].includes(operation)
          ? { answer: { status: 400, name } }
          : undefined,
      );
      for (const act of [store.put('new', new Uint8Array(1)), store.read('there', 0, 1)]) {
        await expect(act).rejects.toEqual(failure('STORE_DENIED'));
        await expect(act).rejects.toThrow(/every backup under this key is unreadable/);
      }
    },
  );
});

describe('what somebody lays over an object', () => {
  const first = randomBytes(1000);
  const cover = (key: string) =>
    server.client.send(new DeleteObjectCommand({ Bucket: bucket, Key: whole(key) }));
  const overwrite = (key: string) =>
    server.client.send(new PutObjectCommand({ Bucket: bucket, Key: whole(key), Body: 'forged' }));
  const listed = async (store: S3Store) => {
    const objects: Record<string, string> = {};
    for await (const { key, covered } of store.list('')) objects[key] = covered ?? 'visible';
    return objects;
  };

  test('is reported, and what is below is read, copied and kept', async () => {
    const store = await sound();
    for (const key of ['visible', 'deleted', 'overwritten', 'both', 'buried'])
      await store.put(key, first);
    for (const key of ['deleted', 'both']) await cover(key);
    for (const key of ['overwritten', 'both', 'buried']) await overwrite(key);
    await cover('buried');
    const objects = {
      both: 'overwritten',
      buried: 'deleted',
      deleted: 'deleted',
      overwritten: 'overwritten',
      visible: 'visible',
    };
    // What was known before, and what is asked anew.
    for (const one of [store, await sound()]) {
      expect(await listed(one)).toEqual(objects);
      for (const key of Object.keys(objects)) {
        expect(Buffer.compare(await one.read(key, 0, 1000), first)).toBe(0);
      }
    }
    expect(await store.head('deleted')).toMatchObject({ bytes: 1000, covered: 'deleted' });
    expect(await store.clone('deleted', 'again')).toMatchObject({ bytes: 1000 });
    await expect(store.put('deleted', first)).rejects.toEqual(failure('STORE_CONFLICT'));
    await expect(store.clone('visible', 'deleted')).rejects.toEqual(failure('STORE_CONFLICT'));
  });

  test('is what was asked for when the object was released and the lifecycle came', async () => {
    const store = await sound();
    for (const key of ['kept', 'released', 'forged']) await store.put(key, first);
    await overwrite('forged');
    for (const key of ['released', 'forged']) await store.release(key);
    expect(await listed(store)).toEqual({
      forged: 'visible',
      kept: 'visible',
      released: 'visible',
    });
    expect(await store.isReleased('released')).toBe(true);
    expect(await store.isReleased('kept')).toBe(false);
    await server.expire(bucket);
    expect(await listed(store)).toEqual({ kept: 'visible' });
    for (const key of ['released', 'forged']) {
      expect(await (await sound()).head(key)).toBeUndefined();
      await expect((await sound()).read(key, 0, 1)).rejects.toEqual(failure('BACKUP_NOT_FOUND'));
    }
  });

  test('is nothing when it is moved to Glacier, which is named with the way out', async () => {
    const place = { answer: { status: 403, name: 'InvalidObjectState' } };
    await (await sound()).put('cold', first);
    const { store } = await open(strike('GetObject', place, ALWAYS));
    const error = await store.read('cold', 0, 1).catch((thrown: unknown) => thrown);
    expect(error).toEqual(failure('STORE_UNAVAILABLE'));
    expect((error as HoldfastError).message).toMatch(/Glacier/);
    expect((error as HoldfastError).hint).toContain(
      `restore-object --bucket ${bucket} --key ${whole('cold')}`,
    );
  });

  test('is found when a version ends that was known', async () => {
    const store = await sound();
    await store.put('gone', first);
    const { Versions = [] } = await server.client.send(
      new ListObjectVersionsCommand({ Bucket: bucket, Prefix: whole('gone') }),
    );
    await server.client.send(
      new DeleteObjectCommand({
        Bucket: bucket,
        Key: whole('gone'),
        VersionId: Versions[0]?.VersionId,
      }),
    );
    await expect(store.read('gone', 0, 1)).rejects.toEqual(failure('BACKUP_NOT_FOUND'));
  });
});

describe('locks', () => {
  const lockOf = async (key: string) => {
    const { Retention } = await server.client.send(
      new GetObjectRetentionCommand({ Bucket: bucket, Key: whole(key) }),
    );
    return Retention;
  };
  const begin = Math.ceil(machineTime().getTime() / 1000) * 1000;
  const inDays = (days: number) => new Date(begin + days * 86_400_000);

  test('are extended, and never shortened', async () => {
    const store = await sound();
    await store.put('key', new Uint8Array(10));
    for (const [days, expected] of [
      [2, 2],
      [1, 2],
      [-1, 2],
      [3, 3],
    ] as const) {
      const until = inDays(days);
      await store.protect('key', until);
      const { Mode, RetainUntilDate } = (await lockOf('key')) ?? {};
      expect(Mode).toBe('GOVERNANCE');
      expect(RetainUntilDate).toEqual(inDays(expected));
    }
    const { Versions = [] } = await server.client.send(
      new ListObjectVersionsCommand({ Bucket: bucket }),
    );
    const [{ Key, VersionId } = {}] = Versions;
    const deleting = server.client.send(
      new DeleteObjectCommand({ Bucket: bucket, Key, VersionId }),
    );
    await expect(deleting).rejects.toMatchObject({ name: 'AccessDenied' });
    // A released object stays locked as long as it was.
    await store.release('key');
    await expectStored('key', new Uint8Array(10));
  });

  test('are no error where a bucket has none, and are not asked for twice', async () => {
    bucket = await server.makeBucket({ keeps: 'versions' });
    const { store, sent } = await open();
    await store.put('key', new Uint8Array(10));
    await store.protect('key', inDays(1));
    await store.protect('key', inDays(2));
    expect(count(sent, 'GetObjectRetention')).toBe(1);
    expect(count(sent, 'PutObjectRetention')).toBe(0);
  });

  test('are for what exists', async () => {
    await expect((await sound()).protect('none', inDays(1))).rejects.toEqual(
      failure('BACKUP_NOT_FOUND'),
    );
  });
});

describe('listings', () => {
  const page = (entries: string, next?: string) =>
    `<ListVersionsResult><IsTruncated>${next !== undefined}</IsTruncated><EncodingType>url</EncodingType>${next ?? ''}${entries}</ListVersionsResult>`;
  const marker = (key: string, version: string) =>
    `<NextKeyMarker>${whole(key)}</NextKeyMarker><NextVersionIdMarker>${version}</NextVersionIdMarker>`;
  const version = (key: string, id: string, latest = true) =>
    `<Version><Key>${whole(key)}</Key><VersionId>${id}</VersionId><IsLatest>${latest}</IsLatest><Size>${id.length}</Size><LastModified>2026-11-21T02:00:00.000Z</LastModified></Version>`;
  const tags = '<Tagging><TagSet></TagSet></Tagging>';
  const list = async (pages: readonly string[]) => {
    let next = 0;
    const { store, sent } = await open(({ operation }) =>
      operation === 'GetObjectTagging'
        ? { body: tags }
        : { body: pages[next++] ?? pages.at(-1) ?? '' },
    );
    const objects: string[] = [];
    for await (const { key, bytes, covered } of store.list(''))
      objects.push(`${key} ${bytes} ${covered ?? ''}`);
    return { objects, sent };
  };

  test('come in pages, empty ones and repeated lines among them, which may part a key', async () => {
    const { objects, sent } = await list([
      page(version('a', 'aa'), marker('a', 'aa')),
      page('', marker('b', '0')),
      page(version('b', 'new', true) + version('b', 'middle', false), marker('b', 'middle')),
      page(
        version('b', 'middle', false) + version('b', 'oldest', false) + version('c', 'c'),
        marker('c', 'c'),
      ),
      page(version('d%2Fe', 'd') + version('with%20space', 'x') + version('.hidden', 'x')),
    ]);
    expect(objects).toEqual(['a 2 ', 'b 6 overwritten', 'c 1 ', 'd/e 1 ']);
    expect(count(sent, 'ListObjectVersions')).toBe(5);
    expect(count(sent, 'GetObjectTagging')).toBe(1);
  });

  test.each([
    ['the same page', [page(version('a', 'x'), marker('a', 'x'))]],
    ['keys in disorder', [page(version('b', 'x') + version('a', 'x'))]],
  ])('that are no listings end: %s', async (_, pages) => {
    await expect(list(pages)).rejects.toEqual(failure('STORE_UNAVAILABLE'));
  });
});

describe('the bucket', () => {
  test.each([
    [{ status: 404, name: 'NoSuchBucket' }, /no such bucket/],
    [{ status: 301, name: 'PermanentRedirect' }, /another region/],
    [
      { status: 400, name: 'AuthorizationHeaderMalformed', more: '<Region>eu-west-9</Region>' },
      /the region eu-west-9/,
    ],
  ])(
    'that is not where it should be is a mistake in the configuration: %j',
    async (answer, message) => {
      const { store } = await open(() => ({ answer }));
      await expect(store.head('a')).rejects.toEqual(failure('CONFIG_INVALID'));
      await expect(store.put('a', new Uint8Array(1))).rejects.toThrow(message);
      expect(waits).toEqual([]);
    },
  );

  test('that does not exist is said to a real user', async () => {
    bucket = 'nowhere';
    const store = await sound();
    for (const act of [store.head('a'), store.now(), store.put('a', new Uint8Array(1))]) {
      await expect(act).rejects.toEqual(failure('CONFIG_INVALID'));
    }
    bucket = await server.makeBucket();
  });

  test('must be of the account that is named, in every request', async () => {
    const { store, sent } = await open(undefined, {
      place: { account: CREDENTIALS.AWS_ACCESS_KEY_ID },
    });
    await store.put('small', new Uint8Array(10));
    await store.put('large', new Uint8Array(9 * MIB));
    await store.clone('large', 'copy');
    await store.read('small', 0, 10);
    await store.protect('small', inAnHour());
    await store.release('small');
    await store.now();
    for await (const object of store.list('')) expect(object.bytes).toBeGreaterThan(0);
    await expect(store.put('small', new Uint8Array(9))).rejects.toEqual(failure('STORE_CONFLICT'));
    const without = sent.filter(
      ({ headers }) => headers['x-amz-expected-bucket-owner'] === undefined,
    );
    expect(without).toEqual([]);
    const copies = sent.filter(({ operation }) => operation === 'UploadPartCopy');
    expect(copies[0]?.headers['x-amz-source-expected-bucket-owner']).toBe(
      CREDENTIALS.AWS_ACCESS_KEY_ID,
    );
    const other = await open(undefined, { place: { account: '111122223333' } });
    const error = await other.store.head('small').catch((thrown: unknown) => thrown);
    expect(error).toEqual(failure('STORE_DENIED'));
    expect((error as HoldfastError).hint).toContain('111122223333');
  });

  test('holds stores side by side that see nothing of each other', async () => {
    const prefixes = ['', 'a/', 'a/b/', 'ab/'];
    for (const prefix of prefixes) {
      const { store } = await open(undefined, { place: { prefix } });
      await store.put('key', Buffer.from(prefix));
    }
    for (const prefix of ['a/b/', 'ab/']) {
      const { store } = await open(undefined, { place: { prefix } });
      const objects = [];
      for await (const object of store.list('')) objects.push(object);
      expect(objects).toHaveLength(1);
      expect(Buffer.from(await store.read('key', 0, prefix.length)).toString()).toBe(prefix);
      await expect(store.read('../key', 0, 1)).rejects.toEqual(failure('PATH_UNSAFE'));
    }
  });
});

describe('what is sent', () => {
  test('never overwrites, and asks for no lock, tag or key by itself', async () => {
    const { store, sent } = await open();
    await store.put('small', new Uint8Array(10));
    await store.put('large', new Uint8Array(9 * MIB));
    await store.clone('large', 'copy');
    const commits = sent.filter(({ operation }) =>
      ['PutObject', 'CompleteMultipartUpload'].includes(operation),
    );
    expect(commits).toHaveLength(3);
    for (const { headers } of commits) expect(headers['if-none-match']).toBe('*');
    const forbidden = /^x-amz-(object-lock|tagging|server-side-encryption|acl|storage-class)/;
    expect(
      sent.flatMap(({ headers }) => Object.keys(headers)).filter((name) => forbidden.test(name)),
    ).toEqual([]);
  });

  test('names the KMS key that the place names', async () => {
    const { store, sent } = await open(undefined, { place: { kmsKey: 'alias/mine' } });
    await store.put('small', new Uint8Array(10)).catch(() => undefined);
    expect(sent[0]?.headers).toMatchObject({
      'x-amz-server-side-encryption': 'aws:kms',
      'x-amz-server-side-encryption-aws-kms-key-id': 'alias/mine',
    });
  });

  test('needs two requests for a small object, and none to find again what was listed', async () => {
    const { store, sent } = await open();
    await store.put('small', new Uint8Array(10));
    expect(sent.map(({ operation }) => operation)).toEqual(['PutObject', 'ListObjectVersions']);
    const other = await open();
    for await (const { key, bytes } of other.store.list('')) await other.store.read(key, 0, bytes);
    expect(other.sent.map(({ operation }) => operation)).toEqual([
      'ListObjectVersions',
      'GetObject',
    ]);
  });
});

describe('a put that is cancelled', () => {
  test.each(['UploadPart', 'CreateMultipartUpload'])(
    'ends while a request hangs: %s',
    async (operation) => {
      const abort = new AbortController();
      const { store } = await open((request) => {
        if (request.operation !== operation) return undefined;
        setImmediate(() => abort.abort());
        return { hang: true };
      });
      const { signal } = abort;
      const put = store.put('key', randomBytes(LARGE), { signal });
      await expect(put).rejects.toEqual(failure('CANCELLED'));
      expect(await (await sound()).head('key')).toBeUndefined();
    },
  );

  test('ends while a copy hangs', async () => {
    await (await sound()).put('from', new Uint8Array(100));
    const abort = new AbortController();
    const { store } = await open((request) => {
      if (request.operation !== 'UploadPartCopy') return undefined;
      setImmediate(() => abort.abort());
      return { hang: true };
    });
    const { signal } = abort;
    await expect(store.clone('from', 'to', { signal })).rejects.toEqual(failure('CANCELLED'));
  });
});

test('no error repeats a credential or a signature', async () => {
  const secrets = /holdfast-test-secret|Signature=|Credential=|AWS4-HMAC|hush/i;
  const more =
    '<StringToSign>AWS4-HMAC hush</StringToSign><AWSAccessKeyId>hush</AWSAccessKeyId><Token-0>hush</Token-0>';
  const errors: unknown[] = [];
  for (const name of [
    'SignatureDoesNotMatch',
    'ExpiredToken',
    'AccessDenied',
    'InternalError',
    'NoSuchKey',
  ]) {
    const status = name === 'InternalError' ? 500 : name === 'NoSuchKey' ? 404 : 403;
    const { store } = await open(() => ({ answer: { status, name, more } }));
    for (const act of [
      store.head('a'),
      store.put('a', new Uint8Array(9 * MIB)),
      store.release('a'),
    ]) {
      errors.push(await act.catch((thrown: unknown) => thrown));
    }
  }
  const broken = await open(() => ({ reset: true }));
  errors.push(await broken.store.head('a').catch((thrown: unknown) => thrown));
  expect(errors.filter((error) => error instanceof HoldfastError)).toHaveLength(errors.length);
  for (const error of errors) {
    expect(inspect(error, { depth: 10, showHidden: true })).not.toMatch(secrets);
    expect(JSON.stringify(error)).not.toMatch(secrets);
  }
});

/** For uploads that nobody can know of, or was not allowed to end: the lifecycle of the bucket ends them. */
async function abortUploads(): Promise<void> {
  const { Uploads = [] } = await server.client.send(
    new ListMultipartUploadsCommand({ Bucket: bucket }),
  );
  expect(Uploads).toHaveLength(1);
  for (const { Key, UploadId } of Uploads) {
    await server.client.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key, UploadId }));
  }
}
