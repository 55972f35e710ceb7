// One alarm: what it looks at, and whom it tells.
import { Duration } from 'aws-cdk-lib';
import {
  Alarm,
  ComparisonOperator,
  Metric,
  Stats,
  TreatMissingData,
  Unit,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { IMetric } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import type { ConfiguredAlarm } from '../../../config/alarms.ts';
import type { NamedMetric } from '../../../names/metrics.ts';

/** Metrics are published this often: an alarm that looks at shorter periods sees gaps. */
export const PUBLISHED_EVERY = Duration.minutes(15);

/** An alarm with its place in the stack. */
export interface AlarmDefinition {
  readonly alarm: ConfiguredAlarm;
  /** A sentence that says what is wrong, for people. */
  readonly means: string;
  readonly metric: IMetric;
  readonly threshold: number;
}

const COMPARISON = {
  above: ComparisonOperator.GREATER_THAN_THRESHOLD,
  atLeast: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
  below: ComparisonOperator.LESS_THAN_THRESHOLD,
};
const SILENCE = {
  alarm: TreatMissingData.BREACHING,
  fine: TreatMissingData.NOT_BREACHING,
  unchanged: TreatMissingData.IGNORE,
};

/**
 * The alarms of one system. EventBridge passes every change to the function `alert`, which sends the messages, except those of direct
 * alarms; and where the stack escalates, every change to `escalate`.
 */
export class Alarms extends Construct {
  readonly all: Alarm[] = [];
  /** The names of all of them. */
  readonly names: string[] = [];
  /** Those that are not direct. */
  readonly told: Alarm[] = [];
  private readonly topic: ITopic;

  constructor(scope: Construct, id: string, { topic }: { readonly topic: ITopic }) {
    super(scope, id);
    this.topic = topic;
  }

  /** @param scope - where the alarm stands: this, or the stack of a source */
  add({ alarm, means, metric, threshold }: AlarmDefinition, scope: Construct = this): Alarm {
    const { name, label, tellsTopic, watched } = alarm;
    const { breach, points = 1, silence = 'unchanged' } = watched;
    const made = new Alarm(scope, label, {
      alarmName: name,
      alarmDescription: means,
      metric,
      comparisonOperator: COMPARISON[breach],
      threshold,
      evaluationPeriods: points,
      datapointsToAlarm: points,
      treatMissingData: SILENCE[silence],
    });
    if (tellsTopic) {
      const action = new SnsAction(this.topic);
      made.addAlarmAction(action);
      made.addOkAction(action);
    } else {
      this.told.push(made);
    }
    this.all.push(made);
    this.names.push(name);
    return made;
  }
}

/** A metric of ours as CloudWatch has it: the worst value of each quarter of an hour. */
export function published(
  metric: NamedMetric<string>,
  worst: 'largest' | 'smallest' = 'largest',
): Metric {
  return new Metric({
    namespace: metric.namespace,
    metricName: metric.metricName,
    dimensionsMap: { ...metric.dimensions },
    unit: UNITS[metric.unit],
    period: PUBLISHED_EVERY,
    statistic: worst === 'largest' ? Stats.MAXIMUM : Stats.MINIMUM,
  });
}

const UNITS = {
  Seconds: Unit.SECONDS,
  Bytes: Unit.BYTES,
  Count: Unit.COUNT,
  Percent: Unit.PERCENT,
} as const;
