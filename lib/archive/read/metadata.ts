// Gives what was written the owner, mode and time that the index says of it. What cannot be given spoils nothing, and is reported.
import fs from 'node:fs';
import type { IndexEntry } from '../../format/archive-index.ts';
import { displayPath, fsPath } from '../../format/paths.ts';
import { reasonOf } from '../file-problems.ts';
import {
  bitsProblem,
  dueOf,
  WITHOUT_OWNER,
  type Due,
  type Ownership,
  type UnkeptList,
} from './ownership.ts';

/** A file, directory or link that is to get them. */
interface Target {
  chown(uid: number, gid: number): void;
  /** Undefined for links, which have no mode of their own. */
  readonly chmod: ((mode: number) => void) | undefined;
  readonly mode: (() => number) | undefined;
  utimes(seconds: string): void;
}

/** An open file. */
export function keepFile(fd: number, entry: IndexEntry, how: Keeping): void {
  const target: Target = {
    chown: (uid, gid) => fs.fchownSync(fd, uid, gid),
    chmod: (mode) => fs.fchmodSync(fd, mode),
    mode: () => fs.fstatSync(fd).mode,
    utimes: (seconds) => fs.futimesSync(fd, seconds, seconds),
  };
  keep(target, entry, how);
}

/** A directory; `at` is an absolute byte string that leads through no link. */
export function keepDirectory(at: string, entry: IndexEntry, how: Keeping): void {
  const path = fsPath(at);
  const target: Target = {
    chown: (uid, gid) => fs.chownSync(path, uid, gid),
    chmod: (mode) => fs.chmodSync(path, mode),
    mode: () => fs.lstatSync(path).mode,
    utimes: (seconds) => fs.utimesSync(path, seconds, seconds),
  };
  keep(target, entry, how);
}

/** A symbolic link itself. */
export function keepLink(at: string, entry: IndexEntry, how: Keeping): void {
  const path = fsPath(at);
  const target: Target = {
    chown: (uid, gid) => fs.lchownSync(path, uid, gid),
    chmod: undefined,
    mode: undefined,
    utimes: (seconds) => fs.lutimesSync(path, seconds, seconds),
  };
  keep(target, entry, how);
}

export interface Keeping {
  readonly ownership: Ownership;
  readonly unkept: UnkeptList;
}

/** The owner first: changing it takes set-id bits away. */
function keep(target: Target, entry: IndexEntry, { ownership, unkept }: Keeping): void {
  const due = dueOf(entry, ownership);
  const owned = giveOwner(target, entry, { due, ownership, unkept });
  const mode = owned ? due.mode : due.mode & 0o1777;
  if (target.chmod !== undefined) {
    const why = attempt(() => target.chmod?.(mode));
    const given = why === undefined && (mode & 0o7000) !== 0 ? target.mode?.() : undefined;
    const found = given === undefined ? mode : given & 0o7777;
    if (why !== undefined) {
      unkept.problems.push({
        path: displayPath(entry.path),
        code: 'mode',
        detail: `its mode ${mode.toString(8).padStart(4, '0')} could not be set: ${why}`,
      });
    } else if (found !== mode) {
      unkept.problems.push(bitsProblem(entry.path, entry.mode, found, 'the system dropped them'));
    } else if (due.bitsLost || mode !== due.mode) {
      unkept.problems.push(bitsProblem(entry.path, entry.mode, mode, WITHOUT_OWNER));
    }
  }
  const seconds = mtimeSeconds(entry);
  const late = seconds === undefined ? undefined : attempt(() => target.utimes(seconds));
  if (late !== undefined) {
    const detail = `its time could not be set: ${late}`;
    // Only its owner can set the time of a folder; anyone who writes in it changes it.
    const tolerated = ownership.to !== 'anybody';
    unkept.problems.push({ path: displayPath(entry.path), code: 'time', detail, tolerated });
  }
}

/** Whether the entry has the owner that is due. */
function giveOwner(
  target: Target,
  entry: IndexEntry,
  { due, ownership, unkept }: Keeping & { due: Due },
): boolean {
  if (due.ownerLost) unkept.ownerOf(entry);
  if (due.uid === undefined && due.gid === undefined) return true;
  const why = attempt(() => target.chown(due.uid ?? -1, due.gid ?? -1));
  if (why === undefined) return true;
  if (ownership.to === 'anybody') {
    const { uid, gid } = due.owner;
    const detail = `could not be given to ${uid}:${gid}: ${why}`;
    unkept.problems.push({ path: displayPath(entry.path), code: 'owner', detail });
  } else if (!due.ownerLost) unkept.ownerOf(entry);
  return false;
}

/** Why the system refused; undefined when it did not. */
function attempt(change: () => void): string | undefined {
  try {
    change();
    return undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    return reasonOf(error);
  }
}

/** For `utimes`: half a microsecond more, since a double cannot hold most microseconds and is cut off, not rounded. */
export function mtimeSeconds(entry: { mtimeMicroseconds: number | undefined }): string | undefined {
  const micros = entry.mtimeMicroseconds;
  return micros === undefined ? undefined : String((micros + 0.5) / 1e6);
}
