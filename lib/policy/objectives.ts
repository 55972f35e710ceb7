// What is promised of a source, and the limits that follow: those at which alarms go off, and by which it is judged.
import type { SourceLimit } from './conditions/row.ts';
import { longestIntervalMs, type Schedule } from './schedule.ts';

/** What is promised of when a source is backed up. */
export interface TimeObjectives {
  /** Undefined when only events or people trigger the source. */
  readonly schedule: Schedule | undefined;
  readonly rpoMs: number | undefined;
  readonly graceMs: number;
}

/** What is promised of a source. */
export interface Objectives extends TimeObjectives {
  readonly rtoMs: number | undefined;
  /** How old the last proven restore test may become. */
  readonly restoreTestMaxAgeMs: number | undefined;
}

/** What holds for a source that is not configured. */
export const NO_OBJECTIVES: Objectives = {
  schedule: undefined,
  rpoMs: undefined,
  rtoMs: undefined,
  graceMs: 0,
  restoreTestMaxAgeMs: undefined,
};

/** How old the newest good backup may become: the longest interval of the schedule and the grace; undefined without a schedule. */
export function lateAfterMs(
  { schedule, graceMs }: Pick<TimeObjectives, 'schedule' | 'graceMs'>,
  now: Date,
): number | undefined {
  return schedule && longestFrom(schedule, now) + graceMs;
}

/** The last answer for each schedule: one look asks several times for the same moment, and the answer takes a walk over a year. */
const answers = new WeakMap<Schedule, { readonly fromMs: number; readonly longestMs: number }>();

function longestFrom(schedule: Schedule, now: Date): number {
  const fromMs = now.getTime();
  const known = answers.get(schedule);
  if (known?.fromMs === fromMs) return known.longestMs;
  const longestMs = longestIntervalMs(schedule, now);
  answers.set(schedule, { fromMs, longestMs });
  return longestMs;
}

/** The thresholds that the table of conditions names; undefined where nothing is promised. */
export function limitsOf(
  objectives: Objectives,
  now: Date,
): Readonly<Record<SourceLimit, number | undefined>> {
  return {
    lateAfterSeconds: wholeSeconds(lateAfterMs(objectives, now)),
    restoreTestMaxAgeSeconds: wholeSeconds(objectives.restoreTestMaxAgeMs),
    rtoSeconds: objectives.rtoMs === undefined ? undefined : objectives.rtoMs / 1000,
  };
}

/** Rounded up, as ages are too: then seconds exceed a limit exactly when milliseconds do. */
export function wholeSeconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : Math.ceil(ms / 1000);
}
