// Every metric that functions publish and that alarms and the dashboard look at: one closed list for both, with the unit of each and
// a sentence part that completes "this is …", for documents. Pure.
import { METRICS } from './aws.ts';

/** As CloudWatch calls them. */
export type MetricUnit = 'Seconds' | 'Bytes' | 'Count' | 'Percent';

/**
 * With the dimensions `System` and `Source`. `freshness` publishes all of them on each run, computed from the store, so that a missing
 * value means that nobody looked. What another function finds it also publishes at once, with the same meaning.
 */
export const SOURCE_METRICS = {
  RecoveryPointAgeSeconds: {
    unit: 'Seconds',
    about:
      'the age of the newest good backup; of a source never backed up, the time since it is known to be configured',
  },
  ProofAgeSeconds: {
    unit: 'Seconds',
    about: 'the time since a backup was last proven, at any level',
  },
  RestoreTestAgeSeconds: {
    unit: 'Seconds',
    about: 'the time since the last proven restore test',
  },
  RestoreSeconds: { unit: 'Seconds', about: 'how long the last proven restore test took' },
  BackupBytes: { unit: 'Bytes', about: 'the stored size of the newest good backup' },
  BackupSeconds: { unit: 'Seconds', about: 'how long the newest good backup took' },
  LateBackups: {
    unit: 'Count',
    about: '1 when the newest good backup is older than its schedule and grace allow, else 0',
  },
  NothingGood: {
    unit: 'Count',
    about: '1 when there should be a good backup and there is none, else 0',
  },
  PartialBackups: {
    unit: 'Count',
    about: '1 when the newest backup lacks something that is not tolerated, else 0',
  },
  UnprovenBackups: {
    unit: 'Count',
    about: 'backups that nobody has proven within an hour after they were made',
  },
  DamagedBackups: { unit: 'Count', about: 'backups that are known to be damaged or incomplete' },
  FailedRuns: { unit: 'Count', about: 'runs that failed since the newest good backup' },
  MissedRuns: {
    unit: 'Count',
    about: '1 when a scheduled run has not come although its grace has passed, else 0',
  },
  Anomalies: {
    unit: 'Count',
    about: 'what is unusual about size or number of files or rows of the newest backup',
  },
} as const;
export type SourceMetric = keyof typeof SOURCE_METRICS;

/**
 * With the dimensions `System`, `Source` (the selection) and `Resource` (its ARN, or `*` where a number of resources is expected);
 * published by `freshness` on each run, from what AWS Backup says and from the evidence in the store.
 */
export const RESOURCE_METRICS = {
  RecoveryPointAgeSeconds: {
    unit: 'Seconds',
    about:
      'the age of the newest recovery point that counts; without one, the time since the resource is known to be configured',
  },
  LateRecoveryPoints: {
    unit: 'Count',
    about: '1 when the newest recovery point is older than its schedule and grace allow, else 0',
  },
  CopyAgeSeconds: {
    unit: 'Seconds',
    about: 'the time since the newest copy was made, in the vault where that is longest',
  },
  LateCopies: {
    unit: 'Count',
    about: 'vaults whose newest copy is older than the schedule and grace allow',
  },
  BadRecoveryPoints: {
    unit: 'Count',
    about: 'recovery points newer than the last good one that do not count',
  },
  RestoreTestAgeSeconds: {
    unit: 'Seconds',
    about: 'the time since the last proven restore test of the resource',
  },
  RestoreSeconds: {
    unit: 'Seconds',
    about: 'how long AWS Backup took to restore it in the last proven test',
  },
  DamagedRecoveryPoints: {
    unit: 'Count',
    about: '1 when the last restore test that came to a verdict found damage, else 0',
  },
} as const;
export type ResourceMetric = keyof typeof RESOURCE_METRICS;

/** With the dimensions `System` and `Source`, which is a selection; published like those of resources. */
export const SELECTION_METRICS = {
  MissingResources: {
    unit: 'Count',
    about: 'expected resources without any recovery point that counts',
  },
} as const;
export type SelectionMetric = keyof typeof SELECTION_METRICS;

/** With the dimensions `System` and `Vault` (an ARN); published like those of resources. */
export const VAULT_METRICS = {
  VaultBytes: {
    unit: 'Bytes',
    about: 'the sum of the sizes that AWS Backup gives to the recovery points of the vault',
  },
} as const;
export type VaultMetric = keyof typeof VAULT_METRICS;

/** With the dimension `System` alone; published by `freshness` on each run. */
export const SYSTEM_METRICS = {
  HiddenManifests: {
    unit: 'Count',
    about: 'manifests that a delete marker or a later version covers',
  },
  ReleasedButWanted: {
    unit: 'Count',
    about: 'backups that carry the tag of released ones although the policy keeps them',
  },
  UntrustedBackups: { unit: 'Count', about: 'backups and records without a signature that counts' },
  FutureBackups: { unit: 'Count', about: 'backups whose time has not come yet' },
  UnconfiguredProblems: {
    unit: 'Count',
    about: 'what is wrong with sources that are in the store and not in the configuration',
  },
  PruneAgeSeconds: {
    unit: 'Seconds',
    about:
      'the time since the last prune, of the source whose last one was the longest ago; of a source never pruned, since its oldest backup was stored',
  },
  LockSecondsLeft: {
    unit: 'Seconds',
    about: 'how long the shortest lock of what is kept lasts; less than 0 when it has ended',
  },
  ContentAgeSeconds: {
    unit: 'Seconds',
    about:
      'the time since the content of a backup was last verified, of the one that waits longest',
  },
  StoredBytes: {
    unit: 'Bytes',
    about: 'what the store holds, versions that are no longer current included',
  },
  /** Published only when the configuration says a capacity. */
  CapacityUsedPercent: {
    unit: 'Percent',
    about: 'how much of the configured capacity is used',
  },
  UnconfirmedSubscriptions: {
    unit: 'Count',
    about: 'addresses that the configuration names and that have not confirmed their subscription',
  },
  /** 1 or 0, so that its minimum tells. */
  KeyUsable: {
    unit: 'Count',
    about:
      '1 when an object of the store could be decrypted, or a first look found no object; else 0',
  },
} as const;
export type SystemMetric = keyof typeof SYSTEM_METRICS;

/** A metric as CloudWatch knows it. */
export interface NamedMetric<Name extends string> {
  readonly namespace: string;
  readonly metricName: Name;
  readonly unit: MetricUnit;
  readonly dimensions: {
    readonly System: string;
    readonly Source?: string;
    readonly Resource?: string;
    readonly Vault?: string;
  };
}

/** Namespace, name and dimensions of a metric of one source. */
export function sourceMetric(
  system: string,
  source: string,
  metric: SourceMetric,
): NamedMetric<SourceMetric> {
  return {
    namespace: METRICS,
    metricName: metric,
    unit: SOURCE_METRICS[metric].unit,
    dimensions: { System: system, Source: source },
  };
}

/** Namespace, name and dimensions of a metric of the whole store. */
export function systemMetric(system: string, metric: SystemMetric): NamedMetric<SystemMetric> {
  return {
    namespace: METRICS,
    metricName: metric,
    unit: SYSTEM_METRICS[metric].unit,
    dimensions: { System: system },
  };
}

/** Namespace, name and dimensions of a metric of one resource that AWS Backup protects. */
export function resourceMetric(
  system: string,
  { selection, resource }: { readonly selection: string; readonly resource: string },
  metric: ResourceMetric,
): NamedMetric<ResourceMetric> {
  return {
    namespace: METRICS,
    metricName: metric,
    unit: RESOURCE_METRICS[metric].unit,
    dimensions: { System: system, Source: selection, Resource: resource },
  };
}

/** Namespace, name and dimensions of a metric of a selection. */
export function selectionMetric(
  system: string,
  selection: string,
  metric: SelectionMetric,
): NamedMetric<SelectionMetric> {
  return {
    namespace: METRICS,
    metricName: metric,
    unit: SELECTION_METRICS[metric].unit,
    dimensions: { System: system, Source: selection },
  };
}

/** Namespace, name and dimensions of a metric of a vault. */
export function vaultMetric(
  system: string,
  vault: string,
  metric: VaultMetric,
): NamedMetric<VaultMetric> {
  return {
    namespace: METRICS,
    metricName: metric,
    unit: VAULT_METRICS[metric].unit,
    dimensions: { System: system, Vault: vault },
  };
}
