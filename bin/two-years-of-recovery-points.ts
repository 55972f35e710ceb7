// Two years under a plan of AWS Backup, day by day: which recovery points are made, and which still exist. For the documents and tests.
import { DAY_MS, MINUTE_MS } from '../lib/durations.ts';
import { calendarOf } from '../lib/policy/calendar.ts';
import {
  planRules,
  START_WINDOW_MINUTES,
  type PlanWish,
  type PointRule,
  type PointTier,
} from '../lib/policy/recovery-points/tiers.ts';
import { nextDue, parseSchedule } from '../lib/policy/schedule.ts';

/** A recovery point of the simulation. */
export interface SimulatedPoint {
  readonly tier: PointTier;
  readonly rule: string;
  /** When its job was due, and when it began. */
  readonly due: Date;
  readonly madeAt: Date;
  /** When AWS Backup deletes it. */
  readonly endsAt: Date;
}

export interface Simulation {
  readonly wish: PlanWish;
  readonly timeZone: string;
  readonly from: Date;
  readonly days: number;
  /** How late the job of a due time begins, in milliseconds; less than the start window. */
  readonly delayMs: (due: Date) => number;
}

/**
 * Every recovery point that the rules make, oldest first, as AWS Backup makes them: of jobs whose start windows overlap, it runs the
 * one that is kept for the longest time.
 */
export function simulate(simulation: Simulation): SimulatedPoint[] {
  return merged(wantedJobs(simulation)).map(({ rule, due }) => {
    const madeAt = new Date(due.getTime() + simulation.delayMs(due));
    const endsAt = new Date(madeAt.getTime() + rule.keepDays * DAY_MS);
    return { tier: rule.tier, rule: rule.name, due, madeAt, endsAt };
  });
}

/** A rule that is due. */
export interface WantedJob {
  readonly rule: PointRule;
  readonly due: Date;
}

/** Every job that the rules ask for, oldest first, before any are merged. */
export function wantedJobs({ wish, timeZone, from, days }: Simulation): WantedJob[] {
  const rules = planRules(wish);
  if (typeof rules === 'string') throw new RangeError(rules);
  const end = new Date(from.getTime() + days * DAY_MS);
  return rules
    .flatMap((rule) => duesOf(rule, timeZone, { from, end }).map((due) => ({ rule, due })))
    .toSorted((a, b) => a.due.getTime() - b.due.getTime());
}

function duesOf(
  { cron }: PointRule,
  timeZone: string,
  { from, end }: { readonly from: Date; readonly end: Date },
): Date[] {
  const schedule = parseSchedule(cron, timeZone);
  const dues: Date[] = [];
  for (let due = nextDue(schedule, from); due < end; due = nextDue(schedule, due)) dues.push(due);
  return dues;
}

/** What is left of jobs whose start windows overlap or meet. */
export function merged(wanted: readonly WantedJob[]): WantedJob[] {
  const run: WantedJob[] = [];
  for (const one of wanted) {
    const last = run.at(-1);
    const overlaps =
      last !== undefined &&
      one.due.getTime() - last.due.getTime() <= START_WINDOW_MINUTES * MINUTE_MS;
    if (!overlaps) run.push(one);
    else if (one.rule.keepDays > last.rule.keepDays) run[run.length - 1] = one;
  }
  return run;
}

/** Those that exist at `at`. */
export function existingAt(points: readonly SimulatedPoint[], at: Date): SimulatedPoint[] {
  return points.filter(({ madeAt, endsAt }) => madeAt <= at && at < endsAt);
}

const HEAD = [
  '| after | day | daily | weekly | monthly | together | oldest |',
  '|---|---|---|---|---|---|---|',
];
const SHOWN_DAYS = [1, 2, 7, 8, 9, 15, 22, 29, 37, 60, 90, 180, 270, 365, 372, 379, 400, 500, 730];
const FROM = new Date('2027-01-01T00:00:00Z');

/** A table of what exists under a daily schedule and the default retention: on some of the days of two years, at noon. */
export function tableOfTwoYears(): string {
  const points = simulate({
    wish: {
      schedule: '0 5 * * *',
      retention: { daily: 7, weekly: 4, monthly: 12, yearly: 0 },
      ...{ continuousDays: undefined, coldAfterDays: undefined },
    },
    timeZone: 'UTC',
    from: FROM,
    days: Math.max(...SHOWN_DAYS),
    delayMs: () => 0,
  });
  const dayOf = calendarOf('UTC');
  const rows = SHOWN_DAYS.map((days) => {
    const at = new Date(FROM.getTime() + (days - 0.5) * DAY_MS);
    const existing = existingAt(points, at);
    const counts = (['daily', 'weekly', 'monthly'] as const).map(
      (tier) => existing.filter((point) => point.tier === tier).length,
    );
    const [oldest] = existing;
    const cells = [
      `${days} days`,
      dayOf(at).daily,
      ...counts,
      existing.length,
      oldest === undefined ? '' : dayOf(oldest.madeAt).daily,
    ];
    return `| ${cells.join(' | ')} |`;
  });
  return [...HEAD, ...rows].join('\n');
}
