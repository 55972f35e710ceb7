import { expect, test } from '@jest/globals';
import fc from 'fast-check';

import { firedAt } from '../../lib/policy/fired-at.ts';
import { parseSchedule } from '../../lib/policy/schedule.ts';

const daily = parseSchedule('0 2 * * *', 'UTC');
const hourly = parseSchedule('30 * * * *', 'UTC');
const now = new Date('2026-03-04T05:06:07.890Z');

test('is when the own schedule fired last, whatever else is backed up', () => {
  expect(firedAt(daily, [hourly], now)).toEqual(new Date('2026-03-04T02:00:00Z'));
});

test('of a source without a schedule is when one beside it fired last', () => {
  expect(firedAt(undefined, [daily, hourly], now)).toEqual(new Date('2026-03-04T04:30:00Z'));
});

test('without any schedule is the minute', () => {
  expect(firedAt(undefined, [], now)).toEqual(new Date('2026-03-04T05:06:00Z'));
});

test('is the same for two firings within one interval, and never in the future', () => {
  const beside = fc.subarray([daily, hourly]);
  const own = fc.constantFrom(undefined, daily, hourly);
  const minutes = fc.integer({ min: 0, max: 29 });
  fc.assert(
    fc.property(own, beside, minutes, minutes, (schedule, others, first, second) => {
      const at = (minute: number) => new Date(Date.UTC(2026, 2, 4, 5, 30 + minute, 59));
      const [one, other] = [at(first), at(second)].map((time) => firedAt(schedule, others, time));
      expect(one?.getTime()).toBeLessThanOrEqual(at(first).getTime());
      if (schedule !== undefined || others.length > 0) expect(one).toEqual(other);
    }),
  );
});
