// A store in memory whose clock is that of a simulated calendar: hundreds of days in seconds, without as many waits for a disk.
import { HoldfastError } from '../lib/errors.ts';
import type { Store, StoredObject } from '../lib/stores/store.ts';

interface Held {
  readonly content: Buffer;
  readonly storedAt: Date;
}

/** A store whose time is what `now` gives. It keeps the contract, and nothing beyond the life of the process. */
export function calendarStore(now: () => Date): Store {
  const held = new Map<string, Held>();
  /** In order; made anew when a key came or went. */
  let keys: readonly string[] | undefined;
  const get = (key: string): Held => {
    const object = held.get(key);
    if (object !== undefined) return object;
    throw new HoldfastError('BACKUP_NOT_FOUND', `the store holds no "${key}"`);
  };
  const put = async (
    key: string,
    body: AsyncIterable<Uint8Array> | Uint8Array,
  ): Promise<StoredObject> => {
    const chunks: Uint8Array[] = body instanceof Uint8Array ? [body] : [];
    if (!(body instanceof Uint8Array)) for await (const chunk of body) chunks.push(chunk);
    if (held.has(key)) {
      throw new HoldfastError('STORE_CONFLICT', `"${key}" is in the store already`);
    }
    held.set(key, { content: Buffer.concat(chunks), storedAt: now() });
    keys = undefined;
    return describe(key, get(key));
  };
  return {
    url: 'memory:',
    put,
    clone: (from, to) => put(to, get(from).content),
    head: (key) => {
      const object = held.get(key);
      return Promise.resolve(object && describe(key, object));
    },
    read: (key, offset, length) => {
      const { content } = get(key);
      if (offset + length <= content.length) {
        return Promise.resolve(Uint8Array.from(content.subarray(offset, offset + length)));
      }
      throw new HoldfastError('BACKUP_DAMAGED', `"${key}" has only ${content.length} bytes`);
    },
    // eslint-disable-next-line @typescript-eslint/require-await -- a listing is asynchronous by its contract
    async *list(prefix) {
      keys ??= [...held.keys()].sort();
      for (const key of keys) {
        const object = key.startsWith(prefix) ? held.get(key) : undefined;
        if (object !== undefined) yield describe(key, object);
      }
    },
    protect: () => Promise.resolve(),
    release: (key) => {
      held.delete(key);
      keys = undefined;
      return Promise.resolve();
    },
    now: () => Promise.resolve(now()),
  };
}

function describe(key: string, { content, storedAt }: Held): StoredObject {
  return { key, bytes: content.length, storedAt };
}
