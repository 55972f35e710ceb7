// Whether a source keeps to its schedule: how fresh it is, and which of its runs failed. `status` and the alarms on AWS both ask here.
import { freshnessOf, type Freshness } from '../policy/freshness.ts';
import { effectiveTime } from '../policy/order.ts';
import type { Schedule } from '../policy/schedule.ts';
import type { Engine } from './engine.ts';
import { readRecords } from './records.ts';
import { isSame, type SeenConfiguration } from './schedules-seen.ts';
import type { Survey } from './survey.ts';

/** What is promised of when a source is backed up. */
export interface TimeObjectives {
  readonly schedule: Schedule | undefined;
  readonly rpoMs: number | undefined;
  readonly graceMs: number;
}

export interface TimeInput {
  /** Since when the source can have made runs, where that is known. */
  readonly configuredAt: Date | undefined;
  /** What the last prune knew of its configuration. */
  readonly seen: SeenConfiguration | undefined;
  readonly at: Date;
}

export interface TimeKept {
  readonly freshness: Freshness;
  /** True when the last prune had another schedule for the source, or none: since when this one counts is not known yet. */
  readonly isScheduleNew: boolean;
}

/**
 * How fresh a source is at `at`.
 *
 * A schedule counts from the first run that had it in its configuration. Until there is one, somebody is told only when the schedule
 * that was seen last has been missed, too.
 */
export function timeKept(
  { source, backups }: Survey,
  objectives: TimeObjectives,
  { configuredAt, seen, at }: TimeInput,
): TimeKept {
  const good = backups.filter((one) => one.good);
  const scheduled = backups.filter((one) => one.isScheduled && one.standing !== 'untrusted');
  const { rpoMs, graceMs } = objectives;
  const judge = (schedule: Schedule | undefined, scheduledSince: Date | undefined) =>
    freshnessOf({ good, scheduled, schedule, rpoMs, graceMs, configuredAt, scheduledSince }, at);
  const { schedule } = objectives;
  if (schedule === undefined || seen?.schedules === undefined)
    return { freshness: judge(schedule, undefined), isScheduleNew: false };
  const before = seen.schedules.get(source);
  if (before !== undefined && isSame(before.schedule, schedule))
    return { freshness: judge(schedule, before.since), isScheduleNew: false };
  const present = judge(schedule, seen.at);
  const isAlarm = before !== undefined && isLate(judge(before.schedule, before.since));
  const freshness = isAlarm && isLate(present) ? present : judge(schedule, at);
  return { freshness, isScheduleNew: true };
}

function isLate({ missed, tooOld }: Freshness): boolean {
  return missed || tooOld;
}

/** A run that failed, as its record tells it. */
export interface FailedRun {
  /** The id that its backup would have had. */
  readonly id: string;
  readonly begin: Date;
  /** What it failed with: `CODE: detail`. */
  readonly why: string;
}

/** The failed runs of a source since `since` that a trusted key vouches for, oldest first. */
export async function failedRuns(
  engine: Engine,
  source: string,
  since: Date,
): Promise<FailedRun[]> {
  const options = { since, onProblem: () => undefined };
  const records = await readRecords(engine, 'backup', source, options);
  return records
    .filter(({ distrust, record }) => distrust === undefined && record.verdict === 'failed')
    .map(({ record: { subject, begin, problems } }) => {
      const [first] = problems;
      const why = first === undefined ? 'for no stated reason' : `${first.code}: ${first.detail}`;
      return { id: subject, begin: new Date(begin), why };
    });
}

/** The failures that no good backup has made up for, neither a later one nor one of the same trigger. */
export function failuresLeft(failures: readonly FailedRun[], { backups }: Survey): FailedRun[] {
  const good = backups.filter((one) => one.good);
  const newest = good.at(-1);
  const made = new Set(good.map(({ id }) => id));
  return failures.filter(
    ({ id, begin }) => !made.has(id) && (newest === undefined || begin > effectiveTime(newest)),
  );
}
