// What stands in a folder at one path, as an entry of an archive; by the path alone, without walking the folder.
import fs from 'node:fs';
import type { BigIntStats } from 'node:fs';
import type { Problem } from '../../errors.ts';
import { problemOf } from '../../archive/file-problems.ts';
import { microseconds } from '../../archive/write/stats.ts';
import type { SourceEntry } from '../../archive/write/plan.ts';
import { statLine } from '../../archive/write/stats.ts';
import { displayPath, fsPath } from '../../format/paths.ts';

/** Smaller files are not looked at for holes: file systems differ in how they count their blocks. */
const HOLES_FROM_BYTES = 64n << 10n;

/** The entry that `stats` make; links are without their target. `root` ends in `/`, `path` does when it is a directory's. */
export function standingEntry(
  root: string,
  path: string,
  type: 'file' | 'directory' | 'symlink',
  stats: BigIntStats,
): SourceEntry {
  const file = type === 'file';
  return {
    path,
    type,
    size: file ? Number(stats.size) : 0,
    mode: Number(stats.mode & 0o7777n),
    uid: Number(stats.uid),
    gid: Number(stats.gid),
    mtimeMicroseconds: microseconds(stats.mtimeNs),
    linkTarget: undefined,
    readPath: file ? root + path : undefined,
    stat: file ? statLine(stats) : '',
    shared: false,
    holes: file && stats.size >= HOLES_FROM_BYTES && stats.blocks * 512n + 4096n < stats.size,
  };
}

/** What stands at an absolute byte string; nothing also where a file is in the place of a folder above it. */
export function lookAt(at: string): BigIntStats | undefined {
  try {
    return fs.lstatSync(fsPath(at), { throwIfNoEntry: false, bigint: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') return undefined;
    throw error;
  }
}

/** A folder of which single paths are looked at. Paths are byte strings; those of entries end in `/` when they are directories. */
export class Standing {
  /** An absolute byte string that ends in `/`. */
  readonly root: string;
  private readonly onProblem: (problem: Problem) => void;
  private readonly folders = new Map<string, boolean>([['', true]]);

  constructor(root: string, onProblem: (problem: Problem) => void) {
    this.root = root;
    this.onProblem = onProblem;
  }

  /**
   * The entry that stands at `path`, with or without its closing slash; undefined where there is none, or none that an archive holds.
   * What is only reached through a link stands elsewhere. A file with several names is a file at each of them.
   */
  at(path: string): SourceEntry | undefined {
    const bare = path.replace(/\/$/, '');
    const stats = this.stats(bare);
    if (stats === undefined) return undefined;
    if (stats.isDirectory()) return standingEntry(this.root, `${bare}/`, 'directory', stats);
    if (stats.isSymbolicLink()) return this.link(bare, stats);
    if (stats.isFile()) {
      const shared = stats.nlink > 1n;
      return { ...standingEntry(this.root, bare, 'file', stats), shared };
    }
    const detail =
      'what stands there is no file, folder or link, and holds nothing that could be kept';
    this.onProblem({ path: displayPath(bare), code: 'skipped', detail, tolerated: true });
    return undefined;
  }

  /** Everything below the directory entry `directory`, in no order. */
  *below(directory: string): Generator<SourceEntry> {
    for (const name of this.names(directory)) {
      const entry = this.at(directory + name);
      if (entry === undefined) continue;
      yield entry;
      if (entry.type === 'directory') yield* this.below(entry.path);
    }
  }

  /** Whatever it is that stands there, and is not reached through a link. */
  stats(bare: string): BigIntStats | undefined {
    try {
      const slash = bare.lastIndexOf('/');
      return this.isFolder(bare.slice(0, Math.max(0, slash)))
        ? lookAt(this.root + bare)
        : undefined;
    } catch (error) {
      this.onProblem(problemOf(bare, error));
      return undefined;
    }
  }

  private isFolder(bare: string): boolean {
    const known = this.folders.get(bare);
    if (known !== undefined) return known;
    const is = this.stats(bare)?.isDirectory() === true;
    this.folders.set(bare, is);
    return is;
  }

  private link(bare: string, stats: BigIntStats): SourceEntry | undefined {
    try {
      const linkTarget = fs.readlinkSync(fsPath(this.root + bare), { encoding: 'latin1' });
      return { ...standingEntry(this.root, bare, 'symlink', stats), linkTarget };
    } catch (error) {
      this.onProblem(problemOf(bare, error));
      return undefined;
    }
  }

  private names(directory: string): string[] {
    try {
      return fs.readdirSync(fsPath(this.root + directory), { encoding: 'latin1' });
    } catch (error) {
      this.onProblem(problemOf(directory, error));
      return [];
    }
  }
}

/** `entries` in ascending order, where names of one file after the first are hard links to it. */
export function inOrder(entries: Iterable<SourceEntry>): SourceEntry[] {
  const sorted = [...entries].sort((a, b) => (a.path < b.path ? -1 : 1));
  const firsts = new Map<string, string>();
  return sorted.map((entry) => {
    const { readPath, shared } = entry;
    const stats = shared && readPath !== undefined ? lookAt(readPath) : undefined;
    if (stats === undefined) return entry;
    const identity = `${stats.dev}:${stats.ino}`;
    const linkTarget = firsts.get(identity);
    if (linkTarget === undefined) {
      firsts.set(identity, entry.path);
      return entry;
    }
    return {
      ...entry,
      type: 'hardlink',
      size: 0,
      linkTarget,
      readPath: undefined,
      shared: false,
      holes: false,
    };
  });
}
