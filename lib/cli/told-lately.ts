// What a command that runs every minute has told already, where no store can say it: a file of this user that is an hour old at most.
import { mkdir, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { errorCode } from '../config/error-code.ts';
import { homeFolder } from '../config/load/home.ts';
import { HOUR_MS } from '../durations.ts';

function fileOf(system: string): string | undefined {
  const home = homeFolder();
  return home === '' ? undefined : path.join(home, '.cache', 'holdfast', `told-${system}`);
}

/** Whether it was told within the hour; otherwise it counts as told from now on. Where nothing can be kept, it was not. */
export async function toldLately(system: string, now: Date): Promise<boolean> {
  const file = fileOf(system);
  if (file === undefined) return false;
  try {
    const { mtime } = await stat(file);
    if (Math.abs(now.getTime() - mtime.getTime()) < HOUR_MS) return true;
  } catch (error) {
    if (errorCode(error) !== 'ENOENT' && errorCode(error) !== 'EACCES') throw error;
  }
  try {
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, `${now.toISOString()}\n`);
  } catch (error) {
    // A duplicate is better than a miss.
    if (errorCode(error) === undefined) throw error;
  }
  return false;
}

/** From now on it is news again. */
export async function forgetTold(system: string): Promise<void> {
  const file = fileOf(system);
  if (file !== undefined) await rm(file, { force: true });
}
