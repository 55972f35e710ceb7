// Reads files that may change while they are read. Synchronous; a call to the thread pool per file would cost more than the file.
import fs from 'node:fs';
import type { Problem } from '../../errors.ts';
import { displayPath, fsPath } from '../../format/paths.ts';
import { problemOf } from '../file-problems.ts';
import { SPLIT_BYTES, type SourceEntry } from './plan.ts';
import type { Scratch } from './scratch.ts';
import { microseconds, statLine } from './stats.ts';

const READ_FLAGS = fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK;
const ATTEMPTS = 3;
/** A file that grows while it is read is taken up to this size. */
const MAX_GROWN_BYTES = 4 * SPLIT_BYTES;

export interface ReadFile {
  readonly meta: {
    size: number;
    mode: number;
    uid: number;
    gid: number;
    mtimeMicroseconds: number | undefined;
  };
  readonly stat: string;
}

/**
 * Reads a file into `scratch` from `at` on, until it did not change meanwhile; after some attempts takes it as it is and says so.
 * Undefined, with a problem, when it cannot be read.
 */
export function readStable(
  planned: SourceEntry,
  scratch: Scratch,
  at: number,
  problems: Problem[],
): ReadFile | undefined {
  let fd: number;
  try {
    fd = fs.openSync(fsPath(planned.readPath ?? ''), READ_FLAGS);
  } catch (error) {
    problems.push(problemOf(planned.path, error));
    return undefined;
  }
  try {
    return readOpened(planned, { fd, scratch, at }, problems);
  } catch (error) {
    problems.push(problemOf(planned.path, error));
    return undefined;
  } finally {
    fs.closeSync(fd);
  }
}

/** Such files are made by the kernel while they are read; copies of them restore nothing. */
const NOT_EMPTY = 'it says that it is empty and is not, as files of /proc do';

function readOpened(
  planned: SourceEntry,
  { fd, scratch, at }: { fd: number; scratch: Scratch; at: number },
  problems: Problem[],
): ReadFile {
  let size = planned.size;
  let stat = planned.stat;
  let meta: ReadFile['meta'] = planned;
  for (let attempt = 1; ; attempt++) {
    scratch.reserve(at + size + 512, at);
    const got = readFully(fd, scratch.bytes, at, size);
    const after = fs.fstatSync(fd, { bigint: true });
    if (!after.isFile()) throw new Error('it is no longer a regular file');
    const now = statLine(after);
    const same = now === stat && got === size && after.size === BigInt(size);
    if (same) {
      if (size === 0 && readFully(fd, scratch.bytes, at, 1) > 0) throw new Error(NOT_EMPTY);
      return { meta: { ...meta, size: got }, stat };
    }
    if (attempt === ATTEMPTS) {
      problems.push({
        path: displayPath(planned.path),
        code: 'changed',
        detail: `changed in each of ${ATTEMPTS} attempts to read it; taken as it was in the last`,
      });
      // A stat that no later file can have, so that the next run reads it again.
      return { meta: { ...meta, size: got }, stat: '' };
    }
    size = Math.min(Number(after.size), MAX_GROWN_BYTES);
    stat = now;
    meta = {
      size,
      mode: Number(after.mode & 0o7777n),
      uid: Number(after.uid),
      gid: Number(after.gid),
      mtimeMicroseconds:
        planned.mtimeMicroseconds === undefined ? undefined : microseconds(after.mtimeNs),
    };
  }
}

/** Reads `length` bytes of the file from where it stands in it, or as many as there are. */
function readFully(fd: number, to: Uint8Array, at: number, length: number): number {
  let got = 0;
  while (got < length) {
    const n = fs.readSync(fd, to, at + got, length - got, got);
    if (n === 0) break;
    got += n;
  }
  return got;
}
