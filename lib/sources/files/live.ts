// Compares a backup of files with its source as it is now: with what a run would take now, not with all that stands there.
import fs from 'node:fs';
import type { Problem } from '../../errors.ts';
import { fsPath } from '../../format/paths.ts';
import type { SourceEntry } from '../../archive/write/plan.ts';
import { compareTree, type TreeDifference } from '../tree/compare.ts';
import { archiveOf } from '../tree/opened-archive.ts';
import { ownershipOf } from '../tree/owner-names.ts';
import type { CompareLive, ComparedLive, OpenBackup } from '../source.ts';

/** The source as a run would take it now. */
export interface LiveTree {
  /** An absolute byte string without links that ends in `/`. */
  readonly root: string;
  /** In ascending order of their paths. */
  readonly entries: (onProblem: (problem: Problem) => void) => Iterable<SourceEntry>;
}

/** `Source.compareLive` of files. */
export async function compareFilesLive(
  backup: OpenBackup,
  { root, entries }: LiveTree,
  { pool, signal, onProgress }: CompareLive,
): Promise<ComparedLive> {
  const problems: Problem[] = [];
  const compared = await compareTree({
    archive: archiveOf(backup),
    found: entries((one) => problems.push(one)),
    wants: () => true,
    ownership: await ownershipOf('all', backup.manifest.owners),
    times: true,
    pool,
    signal,
    onProgress: ({ entries: seen, bytes }) =>
      onProgress?.({
        entries: seen,
        bytes,
        totalBytes: backup.manifest.totals.contentBytes,
      }),
  });
  const isLeftOut = ({ change, entryPath }: TreeDifference) =>
    change === 'missing' && stands(root, entryPath);
  const [leftOut, differences] = partition(compared.differences, isLeftOut);
  return {
    ...compared,
    differences,
    leftOut: leftOut.map(({ path }) => path),
    problems: [...problems, ...compared.problems],
  };
}

function partition<T>(all: readonly T[], first: (one: T) => boolean): [T[], T[]] {
  const parts: [T[], T[]] = [[], []];
  for (const one of all) parts[first(one) ? 0 : 1].push(one);
  return parts;
}

/**
 * True when something of the entry's sort stands at its place, so that it was passed over rather than lost; also when the place
 * cannot be looked at. What is only reached through a link stands elsewhere.
 */
function stands(root: string, path: string): boolean {
  const bare = path.replace(/\/$/, '');
  const folder = withoutSlash(root + bare.slice(0, Math.max(0, bare.lastIndexOf('/'))));
  try {
    const stats = fs.lstatSync(fsPath(root + bare), { throwIfNoEntry: false });
    if (stats === undefined || stats.isDirectory() !== path.endsWith('/')) return false;
    return fs.realpathSync(fsPath(folder), { encoding: 'latin1' }) === folder;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    // Not to be allowed to look is no proof that it is gone; the walk has reported the place.
    return code !== 'ENOENT';
  }
}

function withoutSlash(folder: string): string {
  return folder.replace(/\/+$/, '') || '/';
}
