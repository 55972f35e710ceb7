// Reads ranges of one version, large ones in pieces at the same time, and goes on where an answer broke off.
import type { Readable } from 'node:stream';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import { BrokenAnswer } from '../../network/broken-answer.ts';
import { arriving } from '../../network/in-time.ts';
import { answer, persistently } from './client.ts';
import type { S3 } from './client.ts';
import type { Found } from './versions.ts';

const PIECE_BYTES = 8 << 20;
const PIECES_AT_ONCE = 4;

export interface Range {
  readonly offset: number;
  readonly length: number;
}

/** The bytes of a range that lies within `found`. `BACKUP_NOT_FOUND` when this version is there no more. */
export async function readRange(
  s3: S3,
  found: Found,
  { offset, length }: Range,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(Buffer.allocUnsafeSlow(length).buffer);
  let next = 0;
  const work = async () => {
    while (next < length) {
      const from = next;
      next = Math.min(from + PIECE_BYTES, length);
      await readPiece(s3, found, { into: bytes.subarray(from, next), offset: offset + from });
    }
  };
  await Promise.all(Array.from({ length: PIECES_AT_ONCE }, work));
  return bytes;
}

interface Piece {
  readonly into: Uint8Array;
  readonly offset: number;
}

/** Fills `into`; each attempt asks for what the ones before it did not bring. */
async function readPiece(s3: S3, found: Found, { into, offset }: Piece): Promise<void> {
  const about = { operation: 'GetObject', key: found.key } as const;
  let got = 0;
  await persistently(s3, about, async () => {
    const at = offset + got;
    const command = new GetObjectCommand({
      ...s3.bucket,
      Key: s3.place.prefix + found.key,
      Range: `bytes=${at}-${offset + into.byteLength - 1}`,
      // Without versions the ETag says that it is still the same object.
      ...(found.versionId === undefined ? { IfMatch: found.etag } : { VersionId: found.versionId }),
    });
    const { Body, ContentRange } = await answer(s3, about, (attempt) =>
      s3.client.send(command, attempt),
    );
    if (Body === undefined) throw new BrokenAnswer('has no body');
    const body = Body as Readable;
    if (ContentRange?.startsWith(`bytes ${at}-`) !== true) {
      body.destroy();
      throw new BrokenAnswer(`sent other bytes than those from ${at}`);
    }
    for await (const chunk of arriving(body, { ms: s3.idleMs })) {
      const fits = chunk.subarray(0, into.byteLength - got);
      into.set(fits, got);
      got += fits.byteLength;
      giveBack(chunk);
    }
    if (got < into.byteLength) {
      throw new BrokenAnswer(`ended after ${got} of ${into.byteLength} bytes`);
    }
  });
}

/** Left to the collector, what was copied would stand for long: hundreds of megabytes come in such chunks. */
function giveBack({ buffer, byteLength }: Uint8Array): void {
  const isOwn = buffer instanceof ArrayBuffer && buffer.byteLength === byteLength;
  if (isOwn && byteLength > Buffer.poolSize) buffer.transfer(0);
}
