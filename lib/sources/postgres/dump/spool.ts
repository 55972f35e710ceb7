// A private folder for a dump in the directory format, which pg_dump and pg_restore need as files: gone with the work it was made for.
import fs from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { DAY_MS } from '../../../durations.ts';
import { HoldfastError } from '../../../errors.ts';
import type { Machine } from '../server/tools.ts';

const PREFIX = 'holdfast-dump-';
/** No dump takes so long: what is older was left by a process that was killed. */
const LEFTOVER_MS = 3 * DAY_MS;

export class Spool implements Disposable {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** Makes one with room for `bytes`. `NO_SPACE` when there is less. */
  static withRoom({ scratch = '/tmp' }: Machine, bytes: number): Spool {
    assertRoom(scratch, bytes);
    const spool = new Spool(makeIn(scratch));
    sweepLeftovers(scratch, spool.folder);
    return spool;
  }

  [Symbol.dispose](): void {
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}

/** `NO_SPACE` unless the file system of a folder has room for so many bytes. */
export function assertRoom(folder: string, bytes: number): void {
  const { bavail, bsize } = fs.statfsSync(folder);
  const free = bavail * bsize;
  if (free >= bytes) return;
  throw noRoom(`the dump takes about ${bytes} bytes as files, and ${folder} has ${free} left`);
}

/** Why there is no room for a dump as files, and what to do. */
export function noRoom(message: string, cause?: unknown): HoldfastError {
  return new HoldfastError('NO_SPACE', message, {
    hint: 'A dump in the directory format is kept there uncompressed while it is worked on: set TMPDIR to a folder with room, or use `format: plain`, which needs none.',
    cause,
  });
}

function makeIn(scratch: string): string {
  try {
    return fs.mkdtempSync(path.join(scratch, PREFIX));
  } catch (cause) {
    const { code = 'an error' } = cause as NodeJS.ErrnoException;
    if (code === 'ENOSPC' || code === 'EDQUOT')
      throw noRoom(`there is no room in ${scratch}`, cause);
    throw new HoldfastError('COMMAND_FAILED', `no folder can be made in ${scratch}: ${code}`, {
      hint: 'Set TMPDIR to a folder with room, in which this user may make one.',
      cause,
    });
  }
}

/** Ages are differences to `fresh`, which was made just now: one clock. */
function sweepLeftovers(scratch: string, fresh: string): void {
  const nowMs = fs.statSync(fresh).mtimeMs;
  for (const name of fs.readdirSync(scratch).filter((one) => one.startsWith(PREFIX))) {
    const folder = path.join(scratch, name);
    const stats = fs.lstatSync(folder, { throwIfNoEntry: false });
    const mine = stats?.isDirectory() === true && stats.uid === process.getuid?.();
    if (mine && nowMs - stats.mtimeMs > LEFTOVER_MS)
      fs.rmSync(folder, { recursive: true, force: true });
  }
}
