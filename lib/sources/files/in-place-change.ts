// Moves entries between a folder and the staging places of its file systems. Each step is a rename, and counted when it is done.
import fs from 'node:fs';
import { reasonOf } from '../../archive/file-problems.ts';
import { keepDirectory } from '../../archive/read/metadata.ts';
import { UnkeptList, type Ownership } from '../../archive/read/ownership.ts';
import { HoldfastError, type Problem } from '../../errors.ts';
import type { IndexEntry } from '../../format/archive-index.ts';
import { displayPath, fsPath } from '../../format/paths.ts';
import { removeTree } from '../tree/remove-tree.ts';
import type { InPlaceDone } from '../source.ts';
import type { Staging } from './staging.ts';
import { lookAt } from '../tree/standing-entry.ts';
import type { TouchedFolders } from './touched-folders.ts';

export interface ChangeInput {
  /** The folder, an absolute byte string that ends in `/`. */
  readonly root: string;
  readonly staging: Staging;
  readonly touched: TouchedFolders;
  readonly ownership: Ownership;
  /** Told of each step when it is done. */
  readonly done: InPlaceDone;
}

/** One change of a folder; what could not be done is in `problems`, and the rest is done. */
export class Change {
  readonly problems: Problem[] = [];
  readonly unkept = new UnkeptList();
  private readonly input: ChangeInput;
  private readonly directories = new Map<string, IndexEntry>();
  private readonly checked = new Set<string>(['']);

  constructor(input: ChangeInput) {
    this.input = input;
  }

  /** Deepest first; a directory that still holds something is left where it is, and named. */
  remove(paths: readonly string[]): void {
    for (const one of [...paths].reverse()) {
      this.attempt(one, () => {
        this.enter(one);
        if (one.endsWith('/')) this.removeDirectory(one);
        else {
          this.moveAway(one);
          this.input.done.removed.push(one);
        }
      });
    }
  }

  private removeDirectory(directory: string): void {
    try {
      fs.rmdirSync(fsPath(this.at(directory)));
      this.input.done.removed.push(directory);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOTEMPTY') throw error;
      const detail = 'still holds something, and is left';
      const path = displayPath(directory);
      this.problems.push({ path, code: 'left', detail, tolerated: true });
    }
  }

  /** Puts `entries`, in ascending order, in their places. */
  replace(entries: readonly IndexEntry[]): void {
    for (const entry of entries) {
      this.attempt(entry.path, () => {
        this.enter(entry.path);
        if (entry.type === 'directory') this.putDirectory(entry);
        else this.put(entry.path);
        this.input.done.replaced.push(entry.path);
      });
    }
  }

  /** Gives directories what the backup says of them, and those that were only touched what they had. */
  finish(): void {
    const { touched, ownership } = this.input;
    const how = { ownership, unkept: this.unkept };
    const failed = touched.settle(this.directories.keys(), (folder) => {
      const entry = this.directories.get(folder);
      if (entry === undefined || this.stats(folder)?.isDirectory() !== true) return false;
      keepDirectory(this.at(folder), entry, how);
      return true;
    });
    this.problems.push(...failed);
  }

  private putDirectory(entry: IndexEntry): void {
    const bare = entry.path.slice(0, -1);
    const live = this.stats(bare);
    if (live?.isDirectory() !== true) {
      this.inPlaceOf(live !== undefined, bare, () =>
        fs.mkdirSync(fsPath(this.at(bare)), { mode: 0o700 }),
      );
    }
    this.checked.add(bare);
    this.directories.set(bare, entry);
  }

  private put(path: string): void {
    const { fresh } = this.input.staging.placeFor(path);
    // A rename replaces files and links, never a directory: that one moves away, and was saved.
    this.inPlaceOf(this.stats(path)?.isDirectory() === true, path, () =>
      fs.renameSync(fsPath(fresh + path), fsPath(this.at(path))),
    );
  }

  /** What stands there and cannot be overwritten moves away first, and comes back when its place is not taken. */
  private inPlaceOf(standing: boolean, bare: string, take: () => void): void {
    const back = standing ? this.moveAway(bare) : undefined;
    try {
      take();
    } catch (error) {
      if (back !== undefined) fs.renameSync(fsPath(back), fsPath(this.at(bare)));
      throw error;
    }
  }

  /** Where it is now; undefined when it had to be removed. */
  private moveAway(bare: string): string | undefined {
    const { staging, touched } = this.input;
    const to = staging.spare(staging.placeFor(bare));
    const directory = this.stats(bare)?.isDirectory() === true;
    // A directory names the one above it, so that moving it is writing in it.
    if (directory) touched.touch(bare);
    try {
      fs.renameSync(fsPath(this.at(bare)), fsPath(to));
      return to;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // In the layers of a container a directory cannot be renamed. It was saved, and so can be removed.
      if (!directory || code !== 'EXDEV') throw error;
      removeTree(fsPath(this.at(bare)));
      return undefined;
    }
  }

  private at(path: string): string {
    return this.input.root + path.replace(/\/$/, '');
  }

  private stats(path: string): fs.BigIntStats | undefined {
    return lookAt(this.at(path));
  }

  /** Makes ready what is above an entry: each must be a real folder, as through a link it would land outside. Absent ones are made. */
  private enter(entryPath: string): void {
    const bare = entryPath.replace(/\/$/, '');
    const folder = bare.slice(0, Math.max(0, bare.lastIndexOf('/')));
    this.assertFolder(folder);
    this.input.touched.touch(folder);
  }

  private assertFolder(folder: string): void {
    if (this.checked.has(folder)) return;
    const parent = folder.slice(0, Math.max(0, folder.lastIndexOf('/')));
    this.assertFolder(parent);
    const stats = this.stats(folder);
    if (stats === undefined) {
      this.input.touched.touch(parent);
      fs.mkdirSync(fsPath(this.at(folder)), { mode: 0o755 });
    } else if (!stats.isDirectory()) {
      throw new HoldfastError(
        'PATH_UNSAFE',
        `${displayPath(folder)} is no folder, so nothing is put below it`,
      );
    }
    this.checked.add(folder);
  }

  private attempt(entryPath: string, change: () => void): void {
    try {
      change();
    } catch (error) {
      const known = error instanceof HoldfastError && error.code === 'PATH_UNSAFE';
      if (!known && (error as NodeJS.ErrnoException).code === undefined) throw error;
      const detail = known ? error.message : reasonOf(error);
      this.problems.push({ path: displayPath(entryPath), code: 'unwritten', detail });
    }
  }
}
