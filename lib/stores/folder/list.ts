// Lists a folder as keys, one folder in memory at a time.
import { lstatSync, readdirSync, type BigIntStats } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { isKeyPart } from '../keys.ts';
import { guardedNow, unlessNow } from './errors.ts';
import { pathOfKey } from './folders.ts';
import type { StoredObject } from '../store.ts';

const GONE = ['ENOENT', 'ENOTDIR'];
// How many files are looked at before somebody else has a turn.
const BATCH = 64;
// What is written gets its key at once, or nearly so.
const SOON_MS = 60_000;

/**
 * The objects below `root` whose keys start with `prefix`, in the bytewise order of the keys. What is no regular file, or has a
 * name that no key has (all that begins with a dot), is left out; `PATH_UNSAFE` when a folder of the prefix is a symbolic link.
 */
export async function* listFolder(root: string, prefix: string): AsyncGenerator<StoredObject> {
  const parent = prefix.slice(0, prefix.lastIndexOf('/') + 1);
  const path = guardedNow(`listing ${join(root, prefix)}`, () => pathOfKey(root, `${parent}x`));
  if (path === undefined) return;
  let looked = 0;
  for (const objects of walk(root, parent, prefix)) {
    yield* objects;
    looked += objects.length;
    if (looked < BATCH) continue;
    looked = 0;
    await turn();
  }
}

/**
 * Without waiting for each file: as promises, which change threads each time, the same calls take five times as long, and a listing is
 * little else.
 */
function* walk(root: string, parent: string, prefix: string): Generator<StoredObject[]> {
  const names = namesIn(root, parent);
  let files: string[] = [];
  for (const key of names.map((name) => parent + name).filter((key) => key.startsWith(prefix))) {
    const isFolder = key.endsWith('/');
    if (!isFolder) files.push(key);
    if (isFolder || files.length >= BATCH) {
      yield look(root, parent, files);
      files = [];
    }
    // All below starts with the prefix, as the folder does.
    if (isFolder) yield* walk(root, key, prefix);
  }
  yield look(root, parent, files);
}

/** The names of files, and of folders with a slash behind: so sorted, the keys below a folder come where they belong. */
function namesIn(root: string, parent: string): string[] {
  const path = join(root, parent);
  const reading = () => unlessNow(GONE, () => readdirSync(path, { withFileTypes: true }));
  const entries = guardedNow(`listing ${path}`, reading) ?? [];
  return entries
    .filter((entry) => isKeyPart(entry.name) && (entry.isFile() || entry.isDirectory()))
    .map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name))
    .sort();
}

function look(root: string, parent: string, keys: readonly string[]): StoredObject[] {
  if (keys.length === 0) return [];
  // After their names were read: so it changed no earlier than the last of them was made.
  const folder = statOf(join(root, parent));
  return keys.flatMap((key) => {
    const stats = statOf(`${root}/${key}`);
    return stats?.isFile() === true ? [objectOf(key, stats, folder ?? stats)] : [];
  });
}

function statOf(path: string): BigIntStats | undefined {
  return guardedNow(`listing ${path}`, () =>
    unlessNow(GONE, () => lstatSync(path, { bigint: true })),
  );
}

/**
 * A link is as old as its file, and a run under way must not look as if it had been given up weeks ago. It was made no later than its
 * folder last changed, nor than its file last got or lost a name. (A file that has one name may have been a link a moment ago.)
 */
function objectOf(key: string, file: BigIntStats, folder: BigIntStats): StoredObject {
  const storedMs = msOf(file.mtimeNs);
  const keyedMs = Math.min(msOf(file.ctimeNs), msOf(folder.mtimeNs));
  return {
    key,
    bytes: Number(file.size),
    storedAt: new Date(storedMs),
    ...(keyedMs > storedMs + SOON_MS && { keyedAt: new Date(keyedMs) }),
    ...(file.nlink > 1n && { shared: String(file.ino) }),
  };
}

function msOf(nanoseconds: bigint): number {
  return Number(nanoseconds / 1_000_000n);
}
