// The store that fails on purpose has to fail where it says, or sweeps over it prove nothing.
import { describe, expect, test } from '@jest/globals';
import { faultyStore } from '../support/faulty-store.ts';
import { MemoryStore } from '../support/memory-store.ts';
import { storeContract } from './contract.ts';
import { failure } from './contract.ts';

const body = new Uint8Array(3);

storeContract('store that never fails', () =>
  Promise.resolve({
    store: faultyStore(new MemoryStore(), { failAt: Infinity, when: 'before' }),
    cleanup: () => Promise.resolve(),
  }),
);

describe('store that fails at its second call', () => {
  test('before: nothing was done, and later calls work', async () => {
    const store = faultyStore(new MemoryStore(), { failAt: 2, when: 'before' });
    await store.put('a', body);
    expect(store.struck).toBe(false);
    await expect(store.put('b', body)).rejects.toEqual(failure('STORE_UNAVAILABLE'));
    expect(store.struck).toBe(true);
    expect(await store.head('b')).toBeUndefined();
    expect(store.calls).toEqual([
      { method: 'put', key: 'a' },
      { method: 'put', key: 'b' },
      { method: 'head', key: 'b' },
    ]);
  });

  test('after: all was done, and only the answer is missing', async () => {
    const error = new Error('of the test');
    const store = faultyStore(new MemoryStore(), { failAt: 2, when: 'after', error });
    await store.put('a', body);
    await expect(store.put('b', body)).rejects.toBe(error);
    expect(await store.head('b')).toBeDefined();
  });

  test.each(['before', 'after'] as const)('%s a crash: nothing works any more', async (when) => {
    const memory = new MemoryStore();
    const store = faultyStore(memory, { failAt: 2, when, crash: true });
    await store.put('a', body);
    await expect(store.release('a')).rejects.toEqual(failure('STORE_UNAVAILABLE'));
    expect(memory.objects.has('a')).toBe(when === 'before');
    await expect(store.put('c', body)).rejects.toEqual(failure('STORE_UNAVAILABLE'));
    await expect(store.now()).rejects.toEqual(failure('STORE_UNAVAILABLE'));
    await expect(store.list('').next()).rejects.toEqual(failure('STORE_UNAVAILABLE'));
    expect(memory.objects.has('c')).toBe(false);
  });

  test('in a listing, before its first object or after its last', async () => {
    for (const when of ['before', 'after'] as const) {
      const store = faultyStore(new MemoryStore(), { failAt: 2, when });
      await store.put('a', body);
      const listing = store.list('');
      if (when === 'after') expect((await listing.next()).value).toMatchObject({ key: 'a' });
      await expect(listing.next()).rejects.toEqual(failure('STORE_UNAVAILABLE'));
    }
  });

  test('closes a body that it does not read', async () => {
    const store = faultyStore(new MemoryStore(), { failAt: 1, when: 'before' });
    async function* unread(): AsyncGenerator<Uint8Array> {
      await Promise.resolve();
      yield body;
    }
    const chunks = unread();
    await expect(store.put('a', chunks)).rejects.toEqual(failure('STORE_UNAVAILABLE'));
    expect((await chunks.next()).done).toBe(true);
  });
});
