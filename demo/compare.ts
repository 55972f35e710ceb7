// Compares two folders byte by byte, by plain reading: independent of everything that made or restored the backup.
import fs from 'node:fs';
import { displayPath, fromUtf8, fsPath } from '../lib/format/paths.ts';

export interface CompareOptions {
  /** Names that are passed over, at any depth. */
  readonly without: ReadonlySet<string>;
  /** Paths of the original that the copy lacks for a reason that was said. */
  readonly leftOut: ReadonlySet<string>;
  /** What of the original changed after this is counted apart: somebody is at work there. */
  readonly since: Date;
  /** Modes too; `tar` applies the user's umask, Holdfast does not. */
  readonly modes: boolean;
}

export interface FolderComparison {
  readonly files: number;
  readonly bytes: number;
  readonly differences: readonly string[];
  /** The files of the original that changed after the backup. */
  readonly changed: readonly string[];
}

/** Every way in which `copy` differs from `original`. Times are not compared. */
export function compareFolders(
  original: string,
  copy: string,
  options: CompareOptions,
): FolderComparison {
  const comparison = new Comparison(fromUtf8(original), fromUtf8(copy), options);
  comparison.folder('');
  return comparison;
}

const CHUNK_BYTES = 1 << 20;

class Comparison implements FolderComparison {
  files = 0;
  bytes = 0;
  readonly differences: string[] = [];
  readonly changed: string[] = [];
  private readonly original: string;
  private readonly copy: string;
  private readonly options: CompareOptions;
  private readonly chunks = [Buffer.alloc(CHUNK_BYTES), Buffer.alloc(CHUNK_BYTES)] as const;

  constructor(original: string, copy: string, options: CompareOptions) {
    this.original = original;
    this.copy = copy;
    this.options = options;
  }

  /** @param path - relative, ending in `/`; empty for the root */
  folder(path: string): void {
    const [there, here] = [names(this.original, path), names(this.copy, path)];
    for (const name of new Set([...there, ...here])) {
      if (this.options.without.has(name)) continue;
      const at = path + name;
      if (!here.has(name)) this.absent(at);
      else if (!there.has(name)) this.differ(at, 'is only in the copy');
      else this.entry(at);
    }
  }

  private absent(path: string): void {
    const { leftOut } = this.options;
    if (leftOut.has(displayPath(path)) || leftOut.has(displayPath(`${path}/`))) return;
    this.differ(path, 'is not in the copy');
  }

  private entry(path: string): void {
    const [a, b] = [stat(this.original, path), stat(this.copy, path)];
    if (kindOf(a) !== kindOf(b))
      this.differ(path, `is a ${kindOf(a)}, and a ${kindOf(b)} in the copy`);
    else if (a.isDirectory()) this.folder(`${path}/`);
    else if (a.isSymbolicLink()) this.link(path);
    else if (a.isFile()) this.file(path, a.size, b.size);
    const bits = 0o1777;
    if (!this.options.modes || a.isSymbolicLink() || (a.mode & bits) === (b.mode & bits)) return;
    this.differ(
      path,
      `has mode ${(a.mode & bits).toString(8)}, not ${(b.mode & bits).toString(8)}`,
    );
  }

  private link(path: string): void {
    const [a, b] = [this.original, this.copy].map((root) =>
      fs.readlinkSync(fsPath(`${root}/${path}`), { encoding: 'latin1' }),
    );
    if (a !== b) this.differ(path, 'is a link to somewhere else');
  }

  private file(path: string, size: number, copied: number): void {
    this.files++;
    this.bytes += size;
    if (size !== copied) this.differ(path, `has ${size} bytes, ${copied} in the copy`);
    else if (!this.sameContent(path)) this.differ(path, 'has other bytes in the copy');
  }

  private sameContent(path: string): boolean {
    const [a, b] = [this.original, this.copy].map((root) =>
      fs.openSync(fsPath(`${root}/${path}`), 'r'),
    );
    if (a === undefined || b === undefined) return false;
    try {
      const [left, right] = this.chunks;
      for (;;) {
        const read = fs.readSync(a, left);
        if (read !== fs.readSync(b, right)) return false;
        if (!left.subarray(0, read).equals(right.subarray(0, read))) return false;
        if (read === 0) return true;
      }
    } finally {
      fs.closeSync(a);
      fs.closeSync(b);
    }
  }

  private differ(path: string, how: string): void {
    const { since } = this.options;
    const list = isChangedSince(this.original, path, since) ? this.changed : this.differences;
    list.push(`${displayPath(path)} ${how}`);
  }
}

/**
 * True when what stands in the folder `root` at `path` changed at or after `since`. What is gone has changed the folder that it was in.
 * Byte strings.
 */
export function isChangedSince(root: string, path: string, since: Date): boolean {
  const here = fsPath(`${root}/${path}`);
  const above = fsPath(`${root}/${path.slice(0, path.lastIndexOf('/') + 1)}`);
  const stats =
    fs.lstatSync(here, { throwIfNoEntry: false }) ?? fs.lstatSync(above, { throwIfNoEntry: false });
  return stats === undefined || stats.ctimeMs >= since.getTime();
}

function names(root: string, path: string): Set<string> {
  return new Set(fs.readdirSync(fsPath(`${root}/${path}`), { encoding: 'latin1' }).sort());
}

function stat(root: string, path: string): fs.Stats {
  return fs.lstatSync(fsPath(`${root}/${path}`));
}

function kindOf(stats: fs.Stats): string {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'folder';
  return stats.isSymbolicLink() ? 'link' : 'special file';
}
