// Reads small files synchronously: a look at a store reads hundreds of manifests and records, and each wait takes longer than the reading.
import { closeSync, constants, fstatSync, lstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { HoldfastError } from '../../errors.ts';
import { guardedNow, unlessNow } from './errors.ts';
import { foldersOf, symbolicLink } from './folders.ts';
import { tooShort } from './write.ts';

/** What is no longer is read so. */
export const SMALL_BYTES = 64 << 10;

/** How objects are opened: without O_NONBLOCK, a FIFO in the place of one would hold the reader for ever. */
export const READING = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

const GONE = ['ENOENT', 'ENOTDIR'];

/** Gives the first bytes of an object, exactly so many; throws as `read` of a store does. */
export type ReadSmall = (key: string, length: number) => Uint8Array<ArrayBuffer>;

/** Reads below `root`. */
export function smallReader(root: string): ReadSmall {
  // What was found to be a folder is not looked at again before somebody else had a turn.
  const folders = new Set<string>();
  const isFolder = (path: string): boolean => {
    if (folders.has(path)) return true;
    const stats = unlessNow(GONE, () => lstatSync(path));
    if (stats?.isSymbolicLink() === true) throw symbolicLink(path);
    if (stats?.isDirectory() !== true) return false;
    if (folders.size === 0) setImmediate(() => folders.clear());
    folders.add(path);
    return true;
  };
  const open = (key: string): number => {
    const path = join(root, key);
    const found = foldersOf(root, key).every(isFolder)
      ? unlessNow(GONE, () => openSync(path, READING))
      : undefined;
    if (found === undefined) throw notFound(key);
    return found;
  };
  return (key, length) =>
    guardedNow(`reading ${join(root, key)}`, () => {
      const descriptor = open(key);
      try {
        if (!fstatSync(descriptor).isFile()) throw notFound(key);
        return readFirst(descriptor, key, length);
      } finally {
        closeSync(descriptor);
      }
    });
}

function readFirst(descriptor: number, key: string, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let filled = 0; filled < length;) {
    const read = readSync(descriptor, bytes, filled, length - filled, filled);
    if (read === 0) throw tooShort(key, { bytes: filled, end: length });
    filled += read;
  }
  return bytes;
}

/** The error that nothing lies under `key`. */
export function notFound(key: string): HoldfastError {
  return new HoldfastError('BACKUP_NOT_FOUND', `the store holds no "${key}"`, {
    hint: '`holdfast list` shows what is there.',
  });
}
