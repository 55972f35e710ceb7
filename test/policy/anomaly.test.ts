import { expect, test } from '@jest/globals';
import { findAnomalies, findFlood, type BackupTotals } from '../../lib/policy/anomaly.ts';
import { after, at, HOUR } from './backups.ts';

const MEBIBYTE = 1024 * 1024;

function totals(files: number, bytes = files * MEBIBYTE): BackupTotals {
  return { files, rows: undefined, bytes };
}

function codes(now: BackupTotals, previous: readonly BackupTotals[]): string[] {
  return findAnomalies(now, previous).map(({ code, quantity }) => `${quantity} ${code}`);
}

test.each([
  [1000, 1000, []],
  [500, 1000, []],
  [499, 1000, ['files dropped', 'bytes dropped']],
  [3000, 1000, []],
  [3001, 1000, ['files jumped', 'bytes jumped']],
  [0, 1000, ['files empty', 'bytes empty']],
  [0, 0, []],
])('%i files after %i: %j', (now, before, expected) => {
  expect(codes(totals(now), [totals(before)])).toEqual(expected);
});

test('a small source may change by more than half, but not to nothing', () => {
  expect(codes(totals(3, 300), [totals(12, 900)])).toEqual([]);
  expect(codes(totals(0, 0), [totals(12, 900)])).toEqual(['files empty', 'bytes empty']);
});

test('the first backup has nothing to be compared with', () => {
  expect(findAnomalies(totals(0), [])).toEqual([]);
});

test('a source that loses a third each day is noticed, though no day loses half', () => {
  const previous = [totals(1000), totals(1000), totals(1000)];
  const noticed: string[][] = [];
  for (let files = 667; files > 250; files = Math.round((files * 2) / 3)) {
    noticed.push(codes(totals(files), previous));
    previous.unshift(totals(files));
  }
  expect(noticed[0]).toEqual([]);
  expect(noticed.at(-1)).toContain('files dropped');
});

test('says what changed, in numbers', () => {
  expect(findAnomalies(totals(100, MEBIBYTE), [totals(1000, MEBIBYTE)])).toEqual([
    {
      ...{ code: 'dropped', quantity: 'files', before: 1000, now: 100 },
      detail: '90 % fewer files: 100 after 1000',
    },
  ]);
});

test('a table that lost its rows is noticed where the dump is as large as before', () => {
  const dump = { files: undefined, rows: 50_000, bytes: 10 * MEBIBYTE };
  expect(codes({ ...dump, rows: 1000 }, [dump])).toEqual(['rows dropped']);
});

test('a thousand backups in an hour are a flood, one every hour is none', () => {
  const begin = at('2026-11-22T12:00:00Z');
  const junk = Array.from({ length: 1000 }, (_, n) => after(begin, n * 3600));
  const hourly = Array.from({ length: 1000 }, (_, n) => after(begin, -n * HOUR));
  expect(findFlood([...junk, ...hourly])).toMatchObject({ count: 1001, begin });
  expect(findFlood(hourly)).toBeUndefined();
  expect(findFlood([])).toBeUndefined();
});
