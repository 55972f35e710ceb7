// Hours of the week and weekly turns, by clocks that are put forward and back.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { turnAt } from '../../lib/policy/rotation.ts';
import { isWithin, weekHours, WEEK_HOURS, withinMs } from '../../lib/policy/week-hours.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const at = (text: string) => new Date(text);
const within = (texts: string[], zone: string, text: string) =>
  isWithin(weekHours(texts, zone), at(text));

describe('hours of the week', () => {
  test('begin and end to the minute, by the clock of their zone', () => {
    const hours = ['Mon-Fri 08:00-18:00'];
    expect(within(hours, 'Europe/Berlin', '2026-11-23T06:59:59.999Z')).toBe(false);
    expect(within(hours, 'Europe/Berlin', '2026-11-23T07:00:00Z')).toBe(true);
    expect(within(hours, 'Europe/Berlin', '2026-11-23T16:59:59.999Z')).toBe(true);
    expect(within(hours, 'Europe/Berlin', '2026-11-23T17:00:00Z')).toBe(false);
    // In summer the same hours come an hour earlier.
    expect(within(hours, 'Europe/Berlin', '2026-07-20T06:00:00Z')).toBe(true);
    expect(within(hours, 'Europe/Berlin', '2026-11-22T10:00:00Z')).toBe(false);
  });

  test('go on over midnight, over Sunday, and over the whole day', () => {
    expect(within(['22:00-07:00'], 'UTC', '2026-11-23T23:00:00Z')).toBe(true);
    expect(within(['22:00-07:00'], 'UTC', '2026-11-23T06:59:00Z')).toBe(true);
    expect(within(['22:00-07:00'], 'UTC', '2026-11-23T07:00:00Z')).toBe(false);
    expect(within(['Sun 22:00-07:00'], 'UTC', '2026-11-23T06:00:00Z')).toBe(true);
    expect(within(['Sun 22:00-07:00'], 'UTC', '2026-11-24T06:00:00Z')).toBe(false);
    expect(within(['Fri-Mon 00:00-24:00'], 'UTC', '2026-11-23T23:59:00Z')).toBe(true);
    expect(within(['Fri-Mon 00:00-24:00'], 'UTC', '2026-11-24T00:00:00Z')).toBe(false);
    expect(within(['09:00-09:00'], 'UTC', '2026-11-24T03:00:00Z')).toBe(true);
  });

  test('that a clock skips do not come, and those that it repeats come twice', () => {
    const night = weekHours(['02:00-03:00'], 'Europe/Berlin');
    const day = (from: string, to: string) => withinMs(night, at(from), at(to));
    expect(day('2026-03-28T12:00:00Z', '2026-03-29T12:00:00Z')).toBe(0);
    expect(day('2026-10-24T12:00:00Z', '2026-10-25T12:00:00Z')).toBe(2 * HOUR);
    expect(day('2026-10-25T12:00:00Z', '2026-10-26T12:00:00Z')).toBe(HOUR);
  });

  test.each(['24:00-08:00', '8:00-18:00', 'Mo 08:00-18:00', '08:00-25:00', 'Mon-Fri 08:00', ''])(
    'are not written as "%s"',
    (text) => {
      expect(WEEK_HOURS.test(text)).toBe(false);
    },
  );

  const day = fc.constantFrom('Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun');
  const time = fc
    .record({ hour: fc.nat(23), minute: fc.constantFrom(0, 15, 30, 59) })
    .map(({ hour, minute }) => [hour, minute].map((n) => String(n).padStart(2, '0')).join(':'));
  const texts = fc.array(
    fc
      .record({ days: fc.option(fc.tuple(day, day)), from: time, to: time })
      .map(({ days, from, to }) => `${days === null ? '' : `${days.join('-')} `}${from}-${to}`),
    { maxLength: 3 },
  );
  const zone = fc.constantFrom(
    ...['UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kathmandu'],
  );
  // Around the changes of 2026 in all of these zones.
  const moment = fc.record({
    day: fc.constantFrom('2026-03-08', '2026-03-29', '2026-04-05', '2026-10-25', '2026-11-01'),
    minutes: fc.integer({ min: -2000, max: 4000 }),
  });

  test('count to the minute what lies between two moments, across any clock change', () => {
    fc.assert(
      fc.property(
        texts,
        zone,
        moment,
        fc.nat(600),
        (written, timeZone, { day: on, minutes }, length) => {
          const hours = weekHours(written, timeZone);
          const from = Date.parse(on) + minutes * MINUTE;
          let sum = 0;
          for (let minute = 0; minute < length; minute += 1)
            if (isWithin(hours, new Date(from + minute * MINUTE))) sum += MINUTE;
          expect(withinMs(hours, new Date(from), new Date(from + length * MINUTE))).toBe(sum);
          const middle = new Date(from + Math.floor(length / 3) * MINUTE);
          const end = new Date(from + 5 * 24 * HOUR);
          expect(withinMs(hours, new Date(from), middle) + withinMs(hours, middle, end)).toBe(
            withinMs(hours, new Date(from), end),
          );
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('a weekly rotation', () => {
  const three = { timeZone: 'Europe/Berlin', since: '2026-01-05T09:00', size: 3 };

  test('goes on at its hour of the clock on the wall, in summer and winter', () => {
    const turn = (text: string) => turnAt(three, at(text));
    expect(turn('2026-01-05T08:00:00Z')).toBe(0);
    expect(turn('2026-01-12T07:59:59Z')).toBe(0);
    expect(turn('2026-01-12T08:00:00Z')).toBe(1);
    expect(turn('2026-03-30T06:59:59Z')).toBe(2);
    expect(turn('2026-03-30T07:00:00Z')).toBe(0);
    expect(turn('2026-01-05T07:59:59Z')).toBe(2);
  });

  test('is handed over once where the clock shows the hour twice, or not at all', () => {
    const turns = (since: string, from: string) =>
      Array.from({ length: 16 }, (_, index) =>
        turnAt(
          { timeZone: 'Europe/Berlin', since, size: 2 },
          new Date(Date.parse(from) + index * 15 * MINUTE),
        ),
      ).join('');
    // 02:30, which comes at 00:30 and again at 01:30 of UTC.
    expect(turns('2026-10-18T02:30', '2026-10-25T00:00:00Z')).toBe('0011111111111111');
    // 03:00, to which the clock does not come when it is put back.
    expect(turns('2026-10-18T03:00', '2026-10-25T00:00:00Z')).toBe('0000000011111111');
    // 02:30, which the clock skips at 01:00 of UTC.
    expect(turns('2026-03-22T02:30', '2026-03-29T00:00:00Z')).toBe('0000111111111111');
  });

  test('has one at each moment, and only ever goes on', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe'),
        fc.integer({ min: 0, max: 7 * 24 * 4 }),
        fc.integer({ min: 0, max: 52 * 7 * 24 * 4 }),
        (timeZone, quarter, start) => {
          const since = new Date(Date.UTC(2026, 0, 5) + quarter * 15 * MINUTE)
            .toISOString()
            .slice(0, 16);
          const rotation = { timeZone, since, size: 1_000 };
          const from = Date.UTC(2026, 1, 1) + start * 15 * MINUTE;
          const turns = Array.from({ length: 40 }, (_, index) =>
            turnAt(rotation, new Date(from + index * 15 * MINUTE)),
          );
          expect(turns).toEqual(turns.toSorted((a, b) => a - b));
          expect(new Set(turns).size).toBeLessThanOrEqual(2);
        },
      ),
      { numRuns: 200 },
    );
  });
});
