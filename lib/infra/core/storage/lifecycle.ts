// What S3 does by itself: it deletes what the retention policy has released, and nothing else that is a backup; and it moves what is
// kept for long to the one colder class that is read at once.
import { Duration } from 'aws-cdk-lib';
import { StorageClass } from 'aws-cdk-lib/aws-s3';
import type { CfnBucket, LifecycleRule } from 'aws-cdk-lib/aws-s3';
import { LONG_KEPT_TAG, RELEASED_TAG } from '../../../names/aws.ts';
import { LEAST_MOVED_BYTES } from '../../../policy/s3-prices.ts';

/** What is released is hidden within a day or two, and its versions go after `undoDays` more, once no lock holds them. */
export function storeLifecycle({
  undoDays,
  movesLongKept,
}: {
  readonly undoDays: number;
  readonly movesLongKept: boolean;
}): LifecycleRule[] {
  return [
    {
      id: 'released',
      tagFilters: { [RELEASED_TAG.key]: RELEASED_TAG.value },
      expiration: Duration.days(1),
      noncurrentVersionExpiration: Duration.days(undoDays),
    },
    // S3 takes neither of these together with a tag.
    { id: 'unfinished-uploads', abortIncompleteMultipartUploadAfter: Duration.days(7) },
    { id: 'markers-of-nothing', expiredObjectDeleteMarker: true },
    ...(movesLongKept ? [LONG_KEPT] : []),
  ];
}

/** By its tag nothing ends, whoever sets it. What is marked is old enough already, so it is moved within a day or two. */
const LONG_KEPT: LifecycleRule = {
  id: 'long-kept',
  tagFilters: { [LONG_KEPT_TAG.key]: LONG_KEPT_TAG.value },
  objectSizeGreaterThan: LEAST_MOVED_BYTES - 1,
  transitions: [
    {
      storageClass: StorageClass.GLACIER_INSTANT_RETRIEVAL,
      transitionAfter: Duration.days(0),
    },
  ],
};

/** CloudFormation has sizes as text; the construct writes numbers, at which each synthesis would warn. */
export function sizesAsText(bucket: CfnBucket, rules: readonly LifecycleRule[]): void {
  for (const [index, { objectSizeGreaterThan: size }] of rules.entries()) {
    if (size === undefined) continue;
    const property = `LifecycleConfiguration.Rules.${index}.ObjectSizeGreaterThan`;
    bucket.addPropertyOverride(property, String(size));
  }
}
