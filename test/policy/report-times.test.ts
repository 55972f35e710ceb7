// When a report is due.
import { expect, test } from '@jest/globals';
import { reportDue } from '../../lib/policy/report-times.ts';

test.each([
  ['daily', '2026-11-23T06:59:59Z', '2026-11-22T07:00:00.000Z'],
  ['daily', '2026-11-23T07:00:00Z', '2026-11-23T07:00:00.000Z'],
  // In summer an hour earlier.
  ['daily', '2026-07-20T06:00:00Z', '2026-07-20T06:00:00.000Z'],
  ['weekly', '2026-11-22T12:00:00Z', '2026-11-16T07:00:00.000Z'],
  ['weekly', '2026-11-23T07:00:00Z', '2026-11-23T07:00:00.000Z'],
] as const)('%s: at %s it is that of %s', (period, now, expected) => {
  expect(reportDue(period, 'Europe/Berlin', new Date(now))?.toISOString()).toBe(expected);
});
