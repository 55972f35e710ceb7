// How old the newest good backup of a source is, and whether that is what was promised.
import { HOUR_MS } from '../durations.ts';
import { CLOCK_TOLERANCE_MS, durationText } from './durations.ts';
import { effectiveTime, newestOf, type Dated } from './order.ts';
import { lateAfterMs } from './objectives.ts';
import { lastMomentOf, nextDue, type Schedule } from './schedule.ts';

/** The default grace: how much time may pass beyond a source's interval before its freshness alarms. */
export const DEFAULT_GRACE_MS = 2 * HOUR_MS;

/** The times of a good backup. */
export interface BackupTimes extends Dated {
  /** The time of the trigger, as in the id. */
  readonly time: Date;
}

export interface FreshnessInput {
  /** The good backups of one source, in any order. */
  readonly good: readonly BackupTimes[];
  /** Those that the schedule has made, good or not: they show that it is alive. In any order. */
  readonly scheduled: readonly BackupTimes[];
  /** Undefined when only events or people trigger the source. */
  readonly schedule: Schedule | undefined;
  readonly rpoMs: number | undefined;
  readonly graceMs: number;
  /** Since when the source is configured, where that is known. */
  readonly configuredAt: Date | undefined;
  /** Since when it has this schedule, where that is later: nothing was due before. */
  readonly scheduledSince?: Date | undefined;
}

export interface Freshness {
  /**
   * `fresh`: no run is due. `due`: one is, and its grace has not passed. `late`: a run is missed, or the newest good backup is older
   * than the longest interval and the grace. `never`: there is no good backup. `unscheduled`: there is one, and no schedule.
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
  /** The first due time that has passed since the last scheduled run, whatever was made by hand since. */
  readonly dueSince: Date | undefined;
  /** True when the grace of that time has passed as well: whatever starts the runs may be dead. */
  readonly missed: boolean;
  /** True when the newest good backup is older than the longest interval of the schedule and the grace allow. */
  readonly tooOld: boolean;
  /** When it alarms unless a run comes before. */
  readonly lateAt: Date | undefined;
  /** Ids from the future, which took no part: each is worth an alarm. */
  readonly ignoredIds: readonly string[];
  readonly detail: string;
}

/**
 * How fresh a source is at `now`.
 *
 * A backup is as old as the earlier of its begin and the time in the store says, so neither a clock that is ahead nor a slow upload
 * makes it look younger. Ids from more than 5 minutes in the future are ignored. A run is missed when its due time and the grace
 * have passed and the schedule has made no backup since; what was made by hand or for a deployment does not count for that. The
 * first run is due after `configuredAt`, and none is due before `scheduledSince`.
 */
export function freshnessOf(input: FreshnessInput, now: Date): Freshness {
  const ignoredIds = input.good.filter((backup) => isFuture(backup, now)).map(({ id }) => id);
  const newest = newestOf(input.good.filter((backup) => !isFuture(backup, now)));
  const since = newest === undefined ? input.configuredAt : effectiveTime(newest);
  const ageMs = since === undefined ? undefined : Math.max(0, now.getTime() - since.getTime());
  const { schedule } = input;
  const { dueSince, missedAt, missed } = nextRun(input, now);
  // Backups that were made on request may be of any age when the schedule begins.
  const countedFrom = later(since, input.scheduledSince);
  // The interval that has just ended counts, too: it may be the one in which the clock was put back.
  const lateMs = lateAfterMs(input, countedFrom ?? now);
  const lateFrom = lateTime(countedFrom, lateMs);
  const tooOld = lateMs !== undefined && (lateFrom === undefined || now > lateFrom);
  const isLate = missed || tooOld;
  const state = stateOf({ hasGood: newest !== undefined, schedule, isLate, dueSince });
  const rpo = rpoVerdict(input, newest !== undefined, ageMs);
  return {
    state,
    // A missed objective does not alarm: if it equals the interval, every run would miss it for the minutes that the run takes.
    alarm: isLate || ignoredIds.length > 0,
    rpo,
    ageMs,
    newestGoodId: newest?.id,
    nextDueAt: schedule === undefined ? undefined : nextDue(schedule, now),
    dueSince,
    missed,
    tooOld,
    lateAt: earlier(missedAt, lateFrom),
    ignoredIds,
    detail: detailOf(state, ageMs, schedule),
  };
}

function isFuture({ time }: BackupTimes, now: Date): boolean {
  return time.getTime() > now.getTime() + CLOCK_TOLERANCE_MS;
}

/** The first run that has not come since the last one: since when it is due, if it is, and from when on it is missed. */
function nextRun(input: FreshnessInput, now: Date) {
  const { schedule, graceMs } = input;
  const due = schedule && dueAfterLastRun(schedule, input, now);
  if (schedule === undefined || due === undefined) return { missed: false };
  const missedAt = new Date(lastMomentOf(schedule, due).getTime() + graceMs);
  return { dueSince: due <= now ? due : undefined, missedAt, missed: now > missedAt };
}

/** The due time that follows the last scheduled run, or the configuration; undefined when neither is known. */
function dueAfterLastRun(
  schedule: Schedule,
  { scheduled, configuredAt, scheduledSince }: FreshnessInput,
  now: Date,
): Date | undefined {
  const last = newestOf(scheduled.filter((backup) => !isFuture(backup, now)));
  // A store whose clock is a little behind dates a short run to before its own trigger.
  const after = last && new Date(effectiveTime(last).getTime() + CLOCK_TOLERANCE_MS);
  const from = later(after ?? configuredAt, scheduledSince);
  return from && nextDue(schedule, from);
}

function stateOf(seen: {
  hasGood: boolean;
  schedule: Schedule | undefined;
  isLate: boolean;
  dueSince: Date | undefined;
}): Freshness['state'] {
  if (!seen.hasGood) return 'never';
  if (seen.schedule === undefined) return 'unscheduled';
  if (seen.isLate) return 'late';
  return seen.dueSince === undefined ? 'fresh' : 'due';
}

function earlier(a: Date | undefined, b: Date | undefined): Date | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a < b ? a : b;
}

function later(a: Date | undefined, b: Date | undefined): Date | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a > b ? a : b;
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

function lateTime(since: Date | undefined, lateMs: number | undefined): Date | undefined {
  if (since === undefined || lateMs === undefined) return undefined;
  return new Date(since.getTime() + lateMs);
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
