// Durations, times and sizes as people read them: the same in reasons, verdicts, messages and on a terminal.

import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../durations.ts';

/** How much two clocks may differ: 5 minutes. */
export const CLOCK_TOLERANCE_MS = 5 * MINUTE_MS;

/** `45 s`, `90 min`, `25 h` or `3 days`, rounded; hours up to two days, because schedules and objectives are given in hours. */
export function durationText(ms: number): string {
  if (ms < 2 * MINUTE_MS) return `${Math.round(ms / SECOND_MS)} s`;
  if (ms < 2 * HOUR_MS) return `${Math.round(ms / MINUTE_MS)} min`;
  if (ms < 2 * DAY_MS) return `${Math.round(ms / HOUR_MS)} h`;
  return `${Math.round(ms / DAY_MS)} days`;
}

/** How long ago something was: `just now` below a minute, otherwise `12 min ago`. */
export function agoText(ms: number): string {
  return ms < MINUTE_MS ? 'just now' : `${durationText(ms)} ago`;
}

/** `2026-11-22 02:00:09 UTC` */
export function timeText(time: Date): string {
  return `${time.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

/** `0 B`, `999 B`, `1.5 MiB`. */
export function bytesText(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < BYTE_UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? Math.round(value) : value.toFixed(1)} ${BYTE_UNITS[unit] ?? 'B'}`;
}
