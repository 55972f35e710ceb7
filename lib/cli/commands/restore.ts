// `holdfast restore`: a backup, an archive found alone, or some paths of either, to a new folder or over one in use.
import { stat } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { resolveBackup } from '../../engine/catalog.ts';
import { restoreBackup, type RestoreOptions, type RestoreReport } from '../../engine/restore.ts';
import { ERRORS, HoldfastError } from '../../errors.ts';
import { displayPath, displayText } from '../../format/paths.ts';
import { problemLines } from '../problems.ts';
import type { Invocation } from '../program.ts';
import { openSession, type Session } from '../session.ts';
import { Terminal } from '../terminal.ts';
import { bytesText, counted, durationText } from '../units.ts';

export interface RestoreCommandOptions {
  readonly to?: string;
  readonly inPlace?: boolean;
  readonly delete?: boolean;
  readonly allowUncommitted?: boolean;
  readonly dryRun?: boolean;
  readonly owner?: boolean;
  readonly verify: boolean;
  readonly skipDamaged?: boolean;
  /** True: what the configuration lists; otherwise one command. */
  readonly run?: readonly string[];
  readonly runConfigured?: boolean;
}

export async function run(
  [name = '', ...paths]: string[],
  invocation: Invocation<RestoreCommandOptions>,
): Promise<number> {
  const { options, signal } = invocation;
  const terminal = new Terminal({ json: options.json === true, quiet: options.quiet === true });
  if (await isArchive(name)) {
    const { restoreArchiveFile } = await import('./restore-archive-file.ts');
    return restoreArchiveFile(name, paths, { ...invocation, terminal });
  }
  if (options.inPlace === true) {
    const { restoreOver } = await import('./restore-in-place.ts');
    return restoreOver(name, paths, { ...invocation, terminal });
  }
  const to = targetOf(options);
  await using session = await openSession({ options, signal, onProgress: terminal.progress });
  const backup = await resolveBackup(session.engine, name);
  terminal.start(`restoring ${backup.source}/${backup.id}`);
  const report = await restoreBackup(session.engine, backup, {
    ...restoreOptions(paths, to, options),
    commands: commandsOf(options, session, backup.source),
  });
  terminal.stop();
  sayRestored(terminal, report);
  terminal.document({ command: 'restore', ...report });
  return exitOf(report);
}

/** A file at that path is meant before any backup of that name. */
async function isArchive(name: string): Promise<boolean> {
  if (!/\.(tar\.gz|tgz|tar\.zst|tar)$/.test(name)) return false;
  try {
    return (await stat(name)).isFile();
  } catch (cause) {
    throw new HoldfastError('BACKUP_NOT_FOUND', `there is no archive ${displayText(name)}`, {
      cause,
    });
  }
}

export function targetOf(options: RestoreCommandOptions): string {
  if (options.to !== undefined) return path.resolve(process.cwd(), options.to);
  throw new HoldfastError('USAGE', 'restore needs to know where to', {
    hint: 'Pass --to FOLDER, which must not exist yet, or --in-place to restore over the source itself.',
  });
}

export function restoreOptions(
  paths: readonly string[],
  to: string,
  options: RestoreCommandOptions,
): RestoreOptions {
  return {
    paths,
    to,
    owners: options.owner === true,
    verify: options.verify,
    skipDamaged: options.skipDamaged === true,
    commands: options.run ?? [],
    environment: process.env,
  };
}

/** What `--run` names, and what the configuration lists when asked for. */
export function commandsOf(
  options: RestoreCommandOptions,
  session: Session,
  source: string,
): readonly string[] {
  const configured = session.config?.sources.find((one) => one.name === source)?.afterRestore ?? [];
  return [...(options.runConfigured === true ? configured : []), ...(options.run ?? [])];
}

export function sayRestored(terminal: Terminal, report: RestoreReport): void {
  const { source, id, to, files, bytes, durationMs, differences, problems } = report;
  terminal.line(
    `${terminal.paint('green', 'restored')}  ${displayText(source)}/${id}  ${counted(files, 'file')}, ${bytesText(bytes)} in ${durationText(durationMs)}`,
  );
  terminal.line(`  to ${displayText(to)}`);
  if (differences !== undefined) terminal.line('  read back: every entry is what was backed up');
  for (const line of problemLines(problems)) terminal.warn(line);
  sayHazards(terminal, report.hazards);
  sayCommands(terminal, report.commands);
}

export function sayHazards(terminal: Terminal, hazards: RestoreReport['hazards']): void {
  for (const { path: where, detail } of hazards.slice(0, 20)) terminal.warn(`${where}: ${detail}`);
  if (hazards.length > 20) terminal.warn(`… and ${hazards.length - 20} more to look at`);
}

export function sayCommands(terminal: Terminal, commands: RestoreReport['commands']): void {
  for (const { command, exitCode, durationMs, output } of commands) {
    const outcome = exitCode === 0 ? 'done' : `failed with exit code ${exitCode ?? 'none'}`;
    terminal.line(`  ${displayText(command)}: ${outcome} in ${durationText(durationMs)}`);
    if (exitCode !== 0)
      for (const line of output.trimEnd().split('\n').slice(-20)) terminal.warn(displayText(line));
  }
}

export function exitOf({
  problems,
  commands,
}: Pick<RestoreReport, 'problems' | 'commands'>): number {
  if (problems.length > 0) return ERRORS.BACKUP_DAMAGED.exit;
  return commands.every(({ exitCode }) => exitCode === 0) ? 0 : ERRORS.COMMAND_FAILED.exit;
}

/** Byte strings for people, a few of them. */
export function someEntries(entries: readonly string[], most = 20): string[] {
  const shown = entries.slice(0, most).map(displayPath);
  return entries.length > most ? [...shown, `… and ${entries.length - most} more`] : shown;
}
