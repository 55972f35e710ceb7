// Keeping and letting go: locks that only ever grow, and the tags by which the lifecycle of the bucket may delete, or move.
import {
  DeleteObjectCommand,
  GetObjectRetentionCommand,
  PutObjectRetentionCommand,
  PutObjectTaggingCommand,
} from '@aws-sdk/client-s3';
import type { ObjectLockRetention } from '@aws-sdk/client-s3';
import { awsFailure } from '../../aws/failure.ts';
import { HoldfastError } from '../../errors.ts';
import { LONG_KEPT_TAG, RELEASED_TAG } from '../../names/aws.ts';
import { request } from './client.ts';
import type { S3 } from './client.ts';
import { isReleasedTag, tagsOf, versionsOf } from './versions.ts';
import type { Found, Tag } from './versions.ts';

/**
 * Extends the lock of `found` to `until`, in the mode that it has, governance if none. A lock that lasts longer stays, and in a
 * bucket without locks nothing happens. False when the bucket has none.
 */
export async function lockUntil(s3: S3, found: Found, until: Date): Promise<boolean> {
  const { key } = found;
  const lock = await lockOf(s3, found);
  if (lock === 'off') return false;
  const current = lock?.RetainUntilDate ?? found.storedAt;
  if (current >= until) return true;
  const Retention = { Mode: lock?.Mode ?? 'GOVERNANCE', RetainUntilDate: until };
  await request(s3, { operation: 'PutObjectRetention', key }, (attempt) =>
    s3.client.send(new PutObjectRetentionCommand({ ...versionOf(s3, found), Retention }), attempt),
  );
  return true;
}

/** When the lock of `found` ends, or has ended; undefined where it has none. */
export async function lockEnd(s3: S3, found: Found): Promise<Date | undefined> {
  const lock = await lockOf(s3, found);
  return lock === 'off' ? undefined : lock?.RetainUntilDate;
}

/** `off` in a bucket without locks, undefined for an object without one. */
async function lockOf(s3: S3, found: Found): Promise<ObjectLockRetention | 'off' | undefined> {
  const about = { operation: 'GetObjectRetention', key: found.key } as const;
  return request(s3, about, (attempt) =>
    s3.client.send(new GetObjectRetentionCommand(versionOf(s3, found)), attempt),
  ).then(
    ({ Retention }) => Retention,
    (error: unknown) => {
      const reason = awsFailure(error)?.name ?? '';
      if (LOCKS_OFF.includes(reason)) return 'off';
      if (reason === 'NoSuchObjectLockConfiguration') return undefined;
      throw error;
    },
  );
}

function versionOf({ bucket, place }: S3, { key, versionId }: Found) {
  return { ...bucket, Key: place.prefix + key, VersionId: versionId };
}

// AWS, and others, for a bucket that was made without Object Lock; the last where a server has none at all.
const LOCKS_OFF = ['InvalidRequest', 'ObjectLockConfigurationNotFoundError', 'NotImplemented'];

/** Tags `found`, so that the lifecycle may move it. Nothing to do for what has another class by now, and for what was released. */
export async function markLongKept(s3: S3, found: Found): Promise<void> {
  if (found.storageClass !== undefined) return;
  const tags = await tagsOf(s3, found);
  if (tags.some(isReleasedTag) || tags.some(({ Key }) => Key === LONG_KEPT_TAG.key)) return;
  await putTags(s3, found, [...tags, tagOf(LONG_KEPT_TAG)]);
}

/** Tags every version of `key`, so that the lifecycle ends them; without versions, deletes it. */
export async function letGo(s3: S3, key: string): Promise<void> {
  if (!s3.place.versions) return deleteObject(s3, key);
  for (const { versionId } of await versionsOf(s3, key)) {
    await tag(s3, { key, versionId }).catch((error: unknown) => {
      // It has ended since it was listed.
      if (!(error instanceof HoldfastError && error.code === 'BACKUP_NOT_FOUND')) throw error;
    });
  }
}

async function tag(s3: S3, version: Pick<Found, 'key' | 'versionId'>): Promise<void> {
  // A tag set is replaced as a whole, and others may have tags of their own.
  const tags = await tagsOf(s3, version);
  if (tags.some(isReleasedTag)) return;
  const others = tags.filter(({ Key = '' }) => !OURS.includes(Key));
  await putTags(s3, version, [...others, tagOf(RELEASED_TAG)]);
}

// What goes is not moved any more: it would be charged for 90 days.
const OURS: readonly string[] = [RELEASED_TAG.key, LONG_KEPT_TAG.key];

function tagOf({ key, value }: typeof RELEASED_TAG | typeof LONG_KEPT_TAG): Tag {
  return { Key: key, Value: value };
}

async function putTags(
  s3: S3,
  { key, versionId }: Pick<Found, 'key' | 'versionId'>,
  tags: readonly Tag[],
): Promise<void> {
  const command = new PutObjectTaggingCommand({
    ...s3.bucket,
    Key: s3.place.prefix + key,
    VersionId: versionId,
    Tagging: { TagSet: [...tags] },
  });
  await request(s3, { operation: 'PutObjectTagging', key }, (attempt) =>
    s3.client.send(command, attempt),
  );
}

async function deleteObject(s3: S3, key: string): Promise<void> {
  const command = new DeleteObjectCommand({ ...s3.bucket, Key: s3.place.prefix + key });
  await request(s3, { operation: 'DeleteObject', key }, (attempt) =>
    s3.client.send(command, attempt),
  );
}
