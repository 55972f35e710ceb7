// Walks a tree in the order of an archive: synchronously and lazily, so that memory follows the largest directory, not the tree.
import fs from 'node:fs';
import type { BigIntStats } from 'node:fs';
import type { Problem } from '../../errors.ts';
import { problemOf } from '../../archive/file-problems.ts';
import type { SourceEntry } from '../../archive/write/plan.ts';
import { isKeyPath, isOwnPath, KEYS_DIRECTORY } from '../../format/own-paths.ts';
import { displayPath, fsPath } from '../../format/paths.ts';
import { findSecret, type ReadHead } from './secrets.ts';
import type { FolderRules } from '../git/gitignore.ts';
import type { Scope, Selector } from './select.ts';
import { isPointer, mayBePointer, MAX_POINTER_BYTES, speaksOfLfs } from '../git/lfs.ts';
import { readHead, readSmallFile } from './small-file.ts';
import { isStagingName } from '../../format/staging-name.ts';
import { repositoryAt } from '../git/working-tree.ts';
import { standingEntry } from './standing-entry.ts';

export interface WalkOptions {
  /** Absolute, as a byte string that ends in `/`. */
  readonly root: string;
  readonly selector: Selector;
  readonly secrets: 'exclude' | 'include';
  readonly times: 'recorded' | 'content';
  readonly oneFileSystem: boolean;
  /** True to take what a restored backup of a bucket has in `.holdfast/keys/`. */
  readonly objectKeys?: boolean;
  /** Directories never to be entered, as `device:inode`: the store, for one, when it lies inside the source. */
  readonly leaveOut: ReadonlySet<string>;
  /** True to leave out what a run of Holdfast has put into the tree to work in, and may have left there. */
  readonly withoutStaging?: boolean;
  /** Called for whatever is not taken although it was selected. */
  readonly onProblem: (problem: Problem) => void;
  /** Called for what is taken and holds nothing but a pointer of Git LFS; absent to look at none. */
  readonly onGap?: ((problem: Problem) => void) | undefined;
  /** Whether attributes from outside the root have Git LFS keep something. */
  readonly lfs?: boolean;
}

/** What is larger is no list of patterns. */
const MAX_GITIGNORE_BYTES = 1 << 20;

interface Folder {
  /** Relative to the root, ending in `/`; empty for the root. */
  readonly path: string;
  readonly scope: Scope;
  /** Names in the order of the archive; those of directories end in `/`. */
  readonly names: readonly string[];
  /** True where attributes have Git LFS keep something. */
  readonly lfs: boolean;
  next: number;
  /** A directory entry that is only taken once something below it is. */
  pending: SourceEntry | undefined;
}

/** The entries of a tree in ascending order of their paths. */
export function* walk(options: WalkOptions): Generator<SourceEntry> {
  const walker = new Walker(options);
  yield* walker.entries();
}

/** `device:inode`, by which a directory is known whatever path leads to it. */
export function folderIdentity(stats: BigIntStats): string {
  return `${stats.dev}:${stats.ino}`;
}

class Walker {
  private readonly options: WalkOptions;
  private readonly stack: Folder[] = [];
  private readonly links = new Map<string, string>();
  private device = 0n;

  constructor(options: WalkOptions) {
    this.options = options;
  }

  *entries(): Generator<SourceEntry> {
    const { root, selector } = this.options;
    this.device = fs.statSync(fsPath(root), { bigint: true }).dev;
    this.push('', (rules) => selector.open(rules), undefined);
    for (;;) {
      const folder = this.stack.at(-1);
      if (folder === undefined) return;
      const name = folder.names[folder.next++];
      if (name === undefined) {
        this.stack.pop();
        continue;
      }
      const entry = name.endsWith('/')
        ? this.visitFolder(folder, name)
        : this.visitFile(folder, name);
      if (entry === undefined) continue;
      for (const open of this.stack) {
        if (open.pending !== undefined) yield open.pending;
        open.pending = undefined;
      }
      yield entry;
    }
  }

  private push(path: string, open: (rules?: FolderRules) => Scope, pending?: SourceEntry): void {
    const names = this.list(path);
    const lfs = (this.stack.at(-1)?.lfs ?? this.options.lfs === true) || this.namesLfs(path, names);
    const scope = open(this.rulesOf(path, names));
    this.stack.push({ path, scope, names, lfs, next: 0, pending });
  }

  private list(path: string): string[] {
    try {
      const found = fs.readdirSync(fsPath(this.options.root + path), {
        withFileTypes: true,
        encoding: 'latin1',
      });
      return found.map((one) => (one.isDirectory() ? `${one.name}/` : one.name)).sort(bytewise);
    } catch (error) {
      // An unreadable root is the whole source; anything below it is a part that is missing.
      if (path === '') throw error;
      this.options.onProblem(problemOf(path, error));
      return [];
    }
  }

  private rulesOf(path: string, names: readonly string[]): FolderRules {
    if (!this.options.selector.wantsGitignore) return {};
    const nested = path !== '' && names.some((name) => name === '.git' || name === '.git/');
    return {
      gitignore: names.includes('.gitignore') ? this.readGitignore(path) : undefined,
      repository: nested ? repositoryAt(fsPath(this.options.root + path)) : undefined,
    };
  }

  private namesLfs(path: string, names: readonly string[]): boolean {
    if (this.options.onGap === undefined || !names.includes('.gitattributes')) return false;
    const file = fsPath(`${this.options.root}${path}.gitattributes`);
    const text = readSmallFile(file, MAX_GITIGNORE_BYTES);
    return text !== undefined && speaksOfLfs(Buffer.from(text).toString('latin1'));
  }

  private readGitignore(path: string): Uint8Array | undefined {
    const file = `${path}.gitignore`;
    const text = readSmallFile(fsPath(this.options.root + file), MAX_GITIGNORE_BYTES);
    if (text === undefined) {
      // Nothing is missing for that: what it would have left out is taken.
      this.note(file, 'its rules do not hold: it is a link, or cannot be read', 'unreadable');
    }
    return text;
  }

  private visitFolder(folder: Folder, nameWithSlash: string): SourceEntry | undefined {
    const name = nameWithSlash.slice(0, -1);
    const path = folder.path + nameWithSlash;
    if (this.options.objectKeys === true && KEYS_DIRECTORY.startsWith(path)) {
      // Restored beside the rest, and no entry itself.
      this.push(path, () => folder.scope.enter(name));
      return undefined;
    }
    if (this.isOwn(path)) return undefined;
    const selection = folder.scope.select(name, true);
    if (selection === 'skip') return undefined;
    const stats = this.stat(path.slice(0, -1));
    if (stats === undefined) return undefined;
    if (!stats.isDirectory()) {
      this.options.onProblem({
        path: displayPath(path),
        code: 'changed',
        detail: 'was a directory a moment ago',
      });
      return undefined;
    }
    if (this.options.leaveOut.has(folderIdentity(stats)) || this.isStaging(path, name))
      return undefined;
    const entry = this.entry(path, 'directory', stats);
    if (this.options.oneFileSystem && stats.dev !== this.device) {
      this.note(path, 'what is mounted here is on another file system');
      return selection === 'take' ? entry : undefined;
    }
    const enter = (rules?: FolderRules) => folder.scope.enter(name, rules);
    this.push(path, enter, selection === 'take' ? undefined : entry);
    return selection === 'take' ? entry : undefined;
  }

  private visitFile(folder: Folder, name: string): SourceEntry | undefined {
    const path = folder.path + name;
    if (this.isOwn(path) || folder.scope.select(name, false) !== 'take') return undefined;
    const stats = this.stat(path);
    if (stats === undefined) return undefined;
    if (stats.isSymbolicLink()) return this.symlink(path, stats);
    if (!stats.isFile()) {
      this.note(path, `a ${specialKind(stats)} holds nothing that could be kept`);
      return undefined;
    }
    if (!folder.scope.isExplicit(name) && this.isSecret(path)) return undefined;
    if (folder.lfs) this.tellPointer(path, stats);
    return this.file(path, stats);
  }

  private tellPointer(path: string, stats: BigIntStats): void {
    if (!mayBePointer(Number(stats.size))) return;
    const head = readHead(fsPath(this.options.root + path), MAX_POINTER_BYTES);
    if (head === undefined || !isPointer(head.bytes)) return;
    const detail =
      'is kept by Git LFS: the backup holds its pointer alone; `git lfs pull` brings the content';
    this.options.onGap?.({ path: displayPath(path), code: 'lfs-pointer', detail });
  }

  private isOwn(path: string): boolean {
    if (!isOwnPath(path) || (this.options.objectKeys === true && isKeyPath(path))) return false;
    this.note(path, 'this name is kept for what an archive says of itself');
    return true;
  }

  private isStaging(path: string, name: string): boolean {
    if (this.options.withoutStaging !== true || !isStagingName(name)) return false;
    this.note(path, 'a restore by Holdfast works in this folder, or was killed and left it');
    return true;
  }

  private stat(path: string): BigIntStats | undefined {
    try {
      return fs.lstatSync(fsPath(this.options.root + path), { bigint: true });
    } catch (error) {
      this.options.onProblem(problemOf(path, error));
      return undefined;
    }
  }

  private isSecret(path: string): boolean {
    if (this.options.secrets === 'include') return false;
    const found = findSecret(path, this.headOf(path));
    if (found === undefined) return false;
    const { reason, leaveOut } = found;
    if (leaveOut) this.note(path, `it holds ${reason}`, 'secret');
    else {
      const detail = `it holds ${reason}, and is taken: who reads the backup can read it`;
      this.note(path, detail, 'secret-taken');
    }
    return leaveOut;
  }

  private headOf(path: string): ReadHead {
    return (maxBytes) => readHead(fsPath(this.options.root + path), maxBytes);
  }

  /** What is decided by rule is listed and does not make a run partial. */
  private note(path: string, detail: string, code = 'skipped'): void {
    this.options.onProblem({ path: displayPath(path), code, detail, tolerated: true });
  }

  private symlink(path: string, stats: BigIntStats): SourceEntry | undefined {
    try {
      const target = fs.readlinkSync(fsPath(this.options.root + path), { encoding: 'latin1' });
      return { ...this.entry(path, 'symlink', stats), linkTarget: target };
    } catch (error) {
      this.options.onProblem(problemOf(path, error));
      return undefined;
    }
  }

  private file(path: string, stats: BigIntStats): SourceEntry {
    const entry = this.entry(path, 'file', stats);
    if (stats.nlink < 2n) return entry;
    const identity = folderIdentity(stats);
    const first = this.links.get(identity);
    if (first === undefined) {
      this.links.set(identity, path);
      return { ...entry, shared: true };
    }
    return {
      ...entry,
      type: 'hardlink',
      size: 0,
      linkTarget: first,
      readPath: undefined,
      holes: false,
    };
  }

  private entry(
    path: string,
    type: 'file' | 'directory' | 'symlink',
    stats: BigIntStats,
  ): SourceEntry {
    const entry = standingEntry(this.options.root, path, type, stats);
    return this.options.times === 'content' ? { ...entry, mtimeMicroseconds: undefined } : entry;
  }
}

function bytewise(a: string, b: string): number {
  return a < b ? -1 : 1;
}

function specialKind(stats: BigIntStats): string {
  if (stats.isFIFO()) return 'FIFO';
  if (stats.isSocket()) return 'socket';
  return 'device';
}
