// Durations as people read them, for the reasons and verdicts that policy gives.

export const SECOND_MS = 1000;
export const MINUTE_MS = 60 * SECOND_MS;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

/** The difference from a clock that is still believed, and what two clocks may be apart: 5 minutes. */
export const CLOCK_TOLERANCE_MS = 5 * MINUTE_MS;

/** `45 s`, `90 min`, `25 h` or `3 days`, rounded; hours up to two days, because schedules and objectives are given in hours. */
export function durationText(ms: number): string {
  if (ms < 2 * MINUTE_MS) return `${Math.round(ms / SECOND_MS)} s`;
  if (ms < 2 * HOUR_MS) return `${Math.round(ms / MINUTE_MS)} min`;
  if (ms < 2 * DAY_MS) return `${Math.round(ms / HOUR_MS)} h`;
  return `${Math.round(ms / DAY_MS)} days`;
}
