// The longest time that a schedule leaves between two backups, clock changes included. Takes `now`.
import { Cron } from 'croner';

import { DAY_MS, HOUR_MS } from '../policy/durations.ts';

// Long enough for each day of a year and for both clock changes.
const HORIZON_DAYS = 400;

/** Two neighbouring runs of a schedule. */
export interface Gap {
  readonly from: Date;
  readonly to: Date;
}

/** True when this machine knows the time zone. */
export function isTimeZone(name: string): boolean {
  if (name === 'UTC') return true;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/** The schedule, or why it is none: not five fields, a value out of range, or a day that never comes. */
export function parseCron(schedule: string, timeZone: string, now: Date): Cron | string {
  // It stands for the moment of parsing, and would make every run see another schedule.
  if (schedule.includes('?')) return 'the schedule contains "?"';
  try {
    // Looking up time zones takes longer than all else here; UTC, the default, does without.
    const zone = timeZone === 'UTC' ? { utcOffset: 0 } : { timezone: timeZone };
    const cron = new Cron(schedule, { ...zone, paused: true, mode: '5-part' });
    return cron.nextRun(now) === null ? 'the schedule never comes' : cron;
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof RangeError)) throw error;
    const reason = error.message.replace(/^CronPattern: /, '');
    return `${reason.charAt(0).toLowerCase()}${reason.slice(1)}`;
  }
}

/** A day within which the clocks change: its end. */
function clockChanges(timeZone: string, now: Date): Date[] {
  if (timeZone === 'UTC') return [];
  const format = new Intl.DateTimeFormat('en', { timeZone, timeZoneName: 'longOffset' });
  const offsetAt = (ms: number) =>
    format.formatToParts(ms).find(({ type }) => type === 'timeZoneName')?.value;
  const days = Array.from({ length: HORIZON_DAYS }, (_, day) => now.getTime() + day * DAY_MS);
  return days
    .filter((ms) => offsetAt(ms) !== offsetAt(ms + DAY_MS))
    .map((ms) => new Date(ms + DAY_MS));
}

/**
 * The longest interval above `limitMs` that begins between `from` and `to`. Runs closer together than the limit are stepped over, so
 * that a schedule of every five minutes costs no more than it has to.
 */
function longestBetween(cron: Cron, from: Date, to: Date, limitMs: number): Gap | undefined {
  let longest: Gap | undefined;
  let longestMs = limitMs;
  let run = cron.nextRun(from);
  while (run !== null && run < to) {
    // One second more, because the bound itself is not looked at.
    const reached = cron.previousRuns(1, new Date(run.getTime() + longestMs + 1000))[0];
    if (reached !== undefined && reached > run) {
      run = reached;
      continue;
    }
    const next = cron.nextRun(run);
    if (next === null) break;
    longest = { from: run, to: next };
    longestMs = next.getTime() - run.getTime();
    run = next;
  }
  return longest;
}

/**
 * The shortest interval of the schedule below `limitMs`, or undefined when none is shorter. Clock changes, which may bring two runs
 * together once a year, are not looked at; a schedule that is none has no interval.
 */
export function shortestGapBelow(schedule: string, limitMs: number, now: Date): number | undefined {
  const minutes = schedule.split(' ')[0] ?? '';
  // One minute of the hour leaves an hour.
  if (/^\d+$/.test(minutes)) return undefined;
  const cron = parseCron(schedule, 'UTC', now);
  if (typeof cron === 'string') return undefined;
  // All days with runs are alike, so two of them show every interval there is; faster ones stop at the first.
  const runs = cron.nextRuns(2 * 24 * 4 + 1, now).map((run) => run.getTime());
  const gaps = runs.slice(1).map((run, index) => run - (runs[index] ?? 0));
  const shortest = Math.min(...gaps);
  return shortest < limitMs ? shortest : undefined;
}

/** The longest interval of the schedule above `limitMs` within the next 400 days, or undefined when none is longer. */
export function longestGapAbove(cron: Cron, limitMs: number, now: Date): Gap | undefined {
  const after = (days: number) => new Date(now.getTime() + days * DAY_MS);
  // Months or weekdays make each day of the year its own case; otherwise all days are alike but for the clock changes.
  if (!/ \* \* \*$/.test(cron.getPattern() ?? ''))
    return longestBetween(cron, now, after(HORIZON_DAYS), limitMs);
  let longest = longestBetween(cron, now, after(1), limitMs);
  for (const change of clockChanges(cron.options.timezone ?? 'UTC', now)) {
    const longestMs = longest ? longest.to.getTime() - longest.from.getTime() : limitMs;
    // The interval that spans the change begins at most the longest before it, and the change is within the day.
    const from = new Date(change.getTime() - DAY_MS - longestMs - 3 * HOUR_MS);
    longest = longestBetween(cron, from, change, longestMs) ?? longest;
  }
  return longest;
}
