// The one look at a system: everything that its judgment needs, read from the store, and nothing judged.
import { isSafety } from '../format/ids.ts';
import { MARKER_KEY, parseBackupKey, parseRecordKey } from '../format/layout.ts';
import { DAY_MS } from '../durations.ts';
import type { BackupSeen, Facts, SourceFacts, StoreFacts } from '../policy/facts.ts';
import type { RecoveryPointFacts } from '../policy/recovery-points/facts.ts';
import type { Objectives } from '../policy/objectives.ts';
import type { RestoreTestRun } from '../policy/restore-tests.ts';
import type { RetentionPolicy } from '../policy/retention-policy.ts';
import { longestIntervalMs } from '../policy/schedule.ts';
import { keyedAt } from './catalog/backups.ts';
import type { Engine } from './engine.ts';
import { recordedRuns } from './catalog/failed-runs.ts';
import { decide, type PruneDecision } from './prune-decision.ts';
import { missingBackups } from './catalog/missing.ts';
import { lastPrune, releasedAndListed } from './catalog/prune-facts.ts';
import { soonestLockEnd, type LockedUntil } from './catalog/locks.ts';
import { readRecords } from './catalog/records.ts';
import { repairedBy } from './catalog/repairs.ts';
import { configuredSince, lastSeen, type SeenConfiguration } from './catalog/schedules-seen.ts';
import { bytesOnce, surveySource, type Survey, type SurveyedBackup } from './catalog/survey.ts';

/** What is promised of a source, and what is kept of it. */
export interface Promised extends Objectives {
  /** Undefined where nothing says what is kept: then everything counts that the store holds. */
  readonly policy?: RetentionPolicy | undefined;
}

export interface MeasureInput {
  /** By the names of the sources, in the order in which to report. */
  readonly objectives: ReadonlyMap<string, Promised>;
  readonly capacityBytes: number | undefined;
  /** Only these; empty for all. */
  readonly sources?: readonly string[];
  /**
   * Whether an object waits to be deleted because it was released, and undefined when that cannot be seen. No function for a store that
   * deletes at once.
   */
  readonly isReleased?: ((key: string) => Promise<boolean | undefined>) | undefined;
  /**
   * The locks that a stack gives to what it stores, and extends.
   * @default - none
   */
  readonly locks?: { readonly days: number; readonly lockedUntil: LockedUntil } | undefined;
  /** For how many months content that was verified is not verified again. @default 1 */
  readonly contentMonths?: number | undefined;
  /** As in the facts. @default - nobody asked */
  readonly unconfirmed?: readonly string[] | undefined;
  /** @default untried */
  readonly keys?: StoreFacts['keys'];
  /**
   * Since when a store without a marker counts as this system's.
   * @default - nobody knows
   */
  readonly unmarkedSince?: Date | undefined;
  /** What AWS Backup holds. @default - nobody asked */
  readonly recoveryPoints?: RecoveryPointFacts | undefined;
}

export interface Measured {
  readonly facts: Facts;
  /** The surveys behind the facts, without what was released and only waits to be deleted. */
  readonly surveys: ReadonlyMap<string, Survey>;
}

/** Older restore tests say nothing about today. */
const TESTS_LOOK_BACK_MS = 400 * DAY_MS;
/** Older failures do not matter either. */
const FAILURES_LOOK_BACK_MS = 30 * DAY_MS;

/** Looks at every source that is configured or that the store knows. Reads manifests and records, never archives; changes nothing. */
export async function measure(engine: Engine, input: MeasureInput): Promise<Measured> {
  const at = engine.now();
  const skewMs = at.getTime() - (await engine.store.now()).getTime();
  const { storedBytes, firstSeen, markedAt = input.unmarkedSince } = await lookThrough(engine);
  const wanted = input.sources ?? [];
  const selections = input.recoveryPoints?.selections ?? [];
  for (const { promise } of selections) firstSeen.delete(promise.selection);
  const names = [...new Set([...input.objectives.keys(), ...[...firstSeen.keys()].sort()])];
  const configuration = await lastSeen(engine, names);
  const surveys = new Map<string, Survey>();
  const sources: SourceFacts[] = [];
  for (const source of names) {
    if (wanted.length > 0 && !wanted.includes(source)) continue;
    const { facts, survey } = await measureSource(engine, {
      source,
      at,
      promised: input.objectives.get(source),
      knownSince: configuredSince(
        source,
        { firstTrace: firstSeen.get(source), markedAt },
        configuration,
      ),
      configuration,
      isReleased: input.isReleased,
      lockedUntil: input.locks?.lockedUntil,
    });
    sources.push(facts);
    surveys.set(source, survey);
  }
  const { capacityBytes, locks, contentMonths = 1, unconfirmed, keys = 'untried' } = input;
  const lockDays = locks?.days;
  const known = { capacityBytes, lockDays, contentMonths, unconfirmed, keys };
  const store = { storedBytes, samples: [], skewMs, ...known };
  return { facts: { at, sources, store, recoveryPoints: input.recoveryPoints }, surveys };
}

interface Seen {
  readonly storedBytes: number;
  /** When the first object about each source was stored. */
  readonly firstSeen: Map<string, Date>;
  /** Since when the store is a system's; undefined while nobody has claimed it. */
  readonly markedAt: Date | undefined;
}

async function lookThrough(engine: Engine): Promise<Seen> {
  let storedBytes = 0;
  let markedAt: Date | undefined;
  const firstSeen = new Map<string, Date>();
  const selections = new Set<string>();
  const withBackups = new Set<string>();
  const counted = new Set<string>();
  for await (const object of engine.store.list('')) {
    const { key, storedAt } = object;
    storedBytes += bytesOnce(object, counted);
    if (key === MARKER_KEY) markedAt = storedAt;
    const record = parseRecordKey(key);
    const backup = parseBackupKey(key);
    const source = backup?.source ?? record?.source;
    if (source === undefined) continue;
    if (record?.verb === 'recovery-point') selections.add(source);
    if (backup !== undefined) withBackups.add(source);
    const first = firstSeen.get(source);
    if (first === undefined || storedAt < first) firstSeen.set(source, storedAt);
  }
  // What is protected by AWS Backup has records as a source has them, and never a backup.
  for (const name of selections) if (!withBackups.has(name)) firstSeen.delete(name);
  return { storedBytes, firstSeen, markedAt };
}

interface SourceInput {
  readonly source: string;
  readonly at: Date;
  readonly promised: Promised | undefined;
  readonly knownSince: Date | undefined;
  readonly configuration: SeenConfiguration | undefined;
  readonly isReleased: MeasureInput['isReleased'];
  readonly lockedUntil: LockedUntil | undefined;
}

async function measureSource(
  engine: Engine,
  { source, at, promised, knownSince, configuration, isReleased, lockedUntil }: SourceInput,
): Promise<{ facts: SourceFacts; survey: Survey }> {
  const ago = (ms: number) => new Date(at.getTime() - ms);
  const whole = await surveySource(engine, source);
  const last = await lastPrune(engine, source);
  const released = await releasedAndListed(engine, whole, last);
  const decision = promised && decideNow(promised, whole, released, at);
  const gone = new Set((decision?.goneBefore ?? []).map(({ id }) => id));
  const survey = { ...whole, backups: whole.backups.filter(({ id }) => !gone.has(id)) };
  const facts: SourceFacts = {
    source,
    objectives: promised,
    knownSince,
    scheduleSeen: configuration?.schedules && {
      at: configuration.at,
      last: configuration.schedules.get(source),
    },
    backups: survey.backups.map(backupSeen),
    unfinished: survey.orphans.map(({ id, artifacts }) => ({
      id,
      storedAt: artifacts.map(keyedAt),
    })),
    ...(await recordedRuns(engine, source, ago(FAILURES_LOOK_BACK_MS))),
    restoreTests: await restoreTests(engine, source, ago(TESTS_LOOK_BACK_MS)),
    problems: survey.problems.map((problem) => ({
      ...problem,
      code: problem.code === 'untrusted' ? 'untrusted' : 'unreadable',
    })),
    missing: await missingBackups(engine, whole, last),
    releasedButWanted: await releasedButWanted(decision, isReleased),
    prunedAt: last?.at,
    soonestLockEnd:
      lockedUntil &&
      (await soonestLockEnd(decision?.keep.map(({ backup }) => backup) ?? [], lockedUntil)),
  };
  return { facts, survey };
}

function decideNow(
  { policy, schedule }: Promised,
  { backups }: Survey,
  released: ReadonlySet<string>,
  now: Date,
): PruneDecision | undefined {
  const intervalMs = schedule && longestIntervalMs(schedule, now);
  return policy && decide({ backups, released, policy, intervalMs, now });
}

function backupSeen(backup: SurveyedBackup): BackupSeen {
  const { id, manifest, distrust, hidden } = backup;
  const { begin, end, totals, problems } = manifest;
  return {
    ...backup,
    isSafety: isSafety(id),
    isTrusted: distrust === undefined,
    repairs: repairedBy(backup),
    anomalies: problems
      .filter(({ code }) => code.startsWith('anomaly-'))
      .map(({ path, detail }) => (path === '' ? detail : `${path}: ${detail}`)),
    isHidden: hidden.length > 0,
    entries: totals.entries,
    durationMs: Date.parse(end) - Date.parse(begin),
  };
}

/** The restore tests of a source that a trusted key vouches for, oldest first. */
async function restoreTests(
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

/** What the store is about to delete although the policy keeps it: because it changed its mind, or because somebody else tagged it. */
async function releasedButWanted(
  decision: PruneDecision | undefined,
  isReleased: MeasureInput['isReleased'],
): Promise<readonly string[] | undefined> {
  if (decision === undefined || isReleased === undefined) return [];
  const ids: string[] = [];
  for (const { backup, reasons } of decision.keep) {
    // What merely waits for the next run is nothing that anybody wants.
    if (reasons.every(({ rule }) => rule === 'held' || rule === 'deferred')) continue;
    const { key, artifacts } = backup.manifest;
    const answers = await Promise.all([key, ...artifacts.map((one) => one.key)].map(isReleased));
    if (answers.includes(undefined)) return undefined;
    if (answers.includes(true)) ids.push(backup.id);
  }
  return ids;
}
