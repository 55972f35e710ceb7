// The contract of a store: bytes under keys, written once. It knows no format, no policy and no engine.

/** A stored object, as a listing shows it. */
export interface StoredObject {
  readonly key: string;
  readonly bytes: number;
  /** By the store's own clock. */
  readonly storedAt: Date;
  /**
   * When it got its key at the latest, where that may be later than `storedAt`: what was linked is older than its key. Only in
   * listings.
   */
  readonly keyedAt?: Date;
  /**
   * Equal for all objects of a listing that share their bytes, so that damage to one is damage to all; undefined for one that shares
   * them with none. Only in listings.
   */
  readonly shared?: string;
  /**
   * Why nobody sees the object who does not look at versions: somebody has laid a delete marker or another version over it. It is
   * read all the same. Undefined when nothing hides it, and in stores that keep no versions.
   */
  readonly covered?: 'deleted' | 'overwritten';
  /** The class of a bucket that it lies in, as S3 calls it; undefined for the usual one, and in stores that have none. */
  readonly storageClass?: string;
}

/** What tells the bytes under a key from all others, and from themselves after somebody wrote to them. */
export interface Identity {
  readonly inode: string;
  /** When they were last written to, in nanoseconds since 1970. */
  readonly modified: string;
  readonly bytes: number;
}

export interface PutOptions {
  /** Aborting it ends the call with `CANCELLED`, even while the body gives nothing, and leaves nothing behind. */
  readonly signal?: AbortSignal;
}

/**
 * Where backups go: a folder, a bucket at a prefix.
 *
 * Keys are made of ASCII letters, digits and `._-`, joined by `/`; no part is empty or begins with a dot; a part has at most 255
 * characters and a key 800. Anything else is refused with `PATH_UNSAFE` before a byte moves. No key is the folder of another: of
 * `a` and `a/b` a store may refuse the second with `STORE_CONFLICT`. Every method may throw `STORE_UNAVAILABLE`, `STORE_DENIED` or
 * `CANCELLED`.
 */
export interface Store {
  /** How people name this store; never holds a secret. */
  readonly url: string;

  /** How many bytes to ask for at once when an object is read whole, where each request costs; undefined where none does. */
  readonly readAtOnce?: number;

  /**
   * Stores `body` under `key`, whole or not at all: no reader ever sees part of it, even if we die halfway. Durable when this
   * resolves. If two writers write one key, exactly one succeeds; the other fails with `STORE_CONFLICT`. Nothing is ever overwritten.
   * `NO_SPACE` when the store is full. A body that throws leaves nothing behind, and its error is passed on.
   *
   * A conflict may be found before the body is read or after; either way the body is closed. A chunk belongs to the store from
   * the moment it is yielded: it is written while the next is made, so a body never alters a chunk that it has given away.
   */
  put(
    key: string,
    body: AsyncIterable<Uint8Array> | Uint8Array,
    options?: PutOptions,
  ): Promise<StoredObject>;

  /**
   * Stores under `to` the bytes that `from` has, with the guarantees of `put`, moving them as cheaply as the store can. The copy
   * is independent: damage to one is not damage to the other.
   */
  clone(from: string, to: string, options?: PutOptions): Promise<StoredObject>;

  /**
   * Gives the object under `from` a second key, which takes no room: both share their bytes. Undefined, and nothing is stored, where
   * the store cannot do that with this object, or where it is not what `identity` says; `clone` is the way then. Refuses `to` as
   * `put` does. Durable when `settle` has resolved. No method in a store whose objects share nothing.
   */
  link?(
    from: string,
    to: string,
    identity: Identity,
    options?: PutOptions,
  ): Promise<StoredObject | undefined>;

  /** Makes everything durable that was linked; no method where nothing is. */
  settle?(): Promise<void>;

  /** What lies under `key` at this moment; `BACKUP_NOT_FOUND` when nothing does. No method in a store without `link`. */
  identify?(key: string): Promise<Identity>;

  /** The object under `key`, or undefined. */
  head(key: string): Promise<StoredObject | undefined>;

  /**
   * The bytes of `key` from `offset`, exactly `length` of them. `BACKUP_NOT_FOUND` when the key does not exist, `BACKUP_DAMAGED`
   * when the object is shorter than the range: found before anything is allocated for it.
   */
  read(key: string, offset: number, length: number): Promise<Uint8Array<ArrayBuffer>>;

  /**
   * Every object whose key starts with `prefix` (any beginning of a key: `a` finds `ab` and `a/b`), in the bytewise order of the
   * keys. What is stored or released meanwhile may be listed or not.
   */
  list(prefix: string): AsyncIterable<StoredObject>;

  /** Keeps `key` from being deleted before `until`, where the store can; a folder cannot and does nothing. */
  protect(key: string, until: Date): Promise<void>;

  /**
   * Says that `key` is kept for long and read rarely, so that the store may move it to where storage costs less and reading more; it is
   * read as before. What was released stays so. Absent keys are no error. No method in a store that has no such place.
   */
  markLongKept?(key: string): Promise<void>;

  /** Releases `key`: a folder deletes it, a bucket tags it for its lifecycle. Absent keys are no error. */
  release(key: string): Promise<void>;

  /** Whether `key` was released and only waits to be deleted; no method where a release deletes at once. */
  isReleased?(key: string): Promise<boolean>;

  /** Until when `key` cannot be deleted, undefined when nothing keeps it; no method in a store without locks. */
  lockedUntil?(key: string): Promise<Date | undefined>;

  /** The time by the store's own clock. */
  now(): Promise<Date>;
}
