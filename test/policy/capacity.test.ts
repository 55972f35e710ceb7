import { expect, test } from '@jest/globals';
import { capacityStatus } from '../../lib/policy/capacity.ts';
import { after, at, DAY } from './backups.ts';

const BEGIN = at('2026-11-01T00:00:00Z');

function grown(bytesPerDay: number, days: number) {
  return Array.from({ length: days }, (_, n) => ({
    at: after(BEGIN, n * DAY),
    storedBytes: 1000 + n * bytesPerDay + (n % 2),
  }));
}

test.each([
  [0, 'ok', 0],
  [799, 'ok', 0.799],
  [800, 'near', 0.8],
  [999, 'near', 0.999],
  [1000, 'over', 1],
  [1500, 'over', 1.5],
])('%i of 1000 bytes is %s', (stored, state, share) => {
  expect(capacityStatus(stored, 1000, [])).toMatchObject({ state, share });
});

test('without a capacity there is nothing to be full of', () => {
  const status = capacityStatus(10, undefined, grown(100, 30));
  expect(status).toMatchObject({ state: 'unlimited', share: undefined, daysUntilFull: undefined });
  expect(status.growthBytesPerDay).toBeCloseTo(100, 0);
});

test('a store that grows by 100 bytes a day and has 1000 left is full in ten days', () => {
  const { daysUntilFull } = capacityStatus(4000, 5000, grown(100, 30));
  expect(daysUntilFull).toBeCloseTo(10, 1);
});

test.each([
  ['shrinks', grown(-10, 30)],
  ['was seen twice', grown(100, 2)],
  ['was seen for less than a week', grown(100, 7)],
  ['was seen often at one moment', Array(20).fill({ at: BEGIN, storedBytes: 5 })],
])('a store that %s is given no day on which it is full', (_, samples) => {
  expect(capacityStatus(4000, 5000, samples as ReturnType<typeof grown>).daysUntilFull).toBe(
    undefined,
  );
});

test('a store that is full is so in 0 days, and a capacity of 0 is full', () => {
  expect(capacityStatus(5000, 5000, []).daysUntilFull).toBe(0);
  expect(capacityStatus(0, 0, [])).toMatchObject({ state: 'over', daysUntilFull: 0 });
});
