// A store in memory, for tests of what stands above stores: its clock can be set, and its objects damaged.
import { HoldfastError } from '../../lib/errors.ts';
import { chunksOf, discard } from '../../lib/stores/body.ts';
import type { Body } from '../../lib/stores/body.ts';
import { assertKey, assertPrefix } from '../../lib/stores/keys.ts';
import type { PutOptions, Store, StoredObject } from '../../lib/stores/store.ts';
import { machineTime } from './machine-time.ts';

export interface MemoryObject {
  bytes: Uint8Array<ArrayBuffer>;
  storedAt: Date;
}

/* eslint-disable @typescript-eslint/require-await -- what a store throws comes as a rejection */

export class MemoryStore implements Store {
  readonly url = 'memory:';
  /** What is stored, free to be damaged. */
  readonly objects = new Map<string, MemoryObject>();
  /** The `until` that `protect` was given last, by key. */
  readonly protectedUntil = new Map<string, Date>();
  /** What the store's clock shows; undefined for the real time. */
  time: Date | undefined;

  constructor(time?: Date) {
    this.time = time;
  }

  async put(key: string, body: Body, { signal }: PutOptions = {}): Promise<StoredObject> {
    try {
      assertKey(key);
      this.#assertAbsent(key);
    } catch (error) {
      await discard(body);
      throw error;
    }
    const chunks: Uint8Array[] = [];
    for await (const chunk of chunksOf(body, signal)) chunks.push(chunk);
    const bytes = new Uint8Array(Buffer.concat(chunks));
    const storedAt = await this.now();
    // Whoever ends first wins, not whoever began first.
    this.#assertAbsent(key);
    this.objects.set(key, { bytes, storedAt });
    return { key, bytes: bytes.byteLength, storedAt };
  }

  async clone(from: string, to: string, options: PutOptions = {}): Promise<StoredObject> {
    assertKey(from);
    return this.put(to, this.#get(from).bytes, options);
  }

  async head(key: string): Promise<StoredObject | undefined> {
    assertKey(key);
    const object = this.objects.get(key);
    return object && { key, bytes: object.bytes.byteLength, storedAt: object.storedAt };
  }

  async read(key: string, offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    assertKey(key);
    const { bytes } = this.#get(key);
    if (offset + length > bytes.byteLength) {
      throw new HoldfastError('BACKUP_DAMAGED', `"${key}" has only ${bytes.byteLength} bytes`);
    }
    return bytes.slice(offset, offset + length);
  }

  async *list(prefix: string): AsyncGenerator<StoredObject> {
    assertPrefix(prefix);
    const keys = [...this.objects.keys()].filter((key) => key.startsWith(prefix));
    for (const key of keys.sort()) {
      const object = await this.head(key);
      if (object !== undefined) yield object;
    }
  }

  async protect(key: string, until: Date): Promise<void> {
    assertKey(key);
    this.protectedUntil.set(key, until);
  }

  async release(key: string): Promise<void> {
    assertKey(key);
    this.objects.delete(key);
  }

  async now(): Promise<Date> {
    return this.time ?? machineTime();
  }

  #get(key: string): MemoryObject {
    const object = this.objects.get(key);
    if (object !== undefined) return object;
    throw new HoldfastError('BACKUP_NOT_FOUND', `the store holds no "${key}"`);
  }

  #assertAbsent(key: string): void {
    if (!this.objects.has(key)) return;
    throw new HoldfastError('STORE_CONFLICT', `"${key}" is in the store already`);
  }
}
