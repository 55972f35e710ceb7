// Restore tests: a backup is restored to a scratch folder and compared, entry by entry, with what was recorded. Always removed.
import fs from 'node:fs/promises';
import path from 'node:path';
import { HoldfastError, type Problem } from '../errors.ts';
import type { Difference } from '../sources/source.ts';
import { openBackup, type ReadBackup } from './catalog.ts';
import { kindOf, workOf, type Engine } from './engine.ts';
import { writeRecord } from './records.ts';
import type { OpenBackup } from '../sources/source.ts';

export interface RestoreTestResult {
  readonly source: string;
  readonly id: string;
  readonly verdict: 'proven' | 'damaged' | 'inconclusive';
  readonly files: number;
  readonly bytes: number;
  readonly problems: readonly Problem[];
  /** From the first byte read to the last compared; what a restore of this backup takes here. */
  readonly restoreMs: number;
  readonly durationMs: number;
  readonly record: string | undefined;
}

/** Restores a backup to a scratch folder, compares, removes it, and writes the evidence. */
export async function restoreTest(
  engine: Engine,
  { source, id }: { source: string; id: string },
): Promise<RestoreTestResult> {
  const begin = engine.now();
  const backup = await openBackup(engine, source, id);
  const tested = await tryOut(engine, backup);
  const record = await writeRecord(engine, {
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
      manifest: backup.digest,
    },
  });
  const durationMs = engine.now().getTime() - begin.getTime();
  return { source, id, ...tested, durationMs, record };
}

type Tested = Omit<RestoreTestResult, 'source' | 'id' | 'durationMs' | 'record'>;

async function tryOut(engine: Engine, backup: OpenBackup & ReadBackup): Promise<Tested> {
  const kind = kindOf(engine, backup.manifest.kind);
  const work = workOf(engine);
  const begin = engine.now();
  const scratch = path.join(engine.scratch, `holdfast-restore-test-${engine.random()}`);
  await fs.mkdir(scratch, { mode: 0o700, recursive: true });
  const folder = path.join(scratch, 'restored');
  try {
    await fs.mkdir(folder, { mode: 0o700 });
    const restored = await kind.restore(backup, {
      ...work,
      paths: [],
      into: folder,
      owners: false,
    });
    const restoreMs = engine.now().getTime() - begin.getTime();
    const compared = await kind.compare(backup, {
      ...work,
      folder,
      paths: [],
      owners: false,
      times: true,
    });
    const problems = [...restored.problems, ...compared.differences.map(problemOf)];
    const verdict = verdictOf(problems, compared.problems);
    const { files, bytes } = restored;
    return {
      verdict,
      files,
      bytes,
      problems: [...problems, ...compared.problems.filter(counts)],
      restoreMs,
    };
  } catch (error) {
    if (!(error instanceof HoldfastError) && (error as NodeJS.ErrnoException).code === undefined)
      throw error;
    if (error instanceof HoldfastError && error.code === 'CANCELLED') throw error;
    return failed(error, engine.now().getTime() - begin.getTime());
  } finally {
    await fs.rm(scratch, { recursive: true, force: true });
  }
}

function counts(problem: Problem): boolean {
  return problem.tolerated !== true;
}

/** What the scratch place could not show proves nothing, for or against the backup. */
function verdictOf(found: readonly Problem[], unread: readonly Problem[]): Tested['verdict'] {
  if (found.some(({ code }) => code !== 'unreadable')) return 'damaged';
  return found.length + unread.filter(counts).length > 0 ? 'inconclusive' : 'proven';
}

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
  };
}
