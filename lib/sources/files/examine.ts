// Looks at a source as a backup would, without reading a file: what there is, how much, and what could not be read.
import fs from 'node:fs';
import { problemOf } from '../../archive/file-problems.ts';
import type { Problem } from '../../errors.ts';
import { fsPath } from '../../format/paths.ts';
import { walkFiles, type FilesOptions, type FilesSurroundings } from './source.ts';
import { tolerate } from '../tree/tolerate.ts';

/** What a look at a source found. */
export interface ExaminedFiles {
  readonly files: number;
  readonly contentBytes: number;
  /** False when there is more than was looked at: then the numbers are of a part. */
  readonly complete: boolean;
  readonly problems: readonly Problem[];
  /** What the source points to and does not hold: files that Git LFS keeps, submodules that are not checked out. */
  readonly gaps: readonly Problem[];
}

/** Looks at up to `maxEntries` entries of a source. `SOURCE_UNREADABLE` when its folder is missing. */
export function examineFiles(
  options: FilesOptions,
  surroundings: FilesSurroundings,
  maxEntries: number,
): ExaminedFiles {
  const problems: Problem[] = [];
  const gaps: Problem[] = [];
  const onProblem = (problem: Problem) => problems.push(problem);
  const onGap = (gap: Problem) => gaps.push(gap);
  let [entries, files, contentBytes, complete] = [0, 0, 0, true];
  for (const entry of walkFiles(options, surroundings, onProblem, onGap)) {
    if (entries === maxEntries) {
      complete = false;
      break;
    }
    entries += 1;
    contentBytes += entry.size;
    if (entry.readPath === undefined) continue;
    files += 1;
    try {
      fs.accessSync(fsPath(entry.readPath), fs.constants.R_OK);
    } catch (error) {
      problems.push(problemOf(entry.path, error));
    }
  }
  return {
    files,
    contentBytes,
    complete,
    problems: tolerate(problems, options.tolerate),
    gaps: tolerate(gaps, options.tolerate),
  };
}
