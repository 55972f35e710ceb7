// The folders of a store: made private, made durable, and never a symbolic link that would lead out of it.
import { lstatSync } from 'node:fs';
import { mkdir, open, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { HoldfastError } from '../../errors.ts';
import { errnoOf, unless, unlessNow } from './errors.ts';

const FOLDER_MODE = 0o700;
// What file systems answer that know no sync of a folder (FUSE, SMB, FAT): there is nothing more to be done on them.
const NO_FOLDER_SYNC = ['EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'];

/**
 * The path of `key` below `root`, or undefined when one of its folders does not exist. `PATH_UNSAFE` when one is a symbolic link.
 *
 * Folders are looked at without waiting: a look takes less than a wait for it, and each artifact of a run is looked for several times.
 */
export function pathOfKey(root: string, key: string): string | undefined {
  return foldersOf(root, key).every(isFolder) ? join(root, key) : undefined;
}

/** Makes the folders that `key` lies in, the root included, with mode 0700; `STORE_CONFLICT` when a key is where a folder must be. */
export async function makeFolders(root: string, key: string): Promise<void> {
  if (!isFolder(root)) await makeRoot(root);
  for (const folder of foldersOf(root, key)) {
    if (isFolder(folder)) continue;
    // Another writer may make it first.
    await unless(['EEXIST'], mkdir(folder, FOLDER_MODE));
    if (isFolder(folder)) continue;
    if (unlessNow(['ENOENT'], () => lstatSync(folder)) === undefined) continue;
    throw new HoldfastError(
      'STORE_CONFLICT',
      `"${key}" cannot be stored: ${folder} is a file, not a folder`,
      { hint: 'Remove what does not belong into the store.' },
    );
  }
}

/**
 * Makes durable that `key` is in its folder, and each folder in the one above. All of them, as another writer may have made one a
 * moment ago and not have synced it yet.
 */
export async function syncFolders(root: string, key: string): Promise<void> {
  // At once: a journal that is flushed for one of them is flushed for all.
  await Promise.all(foldersOf(root, key).map(syncFolder));
}

/** Removes the folders of `key` that are empty, never the root, and makes that durable. */
export async function removeEmptyFolders(root: string, key: string): Promise<void> {
  for (const folder of foldersOf(root, key).slice(1).reverse()) {
    try {
      await rmdir(folder);
    } catch (error) {
      // Whatever the reason, an empty folder that stays harms nobody; most often it is not empty.
      if (errnoOf(error) !== 'ENOENT') break;
    }
  }
  await syncFolders(root, key);
}

/** Whether `path` is a folder; `PATH_UNSAFE` when it is a symbolic link. */
function isFolder(path: string): boolean {
  const stats = unlessNow(['ENOENT', 'ENOTDIR'], () => lstatSync(path));
  if (stats?.isSymbolicLink() === true) throw symbolicLink(path);
  return stats?.isDirectory() ?? false;
}

/** The refusal of a symbolic link at `path`. */
export function symbolicLink(path: string): HoldfastError {
  return new HoldfastError(
    'PATH_UNSAFE',
    `${path} is a symbolic link, which a store must not hold or be`,
    {
      hint: 'Name the folder that it leads to, or remove it.',
    },
  );
}

/** The root and the folders of `key`, from the outermost to the innermost. */
export function foldersOf(root: string, key: string): string[] {
  const folders = [root];
  for (const part of key.split('/').slice(0, -1)) folders.push(join(folders.at(-1) ?? root, part));
  return folders;
}

async function makeRoot(root: string): Promise<void> {
  const first = await mkdir(root, { recursive: true, mode: FOLDER_MODE });
  if (first === undefined) return;
  for (let made = root; made.length >= first.length; made = dirname(made)) {
    await syncFolder(dirname(made));
  }
}

async function syncFolder(folder: string): Promise<void> {
  // Absent when all of it was released meanwhile.
  const handle = await unless(['ENOENT'], open(folder, 'r'));
  if (handle === undefined) return;
  try {
    await unless(NO_FOLDER_SYNC, handle.sync());
  } finally {
    await handle.close();
  }
}
