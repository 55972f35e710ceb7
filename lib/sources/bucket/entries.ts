// The entries of an archive that the objects of a bucket make.
import type { SourceEntry } from '../../archive/write/plan.ts';
import type { Problem } from '../../errors.ts';
import type { Bucket } from './client.ts';
import { contentOf, foundOf } from './content.ts';
import { OddKeys, unfitReason, type OddKey } from '../tree/odd-keys.ts';
import { openListing, type PlacedObject } from './listing.ts';
import { KeyTree } from '../tree/key-tree.ts';
import { folderEntry } from '../tree/keyed-entries.ts';
import { createSelector, isTaken, type Selector } from '../tree/select.ts';

export interface BucketSelection {
  readonly include: readonly string[];
  readonly exclude: readonly string[];
}

/** The entries in ascending order of their paths; folders are those that the keys imply. */
export async function* bucketEntries(
  bucket: Bucket,
  selection: BucketSelection,
  onProblem: (problem: Problem) => void,
): AsyncGenerator<SourceEntry> {
  const selector = createSelector(selection);
  const objects = await openListing(bucket);
  // Odd keys sort by their digests, before most of the others: they have to be known first.
  const odd = await oddKeys(objects(), selector);
  const found = { odd, selector, onProblem };
  const sorted = odd.sorted();
  let next = 0;
  for await (const entry of plainEntries(bucket, objects(), found)) {
    for (let one = sorted[next]; one !== undefined && one.path < entry.path; one = sorted[++next]) {
      yield oddEntry(bucket, one);
    }
    yield entry;
  }
  for (const one of sorted.slice(next)) yield oddEntry(bucket, one);
}

type Objects = AsyncIterable<PlacedObject> | Iterable<PlacedObject>;

async function oddKeys(objects: Objects, selector: Selector): Promise<OddKeys<PlacedObject>> {
  const odd = new OddKeys<PlacedObject>();
  const tree = new KeyTree(selector);
  for await (const placed of objects) {
    const { key, object } = placed;
    if (isRoot(placed)) continue;
    const selected =
      unfitReason(key, object.bytes) === undefined
        ? tree.next(key).at(-1) === key
        : isTaken(selector, key, false);
    if (selected) odd.add(key, object.bytes, placed);
  }
  return odd;
}

interface FoundKeys {
  readonly odd: OddKeys<PlacedObject>;
  readonly selector: Selector;
  readonly onProblem: (problem: Problem) => void;
}

async function* plainEntries(
  bucket: Bucket,
  objects: Objects,
  { odd, selector, onProblem }: FoundKeys,
): AsyncGenerator<SourceEntry> {
  const tree = new KeyTree(selector);
  for await (const placed of objects) {
    const { key, object } = placed;
    if (isRoot(placed) || odd.has(key) || unfitReason(key, object.bytes) !== undefined) continue;
    for (const path of tree.next(key)) {
      yield path.endsWith('/') ? folderEntry(path) : fileEntry(bucket, path, placed);
    }
  }
  for (const path of tree.explicitMissing) {
    const detail = 'the configuration names it, and it is not there';
    onProblem({ path, code: 'vanished', detail });
  }
}

/** The empty object by which consoles make the folder of the prefix itself. */
function isRoot({ key, object }: PlacedObject): boolean {
  return key === '' && object.bytes === 0;
}

function fileEntry(bucket: Bucket, path: string, { object }: PlacedObject): SourceEntry {
  return {
    ...foundOf(object),
    path,
    type: 'file',
    // An object has no mode, no owner and no other name.
    mode: 0o644,
    uid: 0,
    gid: 0,
    linkTarget: undefined,
    readPath: undefined,
    shared: false,
    holes: false,
    content: contentOf(bucket, object, path),
  };
}

function oddEntry(bucket: Bucket, { path, key, object }: OddKey<PlacedObject>): SourceEntry {
  return { ...fileEntry(bucket, path, object), objectKey: key };
}
