// Reads small files that others control: never follows a link, never waits on a pipe, never reads more than it is told to.
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';

// A pipe opened for reading would wait for a writer for ever; a link could lead anywhere.
const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * The bytes of a regular file, or undefined when there is none, it cannot be read, or it is longer than `maxBytes`.
 *
 * For files whose absence means as little as their being unreadable; a file that must be read is not read with this.
 */
export function readSmallFile(
  path: string | Buffer,
  maxBytes: number,
): Uint8Array<ArrayBuffer> | undefined {
  const head = readHead(path, maxBytes);
  return head?.whole === true ? head.bytes : undefined;
}

/** The first bytes of a regular file, and whether there are no more; undefined when there is none, or it cannot be read. */
export function readHead(
  path: string | Buffer,
  maxBytes: number,
): { bytes: Uint8Array<ArrayBuffer>; whole: boolean } | undefined {
  let file: number;
  try {
    file = openSync(path, FLAGS);
  } catch {
    return undefined;
  }
  try {
    return fstatSync(file).isFile() ? readUpTo(file, maxBytes) : undefined;
  } catch {
    return undefined;
  } finally {
    closeSync(file);
  }
}

function readUpTo(
  file: number,
  maxBytes: number,
): { bytes: Uint8Array<ArrayBuffer>; whole: boolean } {
  // By reading, not by the size that it claims: files such as those of /proc claim 0, and this one may be growing.
  const chunks: Buffer<ArrayBuffer>[] = [];
  let total = 0;
  for (;;) {
    const chunk = Buffer.alloc(Math.min(64 * 1024, maxBytes + 1 - total));
    const bytes = readSync(file, chunk);
    total += bytes;
    chunks.push(chunk.subarray(0, bytes));
    if (bytes > 0 && total <= maxBytes) continue;
    return { bytes: Buffer.concat(chunks).subarray(0, maxBytes), whole: total <= maxBytes };
  }
}
