// How a system stands: each source against its objectives, the store against its capacity, and all that somebody has to look at.
import type { Problem } from '../errors.ts';
import { MARKER_KEY } from '../format/layout.ts';
import { databaseSummary, type DatabaseSummary } from '../format/manifest.ts';
import { capacityStatus, type CapacitySample, type CapacityStatus } from '../policy/capacity.ts';
import { CLOCK_TOLERANCE_MS, DAY_MS, durationText } from '../policy/durations.ts';
import type { Freshness } from '../policy/freshness.ts';
import {
  restoreTestStatus,
  type RestoreTestRun,
  type RestoreTestStatus,
} from '../policy/restore-tests.ts';
import type { EvidenceLevel, Standing } from '../policy/standing.ts';
import type { SuccessSummary } from '../policy/success.ts';
import type { Engine } from './engine.ts';
import {
  failedRuns,
  failuresLeft,
  timeKept,
  type FailedRun,
  type TimeObjectives,
} from './keeping-time.ts';
import { knownSources } from './log.ts';
import { missingSincePrune, readPrunes, type PruneFacts } from './prune-facts.ts';
import { readRecords } from './records.ts';
import { configuredSince, lastSeen, type SeenConfiguration } from './schedules-seen.ts';
import { findingsOf, gravestOf, type Finding, type Severity } from './status-findings.ts';
import { SUCCESS_WINDOW_MS, successOf } from './success.ts';
import {
  runsUntil,
  storedBytesOf,
  surveySource,
  type Survey,
  type SurveyedBackup,
} from './survey.ts';

/** What is promised of a source. */
export interface Objectives extends TimeObjectives {
  readonly rtoMs: number | undefined;
  /** How old the last proven restore test may become. */
  readonly restoreTestMaxAgeMs: number | undefined;
}

/** The newest proof at one level. */
export interface LastProof {
  readonly level: Exclude<EvidenceLevel, 'presence'>;
  readonly id: string;
  readonly at: Date;
  /** How many backups were proven so. */
  readonly backups: number;
}

export interface SourceStatus {
  readonly source: string;
  readonly configured: boolean;
  /** The gravest of the findings; `fine` without any. */
  readonly verdict: 'fine' | Severity;
  /** The gravest first. */
  readonly findings: readonly Finding[];
  readonly freshness: Freshness;
  readonly restoreTest: RestoreTestStatus;
  readonly proofs: readonly LastProof[];
  readonly newest:
    { readonly id: string; readonly standing: Standing; readonly why: string } | undefined;
  /** What the newest good backup of a database holds. */
  readonly database: DatabaseSummary | undefined;
  /** How many backups of each standing there are; standings without any are absent. */
  readonly backups: Readonly<Partial<Record<Standing, number>>>;
  readonly pinned: readonly string[];
  /** Runs that left artifacts and no manifest: under way, or broken off. */
  readonly unfinished: number;
  readonly storedBytes: number;
  readonly success: SuccessSummary;
}

export interface StoreStatus {
  readonly url: string;
  readonly verdict: 'fine' | Severity;
  readonly findings: readonly Finding[];
  readonly capacity: CapacityStatus;
}

export interface Status {
  readonly at: Date;
  readonly verdict: 'fine' | Severity;
  /** Those that are configured in their order, then those that only the store knows. */
  readonly sources: readonly SourceStatus[];
  readonly store: StoreStatus;
}

export interface StatusInput {
  /** By the names of the sources, in the order in which to report. */
  readonly objectives: ReadonlyMap<string, Objectives>;
  readonly capacityBytes: number | undefined;
  /** Only these; empty for all. */
  readonly sources: readonly string[];
}

/** Older restore tests and prunes say nothing about today. */
const LOOK_BACK_MS = 400 * DAY_MS;
const GROWTH_OVER_MS = 90 * DAY_MS;

const NO_OBJECTIVES: Objectives = {
  schedule: undefined,
  rpoMs: undefined,
  rtoMs: undefined,
  graceMs: 0,
  restoreTestMaxAgeMs: undefined,
};

/** How everything stands at the engine's time. Reads manifests and records, never archives; changes nothing. */
export async function statusOf(engine: Engine, input: StatusInput): Promise<Status> {
  const at = engine.now();
  const known = await knownSources(engine);
  const markedAt = (await engine.store.head(MARKER_KEY))?.storedAt;
  const names = new Set([...input.objectives.keys(), ...known.keys()]);
  const seen = await lastSeen(engine, names);
  const looked: Looked[] = [];
  for (const source of names) {
    if (input.sources.length > 0 && !input.sources.includes(source)) continue;
    const knownSince = configuredSince(source, { firstTrace: known.get(source), markedAt }, seen);
    looked.push(await look(engine, source, { at, knownSince }));
  }
  const sources = looked.map((one) =>
    judge(one, input.objectives.get(one.survey.source), { at, seen }),
  );
  const store = await storeStatus(engine, looked, input.capacityBytes);
  const verdict = gravestOf([...sources.flatMap(({ findings }) => findings), ...store.findings]);
  return { at, verdict, sources, store };
}

/** What was read of a source. */
interface Looked {
  /** Since when it is configured, as far as the store tells. */
  readonly knownSince: Date | undefined;
  readonly survey: Survey;
  readonly prunes: readonly PruneFacts[];
  readonly tests: readonly RestoreTestRun[];
  readonly failed: readonly FailedRun[];
  readonly success: SuccessSummary;
}

async function look(
  engine: Engine,
  source: string,
  { at, knownSince }: { at: Date; knownSince: Date | undefined },
): Promise<Looked> {
  const since = new Date(at.getTime() - LOOK_BACK_MS);
  const failed = await failedRuns(engine, source, new Date(at.getTime() - SUCCESS_WINDOW_MS));
  return {
    knownSince,
    survey: await surveySource(engine, source),
    prunes: await readPrunes(engine, source, since),
    tests: await restoreTests(engine, source, since),
    failed,
    success: await successOf(engine, source, at, failed),
  };
}

/** The restore tests of a source that a trusted key vouches for, oldest first. */
export async function restoreTests(
  engine: Engine,
  source: string,
  since: Date,
): Promise<RestoreTestRun[]> {
  const options = { since, onProblem: () => undefined };
  const records = await readRecords(engine, 'restore-test', source, options);
  return records.flatMap(({ record: { subject, end, verdict, facts }, distrust }) => {
    const restoreMs = facts['restoreMs'];
    if (distrust !== undefined || typeof restoreMs !== 'number') return [];
    if (verdict !== 'proven' && verdict !== 'damaged' && verdict !== 'inconclusive') return [];
    return { backupId: subject, end: new Date(end), restoreDurationMs: restoreMs, verdict };
  });
}

function judge(
  looked: Looked,
  configured: Objectives | undefined,
  { at, seen: configuration }: { at: Date; seen: SeenConfiguration | undefined },
): SourceStatus {
  const { survey, tests, success } = looked;
  const objectives = configured ?? NO_OBJECTIVES;
  const { source, backups } = survey;
  const configuredAt = looked.knownSince;
  const kept = timeKept(survey, objectives, { configuredAt, seen: configuration, at });
  const { freshness } = kept;
  const { rtoMs, restoreTestMaxAgeMs: maxAgeMs } = objectives;
  const tested = { rtoMs, maxAgeMs, configuredAt: configuredAt ?? at };
  const restoreTest = restoreTestStatus(tests, tested, at);
  const missing: Problem[] = missingSincePrune(survey, looked.prunes.at(-1));
  const isConfigured = configured !== undefined;
  const failures = failuresLeft(looked.failed, survey);
  const seen = { survey, ...kept, failures, restoreTest, missing };
  const findings = findingsOf({ ...seen, isConfigured, at });
  const newest = runsUntil(backups, at).at(-1);
  return {
    source,
    configured: isConfigured,
    verdict: gravestOf(findings),
    findings,
    freshness,
    restoreTest,
    proofs: proofsOf(backups),
    newest: newest && { id: newest.id, standing: newest.standing, why: newest.why },
    database: databaseIn(backups.find(({ id }) => id === freshness.newestGoodId)),
    backups: countStandings(backups),
    pinned: backups.filter(({ pinnedBy }) => pinnedBy.length > 0).map(({ id }) => id),
    unfinished: survey.orphans.length,
    storedBytes: storedBytesOf(survey),
    success,
  };
}

function databaseIn(backup: SurveyedBackup | undefined): DatabaseSummary | undefined {
  const facts = backup?.manifest.database;
  return facts && databaseSummary(facts);
}

function countStandings(backups: readonly SurveyedBackup[]): Partial<Record<Standing, number>> {
  const counts: Partial<Record<Standing, number>> = {};
  for (const { standing } of backups) counts[standing] = (counts[standing] ?? 0) + 1;
  return counts;
}

function proofsOf(backups: readonly SurveyedBackup[]): LastProof[] {
  return (['digest', 'content', 'restore'] as const).flatMap((level) => {
    const proven = backups.flatMap(({ id, evidence }) =>
      evidence
        .filter((piece) => piece.level === level && piece.verdict === 'proven')
        .map(({ at }) => ({ id, at })),
    );
    const last = proven.reduce<(typeof proven)[number] | undefined>(
      (newest, one) => (newest === undefined || one.at > newest.at ? one : newest),
      undefined,
    );
    return last === undefined
      ? []
      : { level, ...last, backups: new Set(proven.map(({ id }) => id)).size };
  });
}

async function storeStatus(
  engine: Engine,
  looked: readonly Looked[],
  capacityBytes: number | undefined,
): Promise<StoreStatus> {
  const now = engine.now();
  let storedBytes = 0;
  for await (const { bytes } of engine.store.list('')) storedBytes += bytes;
  const capacity = capacityStatus(storedBytes, capacityBytes, samplesOf(looked, now));
  const findings = [...capacityFindings(capacity), ...(await clockFindings(engine))];
  return { url: engine.store.url, verdict: gravestOf(findings), findings, capacity };
}

/** What the store held whenever a prune looked at one of its sources, as soon as each had been looked at once. */
function samplesOf(looked: readonly Looked[], now: Date): CapacitySample[] {
  const seen = looked
    .flatMap(({ survey: { source }, prunes }) => prunes.map((prune) => ({ source, ...prune })))
    .filter(({ at }) => now.getTime() - at.getTime() <= GROWTH_OVER_MS)
    .sort((a, b) => a.at.getTime() - b.at.getTime());
  const known = new Map<string, number>();
  const expected = new Set(seen.map(({ source }) => source)).size;
  return seen.flatMap(({ source, at, storedBytes }) => {
    if (storedBytes === undefined) return [];
    known.set(source, storedBytes);
    if (known.size < expected) return [];
    return { at, storedBytes: known.values().reduce((sum, bytes) => sum + bytes, 0) };
  });
}

function capacityFindings({ state, share, daysUntilFull }: CapacityStatus): Finding[] {
  if (state === 'ok' || state === 'unlimited') return [];
  const percent = Math.round((share ?? 1) * 100);
  const until = daysUntilFull === undefined ? '' : `, full in ${Math.round(daysUntilFull)} days`;
  return state === 'over'
    ? [{ severity: 'alarm', code: 'over', detail: `the store holds ${percent} % of its capacity` }]
    : [
        {
          severity: 'watch',
          code: 'near',
          detail: `the store holds ${percent} % of its capacity${until}`,
        },
      ];
}

async function clockFindings(engine: Engine): Promise<Finding[]> {
  const skewMs = engine.now().getTime() - (await engine.store.now()).getTime();
  if (Math.abs(skewMs) <= CLOCK_TOLERANCE_MS) return [];
  const side = skewMs > 0 ? 'ahead of' : 'behind';
  const detail = `this clock is ${durationText(Math.abs(skewMs))} ${side} the clock of the store`;
  return [{ severity: 'alarm', code: 'clock', detail }];
}
