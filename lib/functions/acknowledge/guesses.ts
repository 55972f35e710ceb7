// How often somebody may come with a link that is not genuine. What cannot be guessed needs no such limit; the store and the bill do.
import { MINUTE_MS } from '../../durations.ts';

/** Failures of one address within {@link WINDOW_MS}, before it has to wait. */
export const MAX_FAILURES = 10;
const WINDOW_MS = MINUTE_MS;
/** Addresses that are remembered; the one that failed first is forgotten first. */
const MAX_ADDRESSES = 10_000;

/** Counts failures by address: whoever has a genuine link is never kept from it by others who have none. */
export interface GuessLimit {
  /** How long this address has to wait; 0 for not at all. */
  waitMs(from: string, now: Date): number;
  failed(from: string, now: Date): void;
}

interface Failures {
  readonly since: number;
  count: number;
}

export function guessLimit(): GuessLimit {
  const known = new Map<string, Failures>();
  const current = (from: string, now: Date): Failures | undefined => {
    const found = known.get(from);
    const ageMs = found && now.getTime() - found.since;
    return ageMs !== undefined && ageMs >= 0 && ageMs < WINDOW_MS ? found : undefined;
  };
  return {
    waitMs: (from, now) => {
      const failures = current(from, now);
      if (failures === undefined || failures.count < MAX_FAILURES) return 0;
      return failures.since + WINDOW_MS - now.getTime();
    },
    failed: (from, now) => {
      const failures = current(from, now);
      if (failures !== undefined) {
        failures.count += 1;
        return;
      }
      known.delete(from);
      known.set(from, { since: now.getTime(), count: 1 });
      if (known.size <= MAX_ADDRESSES) return;
      const [oldest] = known.keys();
      if (oldest !== undefined) known.delete(oldest);
    },
  };
}
