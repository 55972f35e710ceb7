// Looks at a folder that is, or is to be, a store: room, rights, what its file system can do, and what runs have left behind.
import { constants } from 'node:fs';
import {
  access,
  link,
  lstat,
  mkdir,
  readdir,
  readFile,
  rm,
  stat,
  statfs,
  writeFile,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { errnoOf, unless } from './errors.ts';

/** The file system below a path. */
export interface Ground {
  /** The path, or the nearest folder above it that exists. */
  readonly at: string;
  /** Whether this user may make files in `at`. */
  readonly writable: boolean;
  readonly device: number;
  readonly mode: number;
  /** Free for this user. */
  readonly freeBytes: number;
  readonly totalBytes: number;
  /** How many more files fit; undefined where the file system has no such limit. */
  readonly freeFiles: number | undefined;
}

/** What the file system of a store can do. */
export interface Abilities {
  readonly hardLinks: boolean;
  readonly distinguishesCase: boolean;
}

/** A lock that lies in a store. */
export interface LockFile {
  readonly path: string;
  /** What its holder wrote into it. */
  readonly text: string;
}

/** What lies in a store and is no object. */
export interface Leftovers {
  readonly locks: readonly LockFile[];
  /** Files that were being written, and their bytes; of runs under way, too. */
  readonly drafts: number;
  readonly draftBytes: number;
}

const NONE = ['ENOENT', 'ENOTDIR'];
const WRITING = '.tmp';

/** What is known of the place at `path`, which need not exist. Throws what the system says when nothing above it can be looked at. */
export async function examineGround(path: string): Promise<Ground> {
  const stats = await unless(NONE, stat(path));
  if (stats === undefined && path !== dirname(path)) return examineGround(dirname(path));
  const { dev, mode } = stats ?? (await stat(path));
  const space = await statfs(path);
  const writable = await access(path, constants.W_OK | constants.X_OK).then(
    () => true,
    () => false,
  );
  return {
    at: path,
    writable,
    device: dev,
    mode: mode & 0o7777,
    freeBytes: space.bavail * space.bsize,
    totalBytes: space.blocks * space.bsize,
    freeFiles: space.files > 0 ? space.ffree : undefined,
  };
}

/** Tries the file system of the store at `root`, which must exist and be writable, with files that it removes again. */
export async function examineAbilities(root: string, random: string): Promise<Abilities> {
  const folder = join(root, WRITING);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const [first, second] = [join(folder, `probe-${random}`), join(folder, `probe-${random}-link`)];
  try {
    await writeFile(first, '', { flag: 'wx', mode: 0o600 });
    const hardLinks = await link(first, second).then(
      () => true,
      (error: unknown) => {
        if (errnoOf(error) === undefined) throw error;
        return false;
      },
    );
    const upper = await unless(NONE, lstat(join(folder, `PROBE-${random}`)));
    return { hardLinks, distinguishesCase: upper === undefined };
  } finally {
    await rm(second, { force: true });
    await rm(first, { force: true });
  }
}

/** Locks and unfinished files in the store at `root`; none where there is no store. */
export async function findLeftovers(root: string): Promise<Leftovers> {
  const locks: LockFile[] = [];
  let [drafts, draftBytes] = [0, 0];
  for (const folder of [root, join(root, WRITING)]) {
    for (const name of (await unless(NONE, readdir(folder))) ?? []) {
      const path = join(folder, name);
      if (name.startsWith('.') && name.endsWith('.lock')) {
        const text = await unless(NONE, readFile(path, 'utf8'));
        if (text !== undefined) locks.push({ path, text: text.trim().slice(0, 400) });
      } else if (folder !== root) {
        const stats = await unless(NONE, lstat(path));
        if (stats?.isFile() !== true) continue;
        drafts += 1;
        draftBytes += stats.size;
      }
    }
  }
  return { locks, drafts, draftBytes };
}
