// Publishing metrics by the closed list of names. A value that is not known is not published: no data is not a zero.
import {
  CloudWatchClient,
  PutMetricDataCommand,
  type MetricDatum,
} from '@aws-sdk/client-cloudwatch';
import { METRICS } from '../names/aws.ts';
import {
  sourceMetric,
  systemMetric,
  type SourceMetric,
  type SystemMetric,
} from '../names/metrics.ts';
import { awsError } from './errors.ts';

/** What is measured of one source, by the names of its metrics; what is not known is undefined. */
export type SourceMeasures = {
  readonly [M in SourceMetric as Uncapitalize<M>]?: number | undefined;
};

/** What is measured of the whole store. */
export type SystemMeasures = {
  readonly [M in SystemMetric as Uncapitalize<M>]?: number | undefined;
};

export interface Measured {
  readonly sources?: Readonly<Record<string, SourceMeasures>>;
  readonly system?: SystemMeasures;
}

/** CloudWatch takes this many values in one call. */
const VALUES_PER_CALL = 1000;

/** Publishes everything that is known in `measured`, for the time `at`. `STORE_DENIED` or `STORE_UNAVAILABLE` when it cannot. */
export async function publishMetrics(
  client: CloudWatchClient,
  system: string,
  measured: Measured,
  at: Date,
): Promise<void> {
  const data = dataOf(system, measured, at);
  try {
    for (let first = 0; first < data.length; first += VALUES_PER_CALL) {
      const MetricData = data.slice(first, first + VALUES_PER_CALL);
      await client.send(new PutMetricDataCommand({ Namespace: METRICS, MetricData }));
    }
  } catch (error) {
    throw awsError(error, { thing: `metrics of ${system}`, doing: 'cannot be published' });
  }
}

function dataOf(
  system: string,
  { sources = {}, system: whole = {} }: Measured,
  at: Date,
): MetricDatum[] {
  return [
    ...Object.entries(sources).flatMap(([source, measures]) =>
      known(measures).map(([name, value]) =>
        datum(sourceMetric(system, source, name as SourceMetric), value, at),
      ),
    ),
    ...known(whole).map(([name, value]) =>
      datum(systemMetric(system, name as SystemMetric), value, at),
    ),
  ];
}

function known(measures: Readonly<Record<string, number | undefined>>): [string, number][] {
  return Object.entries(measures).flatMap(([name, value]) =>
    value === undefined ? [] : [[`${name[0]?.toUpperCase() ?? ''}${name.slice(1)}`, value]],
  );
}

function datum(
  metric: ReturnType<typeof sourceMetric> | ReturnType<typeof systemMetric>,
  value: number,
  at: Date,
): MetricDatum {
  return {
    MetricName: metric.metricName,
    Unit: metric.unit,
    Value: value,
    Timestamp: at,
    Dimensions: Object.entries(metric.dimensions).map(([Name, Value]) => ({ Name, Value })),
  };
}
