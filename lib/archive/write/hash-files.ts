// Digests of files as they are on disk now: the work of a worker.
import crypto from 'node:crypto';
import fs from 'node:fs';
import type { Problem } from '../../errors.ts';
import { fsPath } from '../../format/paths.ts';
import { problemOf } from '../file-problems.ts';

export interface FilesToHash {
  /** `readPath` is absolute; `path` is what problems are reported under. Byte strings. */
  readonly files: readonly { readonly path: string; readonly readPath: string }[];
}

const FLAGS = fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK;
const buffer = Buffer.allocUnsafeSlow(1 << 20);

/** The SHA-256 of each file in hex; undefined, with a problem, where it cannot be read. */
export function hashFiles(job: FilesToHash): {
  digests: (string | undefined)[];
  problems: Problem[];
} {
  const problems: Problem[] = [];
  const digests = job.files.map(({ path, readPath }) => {
    try {
      return hashFile(readPath);
    } catch (error) {
      problems.push(problemOf(path, error));
      return undefined;
    }
  });
  return { digests, problems };
}

function hashFile(path: string): string {
  const fd = fs.openSync(fsPath(path), FLAGS);
  try {
    const first = fs.readSync(fd, buffer);
    if (first < buffer.length) {
      // A short read of a regular file is its end, unless another read says otherwise.
      const more = fs.readSync(fd, buffer, first, buffer.length - first, null);
      if (more === 0) return crypto.hash('sha256', buffer.subarray(0, first), 'hex');
      return hashRest(fd, first + more);
    }
    return hashRest(fd, first);
  } finally {
    fs.closeSync(fd);
  }
}

function hashRest(fd: number, have: number): string {
  const hash = crypto.createHash('sha256').update(buffer.subarray(0, have));
  for (;;) {
    const n = fs.readSync(fd, buffer);
    if (n === 0) return hash.digest('hex');
    hash.update(buffer.subarray(0, n));
  }
}
