// A folder that appears whole or not at all: filled beside its place, and made visible by one rename.
import fs from 'node:fs/promises';
import path from 'node:path';
import { HoldfastError } from '../../errors.ts';
import { removeTree } from '../../sources/tree/remove-tree.ts';
import { stagingName } from '../../format/staging-name.ts';

/**
 * Calls `fill` with a new, private folder beside `target` and renames it to `target` when that succeeds; removes it otherwise.
 *
 * `TARGET_REFUSED` when `target` exists and is anything but an empty folder, as nothing is ever overwritten, or cannot be made;
 * `NO_SPACE` when there is no room for it.
 */
export async function makeFolder<T>(
  target: string,
  random: string,
  fill: (folder: string) => Promise<T>,
): Promise<T> {
  await assertFree(target);
  const parent = path.dirname(target);
  await refusing(target, fs.mkdir(parent, { recursive: true }));
  const folder = path.join(parent, stagingName(target, random));
  await refusing(target, fs.mkdir(folder, { mode: 0o700 }));
  try {
    const result = await fill(folder);
    await assertFree(target);
    // What was private while it was filled is a folder like others from here on.
    await fs.chmod(folder, 0o755);
    await refusing(target, fs.rename(folder, target));
    return result;
  } catch (error) {
    removeTree(folder);
    throw error;
  }
}

async function assertFree(target: string): Promise<void> {
  const stats = await fs.lstat(target).catch((error: unknown) => {
    // That a file is in the place of a folder above is found when that is to be made.
    if (ABSENT.includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw refusal(target, error);
  });
  if (stats === undefined) return;
  const hint =
    'Restore to a folder that does not exist yet, or say --in-place to overwrite what differs there.';
  if (!stats.isDirectory()) {
    throw new HoldfastError('TARGET_REFUSED', `${target} exists and is no folder`, { hint });
  }
  if ((await fs.readdir(target)).length > 0) {
    throw new HoldfastError('TARGET_REFUSED', `${target} exists and is not empty`, { hint });
  }
}

const ABSENT: readonly string[] = ['ENOENT', 'ENOTDIR'];

async function refusing(target: string, work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    throw refusal(target, error);
  }
}

/** A full disk has a code of its own; any other failure means that the target cannot be created. */
function refusal(target: string, cause: unknown): HoldfastError {
  const { code = 'an error' } = cause as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new HoldfastError('NO_SPACE', `there is no room for ${target}`, {
      hint: 'Free some space, or restore to another disk.',
      cause,
    });
  }
  return new HoldfastError('TARGET_REFUSED', `${target} cannot be made: ${code}`, {
    hint: 'Is the folder that it is in writable for you, and every part of the path a folder?',
    cause,
  });
}
