// What the configuration promises of each source, in the terms in which it is judged.
import type { Objectives } from '../policy/objectives.ts';
import type { RetentionPolicy } from '../policy/retention-policy.ts';
import { longestIntervalMs, parseSchedule, type Schedule } from '../policy/schedule.ts';
import type { Config, SourceConfig } from './config.ts';

/** What is promised of a source, and what is kept of it. */
export interface Promised extends Objectives {
  readonly policy: RetentionPolicy;
}

/** The promises of all configured sources, by their names, in their order. */
export function promisesOf({ sources }: Pick<Config, 'sources'>): Map<string, Promised> {
  return new Map(
    sources.map((source) => [source.name, { ...objectivesOf(source), policy: source.retention }]),
  );
}

/** What is promised of one source. `CONFIG_INVALID` when its schedule is none. */
export function objectivesOf(source: SourceConfig): Objectives {
  return {
    schedule: scheduleOf(source),
    rpoMs: source.rpoMs,
    rtoMs: source.rtoMs,
    graceMs: source.graceMs,
    restoreTestMaxAgeMs: source.restoreTest.maxAgeMs,
  };
}

/** The longest time between two runs of a source; undefined when it has no schedule. */
export function intervalOf(source: SourceConfig, now: Date): number | undefined {
  const schedule = scheduleOf(source);
  return schedule && longestIntervalMs(schedule, now);
}

/** The schedule of a source, parsed. */
export function scheduleOf({
  schedule,
  timeZone,
}: Pick<SourceConfig, 'schedule' | 'timeZone'>): Schedule | undefined {
  return schedule === undefined ? undefined : parseSchedule(schedule, timeZone);
}
