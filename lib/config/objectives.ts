// What the configuration promises of each source, in the terms in which it is judged.
import { createHash } from 'node:crypto';
import type { Objectives } from '../policy/objectives.ts';
import type { RetentionPolicy } from '../policy/retention-policy.ts';
import { longestIntervalMs, parseSchedule, type Schedule } from '../policy/schedule.ts';
import type { SelectionPromise } from '../policy/recovery-points/facts.ts';
import type { Config, SourceConfig } from './config.ts';
import type { SelectionConfig } from './recovery-points.ts';

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

/** What is promised of one source. `CONFIG_INVALID` when its schedule is invalid. */
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

/** What is promised of what AWS Backup protects. `CONFIG_INVALID` when its schedule is invalid. */
export function selectionPromise(selection: SelectionConfig): SelectionPromise {
  const { name, schedule, timeZone, expected, rpoMs, rtoMs, graceMs, copies } = selection;
  return {
    selection: name,
    schedule: parseSchedule(schedule, timeZone),
    expected,
    isContinuous: selection.continuousDays !== undefined,
    hasCopies: copies.length > 0,
    ...{ rpoMs, rtoMs, graceMs },
    restoreTestMaxAgeMs: selection.restoreTest.maxAgeMs,
  };
}

/** Under which a selection is known beside sources: another one as soon as it expects something else, so that nothing was due before. */
export function selectionKey({ name, expected }: SelectionConfig): string {
  const what = expected.arns === undefined ? expected.count : [...expected.arns].sort();
  const digest = createHash('sha256').update(JSON.stringify(what)).digest('hex');
  return `recovery-points/${name}/${digest.slice(0, 16)}`;
}

/** The schedules of everything that is configured, by the names of sources and the keys of selections. */
export function schedulesOf({
  sources,
  aws,
}: Pick<Config, 'sources' | 'aws'>): Map<string, Schedule | undefined> {
  return new Map([
    ...sources.map((one) => [one.name, scheduleOf(one)] as const),
    ...(aws?.recoveryPoints?.selections ?? []).map(
      (one) => [selectionKey(one), selectionPromise(one).schedule] as const,
    ),
  ]);
}
