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
import type { sourceMetric, systemMetric } from '../names/metrics.ts';
import { alarmPrefix, directAlarmPrefix } from './alarm-names.ts';

/** Metrics are published this often: an alarm that looks at shorter periods sees gaps. */
export const PUBLISHED_EVERY = Duration.minutes(15);

/** When an alarm goes off, and what people are told then. */
export interface AlarmDefinition {
  /** Part of the alarm's name, and of its identity. */
  readonly name: string;
  /** A sentence that says what is wrong, for people. */
  readonly means: string;
  readonly metric: IMetric;
  readonly when: 'above' | 'atLeast' | 'below';
  readonly threshold: number;
  /**
   * How many points in a row.
   * @default 1
   */
  readonly points?: number;
  /**
   * What no value means: `alarm` that something is wrong, `fine` that nothing is, `unchanged` that it is as before.
   * @default unchanged
   */
  readonly silence?: 'alarm' | 'fine' | 'unchanged';
  /** Tells the topic itself, because the function that tells otherwise may be what is wrong. */
  readonly direct?: boolean;
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

export interface AlarmsProps {
  readonly system: string;
  readonly topic: ITopic;
}

/** The alarms of one system. Those that are not direct are told by the function `alert`, to which EventBridge brings every change. */
export class Alarms extends Construct {
  readonly all: Alarm[] = [];
  /** Those that are not direct. */
  readonly told: Alarm[] = [];
  private readonly props: AlarmsProps;

  constructor(scope: Construct, id: string, props: AlarmsProps) {
    super(scope, id);
    this.props = props;
  }

  add(definition: AlarmDefinition): Alarm {
    const { name, means, metric, when, threshold, points = 1, silence = 'unchanged' } = definition;
    const { system, topic } = this.props;
    const prefix = definition.direct === true ? directAlarmPrefix(system) : alarmPrefix(system);
    const alarm = new Alarm(this, name, {
      alarmName: `${prefix}${name}`,
      alarmDescription: means,
      metric,
      comparisonOperator: COMPARISON[when],
      threshold,
      evaluationPeriods: points,
      datapointsToAlarm: points,
      treatMissingData: SILENCE[silence],
    });
    if (definition.direct === true) {
      const action = new SnsAction(topic);
      alarm.addAlarmAction(action);
      alarm.addOkAction(action);
    } else {
      this.told.push(alarm);
    }
    this.all.push(alarm);
    return alarm;
  }
}

/** A metric of ours as CloudWatch has it: the worst value of each quarter of an hour. */
export function published(
  metric: ReturnType<typeof sourceMetric> | ReturnType<typeof systemMetric>,
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
