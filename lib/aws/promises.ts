// What the configuration promises of each source, as the engine measures it.
import type { Config, SourceConfig } from '../config/config.ts';
import type { Promised } from '../engine/freshness-source.ts';
import { longestIntervalMs, parseSchedule, type Schedule } from '../policy/schedule.ts';

/** The promises of all configured sources, by their names. */
export function promisesOf({ sources }: Config): Map<string, Promised> {
  return new Map(
    sources.map((source) => [
      source.name,
      {
        schedule: scheduleOf(source),
        rpoMs: source.rpoMs,
        rtoMs: source.rtoMs,
        graceMs: source.graceMs,
        restoreTestMaxAgeMs: source.restoreTest.maxAgeMs,
        policy: source.retention,
      },
    ]),
  );
}

/** The longest time between two runs of a source; undefined when it has no schedule. */
export function intervalOf(source: SourceConfig, now: Date): number | undefined {
  const schedule = scheduleOf(source);
  return schedule && longestIntervalMs(schedule, now);
}

export function scheduleOf({ schedule, timeZone }: SourceConfig): Schedule | undefined {
  return schedule === undefined ? undefined : parseSchedule(schedule, timeZone);
}
