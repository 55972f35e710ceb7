// Chance from a seed: the same seed gives the same tree on every machine, fast enough for gigabytes.
import { createCipheriv, createHash } from 'node:crypto';

/** A source of repeatable chance. */
export interface Random {
  /** From 0 up to, but not including, 1. */
  float(): number;
  /** A whole number from 0 up to, but not including, `below`. */
  integer(below: number): number;
  /** A whole number from `from` to `to`, both included. */
  between(from: number, to: number): number;
  /** One of `list`, which must not be empty. */
  pick<T>(list: readonly T[]): T;
  /** Bytes that no compressor shrinks. */
  bytes(count: number): Buffer;
}

const BLOCK_BYTES = 64 * 1024;

/** The random source of `seed`: an AES keystream, so its bytes do not compress. */
export function createRandom(seed: string): Random {
  const key = createHash('sha256').update(seed).digest();
  const cipher = createCipheriv('aes-256-ctr', key, Buffer.alloc(16));
  const zeros = Buffer.alloc(BLOCK_BYTES);
  let words = new Uint32Array(0);
  let next = 0;
  const float = (): number => {
    if (next === words.length) {
      const block = cipher.update(zeros);
      words = new Uint32Array(new Uint8Array(block).buffer);
      next = 0;
    }
    const word = words[next] ?? 0;
    next += 1;
    return word / 2 ** 32;
  };
  const integer = (below: number): number => Math.floor(float() * below);
  return {
    float,
    integer,
    between: (from, to) => from + integer(to - from + 1),
    pick: <T>(list: readonly T[]): T => {
      const picked = list[integer(list.length)];
      if (picked === undefined) throw new RangeError('cannot pick from an empty list');
      return picked;
    },
    bytes: (count) => cipher.update(Buffer.alloc(count)),
  };
}
