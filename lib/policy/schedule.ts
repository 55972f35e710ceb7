// When a source is due: cron expressions by the clock of a time zone, clock changes included.
import { Cron } from 'croner';
import { HoldfastError } from '../errors.ts';
import { checkTimeZone } from './calendar.ts';
import { DAY_MS, HOUR_MS, SECOND_MS } from '../durations.ts';

/** A parsed schedule. */
export interface Schedule {
  /** The five fields: minute, hour, day of month, month, day of week. */
  readonly cron: string;
  /** The IANA zone by whose clock the fields are read. */
  readonly timeZone: string;
  /** The parser's own form; only this file looks at it. */
  readonly parsed: Cron;
}

/** Two neighbouring dues of a schedule. */
export interface Interval {
  readonly from: Date;
  readonly to: Date;
}

/** Over how long intervals are looked for: more than 13 months, so that every clock change of a year is in it. */
const LOOK_AHEAD_MS = 400 * DAY_MS;

/** Where a schedule has no interval longer than this, all its days are alike but for clock changes. */
const COARSE_MS = 6 * HOUR_MS;

/** A day that a clock change makes longer, with room to spare. */
const LONGEST_DAY_MS = DAY_MS + 3 * HOUR_MS;

/** This many dues show every interval: two days of a schedule that runs every quarter of an hour. */
const DUES_OF_TWO_DAYS = 2 * 24 * 4 + 1;

const HINT =
  'Write five fields (minute, hour, day of month, month, day of week), such as "0 2 * * *", and a zone such as UTC.';

/**
 * Reads a cron expression of five fields.
 *
 * A time that a clock change skips is due right after the change. A time that it repeats is due once, unless the schedule runs many
 * times a day. Throws `CONFIG_INVALID` for what is no schedule, for one that never comes, and for an unknown zone.
 */
export function parseSchedule(cron: string, timeZone: string): Schedule {
  checkTimeZone(timeZone);
  const read = readSchedule(cron, timeZone);
  if (typeof read !== 'string') return read;
  throw new HoldfastError('CONFIG_INVALID', `"${cron}" is not a schedule: ${read}`, { hint: HINT });
}

/** The schedule, or why it is invalid. `timeZone` must be a known zone. */
export function readSchedule(cron: string, timeZone: string): Schedule | string {
  const fields = cron.trim().split(/\s+/);
  if (fields.length !== 5) return 'it does not have five fields';
  // It stands for the moment of parsing in this dialect, and would make every process see another schedule.
  if (cron.includes('?')) return 'it contains "?"';
  try {
    // Looking up time zones takes longer than all else here; UTC, the default, does without.
    const zone = timeZone === 'UTC' ? { utcOffset: 0 } : { timezone: timeZone };
    const parsed = new Cron(fields.join(' '), { ...zone, paused: true, mode: '5-part' });
    if (parsed.nextRun(new Date(0)) === null) return 'it never comes';
    return { cron: fields.join(' '), timeZone, parsed };
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof RangeError)) throw error;
    const reason = error.message.replace(/^CronPattern: /, '');
    return `${reason.charAt(0).toLowerCase()}${reason.slice(1)}`;
  }
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

/** As `longestInterval`, in milliseconds; 25 h for a daily schedule whose zone changes its clock. */
export function longestIntervalMs(schedule: Schedule, from: Date): number {
  return lengthOf(longestInterval(schedule, from));
}

/**
 * The longest time between two dues in the 13 months from `from`, the first of its length. An interval that only begins or only ends
 * in that time counts whole.
 */
export function longestInterval(schedule: Schedule, from: Date): Interval {
  const begin = previousDue(schedule, from) ?? nextDue(schedule, from);
  const end = new Date(from.getTime() + LOOK_AHEAD_MS);
  const coarse = isEveryDayAlike(schedule)
    ? undefined
    : longestBetween(schedule, begin, end, COARSE_MS);
  if (coarse !== undefined) return coarse;
  let longest = { from: begin, to: nextDue(schedule, begin) };
  for (const [first, last] of finePeriods(schedule, from))
    longest = longestBetween(schedule, first, last, lengthOf(longest)) ?? longest;
  return longest;
}

/**
 * The shortest time between two dues below `limitMs`, in milliseconds; undefined when none is shorter. Clock changes, which may bring
 * two dues together once a year, are not looked at.
 */
export function shortestIntervalBelow(
  schedule: Schedule,
  limitMs: number,
  from: Date,
): number | undefined {
  const minutes = schedule.cron.split(' ')[0] ?? '';
  // One minute of the hour leaves an hour.
  if (/^\d+$/.test(minutes)) return undefined;
  const dues = schedule.parsed.nextRuns(DUES_OF_TWO_DAYS, from).map((due) => due.getTime());
  const shortest = Math.min(...dues.slice(1).map((due, index) => due - (dues[index] ?? 0)));
  return shortest < limitMs ? shortest : undefined;
}

function lengthOf({ from, to }: Interval): number {
  return to.getTime() - from.getTime();
}

/** Months, days of the month and weekdays make each day its own case. */
function isEveryDayAlike({ cron }: Schedule): boolean {
  return cron.endsWith(' * * *');
}

/** A day, and the days on which the clock changes: what an interval may span. */
function finePeriods(schedule: Schedule, from: Date): [begin: Date, end: Date][] {
  const periods: [Date, Date][] = [[from, new Date(from.getTime() + LONGEST_DAY_MS)]];
  // It has no changes, and asking for each day takes longer than all else.
  if (schedule.timeZone === 'UTC') return periods;
  const offsetOf = clockOffset(schedule.timeZone);
  for (let at = from.getTime(); at < from.getTime() + LOOK_AHEAD_MS; at += DAY_MS) {
    if (offsetOf(new Date(at)) === offsetOf(new Date(at + DAY_MS))) continue;
    periods.push([new Date(at - LONGEST_DAY_MS), new Date(at + LONGEST_DAY_MS)]);
  }
  return periods;
}

function clockOffset(timeZone: string): (time: Date) => string | undefined {
  const format = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' });
  return (time) => format.formatToParts(time).find(({ type }) => type === 'timeZoneName')?.value;
}

/**
 * The longest interval above `limitMs` that begins between two moments; undefined when none is longer. From each due it leaps by the
 * longest interval found so far: within the leap there can be none longer, so a schedule of every minute costs little more than one
 * of every few hours.
 */
function longestBetween(
  schedule: Schedule,
  begin: Date,
  end: Date,
  limitMs: number,
): Interval | undefined {
  let longest: Interval | undefined;
  let longestMs = limitMs;
  let due = previousDue(schedule, begin) ?? nextDue(schedule, begin);
  while (due < end) {
    const reached = previousDue(schedule, new Date(due.getTime() + longestMs));
    if (reached !== undefined && reached > due) {
      due = reached;
      continue;
    }
    const next = nextDue(schedule, due);
    const interval = { from: due, to: next };
    if (lengthOf(interval) > longestMs) {
      longest = interval;
      longestMs = lengthOf(interval);
    }
    due = next;
  }
  return longest;
}
