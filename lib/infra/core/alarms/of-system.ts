// The alarms of the store as a whole, and of what the stack runs.
import { Duration } from 'aws-cdk-lib';
import { MathExpression, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { IMetric } from 'aws-cdk-lib/aws-cloudwatch';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { thresholdOf } from '../../../config/alarms.ts';
import type { ConfiguredAlarm, Limits } from '../../../config/alarms.ts';
import type { TaskName } from '../../../names/aws.ts';
import { systemMetric } from '../../../names/metrics.ts';
import type { SystemMetric } from '../../../names/metrics.ts';
import { conditionOf } from '../../../policy/conditions/table.ts';
import { NEAR_TIMEOUT_SHARE } from '../../../policy/conditions/of-stack.ts';
import { published } from './alarms.ts';
import type { AlarmDefinition } from './alarms.ts';
import type { HoldfastFunction } from '../functions/function.ts';

/** The alarm of the store; none of its capacity where no capacity is configured. */
export function storeAlarm(
  alarm: ConfiguredAlarm,
  { system, limits }: { readonly system: string; readonly limits: Limits },
): AlarmDefinition[] {
  const { code, watched } = alarm;
  const threshold = thresholdOf(watched, limits);
  if (threshold === undefined) return [];
  const own = published(
    systemMetric(system, watched.metric as SystemMetric),
    watched.breach === 'below' ? 'smallest' : 'largest',
  );
  const means = `${conditionOf(code).sentence}.`;
  const { aheadDays } = watched;
  const metric = aheadDays === undefined ? own : inDays(aheadDays, own);
  return [{ alarm, threshold, means, metric }];
}

/** What the store would hold after so many days if each were like the last. One large backup is no trend: three days in a row are. */
function inDays(days: number, metric: ReturnType<typeof published>): IMetric {
  const period = Duration.days(1);
  return new MathExpression({
    expression: `stored + RATE(stored) * ${Duration.days(days).toSeconds()}`,
    usingMetrics: { stored: metric.with({ period }) },
    period,
  });
}

/** The alarm of a function: that it fails, is held back, or nearly runs out of time. */
export function functionAlarm(
  alarm: ConfiguredAlarm,
  { name, function: runs, size: { timeoutSeconds } }: HoldfastFunction,
): AlarmDefinition[] {
  const { code, watched } = alarm;
  const threshold = thresholdOf(watched, {
    nearTimeoutMs: timeoutSeconds * 1000 * NEAR_TIMEOUT_SHARE,
  });
  if (threshold === undefined) return [];
  const statistic = watched.threshold === 'nearTimeoutMs' ? Stats.MAXIMUM : Stats.SUM;
  const metric = runs.metric(watched.metric, { period: Duration.minutes(5), statistic });
  const sentence = conditionOf(code)
    .sentence.replace('NAME', `The function ${name}`)
    .replace('LIMIT', `${timeoutSeconds} seconds`);
  return [{ alarm, threshold, means: `${sentence}.`, metric }];
}

/** The alarm of a task: that one failed, took too long, or was ended by somebody. */
export function taskAlarm(
  alarm: ConfiguredAlarm,
  name: TaskName,
  machine: Pick<StateMachine, 'metricFailed' | 'metricTimedOut' | 'metricAborted'>,
): AlarmDefinition[] {
  const threshold = thresholdOf(alarm.watched, {});
  if (threshold === undefined) return [];
  const every = { period: Duration.minutes(5), statistic: Stats.SUM };
  const metric = new MathExpression({
    // A metric that has no value in a period would leave the whole sum without one.
    expression: 'FILL(failed, 0) + FILL(late, 0) + FILL(ended, 0)',
    usingMetrics: {
      failed: machine.metricFailed(every),
      late: machine.metricTimedOut(every),
      ended: machine.metricAborted(every),
    },
    period: every.period,
  });
  const sentence = conditionOf(alarm.code).sentence.replace('NAME', `The task ${name}`);
  return [{ alarm, threshold, means: `${sentence}.`, metric }];
}
