// How a system stands: each source against its objectives, the store against its capacity, and what is shown beside that.
import { databaseSummary, type DatabaseSummary } from '../format/manifest.ts';
import {
  assess,
  type SourceAssessment,
  type StoreAssessment,
  type Verdict,
} from '../policy/assessment.ts';
import type { CapacitySample } from '../policy/capacity.ts';
import { DAY_MS } from '../durations.ts';
import type { RecoveryPointsAssessment } from '../policy/recovery-points/assessment.ts';
import type { EvidenceLevel, Standing } from '../policy/standing.ts';
import type { SuccessSummary } from '../policy/success.ts';
import type { Engine } from './engine.ts';
import { measure, type MeasureInput } from './measure.ts';
import { readPrunes, type PruneFacts } from './catalog/prune-facts.ts';
import { successOf } from './success.ts';
import { sharedAmong } from './catalog/shared-bytes.ts';
import { runsUntil, storedBytesOf, type Survey, type SurveyedBackup } from './catalog/survey.ts';

/** The newest proof at one level. */
export interface LastProof {
  readonly level: Exclude<EvidenceLevel, 'presence'>;
  readonly id: string;
  readonly at: Date;
  /** How many backups were proven so. */
  readonly backups: number;
}

export interface SourceStatus extends Omit<SourceAssessment, 'measures'> {
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
  /** What of it stands once for several backups, and for how many; undefined where nothing does. */
  readonly shared: { readonly bytes: number; readonly backups: number } | undefined;
  readonly success: SuccessSummary;
}

export interface StoreStatus extends Omit<StoreAssessment, 'measures'> {
  readonly url: string;
}

export interface Status {
  readonly at: Date;
  readonly verdict: Verdict;
  /** True when nothing alarms, and everything that has a schedule was backed up once. */
  readonly well: boolean;
  /** Those that are configured in their order, then those that only the store knows. */
  readonly sources: readonly SourceStatus[];
  readonly store: StoreStatus;
  /** Undefined where AWS Backup protects nothing, or nobody asked it. */
  readonly recoveryPoints?: RecoveryPointsAssessment | undefined;
}

/** Growth is that of so long a time. */
const GROWTH_OVER_MS = 90 * DAY_MS;

/** How everything stands at the engine's time. Reads manifests and records, never archives; changes nothing. */
export async function statusOf(engine: Engine, input: MeasureInput): Promise<Status> {
  const { facts, surveys } = await measure(engine, input);
  const { at } = facts;
  const samples = await capacitySamples(engine, [...surveys.keys()], at);
  const { sources, store, ...judged } = assess({ ...facts, store: { ...facts.store, samples } });
  const shown: SourceStatus[] = [];
  for (const one of sources) {
    const survey = surveys.get(one.source);
    if (survey === undefined) throw new Error(`${one.source} was judged and not looked at`);
    const { failed = [] } = facts.sources.find(({ source }) => source === one.source) ?? {};
    const success = await successOf(engine, one.source, at, failed);
    shown.push({ ...sourceStatus(one, survey, at), success });
  }
  return { ...judged, sources: shown, store: storeStatus(engine.store.url, store) };
}

function storeStatus(url: string, { verdict, findings, capacity }: StoreAssessment): StoreStatus {
  return { url, verdict, findings, capacity };
}

function sourceStatus(
  { source, configured, verdict, findings, freshness, restoreTest }: SourceAssessment,
  survey: Survey,
  at: Date,
): Omit<SourceStatus, 'success'> {
  const { backups } = survey;
  const newest = runsUntil(backups, at).at(-1);
  return {
    ...{ source, configured, verdict, findings, freshness, restoreTest },
    proofs: proofsOf(backups),
    newest: newest && { id: newest.id, standing: newest.standing, why: newest.why },
    database: databaseIn(backups.find(({ id }) => id === freshness.newestGoodId)),
    backups: countStandings(backups),
    pinned: backups.filter(({ pinnedBy }) => pinnedBy.length > 0).map(({ id }) => id),
    unfinished: survey.orphans.length,
    storedBytes: storedBytesOf(survey),
    shared: sharedAmong(backups),
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
        .map(({ at, readAt = at }) => ({ id, at: readAt })),
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

/** What the store held whenever a prune looked at one of its sources, as soon as each had been looked at once. */
async function capacitySamples(
  engine: Engine,
  sources: readonly string[],
  now: Date,
): Promise<CapacitySample[]> {
  const since = new Date(now.getTime() - GROWTH_OVER_MS);
  const seen: (PruneFacts & { readonly source: string })[] = [];
  for (const source of sources) {
    const prunes = await readPrunes(engine, source, since);
    seen.push(...prunes.map((prune) => ({ source, ...prune })));
  }
  seen.sort((a, b) => a.at.getTime() - b.at.getTime());
  const known = new Map<string, number>();
  const expected = new Set(seen.map(({ source }) => source)).size;
  return seen.flatMap(({ source, at, storedBytes }) => {
    if (storedBytes === undefined) return [];
    known.set(source, storedBytes);
    if (known.size < expected) return [];
    return { at, storedBytes: known.values().reduce((sum, bytes) => sum + bytes, 0) };
  });
}
