import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { calendarOf, timeZoneName } from '../../lib/policy/calendar.ts';

test.each([
  ['2026-12-31T12:00:00Z', 'UTC', ['2026-12-31', '2026-W53', '2026-12', '2026']],
  ['2027-01-03T12:00:00Z', 'UTC', ['2027-01-03', '2026-W53', '2027-01', '2027']],
  ['2027-01-04T00:00:00Z', 'UTC', ['2027-01-04', '2027-W01', '2027-01', '2027']],
  ['2024-12-30T12:00:00Z', 'UTC', ['2024-12-30', '2025-W01', '2024-12', '2024']],
  ['2021-01-03T12:00:00Z', 'UTC', ['2021-01-03', '2020-W53', '2021-01', '2021']],
  ['2028-02-29T23:59:59.999Z', 'UTC', ['2028-02-29', '2028-W09', '2028-02', '2028']],
  // The night that is an hour longer: two moments, one local time, one day.
  ['2026-10-25T00:30:00Z', 'Europe/Berlin', ['2026-10-25', '2026-W43', '2026-10', '2026']],
  ['2026-10-25T01:30:00Z', 'Europe/Berlin', ['2026-10-25', '2026-W43', '2026-10', '2026']],
  ['2026-10-25T22:59:59Z', 'Europe/Berlin', ['2026-10-25', '2026-W43', '2026-10', '2026']],
  ['2026-10-25T23:00:00Z', 'Europe/Berlin', ['2026-10-26', '2026-W44', '2026-10', '2026']],
  ['2026-03-28T23:00:00Z', 'Europe/Berlin', ['2026-03-29', '2026-W13', '2026-03', '2026']],
  ['2026-12-31T23:30:00Z', 'Europe/Berlin', ['2027-01-01', '2026-W53', '2027-01', '2027']],
  ['2027-01-01T03:00:00Z', 'America/New_York', ['2026-12-31', '2026-W53', '2026-12', '2026']],
])('%s in %s is of the buckets %j', (time, timeZone, buckets) => {
  expect(Object.values(calendarOf(timeZone)(new Date(time)))).toEqual(buckets);
});

test('later moments never fall in an earlier bucket of any tier', () => {
  const moment = fc.date({
    min: new Date('1990-01-01'),
    max: new Date('2090-01-01'),
    noInvalidDate: true,
  });
  const zone = fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe');
  fc.assert(
    fc.property(
      moment,
      fc.integer({ min: 0, max: 10 * 86_400_000 }),
      zone,
      (time, ms, timeZone) => {
        const before = calendarOf(timeZone)(time);
        const after = calendarOf(timeZone)(new Date(time.getTime() + ms));
        expect(after.daily >= before.daily).toBe(true);
        expect(after.weekly >= before.weekly).toBe(true);
        expect(after.monthly >= before.monthly).toBe(true);
      },
    ),
  );
});

test('an ISO week has seven days, all year round', () => {
  const bucketsOf = calendarOf('UTC');
  const days = new Map<string, number>();
  for (let day = Date.UTC(2018, 0, 1); day < Date.UTC(2032, 0, 5); day += 86_400_000) {
    const { weekly } = bucketsOf(new Date(day));
    days.set(weekly, (days.get(weekly) ?? 0) + 1);
  }
  expect(new Set(days.values())).toEqual(new Set([7]));
});

test('refuses a zone that does not exist', () => {
  expect(() => calendarOf('Europe/Atlantis')).toThrow(
    expect.objectContaining({ code: 'CONFIG_INVALID' }),
  );
});

test.each([
  ['europe/berlin', 'Europe/Berlin'],
  ['AMERICA/PORT-AU-PRINCE', 'America/Port-au-Prince'],
  ['utc', 'UTC'],
  ['UTC', 'UTC'],
])('the time zone %s is written as the IANA database has it', (typed, name) => {
  expect(timeZoneName(typed)).toBe(name);
});
