// Hours of the week, such as `Mon-Fri 08:00-18:00`, by the clock on the wall: when it is put forward or back, they are shorter or longer.
import { DAY_MS, MINUTE_MS } from '../durations.ts';
import { wallClock } from './wall-clock.ts';

/** Hours of the week in a time zone. */
export interface WeekHours {
  readonly timeZone: string;
  /** As they were written. */
  readonly texts: readonly string[];
  /** In milliseconds from Monday 00:00, in order, none touching another. */
  readonly spans: readonly Span[];
}

interface Span {
  readonly from: number;
  readonly to: number;
}

const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];
const DAY = `(?:${DAYS.join('|')})`;
const TIME = '(?:[01]\\d|2[0-3]):[0-5]\\d';
const WEEK_MS = 7 * DAY_MS;
/** The first Monday of this calendar comes three days before it begins. */
const MONDAY_MS = 3 * DAY_MS;
const QUARTER_MS = 15 * MINUTE_MS;

/** `22:00-07:00` on each day, `Mon-Fri 08:00-18:00`, `Sat 00:00-24:00`. */
export const WEEK_HOURS = new RegExp(
  `^(?:(?<first>${DAY})(?:-(?<last>${DAY}))? )?(?<from>${TIME})-(?<to>${TIME}|24:00)$`,
);

/** The hours that texts of the form {@link WEEK_HOURS} name. What ends no later than it begins ends on the next day. */
export function weekHours(texts: readonly string[], timeZone: string): WeekHours {
  const spans = texts.flatMap(spansOf).flatMap(({ from, to }) =>
    to <= WEEK_MS
      ? [{ from, to }]
      : [
          { from, to: WEEK_MS },
          { from: 0, to: to - WEEK_MS },
        ],
  );
  return { timeZone, texts, spans: joined(spans) };
}

function spansOf(text: string): Span[] {
  const { first, last, from = '', to = '' } = WEEK_HOURS.exec(text)?.groups ?? {};
  const begin = timeMs(from);
  const end = timeMs(to);
  const lengthMs = end > begin ? end - begin : end + DAY_MS - begin;
  return daysOf(first, last).map((day) => {
    const start = day * DAY_MS + begin;
    return { from: start, to: start + lengthMs };
  });
}

function daysOf(first: string | undefined, last: string | undefined): number[] {
  if (first === undefined) return DAYS.map((_, day) => day);
  const begin = DAYS.indexOf(first);
  const count = ((DAYS.indexOf(last ?? first) - begin + 7) % 7) + 1;
  return Array.from({ length: count }, (_, index) => (begin + index) % 7);
}

function timeMs(text: string): number {
  const [hours = 0, minutes = 0] = text.split(':').map(Number);
  return (hours * 60 + minutes) * MINUTE_MS;
}

function joined(spans: readonly Span[]): Span[] {
  const found: Span[] = [];
  for (const span of [...spans].sort((a, b) => a.from - b.from)) {
    const last = found.at(-1);
    if (last === undefined || span.from > last.to) found.push(span);
    else found[found.length - 1] = { from: last.from, to: Math.max(last.to, span.to) };
  }
  return found;
}

/** Whether `at` is within the hours. */
export function isWithin({ timeZone, spans }: WeekHours, at: Date): boolean {
  const wall = wallClock(timeZone)(at.getTime());
  return overlapMs(spans, wall, wall + 1) > 0;
}

/** How much of the time from `from` to `to` is within the hours. */
export function withinMs({ timeZone, spans }: WeekHours, from: Date, to: Date): number {
  if (spans.length === 0) return 0;
  const wall = wallClock(timeZone);
  let sum = 0;
  for (let at = from.getTime(); at < to.getTime();) {
    const offset = wall(at) - at;
    const day = Math.min(at + DAY_MS, to.getTime());
    // Clocks are changed at full quarters of an hour of UTC, and not twice in a day.
    const quarter = Math.min(at - (at % QUARTER_MS) + QUARTER_MS, to.getTime());
    const end = wall(day) - day === offset ? day : quarter;
    sum += overlapMs(spans, at + offset, end + offset);
    at = end;
  }
  return sum;
}

/** For a stretch of at most two days on the clock. */
function overlapMs(spans: readonly Span[], wallFrom: number, wallTo: number): number {
  const from = (((wallFrom + MONDAY_MS) % WEEK_MS) + WEEK_MS) % WEEK_MS;
  const to = from + wallTo - wallFrom;
  return spans
    .flatMap((span) => [span, { from: span.from + WEEK_MS, to: span.to + WEEK_MS }])
    .reduce((sum, one) => sum + Math.max(0, Math.min(to, one.to) - Math.max(from, one.from)), 0);
}
