// Whether a source keeps to its schedule, although schedules change.
import type { SourceFacts } from './facts.ts';
import { freshnessOf, type Freshness } from './freshness.ts';
import { NO_OBJECTIVES } from './objectives.ts';
import type { Schedule } from './schedule.ts';

export interface TimeKept {
  readonly freshness: Freshness;
  /** True when the last run had another schedule for the source, or none: since when this one counts is not known yet. */
  readonly isScheduleNew: boolean;
}

/**
 * How fresh a source is at `at`.
 *
 * A schedule counts from the first run that had it in its configuration. Until there is one, somebody gets a message only when the schedule
 * that was seen last has been missed, too.
 */
export function timeKept(facts: SourceFacts, at: Date): TimeKept {
  const { objectives = NO_OBJECTIVES, backups, knownSince: configuredAt, scheduleSeen } = facts;
  const { schedule, rpoMs, graceMs } = objectives;
  const good = backups.filter((one) => one.good);
  const scheduled = backups.filter((one) => one.isScheduled && one.standing !== 'untrusted');
  const judge = (by: Schedule | undefined, scheduledSince: Date | undefined) =>
    freshnessOf(
      { good, scheduled, schedule: by, rpoMs, graceMs, configuredAt, scheduledSince },
      at,
    );
  if (schedule === undefined || scheduleSeen === undefined)
    return { freshness: judge(schedule, undefined), isScheduleNew: false };
  const { last } = scheduleSeen;
  if (last !== undefined && isSame(last.schedule, schedule))
    return { freshness: judge(schedule, last.since), isScheduleNew: false };
  const present = judge(schedule, scheduleSeen.at);
  const isAlarm = last !== undefined && isLate(judge(last.schedule, last.since));
  const freshness = isAlarm && isLate(present) ? present : judge(schedule, at);
  return { freshness, isScheduleNew: true };
}

function isLate({ missed, tooOld }: Freshness): boolean {
  return missed || tooOld;
}

/** Whether two schedules are written alike. */
export function isSame(a: Schedule, b: Schedule): boolean {
  return a.cron === b.cron && a.timeZone === b.timeZone;
}
