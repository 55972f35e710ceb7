import { describe, expect, test } from '@jest/globals';
import {
  DEFAULT_GRACE_MS,
  freshnessOf,
  type BackupTimes,
  type FreshnessInput,
} from '../../lib/policy/freshness.ts';
import { parseSchedule } from '../../lib/policy/schedule.ts';
import { after, at, DAY, HOUR } from './backups.ts';

function ran(time: string, times: Partial<BackupTimes> = {}): BackupTimes {
  const begin = after(at(time), 5000);
  return { id: time, time: at(time), begin, storedAt: after(begin, 60_000), ...times };
}

const DAILY: FreshnessInput = {
  good: [ran('2026-11-20T02:00:00Z'), ran('2026-11-21T02:00:00Z')],
  schedule: parseSchedule('0 2 * * *', 'UTC'),
  rpoMs: 25 * HOUR,
  graceMs: DEFAULT_GRACE_MS,
  configuredAt: at('2026-01-01T00:00:00Z'),
};

test.each([
  ['2026-11-21T02:00:30Z', 'fresh', 'met', false],
  ['2026-11-22T01:59:59Z', 'fresh', 'met', false],
  ['2026-11-22T02:00:00Z', 'due', 'met', false],
  ['2026-11-22T03:00:05Z', 'due', 'met', false],
  ['2026-11-22T03:00:06Z', 'due', 'missed', false],
  ['2026-11-22T04:00:05Z', 'due', 'missed', false],
  ['2026-11-22T04:00:06Z', 'late', 'missed', true],
  ['2036-11-22T04:00:06Z', 'late', 'missed', true],
])('a daily source at %s is %s, its objective %s', (now, state, rpo, alarm) => {
  expect(freshnessOf(DAILY, at(now))).toMatchObject({
    ...{ state, rpo, alarm },
    newestGoodId: '2026-11-21T02:00:00Z',
    lateAt: at('2026-11-22T04:00:05Z'),
  });
});

test('says since when it is due and when it is due next', () => {
  expect(freshnessOf(DAILY, at('2026-11-23T12:00:00Z'))).toMatchObject({
    dueSince: at('2026-11-22T02:00:00Z'),
    nextDueAt: at('2026-11-24T02:00:00Z'),
    detail: 'newest good backup 2 days old',
  });
});

test('the day with 25 hours does not make a source of Berlin late', () => {
  const input = {
    ...DAILY,
    good: [ran('2026-10-24T00:30:00Z')],
    schedule: parseSchedule('30 2 * * *', 'Europe/Berlin'),
  };
  expect(freshnessOf(input, at('2026-10-25T03:00:00Z')).alarm).toBe(false);
});

describe('clocks', () => {
  const now = at('2026-11-21T12:00:00Z');

  test('a begin that is ahead does not make a backup younger than the store says', () => {
    const good = [ran('2026-11-10T02:00:00Z', { begin: at('2026-11-21T11:00:00Z') })];
    expect(freshnessOf({ ...DAILY, good }, now).ageMs).toBe(
      now.getTime() - at('2026-11-10T02:01:05Z').getTime(),
    );
  });

  test('a late upload does not make a backup younger than its begin', () => {
    const good = [ran('2026-11-10T02:00:00Z', { storedAt: at('2026-11-21T11:00:00Z') })];
    expect(freshnessOf({ ...DAILY, good }, now).ageMs).toBe(
      now.getTime() - at('2026-11-10T02:00:05Z').getTime(),
    );
  });

  test('an id from the future is ignored and alarmed', () => {
    const future = ran('2030-01-01T02:00:00Z', { begin: now, storedAt: now });
    const result = freshnessOf({ ...DAILY, good: [...DAILY.good, future] }, now);
    expect(result).toMatchObject({
      ...{ state: 'fresh', alarm: true, newestGoodId: '2026-11-21T02:00:00Z' },
      ignoredIds: ['2030-01-01T02:00:00Z'],
    });
  });

  test('a store that is a little behind leaves a short run fresh, and no age is negative', () => {
    const behind = ran('2026-11-21T02:00:00Z', { storedAt: at('2026-11-21T01:57:00Z') });
    const input = { ...DAILY, good: [behind] };
    expect(freshnessOf(input, at('2026-11-21T02:30:00Z')).state).toBe('fresh');
    expect(freshnessOf(DAILY, at('2026-11-21T02:00:01Z')).ageMs).toBe(0);
  });
});

describe('a source without a good backup', () => {
  const never = { ...DAILY, good: [] };

  test.each([
    ['2026-01-01T12:00:00Z', 'pending', false],
    ['2026-01-02T01:30:00Z', 'missed', false],
    ['2026-01-02T02:00:01Z', 'missed', true],
  ])('is as old as its configuration: at %s its objective is %s', (now, rpo, alarm) => {
    const expected = { state: 'never', alarm, rpo, newestGoodId: undefined };
    expect(freshnessOf(never, at(now))).toMatchObject(expected);
  });

  test('alarms when nobody knows since when it is configured', () => {
    const result = freshnessOf({ ...never, configuredAt: undefined }, at('2026-01-01T12:00:00Z'));
    expect(result).toMatchObject({ state: 'never', alarm: true, rpo: 'missed', ageMs: undefined });
  });
});

test('without a schedule there is no objective, and the age is still told', () => {
  const result = freshnessOf({ ...DAILY, schedule: undefined }, at('2026-12-21T02:00:05Z'));
  expect(result).toMatchObject({
    ...{ state: 'unscheduled', rpo: 'none', alarm: false, ageMs: 30 * DAY },
    ...{ nextDueAt: undefined, lateAt: undefined },
    detail: 'newest good backup 30 days old; no schedule, so no objective',
  });
});
