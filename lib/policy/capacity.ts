// How full a store is against what was configured for it, and when it will be full at its present growth.
import { DAY_MS } from '../durations.ts';
import { FULL_PERCENT, NEARLY_FULL_PERCENT } from './conditions/of-store.ts';

/** Fewer samples, or over a shorter time, give no estimate: one large backup is not a trend. */
const LEAST_SAMPLES = 3;
const LEAST_SPAN_MS = 7 * DAY_MS;

/** What a store held at a moment. */
export interface CapacitySample {
  readonly at: Date;
  readonly storedBytes: number;
}

export interface CapacityStatus {
  /** `unlimited` when no capacity is configured; `near` from 80 %, `over` from 100 % on. */
  readonly state: 'ok' | 'near' | 'over' | 'unlimited';
  readonly storedBytes: number;
  readonly capacityBytes: number | undefined;
  /** The share of the capacity in use; 1 is all of it. */
  readonly share: number | undefined;
  /** The same in percent, as alarms look at it. */
  readonly usedPercent: number | undefined;
  /** Negative when the store shrinks; undefined when the samples do not suffice. */
  readonly growthBytesPerDay: number | undefined;
  /** 0 when it is full already; undefined when it does not grow, has no capacity, or cannot be estimated. */
  readonly daysUntilFull: number | undefined;
}

/** The state of a store that holds `storedBytes`, with an estimate from what it held before; samples in any order. */
export function capacityStatus(
  storedBytes: number,
  capacityBytes: number | undefined,
  samples: readonly CapacitySample[],
): CapacityStatus {
  const growthBytesPerDay = growthOf(samples);
  if (capacityBytes === undefined) {
    const nothing = { share: undefined, usedPercent: undefined, daysUntilFull: undefined };
    return { state: 'unlimited', storedBytes, capacityBytes, growthBytesPerDay, ...nothing };
  }
  // A capacity of 0 is over as soon as it is asked about, and never a division by zero.
  const share = capacityBytes > 0 ? storedBytes / capacityBytes : 1;
  const usedPercent = share * 100;
  return {
    state:
      usedPercent >= FULL_PERCENT ? 'over' : usedPercent >= NEARLY_FULL_PERCENT ? 'near' : 'ok',
    storedBytes,
    capacityBytes,
    share,
    usedPercent,
    growthBytesPerDay,
    daysUntilFull: daysUntil(capacityBytes - storedBytes, growthBytesPerDay),
  };
}

function daysUntil(freeBytes: number, growthBytesPerDay: number | undefined): number | undefined {
  if (freeBytes <= 0) return 0;
  if (growthBytesPerDay === undefined || growthBytesPerDay <= 0) return undefined;
  return freeBytes / growthBytesPerDay;
}

/** The slope of the straight line that fits the samples best. */
function growthOf(samples: readonly CapacitySample[]): number | undefined {
  const first = Math.min(...samples.map(({ at }) => at.getTime()));
  const last = Math.max(...samples.map(({ at }) => at.getTime()));
  if (samples.length < LEAST_SAMPLES || last - first < LEAST_SPAN_MS) return undefined;
  // Days since the first sample: squares of times in milliseconds would lose the digits that matter.
  const points = samples.map(({ at, storedBytes }) => ({
    days: (at.getTime() - first) / DAY_MS,
    storedBytes,
  }));
  const meanDays = mean(points.map(({ days }) => days));
  const meanBytes = mean(points.map((point) => point.storedBytes));
  const spread = sum(points.map(({ days }) => (days - meanDays) ** 2));
  const together = points.map((point) => (point.days - meanDays) * (point.storedBytes - meanBytes));
  return sum(together) / spread;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function mean(values: readonly number[]): number {
  return sum(values) / values.length;
}
