// What the clock on a wall shows in a time zone.
import { checkTimeZone } from './calendar.ts';

/** What a clock shows at a moment, both in milliseconds; what it shows is counted as if it were UTC. */
export type WallClock = (atMs: number) => number;

const clocks = new Map<string, WallClock>();

/** The clock of a zone of the IANA database. Throws `CONFIG_INVALID` when there is no such zone. */
export function wallClock(timeZone: string): WallClock {
  const known = clocks.get(timeZone);
  if (known !== undefined) return known;
  const clock = timeZone === 'UTC' ? (atMs: number) => atMs : zoneClock(timeZone);
  clocks.set(timeZone, clock);
  return clock;
}

function zoneClock(timeZone: string): WallClock {
  checkTimeZone(timeZone);
  const format = new Intl.DateTimeFormat('en-US', {
    ...{ timeZone, calendar: 'gregory', numberingSystem: 'latn', hourCycle: 'h23' },
    ...{ year: 'numeric', month: 'numeric', day: 'numeric' },
    ...{ hour: 'numeric', minute: 'numeric', second: 'numeric' },
  });
  return (atMs) => {
    const parts = { year: 0, month: 0, day: 0, hour: 0, minute: 0, second: 0 };
    for (const { type, value } of format.formatToParts(atMs))
      if (type in parts) parts[type as keyof typeof parts] = Number(value);
    const { year, month, day, hour, minute, second } = parts;
    const fraction = ((atMs % 1000) + 1000) % 1000;
    return Date.UTC(year, month - 1, day, hour, minute, second) + fraction;
  };
}
