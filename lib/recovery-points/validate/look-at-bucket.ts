// A look inside a restored bucket.
import { Bucket } from '../../sources/bucket/client.ts';
import { awsFailure } from '../../aws/failure.ts';
import { bucketFailure } from '../../sources/bucket/errors.ts';
import type { HeldBucket } from '../held/held.ts';
import { digestOf } from '../held/record-bucket.ts';
import { compareBucket, type RestoredObject } from './compare-bucket.ts';
import type { Look, Lookers, Restored } from './look.ts';

/** Compares the number of its objects and the sampled ones. `SOURCE_UNREADABLE` when it cannot be read. */
export async function lookAtBucket(
  held: HeldBucket,
  { name, signal }: Restored,
  { s3 }: Lookers,
): Promise<Look> {
  const place = { client: s3, bucket: name.name, prefix: '', account: undefined, signal };
  const bucket = new Bucket(place);
  const objects: (RestoredObject | undefined)[] = [];
  for (const { key } of held.samples) objects.push(await objectAt(bucket, key));
  let count = 0;
  for await (const page of bucket.list()) count += page.length;
  const found = compareBucket(held, { count, objects });
  return { ...found, level: 'content', facts: { objects: count, sampled: objects.length } };
}

async function objectAt(bucket: Bucket, key: string): Promise<RestoredObject | undefined> {
  try {
    const object = await bucket.head(key);
    const { digest } = await digestOf(bucket, object);
    return { bytes: object.bytes, digest };
  } catch (error) {
    if (awsFailure(error)?.reason === 'absent') return undefined;
    throw bucketFailure(error, bucket.place, 's3:GetObject');
  }
}
