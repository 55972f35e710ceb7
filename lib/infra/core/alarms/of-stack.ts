// What the alarms of the stack look at: the queue of dead letters, and everything that this queue did not take.
import { Duration } from 'aws-cdk-lib';
import { MathExpression, Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { IMetric } from 'aws-cdk-lib/aws-cloudwatch';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { METRICS_OF_ALARM, thresholdOf } from '../../../config/alarms.ts';
import type { ConfiguredAlarm } from '../../../config/alarms.ts';
import { conditionOf } from '../../../policy/conditions/table.ts';
import { STACK_CONDITIONS } from '../../../policy/conditions/of-stack.ts';
import type { StackCode } from '../../../policy/conditions/of-stack.ts';
import type { HoldfastFunction } from '../functions/function.ts';
import type { AlarmDefinition } from './alarms.ts';

/** The parts of a stack that give something up, or keep what was given up. */
export interface StackParts {
  readonly deadLetters: IQueue;
  readonly scheduleGroup: string;
  /** The names of all rules: most stand in the stacks of sources. */
  readonly rules: readonly string[];
  readonly functions: readonly HoldfastFunction[];
}

const EVERY = { period: Duration.minutes(5), statistic: Stats.SUM };

/** Whatever a condition of the stack counts, one metric for each thing that can be in it. */
const COUNTED_OF: Readonly<
  Record<StackCode, (parts: StackParts, metricName: string) => readonly IMetric[]>
> = {
  'dead-letters': ({ deadLetters }, name) => [
    deadLetters.metric(name, { ...EVERY, statistic: Stats.MAXIMUM }),
  ],
  'lost-runs': ({ scheduleGroup }, metricName) => [
    new Metric({
      namespace: 'AWS/Scheduler',
      metricName,
      dimensionsMap: { ScheduleGroup: scheduleGroup },
      ...EVERY,
    }),
  ],
  'lost-events': ({ rules }, metricName) =>
    rules.map(
      (RuleName) =>
        new Metric({
          namespace: 'AWS/Events',
          metricName,
          dimensionsMap: { RuleName },
          ...EVERY,
        }),
    ),
  'lost-work': ({ functions }, name) =>
    functions.map((one) => one.function.metric(name, { ...EVERY })),
};

/** The alarm of the stack. What is counted at more things than an alarm can look at is divided among several. */
export function stackAlarm(alarm: ConfiguredAlarm, parts: StackParts): AlarmDefinition[] {
  const { code, watched, subject } = alarm;
  const threshold = thresholdOf(watched, {});
  if (threshold === undefined || subject.about !== 'stack' || !isOfStack(code)) return [];
  const all = COUNTED_OF[code](parts, watched.metric);
  const from = (subject.part ?? 0) * METRICS_OF_ALARM;
  const metrics = all.slice(from, from + METRICS_OF_ALARM);
  return [{ alarm, threshold, means: `${conditionOf(code).sentence}.`, metric: sumOf(metrics) }];
}

function isOfStack(code: string): code is StackCode {
  return Object.hasOwn(STACK_CONDITIONS, code);
}

function sumOf(metrics: readonly IMetric[]): IMetric {
  const [first, second] = metrics;
  if (first === undefined) throw new TypeError('an alarm that looks at nothing');
  if (second === undefined) return first;
  const usingMetrics = Object.fromEntries(metrics.map((one, index) => [`m${index}`, one]));
  return new MathExpression({
    // A metric that has no value in a period would leave the whole sum without one.
    expression: Object.keys(usingMetrics)
      .map((id) => `FILL(${id}, 0)`)
      .join(' + '),
    usingMetrics,
    period: EVERY.period,
  });
}
