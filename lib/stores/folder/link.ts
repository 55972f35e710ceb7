// Gives an object of a folder a second key: a hard link, where the file system makes true ones.
import { linkSync, lstatSync, type BigIntStats } from 'node:fs';
import { unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Identity } from '../store.ts';
import { conflict } from './commit.ts';
import { errnoOf, guarded, guardedNow, storeError, unless, unlessNow } from './errors.ts';
import { makeFolders, pathOfKey, syncFolders } from './folders.ts';

// What file systems answer that make no links, or no more of this file, or not for this user; and what is gone is found by a copy.
const NO_LINK = [
  ...['EPERM', 'EACCES', 'EMLINK', 'EXDEV', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EINVAL', 'ENOENT'],
];
// A link changes the file and its folder in one moment; file systems tell times to two seconds.
const SAME_MOMENT_NS = 2_000_000_000n;

/** Links that are to be made durable, by their keys. */
export interface Unsettled {
  readonly root: string;
  readonly keys: Set<string>;
}

/**
 * Gives the file of `from` the key `to`; undefined, and `to` is not there, where that is to be a copy. `STORE_CONFLICT` when `to`
 * exists. It is not durable yet.
 */
export async function linkFile(
  { root, keys }: Unsettled,
  { from, to, identity }: { from: string; to: string; identity: Identity },
): Promise<{ bytes: number; modifiedMs: number } | undefined> {
  const source = guardedNow(`looking at ${join(root, from)}`, () => pathOfKey(root, from));
  if (source === undefined) return undefined;
  const target = join(root, to);
  try {
    await makeFolders(root, to);
    linkSync(source, target);
  } catch (error) {
    const errno = errnoOf(error) ?? '';
    if (NO_LINK.includes(errno)) return undefined;
    if (errno !== 'EEXIST') throw storeError(error, `linking ${target}`);
    // A network file system may repeat a link whose answer was lost, and then finds its own.
    if (!isLinked(source, target, identity)) throw conflict(to);
  }
  const stats = guardedNow(`looking at ${target}`, () => statOf(target));
  if (stats === undefined || !isLinked(source, target, identity)) {
    // Nobody else has a name with our random part in it.
    await guarded(`removing ${target}`, unless(['ENOENT'], unlink(target)));
    return undefined;
  }
  keys.add(to);
  return { bytes: Number(stats.size), modifiedMs: Number(stats.mtimeNs / 1_000_000n) };
}

/** Makes durable what was linked until now: each folder is synced once. */
export async function settleLinks({ root, keys }: Unsettled): Promise<void> {
  const linked = [...keys];
  const oneOfEach = new Map(linked.map((key) => [dirname(key), key])).values();
  await guarded(
    `syncing the folders of what was linked in ${root}`,
    Promise.all([...oneOfEach].map((key) => syncFolders(root, key))),
  );
  for (const key of linked) keys.delete(key);
}

/** Both names must show one file, that which was meant, and the file system must have noted when it was linked: its age tells. */
function isLinked(source: string, target: string, identity: Identity): boolean {
  const [one, other, folder] = guardedNow(`looking at ${target}`, () =>
    [source, target, dirname(target)].map(statOf),
  );
  if (one === undefined || other === undefined || folder === undefined) return false;
  const isOne = one.ino === other.ino && one.dev === other.dev && other.isFile();
  return isOne && isSame(identityOf(other), identity) && notesLinks(other, folder);
}

function notesLinks(file: BigIntStats, folder: BigIntStats): boolean {
  return file.nlink > 1n && file.ctimeNs + SAME_MOMENT_NS >= folder.mtimeNs;
}

/** What a file is, by its `stat`. */
export function identityOf({
  ino,
  mtimeNs,
  size,
}: {
  ino: bigint;
  mtimeNs: bigint;
  size: bigint;
}): Identity {
  return { inode: String(ino), modified: String(mtimeNs), bytes: Number(size) };
}

function isSame(a: Identity, b: Identity): boolean {
  return a.inode === b.inode && a.modified === b.modified && a.bytes === b.bytes;
}

function statOf(path: string): BigIntStats | undefined {
  return unlessNow(['ENOENT', 'ENOTDIR'], () => lstatSync(path, { bigint: true }));
}
