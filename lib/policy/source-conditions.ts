// What stands in the way of a source being fine: every condition that holds, as a sentence.
import { findFlood } from './anomaly.ts';
import type { ConditionCode } from './conditions/table.ts';
import { DAY_MS, HOUR_MS } from '../durations.ts';
import { CLOCK_TOLERANCE_MS, durationText, timeText } from './durations.ts';
import type { BackupSeen, FailedRun, SourceFacts } from './facts.ts';
import type { Freshness } from './freshness.ts';
import { effectiveTime } from './order.ts';
import type { RestoreTestStatus } from './restore-tests.ts';

/** A condition that holds, before it is decided what is said of it. */
export interface Raised {
  readonly code: ConditionCode;
  readonly detail: string;
  /** How many things it is about. */
  readonly count: number;
  /** When it began, where that is known. */
  readonly since?: Date | undefined;
}

export interface SourceSeen {
  readonly facts: SourceFacts;
  readonly freshness: Freshness;
  /** True while no run has known the schedule that is configured now. */
  readonly isScheduleNew: boolean;
  readonly restoreTest: RestoreTestStatus;
  readonly at: Date;
}

/** An unfinished run is left alone for as long as it may still be under way. */
const UNDER_WAY_MS = DAY_MS;
/** As long as a new backup may wait for its proof. */
const PROVEN_WITHIN_MS = HOUR_MS;

/** Every condition of the source that holds, in the order of the messages to people. */
export function conditionsOf(seen: SourceSeen): Raised[] {
  return [
    ...freshnessConditions(seen),
    ...failureConditions(seen),
    ...deploymentConditions(seen),
    ...damage(seen),
    ...distrust(seen),
    ...interference(seen),
    ...restoreConditions(seen),
    ...newestConditions(seen),
    ...remarks(seen),
  ];
}

/** The backups that show how a source is doing: without what restores have replaced, and without those from the future. */
export function runsSeen({ backups }: Pick<SourceFacts, 'backups'>, at: Date): BackupSeen[] {
  return backups.filter(({ time, isSafety }) => !isSafety && !isFuture(time, at));
}

/** The failures that no good backup has made up for, neither a later one nor one of the same trigger. */
export function failuresLeft({ failed, backups }: SourceFacts): FailedRun[] {
  const good = backups.filter((one) => one.good);
  const newest = good.at(-1);
  const made = new Set(good.map(({ id }) => id));
  return failed.filter(
    ({ id, begin }) => !made.has(id) && (newest === undefined || begin > effectiveTime(newest)),
  );
}

function raised(code: ConditionCode, detail: string, count = 1): Raised {
  return { code, detail, count };
}

function freshnessConditions(seen: SourceSeen): Raised[] {
  const { freshness, at } = seen;
  const { state, ageMs, dueSince, missed, tooOld, rpo } = freshness;
  const age = ageMs === undefined ? 'an unknown time' : durationText(ageMs);
  const found = state === 'never' ? [withoutGood(seen)] : [];
  const missing = missedText(freshness);
  if (tooOld) {
    const rest = missed ? `; ${missing}` : '';
    found.push({
      ...raised('late', `the newest good backup is ${age} old${rest}`),
      since: dueSince,
    });
  }
  if (missed) found.push({ ...raised('missed', missing), since: dueSince });
  if (state === 'due' && dueSince !== undefined) {
    const sinceMs = at.getTime() - dueSince.getTime();
    found.push(raised('due', `the scheduled run has been due for ${durationText(sinceMs)}`));
  }
  if (rpo === 'missed') {
    found.push(raised('rpo', `the newest good backup is ${age} old, more than its objective`));
  }
  return found;
}

/** A user who started backups by hand, or by cron without saying so, must be able to see why that does not count. */
function missedText({ dueSince }: Freshness): string {
  const due = dueSince === undefined ? '' : timeText(dueSince);
  return `the scheduled run of ${due} is missing: nothing was backed up with the trigger "schedule" since, and a backup made by hand does not show that the schedule is alive`;
}

function withoutGood({ facts, freshness, at }: SourceSeen): Raised {
  const newest = runsSeen(facts, at).at(-1);
  if (newest !== undefined) {
    const { id, standing, why } = newest;
    return raised('never', `no backup is good; the newest, ${id}, is ${standing}: ${why}`);
  }
  if (facts.objectives === undefined) {
    return raised('none', 'the store holds records of it, and no backup');
  }
  const { missed, tooOld, nextDueAt } = freshness;
  if (missed || tooOld) return raised('never', 'it was never backed up');
  if (nextDueAt === undefined) return raised('none', 'it was never backed up, and has no schedule');
  return raised('awaited', `it was never backed up; its next run is due at ${timeText(nextDueAt)}`);
}

function failureConditions({ facts }: SourceSeen): Raised[] {
  const failures = failuresLeft(facts);
  const last = failures.at(-1);
  if (last === undefined) return [];
  const since = facts.backups.some(({ good }) => good) ? ' since the newest good backup' : '';
  const { begin, why } = last;
  const text =
    failures.length === 1
      ? `the run of ${timeText(begin)} failed, and none succeeded${since === '' ? '' : ' since'}: ${why}`
      : `${failures.length} runs failed${since}; the last one, of ${timeText(begin)}: ${why}`;
  return [{ ...raised('failed', text, failures.length), since: failures[0]?.begin }];
}

/** A run that failed says so itself; one that died, or whose backup nobody proves, is noticed by this. */
function deploymentConditions({ facts, at }: SourceSeen): Raised[] {
  const { backups, failed, objectives, deployments = [] } = facts;
  const good = backups.filter((one) => one.good);
  const left = deployments.filter(
    ({ id, begin }) =>
      at.getTime() - begin.getTime() > (objectives?.graceMs ?? 0) &&
      !failed.some((one) => one.id === id) &&
      !good.some((one) => one.id === id || effectiveTime(one) >= begin),
  );
  const [first] = left;
  if (first === undefined || objectives === undefined) return [];
  const since = first.begin;
  const text =
    left.length === 1
      ? `the deployment of ${timeText(since)} has left no good backup`
      : `${left.length} deployments have left no good backup, the first at ${timeText(since)}`;
  return [{ ...raised('deployment', text, left.length), since }];
}

function damage({ facts: { backups, missing } }: SourceSeen): Raised[] {
  const damaged = backups
    .filter(({ standing }) => standing === 'damaged')
    .map(({ id, why }) => {
      const repair = backups.find((one) => one.good && one.repairs.includes(id));
      return repair === undefined
        ? raised('damaged', `${id}: ${why}`)
        : raised('repaired', `${id} is damaged; ${repair.id} repairs it`);
    });
  return [
    ...damaged,
    ...missing.map(({ path, detail }) => raised('missing', `${path}: ${detail}`)),
  ];
}

function distrust({ facts, freshness, at }: SourceSeen): Raised[] {
  const future = facts.backups
    .filter(({ time, isTrusted }) => isTrusted && isFuture(time, at))
    .map(({ id }) => id);
  return [
    ...facts.problems.map(({ path, code, detail }) => raised(code, `${path}: ${detail}`)),
    ...new Set([...freshness.ignoredIds, ...future])
      .values()
      .map((id) => raised('future', `${id} is from the future, and takes no part`)),
  ];
}

/** What somebody did to objects that are there. */
function interference({ facts }: SourceSeen): Raised[] {
  const hidden = facts.backups.filter(({ isHidden }) => isHidden).map(({ id }) => id);
  const { releasedButWanted: released } = facts;
  return [
    ...hidden.map((id) =>
      raised(
        'hidden',
        `${id} is hidden in the store: a delete marker or a later version covers it`,
      ),
    ),
    ...(released ?? []).map((id) =>
      raised('released', `${id} is marked to be deleted, and the policy keeps it`),
    ),
    ...(released === undefined
      ? [
          raised(
            'releases-unseen',
            'whether the store is about to delete what the policy keeps could not be seen: its tags cannot be read',
          ),
        ]
      : []),
  ];
}

function restoreConditions({ facts, restoreTest }: SourceSeen): Raised[] {
  const { overdue, rto, last, detail } = restoreTest;
  const found: Raised[] = [];
  if (last?.verdict === 'damaged' && !isDamagedNow(facts, last.backupId)) {
    found.push(raised('restore-damaged', `${last.backupId}: ${detail}`));
  }
  if (overdue) found.push(raised('restore-test', `a restore test is overdue: ${detail}`));
  if (rto === 'missed') {
    found.push(raised('rto', `restores take longer than their objective: ${detail}`));
  }
  return found;
}

/** What the test found is said of the backup itself, for as long as that is there and not repaired. */
function isDamagedNow({ backups }: SourceFacts, id: string): boolean {
  return (
    backups.some((one) => one.id === id && one.standing === 'damaged') &&
    !backups.some((one) => one.good && one.repairs.includes(id))
  );
}

function newestConditions({ facts, at }: SourceSeen): Raised[] {
  const runs = runsSeen(facts, at);
  const newest = runs.at(-1);
  if (newest === undefined) return [];
  const { id, standing, why, anomalies } = newest;
  const waits = ({ storedAt }: BackupSeen) => at.getTime() - storedAt.getTime();
  const unproven = runs.filter((one) => one.standing === 'unproven');
  return [
    ...(standing === 'partial'
      ? [raised('partial', `the newest backup, ${id}, is partial: ${why}`)]
      : []),
    ...unproven
      .filter((one) => waits(one) > PROVEN_WITHIN_MS)
      .map((one) =>
        raised(
          'unproven',
          `${one === newest ? 'the newest backup, ' : ''}${one.id}${one === newest ? ',' : ''} is unproven: ${one.why}`,
        ),
      ),
    ...(standing === 'unproven' && waits(newest) <= PROVEN_WITHIN_MS
      ? [raised('proof-due', `the newest backup, ${id}, is unproven: ${why}`)]
      : []),
    ...anomalies.map((text) => raised('anomaly', `${id}: ${text}`)),
  ];
}

function remarks({ facts, freshness, isScheduleNew, at }: SourceSeen): Raised[] {
  const { backups, unfinished, objectives } = facts;
  const found: Raised[] = [];
  if (isScheduleNew && !freshness.missed && !freshness.tooOld) {
    found.push(
      raised(
        'new-schedule',
        'no run has seen its schedule yet: missing runs are judged from the next backup on',
      ),
    );
  }
  if (objectives === undefined && backups.length > 0) {
    found.push(raised('not-configured', 'it is in the store, and not in the configuration'));
  }
  const broken = unfinished.filter(({ storedAt }) =>
    storedAt.every((time) => at.getTime() - time.getTime() > UNDER_WAY_MS),
  );
  if (broken.length > 0) {
    found.push(raised('unfinished', `${broken.map(({ id }) => id).join(', ')}: broken off`));
  }
  const flood = findFlood(backups.map(({ storedAt }) => storedAt));
  if (flood !== undefined) {
    found.push(raised('flood', `${flood.detail}, from ${timeText(flood.begin)} on`));
  }
  return found;
}

function isFuture(time: Date, at: Date): boolean {
  return time.getTime() > at.getTime() + CLOCK_TOLERANCE_MS;
}
