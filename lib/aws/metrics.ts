// Publishing metrics by the closed list of names. A value that is not known is not published: no data is not a zero.
import {
  CloudWatchClient,
  PutMetricDataCommand,
  type MetricDatum,
} from '@aws-sdk/client-cloudwatch';
import { METRICS } from '../names/aws.ts';
import {
  resourceMetric,
  selectionMetric,
  sourceMetric,
  systemMetric,
  vaultMetric,
  type NamedMetric,
  type ResourceMetric,
  type SelectionMetric,
  type SourceMetric,
  type SystemMetric,
  type VaultMetric,
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

/** What is measured of one thing that AWS Backup knows. */
type Measures<M extends string> = {
  readonly [N in M as Uncapitalize<N>]?: number | undefined;
};

/** What is measured of what AWS Backup protects. */
export interface RecoveryPointMeasures {
  readonly resources: readonly {
    readonly selection: string;
    readonly resource: string;
    readonly measures: Measures<ResourceMetric>;
  }[];
  readonly selections: Readonly<Record<string, Measures<SelectionMetric>>>;
  /** By their ARNs. */
  readonly vaults: Readonly<Record<string, Measures<VaultMetric>>>;
}

export interface Measured {
  readonly recoveryPoints?: RecoveryPointMeasures | undefined;
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
  { sources = {}, system: whole = {}, recoveryPoints }: Measured,
  at: Date,
): MetricDatum[] {
  return [
    ...(recoveryPoints === undefined ? [] : pointData(system, recoveryPoints, at)),
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

function pointData(
  system: string,
  { resources, selections, vaults }: RecoveryPointMeasures,
  at: Date,
): MetricDatum[] {
  return [
    ...resources.flatMap(({ measures, ...of }) =>
      known(measures).map(([name, value]) =>
        datum(resourceMetric(system, of, name as ResourceMetric), value, at),
      ),
    ),
    ...Object.entries(selections).flatMap(([selection, measures]) =>
      known(measures).map(([name, value]) =>
        datum(selectionMetric(system, selection, name as SelectionMetric), value, at),
      ),
    ),
    ...Object.entries(vaults).flatMap(([vault, measures]) =>
      known(measures).map(([name, value]) =>
        datum(vaultMetric(system, vault, name as VaultMetric), value, at),
      ),
    ),
  ];
}

function known(measures: Readonly<Record<string, number | undefined>>): [string, number][] {
  return Object.entries(measures).flatMap(([name, value]) =>
    value === undefined ? [] : [[`${name[0]?.toUpperCase() ?? ''}${name.slice(1)}`, value]],
  );
}

function datum(metric: NamedMetric<string>, value: number, at: Date): MetricDatum {
  return {
    MetricName: metric.metricName,
    Unit: metric.unit,
    Value: value,
    Timestamp: at,
    Dimensions: Object.entries(metric.dimensions).map(([Name, Value]) => ({ Name, Value })),
  };
}
