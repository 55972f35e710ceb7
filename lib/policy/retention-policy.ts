// What a retention policy may say, and its default.
import { HoldfastError } from '../errors.ts';
import { DAY_MS } from '../durations.ts';

/** How much to keep of one source. Counts are of good backups. */
export interface RetentionPolicy {
  /** How many days, ISO weeks, months and years that have a good backup keep one. */
  readonly daily: number;
  readonly weekly: number;
  readonly monthly: number;
  readonly yearly: number;
  /** How many of the newest are kept whatever their day. */
  readonly last: number;
  /** All that are at most this much older than the newest good one are kept. */
  readonly withinMs: number;
  /** The IANA zone whose calendar the days, weeks, months and years are of. */
  readonly timeZone: string;
}

/** 7 days, 4 weeks, 12 months, by the calendar of UTC. */
export const DEFAULT_RETENTION: RetentionPolicy = {
  daily: 7,
  weekly: 4,
  monthly: 12,
  yearly: 0,
  last: 0,
  withinMs: 0,
  timeZone: 'UTC',
};

/** The newest good backups that no policy can release. */
export const ALWAYS_KEPT = 3;

/** How long a backup that is not good stays, for somebody to look at it or to prove it; orphaned artifacts likewise. */
export const NOT_GOOD_KEPT_MS = 14 * DAY_MS;

/** How many intervals of the schedule may pass without a good backup before nothing at all is released. */
export const INTERVALS_WITHOUT_GOOD = 3;

/** At most this share of what the store holds of a source is released by one run, but always one. */
export const RELEASE_SHARE = 0.2;

const COUNTS = ['daily', 'weekly', 'monthly', 'yearly', 'last'] as const;

/**
 * Throws `CONFIG_INVALID`, with every fault in its message, unless each number is one that can be counted with and at least one
 * asks for something: a policy that keeps nothing is a mistake, never a wish.
 */
export function checkRetentionPolicy(policy: RetentionPolicy): void {
  const faults = COUNTS.filter((name) => !isCount(policy[name])).map(
    (name) => `${name} is ${policy[name]}, not a whole number from 0 on`,
  );
  if (!Number.isFinite(policy.withinMs) || policy.withinMs < 0) {
    faults.push(`withinMs is ${policy.withinMs}, not a number of milliseconds from 0 on`);
  }
  const wanted = COUNTS.some((name) => policy[name] > 0) || policy.withinMs > 0;
  if (faults.length === 0 && !wanted) faults.push('every rule is 0, so it keeps nothing');
  if (faults.length === 0) return;
  throw new HoldfastError(
    'CONFIG_INVALID',
    `the retention policy is invalid: ${faults.join('; ')}`,
    {
      hint: 'Give at least one of daily, weekly, monthly, yearly, last and within a number above 0.',
    },
  );
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}
