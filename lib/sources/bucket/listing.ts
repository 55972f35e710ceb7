// The objects of a bucket in the order of an archive, as often as they are asked for.
import { HoldfastError } from '../../errors.ts';
import { displayPath, fromUtf8 } from '../../format/paths.ts';
import type { Bucket, ListedObject } from './client.ts';

/** An object and its key less the prefix, as a byte string. */
export interface PlacedObject {
  readonly object: ListedObject;
  readonly key: string;
}

/** Up to this many objects are listed once and kept; more are listed each time. */
const KEPT_OBJECTS = 20_000;

/** All objects in ascending order, each time it is called. `SOURCE_UNREADABLE` when they cannot be listed so. */
export async function openListing(
  bucket: Bucket,
): Promise<() => AsyncIterable<PlacedObject> | Iterable<PlacedObject>> {
  const { length } = fromUtf8(bucket.place.prefix);
  const place = (object: ListedObject): PlacedObject => ({
    object,
    key: fromUtf8(object.key).slice(length),
  });
  const kept: PlacedObject[] = [];
  for await (const page of bucket.list()) {
    kept.push(...page.map(place));
    if (kept.length > KEPT_OBJECTS) return () => ascending(bucket, place);
  }
  // Servers that keep objects as files list them in an order of their own.
  kept.sort((a, b) => (a.key < b.key ? -1 : 1));
  return () => kept;
}

async function* ascending(
  bucket: Bucket,
  place: (object: ListedObject) => PlacedObject,
): AsyncGenerator<PlacedObject> {
  let last: string | undefined;
  for await (const page of bucket.list()) {
    for (const object of page) {
      const placed = place(object);
      if (last !== undefined && placed.key <= last) {
        throw new HoldfastError(
          'SOURCE_UNREADABLE',
          `the bucket ${bucket.place.bucket} lists ${displayPath(placed.key)} behind ${displayPath(last)}`,
          {
            hint: `Beyond ${KEPT_OBJECTS} objects a bucket has to list its keys in the order of their bytes, as S3 does: split the source by prefixes.`,
          },
        );
      }
      last = placed.key;
      yield placed;
    }
  }
}
