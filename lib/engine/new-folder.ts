// A folder that appears whole or not at all: filled beside its place, and made visible by one rename.
import fs from 'node:fs/promises';
import path from 'node:path';
import { HoldfastError } from '../errors.ts';

/**
 * Calls `fill` with a new, private folder beside `target` and renames it to `target` when that succeeds; removes it otherwise.
 *
 * `TARGET_REFUSED` when `target` exists and is anything but an empty folder: nothing is ever overwritten.
 */
export async function makeFolder<T>(
  target: string,
  random: string,
  fill: (folder: string) => Promise<T>,
): Promise<T> {
  await assertFree(target);
  const parent = path.dirname(target);
  await makeParent(parent, target);
  const folder = path.join(parent, `.${path.basename(target)}.holdfast-${random}`);
  await fs.mkdir(folder, { mode: 0o700 });
  try {
    const result = await fill(folder);
    await assertFree(target);
    // What was private while it was filled is a folder like others from here on.
    await fs.chmod(folder, 0o755);
    await fs.rename(folder, target);
    return result;
  } catch (error) {
    await fs.rm(folder, { recursive: true, force: true });
    throw error;
  }
}

async function assertFree(target: string): Promise<void> {
  const stats = await fs.lstat(target).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
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

async function makeParent(parent: string, target: string): Promise<void> {
  try {
    await fs.mkdir(parent, { recursive: true });
  } catch (cause) {
    throw new HoldfastError('TARGET_REFUSED', `the folder for ${target} cannot be made`, {
      hint: 'Is it writable for you, and is every part of the path a folder?',
      cause,
    });
  }
}
