// Times on the command line.
import { HoldfastError } from '../errors.ts';
import { parseMoment } from '../format/times.ts';
import { CLOCK_TOLERANCE_MS } from '../policy/durations.ts';

/**
 * The time that a user gave for `option`, of something that has happened. `USAGE` when it is none, does not exist, or has not come
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

function faultOf(text: string): string {
  if (/^\d{4}-\d{2}-\d{2}$/.test(text)) return 'is a day, without a time and a zone';
  const withZone = /[T ]\d{2}:\d{2}/.test(text) && parseMoment(`${text}Z`) !== undefined;
  return withZone ? 'has no zone' : 'is no time that exists';
}
