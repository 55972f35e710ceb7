import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  DEFAULT_GRACE_MS,
  freshnessOf,
  type BackupTimes,
  type FreshnessInput,
} from '../../lib/policy/freshness.ts';
import { nextDue, parseSchedule } from '../../lib/policy/schedule.ts';
import { after, at, DAY, HOUR } from './backups.ts';

function ran(time: string, times: Partial<BackupTimes> = {}): BackupTimes {
  const begin = after(at(time), 5000);
  return { id: time, time: at(time), begin, storedAt: after(begin, 60_000), ...times };
}

const RUNS = [ran('2026-11-20T02:00:00Z'), ran('2026-11-21T02:00:00Z')];

const DAILY: FreshnessInput = {
  good: RUNS,
  scheduled: RUNS,
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
  ['2026-11-22T04:00:00Z', 'due', 'missed', false],
  ['2026-11-22T04:00:01Z', 'late', 'missed', true],
  ['2036-11-22T04:00:06Z', 'late', 'missed', true],
])('a daily source at %s is %s, its objective %s', (now, state, rpo, alarm) => {
  expect(freshnessOf(DAILY, at(now))).toMatchObject({
    ...{ state, rpo, alarm },
    newestGoodId: '2026-11-21T02:00:00Z',
    lateAt: at('2026-11-22T04:00:00Z'),
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
  const runs = [ran('2026-10-24T00:30:00Z')];
  const input = {
    ...DAILY,
    good: runs,
    scheduled: runs,
    schedule: parseSchedule('30 2 * * *', 'Europe/Berlin'),
  };
  // The clock shows 02:30 at 00:30 and at 01:30 UTC, and whatever starts the run may take either.
  expect(freshnessOf(input, at('2026-10-25T03:30:00Z')).alarm).toBe(false);
  expect(freshnessOf(input, at('2026-10-25T03:30:01Z')).alarm).toBe(true);
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
    const input = { ...DAILY, good: [behind], scheduled: [behind] };
    expect(freshnessOf(input, at('2026-11-21T02:30:00Z')).state).toBe('fresh');
    expect(freshnessOf(DAILY, at('2026-11-21T02:00:01Z')).ageMs).toBe(0);
  });
});

describe('a source without a good backup', () => {
  const never = { ...DAILY, good: [], scheduled: [] };

  test.each([
    ['2026-01-01T03:00:00Z', 'pending', false],
    ['2026-01-01T04:00:00Z', 'pending', false],
    ['2026-01-01T04:00:01Z', 'pending', true],
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

describe('a missed run', () => {
  const byHand = (time: string) => ran(time);

  test('alarms once its due time and the grace have passed, whatever was made by hand since', () => {
    const good = [...RUNS, byHand('2026-11-22T02:30:00Z'), byHand('2026-11-22T03:59:00Z')];
    const missed = freshnessOf({ ...DAILY, good }, at('2026-11-22T04:00:01Z'));
    expect(missed).toMatchObject({
      ...{ state: 'late', alarm: true, missed: true, tooOld: false },
      dueSince: at('2026-11-22T02:00:00Z'),
    });
    expect(freshnessOf({ ...DAILY, good }, at('2026-11-22T04:00:00Z')).alarm).toBe(false);
  });

  test('is over as soon as a run comes, however late, and no run is due twice', () => {
    const late = ran('2026-11-22T02:00:00Z', { begin: at('2026-11-22T09:00:00Z') });
    const runs = [...RUNS, { ...late, storedAt: at('2026-11-22T09:01:00Z') }];
    const input = { ...DAILY, good: runs, scheduled: runs };
    expect(freshnessOf(input, at('2026-11-22T09:02:00Z'))).toMatchObject({
      ...{ state: 'fresh', dueSince: undefined, lateAt: at('2026-11-23T04:00:00Z') },
    });
  });

  test('of working days is not waited for over the weekend, and alarms on Tuesday, not days later', () => {
    // 20 November 2026 is a Friday.
    const friday = [ran('2026-11-20T02:00:00Z')];
    const monday = [...friday, ran('2026-11-23T02:00:00Z')];
    const schedule = parseSchedule('0 2 * * 1-5', 'UTC');
    const look = (runs: BackupTimes[], time: string) =>
      freshnessOf({ ...DAILY, schedule, good: runs, scheduled: runs }, at(time)).alarm;
    expect(look(friday, '2026-11-23T04:00:00Z')).toBe(false);
    expect(look(monday, '2026-11-24T04:00:00Z')).toBe(false);
    expect(look(monday, '2026-11-24T04:00:01Z')).toBe(true);
  });

  test('a run that is partial shows that the schedule is alive, and does not count as good', () => {
    const partial = ran('2026-11-22T02:00:00Z');
    const input = { ...DAILY, scheduled: [...RUNS, partial] };
    const seen = freshnessOf(input, at('2026-11-22T05:00:00Z'));
    expect(seen).toMatchObject({ missed: false, tooOld: true, state: 'late' });
  });

  test('of a source that was only ever backed up by hand is missed from its first due time on', () => {
    const good = [byHand('2026-11-21T15:00:00Z')];
    const input = { ...DAILY, good, scheduled: [], configuredAt: at('2026-11-21T15:00:00Z') };
    expect(freshnessOf(input, at('2026-11-22T04:00:00Z'))).toMatchObject({ alarm: false });
    expect(freshnessOf(input, at('2026-11-22T04:00:01Z'))).toMatchObject({ missed: true });
  });
});

test('the month in which the clock is put back does not make a source late at its end', () => {
  const runs = [ran('2026-10-01T08:00:00Z', { storedAt: at('2026-10-01T08:00:00Z') })];
  const schedule = parseSchedule('0 4 1 * *', 'America/New_York');
  const input = { ...DAILY, good: runs, scheduled: runs, schedule, graceMs: 5 * 60_000 };
  expect(freshnessOf(input, at('2026-11-01T09:04:00Z')).alarm).toBe(false);
  expect(freshnessOf(input, at('2026-11-01T09:05:01Z')).alarm).toBe(true);
});

test('no run that comes within its grace raises an alarm, in any zone and on any day of a year', () => {
  const aSchedule = fc.record({
    cron: fc.constantFrom('30 2 * * *', '15 3 * * 1-5', '0 4 1 * *'),
    timeZone: fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe'),
  });
  const aDay = fc.nat(365).map((day) => after(at('2026-01-01T12:00:00Z'), day * DAY));
  fc.assert(
    fc.property(aSchedule, aDay, fc.nat(100), fc.nat(100), ({ cron, timeZone }, day, a, b) => {
      const schedule = parseSchedule(cron, timeZone);
      const due = nextDue(schedule, day);
      const next = nextDue(schedule, due);
      const graceMs = 20 * 60_000;
      // As late as the grace allows, twice; the second one not begun before the first.
      const delays = [a, b].map((share) => (share / 100) * (graceMs - 60_000));
      const [first, second] = [after(due, delays[0] ?? 0), after(next, delays[1] ?? 0)];
      const run = { id: 'a', time: due, begin: first, storedAt: first };
      const runs = { good: [run], scheduled: [run] };
      const input = { ...DAILY, ...runs, schedule, graceMs };
      expect(freshnessOf(input, first).alarm).toBe(false);
      expect(freshnessOf(input, second).alarm).toBe(false);
      const missedAt = Math.max(next.getTime(), first.getTime() + 5 * 60_000);
      // One that does not come alarms; at the latest when the run after it is overdue as well.
      const then = nextDue(schedule, new Date(missedAt));
      expect(freshnessOf(input, after(then, HOUR + graceMs + 1)).alarm).toBe(true);
    }),
    { numRuns: 12 },
  );
});
