// Where a restore in place writes what it will put into a folder: beside it, and below it at the top of each file system that is mounted
// there, since a rename never leads from one mount to another.
import fs from 'node:fs';
import path from 'node:path';
import { fromUtf8, fsPath } from '../../format/paths.ts';
import { removeTree } from '../tree/remove-tree.ts';
import { stagingName } from '../../format/staging-name.ts';
import { lookAt } from '../tree/standing-entry.ts';

/** A private folder from which everything below one mount can be reached by a rename. */
export interface StagingPlace {
  /** An absolute byte string that ends in `/`. */
  readonly fresh: string;
  /** What gives way is moved here. */
  readonly old: string;
}

/** The staging places of one restore, made as they are needed. */
export class Staging {
  private readonly folder: string;
  private readonly root: string;
  private readonly name: string;
  private readonly mounts: ReadonlySet<string>;
  private readonly tops = new Map<string, string>();
  private readonly places = new Map<string, StagingPlace>();
  private readonly made: string[] = [];
  private readonly touch: (bare: string) => void;
  private moved = 0;

  /** For the absolute `folder`; `random` makes names that nobody else uses; `touch` is called before a place is made in a folder of it. */
  constructor(folder: string, random: string, touch: (bare: string) => void) {
    this.folder = folder;
    this.touch = touch;
    this.root = `${fromUtf8(folder)}/`.replace(/^\/\/$/, '/');
    this.name = stagingName(folder, random);
    this.mounts = mountPoints();
  }

  /** The place for the entry at `entryPath`, a byte string without a closing slash. */
  placeFor(entryPath: string): StagingPlace {
    const slash = entryPath.lastIndexOf('/');
    const top = this.topOf(entryPath.slice(0, Math.max(0, slash)));
    const known = this.places.get(top);
    if (known !== undefined) return known;
    const place = this.make(top);
    this.places.set(top, place);
    return place;
  }

  /** A name in a place that is not taken yet. */
  spare({ old }: StagingPlace): string {
    return `${old}${this.moved++}`;
  }

  remove(): void {
    for (const one of this.made) removeTree(fsPath(one));
  }

  /** The highest folder, relative to the root, from which `folder` is reached without leaving its file system. */
  private topOf(folder: string): string {
    if (folder === '') return '';
    const known = this.tops.get(folder);
    if (known !== undefined) return known;
    const slash = folder.lastIndexOf('/');
    const parent = folder.slice(0, Math.max(0, slash));
    const above = this.topOf(parent);
    const at = this.root + folder;
    const stats = lookAt(at);
    // What is not there yet is made where its parent is.
    const crosses =
      stats?.isDirectory() === true &&
      (this.mounts.has(at) || stats.dev !== lookAt(withoutSlash(this.root + parent))?.dev);
    const top = crosses ? folder : above;
    this.tops.set(folder, top);
    return top;
  }

  private make(top: string): StagingPlace {
    const at = (top === '' ? this.makeBeside() : undefined) ?? this.makeInside(top);
    this.made.push(at);
    const place = { fresh: `${at}/new/`, old: `${at}/old/` };
    fs.mkdirSync(fsPath(place.fresh), { mode: 0o700 });
    fs.mkdirSync(fsPath(place.old), { mode: 0o700 });
    return place;
  }

  /** Beside the folder, out of sight of what serves it; undefined where that is another file system, or may not be written. */
  private makeBeside(): string | undefined {
    const parent = path.dirname(this.folder);
    const own = lookAt(withoutSlash(this.root));
    const crosses =
      parent === this.folder ||
      this.mounts.has(withoutSlash(this.root)) ||
      own?.dev !== lookAt(fromUtf8(parent))?.dev;
    if (crosses) return undefined;
    try {
      return this.makeIn(`${fromUtf8(parent)}/`.replace(/^\/\/$/, '/'));
    } catch (error) {
      if (!NOT_WRITABLE.includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
      return undefined;
    }
  }

  private makeInside(top: string): string {
    this.touch(top);
    return this.makeIn(`${this.root}${top === '' ? '' : `${top}/`}`);
  }

  private makeIn(folder: string): string {
    const at = folder + fromUtf8(this.name);
    fs.mkdirSync(fsPath(at), { mode: 0o700 });
    return at;
  }
}

const NOT_WRITABLE: readonly string[] = ['EACCES', 'EPERM', 'EROFS'];

function withoutSlash(folder: string): string {
  return folder.replace(/\/+$/, '') || '/';
}

/** Absolute byte strings; empty where the system does not list them, and device numbers alone tell. */
export function mountPoints(): ReadonlySet<string> {
  let text: string;
  try {
    text = fs.readFileSync('/proc/self/mountinfo', 'latin1');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== undefined) return new Set();
    throw error;
  }
  const points = text.split('\n').map((line) => line.split(' ')[4] ?? '');
  return new Set(
    points.map((one) =>
      one.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8))),
    ),
  );
}
