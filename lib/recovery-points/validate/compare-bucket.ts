// Whether a restored bucket is what was recorded: every sampled object did not change while its recovery point was made, so that
// whatever differs is damage. Pure.
import { displayText } from '../../format/paths.ts';
import type { Comparison, HeldBucket } from '../held/held.ts';

/** An object of a restored bucket. */
export interface RestoredObject {
  readonly bytes: number;
  /** Of as many of its first bytes as the record has it of. */
  readonly digest: string;
}

/** What is known of a restored bucket. */
export interface RestoredBucket {
  readonly count: number;
  /** Those that the record has samples of, in its order; undefined for one that is not there. */
  readonly objects: readonly (RestoredObject | undefined)[];
}

/** What differs between what was recorded and what was restored. */
export function compareBucket(held: HeldBucket, restored: RestoredBucket): Comparison {
  const damage = held.samples.flatMap(({ key, bytes, digest }, index) => {
    const found = restored.objects[index];
    const path = displayText(key);
    if (found === undefined) return [{ path, code: 'missing', detail: 'the object is missing' }];
    if (found.bytes !== bytes) {
      const detail = `it has ${found.bytes} bytes instead of ${bytes}`;
      return [{ path, code: 'size', detail }];
    }
    if (found.digest === digest) return [];
    return [{ path, code: 'differs', detail: 'its content is not what was backed up' }];
  });
  const { least, most, archived } = held;
  const { count } = restored;
  if (count < least || count > most + archived) {
    const wanted = least === most ? String(least) : `${least} to ${most}`;
    const detail = `${count} objects were restored, and ${wanted} were there when it was backed up`;
    damage.push({ path: '', code: 'count', detail });
  }
  return { damage, doubt: [], noted: [] };
}
