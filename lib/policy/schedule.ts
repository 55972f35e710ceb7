// When a source is due: cron expressions by the clock of a time zone, clock changes included.
import { Cron } from 'croner';
import { HoldfastError } from '../errors.ts';
import { checkTimeZone } from './calendar.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from './durations.ts';

/** A parsed schedule. */
export interface Schedule {
  /** The five fields: minute, hour, day of month, month, day of week. */
  readonly cron: string;
  /** The IANA zone by whose clock the fields are read. */
  readonly timeZone: string;
  /** The parser's own form; only this file looks at it. */
  readonly parsed: Cron;
}

/** Over how long the longest interval is looked for: more than 13 months, so that every clock change of a year is in it. */
const LOOK_AHEAD_MS = 400 * DAY_MS;

/** Where a schedule has no interval longer than this, all its days are alike but for clock changes. */
const COARSE_MS = 6 * HOUR_MS;

const HINT =
  'Write five fields (minute, hour, day of month, month, day of week), such as "0 2 * * *", and a zone such as UTC.';

/**
 * Reads a cron expression of five fields.
 *
 * A time that a clock change skips is due when the clock goes on; one that it repeats is due once, unless the schedule is one of
 * many times a day. Throws `CONFIG_INVALID` for what is no schedule, for one that never comes, and for an unknown zone.
 */
export function parseSchedule(cron: string, timeZone: string): Schedule {
  // The parser takes an empty name for the machine's own zone.
  checkTimeZone(timeZone);
  const fields = cron.trim().split(/\s+/);
  // "?" stands for the moment of parsing in this dialect, and would make every process see another schedule.
  if (fields.length !== 5 || cron.includes('?')) throw invalid(cron);
  try {
    const parsed = new Cron(fields.join(' '), { paused: true, mode: '5-part', timezone: timeZone });
    if (parsed.nextRun(new Date(0)) !== null) return { cron: fields.join(' '), timeZone, parsed };
  } catch (cause) {
    throw invalid(cron, cause);
  }
  throw new HoldfastError('CONFIG_INVALID', `the schedule "${cron}" never comes`, { hint: HINT });
}

function invalid(cron: string, cause?: unknown): HoldfastError {
  const message = `"${cron}" is not a schedule of five cron fields`;
  return new HoldfastError('CONFIG_INVALID', message, { hint: HINT, cause });
}

/** The first time after `after` at which the schedule is due. */
export function nextDue(schedule: Schedule, after: Date): Date {
  const next = schedule.parsed.nextRun(after);
  if (next !== null) return next;
  throw new HoldfastError('CONFIG_INVALID', `"${schedule.cron}" is never due again`, {
    hint: HINT,
  });
}

/** By how much clocks are put back: an hour nearly everywhere, half an hour on Lord Howe Island, two in Antarctica. */
const PUT_BACK_MS = [HOUR_MS, HOUR_MS / 2, 2 * HOUR_MS];

/**
 * The last moment at which the clock of the schedule shows the time of `due`: an hour later where that time comes twice, because the
 * clock is put back. Schedulers differ in which of the two they take.
 */
export function lastMomentOf({ timeZone }: Schedule, due: Date): Date {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    dateStyle: 'short',
    timeStyle: 'short',
  });
  const shown = format.format(due);
  const repeated = PUT_BACK_MS.map((ms) => new Date(due.getTime() + ms));
  return repeated.find((again) => format.format(again) === shown) ?? due;
}

/** The last time up to `atOrBefore` at which the schedule was due, or undefined when there was none. */
export function previousDue(schedule: Schedule, atOrBefore: Date): Date | undefined {
  // The parser looks before a moment, in whole seconds.
  const second = Math.floor(atOrBefore.getTime() / SECOND_MS) + 1;
  return schedule.parsed.previousRuns(1, new Date(second * SECOND_MS))[0];
}

/**
 * The longest time between two dues in the 13 months from `from`, in milliseconds; 25 h for a daily schedule whose zone changes its
 * clock. An interval that only begins in that time counts whole.
 */
export function longestIntervalMs(schedule: Schedule, from: Date): number {
  const longestMs = longestAbove(schedule, from);
  if (longestMs > COARSE_MS) return longestMs;
  return Math.max(
    ...finePeriods(schedule, from).map(([begin, end]) => longestBetween(schedule, begin, end)),
  );
}

/**
 * The longest interval, exact when it is longer than `COARSE_MS`. From each due it leaps by the longest interval found so far:
 * within the leap there can be none longer, so a schedule of every minute costs no more than one of every six hours.
 */
function longestAbove(schedule: Schedule, from: Date): number {
  const end = from.getTime() + LOOK_AHEAD_MS;
  let longestMs = COARSE_MS;
  let due = previousDue(schedule, from) ?? nextDue(schedule, from);
  do {
    const reached = previousDue(schedule, new Date(due.getTime() + longestMs));
    if (reached !== undefined && reached > due) {
      due = reached;
    } else {
      const next = nextDue(schedule, due);
      longestMs = Math.max(longestMs, next.getTime() - due.getTime());
      due = next;
    }
  } while (due.getTime() < end);
  return longestMs;
}

/** A day, and the days on which the clock changes. */
function finePeriods(schedule: Schedule, from: Date): [begin: Date, end: Date][] {
  const offsetOf = clockOffset(schedule.timeZone);
  const periods: [Date, Date][] = [[from, new Date(from.getTime() + DAY_MS + COARSE_MS)]];
  for (let at = from.getTime(); at < from.getTime() + LOOK_AHEAD_MS; at += DAY_MS) {
    if (offsetOf(new Date(at)) === offsetOf(new Date(at + DAY_MS))) continue;
    periods.push([new Date(at - COARSE_MS), new Date(at + DAY_MS + COARSE_MS)]);
  }
  return periods;
}

function clockOffset(timeZone: string): (time: Date) => string | undefined {
  const format = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' });
  return (time) => format.formatToParts(time).find(({ type }) => type === 'timeZoneName')?.value;
}

function longestBetween(schedule: Schedule, begin: Date, end: Date): number {
  let longestMs = MINUTE_MS;
  let due = nextDue(schedule, begin);
  while (due < end) {
    const next = nextDue(schedule, due);
    longestMs = Math.max(longestMs, next.getTime() - due.getTime());
    due = next;
  }
  return longestMs;
}
