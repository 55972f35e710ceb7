// Times on the command line.
import { parseDuration } from '../config/units.ts';
import { DAY_MS } from '../durations.ts';
import { HoldfastError } from '../errors.ts';
import { parseMoment } from '../format/times.ts';
import { CLOCK_TOLERANCE_MS } from '../policy/durations.ts';

/**
 * The time that a user gave for `option`, of something that has happened. `USAGE` when it is not a time, does not exist, or has not come
 * yet at `now`: a backup whose id is from the future would count for nothing.
 */
export function pastTime(option: string, text: string, now: Date): Date {
  const time = parseMoment(text);
  if (time === undefined) {
    throw new HoldfastError('USAGE', `${option} "${text}" ${faultOf(text)}`, {
      hint: 'Give day, time and zone as in ISO 8601, such as 2026-11-21T02:00:00Z or 2026-11-21T03:00+01:00.',
    });
  }
  if (time.getTime() <= now.getTime() + CLOCK_TOLERANCE_MS) return time;
  throw new HoldfastError(
    'USAGE',
    `${option} "${text}" has not come yet: here it is ${now.toISOString()}`,
    { hint: 'Give a time that has passed, or leave the option out for now.' },
  );
}

/** A stretch of time that a user gave: a moment, a day of UTC, or how long ago. `USAGE` for any other text. */
export function timeOrAgo(option: string, text: string, now: Date): { begin: Date; end: Date } {
  const agoMs = parseDuration(text);
  if (agoMs !== undefined) {
    const then = new Date(now.getTime() - agoMs);
    return { begin: then, end: then };
  }
  const isDay = /^\d{4}-\d{2}-\d{2}$/.test(text);
  const time = parseMoment(isDay ? `${text}T00:00:00Z` : text);
  if (time !== undefined)
    return { begin: time, end: isDay ? new Date(time.getTime() + DAY_MS) : time };
  throw new HoldfastError('USAGE', `${option} "${text}" ${faultOf(text)}`, {
    hint: 'Give a day such as 2026-11-21, a time with its zone such as 2026-11-21T02:00:00Z, or how long ago, such as 36h or 7d.',
  });
}

function faultOf(text: string): string {
  if (/^\d{4}-\d{2}-\d{2}$/.test(text)) return 'is a day, without a time and a zone';
  const withZone = /[T ]\d{2}:\d{2}/.test(text) && parseMoment(`${text}Z`) !== undefined;
  return withZone ? 'has no zone' : 'is no time that exists';
}
