// Whose turn it is in a weekly rotation.
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../durations.ts';
import { wallClock } from './wall-clock.ts';

/** Several take turns, a week each. */
export interface Rotation {
  readonly timeZone: string;
  /** When the first one began, as the clock on the wall shows it: `2026-01-05T09:00`. Each week ends at this day and time. */
  readonly since: string;
  /** How many there are. */
  readonly size: number;
}

export const ROTATION_SINCE = /^\d{4}-\d\d-\d\dT([01]\d|2[0-3]):[0-5]\d$/;

const WEEK_MS = 7 * DAY_MS;
const QUARTER_MS = 15 * MINUTE_MS;
/** By how much clocks are put back at most, with room to spare. */
const PUT_BACK_MS = 3 * HOUR_MS;

/** Whose turn it is, from 0. Before the rotation begins, it goes on backwards, so that it is always somebody's. */
export function turnAt({ timeZone, since, size }: Rotation, now: Date): number {
  const begin = Date.parse(`${since}:00Z`);
  const week = Math.floor((latestShown(timeZone, now.getTime()) - begin) / WEEK_MS);
  return ((week % size) + size) % size;
}

/** The latest time that the clock has shown until now: where it was put back, nobody's turn comes back. */
function latestShown(timeZone: string, nowMs: number): number {
  const wall = wallClock(timeZone);
  let latest = wall(nowMs);
  if (timeZone === 'UTC' || wall(nowMs - PUT_BACK_MS) - latest === -PUT_BACK_MS) return latest;
  const last = nowMs - (nowMs % QUARTER_MS);
  for (let quarter = last; quarter > nowMs - PUT_BACK_MS; quarter -= QUARTER_MS)
    latest = Math.max(latest, wall(quarter - 1));
  return latest;
}
