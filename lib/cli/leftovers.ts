// What runs that were killed have left on this machine: folders in which they tried something out, or filled before they gave it its name.
import type { Stats } from 'node:fs';
import { lstat, readdir, realpath } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import type { Config } from '../config/config.ts';
import { fromUtf8, fsPath } from '../format/paths.ts';
import { DAY_MS } from '../durations.ts';
import { removeTree } from '../sources/tree/remove-tree.ts';
import { isStagingName, stagingPrefix } from '../format/staging-name.ts';
import { mountPoints } from '../sources/files/staging.ts';

export interface Leftover {
  readonly path: string;
  /** False as long as something in it has changed within a day: a run may be under way. */
  readonly abandoned: boolean;
}

const IN_SCRATCH = /^holdfast-(restore-test|repair|intake|dump|github|spool)-[A-Za-z0-9]+$/;

export interface Places {
  /** Where runs try things out. */
  readonly scratch: string;
  /** Folders that are restored over; what was to replace them stands beside them, or in them where something is mounted. */
  readonly targets: readonly string[];
}

/** Where this system's runs may have left something. */
export function placesOfLeftovers(config: Config | undefined, scratch: string): Places {
  const targets = (config?.sources ?? []).flatMap((one) =>
    one.kind === 'files' ? [one.path] : [],
  );
  return { scratch, targets: [...new Set(targets)] };
}

/** Folders of this user's runs that were killed, or are under way, by the time `now`. */
export async function findRunLeftovers(
  { scratch, targets }: Places,
  now: Date,
): Promise<Leftover[]> {
  const candidates = await named(scratch, (name) => IN_SCRATCH.test(name));
  for (const target of targets) {
    // Staging of a link stands beside what it leads to.
    const folder = (await ifPossible(realpath(target))) ?? target;
    const isOf = (name: string) => isStagingName(name) && name.startsWith(stagingPrefix(folder));
    candidates.push(...(await named(path.dirname(folder), isOf)));
    for (const top of [folder, ...mountsBelow(folder)])
      candidates.push(...(await named(top, isStagingName)));
  }
  const found: Leftover[] = [];
  for (const one of new Set(candidates)) {
    const stats = await statsOf(one);
    if (stats?.isDirectory() !== true || stats.uid !== process.getuid?.()) continue;
    found.push({ path: one, abandoned: !(await changedSince(one, now.getTime() - DAY_MS)) });
  }
  return found;
}

/** Removes what is abandoned; how many folders that were. What cannot be removed stays, and is found again. */
export async function sweepRunLeftovers(places: Places, now: Date): Promise<number> {
  let removed = 0;
  for (const { path: folder, abandoned } of await findRunLeftovers(places, now)) {
    if (!abandoned) continue;
    // Folders in it may be read-only, as they were in the backup.
    await ifPossible(Promise.resolve().then(() => removeTree(folder)));
    if ((await statsOf(folder)) === undefined) removed += 1;
  }
  return removed;
}

/** Where staging for what lies on other mounts stands. */
function mountsBelow(folder: string): string[] {
  const below = `${fromUtf8(folder)}/`.replace(/^\/\/$/, '/');
  const paths = [...mountPoints()]
    .filter((one) => one !== '/' && one.startsWith(below))
    .map(fsPath);
  return paths.filter((one) => typeof one === 'string');
}

async function named(folder: string, isWanted: (name: string) => boolean): Promise<string[]> {
  const names = (await ifPossible(readdir(folder))) ?? [];
  return names.filter(isWanted).map((name) => path.join(folder, name));
}

/** By the time of the last change, which no restored file carries over from its original. */
async function changedSince(at: string, since: number): Promise<boolean> {
  const stats = await statsOf(at);
  if (stats === undefined) return false;
  if (stats.ctimeMs > since) return true;
  if (!stats.isDirectory()) return false;
  for (const name of await named(at, () => true)) if (await changedSince(name, since)) return true;
  return false;
}

function statsOf(at: string): Promise<Stats | undefined> {
  return ifPossible(lstat(at));
}

/** Undefined where the system refuses: what cannot be looked at is left alone. Anything else is a bug. */
async function ifPossible<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    return undefined;
  }
}
