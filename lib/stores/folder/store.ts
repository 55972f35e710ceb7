// A folder as a store. An object is one file under its key; it is written aside in `.tmp` and gets its key when it is whole.
import { strict as assert } from 'node:assert';
import { constants, lstatSync, type Stats } from 'node:fs';
import { lstat, open, readdir, rm, unlink } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { DAY_MS } from '../../durations.ts';
import { HoldfastError } from '../../errors.ts';
import { chunksOf, discard, throwIfCancelled } from '../body.ts';
import type { Body } from '../body.ts';
import { assertKey, assertPrefix } from '../keys.ts';
import { commit, conflict } from './commit.ts';
import { errnoOf, guarded, guardedNow, unless, unlessNow } from './errors.ts';
import { makeFolders, pathOfKey, removeEmptyFolders, symbolicLink } from './folders.ts';
import { openFiles } from './handles.ts';
import type { OpenFile, OpenFiles } from './handles.ts';
import { identityOf, linkFile, settleLinks } from './link.ts';
import { listFolder } from './list.ts';
import { notFound, READING, SMALL_BYTES, smallReader, type ReadSmall } from './small.ts';
import { copyFile, readFully, tooShort, writeChunks } from './write.ts';
import type { Identity, PutOptions, Store, StoredObject } from '../store.ts';

export interface LocalStoreOptions {
  /** Names for files that are being written: never the same twice, letters and digits. */
  readonly random: () => string;
  /** False to commit as on a file system without hard links; found out by itself otherwise. @default true */
  readonly hardLinks?: boolean;
  /**
   * The object that makes the folder a store: where it is absent nothing is written, not even a folder, and `STORE_NOT_FOUND` says
   * so. A disk that is unmounted leaves an empty folder behind. Without it any folder will do, and is made when it does not exist.
   */
  readonly anchor?: string;
}

interface Folder {
  readonly root: string;
  readonly random: () => string;
  readonly hardLinks: boolean;
  readonly anchor: string | undefined;
  readonly files: OpenFiles;
  readonly small: ReadSmall;
  /** What was linked and is not durable yet. */
  readonly unsettled: Set<string>;
  /** Set once leftovers were looked for. */
  swept: boolean;
}

const WRITING = '.tmp';
const FILE_MODE = 0o600;
const LEFTOVER_MS = DAY_MS;
const OPEN_FILES = 8;
const NAME_ATTEMPTS = 8;
const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;

/**
 * The folder at `path` as a store; without an anchor it is made at the first `put` or `now` when it does not exist, and empty until
 * then.
 *
 * `PATH_UNSAFE` when it is a symbolic link, `CONFIG_INVALID` when it is a file.
 */
export async function openLocalStore(path: string, options: LocalStoreOptions): Promise<Store> {
  const root = resolve(path);
  await assertFolderOrAbsent(root);
  const files = openFiles(OPEN_FILES, (key) => openObject(root, key));
  const { random, hardLinks = true, anchor } = options;
  const unsettled = new Set<string>();
  const small = smallReader(root);
  const folder: Folder = {
    ...{ root, random, hardLinks, anchor, files, small },
    unsettled,
    swept: false,
  };
  return {
    url: root,
    put: (key, body, putOptions) => put(folder, { key, body, ...putOptions }),
    clone: (from, to, putOptions) => clone(folder, { from, to, ...putOptions }),
    ...(hardLinks && linksOf(folder)),
    head: (key) => head(root, key),
    read: (key, offset, length) => read(folder, { key, offset, length }),
    async *list(prefix) {
      assertPrefix(prefix);
      yield* listFolder(root, prefix);
    },
    protect: (key) => Promise.resolve(key).then(assertKey),
    release: (key) => release(folder, key),
    now: () => now(folder),
  };
}

function linksOf(folder: Folder): Required<Pick<Store, 'link' | 'settle' | 'identify'>> {
  const { root, unsettled } = folder;
  return {
    link: (from, to, identity, options) => linkObject(folder, { from, to, identity, ...options }),
    settle: () => settleLinks({ root, keys: unsettled }),
    identify: (key) => identify(folder, key),
  };
}

async function assertFolderOrAbsent(root: string): Promise<void> {
  const stats = await guarded(`opening ${root}`, unless(['ENOENT'], lstat(root)));
  if (stats === undefined || stats.isDirectory()) return;
  if (stats.isSymbolicLink()) throw symbolicLink(root);
  throw new HoldfastError('CONFIG_INVALID', `the store ${root} is a file, not a folder`, {
    hint: 'Name a folder.',
  });
}

async function put(
  folder: Folder,
  { key, body, signal }: { key: string; body: Body } & PutOptions,
): Promise<StoredObject> {
  let begun = false as boolean;
  try {
    return await store(folder, { key, signal }, (handle) => {
      begun = true;
      return writeChunks({ key, handle }, chunksOf(body, signal));
    });
  } finally {
    if (!begun) await discard(body);
  }
}

/** Reads and writes every byte: a cloned file would share its blocks, and one bad sector would damage both. */
async function clone(
  folder: Folder,
  { from, to, signal }: { from: string; to: string } & PutOptions,
): Promise<StoredObject> {
  assertKey(from);
  return folder.files.use(from, (source) =>
    store(folder, { key: to, signal }, (handle) => copyFile(source, { key: to, handle }, signal)),
  );
}

async function linkObject(
  folder: Folder,
  { from, to, identity, signal }: { from: string; to: string; identity: Identity } & PutOptions,
): Promise<StoredObject | undefined> {
  assertKey(from);
  assertKey(to);
  throwIfCancelled(signal);
  const { root, unsettled: keys } = folder;
  guardedNow(`looking at ${root}`, () => assertAnchor(folder));
  const linked = await linkFile({ root, keys }, { from, to, identity });
  return linked && { key: to, bytes: linked.bytes, storedAt: new Date(linked.modifiedMs) };
}

/** For the file that is opened now: the next read under this key uses it. */
async function identify({ files }: Folder, key: string): Promise<Identity> {
  assertKey(key);
  files.drop(key);
  return files.use(key, ({ identity }) => Promise.resolve(identity));
}

/**
 * Stores under `key` what `fill` writes. Killed at any moment it leaves the whole object, or a file in `.tmp` that nothing lists and
 * that a later run removes.
 */
async function store(
  folder: Folder,
  { key, signal }: { key: string; signal: AbortSignal | undefined },
  fill: (handle: FileHandle) => Promise<number>,
): Promise<StoredObject> {
  assertKey(key);
  throwIfCancelled(signal);
  // Before a gigabyte is written for nothing; what decides is the commit.
  if ((await statOf(folder.root, key)) !== undefined) throw conflict(key);
  const { path, handle } = await openDraft(folder);
  try {
    const written = await finish(handle, path, fill);
    await sweep(folder, written.storedAt);
    throwIfCancelled(signal);
    // A disk that went meanwhile leaves an empty folder, in which the key's folders would be made.
    guardedNow(`looking at ${folder.root}`, () => assertAnchor(folder));
    await settledBy(folder, key, () =>
      commit({ root: folder.root, key, path, storedAt: written.storedAt }, folder),
    );
    return { key, ...written };
  } finally {
    await removeDraft(path);
  }
}

/** A commit syncs the folders of its key: what was linked into the same ones before it need not be synced again. */
async function settledBy(
  { unsettled }: Folder,
  key: string,
  commits: () => Promise<void>,
): Promise<void> {
  const beside = [...unsettled].filter((linked) => dirname(linked) === dirname(key));
  await commits();
  for (const linked of beside) unsettled.delete(linked);
}

async function finish(
  handle: FileHandle,
  path: string,
  fill: (handle: FileHandle) => Promise<number>,
): Promise<Pick<StoredObject, 'bytes' | 'storedAt'>> {
  try {
    const bytes = await fill(handle);
    // A name for bytes that are not on the disk yet would be an empty file after a power cut.
    await guarded(`syncing ${path}`, handle.sync());
    const stats = await guarded(`looking at ${path}`, handle.stat());
    if (stats.size !== bytes) throw altered(path, stats.size, bytes);
    await guarded(`closing ${path}`, handle.close());
    return { bytes, storedAt: new Date(stats.mtimeMs) };
  } catch (error) {
    // Closed already when it is the close that failed; then, and otherwise, the first error is the one to tell.
    await handle.close().catch(() => undefined);
    throw error;
  }
}

function altered(path: string, found: number, written: number): HoldfastError {
  return new HoldfastError(
    'STORE_UNAVAILABLE',
    `${path} has ${found} bytes after ${written} were written`,
    { hint: 'See whether something else writes into the store, then run it again.' },
  );
}

async function openDraft(folder: Folder): Promise<{ path: string; handle: FileHandle }> {
  const drafts = join(folder.root, WRITING);
  const opening = async () => {
    assertAnchor(folder);
    await makeFolders(folder.root, `${WRITING}/draft`);
    for (let attempt = 0; attempt < NAME_ATTEMPTS; attempt += 1) {
      const path = join(drafts, folder.random());
      const handle = await unless(
        ['EEXIST'],
        open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, FILE_MODE),
      );
      if (handle !== undefined) return { path, handle };
    }
    throw new HoldfastError(
      'STORE_UNAVAILABLE',
      `${drafts} has files of all names that were tried`,
      {
        hint: 'Delete what is in it while no backup runs.',
      },
    );
  };
  return guarded(`writing into ${drafts}`, opening());
}

function assertAnchor({ root, anchor }: Folder): void {
  if (anchor === undefined) return;
  const stats = unlessNow(['ENOENT', 'ENOTDIR'], () => lstatSync(join(root, anchor)));
  if (stats !== undefined) return;
  throw new HoldfastError(
    'STORE_NOT_FOUND',
    `${root} is no store any more: its ${anchor} is gone, and nothing was written there`,
    { hint: 'See whether the disk is still mounted, then run it again.' },
  );
}

async function removeDraft(path: string): Promise<void> {
  // The object is stored, or its error under way: neither may hide behind a file that a later sweep removes.
  await rm(path, { force: true }).catch(() => undefined);
}

/** Removes, once, what runs that were killed have left: what nobody wrote to for a day before `time`, by the same clock. */
async function sweep(folder: Folder, time: Date): Promise<void> {
  if (folder.swept) return;
  folder.swept = true;
  try {
    await sweepFolder(join(folder.root, WRITING), time);
  } catch (error) {
    // What cannot be swept today is swept another day; an object is not lost for that.
    if (errnoOf(error) === undefined) throw error;
  }
}

async function sweepFolder(drafts: string, time: Date): Promise<void> {
  for (const name of await readdir(drafts)) {
    // The lock of the commits has its own way out; what was to become one has not.
    if (name.startsWith('.') && !name.includes('.draft-')) continue;
    const path = join(drafts, name);
    const stats = await unless(['ENOENT'], lstat(path));
    if (stats === undefined || time.getTime() - stats.mtimeMs < LEFTOVER_MS) continue;
    await removeDraft(path);
  }
}

async function head(root: string, key: string): Promise<StoredObject | undefined> {
  assertKey(key);
  const stats = await statOf(root, key);
  return stats?.isFile() === true
    ? { key, bytes: stats.size, storedAt: new Date(stats.mtimeMs) }
    : undefined;
}

async function statOf(root: string, key: string): Promise<Stats | undefined> {
  const looking = async () => {
    const path = pathOfKey(root, key);
    // Whoever looks again and again lets others have a turn.
    if (path === undefined) return turn(undefined);
    const stats = await unless(['ENOENT', 'ENOTDIR'], lstat(path));
    if (stats?.isSymbolicLink() === true) throw symbolicLink(path);
    return stats;
  };
  return guarded(`looking at ${join(root, key)}`, looking());
}

async function read(
  { files, small }: Folder,
  { key, offset, length }: { key: string; offset: number; length: number },
): Promise<Uint8Array<ArrayBuffer>> {
  assertKey(key);
  assert(Number.isSafeInteger(offset) && offset >= 0, `offset ${offset}`);
  assert(Number.isSafeInteger(length) && length >= 0, `length ${length}`);
  if (offset === 0 && length <= SMALL_BYTES && !files.has(key)) return small(key, length);
  return files.use(key, async (file) => {
    const end = offset + length;
    if (end > file.bytes) throw tooShort(key, { bytes: file.bytes, end });
    const piece = new Uint8Array(Buffer.allocUnsafeSlow(length).buffer);
    await readFully(file, piece, offset);
    return piece;
  });
}

async function openObject(root: string, key: string): Promise<OpenFile> {
  const opening = async () => {
    const path = pathOfKey(root, key);
    const handle = path && (await unless(['ENOENT', 'ENOTDIR'], open(path, READING)));
    if (handle === undefined || handle === '') throw notFound(key);
    const stats = await handle.stat({ bigint: true });
    const identity = identityOf(stats);
    if (stats.isFile()) return { key, handle, bytes: identity.bytes, identity };
    await handle.close();
    throw notFound(key);
  };
  return guarded(`opening ${join(root, key)}`, opening());
}

async function release({ root, files }: Folder, key: string): Promise<void> {
  assertKey(key);
  files.drop(key);
  const releasing = async () => {
    const path = pathOfKey(root, key);
    // Whoever releases again and again lets others have a turn.
    if (path === undefined) return turn(undefined);
    // The folder of other keys is no object.
    const stats = await unless(['ENOENT', 'ENOTDIR'], lstat(path));
    if (stats?.isDirectory() === false) await unless(['ENOENT'], unlink(path));
    await removeEmptyFolders(root, key);
  };
  await guarded(`releasing ${join(root, key)}`, releasing());
}

/** The time that the file system gives to a new file: on a network file system, that of its server. */
async function now(folder: Folder): Promise<Date> {
  const { path, handle } = await openDraft(folder);
  try {
    // Empty, so that it works on a full disk as well: a prune has to know the time to make room.
    const { storedAt } = await finish(handle, path, () => Promise.resolve(0));
    return storedAt;
  } finally {
    await removeDraft(path);
  }
}
