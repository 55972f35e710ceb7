// Writing down what a bucket held while its recovery point was made: its versions tell.
import { createHash } from 'node:crypto';
import { Bucket, type BucketPlace, type ListedObject } from '../../sources/bucket/client.ts';
import { bucketFailure } from '../../sources/bucket/errors.ts';
import type { HeldBucket } from './held.ts';
import { listVersions, standingWithin, type Span } from './versions.ts';

/** As many objects as a record keeps. */
const MOST_SAMPLES = 40;
/** As many bytes of an object as are read. */
export const DIGEST_BYTES = 8 << 20;

/** What the bucket held within `span`. Which objects are sampled depends on `seed`, so that in time all are. */
export async function recordBucket(
  place: BucketPlace,
  { span, seed }: { span: Span; seed: string },
): Promise<HeldBucket> {
  const chosen = new Chosen(seed);
  let [least, most, archived] = [0, 0, 0];
  for await (const one of listVersions(place)) {
    const standing = standingWithin(one, span);
    if (standing.some((version) => version?.archived === true)) {
      archived += 1;
      // It was, or it was not, in the archive when AWS Backup came by.
      if (standing.some((version) => version?.archived === false)) most += 1;
      continue;
    }
    if (standing.some((version) => version !== undefined)) most += 1;
    if (standing.every((version) => version !== undefined)) least += 1;
    const [only] = standing;
    if (standing.length === 1 && only?.object !== undefined) chosen.offer(only.object);
  }
  const bucket = new Bucket(place);
  const samples = [];
  for (const object of chosen.all()) {
    samples.push({ key: object.key, bytes: object.bytes, ...(await digestOf(bucket, object)) });
  }
  return { kind: 's3', least, most, archived, samples };
}

/** The SHA-256 of the first bytes of an object. */
export async function digestOf(
  bucket: Bucket,
  object: ListedObject,
): Promise<{ digest: string; digestBytes: number }> {
  const bytes = new Uint8Array(Math.min(object.bytes, DIGEST_BYTES));
  try {
    if (bytes.length > 0) await bucket.read(object, 0, bytes);
  } catch (error) {
    throw bucketFailure(error, bucket.place, 's3:GetObject');
  }
  return { digest: createHash('sha256').update(bytes).digest('hex'), digestBytes: bytes.length };
}

/** Those objects whose names come first when all are put in an order that the seed gives. */
class Chosen {
  private readonly seed: string;
  private ranked: { rank: string; object: ListedObject }[] = [];

  constructor(seed: string) {
    this.seed = seed;
  }

  offer(object: ListedObject): void {
    const rank = createHash('sha1').update(this.seed).update(object.key).digest('hex');
    const last = this.ranked[MOST_SAMPLES - 1];
    if (last !== undefined && rank >= last.rank) return;
    this.ranked.push({ rank, object });
    this.ranked.sort((a, b) => (a.rank < b.rank ? -1 : 1));
    this.ranked.length = Math.min(this.ranked.length, MOST_SAMPLES);
  }

  all(): readonly ListedObject[] {
    return this.ranked.map(({ object }) => object);
  }
}
