import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseMoment } from '../../lib/format/times.ts';

test.each([
  ['2026-11-21T02:00:00Z', '2026-11-21T02:00:00.000Z'],
  ['2026-11-21T02:00Z', '2026-11-21T02:00:00.000Z'],
  ['2026-11-21T02:00:00.5Z', '2026-11-21T02:00:00.500Z'],
  ['2026-11-21 02:00:00+00:00', '2026-11-21T02:00:00.000Z'],
  ['2026-11-21T02:00:00+0100', '2026-11-21T01:00:00.000Z'],
  ['2026-01-01T00:00:00+14:00', '2025-12-31T10:00:00.000Z'],
  ['2026-12-31T23:30-03:30', '2027-01-01T03:00:00.000Z'],
  ['2028-02-29T12:00Z', '2028-02-29T12:00:00.000Z'],
])('%s is a moment', (text, moment) => {
  expect(parseMoment(text)?.toISOString()).toBe(moment);
});

test.each([
  ...['2026-02-30T00:00:00Z', '2026-02-29T00:00:00Z', '2026-13-01T00:00Z', '2026-00-10T00:00Z'],
  ...['2026-01-01T24:00:00Z', '2026-06-30T23:59:60Z', '2026-01-01T02:60Z', '2026-04-31T00:00Z'],
  ...['2026-01-01', '2026-01-01T00:00', '20260101T000000Z', '1767225600', 'yesterday', ''],
  ...['2026-01-01T00:00+15:00', '2026-01-01T00:00+01:60', '2026-01-01T00:00Z ', '26-01-01T00:00Z'],
])('"%s" is not one', (text) => {
  expect(parseMoment(text)).toBeUndefined();
});

test('every moment is read back as it was written, in every zone', () => {
  const years = { min: new Date('0001-01-02T00:00Z'), max: new Date('9998-12-30T00:00Z') };
  const aMoment = fc.date({ ...years, noInvalidDate: true });
  fc.assert(
    fc.property(aMoment, fc.integer({ min: -14 * 60, max: 14 * 60 }), (moment, minutes) => {
      const local = new Date(moment.getTime() + minutes * 60_000).toISOString().slice(0, -1);
      const [hours, rest] = [Math.abs(minutes) / 60, Math.abs(minutes) % 60].map((part) =>
        String(Math.floor(part)).padStart(2, '0'),
      );
      const zone = `${minutes < 0 ? '-' : '+'}${hours ?? ''}:${rest ?? ''}`;
      expect(parseMoment(`${local}${zone}`)).toEqual(moment);
    }),
  );
});
