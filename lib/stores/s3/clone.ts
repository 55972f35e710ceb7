// Copies an object within the store, server-side: no byte of it comes here. CopyObject could not ask for the key to be free.
import { HeadObjectCommand, UploadPartCopyCommand } from '@aws-sdk/client-s3';
import type { CompletedPart } from '@aws-sdk/client-s3';
import { request } from './client.ts';
import type { S3 } from './client.ts';
import { conflict } from './commit.ts';
import { MAX_PARTS } from './parts.ts';
import { putBody } from './put.ts';
import { upload } from './upload.ts';
import type { Upload, Uploaded } from './upload.ts';
import { look } from './versions.ts';
import type { Found } from './versions.ts';
import type { PutOptions } from '../store.ts';

const COPIED_BYTES = 256 << 20;
const COPIES_AT_ONCE = 4;
// S3 copies ranges of objects larger than this only.
const LEAST_RANGE = 5 << 20;

/** Stores under `to` what `from` has. */
export async function cloneObject(
  s3: S3,
  from: Found,
  { to, signal }: { to: string } & PutOptions,
): Promise<Found> {
  if ((await look(s3, to)) !== undefined) throw conflict(to);
  // There is no range of an empty object to copy.
  if (from.bytes === 0) {
    return putBody(s3, { key: to, body: new Uint8Array(0), ...(signal && { signal }) });
  }
  const crc = s3.place.checksums === 'full-object' ? await checksumOf(s3, from) : undefined;
  // Parts that are copied have checksums that servers disagree about; where the whole has none, the length and the ETag must do.
  const options = { signal, checksums: crc === undefined ? 'none' : s3.place.checksums } as const;
  return upload(s3, { key: to, mark: s3.random() }, options, (begun) =>
    copyParts(s3, { from, begun, crc, signal }),
  );
}

/** What the server knows of the source, so that the copy is proven to be the same; undefined when it knows nothing. */
async function checksumOf(s3: S3, { key, versionId }: Found): Promise<string | undefined> {
  const command = new HeadObjectCommand({
    ...s3.bucket,
    Key: s3.place.prefix + key,
    VersionId: versionId,
    ChecksumMode: 'ENABLED',
  });
  const { ChecksumCRC32, ChecksumType } = await request(
    s3,
    { operation: 'HeadObject', key },
    (attempt) => s3.client.send(command, attempt),
  );
  return ChecksumType === 'FULL_OBJECT' ? ChecksumCRC32 : undefined;
}

interface Copying {
  readonly from: Found;
  readonly begun: Upload;
  readonly crc: string | undefined;
  readonly signal: AbortSignal | undefined;
}

async function copyParts(s3: S3, copying: Copying): Promise<Uploaded> {
  const { bytes } = copying.from;
  const size = Math.max(COPIED_BYTES, Math.ceil(bytes / MAX_PARTS));
  const count = Math.ceil(bytes / size);
  const parts: CompletedPart[] = [];
  let next = 1;
  const work = async () => {
    while (next <= count) {
      const number = next++;
      const begin = (number - 1) * size;
      const range =
        bytes <= LEAST_RANGE ? undefined : { begin, end: Math.min(begin + size, bytes) };
      parts.push(await copyPart(s3, copying, number, range));
    }
  };
  // All are waited for: an upload that is aborted while parts arrive keeps these.
  const ends = await Promise.allSettled(Array.from({ length: COPIES_AT_ONCE }, work));
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
  return { parts, bytes, crc: copying.crc };
}

async function copyPart(
  s3: S3,
  { from, begun, crc, signal }: Copying,
  number: number,
  range: { begin: number; end: number } | undefined,
): Promise<CompletedPart> {
  const { Bucket, ExpectedBucketOwner } = s3.bucket;
  const version = from.versionId === undefined ? '' : `?versionId=${from.versionId}`;
  const command = new UploadPartCopyCommand({
    ...s3.bucket,
    Key: s3.place.prefix + begun.key,
    UploadId: begun.id,
    PartNumber: number,
    CopySource: `${Bucket}/${s3.place.prefix}${from.key}${version}`,
    CopySourceIfMatch: from.etag,
    ...(ExpectedBucketOwner !== undefined && { ExpectedSourceBucketOwner: ExpectedBucketOwner }),
    ...(range !== undefined && { CopySourceRange: `bytes=${range.begin}-${range.end - 1}` }),
  });
  const { CopyPartResult: copied } = await request(
    s3,
    {
      operation: 'UploadPartCopy',
      key: begun.key,
      signal,
      bytes: range === undefined ? from.bytes : range.end - range.begin,
    },
    (attempt) => s3.client.send(command, attempt),
  );
  const partCrc = crc === undefined ? undefined : copied?.ChecksumCRC32;
  return {
    PartNumber: number,
    ETag: copied?.ETag,
    ...(partCrc !== undefined && { ChecksumCRC32: partCrc }),
  };
}
