// A multipart upload: begun, given its parts, and either completed or aborted, so that nothing of it is left.
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
} from '@aws-sdk/client-s3';
import type { CompletedPart } from '@aws-sdk/client-s3';
import type { S3Checksums } from '../../names/s3-place.ts';
import { throwIfCancelled } from '../body.ts';
import { request } from './client.ts';
import type { S3 } from './client.ts';
import { commit, markOf } from './commit.ts';
import type { Draft } from './commit.ts';
import type { Found } from './versions.ts';

/** An upload that is under way. */
export interface Upload extends Draft {
  readonly id: string;
}

/** What the parts have come to. */
export interface Uploaded {
  readonly parts: readonly CompletedPart[];
  readonly bytes: number;
  /** CRC-32 of the whole in base64; undefined when nobody has computed it. */
  readonly crc: string | undefined;
}

/** Stores under the key of `draft` what `fill` uploads; on any failure the upload is aborted. */
export async function upload(
  s3: S3,
  draft: Draft,
  { signal, checksums }: { signal: AbortSignal | undefined; checksums: S3Checksums },
  fill: (upload: Upload) => Promise<Uploaded>,
): Promise<Found> {
  const about = { operation: 'CreateMultipartUpload', key: draft.key, signal } as const;
  const { UploadId } = await request(s3, about, (attempt) =>
    s3.client.send(
      new CreateMultipartUploadCommand({
        ...s3.bucket,
        Key: s3.place.prefix + draft.key,
        ...markOf(draft),
        ...encryptionOf(s3),
        ...(checksums !== 'none' && { ChecksumAlgorithm: 'CRC32' }),
        ...(checksums === 'full-object' && { ChecksumType: 'FULL_OBJECT' }),
      }),
      attempt,
    ),
  );
  const begun: Upload = { ...draft, id: UploadId ?? '' };
  try {
    const uploaded = await fill(begun);
    throwIfCancelled(signal);
    return await complete(s3, begun, uploaded);
  } catch (error) {
    await abort(s3, begun);
    throw error;
  }
}

/** Not interrupted once it is under way: after a report that nothing was stored, there must be nothing. */
async function complete(s3: S3, draft: Upload, { parts, bytes, crc }: Uploaded): Promise<Found> {
  const whole =
    s3.place.checksums === 'full-object' && crc !== undefined
      ? ({ ChecksumCRC32: crc, ChecksumType: 'FULL_OBJECT' } as const)
      : {};
  const command = new CompleteMultipartUploadCommand({
    ...s3.bucket,
    Key: s3.place.prefix + draft.key,
    UploadId: draft.id,
    IfNoneMatch: '*',
    MultipartUpload: {
      Parts: parts.toSorted((a, b) => (a.PartNumber ?? 0) - (b.PartNumber ?? 0)),
    },
    ...whole,
  });
  const about = { operation: 'CompleteMultipartUpload', key: draft.key, bytes } as const;
  return commit(s3, draft, {
    bytes,
    ...(whole.ChecksumCRC32 !== undefined && { crc: whole.ChecksumCRC32 }),
    send: () => request(s3, about, (attempt) => s3.client.send(command, attempt)),
  });
}

async function abort(s3: S3, { key, id }: Upload): Promise<void> {
  const command = new AbortMultipartUploadCommand({
    ...s3.bucket,
    Key: s3.place.prefix + key,
    UploadId: id,
  });
  // Why it failed is what must be told; parts that stay behind end by the lifecycle of the bucket.
  await request(s3, { operation: 'AbortMultipartUpload', key }, (attempt) =>
    s3.client.send(command, attempt),
  ).catch(() => undefined);
}

/** What a new object says of its encryption: nothing, so that the bucket decides, unless the place names a key. */
export function encryptionOf({ place: { kmsKey } }: S3) {
  return kmsKey === undefined
    ? {}
    : ({
        ServerSideEncryption: 'aws:kms',
        SSEKMSKeyId: kmsKey,
        BucketKeyEnabled: true,
      } as const);
}

/** A CRC-32 as S3 writes it: four bytes, the highest first, in base64. */
export function checksumText(crc: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc);
  return bytes.toString('base64');
}
