// Stores a body: what fits into one part by one request, what does not in parts, some at the same time.
import { crc32 } from 'node:zlib';
import { PutObjectCommand, UploadPartCommand } from '@aws-sdk/client-s3';
import type { CompletedPart } from '@aws-sdk/client-s3';
import { HoldfastError } from '../../errors.ts';
import { chunksOf, throwIfCancelled } from '../body.ts';
import type { Body } from '../body.ts';
import { request } from './client.ts';
import type { S3 } from './client.ts';
import { commit, conflict, markOf } from './commit.ts';
import type { Draft } from './commit.ts';
import { cut, FIRST_PART_BYTES, makeBuffers, MAX_PARTS } from './parts.ts';
import type { Part } from './parts.ts';
import { checksumText, encryptionOf, upload } from './upload.ts';
import type { Upload, Uploaded } from './upload.ts';
import { look } from './versions.ts';
import type { Found } from './versions.ts';
import type { PutOptions } from '../store.ts';

/** Stores `body` under `key`. The body is closed however it ends. */
export async function putBody(
  s3: S3,
  { key, body, signal }: { key: string; body: Body } & PutOptions,
): Promise<Found> {
  const draft: Draft = { key, mark: s3.random() };
  const inner = new AbortController();
  const cancel = () => inner.abort(signal?.reason);
  if (signal?.aborted === true) cancel();
  signal?.addEventListener('abort', cancel, { once: true });
  const chunks = chunksOf(body, inner.signal);
  try {
    const begin = await beginningOf(chunks);
    if (begin.whole) {
      throwIfCancelled(signal);
      return await putWhole(s3, draft, Buffer.concat(begin.chunks));
    }
    // Before a gigabyte is sent for nothing; what decides is the commit.
    if ((await look(s3, key)) !== undefined) throw conflict(key);
    const options = { signal: inner.signal, checksums: s3.place.checksums };
    const all = resumed(begin.chunks, chunks);
    return await upload(s3, draft, options, (begun) => putParts(s3, begun, all, inner));
  } finally {
    signal?.removeEventListener('abort', cancel);
    // Ends uploads that are under way, and closes a body that was not read to its end.
    inner.abort();
    await chunks.return();
  }
}

interface Beginning {
  readonly chunks: Uint8Array[];
  /** Whether it is all. */
  readonly whole: boolean;
}

async function beginningOf(chunks: AsyncGenerator<Uint8Array>): Promise<Beginning> {
  const read: Uint8Array[] = [];
  let bytes = 0;
  while (bytes <= FIRST_PART_BYTES) {
    const step = await chunks.next();
    if (step.done === true) return { chunks: read, whole: true };
    read.push(step.value);
    bytes += step.value.byteLength;
  }
  return { chunks: read, whole: false };
}

async function* resumed(
  begun: Uint8Array[],
  rest: AsyncGenerator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  // Each is released when it has been copied into a part.
  for (let chunk = begun.shift(); chunk !== undefined; chunk = begun.shift()) yield chunk;
  yield* rest;
}

/** Like a completion, not interrupted once it is under way. */
async function putWhole(s3: S3, draft: Draft, bytes: Uint8Array): Promise<Found> {
  const crc = s3.place.checksums === 'none' ? undefined : checksumText(crc32(bytes));
  const command = new PutObjectCommand({
    ...s3.bucket,
    Key: s3.place.prefix + draft.key,
    Body: bytes,
    IfNoneMatch: '*',
    ...markOf(draft),
    ...encryptionOf(s3),
    ...(crc !== undefined && { ChecksumCRC32: crc }),
  });
  const about = { operation: 'PutObject', key: draft.key, bytes: bytes.byteLength } as const;
  return commit(s3, draft, {
    bytes: bytes.byteLength,
    ...(crc !== undefined && { crc }),
    send: () => request(s3, about, (attempt) => s3.client.send(command, attempt)),
  });
}

async function putParts(
  s3: S3,
  begun: Upload,
  chunks: AsyncIterable<Uint8Array>,
  inner: AbortController,
): Promise<Uploaded> {
  const buffers = makeBuffers();
  const parts: CompletedPart[] = [];
  const sending = new Set<Promise<void>>();
  let failed: { readonly error: unknown } | undefined;
  let [bytes, crc] = [0, 0];
  try {
    for await (const part of cut(chunks, buffers)) {
      if (part.number > MAX_PARTS) throw tooLarge(begun.key, bytes);
      bytes += part.bytes.byteLength;
      crc = crc32(part.bytes, crc);
      const sent = putPart(s3, begun, part, inner.signal)
        .then((done) => void parts.push(done))
        .catch((error: unknown) => {
          failed ??= { error };
          inner.abort();
        })
        .finally(() => {
          sending.delete(sent);
          buffers.give(part.bytes);
        });
      sending.add(sent);
    }
  } catch (error) {
    // A part that failed ends the body; and a body that failed, the parts: told is what came first.
    failed ??= { error };
    inner.abort();
  }
  await Promise.all(sending);
  if (failed !== undefined) throw failed.error;
  return { parts, bytes, crc: checksumText(crc) };
}

async function putPart(
  s3: S3,
  { key, id }: Upload,
  { number, bytes }: Part,
  signal: AbortSignal,
): Promise<CompletedPart> {
  const crc = s3.place.checksums === 'none' ? {} : { ChecksumCRC32: checksumText(crc32(bytes)) };
  const about = { operation: 'UploadPart', key, bytes: bytes.byteLength, signal } as const;
  const command = new UploadPartCommand({
    ...s3.bucket,
    Key: s3.place.prefix + key,
    UploadId: id,
    PartNumber: number,
    Body: bytes,
    ...crc,
  });
  const { ETag } = await request(s3, about, (attempt) => s3.client.send(command, attempt));
  return { PartNumber: number, ETag, ...crc };
}

function tooLarge(key: string, bytes: number): HoldfastError {
  return new HoldfastError('NO_SPACE', `"${key}" is larger than ${bytes} bytes, which S3 allows`, {
    hint: 'Divide the source into several.',
  });
}
