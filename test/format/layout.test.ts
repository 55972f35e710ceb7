import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { TRIGGER_KINDS } from '../../lib/format/ids.ts';
import {
  artifactKey,
  backupPrefix,
  manifestKey,
  NAME_PATTERN,
  parseBackupKey,
  parseRecordKey,
  recordKey,
  recordsPrefix,
  sourcePrefix,
} from '../../lib/format/layout.ts';
import { VERBS } from '../../lib/format/record.ts';
import { assertKey } from '../../lib/stores/keys.ts';

const letters = ['a', 'b', 'z', '0', '9'];
const name = fc
  .array(fc.constantFrom(...letters, '-'), { minLength: 1, maxLength: 63 })
  .map((chars) => chars.join(''))
  .filter((text) => NAME_PATTERN.test(text));
const id = fc.constantFrom(...TRIGGER_KINDS).map((kind) => `20261121T020000000Z-${kind}`);
const begin = fc.date({
  min: new Date('2000-01-01T00:00:00Z'),
  max: new Date('2099-01-01T00:00:00Z'),
  noInvalidDate: true,
});

describe('keys of backups', () => {
  test('are keys that stores take, stand under their prefixes and give back their parts', () => {
    fc.assert(
      fc.property(name, id, (source, backup) => {
        const artifact = artifactKey(
          { source, id: backup },
          { role: 'archive', random: 'x1', extension: 'tar.gz' },
        );
        for (const [key, file] of [
          [manifestKey(source, backup), 'manifest.json'],
          [artifact, 'archive-x1.tar.gz'],
        ] as const) {
          expect(() => assertKey(key)).not.toThrow();
          expect(key.startsWith(backupPrefix(source, backup))).toBe(true);
          expect(backupPrefix(source, backup).startsWith(sourcePrefix(source))).toBe(true);
          expect(parseBackupKey(key)).toEqual({ source, id: backup, file });
        }
      }),
    );
  });

  test('of one source never stand under the prefix of another', () => {
    expect(manifestKey('ab', 'x').startsWith(sourcePrefix('a'))).toBe(false);
    fc.assert(
      fc.property(name, name, id, (one, other, backup) => {
        expect(manifestKey(one, backup).startsWith(sourcePrefix(other))).toBe(one === other);
      }),
    );
  });

  test.each([
    'holdfast.json',
    'README.txt',
    'backups/site/manifest.json',
    'backups/site/20261121T020000000Z-schedule',
    'backups/site/20261121T020000000Z-schedule/a/b',
    'backups/Site/20261121T020000000Z-schedule/manifest.json',
    'backups//20261121T020000000Z-schedule/manifest.json',
    'backups/../20261121T020000000Z-schedule/manifest.json',
    'backups/site/20261321T020000000Z-schedule/manifest.json',
    'records/verify/site/20261121T020000000Z-x.json',
  ])('are not %j', (key) => {
    expect(parseBackupKey(key)).toBeUndefined();
  });
});

describe('keys of records', () => {
  test('are keys that stores take, and give back their parts', () => {
    fc.assert(
      fc.property(fc.constantFrom(...VERBS), name, begin, id, (verb, source, time, subject) => {
        const key = recordKey({ verb, source, begin: time, subject });
        expect(() => assertKey(key)).not.toThrow();
        expect(key.startsWith(recordsPrefix(verb, source))).toBe(true);
        expect(parseRecordKey(key)).toMatchObject({ verb, source, subject });
      }),
    );
  });

  test('sort by the time at which they began', () => {
    fc.assert(
      fc.property(begin, begin, (one, other) => {
        const [a, b] = [one, other].map((time) =>
          recordKey({ verb: 'verify', source: 'site', begin: time, subject: 'x' }),
        );
        expect((a ?? '') < (b ?? '')).toBe(one < other);
      }),
    );
  });

  test.each([
    'records/verify/20261121T020000000Z-x.json',
    'records/verify/site/20261121T020000000Z-x.txt',
    'records/verify/site/20261121T020000000Z-.json',
    'records/verify/site/20261121T020000000Z-a/b.json',
    'records/verify/../20261121T020000000Z-x.json',
    'records/verify/site/2026-x.json',
    'xrecords/verify/site/20261121T020000000Z-x.json',
  ])('are not %j', (key) => {
    expect(parseRecordKey(key)).toBeUndefined();
  });
});

test.each(['', '-a', 'a-', 'A', 'a_b', 'a/b', '..', 'a'.repeat(64), 'ä', 'a\n'])(
  '%j is the name of no source',
  (text) => {
    expect(NAME_PATTERN.test(text)).toBe(false);
  },
);
