import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import zlib from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { compiled } from '../../bin/deflate-module.ts';
import { encodeMember } from '../../lib/format/codec.ts';
import { DEFLATE_BUILD, deflateFast } from '../../lib/deflate/deflate.ts';
import { noise, prose } from '../support/archives.ts';

const MEBIBYTE = 1 << 20;

/** A file of the encoder, compiled and running. */
function instance(file: string): unknown {
  interface Assembly {
    Module: new (binary: Uint8Array) => object;
    Instance: new (module: object) => { exports: unknown };
  }
  const { Module, Instance } = (globalThis as never as { WebAssembly: Assembly }).WebAssembly;
  return new Instance(new Module(compiled(file))).exports;
}

const deflated = (bytes: Uint8Array) => Buffer.concat(deflateFast(bytes, true));
const inflated = (stream: Uint8Array) => zlib.inflateRawSync(stream);

/** Bytes of few or many kinds, some far more often than others, with stretches that come again from near and far. */
const text: fc.Arbitrary<Buffer> = fc
  .record({
    seed: fc.nat(1000),
    length: fc.oneof(fc.nat(40), fc.nat(5000), fc.nat(200_000)),
    kinds: fc.constantFrom(1, 2, 5, 30, 256),
    skew: fc.constantFrom(1, 2, 6),
    again: fc.constantFrom(0, 0.001, 0.01, 0.2),
  })
  .map(({ seed, length, kinds, skew, again }) => {
    const random = noise(4 * length + 16, seed + 1);
    const chance = (i: number) => random.readUInt16LE((2 * i) % (random.length - 2)) / 65_536;
    const bytes = Buffer.alloc(length);
    for (let at = 0; at < length; at++) {
      if (at > 0 && chance(at) < again) {
        const from = at - 1 - Math.floor(chance(at + 1) * Math.min(at, 40_000));
        const end = Math.min(length, at + 3 + Math.floor(chance(at + 2) * 600));
        for (let source = from; at < end; source++, at++) bytes[at] = bytes[source] ?? 0;
        at--;
      } else bytes[at] = Math.floor(chance(at) ** skew * kinds) * 7;
    }
    return bytes;
  });

describe('what is deflated fast', () => {
  test('inflates to what it was', () => {
    fc.assert(
      fc.property(text, (bytes) => {
        expect(inflated(deflated(bytes)).equals(bytes)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  test('can be followed by more, when it is not the last', () => {
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 4 }), (parts) => {
        const streams = parts.flatMap((part, i) => deflateFast(part, i === parts.length - 1));
        expect(inflated(Buffer.concat(streams)).equals(Buffer.concat(parts))).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  test('is the same whatever was deflated before', () => {
    fc.assert(
      fc.property(text, text, (one, other) => {
        const first = deflated(one);
        deflateFast(other, false);
        expect(deflated(one).equals(first)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  test('may have any length, around the limits of what is done at once too', () => {
    const bytes = prose(2 * MEBIBYTE + 20);
    const lengths = [MEBIBYTE, 2 * MEBIBYTE, 32_768, 65_535].flatMap((edge) =>
      [-1, 0, 1, 12, 13].map((more) => edge + more),
    );
    for (const length of [...Array(300).keys(), ...lengths]) {
      const part = bytes.subarray(0, length);
      expect(inflated(deflated(part)).equals(part)).toBe(true);
    }
  });

  test('says what comes again up to 32,768 bytes before, and up to 258 bytes long', () => {
    for (const distance of [1, 2, 3, 4, 7, 8, 255, 256, 257, 32_767, 32_768, 32_769]) {
      for (const length of [3, 4, 5, 11, 12, 257, 258, 259, 600]) {
        const start = noise(distance, 5);
        const bytes = Buffer.alloc(distance + length + 40);
        start.copy(bytes);
        for (let at = distance; at < distance + length; at++) bytes[at] = bytes[at - distance] ?? 0;
        noise(40, 9).copy(bytes, distance + length);
        const stream = deflated(bytes);
        expect(inflated(stream).equals(bytes)).toBe(true);
        if (length >= 257 && distance > 8 && distance <= 32_768)
          expect(stream.length).toBeLessThan(bytes.length - length + 100);
      }
    }
  });

  test('grows by little when it does not shrink', () => {
    for (const length of [1, 100, 65_535, 65_536, MEBIBYTE, 3 * MEBIBYTE]) {
      const stream = deflated(noise(length, 3));
      expect(stream.length).toBeLessThanOrEqual(length + 16 + (length >> 12));
    }
  });

  test('is about as small as with the fastest level of zlib', () => {
    const code = Buffer.concat(
      ['lib/format/codec.ts', 'lib/archive/threads/pool.ts', 'package-lock.json'].map((file) =>
        execFileSync('cat', [file]),
      ),
    );
    const rows = Array.from(
      { length: 5000 },
      (_, i) => `${i}\t${createHash('md5').update(`${i}`).digest('hex')}\tdone\t{"n": ${i * 7}}\n`,
    );
    for (const bytes of [prose(400_000), code, Buffer.from(rows.join(''))]) {
      const { length } = zlib.deflateRawSync(bytes, { level: 1 });
      expect(deflated(bytes).length).toBeLessThan(1.06 * length);
    }
  });

  test('is read by gzip, which has an inflate of its own', () => {
    for (const bytes of [...fc.sample(text, 40), noise(70_000), Buffer.alloc(0)]) {
      const input = encodeMember([{ bytes, stored: false }], { codec: 'gzip', level: 1 });
      expect(execFileSync('gzip', ['-dc'], { input }).equals(bytes)).toBe(true);
    }
  });

  // Whoever changes the bytes raises DEFLATE_BUILD: members of an earlier archive are taken over where its name is the same.
  test('has the bytes that its build is known by', () => {
    const bytes = Buffer.concat([prose(1_200_000), noise(100_000), Buffer.alloc(50_000)]);
    const sha256 = createHash('sha256').update(deflated(bytes)).digest('hex');
    expect([DEFLATE_BUILD, sha256]).toEqual([
      'deflate 1',
      '6d310a5759bb48168871d53336757b20544799637fa84736b79a6f0dc4debd45',
    ]);
  });
});

test('the encoder has all the memory that it counts on', () => {
  const encoder = instance('deflate.ts') as {
    memory: { buffer: ArrayBuffer };
    memoryBytes(): number;
  };
  expect(encoder.memory.buffer.byteLength).toBeGreaterThanOrEqual(encoder.memoryBytes());
});

describe('the lengths of codes', () => {
  interface Huffman {
    readonly memory: { readonly buffer: ArrayBuffer };
    chooseBits(counts: number, bits: number, symbols: number, limit: number): void;
  }
  const huffman = instance('huffman.ts') as Huffman;
  const [counts, bits] = [2_000_000, 2_100_000];

  function chosen(list: readonly number[], limit: number): number[] {
    new Uint32Array(huffman.memory.buffer, counts, list.length).set(list);
    huffman.chooseBits(counts, bits, list.length, limit);
    return [...new Uint8Array(huffman.memory.buffer, bits, list.length)];
  }
  const sumOf = (lengths: readonly number[]) =>
    lengths.reduce((sum, length) => sum + (length === 0 ? 0 : 2 ** -length), 0);

  /** What the symbols take with the best codes of any length: Huffman's algorithm, as it is in books. */
  function least(list: readonly number[]): number {
    const weights = list.filter((count) => count > 0);
    let total = 0;
    while (weights.length > 1) {
      weights.sort((a, b) => b - a);
      const sum = (weights.pop() ?? 0) + (weights.pop() ?? 0);
      total += sum;
      weights.push(sum);
    }
    return total;
  }

  const anyCounts = fc.array(fc.oneof(fc.constant(0), fc.nat(3), fc.nat(1000)), {
    minLength: 2,
    maxLength: 288,
  });

  test('make a whole code of at least two symbols, within the limit', () => {
    fc.assert(
      fc.property(anyCounts, (list) => {
        const lengths = chosen(list, 15);
        expect(sumOf(lengths)).toBe(1);
        expect(Math.max(...lengths)).toBeLessThanOrEqual(15);
        list.forEach((count, i) => count > 0 && expect(lengths[i]).toBeGreaterThan(0));
      }),
    );
  });

  test('are the best where the limit does not matter', () => {
    fc.assert(
      fc.property(anyCounts, (list) => {
        fc.pre(list.filter((count) => count > 0).length >= 2);
        const lengths = chosen(list, 15);
        fc.pre(Math.max(...lengths) < 15);
        const total = list.reduce((sum, count, i) => sum + count * (lengths[i] ?? 0), 0);
        expect(total).toBe(least(list));
      }),
    );
  });

  test('are cut at the limit and still fit, where the best would be longer', () => {
    const fibonacci = [1, 1];
    while (fibonacci.length < 22) fibonacci.push((fibonacci.at(-1) ?? 0) + (fibonacci.at(-2) ?? 0));
    for (const limit of [7, 9, 15]) {
      const list = fibonacci.slice(0, limit === 7 ? 19 : 22);
      const lengths = chosen(list, limit);
      expect(Math.max(...lengths)).toBe(limit);
      expect(sumOf(lengths)).toBe(1);
      // The more often, the shorter.
      expect([...lengths].sort((a, b) => b - a)).toEqual(lengths);
    }
  });
});
