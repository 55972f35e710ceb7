// What is asked of AWS Backup. Pages are followed inside, and states are text, because AWS adds some.
import type { JobMessage, PointSeen } from '../policy/recovery-points/standing.ts';

/** A vault. Days and dates of the lock are undefined where it has none. */
export interface VaultSeen {
  readonly arn: string;
  readonly created: Date | undefined;
  /** The ARN of the key that encrypts it; undefined for one of AWS. */
  readonly key: string | undefined;
  readonly points: number;
  readonly lock:
    | {
        readonly minDays: number | undefined;
        readonly maxDays: number | undefined;
        /** From when on nobody can end it; undefined in governance mode. */
        readonly finalFrom: Date | undefined;
      }
    | undefined;
}

/** Which recovery points are wanted. @default - all */
export interface PointFilter {
  readonly resource?: string | undefined;
  /** Only those made later. */
  readonly since?: Date | undefined;
}

/** A backup job. */
export interface JobSeen extends JobMessage {
  readonly id: string;
  readonly resource: string;
  /** An ARN. */
  readonly vault: string;
  /** The ARN of what it made or makes. */
  readonly point: string | undefined;
  readonly created: Date;
  readonly completed: Date | undefined;
  readonly bytes: number | undefined;
  /** From 0 to 100. */
  readonly percent: number | undefined;
  /** The ARN of the plan that started it; undefined for a job on demand. */
  readonly plan: string | undefined;
}

/** A restore job. */
export interface RestoreJobSeen extends JobMessage {
  readonly id: string;
  /** What was backed up, where AWS says it. */
  readonly resource: string | undefined;
  readonly point: string;
  readonly created: Date;
  readonly completed: Date | undefined;
  readonly percent: number | undefined;
  readonly createdResource: string | undefined;
  /** The ARN of the restore testing plan that started it. */
  readonly testingPlan: string | undefined;
  readonly pointCreated: Date | undefined;
  /** What was said of it by `PutRestoreValidationResult`. */
  readonly validation: string | undefined;
}

/** A copy job. */
export interface CopyJobSeen extends JobMessage {
  readonly id: string;
  readonly resource: string;
  /** The kind of the resource, as AWS Backup calls it. */
  readonly type: string;
  /** The ARN of the recovery point in the vault that gets the copies. */
  readonly copy: string | undefined;
  readonly created: Date;
}

/** A resource that AWS Backup has backed up at some time, by whatever plan. */
export interface ProtectedResourceSeen {
  readonly arn: string;
  /** As AWS Backup calls the kind. */
  readonly type: string;
  readonly lastBackup: Date | undefined;
}

/** What is only looked at. `STORE_DENIED`, `STORE_UNAVAILABLE`, `CANCELLED` where AWS does not answer. */
export interface BackupReader {
  /** Undefined where there is no vault of that name. */
  vault(name: string): Promise<VaultSeen | undefined>;
  points(vault: string, filter?: PointFilter): AsyncIterable<PointSeen>;
  /** By the names that AWS Backup gives to kinds. */
  optIns(): Promise<Readonly<Record<string, boolean>>>;
  /** `STORE_DENIED` where there is no such job, too. */
  backupJob(id: string): Promise<JobSeen>;
  /** `STORE_DENIED` where there is no such job, too. */
  restoreJob(id: string): Promise<RestoreJobSeen>;
  /** Into the vault of that ARN. AWS Backup remembers jobs for 30 days. */
  copyJobs(vaultArn: string, filter?: PointFilter): AsyncIterable<CopyJobSeen>;
  protectedResources(): AsyncIterable<ProtectedResourceSeen>;
}

/** A backup job that somebody asks for. */
export interface BackupOrder {
  /** The name of the vault. */
  readonly vault: string;
  readonly resource: string;
  /** The ARN of the role under which AWS Backup works. */
  readonly role: string;
  /** The same order with the same token is one job. */
  readonly token: string;
  readonly keepDays: number;
  readonly tags: Readonly<Record<string, string>>;
}

/** A restore job into a new resource. */
export interface RestoreOrder {
  readonly point: string;
  readonly role: string;
  /** As AWS Backup calls the kind. */
  readonly type: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** The same order with the same token is one job. */
  readonly token: string;
}

/** What is done. Errors as of {@link BackupReader}; `USAGE` for an order that AWS Backup refuses, with its reason. */
export interface BackupActor {
  /** The id of the job. */
  startBackup(order: BackupOrder): Promise<string>;
  /** The id of the job. */
  startRestore(order: RestoreOrder): Promise<string>;
  /** What AWS recorded of how a recovery point can be restored. */
  metadata(vault: string, point: string): Promise<Readonly<Record<string, string>>>;
  /** Says what a test of a restore job came to. */
  report(restoreJob: string, status: 'SUCCESSFUL' | 'FAILED', message: string): Promise<void>;
}
