// How reliably the runs of a source succeed: from what they left in the store, and from what prunes say of those that are gone.
import pMap from 'p-map';
import { HoldfastError } from '../errors.ts';
import { DAY_MS } from '../durations.ts';
import { summarizeRuns, type RunOutcome, type SuccessSummary } from '../policy/success.ts';
import {
  isAboutOneFile,
  listStored,
  READ_AT_ONCE,
  readManifest,
  timeOf,
  type StoredBackup,
} from './catalog/backups.ts';
import type { Engine } from './engine.ts';
import type { FailedRun } from '../policy/facts.ts';
import { failedRuns } from './catalog/failed-runs.ts';
import { readPrunes } from './catalog/prune-facts.ts';

/** Over how long runs are summed up. */
const SUCCESS_WINDOW_MS = 30 * DAY_MS;

/** What a source's runs of the last 30 days came to. Those that failed are read, unless they are known. */
export async function successOf(
  engine: Engine,
  source: string,
  now: Date,
  known?: readonly FailedRun[],
): Promise<SuccessSummary> {
  const since = new Date(now.getTime() - SUCCESS_WINDOW_MS);
  const failed = known ?? (await failedRuns(engine, source, since));
  const runs = [
    ...(await runsPresent(engine, source, since)),
    ...(await runsGone(engine, source, since)),
    ...failed.map(({ id, begin }) => ({ id, begin, outcome: 'failed' as const })),
  ];
  return summarizeRuns(runs, SUCCESS_WINDOW_MS, now);
}

/** Repairs and safety backups are no runs of the source: they say nothing about how reliably it is backed up. */
function isRun(id: string): boolean {
  return !/-(repair|safety)$/.test(id);
}

async function runsPresent(engine: Engine, source: string, since: Date): Promise<RunOutcome[]> {
  const stored = await listStored(engine, source);
  const recent = stored.filter(({ id }) => isRun(id) && timeOf(id) >= since);
  const look = (one: StoredBackup) => outcomeOf(engine, one);
  const outcomes = await pMap(recent, look, { concurrency: READ_AT_ONCE });
  return recent.flatMap(({ id }, index) => {
    const outcome = outcomes[index];
    return outcome === undefined ? [] : [{ id, begin: timeOf(id), outcome }];
  });
}

async function outcomeOf(
  engine: Engine,
  { manifest }: StoredBackup,
): Promise<RunOutcome['outcome'] | undefined> {
  if (manifest === undefined) return undefined;
  try {
    const read = await readManifest(engine, manifest);
    if (read.distrust !== undefined && !engine.trustAnyone) return undefined;
    return read.manifest.status;
  } catch (error) {
    // It ran, and what it left cannot be used: whatever it was, it was no success.
    if (error instanceof HoldfastError && isAboutOneFile(error)) return 'failed';
    throw error;
  }
}

/**
 * Without the runs whose backups were released since, a source that keeps few would look as if it hardly ever succeeded; without those
 * whose backups somebody deleted, as if there had never been any. Nothing is left of what these made: they were no success.
 */
async function runsGone(engine: Engine, source: string, since: Date): Promise<RunOutcome[]> {
  const prunes = await readPrunes(engine, source, since);
  const stored = await listStored(engine, source);
  const present = new Set(
    stored.filter(({ manifest }) => manifest !== undefined).map(({ id }) => id),
  );
  const outcomes = new Map<string, RunOutcome['outcome']>();
  for (const { kept, missing, accepted } of prunes)
    for (const id of [...kept, ...missing, ...accepted]) outcomes.set(id, 'failed');
  for (const { id, reason } of prunes.flatMap(({ released }) => released))
    outcomes.set(id, reason === 'unwanted' ? 'complete' : 'partial');
  return [...outcomes]
    .filter(([id]) => isRun(id) && !present.has(id))
    .map(([id, outcome]) => ({ id, begin: timeOf(id), outcome }));
}
