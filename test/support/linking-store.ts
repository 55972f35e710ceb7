// A store in memory whose objects can share their bytes, as the files of a folder do; it goes by the clock of a test.
import type { Identity, PutOptions, StoredObject } from '../../lib/stores/store.ts';
import { HoldfastError } from '../../lib/errors.ts';
import { Clock, ClockedStore } from './engine.ts';
import type { MemoryObject } from './memory-store.ts';

export class LinkingStore extends ClockedStore {
  /** Keys that share bytes have one and the same object. */
  #inodes = new Map<MemoryObject, number>();
  #keyedAt = new Map<string, Date>();
  #lastInode = 0;
  /** What was linked, as `from to`, and not settled yet. */
  readonly unsettled: string[] = [];

  async link(
    from: string,
    to: string,
    identity: Identity,
    { signal }: PutOptions = {},
  ): Promise<StoredObject | undefined> {
    signal?.throwIfAborted();
    const object = this.objects.get(from);
    if (object === undefined) return undefined;
    if (this.objects.has(to)) throw new HoldfastError('STORE_CONFLICT', `"${to}" exists`);
    const { inode, modified } = await this.identify(from);
    if (inode !== identity.inode || modified !== identity.modified) return undefined;
    this.objects.set(to, object);
    this.#keyedAt.set(to, await this.now());
    this.unsettled.push(`${from} ${to}`);
    return { key: to, bytes: object.bytes.byteLength, storedAt: object.storedAt };
  }

  settle(): Promise<void> {
    this.unsettled.length = 0;
    return Promise.resolve();
  }

  async identify(key: string): Promise<Identity> {
    const object = this.objects.get(key);
    // As a read of it fails.
    if (object === undefined) return (await this.read(key, 0, 0)) as never;
    return {
      inode: String(this.#inodeOf(object)),
      modified: `${object.storedAt.getTime()}000000`,
      bytes: object.bytes.byteLength,
    };
  }

  override async *list(prefix: string): AsyncGenerator<StoredObject> {
    const names = new Map<MemoryObject, number>();
    for (const object of this.objects.values()) names.set(object, (names.get(object) ?? 0) + 1);
    for await (const listed of super.list(prefix)) {
      const object = this.objects.get(listed.key);
      const keyedAt = this.#keyedAt.get(listed.key);
      const isShared = object !== undefined && (names.get(object) ?? 0) > 1;
      yield {
        ...listed,
        ...(keyedAt !== undefined && { keyedAt }),
        ...(isShared && { shared: String(this.#inodeOf(object)) }),
      };
    }
  }

  override copy(clock: Clock = this.clock): LinkingStore {
    const copy = new LinkingStore(clock);
    const copies = new Map<MemoryObject, MemoryObject>();
    for (const [key, object] of this.objects) {
      const same = copies.get(object) ?? {
        bytes: object.bytes.slice(),
        storedAt: object.storedAt,
      };
      copies.set(object, same);
      copy.objects.set(key, same);
      copy.#inodes.set(same, this.#inodeOf(object));
    }
    copy.#keyedAt = new Map(this.#keyedAt);
    copy.#lastInode = this.#lastInode;
    return copy;
  }

  #inodeOf(object: MemoryObject): number {
    const known = this.#inodes.get(object) ?? ++this.#lastInode;
    this.#inodes.set(object, known);
    return known;
  }
}
