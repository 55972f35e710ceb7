// What S3 deletes by itself: what the retention policy has released, and nothing else that is a backup.
import { Duration } from 'aws-cdk-lib';
import type { LifecycleRule } from 'aws-cdk-lib/aws-s3';
import { RELEASED_TAG } from '../../../names/aws.ts';

/** What is released is hidden within a day or two, and its versions go after `undoDays` more, once no lock holds them. */
export function storeLifecycle(undoDays: number): LifecycleRule[] {
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
  ];
}
