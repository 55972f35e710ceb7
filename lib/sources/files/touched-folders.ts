// The folders in which a restore in place makes, renames or removes something: opened for that where their owner may not write in them,
// and afterwards as they were.
import fs from 'node:fs';
import process from 'node:process';
import { reasonOf } from '../../archive/file-problems.ts';
import { microseconds } from '../../archive/write/stats.ts';
import { mtimeSeconds } from '../../archive/read/metadata.ts';
import type { Problem } from '../../errors.ts';
import { displayPath, fsPath } from '../../format/paths.ts';
import { lookAt } from '../tree/standing-entry.ts';

interface AsFound {
  readonly inode: bigint;
  readonly mode: number;
  readonly mtimeMicroseconds: number;
}

const WRITABLE = fs.constants.W_OK | fs.constants.X_OK;

/** Folders are relative to the root, without a closing slash; the root itself is the empty string. */
export class TouchedFolders {
  private readonly root: string;
  private readonly found = new Map<string, AsFound>();

  /** `root` is an absolute byte string that ends in `/`. */
  constructor(root: string) {
    this.root = root;
  }

  /** To be called before something in `folder` changes. */
  touch(folder: string): void {
    if (this.found.has(folder)) return;
    const stats = lookAt(this.at(folder));
    if (stats?.isDirectory() !== true) return;
    const mode = Number(stats.mode & 0o7777n);
    this.found.set(folder, {
      inode: stats.ino,
      mode,
      mtimeMicroseconds: microseconds(stats.mtimeNs),
    });
    this.open(folder, stats);
  }

  /** Lets the owner of a folder write in it. What is another's stays closed, and what is to be done there will be refused. */
  private open(folder: string, stats: fs.BigIntStats): void {
    const at = fsPath(this.at(folder));
    try {
      fs.accessSync(at, WRITABLE);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === undefined) throw error;
      const own = stats.uid === BigInt(process.geteuid?.() ?? -1);
      if (code === 'EACCES' && own) fs.chmodSync(at, Number(stats.mode & 0o7777n) | 0o700);
    }
  }

  /** Calls `finish` for each touched or named folder, deepest first; true for those that are as they should be then. Others are given back. */
  settle(named: Iterable<string>, finish: (folder: string) => boolean): Problem[] {
    const problems: Problem[] = [];
    const folders = [...new Set([...this.found.keys(), ...named])].sort((a, b) => (a < b ? 1 : -1));
    for (const folder of folders) {
      try {
        if (!finish(folder)) this.giveBack(folder);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === undefined) throw error;
        const detail = `is not as it was found: ${reasonOf(error)}`;
        // Only its owner can set the time of a folder; anyone who writes in it changes it.
        problems.push({ path: displayPath(folder), code: 'time', detail, tolerated: true });
      }
    }
    return problems;
  }

  private giveBack(folder: string): void {
    const before = this.found.get(folder);
    const stats = lookAt(this.at(folder));
    // Another one stands there now, or nothing.
    if (before === undefined || stats?.ino !== before.inode) return;
    const at = fsPath(this.at(folder));
    const seconds = mtimeSeconds(before);
    if (Number(stats.mode & 0o7777n) !== before.mode) fs.chmodSync(at, before.mode);
    const later = microseconds(stats.mtimeNs) !== before.mtimeMicroseconds;
    if (later && seconds !== undefined) fs.utimesSync(at, seconds, seconds);
  }

  private at(folder: string): string {
    return (this.root + folder).replace(/\/+$/, '') || '/';
  }
}
