// The longest time that a schedule leaves between two backups, clock changes included. Takes `now`.
import { Cron } from 'croner';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
// Long enough for each day of a year and for both clock changes.
const HORIZON_DAYS = 400;

/** Two neighbouring runs of a schedule. */
export interface Gap {
  readonly from: Date;
  readonly to: Date;
}

/** True when this machine knows the time zone. */
export function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/** The schedule, or why it is none: not five fields, a value out of range, or a day that never comes. */
export function parseCron(schedule: string, timeZone: string, now: Date): Cron | string {
  try {
    const cron = new Cron(schedule, { paused: true, timezone: timeZone, mode: '5-part' });
    return cron.nextRun(now) === null ? 'the schedule never comes' : cron;
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof RangeError)) throw error;
    const reason = error.message.replace(/^CronPattern: /, '');
    return `${reason.charAt(0).toLowerCase()}${reason.slice(1)}`;
  }
}

/** The spans in which an interval can differ from those of an ordinary day. */
function spansToLookAt(schedule: string, timeZone: string, now: Date, limitMs: number): Gap[] {
  const start = now.getTime();
  const span = (fromMs: number, toMs: number) => ({ from: new Date(fromMs), to: new Date(toMs) });
  // Months or weekdays make each day of the year its own case.
  if (!/ \* \* \*$/.test(schedule)) return [span(start, start + HORIZON_DAYS * DAY_MS)];
  const spans = [span(start, start + DAY_MS)];
  const format = new Intl.DateTimeFormat('en', { timeZone, timeZoneName: 'longOffset' });
  const offsetAt = (ms: number) =>
    format.formatToParts(ms).find(({ type }) => type === 'timeZoneName')?.value;
  let last = offsetAt(start);
  for (let day = 1; timeZone !== 'UTC' && day <= HORIZON_DAYS; day += 1) {
    const ms = start + day * DAY_MS;
    const offset = offsetAt(ms);
    // The clocks changed within the day before `ms`; the interval that spans the change begins at most the limit earlier.
    if (offset !== last) spans.push(span(ms - DAY_MS - limitMs - 3 * HOUR_MS, ms + 3 * HOUR_MS));
    last = offset;
  }
  return spans;
}

/**
 * The longest interval of the schedule above `limitMs` within the next 400 days, or undefined when none is longer.
 *
 * Runs closer together than the limit are stepped over, so that a schedule of every five minutes costs no more than it has to.
 */
export function longestGapAbove(cron: Cron, limitMs: number, now: Date): Gap | undefined {
  const { timezone = 'UTC' } = cron.options;
  let longest: Gap | undefined;
  let longestMs = limitMs;
  for (const span of spansToLookAt(cron.getPattern() ?? '', timezone, now, limitMs)) {
    let from = cron.nextRun(span.from);
    while (from !== null && from < span.to) {
      // One second more, because the bound itself is not looked at.
      const reached = cron.previousRuns(1, new Date(from.getTime() + longestMs + 1000))[0];
      if (reached !== undefined && reached > from) {
        from = reached;
        continue;
      }
      const to = cron.nextRun(from);
      if (to === null) break;
      longest = { from, to };
      longestMs = to.getTime() - from.getTime();
      from = to;
    }
  }
  return longest;
}
