// Times on the command line.
import { HoldfastError } from '../errors.ts';

/** The time that a user gave for `option`. `USAGE` when it is none. */
export function timeOf(option: string, text: string): Date {
  const time = new Date(text);
  if (!Number.isNaN(time.getTime())) return time;
  throw new HoldfastError('USAGE', `${option} "${text}" is no time`, {
    hint: 'Use ISO 8601, such as 2026-11-21T02:00:00Z.',
  });
}
