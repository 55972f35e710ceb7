// The content of an object, fetched when its turn has come, in the state that was listed or, where that is gone, as it is then.
import type { Content, Found, NotFetched } from '../../archive/write/content.ts';
import { SPLIT_BYTES } from '../../archive/write/plan.ts';
import { awsFailure } from '../../aws/failure.ts';
import type { Problem } from '../../errors.ts';
import { displayPath } from '../../format/paths.ts';
import type { Bucket, ListedObject } from './client.ts';
import { bucketFailure, objectProblem } from './errors.ts';

/** How often an object that is overwritten each time it is to be read is read anew. */
const ATTEMPTS = 3;
/** An object that grew meanwhile is still taken whole up to this size. */
const MAX_GROWN_BYTES = 4 * SPLIT_BYTES;

/** What of an entry comes from its object. */
export function foundOf(object: ListedObject): Found {
  const ms = object.modified.getTime();
  // No time of change: a tag and a version differ whenever the object does, however soon after.
  const stat = `${ms}000000 0 ${encodeURIComponent(object.etag)} ${object.versionId ?? '-'}`;
  return { size: object.bytes, mtimeMicroseconds: ms * 1000, stat };
}

/** @param path - of the entry: a byte string */
export function contentOf(bucket: Bucket, listed: ListedObject, path: string): Content {
  const shown = displayPath(path);
  return {
    whole: () =>
      asListedOrNow(bucket, listed, shown, async (object, notes) => {
        if (object.bytes > MAX_GROWN_BYTES) {
          const detail = `has grown to ${object.bytes} bytes after it had been listed; the next run takes it`;
          return { problems: [{ path: shown, code: 'changed', detail }] };
        }
        const bytes = new Uint8Array(object.bytes);
        if (bytes.length > 0) await bucket.read(object, 0, bytes);
        return { now: foundOf(object), bytes, problems: notes };
      }),
    open: () =>
      asListedOrNow(bucket, listed, shown, async (object, problems) => {
        // Read before anything of the entry is written: from here on there is no leaving it out.
        const first = new Uint8Array(Math.min(SPLIT_BYTES, object.bytes));
        if (first.length > 0) await bucket.read(object, 0, first);
        const read = readerOf(bucket, { object, shown, first, problems });
        return { now: foundOf(object), read, finish: () => problems };
      }),
  };
}

/** Fetches by `fetch` what was listed, or what stands there now when that was overwritten, and says so. */
async function asListedOrNow<T>(
  bucket: Bucket,
  listed: ListedObject,
  shown: string,
  fetch: (object: ListedObject, notes: Problem[]) => Promise<T>,
): Promise<T | NotFetched> {
  const notes: Problem[] = [];
  let object = listed;
  for (let attempt = 1; ; attempt++) {
    try {
      if (attempt > 1) object = await bucket.head(listed.key);
      return await fetch(object, notes);
    } catch (error) {
      if (awsFailure(error)?.status !== 412 || attempt === ATTEMPTS) {
        return { problems: [problemOr(bucket, shown, error)] };
      }
      const detail = 'was overwritten after it had been listed; taken as it was then';
      if (notes.length === 0) notes.push({ path: shown, code: 'changed', detail, tolerated: true });
    }
  }
}

function problemOr(bucket: Bucket, shown: string, error: unknown): Problem {
  const { place } = bucket;
  const problem = place.signal?.aborted === true ? undefined : objectProblem(shown, error);
  if (problem === undefined) throw bucketFailure(error, place, 's3:GetObject');
  return problem;
}

interface Reading {
  readonly object: ListedObject;
  readonly shown: string;
  readonly first: Uint8Array;
  readonly problems: Problem[];
}

function readerOf(bucket: Bucket, { object, shown, first, problems }: Reading) {
  let begin: Uint8Array | undefined = first;
  return async (into: Uint8Array, position: number): Promise<number> => {
    if (position === 0 && begin !== undefined) {
      into.set(begin);
      begin = undefined;
      return into.length;
    }
    try {
      await bucket.read(object, position, into);
      return into.length;
    } catch (error) {
      const problem = problemOr(bucket, shown, error);
      into.fill(0);
      const detail = `${problem.detail}; from byte ${position} on it is zeros for ${into.length} bytes`;
      problems.push({ ...problem, detail });
      return 0;
    }
  };
}
