// Whether the parts of an archive fit together, which none of them tells alone, and what is said of one that cannot be read.
import { HoldfastError, type Problem } from '../../errors.ts';
import { ownNamesOfPart } from '../../format/own-paths.ts';
import type { IndexEntry } from '../../format/archive-index.ts';
import { displayPath } from '../../format/paths.ts';
import { entriesAt, entriesOf, type PartReader, type Parts } from './parts-reader.ts';

/**
 * Looks at the index of all parts: that it is as `entriesOf` wants it, with as many entries as `wanted` says, where somebody knows.
 * `BACKUP_DAMAGED` otherwise; parts and pieces that are damaged themselves are passed over. Gives all hard links, or undefined where
 * something was passed over.
 */
export async function assertTogether(
  parts: Parts,
  wanted: number | undefined,
): Promise<readonly IndexEntry[] | undefined> {
  const hardlinks: IndexEntry[] = [];
  let count = 0;
  let whole = true as boolean;
  const onDamage = (error: unknown) => {
    if (!isLost(error)) throw error;
    whole = false;
  };
  for await (const entries of entriesOf(parts, onDamage)) {
    count += entries.length;
    for (const entry of entries) if (entry.type === 'hardlink') hardlinks.push(entry);
  }
  if (!whole) return undefined;
  if (wanted === undefined || count === wanted) return hardlinks;
  const what = `the parts hold ${count} entries, and the backup has ${wanted}`;
  throw new HoldfastError('BACKUP_DAMAGED', what);
}

/** As `assertTogether`, of some paths and what is below them, for which no damage is passed over. */
export async function assertTogetherAt(parts: Parts, paths: readonly string[]): Promise<void> {
  const entries = entriesAt(parts, paths);
  while ((await entries.next()).done !== true);
}

/** Whether `error` says that what is stored is damaged or gone, and not that the store could not be asked. */
export function isLost(error: unknown): error is HoldfastError {
  return error instanceof HoldfastError && LOST.includes(error.code);
}

const LOST: readonly string[] = ['BACKUP_DAMAGED', 'BACKUP_NOT_FOUND'];

/** The problem that a part cannot be read, and so not be `done`. */
export function lostPart({ firstPath }: PartReader, error: HoldfastError, done: string): Problem {
  const what = `the part of the archive that begins with ${displayPath(firstPath)}`;
  const path = ownNamesOfPart(firstPath).index;
  return { path, code: 'damaged', detail: `${error.message}; ${what} is not ${done}` };
}
