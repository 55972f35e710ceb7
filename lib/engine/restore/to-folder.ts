// Restoring a backup to a new folder: verified member by member, compared afterwards, and visible only when all is well.
import { HoldfastError, type Problem } from '../../errors.ts';
import type {
  Compared,
  Difference,
  OpenBackup,
  Owners,
  RestoreResult,
} from '../../sources/source.ts';
import { openBackup } from '../catalog/backups.ts';
import { commandFacts, runCommands, type CommandResult } from './commands.ts';
import { kindOf, workOf, type Engine, type Workbench } from '../engine.ts';
import { findHazards, type Hazard } from '../../sources/tree/hazards.ts';
import { lackingIn } from './lacking.ts';
import { leftOutOf } from './left-out.ts';
import { makeFolder } from './new-folder.ts';
import { tryRecord, type Recorded } from '../catalog/records.ts';

export interface RestoreOptions {
  /** Byte strings without a closing slash, relative to the source; empty for everything. */
  readonly paths: readonly string[];
  /** An absolute folder that does not exist, or is empty. */
  readonly to: string;
  readonly owners: Owners;
  /** Read everything back and compare it with what was recorded. */
  readonly verify: boolean;
  /** Go on when entries are damaged, and restore the others. */
  readonly skipDamaged: boolean;
  /** Run in the restored folder, in a shell, with this environment. */
  readonly commands: readonly string[];
  readonly environment: Readonly<NodeJS.ProcessEnv>;
}

export interface RestoreReport extends RestoreResult, Recorded {
  readonly source: string;
  readonly id: string;
  readonly to: string;
  /** What reading everything back found; undefined when it was not done. */
  readonly differences: readonly Difference[] | undefined;
  /** What of the restored folder could not be read back, and so is not proven to be right. */
  readonly unread: readonly Problem[];
  /** What is there and should be looked at. */
  readonly hazards: readonly Hazard[];
  readonly commands: readonly CommandResult[];
  /** What of the source is not in the backup, such as files that hold secrets. */
  readonly leftOut: readonly Problem[];
  /** What a partial backup lacks of what was wanted, and the configuration does not tolerate; empty for one that is whole. */
  readonly lacking: readonly Problem[];
  readonly durationMs: number;
}

/**
 * Restores a backup, or some of its paths, to a new folder, and records it.
 *
 * `BACKUP_DAMAGED` when entries are damaged and not to be skipped, `RESTORE_DIFFERS` when what is read back is not what was
 * recorded, `NO_SPACE` when the target is full: nothing is left at the target then. A command that fails afterwards is in the
 * report; the restored folder stays.
 */
export async function restoreBackup(
  engine: Engine,
  { source, id }: { source: string; id: string },
  options: RestoreOptions,
): Promise<RestoreReport> {
  const begin = engine.now();
  const act = { verb: 'restore', source, subject: id, begin } as const;
  const report = await openBackup(engine, source, id)
    .then((backup) => restoreOpened(engine, backup, options))
    .catch(async (error: unknown) => {
      // What went wrong is what the user must see, whether or not the store takes a record of it.
      await tryRecord(engine, {
        ...act,
        verdict: 'failed',
        problems: [failure(error)],
        facts: { to: options.to },
      });
      throw error;
    });
  const { files, bytes, commands, unkept } = report;
  const problems = [...report.problems, ...unkept.problems, ...report.lacking];
  const failed = commands.some(({ exitCode }) => exitCode !== 0);
  const recorded = await tryRecord(engine, {
    ...act,
    verdict: problems.some(counts) || failed ? 'partial' : 'done',
    problems,
    facts: {
      to: options.to,
      paths: options.paths.slice(0, 100),
      files,
      bytes,
      verified: options.verify,
      commands: commandFacts(commands),
      unread: report.unread.length,
      ownersNotKept: unkept.owners,
    },
  });
  return { ...report, ...recorded };
}

/** Restores a backup that is open already, from a store or from an archive alone; leaves no record. */
export async function restoreOpened(
  bench: Workbench,
  backup: OpenBackup,
  options: RestoreOptions,
): Promise<RestoreReport> {
  const begin = bench.now();
  const { source, id } = backup.manifest;
  const result = await makeFolder(options.to, bench.random(), (folder) =>
    fill(bench, backup, folder, options),
  );
  const { to: folder, commands: wanted, environment } = options;
  const commands = await runCommands(wanted, { folder, environment, signal: bench.signal });
  const durationMs = bench.now().getTime() - begin.getTime();
  return {
    source,
    id,
    to: folder,
    ...result,
    commands,
    leftOut: leftOutOf(backup.manifest, options.paths),
    lacking: lackingIn(backup.manifest, options.paths),
    durationMs,
    record: undefined,
    unrecorded: undefined,
  };
}

function failure(error: unknown): Problem {
  return {
    path: '',
    code: error instanceof HoldfastError ? error.code : 'UNEXPECTED',
    detail: error instanceof Error ? error.message : String(error),
  };
}

type Filled = RestoreResult & Pick<RestoreReport, 'differences' | 'unread' | 'hazards'>;

async function fill(
  bench: Workbench,
  backup: OpenBackup,
  into: string,
  options: RestoreOptions,
): Promise<Filled> {
  const { paths, owners } = options;
  const kind = await kindOf(bench, backup.manifest.kind);
  const restored = await kind.restore(backup, { ...workOf(bench), paths, into, owners });
  if (restored.problems.length > 0 && !options.skipDamaged) {
    throw new HoldfastError('BACKUP_DAMAGED', listDamage(restored.problems), {
      hint: '`holdfast repair` may find the same content in another backup; --skip-damaged restores the rest.',
    });
  }
  const back = options.verify
    ? await readBack(bench, backup, into, { options, restored })
    : { differences: undefined, unread: [], unkept: restored.unkept };
  return { ...restored, ...back, hazards: findHazards(into) };
}

async function readBack(
  bench: Workbench,
  backup: OpenBackup,
  folder: string,
  { options, restored }: { options: RestoreOptions; restored: RestoreResult },
): Promise<Pick<Filled, 'differences' | 'unread' | 'unkept'>> {
  const { paths, owners } = options;
  const work = workOf(bench);
  const kind = await kindOf(bench, backup.manifest.kind);
  const compared = await kind.compare(backup, { ...work, folder, paths, owners, times: true });
  const known = new Set(restored.problems.map(({ path }) => path));
  // What is damaged was said to be missing.
  const found = compared.differences.filter(
    ({ path, change }) => change !== 'missing' || !known.has(path),
  );
  const differences = found.filter(({ change }) => !KEPT_OTHERWISE.includes(change));
  if (differences.length > 0) {
    const [first] = differences;
    throw new HoldfastError(
      'RESTORE_DIFFERS',
      `${differences.length} entries are not what was backed up, first ${first?.path ?? ''}: ${first?.change ?? ''}, expected ${first?.expected ?? ''}, found ${first?.found ?? ''}`,
      {
        hint: 'The target may not keep what was written: a file system that ignores case, or a failing disk.',
      },
    );
  }
  return {
    differences,
    unread: compared.problems.filter(counts),
    unkept: unkeptOf(found, compared, restored),
  };
}

/** What stands there says more than what was refused, but not why. */
function unkeptOf(
  found: readonly Difference[],
  { unkept }: Compared,
  restored: RestoreResult,
): RestoreResult['unkept'] {
  const otherwise = found
    .filter(({ change }) => KEPT_OTHERWISE.includes(change))
    .map(({ path, change, expected, found: is }) => ({
      path,
      code: change,
      detail: `is ${is} instead of ${expected}: the target did not take it`,
    }));
  return { ...unkept, problems: [...unkept.problems, ...otherwise, ...unseenOf(restored)] };
}

/** What a file system may have in another way, or not at all, while every byte is what it was. */
const KEPT_OTHERWISE: readonly string[] = ['mode', 'owner', 'time'];

/** What could not be kept and no comparison shows: that names of one file are copies now. */
export function unseenOf({ unkept }: RestoreResult): Problem[] {
  return unkept.problems.filter(({ code }) => !KEPT_OTHERWISE.includes(code));
}

function counts({ tolerated }: Problem): boolean {
  return tolerated !== true;
}

function listDamage(problems: readonly Problem[]): string {
  const first = problems.slice(0, 5).map(({ path, detail }) => `${path} (${detail})`);
  const more = problems.length > 5 ? ` and ${problems.length - 5} more` : '';
  return `${problems.length} entries could not be restored: ${first.join(', ')}${more}`;
}
