// What can be wrong with the store as a whole, and with the functions themselves.
import { Duration } from 'aws-cdk-lib';
import { MathExpression, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import type { DatabaseFunctionName, FunctionName } from '../names/aws.ts';
import { systemMetric } from '../names/metrics.ts';
import type { SystemMetric } from '../names/metrics.ts';
import { published } from './alarms.ts';
import type { AlarmDefinition } from './alarms.ts';
import type { HoldfastFunction } from './function.ts';

const COUNTED = [
  ['HiddenManifests', 'hidden', 'A manifest is covered by a delete marker or a later version.'],
  [
    'ReleasedButWanted',
    'released',
    'A backup that the policy keeps carries the tag of released ones.',
  ],
  ['UntrustedBackups', 'untrusted', 'The store holds what no trusted key has signed.'],
  ['FutureBackups', 'future', 'The store holds a backup whose time has not come yet.'],
] as const satisfies readonly (readonly [SystemMetric, string, string])[];

/** Enough is left to act before nothing is. */
const CAPACITY_PERCENT = 80;
/** Time to raise a budget, or to lower a retention. */
const GROWTH_DAYS = 30;
/** Of the time that a function has. */
const NEAR_TIMEOUT = 0.9;

/** The alarms of the store. */
export function storeAlarms(system: string, capacityBytes: number | undefined): AlarmDefinition[] {
  return [
    ...COUNTED.map(([metric, name, means]): AlarmDefinition => ({
      name: `store/${name}`,
      means,
      metric: published(systemMetric(system, metric)),
      when: 'atLeast',
      threshold: 1,
    })),
    {
      name: 'store/key',
      means: 'What is stored could not be decrypted, or nobody could tell.',
      metric: published(systemMetric(system, 'KeyUsable'), 'smallest'),
      when: 'below',
      threshold: 1,
      points: 4,
      silence: 'alarm',
    },
    ...(capacityBytes === undefined
      ? []
      : [
          {
            name: 'store/capacity',
            means: `More than ${CAPACITY_PERCENT} % of the configured capacity is used.`,
            metric: published(systemMetric(system, 'CapacityUsedPercent')),
            when: 'above',
            threshold: CAPACITY_PERCENT,
          } as const,
          growthAlarm(system, capacityBytes),
        ]),
  ];
}

/** What the store would hold in a month if each day were like the last. One large backup is no trend: three days in a row are. */
function growthAlarm(system: string, capacityBytes: number): AlarmDefinition {
  const period = Duration.days(1);
  const stored = published(systemMetric(system, 'StoredBytes')).with({ period });
  return {
    name: 'store/growth',
    means: `At the growth of the last three days, the configured capacity is used up within ${GROWTH_DAYS} days.`,
    metric: new MathExpression({
      expression: `stored + RATE(stored) * ${Duration.days(GROWTH_DAYS).toSeconds()}`,
      usingMetrics: { stored },
      period,
    }),
    when: 'above',
    threshold: capacityBytes,
    points: 3,
  };
}

/** Of these nobody would hear through `alert`. */
const DIRECT: readonly FunctionName[] = ['alert', 'freshness'];

/** The alarms of a function: that it fails, is held back, or nearly runs out of time. */
export function functionAlarms({
  name,
  function: runs,
  size,
}: HoldfastFunction): AlarmDefinition[] {
  const direct = DIRECT.includes(name);
  const every = { period: Duration.minutes(5) };
  return [
    {
      name: `functions/${name}/errors`,
      means: `The function ${name} failed; its log says why.`,
      metric: runs.metricErrors({ ...every, statistic: Stats.SUM }),
      when: 'atLeast',
      threshold: 1,
      silence: 'fine',
      direct,
    },
    {
      name: `functions/${name}/throttles`,
      means: `The function ${name} was not started because too many run at once; it is tried again for six hours.`,
      metric: runs.metricThrottles({ ...every, statistic: Stats.SUM }),
      when: 'atLeast',
      threshold: 1,
      silence: 'fine',
      direct,
    },
    {
      name: `functions/${name}/duration`,
      means: `The function ${name} takes nearly all of its ${size.timeoutSeconds} seconds.`,
      metric: runs.metricDuration({ ...every, statistic: Stats.MAXIMUM }),
      when: 'above',
      threshold: size.timeoutSeconds * 1000 * NEAR_TIMEOUT,
      silence: 'fine',
      direct,
    },
  ];
}

/** The alarm of tasks: that one failed, took too long, or was ended by somebody. */
export function taskAlarm(
  name: DatabaseFunctionName,
  machine: Pick<StateMachine, 'metricFailed' | 'metricTimedOut' | 'metricAborted'>,
): AlarmDefinition {
  const every = { period: Duration.minutes(5), statistic: Stats.SUM };
  return {
    name: `tasks/${name}/errors`,
    means: `The task ${name} failed; the log of its function says why.`,
    metric: new MathExpression({
      expression: 'failed + late + ended',
      usingMetrics: {
        failed: machine.metricFailed(every),
        late: machine.metricTimedOut(every),
        ended: machine.metricAborted(every),
      },
      period: every.period,
    }),
    when: 'atLeast',
    threshold: 1,
    silence: 'fine',
  };
}

/** Events and runs that could not be delivered; among them may be those that tell. */
export function deadLetterAlarm(queue: IQueue): AlarmDefinition {
  return {
    name: 'dead-letters',
    means: 'An event or a run was given up; the queue of dead letters holds it.',
    metric: queue.metricApproximateNumberOfMessagesVisible({
      period: Duration.minutes(5),
      statistic: Stats.MAXIMUM,
    }),
    when: 'atLeast',
    threshold: 1,
    silence: 'fine',
    direct: true,
  };
}
