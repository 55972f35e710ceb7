// Clocks are not trusted: what decides by the time first compares its own with the store's.
import { HoldfastError } from '../../errors.ts';
import { CLOCK_TOLERANCE_MS } from '../../policy/durations.ts';
import type { Engine } from '../engine.ts';

/** Throws `CLOCK_SKEW` when this clock and the store's differ by more than 5 minutes. */
export async function assertClock(engine: Engine): Promise<void> {
  const skewMs = engine.now().getTime() - (await engine.store.now()).getTime();
  if (Math.abs(skewMs) <= CLOCK_TOLERANCE_MS) return;
  throw new HoldfastError(
    'CLOCK_SKEW',
    `this clock is ${Math.round(Math.abs(skewMs) / 1000)} s ${skewMs > 0 ? 'ahead of' : 'behind'} the clock of the store`,
    { hint: "Set this machine's time, then run again: ids, retention and freshness depend on it." },
  );
}

/** The last time that is not the future, by a clock that may be a little behind others. */
export function latestTime(engine: Engine): Date {
  return new Date(engine.now().getTime() + CLOCK_TOLERANCE_MS);
}
