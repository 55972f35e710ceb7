// What stands in the way of a source being fine, as sentences: what is alarming, and what is only worth a look.
import type { Problem } from '../errors.ts';
import { findFlood } from '../policy/anomaly.ts';
import { CLOCK_TOLERANCE_MS, DAY_MS, durationText } from '../policy/durations.ts';
import type { Freshness } from '../policy/freshness.ts';
import type { FailedRun } from './keeping-time.ts';
import type { RestoreTestStatus } from '../policy/restore-tests.ts';
import { runsUntil, type Survey, type SurveyedBackup } from './survey.ts';

/** `alarm`: somebody has to act, and `status` ends with 4; `watch`: worth a look by day. */
export type Severity = 'watch' | 'alarm';

export interface Finding {
  readonly severity: Severity;
  /** A stable word: `never`, `late`, `damaged`, `missing`, `untrusted`, … */
  readonly code: string;
  readonly detail: string;
}

/** Whether all cannot be called well: an alarm, or a scheduled source that was never backed up, however new it is. */
export function isUnwell({ severity, code }: Finding): boolean {
  return severity === 'alarm' || code === 'never';
}

/** The gravest severity among findings. */
export function gravestOf(findings: readonly Finding[]): 'fine' | Severity {
  if (findings.some(({ severity }) => severity === 'alarm')) return 'alarm';
  return findings.length > 0 ? 'watch' : 'fine';
}

export interface FindingsInput {
  readonly survey: Survey;
  readonly freshness: Freshness;
  /** True while no run has known the schedule that is configured now. */
  readonly isScheduleNew: boolean;
  /** Those that no good backup has made up for, oldest first. */
  readonly failures: readonly FailedRun[];
  readonly restoreTest: RestoreTestStatus;
  /** Backups that the last prune kept and that are gone. */
  readonly missing: readonly Problem[];
  readonly isConfigured: boolean;
  readonly at: Date;
}

/** An unfinished run is left alone for as long as it may still be under way. */
const UNDER_WAY_MS = DAY_MS;

/** Everything that is wrong or odd about a source, alarms first. */
export function findingsOf(input: FindingsInput): Finding[] {
  const findings = [
    ...freshnessFindings(input),
    ...failureFindings(input),
    ...damage(input),
    ...distrust(input),
    ...restoreFindings(input.restoreTest),
    ...newestFindings(input),
    ...remarks(input),
  ];
  const alarms = findings.filter(({ severity }) => severity === 'alarm');
  return [...alarms, ...findings.filter(({ severity }) => severity !== 'alarm')];
}

function alarm(code: string, detail: string): Finding {
  return { severity: 'alarm', code, detail };
}

function watch(code: string, detail: string): Finding {
  return { severity: 'watch', code, detail };
}

function freshnessFindings(input: FindingsInput): Finding[] {
  const { freshness, at } = input;
  const { state, ageMs, dueSince, missed, tooOld, rpo } = freshness;
  const age = ageMs === undefined ? 'an unknown time' : durationText(ageMs);
  if (state === 'never') return [neverGood(input)];
  const findings: Finding[] = [];
  const missing = missed ? missedText(freshness) : '';
  if (tooOld) {
    const rest = missing === '' ? '' : `; ${missing}`;
    findings.push(alarm('late', `the newest good backup is ${age} old${rest}`));
  } else if (missed) findings.push(alarm('missed', missing));
  if (state === 'due' && dueSince !== undefined) {
    const sinceMs = at.getTime() - dueSince.getTime();
    findings.push(watch('due', `the scheduled run has been due for ${durationText(sinceMs)}`));
  }
  if (rpo === 'missed' && state !== 'late') {
    findings.push(watch('rpo', `the newest good backup is ${age} old, more than its objective`));
  }
  return findings;
}

/** Whoever started backups by hand, or by cron without saying so, must be able to see why that does not count. */
function missedText({ dueSince }: Freshness): string {
  const due = dueSince?.toISOString() ?? '';
  return `the scheduled run of ${due} is missing: nothing was backed up with the trigger "schedule" since, and a backup made by hand does not show that the schedule is alive`;
}

function failureFindings({ failures, survey }: FindingsInput): Finding[] {
  const last = failures.at(-1);
  if (last === undefined) return [];
  const since = survey.backups.some(({ good }) => good) ? ' since the newest good backup' : '';
  const { begin, why } = last;
  const text =
    failures.length === 1
      ? `the run of ${begin.toISOString()} failed, and none succeeded${since === '' ? '' : ' since'}: ${why}`
      : `${failures.length} runs failed${since}; the last one, of ${begin.toISOString()}: ${why}`;
  return [alarm('failed', text)];
}

function neverGood({ survey, freshness, isConfigured, at }: FindingsInput): Finding {
  const newest = runsUntil(survey.backups, at).at(-1);
  if (newest !== undefined) {
    const { id, standing, why } = newest;
    return alarm('never', `no backup is good; the newest, ${id}, is ${standing}: ${why}`);
  }
  if (!isConfigured) return watch('none', 'the store holds records of it, and no backup');
  const { missed, tooOld, nextDueAt } = freshness;
  if (missed || tooOld) return alarm('never', 'it was never backed up');
  if (nextDueAt === undefined) return watch('none', 'it was never backed up, and has no schedule');
  return watch(
    'never',
    `it was never backed up; its next run is due at ${nextDueAt.toISOString()}`,
  );
}

function damage({ survey, missing }: FindingsInput): Finding[] {
  const damaged = survey.backups
    .filter(({ standing }) => standing === 'damaged')
    .map((backup) => {
      const repair = survey.backups.find((one) => one.good && repairs(one, backup));
      const { id, why } = backup;
      if (repair !== undefined)
        return watch('damaged', `${id} is damaged; ${repair.id} repairs it`);
      return alarm('damaged', `${id}: ${why}`);
    });
  return [...damaged, ...missing.map(({ path, detail }) => alarm('missing', `${path}: ${detail}`))];
}

function repairs({ manifest }: SurveyedBackup, { source, id }: SurveyedBackup): boolean {
  if (manifest.trigger.kind !== 'repair') return false;
  return manifest.origin?.from.some((from) => from === id || from === `${source}/${id}`) === true;
}

function distrust({ survey, freshness, at }: FindingsInput): Finding[] {
  const future = survey.backups
    .filter(({ time, distrust: untrusted }) => untrusted === undefined && isFuture(time, at))
    .map(({ id }) => id);
  return [
    ...survey.problems.map(({ path, code, detail }) => alarm(code, `${path}: ${detail}`)),
    ...new Set([...freshness.ignoredIds, ...future])
      .values()
      .map((id) => alarm('future', `${id} is from the future, and takes no part`)),
  ];
}

function isFuture(time: Date, at: Date): boolean {
  return time.getTime() > at.getTime() + CLOCK_TOLERANCE_MS;
}

function restoreFindings({ overdue, rto, last, detail }: RestoreTestStatus): Finding[] {
  if (last?.verdict === 'damaged') return [alarm('restore-test', `${last.backupId}: ${detail}`)];
  if (overdue) return [alarm('restore-test', `a restore test is overdue: ${detail}`)];
  return rto === 'missed'
    ? [alarm('rto', `restores take longer than their objective: ${detail}`)]
    : [];
}

function newestFindings({ survey, freshness, at }: FindingsInput): Finding[] {
  const newest = runsUntil(survey.backups, at).at(-1);
  if (newest === undefined || freshness.state === 'never') return [];
  const { id, standing, why, manifest } = newest;
  const odd = manifest.problems
    .filter(({ code }) => code.startsWith('anomaly-'))
    .map(({ path, detail }) =>
      watch('anomaly', `${id}: ${path === '' ? '' : `${path}: `}${detail}`),
    );
  if (standing !== 'partial' && standing !== 'unproven') return odd;
  return [watch(standing, `the newest backup, ${id}, is ${standing}: ${why}`), ...odd];
}

function remarks({ survey, isConfigured, isScheduleNew, freshness, at }: FindingsInput): Finding[] {
  const findings: Finding[] = [];
  if (isScheduleNew && !freshness.missed && !freshness.tooOld) {
    const detail =
      'no run has seen its schedule yet: missing runs are judged from the next backup on';
    findings.push(watch('new-schedule', detail));
  }
  if (!isConfigured && survey.backups.length > 0) {
    findings.push(watch('not-configured', 'it is in the store, and not in the configuration'));
  }
  const broken = survey.orphans.filter(({ artifacts }) =>
    artifacts.every(({ storedAt }) => at.getTime() - storedAt.getTime() > UNDER_WAY_MS),
  );
  if (broken.length > 0) {
    findings.push(watch('unfinished', `${broken.map(({ id }) => id).join(', ')}: broken off`));
  }
  const flood = findFlood(survey.backups.map(({ storedAt }) => storedAt));
  if (flood !== undefined) {
    findings.push(watch('flood', `${flood.detail}, from ${flood.begin.toISOString()} on`));
  }
  return findings;
}
