// What every store must do, whatever it is made of: each store's own test runs this suite on it.
import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { ErrorCode } from '../../lib/errors.ts';
import type { Store, StoredObject } from '../../lib/stores/store.ts';
import { machineTime } from '../support/machine-time.ts';

/** Servers tell whole seconds. */
const ROUNDED_MS = 2_000;

/** A store that is empty, and what removes it. */
export interface OpenedStore {
  readonly store: Store;
  /** Plays what ends released objects where the store itself does not, such as the lifecycle of a bucket. */
  readonly expire?: () => Promise<void>;
  readonly cleanup: () => Promise<void>;
}

const ILLEGAL_KEYS = [
  '',
  '.',
  '..',
  '/',
  '/a',
  'a/',
  'a//b',
  '../x',
  'a/../b',
  'a/./b',
  '.hidden',
  'a/.hidden',
  'a b',
  'a\\b',
  'a\0b',
  'a\nb',
  'ä',
  'a:b',
  'a+b',
  'a%2fb',
  'x'.repeat(256),
  `${'x'.repeat(200)}/${'x'.repeat(200)}/${'x'.repeat(200)}/${'x'.repeat(200)}`,
];

const LEGAL_KEYS = [
  'a',
  '-',
  '_',
  '-rf',
  'A',
  '0',
  'a.',
  'a..b',
  'a...',
  'con',
  'x'.repeat(255),
  'backups/site/20261121T020000000Z-schedule/manifest.json',
  'very/many/folders/in/one/key/are/no/trouble/at/all',
];

const text = (value: string) => new TextEncoder().encode(value);

/** An `expect`ation: rejected with a HoldfastError of this code. */
export const failure = (code: ErrorCode) =>
  expect.objectContaining({ name: 'HoldfastError', code });

async function listed(store: Store, prefix: string): Promise<StoredObject[]> {
  const objects: StoredObject[] = [];
  for await (const object of store.list(prefix)) objects.push(object);
  return objects;
}

async function keysOf(store: Store, prefix: string): Promise<string[]> {
  return (await listed(store, prefix)).map(({ key }) => key);
}

async function contentOf(store: Store, key: string): Promise<Buffer> {
  const { bytes } = (await store.head(key)) ?? { bytes: -1 };
  return Buffer.from(await store.read(key, 0, bytes));
}

/** Releases a key, and waits until the store has ended what it was. */
type Release = (key: string) => Promise<void>;

/** Registers the suite under `name`; every group of tests gets a store of its own from `open`. */
export function storeContract(name: string, open: () => Promise<OpenedStore>): void {
  const group = (title: string, tests: (store: () => Store, release: Release) => void) => {
    describe(`${name}: ${title}`, () => {
      let opened: OpenedStore | undefined;
      beforeAll(async () => {
        opened = await open();
      });
      afterAll(() => opened?.cleanup());
      const store = () => {
        if (opened === undefined) throw new Error('no store was opened');
        return opened.store;
      };
      tests(store, async (key) => {
        await store().release(key);
        await opened?.expire?.();
      });
    });
  };
  group('put', puts);
  group('a put that fails', failingPuts);
  group('read and head', reads);
  group('list', lists);
  group('keys', keys);
  group('clone, release, protect and the clock', others);
}

function puts(store: () => Store): void {
  test('stores bytes given at once, and tells what it stored', async () => {
    const stored = await store().put('at-once', text('hello'));
    expect(stored).toEqual({ key: 'at-once', bytes: 5, storedAt: expect.any(Date) });
    expect(await store().head('at-once')).toEqual(stored);
    expect((await contentOf(store(), 'at-once')).toString()).toBe('hello');
  });

  test('stores an empty object, from no bytes as from no chunks', async () => {
    await store().put('empty/bytes', new Uint8Array(0));
    await store().put('empty/chunks', chunked([]));
    await store().put('empty/empty-chunks', chunked([new Uint8Array(0), new Uint8Array(0)]));
    for await (const { key, bytes } of store().list('empty/')) {
      expect({ key, bytes }).toEqual({ key, bytes: 0 });
      expect(await store().read(key, 0, 0)).toHaveLength(0);
    }
    expect(await keysOf(store(), 'empty/')).toHaveLength(3);
  });

  test('stores a large body of unknown length in chunks of odd sizes, byte for byte', async () => {
    const written = createHash('sha256');
    const total = 40_000_003;
    async function* body(): AsyncGenerator<Uint8Array> {
      const sizes = [1, 7, 65_536, 1_048_577, 13, 4_194_304, 0, 99_991, 2_500_000];
      for (let done = 0, turn = 0; done < total; turn += 1) {
        const chunk = randomBytes(Math.min(sizes[turn % sizes.length] ?? 1, total - done));
        written.update(chunk);
        done += chunk.byteLength;
        if (turn % 5 === 0) await new Promise(setImmediate);
        yield chunk;
      }
    }
    const stored = await store().put('large', body());
    expect(stored.bytes).toBe(total);
    const read = createHash('sha256');
    for (let offset = 0; offset < total; offset += 3_000_000) {
      read.update(await store().read('large', offset, Math.min(3_000_000, total - offset)));
    }
    expect(read.digest('hex')).toBe(written.digest('hex'));
  });

  test('stores a body of thousands of tiny chunks, some of them views into larger buffers', async () => {
    const whole = randomBytes(30_000);
    const chunks = Array.from({ length: 10_000 }, (_, at) => whole.subarray(at * 3, at * 3 + 3));
    await store().put('tiny', chunked(chunks));
    expect((await contentOf(store(), 'tiny')).equals(whole)).toBe(true);
  });

  test('lets exactly one of twenty writers of a key win, with its own bytes', async () => {
    const bodies = Array.from({ length: 20 }, () => randomBytes(70_000));
    const results = await Promise.allSettled(
      bodies.map((body) =>
        store().put('contended/key', chunked([body.subarray(0, 9), body.subarray(9)])),
      ),
    );
    const winners = bodies.filter((_, at) => results[at]?.status === 'fulfilled');
    expect(winners).toHaveLength(1);
    for (const result of results) {
      if (result.status === 'rejected') expect(result.reason).toEqual(failure('STORE_CONFLICT'));
    }
    const stored = await contentOf(store(), 'contended/key');
    expect(winners[0]?.equals(stored)).toBe(true);
  });

  test('refuses a key that exists and keeps its bytes, even if they are the same', async () => {
    await store().put('once', text('first'));
    let closed = false as boolean;
    async function* second(): AsyncGenerator<Uint8Array> {
      try {
        await Promise.resolve();
        yield text('second');
      } finally {
        closed = true;
      }
    }
    const body = second();
    await expect(store().put('once', body)).rejects.toEqual(failure('STORE_CONFLICT'));
    await expect(store().put('once', text('first'))).rejects.toEqual(failure('STORE_CONFLICT'));
    expect((await contentOf(store(), 'once')).toString()).toBe('first');
    // Begun or not, the body is at its end.
    expect(closed || (await body.next()).done).toBe(true);
  });
}

function failingPuts(store: () => Store, release: Release): void {
  test('leaves nothing of a body that throws midway, and passes its error on', async () => {
    for (const bytes of [0, 10, 3_000_000]) {
      const error = new Error('the source has gone');
      await expect(store().put('half/way', brokenBody(bytes, error))).rejects.toBe(error);
      expect(await store().head('half/way')).toBeUndefined();
      expect(await keysOf(store(), '')).toEqual([]);
    }
    await store().put('half/way', text('whole'));
    expect((await contentOf(store(), 'half/way')).toString()).toBe('whole');
    await release('half/way');
  });

  test('passes on the error of a body even when the operating system has made it', async () => {
    const error = Object.assign(new Error('EACCES'), { code: 'EACCES', syscall: 'open' });
    await expect(store().put('foreign', brokenBody(10, error))).rejects.toBe(error);
  });

  test('ends with CANCELLED when aborted in the middle, closes the body and leaves nothing', async () => {
    const abort = new AbortController();
    let closed = false;
    async function* body(): AsyncGenerator<Uint8Array> {
      try {
        for (let turn = 0; ; turn += 1) {
          if (turn === 5) abort.abort();
          await Promise.resolve();
          yield new Uint8Array(500_000);
        }
      } finally {
        closed = true;
      }
    }
    const { signal } = abort;
    await expect(store().put('aborted', body(), { signal })).rejects.toEqual(failure('CANCELLED'));
    expect(closed).toBe(true);
    expect(await keysOf(store(), '')).toEqual([]);
  });

  test('ends with CANCELLED while the body hangs', async () => {
    const abort = new AbortController();
    async function* body(): AsyncGenerator<Uint8Array> {
      yield text('something');
      setImmediate(() => abort.abort());
      await new Promise(() => undefined);
    }
    const { signal } = abort;
    await expect(store().put('hung', body(), { signal })).rejects.toEqual(failure('CANCELLED'));
    expect(await keysOf(store(), '')).toEqual([]);
  });

  test('ends with CANCELLED, whatever the body makes of the same signal', async () => {
    const abort = new AbortController();
    async function* body(): AsyncGenerator<Uint8Array> {
      yield text('something');
      abort.abort();
      await Promise.resolve();
      abort.signal.throwIfAborted();
    }
    const { signal } = abort;
    await expect(store().put('own', body(), { signal })).rejects.toEqual(failure('CANCELLED'));
  });

  test('does not begin when it is aborted before', async () => {
    const options = { signal: AbortSignal.abort() };
    await expect(store().put('never', text('x'), options)).rejects.toEqual(failure('CANCELLED'));
    expect(await keysOf(store(), '')).toEqual([]);
  });
}

function reads(store: () => Store): void {
  const whole = randomBytes(300_000);
  beforeAll(() => store().put('ranges/whole', whole));

  test('reads any range exactly', async () => {
    const ranges = fc
      .tuple(fc.nat(whole.byteLength), fc.nat(whole.byteLength))
      .map(([a, b]) => ({ offset: Math.min(a, b), length: Math.abs(a - b) }));
    await fc.assert(
      fc.asyncProperty(ranges, async ({ offset, length }) => {
        const read = await store().read('ranges/whole', offset, length);
        return whole.subarray(offset, offset + length).equals(read);
      }),
      { numRuns: 200, examples: [[{ offset: 0, length: 0 }], [{ offset: 300_000, length: 0 }]] },
    );
  });

  test('gives bytes that the caller may keep and alter', async () => {
    const [one, other] = await Promise.all([
      store().read('ranges/whole', 0, 100),
      store().read('ranges/whole', 0, 100),
    ]);
    one.fill(0);
    expect(whole.subarray(0, 100).equals(other)).toBe(true);
    expect(one.buffer.byteLength).toBe(100);
  });

  test('fails with BACKUP_DAMAGED on a range that leads beyond the end, whatever its size', async () => {
    const ranges = [
      [299_999, 2],
      [300_001, 0],
      [400_000, 1],
      [0, 300_001],
      [0, 2 ** 50],
    ] as const;
    for (const [offset, length] of ranges) {
      const read = store().read('ranges/whole', offset, length);
      await expect(read).rejects.toEqual(failure('BACKUP_DAMAGED'));
    }
  });

  test('knows nothing of a key that is absent, or only the folder of others', async () => {
    for (const key of ['ranges', 'ranges/whol', 'ranges/whole/x', 'other/key']) {
      expect(await store().head(key)).toBeUndefined();
      await expect(store().read(key, 0, 0)).rejects.toEqual(failure('BACKUP_NOT_FOUND'));
    }
  });

  test('finds a key that was stored after it had been looked for', async () => {
    await expect(store().read('late', 0, 1)).rejects.toEqual(failure('BACKUP_NOT_FOUND'));
    await store().put('late', text('x'));
    expect(await store().read('late', 0, 1)).toEqual(text('x'));
  });

  test('reads many ranges of many objects at the same time', async () => {
    const bodies = Array.from({ length: 40 }, () => randomBytes(1_000));
    await Promise.all(bodies.map((body, at) => store().put(`many/${at}`, body)));
    const right = await Promise.all(
      Array.from({ length: 1_200 }, async (_, turn) => {
        const at = (turn * 7) % 40;
        const read = await store().read(`many/${at}`, turn % 900, 100);
        return bodies[at]?.subarray(turn % 900, (turn % 900) + 100).equals(read);
      }),
    );
    expect(right.filter((same) => same !== true)).toEqual([]);
  });
}

function lists(store: () => Store): void {
  const part = fc.stringMatching(/^[Aa0_-][Aab0._-]{0,3}$/);

  test('lists what starts with a prefix, all in the bytewise order of the keys', async () => {
    const sample = fc.sample(fc.array(part, { minLength: 1, maxLength: 3 }), {
      numRuns: 300,
      seed: 7,
    });
    const wanted = new Set<string>();
    // Keys in which a folder would end, or have begun, where another key ends are left out: a folder cannot hold both.
    for (const key of sample.map((parts) => parts.join('/'))) {
      const clashes = [...wanted].some((k) => k.startsWith(`${key}/`) || key.startsWith(`${k}/`));
      if (!clashes) wanted.add(key);
    }
    const all = [...wanted, 'z', 'za', 'z-a/b', 'z.a', 'zz/a', 'zz-/a'];
    await inTurns(all, (key) => store().put(key, text(key)));
    all.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    const prefixes = [
      '',
      'a',
      'a/',
      'A',
      '0',
      '-',
      '_',
      'z',
      'z-',
      'zz',
      'zz/',
      'zz/a',
      'none',
      'none/',
    ];
    for (const prefix of [...prefixes, ...all.slice(0, 20)]) {
      const matching = all.filter((key) => key.startsWith(prefix));
      expect(await keysOf(store(), prefix)).toEqual(matching);
    }
  });

  test('lists more than a thousand keys, each once, in order, with its size', async () => {
    // S3 gives a thousand at a time.
    const names = Array.from({ length: 1_100 }, (_, at) => `thousands/${at % 50}/${at}`);
    await inTurns(names, (key) => store().put(key, text(key)));
    const objects = await listed(store(), 'thousands/');
    expect(objects.map(({ key }) => key)).toEqual(names.sort());
    expect(objects.every(({ key, bytes }) => bytes === key.length)).toBe(true);
  });

  test('can be left before its end', async () => {
    await store().put('left/a', text('a'));
    await store().put('left/b', text('b'));
    for await (const { key } of store().list('left/')) {
      expect(key).toBe('left/a');
      break;
    }
  });

  test('refuses a prefix with which no key starts', async () => {
    for (const prefix of ['/', '/a', '../', 'a//', '.', 'a/.', 'a b', 'a\0', 'ä']) {
      await expect(keysOf(store(), prefix)).rejects.toEqual(failure('PATH_UNSAFE'));
    }
  });
}

function keys(store: () => Store, release: Release): void {
  test('takes strange but legal keys', async () => {
    for (const key of LEGAL_KEYS) await store().put(key, text(key));
    expect(await keysOf(store(), '')).toEqual([...LEGAL_KEYS].sort());
    for (const key of LEGAL_KEYS) expect((await contentOf(store(), key)).toString()).toBe(key);
    for (const key of LEGAL_KEYS) await release(key);
    expect(await keysOf(store(), '')).toEqual([]);
  });

  test.each(ILLEGAL_KEYS)('refuses the key %j everywhere', async (key) => {
    const refused = failure('PATH_UNSAFE');
    await store()
      .put('legal', text('x'))
      .catch(() => undefined);
    await expect(store().put(key, text('x'))).rejects.toEqual(refused);
    await expect(store().clone('legal', key)).rejects.toEqual(refused);
    await expect(store().clone(key, 'copy')).rejects.toEqual(refused);
    await expect(store().head(key)).rejects.toEqual(refused);
    await expect(store().read(key, 0, 1)).rejects.toEqual(refused);
    await expect(store().release(key)).rejects.toEqual(refused);
    await expect(store().protect(key, new Date(0))).rejects.toEqual(refused);
    expect(await keysOf(store(), '')).toEqual(['legal']);
  });
}

function others(store: () => Store, release: Release): void {
  test('clones bytes into an object that lives on without the first', async () => {
    const body = randomBytes(9_000_001);
    await store().put('clone/from', body);
    const stored = await store().clone('clone/from', 'clone/to');
    expect(stored).toEqual({ key: 'clone/to', bytes: 9_000_001, storedAt: expect.any(Date) });
    await release('clone/from');
    expect((await contentOf(store(), 'clone/to')).equals(body)).toBe(true);
  });

  test('clones an empty object', async () => {
    await store().put('clone/empty', new Uint8Array(0));
    expect(await store().clone('clone/empty', 'clone/empty-too')).toMatchObject({ bytes: 0 });
  });

  test('refuses to clone onto a key that exists, from one that does not, or when aborted', async () => {
    await store().put('clone/a', text('a'));
    await store().put('clone/b', text('b'));
    const clone = (from: string, to: string) => store().clone(from, to);
    await expect(clone('clone/a', 'clone/b')).rejects.toEqual(failure('STORE_CONFLICT'));
    await expect(clone('clone/a', 'clone/a')).rejects.toEqual(failure('STORE_CONFLICT'));
    await expect(clone('clone/none', 'clone/c')).rejects.toEqual(failure('BACKUP_NOT_FOUND'));
    const aborted = store().clone('clone/a', 'clone/c', { signal: AbortSignal.abort() });
    await expect(aborted).rejects.toEqual(failure('CANCELLED'));
    expect(await store().head('clone/c')).toBeUndefined();
    expect((await contentOf(store(), 'clone/b')).toString()).toBe('b');
  });

  test('releases what is there, and what is not, any number of times', async () => {
    await store().put('release/a/b', text('x'));
    await store().put('release/a/c', text('x'));
    for (let turn = 0; turn < 3; turn += 1) await release('release/a/b');
    await release('release/never/was');
    await release('release');
    expect(await keysOf(store(), 'release')).toEqual(['release/a/c']);
  });

  test('protects without altering anything', async () => {
    const stored = await store().put('protected', text('x'));
    await store().protect('protected', new Date(0));
    expect(await store().head('protected')).toEqual(stored);
    expect(await keysOf(store(), 'protected')).toEqual(['protected']);
  });

  test('has a clock that is close to the one here, and dates objects by it', async () => {
    await expectNow(() => store().now());
    await expectNow(async () => (await store().put('dated', text('x'))).storedAt);
    expect(await keysOf(store(), 'dated')).toEqual(['dated']);
  });
}

/** Expects a time between the moment of asking and that of the answer, give or take what clocks round. */
export async function expectNow(ask: () => Promise<Date>): Promise<void> {
  const before = machineTime().getTime();
  const told = (await ask()).getTime();
  const after = machineTime().getTime();
  expect(told).toBeGreaterThanOrEqual(before - ROUNDED_MS);
  expect(told).toBeLessThanOrEqual(after + ROUNDED_MS);
}

async function* chunked(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  await Promise.resolve();
  yield* chunks;
}

async function* brokenBody(bytes: number, error: Error): AsyncGenerator<Uint8Array> {
  await Promise.resolve();
  if (bytes > 0) yield new Uint8Array(bytes);
  throw error;
}

async function inTurns<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  for (let at = 0; at < items.length; at += 50) {
    await Promise.all(items.slice(at, at + 50).map(work));
  }
}
