// What AWS Backup protects, as the loaded configuration has it. Deeply readonly.
import type { ResourceKind, VaultName } from '../names/resources.ts';

/** For how many days, ISO weeks, months and years a recovery point is kept. */
export interface RecoveryPointRetention {
  readonly daily: number;
  readonly weekly: number;
  readonly monthly: number;
  readonly yearly: number;
}

/** What a selection should match: what is absent alarms, because AWS Backup says nothing of it. */
export type ExpectedResources =
  { readonly arns: readonly string[] } | { readonly arns: undefined; readonly count: number };

/** What is asked of restored databases of PostgreSQL. */
export interface DatabaseTestConfig {
  /** The name of the database on its server. */
  readonly database: string;
  /** Questions in SQL; at least one. */
  readonly checks: readonly string[];
  /** The class of the instance that is added to a restored cluster which is not serverless. */
  readonly instanceClass: string;
}

/** How restores of a selection are proven. */
export interface RecoveryPointTestConfig {
  /** Undefined when nothing is test-restored. */
  readonly everyDays: number | undefined;
  /** How old the last proven restore test of a resource may become, grace included. */
  readonly maxAgeMs: number | undefined;
  readonly subnetGroup: string | undefined;
  readonly securityGroups: readonly string[];
  /** Undefined where nothing looks into databases. */
  readonly postgres: DatabaseTestConfig | undefined;
}

/** A vault that gets copies. */
export interface CopyConfig extends VaultName {
  readonly arn: string;
}

/** What is protected alike: some resources, by their ARNs or by tags. */
export interface SelectionConfig {
  readonly name: string;
  /** Empty where tags select. */
  readonly resources: readonly string[];
  /** All of them must match. Empty where ARNs select. */
  readonly tags: Readonly<Record<string, string>>;
  readonly expected: ExpectedResources;
  /** In the order of the alphabet. */
  readonly kinds: readonly ResourceKind[];
  /** ARNs of the KMS keys by which the resources are encrypted. */
  readonly keys: readonly string[];
  /** Five cron fields. */
  readonly schedule: string;
  readonly timeZone: string;
  readonly rpoMs: number | undefined;
  readonly rtoMs: number | undefined;
  readonly graceMs: number;
  readonly retention: RecoveryPointRetention;
  /** How far back any moment can be restored; undefined without continuous backup. */
  readonly continuousDays: number | undefined;
  /** When monthly and yearly recovery points move to cold storage; undefined for never. */
  readonly coldAfterDays: number | undefined;
  readonly copies: readonly CopyConfig[];
  readonly restoreTest: RecoveryPointTestConfig;
}

/** How the vault is locked. */
export interface VaultLockConfig {
  readonly mode: 'governance' | 'compliance';
  /** Undefined for the shortest retention that the plans ask for. */
  readonly minDays: number | undefined;
  /** Undefined for the longest retention that the plans ask for. */
  readonly maxDays: number | undefined;
  /** In compliance mode, after how many days the lock is final. */
  readonly graceDays: number;
}

/** What AWS Backup does for a system. */
export interface RecoveryPointsConfig {
  readonly lock: VaultLockConfig;
  /** In the order of the file. */
  readonly selections: readonly SelectionConfig[];
}
