// How resources that AWS Backup protects stand: one judgment, which status, metrics, alarms and messages share.
import {
  finding,
  gravestOf,
  sorted,
  type ConditionCode,
  type Finding,
} from '../conditions/table.ts';
import type { Severity } from '../conditions/row.ts';
import { DAY_MS } from '../../durations.ts';
import { durationText } from '../durations.ts';
import { lateAfterMs, wholeSeconds } from '../objectives.ts';
import { restoreTestStatus, type RestoreTestStatus } from '../restore-tests.ts';
import {
  ANY_RESOURCE,
  resourcesOf,
  type FailedJob,
  type PointTestRun,
  type RecoveryPointFacts,
  type Seen,
  type SelectionFacts,
  type SelectionPromise,
  type VaultFacts,
} from './facts.ts';
import { pointStanding, type PointSeen, type PointVerdict } from './standing.ts';

/** The numbers of one resource, for alarms. What is not known is undefined: no number is made up for it. */
export interface ResourceMeasures {
  readonly recoveryPointAgeSeconds: number | undefined;
  readonly copyAgeSeconds: number | undefined;
  readonly lateRecoveryPoints: number | undefined;
  readonly lateCopies: number | undefined;
  readonly badRecoveryPoints: number | undefined;
  readonly restoreTestAgeSeconds: number | undefined;
  readonly restoreSeconds: number | undefined;
  readonly damagedRecoveryPoints: number;
}

export interface ResourceAssessment {
  readonly selection: string;
  /** An ARN, or `*` for all of a selection of which only a number is expected. */
  readonly resource: string;
  readonly verdict: 'fine' | Severity;
  /** The gravest first. */
  readonly findings: readonly Finding[];
  /** The newest recovery point that counts; of `*`, the newest of all. */
  readonly newest: PointSeen | undefined;
  readonly restoreTest: RestoreTestStatus;
  readonly measures: ResourceMeasures;
}

export interface RecoveryPointsAssessment {
  readonly resources: readonly ResourceAssessment[];
  /** By selection, how many resources that are expected have no recovery point that counts; without those that could not be seen. */
  readonly missing: ReadonlyMap<string, number>;
  readonly vaults: readonly VaultFacts[];
}

/** Judges what was found. */
export function assessRecoveryPoints(
  { selections, vaults }: RecoveryPointFacts,
  at: Date,
): RecoveryPointsAssessment {
  const missing = new Map<string, number>();
  for (const facts of selections) {
    const count = missingOf(facts, at);
    if (count !== undefined) missing.set(facts.promise.selection, count);
  }
  const resources = selections.flatMap((facts) =>
    resourcesOf(facts.promise.expected).map((resource) => assessResource(facts, resource, at)),
  );
  return { resources, missing, vaults };
}

function assessResource(facts: SelectionFacts, resource: string, at: Date): ResourceAssessment {
  const { promise, knownSince } = facts;
  const isOurs = (one: string) => resource === ANY_RESOURCE || one === resource;
  const tests = facts.tests.filter((one) => isOurs(one.resource));
  const damaged = damagedIn(facts.tests);
  const judge = (seen: Seen, failedJobs: readonly FailedJob[] = []): Judged => {
    if (!Array.isArray(seen)) return { unseen: (seen as { unseen: string }).unseen };
    const own = (seen as readonly PointSeen[]).filter((one) => isOurs(one.resource));
    const failed = failedJobs.filter((one) => isOurs(one.resource));
    return judgePoints(own, { facts, at, damaged, failed });
  };
  const points = judge(facts.points, facts.failedJobs);
  const copies = facts.copies.map((one) => ({ vault: one.vault, judged: judge(one.points) }));
  const limits = { rtoMs: promise.rtoMs, maxAgeMs: promise.restoreTestMaxAgeMs };
  const restoreTest = restoreTestStatus(tests, { ...limits, configuredAt: knownSince }, at);
  const last = lastConclusive(tests);
  const raised = [
    ...pointFindings(points, promise),
    ...copies.flatMap(({ vault, judged }) => copyFindings(vault, judged)),
    ...testFindings(restoreTest, last),
  ];
  const findings = sorted(raised.map(([code, detail, since]) => finding(code, detail, since)));
  return {
    selection: promise.selection,
    resource,
    verdict: gravestOf(findings),
    findings,
    newest: 'unseen' in points ? undefined : points.newest,
    restoreTest,
    measures: {
      ...pointMeasures(points),
      ...copyMeasures(copies.map(({ judged }) => judged)),
      ...testMeasures(restoreTest, { promise, knownSince, at }),
      damagedRecoveryPoints: last?.verdict === 'damaged' ? 1 : 0,
    },
  };
}

type Judged =
  | { readonly unseen: string }
  | {
      readonly newest: PointSeen | undefined;
      /** The age of the newest that counts, or the time since it was configured; for a number of resources, that of the oldest among them. */
      readonly ageMs: number;
      readonly late: boolean;
      /** How many resources have one that counts. */
      readonly resources: number;
      readonly bad: readonly string[];
      /** Of each resource the last job, where it failed and nothing that counts is newer. */
      readonly failed: readonly FailedJob[];
    };

interface Judging {
  readonly facts: Pick<SelectionFacts, 'promise' | 'knownSince'>;
  readonly at: Date;
  readonly damaged: ReadonlySet<string>;
  readonly failed: readonly FailedJob[];
}

function judgePoints(points: readonly PointSeen[], judging: Judging): Judged {
  const { facts, at, damaged } = judging;
  const { promise, knownSince } = facts;
  const judged = points
    .map((point) => ({ point, ...verdictOf(point, damaged, at) }))
    .sort((a, b) => b.point.created.getTime() - a.point.created.getTime());
  const good = judged.filter(({ standing }) => standing === 'good');
  const newestOf = new Map<string, Date>();
  for (const { point } of good)
    if (!newestOf.has(point.resource)) newestOf.set(point.resource, point.created);
  const { expected } = promise;
  const wanted = expected.arns === undefined ? expected.count : 1;
  const since = [...newestOf.values()][wanted - 1] ?? knownSince;
  const ageMs = Math.max(0, at.getTime() - since.getTime());
  const lateMs = lateAfterMs(promise, yearFrom(at)) ?? Infinity;
  const late = ageMs > lateMs;
  const newest = good[0]?.point;
  const bad = judged.filter(
    ({ standing, point }) =>
      standing === 'bad' &&
      point.created.getTime() > (newestOf.get(point.resource)?.getTime() ?? -1),
  );
  const runs = judged.some(({ standing }) => standing === 'continuous');
  const known = at.getTime() - knownSince.getTime();
  return {
    newest,
    ageMs,
    late,
    resources: newestOf.size,
    failed: [...Map.groupBy(judging.failed, ({ resource }) => resource)].flatMap(
      ([resource, jobs]) => {
        const last = jobs.reduce((latest, one) => (one.at > latest.at ? one : latest));
        const isOver = last.at.getTime() <= (newestOf.get(resource)?.getTime() ?? -1);
        return isOver ? [] : [last];
      },
    ),
    bad: [
      ...bad.map(({ point, why }) => `${point.arn} does not count: ${why}`),
      ...(promise.isContinuous && !runs && known > lateMs
        ? ['continuous backup is not running: no recovery point restores any moment']
        : []),
    ],
  };
}

/** Where the year begins whose longest interval counts: the interval that has just ended is in it, and all resources ask for the same. */
function yearFrom(at: Date): Date {
  return new Date(at.getTime() - 32 * DAY_MS);
}

function verdictOf(point: PointSeen, damaged: ReadonlySet<string>, at: Date): PointVerdict {
  return damaged.has(point.arn)
    ? { standing: 'bad', why: 'a restore test found that it is damaged' }
    : pointStanding(point, at);
}

/** The recovery points whose last test that came to a verdict found damage. */
function damagedIn(tests: readonly PointTestRun[]): Set<string> {
  const byPoint = Map.groupBy(tests, ({ point }) => point);
  return new Set(
    [...byPoint].flatMap(([point, runs]) =>
      lastConclusive(runs)?.verdict === 'damaged' ? [point] : [],
    ),
  );
}

function lastConclusive(tests: readonly PointTestRun[]): PointTestRun | undefined {
  return tests
    .filter(({ verdict }) => verdict !== 'inconclusive')
    .reduce<PointTestRun | undefined>(
      (last, one) => (last === undefined || one.end > last.end ? one : last),
      undefined,
    );
}

type Raised = readonly [ConditionCode, string, Date?];

function pointFindings(judged: Judged, promise: SelectionPromise): Raised[] {
  if ('unseen' in judged)
    return [['point-late', `its recovery points could not be seen: ${judged.unseen}`]];
  const { late, ageMs, newest, bad, failed, resources } = judged;
  const { expected, rpoMs } = promise;
  const age = durationText(ageMs);
  const isPlural = expected.arns === undefined;
  const tooFew = isPlural && resources < expected.count;
  const is = tooFew
    ? `${resources} resources have a recovery point that counts; expected: ${expected.count}`
    : newest === undefined
      ? `it has no recovery point that counts, and is configured for ${age}`
      : isPlural
        ? `not all of ${expected.count} resources have a recovery point younger than ${age}`
        : `the newest recovery point that counts is ${age} old`;
  const isNone = newest === undefined || tooFew;
  return [
    ...(late ? [['point-late', is] as const] : []),
    ...(!late && isNone ? [['point-awaited', `${is}; the first is not late yet`] as const] : []),
    ...(!late && !isNone && rpoMs !== undefined && ageMs > rpoMs
      ? [['point-rpo', `${is}, more than its objective`] as const]
      : []),
    ...failed.map(({ detail, at }) => ['point-failed', detail, at] as const),
    ...bad.map((why) => ['point-bad', why] as const),
  ];
}

function copyFindings(vault: string, judged: Judged): Raised[] {
  if ('unseen' in judged)
    return [['copy-late', `copies in ${vault} could not be seen: ${judged.unseen}`]];
  if (!judged.late) return [];
  const age = durationText(judged.ageMs);
  return [
    [
      'copy-late',
      judged.newest === undefined
        ? `${vault} holds no copy that counts, for ${age}`
        : `the newest copy in ${vault} that counts is ${age} old`,
    ],
  ];
}

function testFindings(status: RestoreTestStatus, last: PointTestRun | undefined): Raised[] {
  const { overdue, rto, detail } = status;
  return [
    ...(last?.verdict === 'damaged'
      ? [['point-damaged', `the restore test of ${last.point} found damage: ${detail}`] as const]
      : []),
    ...(overdue ? [['point-test', `a restore test is overdue: ${detail}`] as const] : []),
    ...(rto === 'missed'
      ? [['point-rto', `restores take longer than their objective: ${detail}`] as const]
      : []),
  ];
}

function pointMeasures(judged: Judged) {
  const isSeen = !('unseen' in judged);
  return {
    recoveryPointAgeSeconds: isSeen ? wholeSeconds(judged.ageMs) : undefined,
    lateRecoveryPoints: isSeen ? Number(judged.late) : undefined,
    badRecoveryPoints: isSeen ? judged.bad.length + judged.failed.length : undefined,
  };
}

/** The age in the vault that has waited longest. */
function copyMeasures(copies: readonly Judged[]) {
  const seen = copies.flatMap((one) => ('unseen' in one ? [] : [one]));
  if (copies.length === 0 || seen.length < copies.length)
    return { copyAgeSeconds: undefined, lateCopies: undefined };
  return {
    copyAgeSeconds: wholeSeconds(Math.max(...seen.map(({ ageMs }) => ageMs))),
    lateCopies: seen.filter(({ late }) => late).length,
  };
}

function testMeasures(
  { lastProven, lastProvenAgeMs }: RestoreTestStatus,
  {
    promise,
    knownSince,
    at,
  }: Pick<SelectionFacts, 'promise' | 'knownSince'> & { readonly at: Date },
) {
  const isTested = promise.restoreTestMaxAgeMs !== undefined;
  const ageMs = lastProvenAgeMs ?? Math.max(0, at.getTime() - knownSince.getTime());
  return {
    restoreTestAgeSeconds: isTested ? wholeSeconds(ageMs) : undefined,
    restoreSeconds: lastProven && lastProven.restoreDurationMs / 1000,
  };
}

/** Undefined where it could not be seen. */
function missingOf(facts: SelectionFacts, at: Date): number | undefined {
  const { promise, points, tests } = facts;
  if (!Array.isArray(points)) return undefined;
  const damaged = damagedIn(tests);
  const having = new Set(
    (points as readonly PointSeen[])
      .filter((point) => verdictOf(point, damaged, at).standing === 'good')
      .map(({ resource }) => resource),
  );
  const { expected } = promise;
  if (expected.arns === undefined) return Math.max(0, expected.count - having.size);
  return expected.arns.filter((arn) => !having.has(arn)).length;
}
