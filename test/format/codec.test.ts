import { execFileSync } from 'node:child_process';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { HoldfastError } from '../../lib/errors.ts';
import {
  CODECS,
  decodeLocator,
  decodeMember,
  encodeLocator,
  encodeMember,
  LOCATOR_BYTES,
  type Codec,
  type Encoding,
  type Extent,
  type Segment,
} from '../../lib/format/codec.ts';
import { noise, prose } from '../support/archives.ts';
import { digest } from '../support/entries.ts';
import { need } from '../needs/need.ts';

need('zstd');

const segments = fc.array(
  fc
    .tuple(
      fc.constantFrom(0, 1, 500, 65_535, 65_536, 140_000),
      fc.nat(9),
      fc.boolean(),
      fc.boolean(),
    )
    .map(([bytes, seed, dense, stored]): Segment => ({
      bytes: dense ? noise(bytes, seed + 1) : prose(bytes, seed),
      stored,
    })),
  { maxLength: 4 },
);
const encoding: fc.Arbitrary<Encoding> = fc.constantFrom(
  ...([0, 1, 2, 7, 9] as const).map((level) => ({ codec: 'gzip', level }) as const),
  ...([0, 1, 5] as const).map((level) => ({ codec: 'zstd', level }) as const),
);
const rawOf = (list: readonly Segment[]) => Buffer.concat(list.map(({ bytes }) => bytes));
const one = (bytes: Uint8Array): Segment[] => [{ bytes, stored: false }];

describe('members', () => {
  test('decode to what was encoded, and the same content always gives the same bytes', () => {
    fc.assert(
      fc.property(segments, encoding, (list, how) => {
        const member = encodeMember(list, how);
        expect(decodeMember(member, rawOf(list).length, how.codec).equals(rawOf(list))).toBe(true);
        expect(encodeMember(list, how).equals(member)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  const asOneFile = (codec: Codec, tool: string) => {
    const lists = fc.sample(segments, 20);
    const level = codec === 'gzip' ? 2 : 1;
    const input = Buffer.concat(lists.map((list) => encodeMember(list, { codec, level })));
    const output = execFileSync(tool, ['-dc'], { input, maxBuffer: 1 << 28 });
    expect(output.equals(Buffer.concat(lists.map(rawOf)))).toBe(true);
  };

  test('one behind the other are one file for gunzip', () => {
    asOneFile('gzip', 'gunzip');
  });

  test('one behind the other are one file for zstd', () => {
    asOneFile('zstd', 'zstd');
  });

  test('carry no time and no name', () => {
    const member = encodeMember(one(prose(100)), { codec: 'gzip', level: 2 });
    expect([...member.subarray(0, 10)]).toEqual([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
  });

  test('of what does not shrink are little larger than it', () => {
    const raw = noise(1 << 20);
    for (const how of [
      { codec: 'gzip', level: 2 },
      { codec: 'zstd', level: 1 },
    ] as const) {
      expect(encodeMember([{ bytes: raw, stored: true }], how).length).toBeLessThan(
        raw.length + 200,
      );
    }
  });
});

describe('a member is refused', () => {
  const raw = prose(3000);

  test.each(CODECS)('when it decodes to another length than it should (%s)', (codec) => {
    const member = encodeMember(one(raw), { codec, level: 1 });
    for (const wrong of [0, 1, raw.length - 1, raw.length + 1, 1 << 20]) {
      expect(() => decodeMember(member, wrong, codec)).toThrow(
        expect.objectContaining({ code: 'BACKUP_DAMAGED' }),
      );
    }
  });

  test.each(CODECS)('before it fills memory with more than it should decode to (%s)', (codec) => {
    const bomb = encodeMember(one(Buffer.alloc(16 << 20)), { codec, level: 9 });
    expect(bomb.length).toBeLessThan(100_000);
    const before = process.memoryUsage().arrayBuffers;
    expect(() => decodeMember(bomb, 1000, codec)).toThrow(
      expect.objectContaining({ code: 'BACKUP_DAMAGED' }),
    );
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(4 << 20);
  });

  test.each(CODECS)('or gives its own content, whichever bit is flipped (%s)', (codec) => {
    const member = encodeMember(one(raw.subarray(0, 300)), { codec, level: 1 });
    for (let at = 0; at < member.length * 8; at++) {
      const flipped = Buffer.from(member);
      flipped[at >> 3] = (flipped[at >> 3] ?? 0) ^ (1 << (at & 7));
      const outcome = () => {
        try {
          return decodeMember(flipped, 300, codec).equals(raw.subarray(0, 300));
        } catch (error) {
          return (error as HoldfastError).code;
        }
      };
      expect([true, 'BACKUP_DAMAGED']).toContain(outcome());
    }
  });

  test.each(CODECS)('wherever it is cut off (%s)', (codec) => {
    const member = encodeMember(one(raw), { codec, level: 1 });
    for (let length = 0; length < member.length; length++) {
      expect(() => decodeMember(member.subarray(0, length), raw.length, codec)).toThrow(
        expect.objectContaining({ code: 'BACKUP_DAMAGED' }),
      );
    }
  });

  test('when another tool made it: its header has fields that nothing accounts for', () => {
    const foreign = gzipSync(raw, { level: 9 });
    expect(() => decodeMember(foreign, raw.length, 'gzip')).toThrow(/does not begin as/);
  });
});

describe('the locator', () => {
  const extent: fc.Arbitrary<Extent> = fc.record({
    offset: fc.maxSafeNat(),
    bytes: fc.nat(2 ** 31 - 1),
    rawBytes: fc.nat(2 ** 31 - 1),
    sha256: digest,
  });

  test('says where the table stands', () => {
    fc.assert(
      fc.property(extent, fc.constantFrom(...CODECS), (table, codec) => {
        const bytes = encodeLocator(table, codec);
        expect(bytes.length).toBe(LOCATOR_BYTES[codec]);
        expect(decodeLocator(bytes, codec)).toEqual(table);
      }),
    );
  });

  const decoded = (codec: Codec, tool: string) => {
    const [table] = fc.sample(extent, 1);
    if (table === undefined) throw new Error('no sample');
    return execFileSync(tool, ['-dc'], { input: encodeLocator(table, codec) });
  };

  test('is nothing at all to gunzip', () => {
    expect(decoded('gzip', 'gunzip').length).toBe(0);
  });

  test('is nothing at all to zstd', () => {
    expect(decoded('zstd', 'zstd').length).toBe(0);
  });

  test.each(CODECS)(
    'is not taken for one when a byte of its frame differs, or its length (%s)',
    (codec) => {
      const table = { offset: 7, bytes: 1, rawBytes: 2, sha256: 'ab'.repeat(32) };
      const bytes = encodeLocator(table, codec);
      for (let at = 0; at < bytes.length; at++) {
        const flipped = Buffer.from(bytes);
        flipped[at] = (flipped[at] ?? 0) ^ 1;
        expect(decodeLocator(flipped, codec)).not.toEqual(table);
      }
      expect(decodeLocator(bytes.subarray(1), codec)).toBeUndefined();
      expect(decodeLocator(Buffer.concat([bytes, Buffer.alloc(1)]), codec)).toBeUndefined();
    },
  );

  test('is not one when it points beyond what can be counted', () => {
    const bytes = encodeLocator(
      { offset: 0, bytes: 1, rawBytes: 1, sha256: 'ab'.repeat(32) },
      'gzip',
    );
    bytes.writeBigUInt64LE(2n ** 63n, 16);
    expect(decodeLocator(bytes, 'gzip')).toBeUndefined();
  });
});
