// Gives a finished file its key: all at once, and only if nobody has the key.
import { link, lstat, rename } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { HoldfastError } from '../../errors.ts';
import { errnoOf, guarded, storeError, unless } from './errors.ts';
import { makeFolders, syncFolders } from './folders.ts';
import { withLocalLock } from './lock.ts';

// FAT, exFAT, some FUSE and network file systems.
const NO_LINKS = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'];
// How often the folders of a key may vanish under a writer, as a release removes those that are empty.
const ATTEMPTS = 20;
const LOCK_WAIT_MS = 10;
const LOCK_ATTEMPTS = 3_000;

/** What is to get a key: a file in the same file system, complete, synced and closed. */
export interface Finished {
  readonly root: string;
  readonly key: string;
  readonly path: string;
  /** When it was written, by the clock of the file system. */
  readonly storedAt: Date;
}

/**
 * Gives `finished` its key, durably. `STORE_CONFLICT` when the key exists. Its path may be left behind, as a second name of it.
 *
 * A hard link is the one call that refuses an existing name and shows all or nothing; a rename replaces what is there. Where there
 * are no links, a lock in the store surrounds "look, then rename": a crash within leaves the whole object or none, and a lock
 * that the next writer takes over.
 */
export async function commit(finished: Finished, options: { hardLinks: boolean }): Promise<void> {
  const { root, key } = finished;
  const target = join(root, key);
  for (let attempt = 1; ; attempt += 1) {
    try {
      await makeFolders(root, key);
      await (options.hardLinks ? linkTo(target, finished) : renameTo(target, finished));
      break;
    } catch (error) {
      if (errnoOf(error) === 'ENOENT' && attempt < ATTEMPTS) continue;
      throw storeError(error, `storing ${target}`);
    }
  }
  await guarded(`syncing the folders of ${target}`, syncFolders(root, key));
}

/** The refusal of a `key` that exists. */
export function conflict(key: string): HoldfastError {
  return new HoldfastError('STORE_CONFLICT', `"${key}" is in the store already`, {
    hint: 'Nothing is ever overwritten; another run has stored it.',
  });
}

async function linkTo(target: string, finished: Finished): Promise<void> {
  try {
    await link(finished.path, target);
  } catch (error) {
    const errno = errnoOf(error) ?? '';
    if (NO_LINKS.includes(errno)) return renameTo(target, finished);
    if (errno !== 'EEXIST') throw error;
    // A network file system may repeat a link whose answer was lost, and then finds its own.
    if (!(await isSame(finished.path, target))) throw conflict(finished.key);
  }
}

async function isSame(a: string, b: string): Promise<boolean> {
  const [one, other] = await Promise.all([a, b].map((path) => unless(['ENOENT'], lstat(path))));
  return one !== undefined && one.ino === other?.ino && one.dev === other.dev;
}

// The lock is for other processes: those of this one would only hold each other up by looking for it again and again.
let lastRename: Promise<void> = Promise.resolve();

function renameTo(target: string, finished: Finished): Promise<void> {
  const renamed = lastRename.then(() => renameLocked(target, finished));
  const nothing = () => undefined;
  lastRename = renamed.then(nothing, nothing);
  return renamed;
}

async function renameLocked(target: string, { path, key, storedAt }: Finished): Promise<void> {
  const holder = { pid: process.pid, host: hostname(), begin: storedAt };
  for (let attempt = 1; ; attempt += 1) {
    try {
      await withLocalLock(dirname(path), 'commit', holder, async () => {
        if ((await unless(['ENOENT'], lstat(target))) !== undefined) throw conflict(key);
        await rename(path, target);
      });
      return;
    } catch (error) {
      const held = error instanceof HoldfastError && error.code === 'LOCKED';
      if (!held || attempt >= LOCK_ATTEMPTS) throw error;
      await wait(LOCK_WAIT_MS);
    }
  }
}
