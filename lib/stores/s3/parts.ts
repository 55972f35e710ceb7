// Cuts a body of unknown length into the parts of a multipart upload, in a few buffers that are used again and again.

/** S3 takes parts with numbers up to this. */
export const MAX_PARTS = 10_000;

const MIB = 1 << 20;
/** What fits into one part needs no multipart upload. */
export const FIRST_PART_BYTES = 8 * MIB;
const PARTS_OF_A_SIZE = 1_000;
const HELD_BYTES = 4 * FIRST_PART_BYTES;
const MOST_HELD_BYTES = 256 * MIB;

/**
 * The size of the part with this number, counted from 1: 8 MiB, doubled after each thousand. So 10,000 parts hold more than the 5 TB
 * that S3 allows, and a part is never more than about a five-hundredth of what is stored.
 */
export function partBytes(number: number): number {
  return FIRST_PART_BYTES * 2 ** Math.floor((number - 1) / PARTS_OF_A_SIZE);
}

export interface Part {
  readonly number: number;
  readonly bytes: Uint8Array;
}

/** Buffers for parts: as many as may be held at once. */
export interface Buffers {
  /** A buffer of this size, once there is room for it. */
  take(bytes: number): Promise<Buffer>;
  /** Gives back what `take` gave, or a part of it. */
  give(bytes: Uint8Array): void;
}

/** Room for four parts of 8 MiB; for two of larger ones, or for one when it is more than 128 MiB. */
export function makeBuffers(): Buffers {
  let held = 0;
  let spare: Buffer[] = [];
  let wake: (() => void) | undefined;
  const hasRoom = (bytes: number) =>
    held === 0 || held + bytes <= Math.max(HELD_BYTES, Math.min(2 * bytes, MOST_HELD_BYTES));
  return {
    async take(bytes) {
      while (!hasRoom(bytes)) await new Promise<void>((resolve) => (wake = resolve));
      held += bytes;
      spare = spare.filter(({ byteLength }) => byteLength === bytes);
      return spare.pop() ?? Buffer.allocUnsafeSlow(bytes);
    },
    give({ buffer, byteLength }) {
      held -= buffer.byteLength;
      if (byteLength === buffer.byteLength) spare.push(Buffer.from(buffer as ArrayBuffer));
      wake?.();
      wake = undefined;
    },
  };
}

/** The parts of `chunks`, each in a buffer that the caller gives back. */
export async function* cut(
  chunks: AsyncIterable<Uint8Array>,
  buffers: Buffers,
): AsyncGenerator<Part> {
  let number = 1;
  let buffer: Buffer | undefined;
  let filled = 0;
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.byteLength;) {
      buffer ??= await buffers.take(partBytes(number));
      const piece = chunk.subarray(at, at + buffer.byteLength - filled);
      buffer.set(piece, filled);
      at += piece.byteLength;
      filled += piece.byteLength;
      if (filled < buffer.byteLength) continue;
      yield { number, bytes: buffer };
      number += 1;
      [buffer, filled] = [undefined, 0];
    }
  }
  if (buffer !== undefined) yield { number, bytes: buffer.subarray(0, filled) };
}
