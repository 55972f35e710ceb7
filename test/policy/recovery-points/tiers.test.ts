// The tiers of a plan of AWS Backup: two simulated years of recovery points, and what exists of them at any time.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';

import {
  existingAt,
  merged,
  simulate,
  wantedJobs,
  type SimulatedPoint,
} from '../../../bin/two-years-of-recovery-points.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../../lib/durations.ts';
import { calendarOf, type CalendarTier } from '../../../lib/policy/calendar.ts';
import {
  planRules,
  START_WINDOW_MINUTES,
  type PlanWish,
} from '../../../lib/policy/recovery-points/tiers.ts';
import { nextDue, parseSchedule } from '../../../lib/policy/schedule.ts';

const TWO_YEARS = 731;
const FROM = new Date('2027-06-17T00:00:00Z');
const RETENTION = { daily: 7, weekly: 4, monthly: 12, yearly: 0 };
const COUNTED = ['daily', 'weekly', 'monthly', 'yearly'] as const satisfies CalendarTier[];

function wish(more: Partial<PlanWish> = {}): PlanWish {
  return {
    ...{ schedule: '0 5 * * *', retention: RETENTION },
    ...{ continuousDays: undefined, coldAfterDays: undefined, ...more },
  };
}

function twoYears(more: Partial<PlanWish> = {}, timeZone = 'UTC') {
  return simulate(simulation(more, timeZone));
}

function simulation(more: Partial<PlanWish> = {}, timeZone = 'UTC') {
  // As late as AWS Backup may begin, and another time for each job.
  const delayMs = (due: Date) =>
    ((due.getTime() / MINUTE_MS) * 7919) % (START_WINDOW_MINUTES * MINUTE_MS);
  return { wish: wish(more), timeZone, from: FROM, days: TWO_YEARS, delayMs };
}

/**
 * The buckets, among as many of the newest as the retention counts, that had a recovery point at a time and have none any more; at
 * every time of `times`. The week, month and year in which the plan began are left out: their first days had passed.
 */
function lostBuckets(
  points: readonly SimulatedPoint[],
  { retention, timeZone }: { retention: PlanWish['retention']; timeZone: string },
  times: readonly Date[],
): string[] {
  const bucketsOf = calendarOf(timeZone);
  const dated = points
    .filter(({ tier }) => tier !== 'continuous')
    // A job that is due shortly before midnight may begin after it; it is that of the day on which it was due.
    .map(({ due, madeAt, endsAt }) => ({
      ...{ madeAt: madeAt.getTime(), endsAt: endsAt.getTime(), buckets: bucketsOf(due) },
    }));
  const begun = bucketsOf(FROM);
  return times.flatMap((time) => {
    const at = time.getTime();
    const made = dated.filter(({ madeAt }) => madeAt <= at).toReversed();
    return COUNTED.flatMap((tier) => {
      const newest = new Map<string, boolean>();
      for (const { buckets, endsAt } of made) {
        const bucket = buckets[tier];
        if (bucket === begun[tier]) break;
        if (newest.size === retention[tier] && !newest.has(bucket)) break;
        newest.set(bucket, (newest.get(bucket) ?? false) || at < endsAt);
      }
      return [...newest].flatMap(([bucket, isThere]) =>
        isThere ? [] : [`${tier} ${bucket} at ${time.toISOString()}`],
      );
    });
  });
}

function everyHours(hours: number, days = TWO_YEARS): Date[] {
  const count = Math.floor((days * DAY_MS) / (hours * HOUR_MS));
  return Array.from(
    { length: count },
    (_, index) => new Date(FROM.getTime() + index * hours * HOUR_MS),
  );
}

describe('two years of recovery points, a daily schedule, 7 days, 4 weeks and 12 months', () => {
  const points = twoYears();

  test('each day has exactly one, in one tier: the tiers do not collapse into each other', () => {
    const dayOf = calendarOf('UTC');
    const days = points.map(({ due }) => dayOf(due).daily);
    expect(new Set(days).size).toBe(days.length);
    expect(days).toHaveLength(TWO_YEARS);
    const gaps = points.slice(1).map(({ due }, index) => +due - +(points[index]?.due ?? 0));
    expect(Math.min(...gaps)).toBe(DAY_MS);
  });

  test('at any time the newest 7 days, 4 weeks and 12 months that had one still have one', () => {
    const of = { retention: RETENTION, timeZone: 'UTC' };
    expect(lostBuckets(points, of, everyHours(5))).toEqual([]);
  });

  test('never more than 27 exist: what is promised, and a few days more', () => {
    const counts = everyHours(5).map((at) => existingAt(points, at).length);
    expect(Math.max(...counts)).toBeLessThanOrEqual(27);
    expect(counts.at(-1)).toBeGreaterThanOrEqual(7 + 3 + 11);
  });

  test('rules that ran at the same time would merge, and the simulation would show it', () => {
    const jobs = wantedJobs(simulation());
    const weekly = jobs.find(({ rule }) => rule.tier === 'weekly')?.rule;
    if (weekly === undefined) throw new Error('no weekly rule');
    const both = jobs.flatMap((job) => [job, { ...job, rule: weekly }]);
    expect(merged(jobs)).toHaveLength(TWO_YEARS);
    expect(merged(both)).toHaveLength(TWO_YEARS);
    expect(merged(both).some(({ rule }) => rule.tier === 'daily')).toBe(false);
  });

  test('the rules are these', () => {
    const rules = planRules(wish()) as Exclude<ReturnType<typeof planRules>, string>;
    expect(rules.map(({ name, cron, keepDays }) => [name, cron, keepDays])).toEqual([
      ['daily', '0 5 2-7,9-14,16-21,23-28,30-31 * *', 8],
      ['weekly', '0 5 8,15,22,29 * *', 29],
      ['monthly', '0 5 1 * *', 379],
    ]);
    expect(rules.map(({ expression }) => expression)).toEqual([
      'cron(0 5 2-7,9-14,16-21,23-28,30-31 * ? *)',
      'cron(0 5 8,15,22,29 * ? *)',
      'cron(0 5 1 * ? *)',
    ]);
  });
});

const zones = fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe');
const counts = fc.record({
  daily: fc.integer({ min: 0, max: 40 }),
  weekly: fc.integer({ min: 0, max: 12 }),
  monthly: fc.integer({ min: 0, max: 14 }),
  yearly: fc.integer({ min: 0, max: 2 }),
});
const schedules = fc.oneof(
  fc.constantFrom('0 5 * * *', '30 2 * * *', '59 23 * * *', '0 */6 * * *', '15 1,13,20 * * *'),
  fc.constantFrom('0 3 * * 0', '0 3 * * SUN', '10 4 * * 3', '0 8,16 * * 6', '0 3 * * 7'),
  fc.constantFrom('0 3 1 * *', '45 22 28 * *'),
);

describe('any plan', () => {
  test('keeps a recovery point of as many days, weeks, months and years as its retention counts', () => {
    fc.assert(
      fc.property(schedules, counts, zones, (schedule, retention, timeZone) => {
        const points = twoYears({ schedule, retention }, timeZone);
        expect(lostBuckets(points, { retention, timeZone }, everyHours(101))).toEqual([]);
      }),
      { numRuns: 15 },
    );
  });

  test('makes a recovery point at every time of its schedule, and at no other', () => {
    fc.assert(
      fc.property(schedules, counts, (schedule, retention) => {
        const points = twoYears({ schedule, retention });
        const own = parseSchedule(schedule, 'UTC');
        let due = nextDue(own, FROM);
        for (const point of points) {
          expect(point.due).toEqual(due);
          due = nextDue(own, due);
        }
      }),
      { numRuns: 15 },
    );
  });

  test('has no two rules whose windows overlap', () => {
    fc.assert(
      fc.property(schedules, counts, zones, (schedule, retention, timeZone) => {
        const jobs = wantedJobs(simulation({ schedule, retention }, timeZone));
        // An hour that the clock repeats may bring a rule twice: that costs nothing.
        const overlapping = jobs.filter((job, index) => {
          const before = jobs[index - 1];
          if (before === undefined || before.rule === job.rule) return false;
          return job.due.getTime() - before.due.getTime() <= START_WINDOW_MINUTES * MINUTE_MS;
        });
        expect(overlapping).toEqual([]);
      }),
      { numRuns: 15 },
    );
  });

  test('has rules with names and expressions of their own', () => {
    fc.assert(
      fc.property(schedules, counts, (schedule, retention) => {
        const rules = planRules(wish({ schedule, retention, continuousDays: 35 }));
        if (typeof rules === 'string') throw new Error(rules);
        expect(new Set(rules.map(({ name }) => name)).size).toBe(rules.length);
        expect(new Set(rules.map(({ expression }) => expression)).size).toBe(rules.length);
      }),
    );
  });

  test('keeps the newest three whatever the retention says', () => {
    const none = { daily: 0, weekly: 0, monthly: 1, yearly: 0 };
    const points = twoYears({ retention: none });
    const counts = everyHours(24).map((at) => existingAt(points, at).length);
    expect(Math.min(...counts.slice(4))).toBeGreaterThanOrEqual(3);
  });
});

describe('continuous backup', () => {
  test('has a rule of its own, as far from the snapshots as it can be', () => {
    const rules = planRules(wish({ continuousDays: 35 }));
    expect(rules).toContainEqual({
      ...{ name: 'continuous', tier: 'continuous', cron: '0 17 * * *', keepDays: 35 },
      ...{ expression: 'cron(0 17 * * ? *)', coldAfterDays: undefined },
    });
    const dues = twoYears({ continuousDays: 35, schedule: '0 */6 * * *' }).map(({ due }) => +due);
    const gaps = dues.slice(1).map((due, index) => due - (dues[index] ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThan(START_WINDOW_MINUTES * MINUTE_MS);
  });

  test('is refused where snapshots leave no room for it', () => {
    expect(planRules(wish({ continuousDays: 35, schedule: '0 */3 * * *' }))).toBe(
      'it leaves no four hours in a day, and continuous backup needs a time of its own between two runs',
    );
  });
});

test('cold storage takes what is made once a month or a year, and nothing else', () => {
  const retention = { ...RETENTION, yearly: 3 };
  const rules = planRules(wish({ coldAfterDays: 30, retention, continuousDays: 7 }));
  if (typeof rules === 'string') throw new Error(rules);
  const cold = rules.filter(({ coldAfterDays }) => coldAfterDays === 30).map(({ name }) => name);
  expect(cold).toEqual(['monthly', 'yearly']);
});

test.each([
  ['*/30 * * * *', 'it comes again within two hours'],
  ['0 * * * *', 'it comes again within two hours'],
  ['0 5 * * 1-5', 'tiers can be laid out for fewer schedules'],
  ['0 5 31 * *', 'tiers can be laid out for fewer schedules'],
  ['0 5 * 1 *', 'tiers can be laid out for fewer schedules'],
  ['0 5 1 * 0', 'tiers can be laid out for fewer schedules'],
])('the schedule %j is refused', (schedule, why) => {
  expect(planRules(wish({ schedule }))).toEqual(expect.stringContaining(why));
});
