import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { effectiveTime, newestFirst, newestOf, oldestFirst } from '../../lib/policy/order.ts';
import { after, at } from './backups.ts';

const EIGHT = at('2026-11-21T08:00:00Z');
const NINE = at('2026-11-21T09:00:00Z');

test('a backup is as old as the earlier of its begin and the time when it was stored', () => {
  expect(effectiveTime({ begin: EIGHT, storedAt: NINE })).toEqual(EIGHT);
  expect(effectiveTime({ begin: NINE, storedAt: EIGHT })).toEqual(EIGHT);
});

test('a run that comes late is newer than one that was made since it was due', () => {
  const manual = { id: '20261121T080000000Z-manual', begin: EIGHT, storedAt: after(EIGHT, 1000) };
  const late = { id: '20261121T020000000Z-schedule', begin: NINE, storedAt: after(NINE, 1000) };
  expect(newestOf([late, manual])).toBe(late);
  expect([late, manual].sort(oldestFirst)).toEqual([manual, late]);
});

// Few moments and ids, so that ties are common.
const aMoment = fc.nat(4).map((n) => after(EIGHT, n * 1000));
const someBackups = fc.array(
  fc.record({ id: fc.constantFrom('a', 'b', 'c'), begin: aMoment, storedAt: aMoment }),
  { maxLength: 8 },
);

test('the order is one: it sorts in any sequence to the same, and its first is the newest', () => {
  fc.assert(
    fc.property(someBackups, fc.nat(), (backups, place) => {
      const keys = (sorted: typeof backups) =>
        sorted.map((one) => `${effectiveTime(one).toISOString()} ${one.id}`);
      const turned = [...backups.slice(place % 8), ...backups.slice(0, place % 8)];
      const sorted = keys(backups.toSorted(oldestFirst));
      expect(sorted).toEqual(sorted.toSorted());
      expect(keys(turned.toSorted(newestFirst))).toEqual(sorted.toReversed());
      expect(keys([newestOf(backups)].filter((one) => one !== undefined))).toEqual(
        sorted.slice(-1),
      );
    }),
  );
});
