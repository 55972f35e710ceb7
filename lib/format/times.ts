// Moments as people and services write them: ISO 8601, to the minute, second or millisecond, with a zone.

import { HOUR_MS, MINUTE_MS } from '../durations.ts';

const MOMENT =
  /^(\d{4})-(\d{2})-(\d{2})[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,3}))?)?(?:Z|([+-])(\d{2}):?(\d{2}))$/;

/** No zone is farther from UTC. */
const MAX_OFFSET_HOURS = 14;

/**
 * The moment that `text` names; undefined when it names none: when it is written otherwise, leaves the zone open, which would make
 * it another moment on every machine, or names a day or time that does not exist, such as 30 February or 24:00.
 */
export function parseMoment(text: string): Date | undefined {
  const match = MOMENT.exec(text);
  if (match === null) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match
    .slice(1, 7)
    .map((part: string | undefined) => Number(part ?? 0));
  const ms = Number((match[7] ?? '').padEnd(3, '0'));
  const local = new Date(0);
  local.setUTCFullYear(year, month - 1, day);
  local.setUTCHours(hour, minute, second, ms);
  // What does not exist comes out as another day or hour.
  const back = local.toISOString();
  const written = match.slice(1, 7).map((part: string | undefined) => part ?? '00');
  if (back.slice(0, 19).replace(/[-T:]/g, '') !== written.join('')) return undefined;
  const [sign, hours, minutes] = [match[8], Number(match[9] ?? 0), Number(match[10] ?? 0)];
  if (hours > MAX_OFFSET_HOURS || minutes > 59) return undefined;
  const offsetMs = hours * HOUR_MS + minutes * MINUTE_MS;
  return new Date(local.getTime() - (sign === '-' ? -offsetMs : offsetMs));
}
