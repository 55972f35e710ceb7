// Applies the retention policy: says why each backup is kept, records it, then lets go of what nothing wants.
import type { Problem } from '../errors.ts';
import type { Facts } from '../format/record.ts';
import { applyRetention, type RetentionResult } from '../policy/retention.ts';
import { NOT_GOOD_KEPT_MS, type RetentionPolicy } from '../policy/retention-policy.ts';
import { keepReasonText } from '../policy/retention-reasons.ts';
import type { StoredBackup } from './catalog.ts';
import { assertClock } from './clock.ts';
import { signerOf, throwIfCancelled, type Engine } from './engine.ts';
import { assertOurs } from './marker.ts';
import { lastPrune, missingSincePrune, readPrunes } from './prune-facts.ts';
import { writeRecord } from './records.ts';
import { storedBytesOf, surveySource, type SurveyedBackup } from './survey.ts';

export interface PruneOptions {
  readonly policy: RetentionPolicy;
  /** The longest interval of the source's schedule; undefined when it has none. */
  readonly intervalMs: number | undefined;
  /** Decide and say, and release nothing. */
  readonly dryRun: boolean;
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
  /** Why nothing is released, or undefined. */
  readonly held: string | undefined;
  readonly problems: readonly Problem[];
  readonly record: string | undefined;
}

/**
 * Applies the policy to one source. The caller holds the lock of a folder store: two prunes at once would count differently.
 *
 * `STORE_CONFLICT` when the store is another system's, `CLOCK_SKEW` when this clock cannot be trusted, `UNTRUSTED` without a key to
 * sign the record with.
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
  const { policy, intervalMs, dryRun } = options;
  const decided = applyRetention(survey.backups, policy, begin, { intervalMs });
  const unnamed = [...survey.orphans, ...survey.leftovers];
  const released = await releasedBefore(engine, source, unnamed);
  const orphans = unnamed.map((one) => ({ one, due: isDue(one, begin, released) }));
  const problems = [
    ...survey.problems,
    ...missingSincePrune(survey, await lastPrune(engine, source)),
    ...ignored(decided),
  ];
  const result = {
    source,
    dryRun,
    keep: decided.keep.map(({ backup, reasons }) => ({
      ...line(backup),
      reasons: reasons.map(keepReasonText),
    })),
    release: decided.release.map(({ backup, reason }) => ({ ...line(backup), reason })),
    orphans: orphans.map(({ one, due }) => ({
      id: one.id,
      bytes: bytesOf(one),
      released: due && !dryRun,
    })),
    held: decided.held?.detail,
    problems,
  };
  if (dryRun) return { ...result, record: undefined };
  // The record comes first: whoever finds a backup gone also finds why.
  const record = await writeRecord(engine, {
    verb: 'prune',
    source,
    subject: 'policy',
    begin,
    verdict: 'done',
    problems,
    facts: { ...factsOf(decided, policy), storedBytes: storedBytesOf(survey) },
  });
  for (const { backup } of decided.release) await release(engine, backup);
  for (const { one, due } of orphans) if (due) await releaseKeys(engine, one);
  return { ...result, record };
}

function line({ id, standing, storedBytes }: SurveyedBackup): {
  id: string;
  standing: string;
  bytes: number;
} {
  return { id, standing, bytes: storedBytes };
}

function factsOf(decided: RetentionResult<SurveyedBackup>, policy: RetentionPolicy): Facts {
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

/** The manifest goes first: from then on nothing lists the backup, and what is left are artifacts that the next run lets go. */
async function release(engine: Engine, backup: SurveyedBackup): Promise<void> {
  throwIfCancelled(engine);
  await engine.store.release(backup.manifest.key);
  for (const { key } of backup.manifest.artifacts) await engine.store.release(key);
}

async function releaseKeys(engine: Engine, stored: StoredBackup): Promise<void> {
  throwIfCancelled(engine);
  for (const { key } of stored.artifacts) await engine.store.release(key);
}

/** When the backups were let go whose artifacts are still there: a run that was killed did not come to them. */
async function releasedBefore(
  engine: Engine,
  source: string,
  unnamed: readonly StoredBackup[],
): Promise<ReadonlyMap<string, Date>> {
  const stored = unnamed.flatMap(({ artifacts }) => artifacts.map(({ storedAt }) => +storedAt));
  if (stored.length === 0) return new Map();
  const prunes = await readPrunes(engine, source, new Date(Math.min(...stored)));
  return new Map(prunes.flatMap(({ at, released }) => released.map(({ id }) => [id, at] as const)));
}

/** Artifacts without a manifest may belong to a run under way, unless a record says that their backup was let go. */
function isDue(stored: StoredBackup, now: Date, released: ReadonlyMap<string, Date>): boolean {
  const releasedAt = released.get(stored.id)?.getTime() ?? 0;
  return stored.artifacts.every(({ storedAt }) => {
    const time = storedAt.getTime();
    return time <= releasedAt || now.getTime() - time > NOT_GOOD_KEPT_MS;
  });
}

function bytesOf(stored: StoredBackup): number {
  return stored.artifacts.reduce((sum, { bytes }) => sum + bytes, 0);
}

function ignored(decided: RetentionResult<SurveyedBackup>): Problem[] {
  return decided.ignored.map(({ backup, reason }) => ({
    path: `${backup.source}/${backup.id}`,
    code: reason,
    detail:
      reason === 'future'
        ? 'its id is from the future; it takes no part'
        : (backup.distrust ?? 'it cannot be trusted'),
  }));
}
