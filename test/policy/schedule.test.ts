import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  longestInterval,
  longestIntervalMs,
  nextDue,
  parseSchedule,
  previousDue,
  shortestIntervalBelow,
} from '../../lib/policy/schedule.ts';
import { after, at, DAY, HOUR } from './backups.ts';

const MINUTE = 60_000;

describe('refuses', () => {
  test.each([
    ['', 'UTC'],
    ['nonsense', 'UTC'],
    ['61 * * * *', 'UTC'],
    ['0 2 * *', 'UTC'],
    ['0 0 2 * * *', 'UTC'],
    ['@daily', 'UTC'],
    ['0 2 32 * *', 'UTC'],
    ['0 2 30 2 *', 'UTC'],
    ['*/0 * * * *', 'UTC'],
    ['0 2 ? * *', 'UTC'],
    ['0 2 * * *', 'Europe/Atlantis'],
    ['0 2 * * *', ''],
  ])('the schedule "%s" in "%s"', (cron, timeZone) => {
    expect(() => parseSchedule(cron, timeZone)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    );
  });
});

describe('by the clock of Berlin', () => {
  const half = parseSchedule('30 2 * * *', 'Europe/Berlin');

  test.each([
    // The hour from 2 to 3 comes twice on 25 October 2026, and not at all on 29 March.
    ['2026-10-24T12:00:00Z', '2026-10-25T00:30:00Z'],
    ['2026-10-25T00:30:00Z', '2026-10-26T01:30:00Z'],
    ['2026-10-25T01:00:00Z', '2026-10-26T01:30:00Z'],
    ['2026-03-28T12:00:00Z', '2026-03-29T01:00:00Z'],
    ['2026-03-29T01:00:00Z', '2026-03-30T00:30:00Z'],
    ['2026-11-22T01:29:59.999Z', '2026-11-22T01:30:00Z'],
  ])('half past two is due once a day: after %s at %s', (from, due) => {
    expect(nextDue(half, at(from))).toEqual(at(due));
  });

  test('a time that is due counts as the last one that was', () => {
    expect(previousDue(half, at('2026-10-25T00:30:00Z'))).toEqual(at('2026-10-25T00:30:00Z'));
    expect(previousDue(half, at('2026-10-25T00:29:59.999Z'))).toEqual(at('2026-10-24T00:30:00Z'));
    expect(previousDue(half, at('2026-10-25T01:30:00Z'))).toEqual(at('2026-10-25T00:30:00Z'));
  });
});

test('a quarterly drill on the 31st is due on the months that have one, and 29 February in leap years', () => {
  const last = parseSchedule('0 2 31 */3 *', 'UTC');
  expect(nextDue(last, at('2026-02-01T00:00:00Z'))).toEqual(at('2026-07-31T02:00:00Z'));
  const leap = parseSchedule('0 2 29 2 *', 'UTC');
  expect(nextDue(leap, at('2026-11-22T00:00:00Z'))).toEqual(at('2028-02-29T02:00:00Z'));
});

test('the last due of a moment is the one that the next due leads from', () => {
  const schedule = fc.constantFrom(
    ...['30 2 * * *', '0 */2 * * *', '*/15 * * * *', '0 3 * * 0', '15 1,2,3 * * 1-5', '0 2 1 * *'],
  );
  const zone = fc.constantFrom('UTC', 'Europe/Berlin', 'Australia/Lord_Howe', 'America/New_York');
  const moment = fc.date({ min: at('2024-01-01'), max: at('2031-01-01'), noInvalidDate: true });
  fc.assert(
    fc.property(schedule, zone, moment, (cron, timeZone, time) => {
      const parsed = parseSchedule(cron, timeZone);
      const last = previousDue(parsed, time);
      if (last === undefined) throw new Error('there is always one before');
      const next = nextDue(parsed, time);
      expect(last <= time && time < next).toBe(true);
      expect(nextDue(parsed, last)).toEqual(next);
      expect(previousDue(parsed, after(next, -1))).toEqual(last);
    }),
  );
});

describe('the longest interval', () => {
  const FROM = at('2026-11-22T03:00:00Z');

  test.each([
    ['0 2 * * *', 'UTC', 24 * HOUR],
    ['0 2 * * *', 'Europe/Berlin', 25 * HOUR],
    ['30 2 * * *', 'Europe/Berlin', 25 * HOUR],
    ['0 12 * * *', 'Australia/Lord_Howe', 24.5 * HOUR],
    ['0 3 * * 0', 'UTC', 7 * DAY],
    ['0 3 * * 0', 'Europe/Berlin', 7 * DAY + HOUR],
    ['0 2 * * 1-5', 'UTC', 3 * DAY],
    ['0 9-17 * * 1-5', 'UTC', 64 * HOUR],
    ['0 2 1 * *', 'UTC', 31 * DAY],
    ['0 2 29 2 *', 'UTC', 4 * 365 * DAY + DAY],
    ['0 * * 6 *', 'UTC', 336 * DAY + HOUR],
    ['0 12 * * *', 'America/New_York', 25 * HOUR],
    ['0 12 * * *', 'Asia/Kolkata', 24 * HOUR],
    ['0 2 * 1-12 *', 'Europe/Berlin', 25 * HOUR],
    ['*/5 * * * *', 'Europe/Berlin', 5 * MINUTE],
    ['0 */6 * * *', 'UTC', 6 * HOUR],
    ['0 */2 * * *', 'UTC', 2 * HOUR],
    ['0 */2 * * *', 'Europe/Berlin', 3 * HOUR],
    ['0 * * * *', 'Europe/Berlin', HOUR],
    ['*/15 * * * *', 'Europe/Berlin', 15 * MINUTE],
    ['0,50 * * * *', 'UTC', 50 * MINUTE],
    ['* * * * *', 'UTC', MINUTE],
  ])('of %s in %s', (cron, timeZone, ms) => {
    expect(longestIntervalMs(parseSchedule(cron, timeZone), FROM)).toBe(ms);
  });

  test('is the first of its length', () => {
    const { from, to } = longestInterval(parseSchedule('0 2 * * 1-5', 'UTC'), FROM);
    expect([from, to]).toEqual([at('2026-11-20T02:00:00Z'), at('2026-11-23T02:00:00Z')]);
  });

  test('is what walking from due to due for 400 days finds', () => {
    const minute = fc.constantFrom('0', '30', '0,50', '15,45');
    const hour = fc.constantFrom('2', '1,4,23', '*/5', '*', '0-8/2', '0,8,16');
    const day = fc.constantFrom('* * *', '* * 1,3', '13 * 5', '* 3,10 *', '1 * *', '* 1-12 *');
    const zone = fc.constantFrom('UTC', 'Europe/Berlin', 'Australia/Lord_Howe', 'America/New_York');
    fc.assert(
      fc.property(minute, hour, day, zone, (minutes, hours, days, timeZone) => {
        const schedule = parseSchedule(`${minutes} ${hours} ${days}`, timeZone);
        let longest = 0;
        let due = previousDue(schedule, FROM) ?? FROM;
        while (due < after(FROM, 400 * DAY)) {
          const next = nextDue(schedule, due);
          longest = Math.max(longest, next.getTime() - due.getTime());
          due = next;
        }
        expect(longestIntervalMs(schedule, FROM)).toBe(longest);
      }),
      { numRuns: 8 },
    );
  });
});

describe('the shortest interval', () => {
  test.each([
    ['*/10 * * * *', 15 * MINUTE, 10 * MINUTE],
    ['*/15 * * * *', 15 * MINUTE, undefined],
    ['0,59 0,23 * * 1,2', 15 * MINUTE, MINUTE],
    ['7 * * * *', HOUR, undefined],
    ['0,5 3 1 * *', 15 * MINUTE, 5 * MINUTE],
  ])('of %s below %i ms is %p', (cron, limitMs, shortestMs) => {
    const schedule = parseSchedule(cron, 'UTC');
    expect(shortestIntervalBelow(schedule, limitMs, at('2026-11-24T12:00:00Z'))).toBe(shortestMs);
  });
});
