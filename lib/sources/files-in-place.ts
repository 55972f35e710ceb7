// Restoring files over a folder in use: only what differs, each entry verified beside its place and renamed into it.
import fs from 'node:fs';
import path from 'node:path';
import { microseconds, problemOf } from '../archive/encode.ts';
import { mtimeSeconds, restoredMode } from '../archive/extract.ts';
import type { SourceEntry } from '../archive/plan.ts';
import { readGroups, type Archive } from '../archive/read.ts';
import { restoreArchive } from '../archive/restore-archive.ts';
import { HoldfastError, type Problem } from '../errors.ts';
import type { IndexEntry } from '../format/archive-index.ts';
import { displayPath, fromUtf8, fsPath } from '../format/paths.ts';
import { archiveTree } from './archive-tree.ts';
import { compareTree } from './compare-tree.ts';
import { bareBytes, openBackupArchive, wantedPaths, wholeTree } from './files-backup.ts';
import type {
  InPlace,
  InPlaceInput,
  InPlacePlan,
  OpenBackup,
  ReadInput,
  ReadResult,
  RestoreResult,
} from './source.ts';

export const filesInPlace: InPlace = { plan, save, apply };

async function plan(backup: OpenBackup, input: InPlaceInput): Promise<InPlacePlan> {
  const archive = await openBackupArchive(backup);
  const problems: Problem[] = [];
  const { owners, pool, signal } = input;
  const {
    differences,
    entries,
    problems: unread,
  } = await compareTree({
    archive,
    found: wholeTree(input.folder, (one) => problems.push(one)),
    wants: wantedPaths(input.paths),
    paths: input.paths.length === 0 ? undefined : bareBytes(input.paths),
    owners,
    times: true,
    pool,
    signal,
    onProgress: undefined,
  });
  assertReadable([...problems, ...unread].filter(({ tolerated }) => tolerated !== true));
  const named = new Set<string>();
  const create: string[] = [];
  for (const { entryPath, change } of differences) {
    if (change === 'unexpected') continue;
    named.add(entryPath);
    if (change === 'missing' && !stands(input.folder, entryPath)) create.push(entryPath);
  }
  const remove = input.remove.filter((one) => stands(input.folder, one)).sort(bytewise);
  return { replace: [...named].sort(bytewise), create, remove, equal: entries - named.size };
}

function bytewise(a: string, b: string): number {
  return a < b ? -1 : 1;
}

/** What cannot be read cannot be saved before it is overwritten. */
function assertReadable(problems: readonly Problem[]): void {
  const [first] = problems;
  if (first === undefined) return;
  throw new HoldfastError(
    'TARGET_REFUSED',
    `${problems.length} entries of the target cannot be read and so not be saved, first ${first.path}: ${first.detail}`,
    {
      hint: 'Run as a user that may read all of the target, or restore to a new folder with --to.',
    },
  );
}

function stands(folder: string, entryPath: string): boolean {
  return lookAt(`${fromUtf8(folder)}/${entryPath.replace(/\/$/, '')}`) !== undefined;
}

/** What stands at an absolute byte string; nothing also where a file is in the place of a folder above it. */
function lookAt(at: string): fs.BigIntStats | undefined {
  try {
    return fs.lstatSync(fsPath(at), { throwIfNoEntry: false, bigint: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') return undefined;
    throw error;
  }
}

async function save(plan: InPlacePlan, input: InPlaceInput, into: ReadInput): Promise<ReadResult> {
  const problems: Problem[] = [];
  const stored = await archiveTree(into, {
    entries: toSave(
      plan,
      wholeTree(input.folder, (one) => problems.push(one)),
    ),
    encoding: { codec: 'gzip', level: 1 },
    times: 'recorded',
  });
  const lost = [...problems, ...stored.problems].filter(({ tolerated }) => tolerated !== true);
  assertReadable(lost);
  return { ...stored, git: undefined, package: undefined };
}

/** Everything that stands where something is replaced or removed, with all below it where a directory gives way. */
function* toSave(plan: InPlacePlan, live: Iterable<SourceEntry>): Generator<SourceEntry> {
  const touched = new Set([...plan.replace, ...plan.remove].map((one) => one.replace(/\/$/, '')));
  const directories = new Set(plan.replace.filter((one) => one.endsWith('/')));
  let below: string | undefined;
  for (const entry of live) {
    const bare = entry.path.replace(/\/$/, '');
    const inside = below !== undefined && entry.path.startsWith(below);
    if (!inside && !touched.has(bare)) continue;
    yield entry;
    // A directory that stays a directory gives way to nothing: what is below it is named, or not touched.
    if (!inside)
      below = entry.type === 'directory' && !directories.has(entry.path) ? entry.path : undefined;
  }
}

async function apply(
  backup: OpenBackup,
  plan: InPlacePlan,
  input: InPlaceInput & { random: string },
): Promise<RestoreResult> {
  const archive = await openBackupArchive(backup);
  const parent = path.dirname(input.folder);
  const staging = path.join(parent, `.${path.basename(input.folder)}.holdfast-${input.random}`);
  const change = new Change(input, staging);
  await fs.promises.mkdir(path.join(staging, 'new'), { recursive: true, mode: 0o700 });
  await fs.promises.mkdir(path.join(staging, 'old'), { mode: 0o700 });
  try {
    const replace = new Set(plan.replace);
    const { pool, signal, owners, onProgress } = input;
    const restored = await restoreArchive(archive, {
      root: `${fromUtf8(staging)}/new/`,
      paths: [],
      only: replace,
      write: { owners },
      pool,
      signal,
      onProgress: ({ entries, bytes }) => onProgress?.({ entries, bytes, totalBytes: undefined }),
    });
    const damaged = new Set(restored.problems.map((one) => one.path));
    const [first] = restored.problems;
    if (first !== undefined && damaged.size === replace.size) {
      throw new HoldfastError(
        'BACKUP_DAMAGED',
        `nothing could be restored, first ${first.path}: ${first.detail}`,
      );
    }
    change.removeAll(plan.remove);
    await change.replaceAll(
      archive,
      (entry) => replace.has(entry.path) && !damaged.has(displayPath(entry.path)),
    );
    return { ...restored, problems: [...restored.problems, ...change.problems] };
  } finally {
    await fs.promises.rm(staging, { recursive: true, force: true });
  }
}

/** Moves entries between the folder and the staging area beside it; every step is a rename on one file system. */
class Change {
  readonly problems: Problem[] = [];
  private readonly root: string;
  private readonly staging: string;
  private readonly owners: boolean;
  private readonly directories: IndexEntry[] = [];
  private readonly checked = new Set<string>(['']);
  /** Directories that stood there, and their times: a rename in one changes its time, though nothing of the backup does. */
  private readonly found = new Map<string, number>();
  private moved = 0;

  constructor(input: InPlaceInput, staging: string) {
    this.root = `${fromUtf8(input.folder)}/`;
    this.staging = `${fromUtf8(staging)}/`;
    this.owners = input.owners;
  }

  /** Deepest first; a directory that still holds something is left where it is. */
  removeAll(paths: readonly string[]): void {
    for (const one of [...paths].reverse()) {
      try {
        this.assertParents(one);
        if (one.endsWith('/')) this.removeDirectory(one);
        else this.moveAway(one);
      } catch (error) {
        this.problems.push(problemOf(one, error));
      }
    }
  }

  private removeDirectory(directory: string): void {
    try {
      fs.rmdirSync(fsPath(this.root + directory));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOTEMPTY') throw error;
    }
  }

  private moveAway(entryPath: string): void {
    const at = this.root + entryPath.replace(/\/$/, '');
    fs.renameSync(fsPath(at), fsPath(`${this.staging}old/${this.moved++}`));
  }

  async replaceAll(archive: Archive, wants: (entry: IndexEntry) => boolean): Promise<void> {
    for await (const { entries } of readGroups(archive)) {
      for (const entry of entries) {
        if (!wants(entry)) continue;
        try {
          this.assertParents(entry.path);
          if (entry.type === 'directory') this.takeDirectory(entry);
          else this.take(entry);
        } catch (error) {
          this.problems.push(problemOf(entry.path, error));
        }
      }
    }
    this.giveTimesBack();
    // Deepest first: a directory's time changes when something in it is renamed.
    for (const directory of this.directories.reverse()) this.finishDirectory(directory);
  }

  private takeDirectory(entry: IndexEntry): void {
    const bare = entry.path.slice(0, -1);
    const live = this.stat(bare);
    if (live !== undefined && !live.isDirectory()) this.moveAway(bare);
    if (live?.isDirectory() !== true) fs.mkdirSync(fsPath(this.root + bare), { mode: 0o700 });
    this.checked.add(bare);
    this.directories.push(entry);
  }

  private take(entry: IndexEntry): void {
    // A rename replaces files and links, never a directory: that one moves away, and was saved.
    if (this.stat(entry.path)?.isDirectory() === true) this.moveAway(entry.path);
    fs.renameSync(fsPath(`${this.staging}new/${entry.path}`), fsPath(this.root + entry.path));
  }

  private stat(entryPath: string): fs.BigIntStats | undefined {
    return lookAt(this.root + entryPath);
  }

  /** Every folder above must be a real one: through a link, the entry would land outside. Absent ones are made. */
  private assertParents(entryPath: string): void {
    const bare = entryPath.replace(/\/$/, '');
    const slash = bare.lastIndexOf('/');
    if (slash < 0) return;
    const parent = bare.slice(0, slash);
    if (this.checked.has(parent)) return;
    this.assertParents(parent);
    const stats = this.stat(parent);
    if (stats === undefined) fs.mkdirSync(fsPath(this.root + parent), { mode: 0o755 });
    else if (!stats.isDirectory()) {
      throw new HoldfastError(
        'PATH_UNSAFE',
        `${displayPath(parent)} is no folder, so nothing is put below it`,
      );
    } else this.found.set(parent, microseconds(stats.mtimeNs));
    this.checked.add(parent);
  }

  private giveTimesBack(): void {
    for (const [directory, mtimeMicroseconds] of this.found) {
      // Gone, or given way to something else, when the restore was to remove it.
      if (this.stat(directory)?.isDirectory() !== true) continue;
      const seconds = mtimeSeconds({ mtimeMicroseconds });
      if (seconds === undefined) continue;
      try {
        fs.utimesSync(fsPath(this.root + directory), seconds, seconds);
      } catch (error) {
        this.problems.push(problemOf(directory, error));
      }
    }
  }

  private finishDirectory(entry: IndexEntry): void {
    const at = fsPath(this.root + entry.path);
    try {
      if (this.owners) fs.chownSync(at, entry.uid, entry.gid);
      fs.chmodSync(at, restoredMode(entry, { owners: this.owners }));
      const seconds = mtimeSeconds(entry);
      if (seconds !== undefined) fs.utimesSync(at, seconds, seconds);
    } catch (error) {
      this.problems.push(problemOf(entry.path, error));
    }
  }
}
