// Restore tests: a backup is restored to a scratch folder and compared, entry by entry, with what was recorded. Always removed.
import fs from 'node:fs/promises';
import path from 'node:path';
import { HoldfastError, type Problem } from '../errors.ts';
import type { Facts } from '../format/record.ts';
import type { Difference, LiveSource, OpenBackup } from '../sources/source.ts';
import { openBackup, type ReadBackup } from './catalog/backups.ts';
import { removeTree } from '../sources/tree/remove-tree.ts';
import { kindOf, workOf, type Engine } from './engine.ts';
import { tryRecord, type Recorded } from './catalog/records.ts';

export interface RestoreTestResult extends Recorded {
  readonly source: string;
  readonly id: string;
  readonly verdict: 'proven' | 'damaged' | 'inconclusive';
  readonly files: number;
  readonly bytes: number;
  readonly problems: readonly Problem[];
  /** From the first byte read to the last compared; what a restore of this backup takes here. */
  readonly restoreMs: number;
  readonly durationMs: number;
  /** What else is known of the test; by kind of source. */
  readonly facts: Facts;
  /** How the backup compares with its source as it is now; undefined when that was not asked for. */
  readonly live: LiveComparison | undefined;
}

/** A spot check against the source: it has moved on since, so some difference is expected. */
export interface LiveComparison {
  readonly entries: number;
  readonly differing: number;
  /** The largest share of entries that may differ, from 0 to 1. */
  readonly tolerance: number;
  readonly within: boolean;
  /** The first of the differences. */
  readonly differences: readonly Difference[];
}

export interface RestoreTestOptions {
  /** What is asked of what was restored, for kinds that can be asked. */
  readonly checks?: readonly string[];
  readonly live?: { readonly source: LiveSource; readonly tolerance: number } | undefined;
}

const SHOWN_DIFFERENCES = 20;

/** Restores a backup to a scratch folder, compares, removes it, and writes the evidence. */
export async function restoreTest(
  engine: Engine,
  { source, id }: { source: string; id: string },
  options: RestoreTestOptions = {},
): Promise<RestoreTestResult> {
  const begin = engine.now();
  const backup = await openBackup(engine, source, id);
  const tested = await testOf(engine, backup, options.checks ?? []);
  const live = options.live && (await compareWithLive(engine, backup, options.live));
  const recorded = await tryRecord(engine, {
    verb: 'restore-test',
    source,
    subject: id,
    begin,
    verdict: tested.verdict,
    problems: tested.problems,
    facts: {
      files: tested.files,
      bytes: tested.bytes,
      restoreMs: tested.restoreMs,
      ...tested.facts,
      manifest: backup.digest,
      ...(live !== undefined && {
        live: { entries: live.entries, differing: live.differing, tolerance: live.tolerance },
      }),
    },
  });
  const durationMs = engine.now().getTime() - begin.getTime();
  return { source, id, ...tested, durationMs, live, ...recorded };
}

async function compareWithLive(
  engine: Engine,
  backup: OpenBackup,
  { source, tolerance }: NonNullable<RestoreTestOptions['live']>,
): Promise<LiveComparison> {
  const work = workOf(engine);
  const compared = await source.compareLive(backup, { ...work, place: undefined });
  // A time alone changes with every checkout and says nothing of content.
  const differences = compared.differences.filter(({ change }) => change !== 'time');
  const differing = new Set(differences.map((one) => one.path)).size;
  const within = differing <= tolerance * Math.max(1, compared.entries);
  const shown = differences.slice(0, SHOWN_DIFFERENCES);
  return { entries: compared.entries, differing, tolerance, within, differences: shown };
}

type Tested = Omit<RestoreTestResult, 'source' | 'id' | 'durationMs' | 'live' | keyof Recorded>;

/** A kind that tries out its backups itself does so; the others are restored to a folder that is compared. */
async function testOf(
  engine: Engine,
  backup: OpenBackup & ReadBackup,
  checks: readonly string[],
): Promise<Tested> {
  const { tryOut } = await kindOf(engine, backup.manifest.kind);
  if (tryOut === undefined) return tryInFolder(engine, backup);
  const begin = engine.now();
  try {
    const { scratch } = engine;
    const input = { ...workOf(engine), scratch, checks, now: () => engine.now() };
    const { damage, unclear, notes, ...tried } = await tryOut(backup, input);
    const verdict = damage.length > 0 ? 'damaged' : unclear.length > 0 ? 'inconclusive' : 'proven';
    const told = notes.map((note) => ({ ...note, tolerated: true }));
    return { ...tried, verdict, problems: [...damage, ...unclear, ...told] };
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code === 'CANCELLED') throw error;
    return failed(error, engine.now().getTime() - begin.getTime());
  }
}

async function tryInFolder(engine: Engine, backup: OpenBackup & ReadBackup): Promise<Tested> {
  const kind = await kindOf(engine, backup.manifest.kind);
  const work = workOf(engine);
  const begin = engine.now();
  const scratch = path.join(engine.scratch, `holdfast-restore-test-${engine.random()}`);
  const folder = path.join(scratch, 'restored');
  try {
    await fs.mkdir(folder, { mode: 0o700, recursive: true });
  } catch (error) {
    return failed(error, 0);
  }
  try {
    const restored = await kind.restore(backup, {
      ...work,
      paths: [],
      into: folder,
      owners: 'aside',
    });
    const restoreMs = engine.now().getTime() - begin.getTime();
    const compared = await kind.compare(backup, {
      ...work,
      folder,
      paths: [],
      owners: 'aside',
      times: true,
    });
    const unwritten = restored.problems.filter(({ code }) => code !== 'damaged');
    const lacking = new Set(unwritten.map((problem) => problem.path));
    const differences = compared.differences.filter((one) => !lacking.has(one.path));
    const problems = [...restored.problems, ...differences.map(problemOf)];
    const verdict = verdictOf(problems, [...unwritten, ...compared.problems]);
    const { files, bytes } = restored;
    return {
      verdict,
      files,
      bytes,
      problems: [...problems, ...compared.problems.filter(counts)],
      restoreMs,
      facts: {},
    };
  } catch (error) {
    if (!(error instanceof HoldfastError) && (error as NodeJS.ErrnoException).code === undefined)
      throw error;
    if (error instanceof HoldfastError && error.code === 'CANCELLED') throw error;
    return failed(error, engine.now().getTime() - begin.getTime());
  } finally {
    removeTree(scratch);
  }
}

function counts(problem: Problem): boolean {
  return problem.tolerated !== true;
}

/**
 * What the scratch place could not take, keep or show proves nothing, for or against the backup: what could not be written, and
 * modes, owners and times that a file system has in another way, or not at all.
 */
function verdictOf(found: readonly Problem[], unshown: readonly Problem[]): Tested['verdict'] {
  const unclear = new Set(unshown.filter(counts));
  const damage = found.filter((one) => !unclear.has(one) && !KEPT_OTHERWISE.includes(one.code));
  if (damage.length > 0) return 'damaged';
  return found.length + unclear.size > 0 ? 'inconclusive' : 'proven';
}

const KEPT_OTHERWISE: readonly string[] = ['mode', 'owner', 'time', 'unreadable'];

function problemOf({ path: where, change, expected, found }: Difference): Problem {
  return { path: where, code: change, detail: `expected ${expected}, found ${found}` };
}

function failed(error: unknown, restoreMs: number): Tested {
  const known = error instanceof HoldfastError ? error.code : undefined;
  const code = known ?? (error as NodeJS.ErrnoException).code ?? 'UNEXPECTED';
  const detail = error instanceof Error ? error.message : String(error);
  const damaged =
    known === 'BACKUP_DAMAGED' || known === 'BACKUP_NOT_FOUND' || known === 'PATH_UNSAFE';
  return {
    verdict: damaged ? 'damaged' : 'inconclusive',
    files: 0,
    bytes: 0,
    problems: [{ path: '', code, detail }],
    restoreMs,
    facts: {},
  };
}
