// Lists a folder as keys, one folder in memory at a time.
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isKeyPart } from '../keys.ts';
import { guarded, unless } from './errors.ts';
import { pathOfKey } from './folders.ts';
import type { StoredObject } from '../store.ts';

const GONE = ['ENOENT', 'ENOTDIR'];
// How many files are looked at together; the threads that do it are four.
const BATCH = 32;

/**
 * The objects below `root` whose keys start with `prefix`, in the bytewise order of the keys. What is no regular file, or has a
 * name that no key has (all that begins with a dot), is left out; `PATH_UNSAFE` when a folder of the prefix is a symbolic link.
 */
export async function* listFolder(root: string, prefix: string): AsyncGenerator<StoredObject> {
  const parent = prefix.slice(0, prefix.lastIndexOf('/') + 1);
  if ((await guarded(`listing ${join(root, prefix)}`, pathOfKey(root, `${parent}x`))) === undefined)
    return;
  yield* walk(root, parent, prefix);
}

async function* walk(root: string, parent: string, prefix: string): AsyncGenerator<StoredObject> {
  const names = await namesIn(root, parent);
  let files: string[] = [];
  for (const key of names.map((name) => parent + name).filter((key) => key.startsWith(prefix))) {
    const isFolder = key.endsWith('/');
    if (!isFolder) files.push(key);
    if (isFolder || files.length >= BATCH) {
      yield* await look(root, files);
      files = [];
    }
    // All below starts with the prefix, as the folder does.
    if (isFolder) yield* walk(root, key, prefix);
  }
  yield* await look(root, files);
}

/** The names of files, and of folders with a slash behind: so sorted, the keys below a folder come where they belong. */
async function namesIn(root: string, parent: string): Promise<string[]> {
  const path = join(root, parent);
  const reading = unless(GONE, readdir(path, { withFileTypes: true }));
  const entries = (await guarded(`listing ${path}`, reading)) ?? [];
  return entries
    .filter((entry) => isKeyPart(entry.name) && (entry.isFile() || entry.isDirectory()))
    .map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name))
    .sort();
}

async function look(root: string, keys: readonly string[]): Promise<StoredObject[]> {
  const objects = await Promise.all(
    keys.map(async (key): Promise<StoredObject | undefined> => {
      const stats = await guarded(
        `listing ${join(root, key)}`,
        unless(GONE, lstat(join(root, key))),
      );
      return stats?.isFile() === true
        ? { key, bytes: stats.size, storedAt: new Date(stats.mtimeMs) }
        : undefined;
    }),
  );
  return objects.filter((object) => object !== undefined);
}
