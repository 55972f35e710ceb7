// Which day, ISO week, month and year a moment falls in, by the calendar of a time zone. Keys of buckets are compared, never
// subtracted: arithmetic on dates is where 31 March minus one month becomes 3 March.
import { HoldfastError } from '../errors.ts';
import { DAY_MS } from '../durations.ts';

/** The tiers that count by calendar buckets, from the finest to the coarsest. */
export const CALENDAR_TIERS = ['daily', 'weekly', 'monthly', 'yearly'] as const;

export type CalendarTier = (typeof CALENDAR_TIERS)[number];

/** The bucket of each tier, such as `2026-11-22`, `2026-W47`, `2026-11` and `2026`; within a tier they sort as text. */
export type Buckets = Readonly<Record<CalendarTier, string>>;

/**
 * A function that gives the buckets of a moment in `timeZone`, an IANA name such as `Europe/Berlin`.
 *
 * Throws `CONFIG_INVALID` when there is no such zone.
 */
export function calendarOf(timeZone: string): (time: Date) => Buckets {
  checkTimeZone(timeZone);
  const format = dayFormat(timeZone);
  return (time) => {
    const { year, month, day } = localDay(format, time);
    return {
      daily: `${digits(year, 4)}-${digits(month, 2)}-${digits(day, 2)}`,
      weekly: isoWeek(year, month, day),
      monthly: `${digits(year, 4)}-${digits(month, 2)}`,
      yearly: digits(year, 4),
    };
  };
}

/** Whether a text such as `2026-10-03` names a day. `Date` takes 30 February for the second of March. */
export function isDay(text: string): boolean {
  const time = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(`${text}T`);
}

/** True when this machine knows a zone of this name. */
export function isTimeZone(name: string): boolean {
  if (name === 'UTC') return true;
  try {
    return dayFormat(name).resolvedOptions().timeZone !== '';
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/**
 * `Europe/Berlin` for `europe/berlin`: the name as the IANA database writes it. JavaScript takes any case, the Scheduler of AWS does not.
 * A zone with several names may come back under another one. Throws `CONFIG_INVALID` when there is no such zone.
 */
export function timeZoneName(timeZone: string): string {
  if (timeZone === 'UTC') return timeZone;
  checkTimeZone(timeZone);
  return dayFormat(timeZone).resolvedOptions().timeZone;
}

/** Throws `CONFIG_INVALID` when there is no zone of this name. */
export function checkTimeZone(timeZone: string): void {
  if (isTimeZone(timeZone)) return;
  throw new HoldfastError('CONFIG_INVALID', `"${timeZone}" is not a time zone`, {
    hint: 'Name a zone of the IANA database, such as UTC or Europe/Berlin.',
  });
}

/** Throws a `RangeError` for an unknown zone. An empty name is unknown, too: the parser of schedules would take it for the zone of the machine. */
function dayFormat(timeZone: string): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat('en-US', {
    timeZone,
    calendar: 'gregory',
    numberingSystem: 'latn',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
  });
}

function localDay(format: Intl.DateTimeFormat, time: Date) {
  const parts = { year: 0, month: 0, day: 0 };
  for (const { type, value } of format.formatToParts(time)) {
    if (type === 'year' || type === 'month' || type === 'day') parts[type] = Number(value);
  }
  return parts;
}

/** The ISO 8601 week, which belongs to the year that holds its Thursday. */
function isoWeek(year: number, month: number, day: number): string {
  const date = new Date(Date.UTC(year, month - 1, day));
  const daysSinceMonday = (date.getUTCDay() + 6) % 7;
  const thursday = new Date(date.getTime() + (3 - daysSinceMonday) * DAY_MS);
  const weekYear = thursday.getUTCFullYear();
  const week = 1 + Math.floor((thursday.getTime() - Date.UTC(weekYear, 0, 1)) / (7 * DAY_MS));
  return `${digits(weekYear, 4)}-W${digits(week, 2)}`;
}

function digits(value: number, length: number): string {
  return String(value).padStart(length, '0');
}
