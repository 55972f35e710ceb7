import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  backupId,
  compactTime,
  parseBackupId,
  TRIGGER_KINDS,
  triggerOf,
} from '../../lib/format/ids.ts';

const at = fc.date({
  min: new Date('1970-01-01T00:00:00Z'),
  max: new Date('9999-12-31T23:59:59.999Z'),
  noInvalidDate: true,
});
const trigger = fc.record({ kind: fc.constantFrom(...TRIGGER_KINDS), at });

describe('an id', () => {
  test('is the time of its trigger and its kind', () => {
    expect(backupId({ kind: 'schedule', at: new Date('2026-11-21T02:00:00Z') })).toBe(
      '20261121T020000000Z-schedule',
    );
    expect(compactTime(new Date('2026-11-21T02:00:00.123Z'))).toBe('20261121T020000123Z');
  });

  test('gives back its trigger', () => {
    fc.assert(fc.property(trigger, (one) => expect(parseBackupId(backupId(one))).toEqual(one)));
  });

  test('sorts by time', () => {
    fc.assert(
      fc.property(trigger, trigger, (one, other) => {
        fc.pre(one.at.getTime() !== other.at.getTime());
        expect(backupId(one) < backupId(other)).toBe(one.at < other.at);
      }),
    );
  });

  test.each([
    '',
    'latest',
    '20261121T020000000Z',
    '20261121T020000000Z-',
    '20261121T020000000Z-hourly',
    '20261121T020000000Z-Schedule',
    '20261121T020000000Z-schedule ',
    '20261121T020000000Z-schedule\n',
    '../20261121T020000000Z-schedule',
    '20260230T020000000Z-schedule',
    '20261321T020000000Z-schedule',
    '20261121T240000000Z-schedule',
    '20261121T026000000Z-schedule',
    '00000000T000000000Z-schedule',
    '20261121T020000Z-schedule',
  ])('is not %j', (text) => {
    expect(parseBackupId(text)).toBeUndefined();
    expect(() => triggerOf(text)).toThrow(expect.objectContaining({ code: 'BACKUP_NOT_FOUND' }));
  });
});
