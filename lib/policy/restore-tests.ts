// Whether a source's restores are proven often enough and are fast enough for its objective.
import { CLOCK_TOLERANCE_MS, durationText } from './durations.ts';
import type { Verdict } from './standing.ts';

/** One restore test of a source, as its record tells it. */
export interface RestoreTestRun {
  readonly backupId: string;
  readonly end: Date;
  /** How long the restore itself took, without the comparison after it. */
  readonly restoreDurationMs: number;
  readonly verdict: Verdict;
}

export interface RestoreObjective {
  readonly rtoMs: number | undefined;
  /** How old the last proven restore test may become; undefined when none is asked for. */
  readonly maxAgeMs: number | undefined;
  /** Since when the source is configured, where that is known: until its first test is due, a missing one is not overdue. */
  readonly configuredAt: Date | undefined;
}

export interface RestoreTestStatus {
  /** How the last proven restore test compares with the objective; `unmeasured` when none was proven. */
  readonly rto: 'met' | 'missed' | 'unmeasured' | 'none';
  readonly lastProven: RestoreTestRun | undefined;
  readonly lastProvenAgeMs: number | undefined;
  /** The last proven ones, the newest first: how long restores took over time. */
  readonly recent: readonly RestoreTestRun[];
  /** The last one with any verdict. */
  readonly last: RestoreTestRun | undefined;
  /** True when no restore test was proven within the time allowed. */
  readonly overdue: boolean;
  /** True when it is overdue, the last test found damage, or restores take longer than the objective. */
  readonly alarm: boolean;
  readonly detail: string;
}

const RECENT = 5;

/** How a source stands with its restore tests at `now`. Runs may come in any order; those from the future are left out. */
export function restoreTestStatus(
  runs: readonly RestoreTestRun[],
  objective: RestoreObjective,
  now: Date,
): RestoreTestStatus {
  const known = runs
    .filter(({ end }) => end.getTime() <= now.getTime() + CLOCK_TOLERANCE_MS)
    .toSorted((a, b) => b.end.getTime() - a.end.getTime() || (a.backupId < b.backupId ? 1 : -1));
  const lastProven = known.find(({ verdict }) => verdict === 'proven');
  const last = known[0];
  const rto = rtoVerdict(lastProven, objective.rtoMs);
  const since = lastProven?.end ?? objective.configuredAt;
  const overdue = isOverdue(since, objective.maxAgeMs, now);
  return {
    rto,
    lastProven,
    lastProvenAgeMs: lastProven && Math.max(0, now.getTime() - lastProven.end.getTime()),
    recent: known.filter(({ verdict }) => verdict === 'proven').slice(0, RECENT),
    last,
    overdue,
    alarm: overdue || rto === 'missed' || last?.verdict === 'damaged',
    detail: detailOf(lastProven, last, now),
  };
}

function rtoVerdict(
  proven: RestoreTestRun | undefined,
  rtoMs: number | undefined,
): RestoreTestStatus['rto'] {
  if (rtoMs === undefined) return 'none';
  if (proven === undefined) return 'unmeasured';
  return proven.restoreDurationMs <= rtoMs ? 'met' : 'missed';
}

function isOverdue(since: Date | undefined, maxAgeMs: number | undefined, now: Date): boolean {
  if (maxAgeMs === undefined) return false;
  return since === undefined || now.getTime() - since.getTime() > maxAgeMs;
}

function detailOf(
  proven: RestoreTestRun | undefined,
  last: RestoreTestRun | undefined,
  now: Date,
): string {
  const verdict = last === undefined || last === proven ? '' : `; the last one was ${last.verdict}`;
  if (proven === undefined) return `no restore test was ever proven${verdict}`;
  const age = durationText(Math.max(0, now.getTime() - proven.end.getTime()));
  return `restored in ${durationText(proven.restoreDurationMs)}, proven ${age} ago${verdict}`;
}
