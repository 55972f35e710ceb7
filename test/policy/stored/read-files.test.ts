// How long the reading of a stored file stands for it, and for which file.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  standingReading,
  standsUntil,
  type ReadFile,
} from '../../../lib/policy/stored/read-files.ts';

const DAY_MS = 24 * 3_600_000;
const READ = new Date('2026-05-20T02:00:00.000Z');

/** Read at `READ`, `ageMs` after it was written. */
function reading(ageMs: number, sha256 = '0'.repeat(64)): ReadFile {
  const modified = `${READ.getTime() - ageMs}000001`;
  return { sha256, claim: 'said', bytes: 10, inode: '7', modified, readAt: READ };
}
const after = (ms: number) => new Date(READ.getTime() + ms);
const hex = fc.stringMatching(/^[0-9a-f]{64}$/);
const age = fc.integer({ min: -300_000, max: 400 * DAY_MS });

describe('the reading of a stored file', () => {
  test('stands one day when the file was younger than a day, as it came from memory', () => {
    for (const ageMs of [-60_000, 0, DAY_MS - 1])
      expect(standsUntil(reading(ageMs))).toEqual(after(DAY_MS));
  });

  test('stands 4 to 7 days otherwise, spread by the digest', () => {
    expect(standsUntil(reading(DAY_MS))).toEqual(after(4 * DAY_MS));
    const last = standsUntil(reading(DAY_MS, 'f'.repeat(64))).getTime();
    expect(after(7 * DAY_MS).getTime() - last).toBeLessThanOrEqual(60_000);
    expect(standsUntil(reading(DAY_MS, '8'.padEnd(64, '0')))).toEqual(after(5.5 * DAY_MS));
  });

  test('never stands longer than 7 days, nor for a file that differs in anything', () => {
    fc.assert(
      fc.property(age, hex, hex, (ageMs, sha256, other) => {
        const one = reading(ageMs, sha256);
        expect(standsUntil(one) <= after(7 * DAY_MS)).toBe(true);
        const found = (file: object) => standingReading({ ...one, ...file }, [one], READ);
        expect(found({})).toBe(one);
        expect(found({ inode: '8' })).toBeUndefined();
        expect(found({ bytes: 11 })).toBeUndefined();
        expect(found({ claim: 'else' })).toBeUndefined();
        expect(found({ modified: `${one.modified}0` })).toBeUndefined();
        if (other !== sha256) expect(found({ sha256: other })).toBeUndefined();
      }),
    );
  });

  test('does not count when it is from the future, and of several the latest counts', () => {
    const one = reading(DAY_MS);
    const later = { ...one, readAt: after(DAY_MS) };
    expect(standingReading(one, [later], READ)).toBeUndefined();
    expect(standingReading(one, [one, later, one], after(2 * DAY_MS))).toBe(later);
    expect(standingReading(one, [one], after(4 * DAY_MS + 1))).toBeUndefined();
  });
});
