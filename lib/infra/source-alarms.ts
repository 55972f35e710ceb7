// What can be wrong with one source.
import type { SourceConfig } from '../config/config.ts';
import { longestGapAbove, parseCron } from '../config/interval.ts';
import { HoldfastError } from '../errors.ts';
import { sourceMetric } from '../names/metrics.ts';
import type { SourceMetric } from '../names/metrics.ts';
import { published } from './alarms.ts';
import type { AlarmDefinition } from './alarms.ts';

/** Four quarters of an hour without a value, or with one that is too large. */
const POINTS_OF_AGE = 4;

const COUNTED = [
  ['FailedRuns', 'failed', 'the last run failed, and there is no good backup since'],
  ['DamagedBackups', 'damaged', 'a backup is damaged or incomplete'],
  ['PartialBackups', 'partial', 'the newest backup lacks something'],
  ['UnprovenBackups', 'unproven', 'a backup was stored and nobody has proven it'],
  ['Anomalies', 'anomaly', 'the newest backup is of an unusual size'],
] as const satisfies readonly (readonly [SourceMetric, string, string])[];

/** The alarms of `source`. One without a schedule has none of age and of missed runs: nothing was promised. */
export function sourceAlarms(system: string, source: SourceConfig, now: Date): AlarmDefinition[] {
  const { name } = source;
  return [
    ...ageAlarms(system, source, now),
    ...COUNTED.map(([metric, what, means]): AlarmDefinition => ({
      name: `${name}/${what}`,
      means: `${name}: ${means}.`,
      metric: published(sourceMetric(system, name, metric)),
      when: 'atLeast',
      threshold: 1,
    })),
  ];
}

function ageAlarms(system: string, source: SourceConfig, now: Date): AlarmDefinition[] {
  const { name, restoreTest } = source;
  const oldest = oldestSeconds(source, now);
  return [
    ...(oldest === undefined
      ? []
      : [
          {
            name: `${name}/missed`,
            means: `${name}: a scheduled run has not come, and its grace has passed.`,
            metric: published(sourceMetric(system, name, 'MissedRuns')),
            when: 'atLeast',
            threshold: 1,
          } as const,
          {
            name: `${name}/age`,
            means: `${name}: there is no good backup younger than ${hours(oldest)}, or nobody could tell.`,
            metric: published(sourceMetric(system, name, 'RecoveryPointAgeSeconds')),
            when: 'above',
            threshold: oldest,
            points: POINTS_OF_AGE,
            silence: 'alarm',
          } as const,
        ]),
    ...(restoreTest.maxAgeMs === undefined
      ? []
      : [
          {
            name: `${name}/restore-test`,
            means: `${name}: no restore was proven for ${hours(restoreTest.maxAgeMs / 1000)}.`,
            metric: published(sourceMetric(system, name, 'RestoreTestAgeSeconds')),
            when: 'above',
            threshold: Math.ceil(restoreTest.maxAgeMs / 1000),
            points: POINTS_OF_AGE,
          } as const,
        ]),
  ];
}

/** The longest interval of the schedule, days with clock changes included, and the grace; undefined without a schedule. */
export function oldestSeconds(source: SourceConfig, now: Date): number | undefined {
  const { name, schedule, timeZone, graceMs } = source;
  if (schedule === undefined) return undefined;
  const cron = parseCron(schedule, timeZone, now);
  if (typeof cron === 'string') {
    throw new HoldfastError('CONFIG_INVALID', `sources.${name}.schedule: ${cron}`);
  }
  const gap = longestGapAbove(cron, 0, now);
  if (gap === undefined) {
    throw new HoldfastError('CONFIG_INVALID', `sources.${name}.schedule comes only once`);
  }
  return Math.ceil((gap.to.getTime() - gap.from.getTime() + graceMs) / 1000);
}

function hours(seconds: number): string {
  const whole = Math.round(seconds / 3600);
  return whole > 72 ? `${Math.round(whole / 24)} days` : `${whole} hours`;
}
