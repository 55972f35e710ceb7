// Applies the retention policy: protects what is kept, says why in a record, then releases what nothing wants.
import pMap from 'p-map';
import { HoldfastError, type Problem } from '../errors.ts';
import type { Facts } from '../format/record.ts';
import { leastBytes, longStay, type MoveTerms } from '../policy/long-kept.ts';
import { NOT_GOOD_KEPT_MS, type RetentionPolicy } from '../policy/retention-policy.ts';
import { keepReasonText } from '../policy/retention-reasons.ts';
import type { Schedule } from '../policy/schedule.ts';
import { keyedAt, type StoredBackup } from './catalog/backups.ts';
import { assertClock } from './catalog/clock.ts';
import { signerOf, throwIfCancelled, type Engine } from './engine.ts';
import { assertOurs } from './catalog/marker.ts';
import { decide, protectedUntil, type PruneDecision } from './prune-decision.ts';
import { missingBackups } from './catalog/missing.ts';
import { lastPrune, readPrunes, releasedAndListed } from './catalog/prune-facts.ts';
import { acceptedOf, carried, idOf, lossFacts } from './prune-losses.ts';
import { writeRecord } from './catalog/records.ts';
import { lastSeen, schedulesFact } from './catalog/schedules-seen.ts';
import { storedBytesOf, surveySource, type Survey, type SurveyedBackup } from './catalog/survey.ts';

export interface PruneOptions {
  readonly policy: RetentionPolicy;
  /** The longest interval of the source's schedule; undefined when it has none. */
  readonly intervalMs: number | undefined;
  /** The schedules of all configured sources, by name; undefined values for those without. Recorded, as nothing else tells when they changed. */
  readonly schedules?: ReadonlyMap<string, Schedule | undefined>;
  /** Decide and say, and release nothing. */
  readonly dryRun: boolean;
  /** The id of the backup that this run has made: it is not released. */
  readonly justMade?: string | undefined;
  /** For how many days from now on the store is to lock what is kept; undefined for a store without locks. */
  readonly lockDays?: number | undefined;
  /** By which terms what is kept for long is marked, for the store to move it; undefined where that is not wanted. */
  readonly moving?: MoveTerms | undefined;
  /** The ids of missing backups whose loss somebody accepts: they are not looked for again. */
  readonly acceptMissing?: readonly string[] | undefined;
}

export interface PruneResult {
  readonly source: string;
  readonly dryRun: boolean;
  readonly keep: readonly {
    readonly id: string;
    readonly standing: string;
    readonly bytes: number;
    readonly reasons: readonly string[];
  }[];
  readonly release: readonly {
    readonly id: string;
    readonly standing: string;
    readonly bytes: number;
    readonly reason: string;
  }[];
  /** Artifacts of runs that never became a backup. */
  readonly orphans: readonly {
    readonly id: string;
    readonly bytes: number;
    readonly released: boolean;
  }[];
  /** How much less the store holds without what goes: what is kept may share bytes with it. */
  readonly freedBytes: number;
  /** The ids of those that are marked as kept for long; absent where nothing is to be moved. */
  readonly longKept?: readonly string[];
  /** Why nothing is released, or undefined. */
  readonly held: string | undefined;
  /** The ids of backups that should be there and are not. */
  readonly missing: readonly string[];
  /** The ids of those whose loss was accepted now. */
  readonly accepted: readonly string[];
  readonly problems: readonly Problem[];
  readonly record: string | undefined;
}

/**
 * Applies the policy to one source. The caller holds the lock of a folder store: two prunes at once would count differently.
 *
 * `STORE_CONFLICT` when the store is another system's, `CLOCK_SKEW` when this clock cannot be trusted, `UNTRUSTED` without a key to
 * sign the record with, `USAGE` for the loss of a backup that is not missing.
 */
export async function pruneSource(
  engine: Engine,
  source: string,
  options: PruneOptions,
): Promise<PruneResult> {
  const begin = engine.now();
  if (!options.dryRun) {
    signerOf(engine);
    await assertClock(engine);
  }
  await assertOurs(engine);
  const survey = await surveySource(engine, source);
  const { policy, intervalMs, justMade, dryRun, lockDays, moving } = options;
  const last = await lastPrune(engine, source);
  const gone = await missingBackups(engine, survey, last);
  const { accepted, missing } = acceptedOf(source, gone, options.acceptMissing);
  const before = await releasedAndListed(engine, survey, last);
  const input = { policy, intervalMs, justMade, now: begin };
  const decided = decide({ ...input, backups: survey.backups, released: before });
  const unnamed = [...survey.orphans, ...survey.leftovers];
  const released = await releasedBefore(engine, source, unnamed);
  const due = new Set(unnamed.filter((one) => isDue(one, begin, released)));
  const problems = [...survey.problems, ...missing, ...ignored(decided), ...unexpected(decided)];
  const toMark = moving === undefined ? [] : longKept(decided, policy, moving, begin);
  const result = {
    source,
    dryRun,
    keep: decided.keep.map(({ backup, reasons }) => ({
      ...line(backup),
      reasons: reasons.map(keepReasonText),
    })),
    release: decided.release.map(({ backup, reason }) => ({ ...line(backup), reason })),
    orphans: unnamed.map((one) => ({
      id: one.id,
      bytes: bytesOf(one),
      released: due.has(one) && !dryRun,
    })),
    freedBytes: freedBytes(engine, survey, { decided, due }),
    ...(moving !== undefined && { longKept: [...new Set(toMark.map(({ id }) => id))] }),
    held: decided.held?.detail,
    missing: missing.map(idOf),
    accepted,
    problems,
  };
  if (dryRun) return { ...result, record: undefined };
  if (lockDays !== undefined) await protectKept(engine, decided, protectedUntil(begin, lockDays));
  const { schedules } = options;
  const seen = schedules && (await lastSeen(engine, schedules.keys()));
  // The record is written before anything is released: where a backup is gone, the reason can be found.
  const record = await writeRecord(engine, {
    verb: 'prune',
    source,
    subject: 'policy',
    begin,
    verdict: 'done',
    problems,
    facts: {
      ...factsOf(decided, policy),
      ...lossFacts({ missing: carried({ last, missing, decided, accepted }), accepted }),
      storedBytes: storedBytesOf(survey),
      ...(schedules && { schedules: schedulesFact(seen, schedules, begin) }),
    },
  });
  await letGo(engine, decided);
  for (const one of due) await releaseKeys(engine, one);
  for (const { key } of toMark) {
    throwIfCancelled(engine);
    await engine.store.markLongKept?.(key);
  }
  return { ...result, record };
}

/** What was released before is gone only where a release deletes at once, and is not there to be released again elsewhere. */
function freedBytes(
  { store }: Engine,
  survey: Survey,
  { decided, due }: { decided: PruneDecision; due: ReadonlySet<StoredBackup> },
): number {
  const deletes = store.isReleased === undefined && decided.held === undefined;
  const gone = new Set([
    ...decided.release.map(({ backup }) => backup),
    ...(deletes ? decided.goneBefore : []),
  ]);
  const stays = (one: StoredBackup) => !due.has(one);
  const left = {
    backups: survey.backups.filter((backup) => !gone.has(backup)),
    orphans: survey.orphans.filter(stays),
    leftovers: survey.leftovers.filter(stays),
  };
  return storedBytesOf(survey) - storedBytesOf(left);
}

async function letGo(engine: Engine, decided: PruneDecision): Promise<void> {
  for (const { backup } of decided.release) await release(engine, backup);
  for (const backup of decided.held === undefined ? decided.goneBefore : []) {
    // What is covered already, the store has released.
    if (backup.hidden.length === 0) await release(engine, backup);
  }
}

function line({ id, standing, storedBytes }: SurveyedBackup): {
  id: string;
  standing: string;
  bytes: number;
} {
  return { id, standing, bytes: storedBytes };
}

function factsOf(decided: PruneDecision, policy: RetentionPolicy): Facts {
  return {
    policy: { ...policy },
    kept: decided.keep.map(({ backup, reasons }) => ({
      id: backup.id,
      manifest: backup.digest,
      reasons: reasons.map(keepReasonText),
    })),
    released: decided.release.map(({ backup, reason }) => ({
      id: backup.id,
      manifest: backup.digest,
      reason,
    })),
    ...(decided.held !== undefined && { held: decided.held.detail }),
  };
}

/** Requests under way at once: each takes its time, and a store may hold thousands of objects. */
const PROTECTED_AT_ONCE = 8;

/** Before anything is recorded or released: who stops this run leaves every lock as long as it was. */
async function protectKept(engine: Engine, { keep }: PruneDecision, until: Date): Promise<void> {
  const objects = keep.flatMap(({ backup: { manifest } }) => [manifest, ...manifest.artifacts]);
  const extend = async ({ key }: { key: string }) => {
    throwIfCancelled(engine);
    await protect(engine, key, until);
  };
  await pMap(objects, extend, { concurrency: PROTECTED_AT_ONCE });
}

async function protect(engine: Engine, key: string, until: Date): Promise<void> {
  try {
    await engine.store.protect(key, until);
  } catch (error) {
    // The backup lacks it, and is known to be damaged: the others must be protected all the same.
    if (!(error instanceof HoldfastError) || error.code !== 'BACKUP_NOT_FOUND') throw error;
  }
}

/**
 * The artifacts that it pays to move: of good backups that nothing but a month, a year or a pin keeps. Manifests are read every quarter
 * of an hour, and stay. Nothing while something is in doubt.
 */
function longKept(
  { keep, held }: PruneDecision,
  policy: RetentionPolicy,
  terms: MoveTerms,
  now: Date,
): { id: string; key: string }[] {
  if (held !== undefined) return [];
  return keep.flatMap(({ backup: { id, standing, manifest }, reasons }) => {
    const stay = standing === 'good' ? longStay(reasons, policy, now, terms) : undefined;
    const least = stay && leastBytes(stay);
    if (least === undefined) return [];
    return manifest.artifacts.filter(({ bytes }) => bytes >= least).map(({ key }) => ({ id, key }));
  });
}

/** The manifest goes first: from then on nothing lists the backup, and what is left are artifacts that the next run releases. */
async function release(engine: Engine, backup: SurveyedBackup): Promise<void> {
  throwIfCancelled(engine);
  await engine.store.release(backup.manifest.key);
  for (const { key } of backup.manifest.artifacts) await engine.store.release(key);
}

async function releaseKeys(engine: Engine, stored: StoredBackup): Promise<void> {
  throwIfCancelled(engine);
  for (const { key } of stored.artifacts) await engine.store.release(key);
}

/** When the backups were released whose artifacts are still there: a run that was killed did not come to them. */
async function releasedBefore(
  engine: Engine,
  source: string,
  unnamed: readonly StoredBackup[],
): Promise<ReadonlyMap<string, Date>> {
  const stored = unnamed.flatMap(({ artifacts }) => artifacts.map((one) => +keyedAt(one)));
  if (stored.length === 0) return new Map();
  const prunes = await readPrunes(engine, source, new Date(Math.min(...stored)));
  return new Map(prunes.flatMap(({ at, released }) => released.map(({ id }) => [id, at] as const)));
}

/** Artifacts without a manifest may belong to a run under way, unless a record says that their backup was released. */
function isDue(stored: StoredBackup, now: Date, released: ReadonlyMap<string, Date>): boolean {
  const releasedAt = released.get(stored.id)?.getTime() ?? 0;
  return stored.artifacts.every((artifact) => {
    const time = keyedAt(artifact).getTime();
    return time <= releasedAt || now.getTime() - time > NOT_GOOD_KEPT_MS;
  });
}

function bytesOf(stored: StoredBackup): number {
  return stored.artifacts.reduce((sum, { bytes }) => sum + bytes, 0);
}

/** What somebody else has done, or is about to do, to what is kept. */
function unexpected({ keep, wantedAgain }: PruneDecision): Problem[] {
  const hidden = keep.flatMap(({ backup }) =>
    backup.hidden.map((key) => ({
      path: key,
      code: 'covered',
      detail: 'a delete marker or a later version covers it, and the policy keeps it',
    })),
  );
  const again = wantedAgain.map(({ source, id }) => ({
    path: `${source}/${id}`,
    code: 'released-but-wanted',
    detail:
      'it was released before, and is wanted again: undo its release before the store deletes it',
  }));
  return [...hidden, ...again];
}

function ignored(decided: PruneDecision): Problem[] {
  return decided.ignored.map(({ backup, reason }) => ({
    path: `${backup.source}/${backup.id}`,
    code: reason,
    detail:
      reason === 'future'
        ? 'its id is from the future; it takes no part'
        : (backup.distrust ?? 'it cannot be trusted'),
  }));
}
