// What is promised of resources that AWS Backup protects, and what one look at it finds.
import { lateAfterMs, limitsOf, wholeSeconds, type Objectives } from '../objectives.ts';
import type { Limit } from '../conditions/row.ts';
import type { RestoreTestRun } from '../restore-tests.ts';
import type { Schedule } from '../schedule.ts';
import type { PointSeen } from './standing.ts';

/** Stands for the resources of a selection of which only a number is expected. */
export const ANY_RESOURCE = '*';

/** What should have recovery points: named, or so many that were backed up by this selection. */
export type Expected =
  { readonly arns: readonly string[] } | { readonly arns: undefined; readonly count: number };

/** What is promised of a selection. */
export interface SelectionPromise extends Objectives {
  readonly selection: string;
  readonly schedule: Schedule;
  readonly expected: Expected;
  /** Whether any moment can be restored. */
  readonly isContinuous: boolean;
  readonly hasCopies: boolean;
}

/** What a vault holds; or why that could not be seen. */
export type Seen = readonly PointSeen[] | { readonly unseen: string };

/** A restore test of a resource, as its record tells it. */
export interface PointTestRun extends RestoreTestRun {
  readonly resource: string;
  /** The recovery point that was restored. */
  readonly point: string;
}

/** A backup job that made no recovery point. */
export interface FailedJob {
  readonly resource: string;
  /** When it began. */
  readonly at: Date;
  /** Its id, and what AWS Backup says. */
  readonly detail: string;
}

export interface SelectionFacts {
  readonly promise: SelectionPromise;
  /** Since when it is known to be configured: nothing was due before. */
  readonly knownSince: Date;
  /** Those of this selection in the vault, in any order. */
  readonly points: Seen;
  /** The jobs that failed, as far as their records tell; in any order. */
  readonly failedJobs: readonly FailedJob[];
  /** What of this selection is in each vault that gets copies. */
  readonly copies: readonly { readonly vault: string; readonly points: Seen }[];
  /** In any order. */
  readonly tests: readonly PointTestRun[];
}

export interface VaultFacts {
  /** An ARN. */
  readonly vault: string;
  /** The sum of what AWS Backup says of the sizes of its recovery points. */
  readonly bytes: number;
}

export interface RecoveryPointFacts {
  readonly selections: readonly SelectionFacts[];
  /** Those whose contents could be seen. */
  readonly vaults: readonly VaultFacts[];
}

/** Whatever alarms can be about in a selection: each ARN that is expected, or all of them as one. */
export function resourcesOf(expected: Expected): readonly string[] {
  return expected.arns ?? [ANY_RESOURCE];
}

/** The thresholds that the table of conditions names; undefined where nothing is promised. */
export function pointLimits(
  promise: SelectionPromise,
  now: Date,
): Readonly<Partial<Record<Limit, number | undefined>>> {
  return {
    ...limitsOf(promise, now),
    copyLateAfterSeconds: promise.hasCopies ? wholeSeconds(lateAfterMs(promise, now)) : undefined,
  };
}
