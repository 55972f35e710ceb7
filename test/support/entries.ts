// Arbitrary entries and index lines, for properties of the format.
import fc from 'fast-check';
import type { IndexEntry, IndexGroup, Member } from '../../lib/format/archive-index.ts';
import { encodeHeader, paddingBytes, type Entry } from '../../lib/format/tar.ts';

const part = fc.oneof(
  fc.constantFrom(
    'a',
    'page.tsx',
    '[slug]',
    ' ',
    '...',
    '-rf',
    'näh',
    'e\u0301',
    '\u{1f600}',
    'x'.repeat(99),
  ),
  fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme' }),
  fc.constantFrom('n'.repeat(255), 'é'.repeat(127)),
);

/** Names as bytes: most are UTF-8, some are not. */
const name = fc.oneof(
  part.map((text) => Buffer.from(text).toString('latin1')),
  fc.uint8Array({ minLength: 1, maxLength: 120 }).map((raw) => Buffer.from(raw).toString('latin1')),
);

/** Byte strings that may be paths of entries, without a closing slash. */
export const entryPath = fc
  .array(name, { minLength: 1, maxLength: 6 })
  .map((parts) =>
    parts.map((one) => one.replace(/[\0/]/g, '_')).map((one) => (/^\.\.?$/.test(one) ? '_' : one)),
  )
  .map((parts) => parts.join('/'))
  .filter((path) => path.length <= 1000 && !path.startsWith('.holdfast'));

const linkTarget = fc.oneof(
  entryPath,
  fc.constantFrom(
    '../../x',
    '/etc/passwd',
    '.',
    '..',
    'l'.repeat(100),
    'l'.repeat(101),
    'é'.repeat(80),
  ),
);

const owner = fc.oneof(fc.nat(5), fc.constantFrom(0o7777777, 0o10000000, 2 ** 31, 2 ** 32 - 1));
const size = fc.oneof(
  fc.nat(5000),
  fc.constantFrom(0, 511, 512, 513, 2 ** 33 - 1, 2 ** 33, 2 ** 40),
);
const mtimeMicroseconds = fc.oneof(
  fc.integer({ min: -(2 ** 51), max: 2 ** 51 }),
  fc.constantFrom(0, -1, 1, 999_999, 1e6, -1_500_000, 2 ** 33 * 1e6, 1_600_000_000_000_000),
  fc.constant(undefined),
);

const shared = { mode: fc.nat(0o7777), uid: owner, gid: owner, mtimeMicroseconds };

/** Any entry that an archive can hold. */
export const entry: fc.Arbitrary<Entry> = fc.oneof(
  fc.record({
    path: entryPath,
    type: fc.constant('file' as const),
    size,
    ...shared,
    linkTarget: fc.constant(undefined),
  }),
  fc.record({
    path: entryPath.map((path) => `${path}/`),
    type: fc.constant('directory' as const),
    size: fc.constant(0),
    ...shared,
    linkTarget: fc.constant(undefined),
  }),
  fc.record({
    path: entryPath,
    type: fc.constant('symlink' as const),
    size: fc.constant(0),
    ...shared,
    linkTarget,
  }),
  fc.record({
    path: entryPath,
    type: fc.constant('hardlink' as const),
    size: fc.constant(0),
    ...shared,
    linkTarget: entryPath,
  }),
);

export const digest = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map((raw) => Buffer.from(raw).toString('hex'));

export const indexEntry: fc.Arbitrary<IndexEntry> = fc
  .tuple(entry, digest, fc.boolean())
  .map(([one, sha256, holes]) => ({
    ...one,
    sha256: one.type === 'file' || one.type === 'hardlink' ? sha256 : undefined,
    holes: one.type === 'file' && holes,
  }));

const member: fc.Arbitrary<Member> = fc.record({
  offset: fc.nat(),
  bytes: fc.nat(4096),
  rawBytes: fc.nat(1 << 20),
  sha256: digest,
  key: digest,
});

const grouped = fc
  .tuple(fc.array(indexEntry, { minLength: 1, maxLength: 4 }), member)
  .map(([entries, one]): IndexGroup => ({ entries, members: [one] }));

const split = fc
  .tuple(indexEntry, fc.array(member, { minLength: 2, maxLength: 4 }))
  .filter(([one]) => one.type === 'file' && one.size < 5000)
  .map(([one, members]): IndexGroup => {
    const rest = members.slice(1).map((each) => ({ ...each, rawBytes: 0 }));
    const rawBytes = encodeHeader(one).length + one.size + paddingBytes(one.size);
    return { entries: [one], members: [{ ...(members[0] as Member), rawBytes }, ...rest] };
  });

/** A group as an index lists it; a split file where there are several members. */
export const indexGroup: fc.Arbitrary<IndexGroup> = fc.oneof(
  { weight: 3, arbitrary: grouped },
  split,
);
