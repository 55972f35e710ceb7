// Which backups are kept for long, and whether it pays to move them to Glacier Instant Retrieval: that includes the
// price of moving them, and above all of reading them there for verification. Pure.
import { DAY_MS } from '../durations.ts';
import type { RetentionPolicy } from './retention-policy.ts';
import { ALWAYS_KEPT } from './retention-policy.ts';
import type { KeepReason } from './retention-reasons.ts';
import {
  gib,
  LEAST_MOVED_BYTES,
  LEAST_MOVED_MONTHS,
  S3_PRICES,
  type S3Prices,
} from './s3-prices.ts';

/** What is set for all backups of a store. */
export interface MoveTerms {
  /** For how many months the content of a backup is not verified again. */
  readonly contentMonths: number;
  /** How long something stays after its release. */
  readonly undoDays: number;
}

/** How long something is going to stay, and how often it is read meanwhile. */
export interface Stay {
  readonly months: number;
  readonly contentMonths: number;
}

/** Dollars over a whole stay. */
export interface StayCost {
  readonly standard: number;
  readonly moved: number;
}

const MONTH_DAYS = 365.25 / 12;
/** A pin has no end. It counts as a year: a move that has not paid for itself by then never will. */
const PINNED_MONTHS = 12;
/** What verification asks for at once, of anything but the last of an object: `Store.readAtOnce` of a bucket. */
const REQUEST_BYTES = 4 << 20;

/** What an object of `bytes` costs over `stay`, in the one class and in the other. */
export function stayCost(bytes: number, stay: Stay, prices: S3Prices = S3_PRICES): StayCost {
  const { standard, moved } = prices;
  const reads = readsIn(stay);
  const requests = reads * Math.ceil(bytes / REQUEST_BYTES);
  const billed = gib(Math.max(bytes, LEAST_MOVED_BYTES));
  const months = Math.max(stay.months, LEAST_MOVED_MONTHS);
  return {
    standard:
      gib(bytes) * (stay.months * standard.month + reads * standard.read) +
      requests * standard.request,
    moved:
      billed * months * moved.month +
      gib(bytes) * reads * moved.read +
      requests * moved.request +
      onceCost(stay, prices),
  };
}

/** From how many bytes on it pays to move an object that stays so long; undefined where it does not, however large it is. */
export function leastBytes(stay: Stay, prices: S3Prices = S3_PRICES): number | undefined {
  const { standard, moved } = prices;
  const reads = readsIn(stay);
  const months = Math.max(stay.months, LEAST_MOVED_MONTHS);
  const perRequest = moved.request - standard.request;
  const savedPerGib =
    stay.months * standard.month -
    months * moved.month -
    reads * (moved.read - standard.read + perRequest / gib(REQUEST_BYTES));
  if (savedPerGib <= 0) return undefined;
  // The last request of each read brings less than the others.
  const once = onceCost(stay, prices) + reads * perRequest;
  return Math.max(LEAST_MOVED_BYTES, Math.ceil(once / (savedPerGib * gib(1))));
}

/** Each look at the content reads all of it once; the first may come at once. */
function readsIn({ months, contentMonths }: Stay): number {
  return Math.ceil(months / contentMonths);
}

function onceCost({ months }: Stay, { transition, tagging, tagMonth }: S3Prices): number {
  return transition + tagging + months * tagMonth;
}

/** Dollars a month for 100 GiB in large objects, for as long as they stay. */
export function monthlyFor100Gib(stay: Stay): StayCost {
  const { standard, moved } = stayCost(100 * 2 ** 30, stay);
  return { standard: standard / stay.months, moved: moved / stay.months };
}

/** How long a pinned backup is taken to stay. */
export function pinnedStay({ contentMonths }: MoveTerms): Stay {
  return { months: PINNED_MONTHS, contentMonths };
}

/**
 * How long a backup with these reasons is still going to stay at least; undefined when another rule than a month, a year or a pin keeps
 * it: then it is one of the newer ones, which are read and may go sooner.
 */
export function longStay(
  reasons: readonly KeepReason[],
  policy: Pick<RetentionPolicy, 'monthly' | 'yearly'>,
  now: Date,
  terms: MoveTerms,
): Stay | undefined {
  const days: number[] = [];
  for (const { rule, value } of reasons) {
    if (rule === 'pinned') days.push(PINNED_MONTHS * MONTH_DAYS);
    else if (rule === 'monthly' || rule === 'yearly') {
      days.push((bucketEnd(rule, value, policy).getTime() - now.getTime()) / DAY_MS);
    } else return undefined;
  }
  if (days.length === 0) return undefined;
  return stayOf(Math.max(0, ...days), terms);
}

/** When a month or a year leaves the window at the soonest: as soon as there is a backup of a later one beyond it. */
function bucketEnd(
  tier: 'monthly' | 'yearly',
  bucket: string,
  { monthly, yearly }: Pick<RetentionPolicy, 'monthly' | 'yearly'>,
): Date {
  const [year = 0, month = 1] = bucket.split('-').map(Number);
  return tier === 'monthly'
    ? new Date(Date.UTC(year, month - 1 + monthly))
    : new Date(Date.UTC(year + yearly, 0));
}

function stayOf(days: number, { undoDays, contentMonths }: MoveTerms): Stay {
  return { months: (days + undoDays) / MONTH_DAYS, contentMonths };
}

/**
 * How long the backup of a month stays at least after every other rule has released it, or that of a year where no months are kept;
 * undefined where the policy keeps nothing so long.
 */
export function longStayOf(
  policy: RetentionPolicy,
  intervalMs: number | undefined,
  terms: MoveTerms,
): Stay | undefined {
  const { daily, weekly, monthly, yearly, last, withinMs } = policy;
  const intervalDays = (intervalMs ?? DAY_MS) / DAY_MS;
  const newer = Math.max(
    daily * Math.max(1, intervalDays),
    weekly * Math.max(7, intervalDays),
    Math.max(last, ALWAYS_KEPT) * intervalDays,
    withinMs / DAY_MS,
  );
  const whole = monthly > 0 ? monthly * MONTH_DAYS : yearly * 365;
  return whole <= newer ? undefined : stayOf(whole - newer, terms);
}
