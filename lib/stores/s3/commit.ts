// The moment at which an object comes to be: only if its key is free, and found out again when the answer was lost.
import { HeadObjectCommand } from '@aws-sdk/client-s3';
import { awsFailure } from '../../aws/failure.ts';
import { HoldfastError } from '../../errors.ts';
import { request } from './client.ts';
import type { S3 } from './client.ts';
import { bucketOf } from './errors.ts';
import { look } from './versions.ts';
import type { Found } from './versions.ts';

/** Metadata that tells what this very put has written from what another has, were it the same bytes. */
const MARK = 'holdfast-put';

/** What is about to be stored under a key. */
export interface Draft {
  readonly key: string;
  /** Never the same twice. */
  readonly mark: string;
}

/** What a server says of an object that it has just stored. */
export interface Committed {
  readonly VersionId?: string | undefined;
  readonly ChecksumCRC32?: string | undefined;
  readonly ChecksumType?: string | undefined;
}

/** The metadata by which {@link commit} knows `draft` again. */
export function markOf({ mark }: Draft): { Metadata: Record<string, string> } {
  return { Metadata: { [MARK]: mark } };
}

/**
 * Makes the object by `send`, which must ask for the key to be free, and confirms that the key reads as it. `STORE_CONFLICT` when
 * it is another's. An answer that was lost makes the next attempt fail: what stands there then is looked at.
 */
export async function commit(
  s3: S3,
  draft: Draft,
  { bytes, crc, send }: { bytes: number; crc?: string; send: () => Promise<Committed> },
): Promise<Found> {
  const committed: Committed = await send().catch(async (error: unknown) => {
    if (!OTHERS_OR_OURS.includes(awsFailure(error)?.name ?? '')) throw error;
    if (await isOurs(s3, draft, await look(s3, draft.key))) return {};
    throw awsFailure(error)?.name === 'NoSuchUpload'
      ? lost(s3, draft, error)
      : conflict(draft.key, error);
  });
  const { VersionId, ChecksumCRC32, ChecksumType } = committed;
  if (crc !== undefined && ChecksumType === 'FULL_OBJECT' && (ChecksumCRC32 ?? crc) !== crc) {
    throw damaged(s3, `has the CRC-32 ${ChecksumCRC32 ?? ''}, not ${crc}`, draft);
  }
  return confirm(s3, draft, { bytes, VersionId });
}

// What a lost success looks like when it is tried again.
const OTHERS_OR_OURS = ['PreconditionFailed', 'NoSuchUpload'];

async function confirm(
  s3: S3,
  draft: Draft,
  { bytes, VersionId }: { bytes: number; VersionId: string | undefined },
): Promise<Found> {
  const found = await look(s3, draft.key);
  if (found === undefined) throw damaged(s3, 'was stored and is not listed', draft);
  const same =
    VersionId === undefined
      ? await isOurs(s3, draft, found)
      : found.versionId === undefined || found.versionId === VersionId;
  // Under a delete marker a key counts as free for the server; the older version is the object all the same.
  if (!same) throw conflict(draft.key);
  if (found.bytes !== bytes) {
    throw damaged(s3, `has ${found.bytes} bytes after ${bytes} were sent`, draft);
  }
  return found;
}

async function isOurs(s3: S3, { key, mark }: Draft, found: Found | undefined): Promise<boolean> {
  if (found === undefined) return false;
  const { Metadata } = await request(s3, { operation: 'HeadObject', key }, (attempt) =>
    s3.client.send(
      new HeadObjectCommand({
        ...s3.bucket,
        Key: s3.place.prefix + key,
        VersionId: found.versionId,
      }),
      attempt,
    ),
  );
  return Metadata?.[MARK] === mark;
}

/** The error of a key that exists. */
export function conflict(key: string, cause?: unknown): HoldfastError {
  return new HoldfastError('STORE_CONFLICT', `"${key}" is in the store already`, {
    hint: 'Nothing that is stored is ever overwritten.',
    cause,
  });
}

function lost({ place }: S3, { key }: Draft, cause: unknown): HoldfastError {
  return new HoldfastError(
    'STORE_UNAVAILABLE',
    `the upload of "${key}" to ${bucketOf(place)} was ended by somebody else`,
    { hint: 'Run it again; see that nothing aborts uploads that are under way.', cause },
  );
}

function damaged({ place }: S3, what: string, { key }: Draft): HoldfastError {
  return new HoldfastError('STORE_UNAVAILABLE', `"${key}" in ${bucketOf(place)} ${what}`, {
    hint: 'Run it again; if it stays, do not rely on this server.',
  });
}
