// Restoring a backup to a running service, such as a database: what is there is saved first, and every act leaves a record.
import { HoldfastError, type Problem } from '../../errors.ts';
import type { RestoredToService, Source } from '../../sources/source.ts';
import { backupSource } from '../backup.ts';
import { openBackup } from '../catalog/backups.ts';
import { kindOf, workOf, type Engine } from '../engine.ts';
import { lackingIn } from './lacking.ts';
import { tryRecord, type Recorded } from '../catalog/records.ts';
import { testedFacts } from '../tested.ts';
import { verifyBackup } from '../verify.ts';

export interface ServiceRestoreOptions {
  /** A secret. */
  readonly target: string;
  readonly targetFrom: string;
  /** In words of the kind, such as tables; empty for everything. */
  readonly parts: readonly string[];
  readonly replace: boolean;
  readonly prepare: boolean;
  readonly apart?: boolean;
  readonly dryRun?: boolean;
  readonly owners?: boolean;
  readonly privileges?: boolean;
  readonly properties?: boolean;
  readonly checks: readonly string[];
}

export interface ServiceRestoreReport extends RestoredToService, Recorded {
  readonly source: string;
  readonly id: string;
  /** The target, without what is secret in it. */
  readonly to: string;
  /** What a partial backup lacks, and the configuration does not tolerate. */
  readonly lacking: readonly Problem[];
  readonly durationMs: number;
}

/**
 * Restores a backup to a service and records it; what is there is backed up, and that backup verified, before it is replaced. A dry
 * run leaves no record.
 *
 * `USAGE` when backups of this kind restore to folders alone; otherwise what `RestoreToService.restore` throws.
 */
export async function restoreToService(
  engine: Engine,
  { source, id }: { source: string; id: string },
  options: ServiceRestoreOptions,
): Promise<ServiceRestoreReport> {
  const begin = engine.now();
  const backup = await openBackup(engine, source, id);
  const { service, kind } = await kindOf(engine, backup.manifest.kind);
  if (service === undefined) {
    throw new HoldfastError(
      'USAGE',
      `${source}/${id} is a backup of ${kind}, which is restored to a folder`,
      { hint: 'Pass --to FOLDER.' },
    );
  }
  // What a dump lacks is not told by table.
  const lacking = lackingIn(backup.manifest, []);
  const to = service.label(options.target, options.targetFrom);
  const tested = await testedFacts(engine, { source, id });
  const work = {
    ...workOf(engine),
    ...options,
    tested,
    save: (what: Source) => saveFirst(engine, what),
  };
  if (options.dryRun === true) {
    const planned = await service.restore(backup, work);
    const durationMs = engine.now().getTime() - begin.getTime();
    return {
      source,
      id,
      to,
      lacking,
      ...planned,
      record: undefined,
      unrecorded: undefined,
      durationMs,
    };
  }
  const act = { verb: 'restore', source, subject: id, begin } as const;
  try {
    const done = await service.restore(backup, work);
    const { differences, bytes, entries, saved } = done;
    const recorded = await tryRecord(engine, {
      ...act,
      verdict: differences.length + lacking.length > 0 ? 'partial' : 'done',
      problems: [...differences, ...lacking],
      facts: { to, entries, bytes, ...done.facts, ...(saved !== undefined && { saved }) },
    });
    const durationMs = engine.now().getTime() - begin.getTime();
    return { source, id, to, lacking, ...done, ...recorded, durationMs };
  } catch (error) {
    // What went wrong is what the user must see, whether or not the store takes a record of it.
    const problems = [problemOf(error)];
    await tryRecord(engine, { ...act, verdict: 'failed', problems, facts: { to } });
    throw error;
  }
}

async function saveFirst(engine: Engine, source: Source): Promise<string> {
  const trigger = { kind: 'safety', at: engine.now() } as const;
  const made = await backupSource(engine, source, { trigger, full: true });
  const { verdict, problems } = await verifyBackup(engine, made, 'content');
  if (verdict === 'proven') return `${made.source}/${made.id}`;
  throw new HoldfastError(
    'BACKUP_DAMAGED',
    `the safety backup ${made.source}/${made.id} is ${verdict}, so nothing was replaced: ${problems[0]?.detail ?? ''}`,
  );
}

function problemOf(error: unknown): Problem {
  return {
    path: '',
    code: error instanceof HoldfastError ? error.code : 'UNEXPECTED',
    detail: error instanceof Error ? error.message : String(error),
  };
}
