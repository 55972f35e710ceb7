// The loaded configuration: every default filled in, every path absolute, every number with its unit. Deeply readonly.
import type { SecretReference } from './places.ts';

/** Which good backups are kept. */
export interface RetentionConfig {
  readonly daily: number;
  readonly weekly: number;
  readonly monthly: number;
  readonly yearly: number;
  readonly last: number;
  readonly withinMs: number;
  readonly timeZone: string;
}

/** A key whose signatures count for what lies under `prefixes`. */
export interface TrustedKeyConfig {
  readonly name: string;
  /** SPKI DER in base64 on one line. */
  readonly publicKey: string;
  readonly prefixes: readonly string[];
}

/** How often backups of a source are test-restored. */
export type RestoreTestInterval = 'backup' | 'day' | 'week' | 'month' | 'quarter' | 'never';

/** When restores of a source are proven. */
export interface RestoreTestConfig {
  readonly every: RestoreTestInterval;
  /** How old the last proven restore test may become, grace included; undefined when no time follows from the configuration. */
  readonly maxAgeMs: number | undefined;
}

/** How an archive is encoded: gzip at two levels, zstd, or stored as it is. */
export type Compression = 'default' | 'small' | 'zstd' | 'none';

/** A folder of files that is protected. */
export interface FilesSourceConfig {
  readonly name: string;
  readonly kind: 'files';
  /** Absolute. */
  readonly path: string;
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  readonly gitignore: boolean;
  readonly secrets: 'exclude' | 'include';
  readonly oneFileSystem: boolean;
  readonly tolerate: readonly string[];
  readonly allowEmpty: boolean;
  readonly times: 'recorded' | 'content';
  readonly compression: Compression;
  /** Five cron fields; undefined when the source is backed up only on request. */
  readonly schedule: string | undefined;
  readonly timeZone: string;
  readonly rpoMs: number | undefined;
  readonly rtoMs: number | undefined;
  readonly graceMs: number;
  readonly restoreTest: RestoreTestConfig;
  readonly afterRestore: readonly string[];
  /** The policy of the system with what this source overrides. */
  readonly retention: RetentionConfig;
}

/** A protected thing of any kind. */
export type SourceConfig = FilesSourceConfig;

/** What one `holdfast.yaml` says. */
export interface Config {
  /** Absolute path of the file that was loaded. */
  readonly file: string;
  readonly version: 1;
  readonly system: string;
  /** Absolute path of the store's folder. */
  readonly store: string;
  /** What decided where the store is. */
  readonly storeFrom: 'flag' | 'variable' | 'file';
  readonly capacityBytes: number | undefined;
  readonly signingKey: SecretReference | undefined;
  readonly trust: readonly TrustedKeyConfig[];
  /** In the order of the file. */
  readonly sources: readonly SourceConfig[];
  readonly retention: RetentionConfig;
  readonly pruneAfterBackup: boolean;
}
