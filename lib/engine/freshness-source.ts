// What one source's backups come to, as numbers. What was let go and only waits to be deleted counts for nothing.
import { DAY_MS, HOUR_MS } from '../policy/durations.ts';
import type { RetentionPolicy } from '../policy/retention-policy.ts';
import type { Freshness } from '../policy/freshness.ts';
import { longestIntervalMs } from '../policy/schedule.ts';
import { restoreTestStatus } from '../policy/restore-tests.ts';
import type { Engine } from './engine.ts';
import { failedRuns, failuresLeft, timeKept, type FailedRun } from './keeping-time.ts';
import { decide, type PruneDecision } from './prune-decision.ts';
import { lastPrune, missingSincePrune, releasedAndListed } from './prune-facts.ts';
import type { SeenConfiguration } from './schedules-seen.ts';
import { findingsOf, type Finding } from './status-findings.ts';
import { restoreTests, type Objectives } from './status.ts';
import { runsUntil, surveySource, type Survey, type SurveyedBackup } from './survey.ts';

/** What is promised of a source, and what is kept of it. */
export interface Promised extends Objectives {
  readonly policy: RetentionPolicy;
}

export interface FreshnessInput {
  /** By the names of the sources. */
  readonly sources: ReadonlyMap<string, Promised>;
  readonly capacityBytes: number | undefined;
  /** Whether an object waits to be deleted because it was released; undefined for a store that deletes at once. */
  readonly isReleased: ((key: string) => Promise<boolean>) | undefined;
}

/** What is not known is undefined: no number is made up for it. */
export interface SourceMeasures {
  /** Of the newest good backup; while there is none, the time since the source is known to be configured. */
  readonly recoveryPointAgeSeconds: number | undefined;
  readonly proofAgeSeconds: number | undefined;
  readonly restoreTestAgeSeconds: number | undefined;
  readonly backupBytes: number | undefined;
  readonly backupFiles: number | undefined;
  readonly backupSeconds: number | undefined;
  readonly partialBackups: number;
  readonly unprovenBackups: number;
  readonly damagedBackups: number;
  readonly failedRuns: number;
  /** 1 when the schedule has made nothing since it was due and its grace has passed, else 0. */
  readonly missedRuns: number;
  readonly anomalies: number;
}

export interface SourceMeasured {
  readonly source: string;
  readonly measures: SourceMeasures;
  readonly findings: readonly Finding[];
  readonly survey: Survey;
  /** Backups of which something is covered, and that were not let go. */
  readonly hidden: number;
  readonly releasedButWanted: number;
}

export interface SourceInput extends FreshnessInput {
  readonly source: string;
  readonly at: Date;
  /** Since when it is configured, as far as the store tells. */
  readonly since: Date | undefined;
  readonly seen: SeenConfiguration | undefined;
}

/** As long as a new backup may wait for its proof. */
const PROVEN_WITHIN_MS = HOUR_MS;
/** Older restore tests and failures say nothing about today. */
const TESTS_LOOK_BACK_MS = 400 * DAY_MS;
const FAILURES_LOOK_BACK_MS = 30 * DAY_MS;

export async function measureSource(engine: Engine, input: SourceInput): Promise<SourceMeasured> {
  const { source, at, since: configuredAt, seen: configuration } = input;
  const promised = input.sources.get(source);
  const whole = await surveySource(engine, source);
  const last = await lastPrune(engine, source);
  const released = await releasedAndListed(engine, whole, last);
  const decision = promised && decideNow(promised, whole, released, at);
  const gone = new Set((decision?.goneBefore ?? []).map(({ id }) => id));
  const survey = { ...whole, backups: whole.backups.filter(({ id }) => !gone.has(id)) };
  const kept = timeKept(survey, objectives(promised), { configuredAt, seen: configuration, at });
  const { freshness } = kept;
  const failed = await failedRuns(engine, source, new Date(at.getTime() - FAILURES_LOOK_BACK_MS));
  const failures = failuresLeft(failed, survey);
  const tests = await restoreTests(engine, source, new Date(at.getTime() - TESTS_LOOK_BACK_MS));
  const maxAgeMs = promised?.restoreTestMaxAgeMs;
  const restoreTest = restoreTestStatus(
    tests,
    { rtoMs: promised?.rtoMs, maxAgeMs, configuredAt },
    at,
  );
  const missing = missingSincePrune(whole, last);
  const isConfigured = promised !== undefined;
  const seen = { survey, ...kept, failures, restoreTest, missing };
  const findings = findingsOf({ ...seen, isConfigured, at });
  const ages = {
    recoveryPointAgeSeconds: seconds(freshness.ageMs),
    proofAgeSeconds: seconds(ageOf(lastProofOf(survey) ?? configuredAt, at)),
    restoreTestAgeSeconds: seconds(restoreTest.lastProvenAgeMs ?? ageOf(configuredAt, at)),
  };
  return {
    source,
    measures: {
      ...ages,
      ...sizesOf(survey, freshness),
      ...countsOf({ survey, findings, freshness, failures, at }),
    },
    findings,
    survey,
    hidden: survey.backups.filter(({ hidden }) => hidden.length > 0).length,
    releasedButWanted: await countReleased(decision, input.isReleased),
  };
}

function objectives(promised: Promised | undefined) {
  return {
    schedule: promised?.schedule,
    rpoMs: promised?.rpoMs,
    graceMs: promised?.graceMs ?? 0,
  };
}

function decideNow(
  { policy, schedule }: Promised,
  { backups }: Survey,
  released: ReadonlySet<string>,
  now: Date,
): PruneDecision {
  const intervalMs = schedule && longestIntervalMs(schedule, now);
  return decide({ backups, released, policy, intervalMs, now });
}

function lastProofOf({ backups }: Survey): Date | undefined {
  const times = backups
    .flatMap(({ evidence }) => evidence)
    .filter(({ verdict }) => verdict === 'proven')
    .map(({ at }) => at.getTime());
  return times.length === 0 ? undefined : new Date(Math.max(...times));
}

function ageOf(since: Date | undefined, at: Date): number | undefined {
  return since && Math.max(0, at.getTime() - since.getTime());
}

function seconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : Math.round(ms / 1000);
}

function sizesOf({ backups }: Survey, { newestGoodId }: Freshness) {
  const newest = backups.find(({ id }) => id === newestGoodId);
  if (newest === undefined) {
    return { backupBytes: undefined, backupFiles: undefined, backupSeconds: undefined };
  }
  const { storedBytes, manifest } = newest;
  return {
    backupBytes: storedBytes,
    backupFiles: manifest.totals.entries,
    backupSeconds: (Date.parse(manifest.end) - Date.parse(manifest.begin)) / 1000,
  };
}

interface Counted {
  readonly survey: Survey;
  readonly findings: readonly Finding[];
  readonly freshness: Freshness;
  readonly failures: readonly FailedRun[];
  readonly at: Date;
}

function countsOf({ survey, findings, freshness, failures, at }: Counted) {
  const runs = runsUntil(survey.backups, at);
  const late = (one: SurveyedBackup) => at.getTime() - one.storedAt.getTime() > PROVEN_WITHIN_MS;
  const unproven = runs.filter((one) => one.standing === 'unproven' && late(one));
  const broken = findings.filter(
    ({ code, severity }) => BROKEN.includes(code) && severity === 'alarm',
  );
  return {
    partialBackups: runs.at(-1)?.standing === 'partial' ? 1 : 0,
    unprovenBackups: unproven.length,
    damagedBackups: broken.length,
    failedRuns: failures.length,
    missedRuns: freshness.missed ? 1 : 0,
    anomalies: findings.filter(({ code }) => code === 'anomaly').length,
  };
}

const BROKEN: readonly string[] = ['damaged', 'missing', 'unreadable'];

/** Of what the policy keeps, how much the store is about to delete: because it changed its mind, or because somebody else tagged it. */
async function countReleased(
  decision: PruneDecision | undefined,
  isReleased: FreshnessInput['isReleased'],
): Promise<number> {
  if (decision === undefined || isReleased === undefined) return 0;
  let count = 0;
  for (const { backup, reasons } of decision.keep) {
    // What merely waits for the next run is nothing that anybody wants.
    if (reasons.every(({ rule }) => rule === 'held' || rule === 'deferred')) continue;
    if (await isAnyReleased(backup, isReleased)) count++;
  }
  return count;
}

async function isAnyReleased(
  { manifest }: SurveyedBackup,
  isReleased: (key: string) => Promise<boolean>,
): Promise<boolean> {
  const keys = [manifest.key, ...manifest.artifacts.map(({ key }) => key)];
  const answers = await Promise.all(keys.map(isReleased));
  return answers.includes(true);
}
