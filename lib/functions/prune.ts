// What `prune` does: the policy of each source in turn; one that fails does not keep the others from being protected.
import { moveTerms } from '../config/storage-class.ts';
import { intervalOf, schedulesOf } from '../config/objectives.ts';
import { listStored } from '../engine/catalog/backups.ts';
import { pruneSource, type PruneResult } from '../engine/prune.ts';
import { HoldfastError, type Problem } from '../errors.ts';
import type { Invocation } from './invocation.ts';
import { errorFields } from './logger.ts';
import { firstProblems } from './reports.ts';

export interface PrunedSource {
  readonly source: string;
  readonly kept: number;
  readonly released: readonly string[];
  /** How many are marked for a class where storage costs less; absent without any. */
  readonly longKept?: number;
  /** Why nothing was released. */
  readonly held?: string;
  readonly problems: readonly Problem[];
}

export interface PruneReport {
  readonly sources: readonly PrunedSource[];
  /** In the store, and not in the configuration: no policy says that anything of them may go, and nothing does. */
  readonly notConfigured: readonly string[];
}

/** Throws what the first source failed with, when all were tried. */
export async function pruneAll(invocation: Invocation): Promise<PruneReport> {
  const { engine, config, log } = invocation;
  const pruned: PrunedSource[] = [];
  const failures: HoldfastError[] = [];
  const schedules = schedulesOf(config);
  for (const source of config.sources) {
    try {
      const result = await pruneSource(engine, source.name, {
        policy: source.retention,
        intervalMs: intervalOf(source, engine.now()),
        schedules,
        dryRun: false,
        lockDays: config.aws?.lockDays,
        moving: config.aws && moveTerms(config.aws),
      });
      pruned.push(reportOf(result));
    } catch (error) {
      if (!(error instanceof HoldfastError) || error.code === 'CANCELLED') throw error;
      log.error(`${source.name} was not pruned`, errorFields(error));
      failures.push(error);
    }
  }
  const [first] = failures;
  if (first !== undefined) throw first;
  const known = new Set(config.sources.map(({ name }) => name));
  const stored = new Set((await listStored(engine)).map(({ source }) => source));
  return { sources: pruned, notConfigured: [...stored].filter((source) => !known.has(source)) };
}

function reportOf({
  source,
  keep,
  release,
  longKept = [],
  held,
  problems,
}: PruneResult): PrunedSource {
  return {
    source,
    kept: keep.length,
    released: release.map(({ id }) => id),
    ...(longKept.length > 0 && { longKept: longKept.length }),
    ...(held !== undefined && { held }),
    problems: firstProblems(problems),
  };
}
