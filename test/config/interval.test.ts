import { expect, test } from '@jest/globals';

import { longestGapAbove, parseCron } from '../../lib/config/interval.ts';

const NOW = new Date('2026-01-15T12:00:00Z');
const HOUR_MS = 3_600_000;

function longestHours(schedule: string, timeZone: string, limitHours: number): number | undefined {
  const cron = parseCron(schedule, timeZone, NOW);
  if (typeof cron === 'string') throw new Error(cron);
  const gap = longestGapAbove(cron, limitHours * HOUR_MS, NOW);
  return gap && (gap.to.getTime() - gap.from.getTime()) / HOUR_MS;
}

test.each([
  ['0 2 * * *', 'UTC', 23, 24],
  ['0 2 * * *', 'UTC', 24, undefined],
  ['0 12 * * *', 'America/New_York', 24, 25],
  ['0 12 * * *', 'Asia/Kolkata', 24, undefined],
  ['0 2 * * 1-5', 'UTC', 24, 72],
  ['0 2 1 * *', 'UTC', 27 * 24, 31 * 24],
  ['0 9-17 * * *', 'UTC', 1, 16],
  ['*/5 * * * *', 'UTC', 0.1, undefined],
  ['0 * * 6 *', 'UTC', 1, (365 - 30) * 24 + 1],
])(
  'the longest interval of "%s" in %s above %p hours is %p',
  (schedule, timeZone, limit, longest) => {
    expect(longestHours(schedule, timeZone, limit)).toBe(longest);
  },
);

test('is the one that enumerating every run finds', () => {
  for (const schedule of ['15 3 * * *', '0 */6 * * *', '30 1 * * 0,3', '0 0,13 1-7 * *']) {
    const cron = parseCron(schedule, 'Europe/Berlin', NOW);
    if (typeof cron === 'string') throw new Error(cron);
    const runs = cron
      .nextRuns(1700, NOW)
      .filter((run) => run.getTime() < NOW.getTime() + 400 * 24 * HOUR_MS);
    const gaps = runs.slice(1).map((run, index) => run.getTime() - (runs[index]?.getTime() ?? 0));
    expect(longestHours(schedule, 'Europe/Berlin', 0.5)).toBe(Math.max(...gaps) / HOUR_MS);
  }
});
