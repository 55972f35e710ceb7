// Keys of members: what a member would decode to and how it would be encoded, told before it is encoded.
import crypto from 'node:crypto';
import { buildOf } from '../versions.ts';
import type { Encoding } from '../../format/codec.ts';

/** The key of a member that holds whole entries: their headers and the digests of their contents. */
export function keyOfGroup(
  parts: readonly { header: Uint8Array; sha256: string | undefined }[],
  encoding: Encoding,
): string {
  const hash = crypto.createHash('sha256').update(prefix(encoding));
  for (const { header, sha256 } of parts) {
    hash.update(header);
    if (sha256 !== undefined) hash.update(sha256, 'hex');
  }
  return hash.digest('hex');
}

/** The key of a member that holds a piece of a file. */
export function keyOfPiece(
  piece: { header: Uint8Array; sha256: string; rawBytes: number },
  encoding: Encoding,
): string {
  return crypto
    .createHash('sha256')
    .update(`${prefix(encoding)}piece ${piece.rawBytes}\n`)
    .update(piece.header)
    .update(piece.sha256, 'hex')
    .digest('hex');
}

/** The library is part of the key: another build may encode the same content to other bytes. */
function prefix(encoding: Encoding): string {
  return `holdfast member 1 ${encoding.codec} ${encoding.level} ${buildOf(encoding)}\n`;
}
