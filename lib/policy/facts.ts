// What is measured of a system before anybody judges it: everything that the judgment looks at, and nothing else.
import type { Problem } from '../errors.ts';
import type { CapacitySample } from './capacity.ts';
import type { Objectives } from './objectives.ts';
import type { Dated } from './order.ts';
import type { RecoveryPointFacts } from './recovery-points/facts.ts';
import type { RestoreTestRun } from './restore-tests.ts';
import type { Schedule } from './schedule.ts';
import type { EvidencePiece, Standing } from './standing.ts';

/** A backup, as far as it is judged. */
export interface BackupSeen extends Dated {
  /** The time of the trigger, as in the id. */
  readonly time: Date;
  readonly isScheduled: boolean;
  /** True for a safety backup: it holds what a restore replaced, and is no run of the source. */
  readonly isSafety: boolean;
  /** Whether a trusted key vouches for it. */
  readonly isTrusted: boolean;
  readonly standing: Standing;
  readonly good: boolean;
  readonly why: string;
  readonly evidence: readonly EvidencePiece[];
  /** The ids of the backups of this source that it repairs. */
  readonly repairs: readonly string[];
  /** What was unusual when it was made, in words. */
  readonly anomalies: readonly string[];
  /** Whether something covers one of its objects. */
  readonly isHidden: boolean;
  readonly storedBytes: number;
  readonly entries: number;
  readonly durationMs: number;
}

/** A run that failed, as its record tells it. */
export interface FailedRun {
  /** The id that its backup would have had. */
  readonly id: string;
  readonly begin: Date;
  /** What it failed with: `CODE: detail`. */
  readonly why: string;
}

/** A deployment after which a backup was begun. */
export interface DeploymentSeen {
  /** The id that its backup has, if there is one. */
  readonly id: string;
  readonly begin: Date;
}

/** A run that left artifacts and no manifest. */
export interface UnfinishedRun {
  readonly id: string;
  readonly storedAt: readonly Date[];
}

/** A schedule, and since when runs had it in their configuration; undefined when it is as old as the store, as far as is known. */
export interface SeenSchedule {
  readonly schedule: Schedule;
  readonly since: Date | undefined;
}

export interface ScheduleSeen {
  readonly at: Date;
  /** Undefined when the source had no schedule then. */
  readonly last: SeenSchedule | undefined;
}

/** The backup among those that are kept whose lock ends first; undefined where none is kept, `unseen` where that cannot be read. */
export type SoonestLockEnd = { readonly id: string; readonly at: Date } | 'unseen' | undefined;

export interface SourceFacts {
  readonly source: string;
  /** Undefined when it is not configured. */
  readonly objectives: Objectives | undefined;
  /** Since when it is known to be configured. */
  readonly knownSince: Date | undefined;
  /** What the last run knew of its schedule; undefined where none recorded schedules. */
  readonly scheduleSeen: ScheduleSeen | undefined;
  /** Oldest first, without what was released and only waits to be deleted. */
  readonly backups: readonly BackupSeen[];
  readonly unfinished: readonly UnfinishedRun[];
  /** Those of the last 30 days, oldest first. */
  readonly failed: readonly FailedRun[];
  /** Those of the last 30 days, oldest first. @default - none */
  readonly deployments?: readonly DeploymentSeen[];
  readonly restoreTests: readonly RestoreTestRun[];
  /** What cannot be read or trusted. */
  readonly problems: readonly (Problem & { readonly code: 'untrusted' | 'unreadable' })[];
  /** Backups that the last prune kept and that are gone. */
  readonly missing: readonly Problem[];
  /** The ids of those that the policy keeps and that are marked to be deleted; undefined when that could not be seen. */
  readonly releasedButWanted: readonly string[] | undefined;
  /** When its last prune ended; undefined where there was none. */
  readonly prunedAt: Date | undefined;
  /** The locks of backups that the policy keeps; undefined also where no stack extends locks. */
  readonly soonestLockEnd: SoonestLockEnd;
}

export interface StoreFacts {
  /** Everything, versions that something covers included. */
  readonly storedBytes: number;
  readonly capacityBytes: number | undefined;
  /** What it held before; empty where nobody asked. */
  readonly samples: readonly CapacitySample[];
  /** By how much this clock is ahead of the store's. */
  readonly skewMs: number;
  /** Who is to be told and has not confirmed that; undefined where nobody asked. */
  readonly unconfirmed: readonly string[] | undefined;
  /** For how many days a stack locks what it stores and keeps; undefined where none does. */
  readonly lockDays: number | undefined;
  /** For how many months content that was verified is not verified again. */
  readonly contentMonths: number;
  /** Whether the keys could be used; `unknown`: there was nothing to try them on; `untried`: this look does not try them. */
  readonly keys: 'usable' | 'unusable' | 'unknown' | 'untried';
}

/** Everything that one look at a system finds. */
export interface Facts {
  readonly at: Date;
  readonly sources: readonly SourceFacts[];
  readonly store: StoreFacts;
  /** Undefined where AWS Backup protects nothing, or nobody asked it. */
  readonly recoveryPoints?: RecoveryPointFacts | undefined;
}
