// Any store, going by the clock of a test: a server has only the real time, and a life of weeks must pass in seconds.
import type { Store, StoredObject } from '../../lib/stores/store.ts';
import type { Clock } from './engine.ts';

export interface Times {
  readonly clock: Clock;
  /** When each key was stored; shared by all that stand for the same store. */
  readonly storedAt: Map<string, Date>;
}

/** `store`, whose time is that of the clock. */
export function clocked(store: Store, { clock, storedAt }: Times): Store {
  const dated = (object: StoredObject): StoredObject => ({
    ...object,
    storedAt: storedAt.get(object.key) ?? object.storedAt,
  });
  const stored = (object: StoredObject) => {
    storedAt.set(object.key, new Date(clock.ms));
    return dated(object);
  };
  return {
    ...store,
    put: async (...args) => stored(await store.put(...args)),
    clone: async (...args) => stored(await store.clone(...args)),
    head: async (key) => {
      const found = await store.head(key);
      return found && dated(found);
    },
    async *list(prefix) {
      for await (const object of store.list(prefix)) yield dated(object);
    },
    now: () => Promise.resolve(new Date(clock.ms)),
  };
}
