// What the last restore in place wrote, and nobody has touched since: git calls it uncommitted, and nothing of anybody's work is in it.
import { lstat } from 'node:fs/promises';
import { kindOf, type Engine } from '../../engine/engine.ts';
import { HoldfastError } from '../../errors.ts';
import { bytesOf } from '../../format/paths.ts';
import { findLastSafety, type FoundSafety } from '../safety-place.ts';

/** The paths among these (byte strings relative to `folder`) whose content somebody made: all but what the last restore in place left. */
export async function touchedSince(
  engine: Engine,
  folder: string,
  paths: readonly string[],
): Promise<string[]> {
  const last = await lastRestore(engine, folder);
  const finishedAt = last?.finishedAt;
  if (last === undefined || finishedAt === undefined) return [...paths];
  const written = new Set<string>();
  for (const { backup, remove } of last.steps) {
    for (const one of remove) written.add(one);
    for await (const { path: one } of (await kindOf(engine, backup.manifest.kind)).list(backup, []))
      written.add(one);
  }
  const touched: string[] = [];
  for (const one of paths)
    if (!written.has(one) || (await changedAfter(folder, one, finishedAt))) touched.push(one);
  return touched;
}

async function lastRestore(engine: Engine, folder: string): Promise<FoundSafety | undefined> {
  try {
    return await findLastSafety(engine, folder);
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== 'BACKUP_NOT_FOUND') throw error;
    return undefined;
  }
}

/** By the time that no program can set. */
async function changedAfter(folder: string, one: string, at: Date): Promise<boolean> {
  try {
    const { ctimeMs } = await lstat(Buffer.concat([Buffer.from(`${folder}/`), bytesOf(one)]));
    // The end of the restore is known to the millisecond.
    return Math.floor(ctimeMs) > at.getTime();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    // Only what stands there can be lost.
    return true;
  }
}
