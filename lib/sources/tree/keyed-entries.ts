// Files that are known by keys, put in the order of an archive, with the folders that the keys imply.
import type { SourceEntry } from '../../archive/write/plan.ts';
import { OddKeys } from './odd-keys.ts';
import { KeyTree } from './key-tree.ts';
import { createSelector, type Selector } from './select.ts';

/**
 * Entries for files in any order, whose paths are their keys; no two the same.
 *
 * A key that cannot be a path, also for another that stands below it, is recorded, and the file stands under a name made from it.
 */
export function keyedEntries(
  files: readonly SourceEntry[],
  selector: Selector = createSelector({}),
): SourceEntry[] {
  const sorted = [...files].sort(byPath);
  const odd = new OddKeys<SourceEntry>();
  for (const file of sorted) odd.add(file.path, file.size, file);
  const folders = new KeyTree(selector);
  const plain = sorted
    .filter(({ path }) => !odd.has(path))
    .flatMap((file) =>
      folders.next(file.path).map((path) => (path === file.path ? file : folderEntry(path))),
    );
  const others = odd.sorted().map(({ path, key, object }) => ({ ...object, path, objectKey: key }));
  return [...plain, ...others].sort(byPath);
}

function byPath(a: SourceEntry, b: SourceEntry): number {
  return a.path < b.path ? -1 : 1;
}

/** A folder that nothing is known of but its name. */
export function folderEntry(path: string): SourceEntry {
  return {
    path,
    type: 'directory',
    size: 0,
    mode: 0o755,
    uid: 0,
    gid: 0,
    mtimeMicroseconds: undefined,
    linkTarget: undefined,
    readPath: undefined,
    stat: '',
    shared: false,
    holes: false,
  };
}
