import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, posix } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  assertSafeEntryPath,
  bytesOf,
  displayPath,
  displayText,
  fromUtf8,
  fsPath,
  joinBytes,
  MAX_NAME_BYTES,
  MAX_PATH_BYTES,
  resolveLinkInside,
  unsafePathReason,
  toMatchText,
  toUtf8,
} from '../../lib/format/paths.ts';

const bytes = fc.uint8Array({ maxLength: 40 });
const byteString = bytes.map((raw) => Buffer.from(raw).toString('latin1'));
// Parts that attacks are made of, mixed with ordinary ones.
const hostilePath = fc
  .array(fc.constantFrom('..', '.', '', 'a', 'b', '\0', '..a', 'C:', '\\..\\', '\xff'), {
    maxLength: 6,
  })
  .map((parts) => parts.join('/'));

describe('byte strings', () => {
  test('keep any bytes through the round trip', () => {
    fc.assert(
      fc.property(bytes, (raw) => {
        expect(bytesOf(Buffer.from(raw).toString('latin1'))).toEqual(Buffer.from(raw));
      }),
    );
  });

  test('order as the raw bytes do', () => {
    fc.assert(
      fc.property(byteString, byteString, (a, b) => {
        const order = a < b ? -1 : a > b ? 1 : 0;
        expect(order).toBe(Buffer.compare(bytesOf(a), bytesOf(b)));
      }),
    );
  });

  test('keep any well-formed text through the round trip', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(toUtf8(fromUtf8(text))).toBe(text);
      }),
    );
  });

  test('give text exactly where the platform decoder accepts the bytes', () => {
    const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    fc.assert(
      fc.property(byteString, (path) => {
        let expected: string | undefined;
        try {
          expected = strict.decode(bytesOf(path));
        } catch {
          expected = undefined;
        }
        expect(toUtf8(path)).toBe(expected);
      }),
    );
  });

  test('keep NFC and NFD twins apart', () => {
    expect(fromUtf8('caf\u00e9')).not.toBe(fromUtf8('cafe\u0301'));
  });

  test('refuses lone surrogates, which would name another file', () => {
    expect(() => fromUtf8('a\ud800b')).toThrow(expect.objectContaining({ code: 'PATH_UNSAFE' }));
  });

  test('refuses to truncate text that was never made a byte string', () => {
    expect(() => bytesOf('\u{20ac}')).toThrow('byte string');
  });

  test('name the same file on a disk, whatever their encoding', () => {
    const folder = mkdtempSync(join(tmpdir(), 'holdfast-paths-'));
    try {
      const names = ['plain', fromUtf8('caf\u00e9'), 'latin\xe9', '\x1b[31m', 'new\nline'];
      for (const name of names) {
        const path = fsPath(joinBytes(folder, name));
        writeFileSync(path, name, 'latin1');
        expect(readFileSync(path, 'latin1')).toBe(name);
      }
      const found = readdirSync(folder, 'buffer').map((name) => name.toString('latin1'));
      expect(found.sort()).toEqual([...names].sort());
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('text for patterns', () => {
  test('is different for different names, and typed text never holds what stands for a stray byte', () => {
    fc.assert(
      fc.property(byteString, byteString, (a, b) => {
        expect(toMatchText(a) === toMatchText(b)).toBe(a === b);
        expect(toMatchText(a).isWellFormed()).toBe(toUtf8(a) !== undefined);
      }),
    );
    expect(toMatchText('a\xe9b')).toBe('a\udce9b');
  });
});

describe('display', () => {
  test.each([
    ['\x1b[31mred', '\\x1b[31mred'],
    ['two\nlines\t\r', 'two\\nlines\\t\\r'],
    [fromUtf8('\u202egnp.exe'), '\\u{202e}gnp.exe'],
    [fromUtf8('\u009b31m'), '\\u{9b}31m'],
    ['latin\xe9', 'latin\\xe9'],
    ['back\\slash', 'back\\\\slash'],
    [fromUtf8('caf\u00e9 \u{1f468}\u200d\u{1f469}'), 'caf\u00e9 \u{1f468}\u200d\u{1f469}'],
  ])('of %j is %j', (path, shown) => {
    expect(displayPath(path)).toBe(shown);
  });

  test('never lets a control, bidi or unpaired character through', () => {
    fc.assert(
      fc.property(byteString, fc.string({ unit: 'binary' }), (path, text) => {
        for (const shown of [displayPath(path), displayText(text)]) {
          expect(shown).not.toMatch(/[\p{Cc}\p{Cs}\u202a-\u202e\u2066-\u2069]/u);
        }
      }),
    );
  });

  test('shows different paths differently', () => {
    const tricky = fc
      .array(fc.constantFrom('\\', 'x', '1', 'b', 'n', '\n', '\x1b', '\xff', '\xc2\x9b', 'u{9b}'), {
        maxLength: 6,
      })
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(tricky, tricky, (a, b) => {
        expect(displayPath(a) === displayPath(b)).toBe(a === b);
      }),
    );
  });

  test('changes nothing that was escaped already', () => {
    fc.assert(
      fc.property(byteString, (path) => {
        expect(displayText(displayPath(path))).toBe(displayPath(path));
      }),
    );
  });
});

describe('entry paths', () => {
  test.each(['a', 'a/', 'a/b/c', '.env', '...', '..a', 'C:', 'a\\..\\b', '-rf', '\xff\xfe', ' '])(
    'accepts %j',
    (path) => {
      expect(unsafePathReason(path)).toBeUndefined();
    },
  );

  test.each([
    ['', 'empty'],
    ['/', 'absolute'],
    ['/etc/passwd', 'absolute'],
    ['../x', '".."'],
    ['a/../b', '".."'],
    ['a/..', '".."'],
    ['a/../', '".."'],
    ['./a', '"."'],
    ['a/.', '"."'],
    ['a//b', 'empty part'],
    ['a//', 'empty part'],
    ['a\0b', 'NUL'],
    ['\u{20ac}', 'bytes'],
  ])('refuses %j', (path, reason) => {
    expect(unsafePathReason(path)).toContain(reason);
    expect(() => {
      assertSafeEntryPath(path);
    }).toThrow(expect.objectContaining({ code: 'PATH_UNSAFE' }));
  });

  test('refuses paths and parts that no file system takes', () => {
    expect(unsafePathReason('x'.repeat(MAX_NAME_BYTES))).toBeUndefined();
    expect(unsafePathReason('x'.repeat(MAX_NAME_BYTES + 1))).toContain('part longer');
    expect(unsafePathReason('x/'.repeat(MAX_PATH_BYTES))).toContain('longer than');
  });

  test('never lets a path escape its target', () => {
    fc.assert(
      fc.property(hostilePath, (path) => {
        fc.pre(unsafePathReason(path) === undefined);
        const resolved = posix.resolve('/target', path);
        expect(resolved.startsWith('/target/')).toBe(true);
        // Nothing was folded away either: one entry has one spelling.
        expect(resolved).toBe(`/target/${path.replace(/\/$/, '')}`);
      }),
    );
  });
});

describe('links', () => {
  test.each([
    ['a/b/link', '../c', true],
    ['a/b/link', '../../c', true],
    ['a/b/link', '../../../c', false],
    ['link', 'a/b', true],
    ['link', '..', false],
    ['link', '.', true],
    ['link/', '..', false],
    ['link', '/etc/passwd', false],
    ['link', '', false],
    ['link', 'a\0b', false],
    ['a/link', './../b', true],
    // "x" may be a link to somewhere deep, from which ".." leads out.
    ['link', 'x/../y', false],
  ])('at %j to %j stays inside: %j', (path, target, inside) => {
    expect(resolveLinkInside(path, target)).toBe(inside);
  });

  test('that pass never resolve outside', () => {
    fc.assert(
      fc.property(hostilePath, hostilePath, (path, target) => {
        fc.pre(unsafePathReason(path) === undefined && resolveLinkInside(path, target));
        const resolved = posix.resolve('/t', posix.dirname(path), target);
        expect(`${resolved}/`.startsWith('/t/')).toBe(true);
      }),
    );
  });
});
