// How old the newest good backup of a source is, and whether that is what was promised.
import { CLOCK_TOLERANCE_MS, HOUR_MS, durationText } from './durations.ts';
import { effectiveTime, newestOf, type Dated } from './order.ts';
import { longestIntervalMs, nextDue, type Schedule } from './schedule.ts';

/** What may pass beyond a source's interval before its freshness alarms, where nothing else is configured. */
export const DEFAULT_GRACE_MS = 2 * HOUR_MS;

/** The times of a good backup. */
export interface BackupTimes extends Dated {
  /** The time of the trigger, as in the id. */
  readonly time: Date;
}

export interface FreshnessInput {
  /** The good backups of one source, in any order. */
  readonly good: readonly BackupTimes[];
  /** Undefined when only events or people trigger the source. */
  readonly schedule: Schedule | undefined;
  readonly rpoMs: number | undefined;
  readonly graceMs: number;
  /** Since when the source is configured, where that is known. */
  readonly configuredAt: Date | undefined;
}

export interface Freshness {
  /**
   * `fresh`: no due time has passed since the newest good backup. `due`: one has. `late`: the longest interval and the grace have
   * passed. `never`: there is no good backup. `unscheduled`: there is one, and no schedule to measure it by.
   */
  readonly state: 'fresh' | 'due' | 'late' | 'never' | 'unscheduled';
  /** True when somebody has to be told. */
  readonly alarm: boolean;
  /** `pending`: no good backup yet, and the objective's time has not passed since the source was configured. */
  readonly rpo: 'met' | 'missed' | 'pending' | 'none';
  /** The age of the newest good backup, or else of the source's configuration; undefined when neither is known. */
  readonly ageMs: number | undefined;
  readonly newestGoodId: string | undefined;
  /** The next time at which the schedule is due. */
  readonly nextDueAt: Date | undefined;
  /** The first due time since the newest good backup that has passed without another. */
  readonly dueSince: Date | undefined;
  /** When it alarms unless a good backup comes before. */
  readonly lateAt: Date | undefined;
  /** Ids from the future, which took no part: each is worth an alarm. */
  readonly ignoredIds: readonly string[];
  readonly detail: string;
}

/**
 * How fresh a source is at `now`.
 *
 * A backup is as old as the earlier of its begin and the time in the store says, so neither a clock that is ahead nor a slow upload
 * makes it look younger. Ids from more than 5 minutes in the future are ignored.
 */
export function freshnessOf(input: FreshnessInput, now: Date): Freshness {
  const ignoredIds = input.good.filter((backup) => isFuture(backup, now)).map(({ id }) => id);
  const newest = newestOf(input.good.filter((backup) => !isFuture(backup, now)));
  const since = newest === undefined ? input.configuredAt : effectiveTime(newest);
  const ageMs = since === undefined ? undefined : Math.max(0, now.getTime() - since.getTime());
  const { schedule } = input;
  const lateAfterMs =
    schedule === undefined ? undefined : longestIntervalMs(schedule, now) + input.graceMs;
  const dueSince = newest === undefined ? undefined : missedDue(schedule, newest, now);
  const state = stateOf({ newest, ageMs, lateAfterMs, dueSince });
  const rpo = rpoVerdict(input, newest !== undefined, ageMs);
  const tooLate = lateAfterMs !== undefined && (ageMs === undefined || ageMs > lateAfterMs);
  return {
    state,
    // Not on a missed objective: where it equals the interval, every run would miss it for the minutes that it takes.
    alarm: tooLate || ignoredIds.length > 0,
    rpo,
    ageMs,
    newestGoodId: newest?.id,
    nextDueAt: schedule === undefined ? undefined : nextDue(schedule, now),
    dueSince,
    lateAt: lateTime(since, lateAfterMs),
    ignoredIds,
    detail: detailOf(state, ageMs, schedule),
  };
}

function isFuture({ time }: BackupTimes, now: Date): boolean {
  return time.getTime() > now.getTime() + CLOCK_TOLERANCE_MS;
}

function missedDue(
  schedule: Schedule | undefined,
  newest: BackupTimes,
  now: Date,
): Date | undefined {
  if (schedule === undefined) return undefined;
  // A store whose clock is a little behind dates a short run to before its own trigger.
  const due = nextDue(schedule, new Date(effectiveTime(newest).getTime() + CLOCK_TOLERANCE_MS));
  return due <= now ? due : undefined;
}

function stateOf(seen: {
  newest: BackupTimes | undefined;
  ageMs: number | undefined;
  lateAfterMs: number | undefined;
  dueSince: Date | undefined;
}): Freshness['state'] {
  if (seen.newest === undefined || seen.ageMs === undefined) return 'never';
  if (seen.lateAfterMs === undefined) return 'unscheduled';
  if (seen.ageMs > seen.lateAfterMs) return 'late';
  return seen.dueSince === undefined ? 'fresh' : 'due';
}

function rpoVerdict(
  { rpoMs, schedule }: FreshnessInput,
  hasGood: boolean,
  ageMs: number | undefined,
): Freshness['rpo'] {
  // Without a schedule nothing makes a backup come in time, so there is nothing that could be promised.
  if (rpoMs === undefined || schedule === undefined) return 'none';
  if (ageMs === undefined || ageMs > rpoMs) return 'missed';
  return hasGood ? 'met' : 'pending';
}

function lateTime(since: Date | undefined, lateAfterMs: number | undefined): Date | undefined {
  if (since === undefined || lateAfterMs === undefined) return undefined;
  return new Date(since.getTime() + lateAfterMs);
}

function detailOf(
  state: Freshness['state'],
  ageMs: number | undefined,
  schedule: Schedule | undefined,
): string {
  const age = ageMs === undefined ? 'an unknown time' : durationText(ageMs);
  const objective = schedule === undefined ? '; no schedule, so no objective' : '';
  if (state === 'never') return `no good backup yet, configured for ${age}${objective}`;
  return `newest good backup ${age} old${objective}`;
}
