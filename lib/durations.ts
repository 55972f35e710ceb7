// Units of time, in milliseconds. A day of the clock may have 23 or 25 hours: `policy/calendar.ts` knows.

export const SECOND_MS = 1000;
export const MINUTE_MS = 60 * SECOND_MS;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;
