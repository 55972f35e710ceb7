import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  assertEntry,
  decimalSeconds,
  encodeHeader,
  paddingBytes,
  type Entry,
} from '../../lib/format/tar.ts';
import { entry } from '../support/entries.ts';

const READ_HEADERS = `
import sys, io, json, tarfile
out = []
for line in sys.stdin:
    archive = tarfile.open(fileobj=io.BytesIO(bytes.fromhex(line.strip()) + bytes(1024)), mode='r:', encoding='utf-8')
    m = archive.next()
    raw = lambda s: s.encode('utf-8', 'surrogateescape').hex()
    kind = {tarfile.REGTYPE: 'file', tarfile.DIRTYPE: 'directory', tarfile.SYMTYPE: 'symlink', tarfile.LNKTYPE: 'hardlink'}
    out.append({'path': raw(m.name), 'type': kind[m.type], 'size': m.size, 'mode': m.mode, 'uid': m.uid, 'gid': m.gid,
                'mtime': m.mtime, 'link': raw(m.linkname)})
print(json.dumps(out))
`;

interface Read {
  path: string;
  type: string;
  size: number;
  mode: number;
  uid: number;
  gid: number;
  mtime: number;
  link: string;
}

const bytes = (hex: string) => Buffer.from(hex, 'hex').toString('latin1');
const sample: Entry = {
  path: 'a/b',
  type: 'file',
  size: 3,
  mode: 0o644,
  uid: 1000,
  gid: 1000,
  mtimeMicroseconds: 1_700_000_000_000_000,
  linkTarget: undefined,
};

describe('headers', () => {
  test("say to Python's tarfile what the entry says", () => {
    const entries = fc.sample(entry, 600);
    const input = entries.map((one) => encodeHeader(one).toString('hex')).join('\n');
    const output = execFileSync('python3', ['-c', READ_HEADERS], { input, maxBuffer: 1 << 28 });
    const read = JSON.parse(output.toString()) as Read[];
    expect(read.length).toBe(entries.length);
    read.forEach((found, i) => {
      const wanted = entries[i] ?? sample;
      // Python drops the slash by which tar marks directories.
      const directory = wanted.type === 'directory';
      expect(bytes(found.path)).toBe(directory ? wanted.path.slice(0, -1) : wanted.path);
      expect(bytes(found.link)).toBe(wanted.linkTarget ?? '');
      expect({ ...found, path: 0, link: 0, mtime: 0 }).toEqual({
        path: 0,
        link: 0,
        mtime: 0,
        type: wanted.type,
        size: wanted.size,
        mode: wanted.mode,
        uid: wanted.uid,
        gid: wanted.gid,
      });
      const micros = wanted.mtimeMicroseconds ?? Date.UTC(1980) * 1000;
      expect(Math.abs(found.mtime * 1e6 - micros)).toBeLessThanOrEqual(1);
    });
  });

  test('are those that docs/format.md describes', () => {
    const entries = fc.sample(entry, 1000);
    const hex = (text = '') => Buffer.from(text, 'latin1').toString('hex');
    const input = entries.map((one) => {
      const { path, linkTarget, mtimeMicroseconds: micros = null, ...rest } = one;
      return `${JSON.stringify({ ...rest, path: hex(path), link: hex(linkTarget), micros })}\n`;
    });
    const script = fileURLToPath(new URL('../support/headers.py', import.meta.url));
    const options = { input: input.join(''), maxBuffer: 1 << 28 };
    const lines = execFileSync('python3', [script], options).toString().trimEnd().split('\n');
    expect(lines).toEqual(entries.map((one) => encodeHeader(one).toString('hex')));
  });

  test('give GNU tar the bytes of every name', () => {
    const entries = fc.sample(
      entry.map((one): Entry => ({ ...one, size: 0 })),
      300,
    );
    const input = Buffer.concat([...entries.map(encodeHeader), Buffer.alloc(1024)]);
    const args = ['--list', '--quoting-style=escape', '--file=-', '--no-wildcards'];
    const output = execFileSync('tar', args, {
      input,
      maxBuffer: 1 << 28,
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    const names = output.toString('latin1').replace(/\n$/, '').split('\n').map(unescaped);
    expect(names).toEqual(entries.map(({ path }) => path));
  });

  test('are whole blocks, and differ as soon as anything in the entry does', () => {
    fc.assert(
      fc.property(entry, entry, (one, other) => {
        const header = encodeHeader(one);
        expect(header.length % 512).toBe(0);
        for (const field of [
          'path',
          'mode',
          'uid',
          'gid',
          'mtimeMicroseconds',
          'linkTarget',
        ] as const) {
          const same =
            one[field] === other[field] ||
            (field === 'linkTarget') !== (one.linkTarget !== undefined);
          if (same || (field === 'path' && one.type !== other.type)) continue;
          if (field === 'linkTarget' && other.linkTarget === undefined) continue;
          expect(encodeHeader({ ...one, [field]: other[field] }).equals(header)).toBe(false);
        }
      }),
    );
  });

  test('take one block for what ustar can say', () => {
    expect(encodeHeader(sample).length).toBe(512);
    expect(encodeHeader({ ...sample, path: `${'d'.repeat(155)}/${'f'.repeat(100)}` }).length).toBe(
      512,
    );
    expect(encodeHeader({ ...sample, path: '\xc3\xa9' }).length).toBe(512);
    expect(encodeHeader({ ...sample, path: 'f'.repeat(101) }).length).toBe(3 * 512);
  });
});

/** GNU tar's own escapes. */
function unescaped(name: string): string {
  const letters: Record<string, string> = {
    a: '\x07',
    b: '\b',
    f: '\f',
    n: '\n',
    r: '\r',
    t: '\t',
    v: '\v',
  };
  return name.replace(/\\([0-7]{3}|.)/g, (_, code: string) =>
    code.length === 3 ? String.fromCharCode(parseInt(code, 8)) : (letters[code] ?? code),
  );
}

test('padding fills the last block, and takes none when it is full', () => {
  fc.assert(
    fc.property(fc.nat(2 ** 40), (size) => {
      expect((size + paddingBytes(size)) % 512).toBe(0);
      expect(paddingBytes(size)).toBeLessThan(512);
    }),
  );
});

test('times are written as decimal seconds to the microsecond', () => {
  expect(decimalSeconds(0)).toBe('0');
  expect(decimalSeconds(-1_500_000)).toBe('-1.5');
  expect(decimalSeconds(100_000_000)).toBe('100');
  expect(decimalSeconds(-1)).toBe('-0.000001');
  fc.assert(
    fc.property(fc.integer({ min: -(2 ** 50), max: 2 ** 50 }), (micros) => {
      expect(Math.round(Number(decimalSeconds(micros)) * 1e6)).toBe(micros);
    }),
  );
});

describe('an entry is refused', () => {
  test.each<[string, Partial<Entry>]>([
    ['when its size is negative', { size: -1 }],
    ['when its size is no number', { size: NaN }],
    ['when its size is beyond what can be counted', { size: 2 ** 53 }],
    ['when its mode has more than twelve bits', { mode: 0o10000 }],
    ['when its owner is negative', { uid: -1 }],
    ['when its group is beyond 32 bits', { gid: 2 ** 32 }],
    ['when its time is infinite', { mtimeMicroseconds: Infinity }],
    ['when its time has a fraction', { mtimeMicroseconds: 0.5 }],
    ['when a file ends in a slash', { path: 'a/' }],
    ['when a directory does not', { type: 'directory', size: 0 }],
    ['when a directory has content', { type: 'directory', path: 'a/' }],
    ['when a link leads nowhere', { type: 'symlink', size: 0 }],
    ['when a file is a link as well', { linkTarget: 'b' }],
  ])('%s', (_, change) => {
    expect(() => assertEntry({ ...sample, ...change })).toThrow(/is malformed/);
  });

  test('and no other', () => {
    fc.assert(fc.property(entry, (one) => assertEntry(one)));
  });
});
