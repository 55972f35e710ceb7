// The store in memory stands in for real ones in other tests, so it has to keep the same contract.
import { expect, test } from '@jest/globals';
import { MemoryStore } from '../support/memory-store.ts';
import { storeContract } from './contract.ts';

storeContract('memory store', () =>
  Promise.resolve({ store: new MemoryStore(), cleanup: () => Promise.resolve() }),
);

test('dates objects by the clock that it is given', async () => {
  const store = new MemoryStore(new Date('2026-01-01T00:00:00Z'));
  await store.put('old', new Uint8Array(1));
  store.time = new Date('2027-01-01T00:00:00Z');
  expect(await store.now()).toEqual(new Date('2027-01-01T00:00:00Z'));
  expect((await store.head('old'))?.storedAt).toEqual(new Date('2026-01-01T00:00:00Z'));
});
