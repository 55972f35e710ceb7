import { expect, test } from '@jest/globals';
import {
  DEFAULT_ANOMALY_THRESHOLDS,
  findAnomalies,
  findFlood,
  findLostRows,
  type BackupTotals,
} from '../../lib/policy/anomaly.ts';
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

test('tables that lost rows are named, those that lost most first, and small ones are not', () => {
  const selection = { tables: [] };
  const before = { selection, rows: { a: 1000, b: 400, c: 300, d: 99, e: 5000 } };
  const now = { selection, rows: { a: 499, b: 200, c: 0, e: 5000 } };
  const notes = (share = 0.5) =>
    findLostRows(now, before, { ...DEFAULT_ANOMALY_THRESHOLDS, dropShare: share }).map(
      ({ code, table, detail }) => `${table} ${code}: ${detail}`,
    );
  expect(notes()).toEqual([
    'a dropped: 50 % fewer rows: 499 after 1000',
    'c empty: no rows, where there were 300',
  ]);
  expect(notes(0.49)).toContain('b dropped: 50 % fewer rows: 200 after 400');
  expect(findLostRows({ selection, rows: {} }, before).map(({ code }) => code)).toEqual(
    Array(4).fill('gone'),
  );
  expect(findLostRows({ selection: { tables: ['e'] }, rows: {} }, before)).toEqual([]);
});

test('a database that lost everything is told in few lines', () => {
  const rows = Object.fromEntries(Array.from({ length: 300 }, (_, n) => [`t${n}`, 1000]));
  const notes = findLostRows({ selection: {}, rows: {} }, { selection: {}, rows });
  expect(notes).toHaveLength(11);
  expect(notes.at(-1)?.detail).toBe('290 more tables lost rows like that');
});

test('a thousand backups in an hour are a flood, one every hour is not one', () => {
  const begin = at('2026-11-22T12:00:00Z');
  const junk = Array.from({ length: 1000 }, (_, n) => after(begin, n * 3600));
  const hourly = Array.from({ length: 1000 }, (_, n) => after(begin, -n * HOUR));
  expect(findFlood([...junk, ...hourly])).toMatchObject({ count: 1001, begin });
  expect(findFlood(hourly)).toBeUndefined();
  expect(findFlood([])).toBeUndefined();
});
