// The one judgment of how a system stands. `status` shows it, `freshness` publishes its numbers, messages tell of it, and the
// heartbeat is called while it is well.
import { capacityStatus, type CapacityStatus } from './capacity.ts';
import {
  alarmOf,
  finding,
  gravestOf,
  isUnwell,
  sorted,
  type ConditionCode,
  type Finding,
} from './conditions/table.ts';
import type { Severity } from './conditions/row.ts';
import { CLOCK_TOLERANCE_MS, durationText } from './durations.ts';
import type { Facts, SourceFacts, StoreFacts } from './facts.ts';
import type { Freshness } from './freshness.ts';
import { NO_OBJECTIVES, wholeSeconds } from './objectives.ts';
import {
  assessRecoveryPoints,
  type RecoveryPointsAssessment,
} from './recovery-points/assessment.ts';
import { restoreTestStatus, type RestoreTestStatus } from './restore-tests.ts';
import { conditionsOf, type Raised, type SourceSeen } from './source-conditions.ts';
import { GROWTH_DAYS } from './conditions/of-store.ts';
import { timeKept } from './time-kept.ts';
import { upkeepOf, type Upkeep, type UpkeepMeasures } from './upkeep.ts';

export type Verdict = 'fine' | Severity;

/** The numbers of one source, for alarms. What is not known is undefined: no number is made up for it. */
export interface SourceMeasures {
  /** The age of the newest good backup; while there is none, the time since the source is known to be configured. */
  readonly recoveryPointAgeSeconds: number | undefined;
  readonly proofAgeSeconds: number | undefined;
  readonly restoreTestAgeSeconds: number | undefined;
  /** How long the last proven restore test took. */
  readonly restoreSeconds: number | undefined;
  readonly backupBytes: number | undefined;
  readonly backupSeconds: number | undefined;
  readonly lateBackups: number;
  readonly nothingGood: number;
  readonly partialBackups: number;
  readonly unprovenBackups: number;
  readonly damagedBackups: number;
  readonly failedRuns: number;
  readonly missedRuns: number;
  readonly anomalies: number;
}

/** The numbers of the whole store. */
export interface StoreMeasures extends UpkeepMeasures {
  readonly hiddenManifests: number;
  /** Undefined when none was seen, and some could not be. */
  readonly releasedButWanted: number | undefined;
  readonly untrustedBackups: number;
  readonly futureBackups: number;
  readonly unconfiguredProblems: number;
  readonly storedBytes: number;
  /** Undefined without a capacity. */
  readonly capacityUsedPercent: number | undefined;
  /** Undefined where nobody asked. */
  readonly unconfirmedSubscriptions: number | undefined;
  /** 1 or 0; undefined where nobody tried. */
  readonly keyUsable: 0 | 1 | undefined;
}

export interface SourceAssessment {
  readonly source: string;
  readonly configured: boolean;
  /** The gravest of the findings; `fine` without any. */
  readonly verdict: Verdict;
  /** The gravest first. */
  readonly findings: readonly Finding[];
  readonly freshness: Freshness;
  readonly restoreTest: RestoreTestStatus;
  readonly measures: SourceMeasures;
}

export interface StoreAssessment {
  readonly verdict: Verdict;
  readonly findings: readonly Finding[];
  readonly capacity: CapacityStatus;
  readonly measures: StoreMeasures;
}

export interface Assessment {
  readonly at: Date;
  readonly verdict: Verdict;
  /** True when nothing alarms, and everything that has a schedule was backed up once. */
  readonly well: boolean;
  readonly sources: readonly SourceAssessment[];
  readonly store: StoreAssessment;
  /** Undefined where AWS Backup protects nothing, or nobody asked it. */
  readonly recoveryPoints: RecoveryPointsAssessment | undefined;
}

/** Judges what was found. */
export function assess({ at, sources, store, recoveryPoints }: Facts): Assessment {
  const judged = sources.map((facts) => judgeSource(facts, at));
  const upkeep = upkeepOf(sources, store, at);
  const storeAssessment = judgeStore(store, judged, upkeep);
  const points = recoveryPoints && assessRecoveryPoints(recoveryPoints, at);
  const findings = [
    ...judged.flatMap(({ assessment }) => assessment.findings),
    ...storeAssessment.findings,
    ...(points?.resources.flatMap((one) => one.findings) ?? []),
  ];
  return {
    at,
    verdict: gravestOf(findings),
    well: !findings.some(isUnwell),
    sources: judged.map(({ assessment }) => assessment),
    store: storeAssessment,
    recoveryPoints: points,
  };
}

interface Judged {
  readonly assessment: SourceAssessment;
  readonly raised: readonly Raised[];
}

function judgeSource(facts: SourceFacts, at: Date): Judged {
  const { source, objectives = NO_OBJECTIVES, knownSince: configuredAt } = facts;
  const { rtoMs, restoreTestMaxAgeMs: maxAgeMs } = objectives;
  const kept = timeKept(facts, at);
  const { freshness } = kept;
  // Where nobody knows since when there could have been a test, none is overdue.
  const tested = { rtoMs, maxAgeMs, configuredAt: configuredAt ?? at };
  const restoreTest = restoreTestStatus(facts.restoreTests, tested, at);
  const seen: SourceSeen = { facts, ...kept, restoreTest, at };
  const raised = conditionsOf(seen);
  const findings = sorted(raised.map(({ code, detail, since }) => finding(code, detail, since)));
  return {
    raised,
    assessment: {
      source,
      configured: facts.objectives !== undefined,
      verdict: gravestOf(findings),
      findings,
      freshness,
      restoreTest,
      measures: { ...agesOf(seen), ...sizesOf(seen), ...countsOf(raised) },
    },
  };
}

function agesOf({ facts, freshness, restoreTest, at }: SourceSeen) {
  const { backups, knownSince } = facts;
  const ageOf = (since: Date | undefined) => since && Math.max(0, at.getTime() - since.getTime());
  const proofs = backups
    .flatMap(({ evidence }) => evidence)
    .filter(({ verdict }) => verdict === 'proven')
    .map((one) => (one.readAt ?? one.at).getTime());
  const lastProof = proofs.length === 0 ? knownSince : new Date(Math.max(...proofs));
  const { lastProven, lastProvenAgeMs } = restoreTest;
  return {
    recoveryPointAgeSeconds: wholeSeconds(freshness.ageMs),
    proofAgeSeconds: wholeSeconds(ageOf(lastProof)),
    restoreTestAgeSeconds: wholeSeconds(lastProvenAgeMs ?? ageOf(knownSince)),
    restoreSeconds: lastProven && lastProven.restoreDurationMs / 1000,
  };
}

function sizesOf({ facts: { backups }, freshness: { newestGoodId } }: SourceSeen) {
  const newest = backups.find(({ id }) => id === newestGoodId);
  return {
    backupBytes: newest?.storedBytes,
    backupSeconds: newest && newest.durationMs / 1000,
  };
}

/** How many things there are of which the alarm of `code` tells. */
function countOf(raised: readonly Raised[], code: ConditionCode, isConfigured = true): number {
  return raised
    .filter((one) => alarmOf(one.code, isConfigured) === code)
    .reduce((sum, { count }) => sum + count, 0);
}

function countsOf(raised: readonly Raised[]) {
  return {
    lateBackups: countOf(raised, 'late'),
    nothingGood: countOf(raised, 'never'),
    partialBackups: countOf(raised, 'partial'),
    unprovenBackups: countOf(raised, 'unproven'),
    damagedBackups: countOf(raised, 'damaged'),
    failedRuns: countOf(raised, 'failed') + countOf(raised, 'deployment'),
    missedRuns: countOf(raised, 'missed'),
    anomalies: countOf(raised, 'anomaly'),
  };
}

function judgeStore(facts: StoreFacts, judged: readonly Judged[], upkeep: Upkeep): StoreAssessment {
  const { storedBytes, capacityBytes, samples } = facts;
  const capacity = capacityStatus(storedBytes, capacityBytes, samples);
  const findings = sorted([
    ...capacityFindings(capacity),
    ...clockFindings(facts.skewMs),
    ...keyFindings(facts.keys),
    ...upkeep.findings,
    ...subscriptionFindings(facts),
  ]);
  const count = (code: ConditionCode) =>
    judged.reduce(
      (sum, { raised, assessment }) => sum + countOf(raised, code, assessment.configured),
      0,
    );
  const isUnseen = judged.some(({ raised }) =>
    raised.some(({ code }) => code === 'releases-unseen'),
  );
  const released = count('released');
  return {
    verdict: gravestOf(findings),
    findings,
    capacity,
    measures: {
      hiddenManifests: count('hidden'),
      releasedButWanted: released === 0 && isUnseen ? undefined : released,
      untrustedBackups: count('untrusted'),
      futureBackups: count('future'),
      unconfiguredProblems: count('unconfigured'),
      ...upkeep.measures,
      unconfirmedSubscriptions: facts.unconfirmed?.length,
      storedBytes,
      capacityUsedPercent: capacity.usedPercent,
      keyUsable: KEY_USABLE[facts.keys],
    },
  };
}

function capacityFindings({ state, usedPercent = 0, daysUntilFull }: CapacityStatus): Finding[] {
  const percent = Math.round(usedPercent);
  const full = daysUntilFull === undefined ? '' : `full in ${Math.round(daysUntilFull)} days`;
  const soon =
    state !== 'unlimited' && daysUntilFull !== undefined && daysUntilFull <= GROWTH_DAYS
      ? [finding('growth', `at its present growth the store is ${full}`)]
      : [];
  if (state === 'over') {
    return [finding('full', `the store holds ${percent} % of its capacity`), ...soon];
  }
  if (state !== 'near') return soon;
  const until = full === '' ? '' : `, ${full}`;
  return [finding('nearly-full', `the store holds ${percent} % of its capacity${until}`), ...soon];
}

function clockFindings(skewMs: number): Finding[] {
  if (Math.abs(skewMs) <= CLOCK_TOLERANCE_MS) return [];
  const side = skewMs > 0 ? 'ahead of' : 'behind';
  const detail = `this clock is ${durationText(Math.abs(skewMs))} ${side} the clock of the store`;
  return [finding('clock', detail)];
}

function subscriptionFindings({ unconfirmed = [] }: StoreFacts): Finding[] {
  if (unconfirmed.length === 0) return [];
  const detail = `no message reaches ${unconfirmed.join(', ')}: the subscription was never confirmed`;
  return [finding('unconfirmed', detail)];
}

const KEY_USABLE = { usable: 1, unusable: 0, unknown: undefined, untried: undefined } as const;

function keyFindings(keys: StoreFacts['keys']): Finding[] {
  if (keys === 'usable' || keys === 'untried') return [];
  const detail =
    keys === 'unusable'
      ? 'what is stored could not be decrypted, or a signing key does not answer'
      : 'there is no object on which the keys could be tried';
  return [finding('key', detail)];
}
