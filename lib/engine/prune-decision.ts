// What a prune of one source does: the policy applied to what is there, apart from what was released before and is not gone yet.
import { DAY_MS } from '../durations.ts';
import { applyRetention, type RetentionResult } from '../policy/retention.ts';
import type { RetentionPolicy } from '../policy/retention-policy.ts';
import type { SurveyedBackup } from './catalog/survey.ts';

export interface PruneDecision extends RetentionResult<SurveyedBackup> {
  /** Released before, wanted by nothing now, and listed still. They count for nothing, and are released again. */
  readonly goneBefore: readonly SurveyedBackup[];
  /** Among `keep`: released before, and wanted again because others failed. The store may be about to delete them. */
  readonly wantedAgain: readonly SurveyedBackup[];
}

export interface DecisionInput {
  readonly backups: readonly SurveyedBackup[];
  /** The ids of those that an earlier prune released. */
  readonly released: ReadonlySet<string>;
  readonly policy: RetentionPolicy;
  readonly intervalMs: number | undefined;
  /** The id of the backup that the run has made, if any. */
  readonly justMade?: string | undefined;
  readonly now: Date;
}

/** Applies the policy. What waits to be deleted neither serves a rule while others can, nor counts for how much may go. */
export function decide({
  backups,
  released,
  policy,
  intervalMs,
  justMade,
  now,
}: DecisionInput): PruneDecision {
  const options = { intervalMs, justMade };
  const all = applyRetention(backups, policy, now, options);
  const wantedAgain = all.keep
    .filter(({ backup, reasons }) => {
      const wanted = reasons.some(({ rule }) => rule !== 'held' && rule !== 'deferred');
      return wanted && released.has(backup.id);
    })
    .map(({ backup }) => backup);
  const again = new Set(wantedAgain.map(({ id }) => id));
  const isGone = ({ id }: SurveyedBackup) => released.has(id) && !again.has(id);
  const present = backups.filter((backup) => !isGone(backup));
  const decided =
    present.length === backups.length ? all : applyRetention(present, policy, now, options);
  return { ...decided, goneBefore: backups.filter(isGone), wantedAgain };
}

/**
 * The time until which what is kept must not be deleted: at least so many days ahead. It is the same for all runs of a day, for none
 * may shorten the lock of another, and a second run finds it there.
 */
export function protectedUntil(now: Date, lockDays: number): Date {
  return new Date(Math.ceil(now.getTime() / DAY_MS + lockDays) * DAY_MS);
}
