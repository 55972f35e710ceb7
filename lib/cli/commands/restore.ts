// `holdfast restore`: a backup, an archive found alone, or some paths of either, to a new folder or over one in use; and what AWS
// Backup holds, to a new resource.
import { stat } from 'node:fs/promises';
import { openBackup } from '../../engine/catalog/backups.ts';
import { kindOf } from '../../engine/engine.ts';
import { restoreBackup } from '../../engine/restore/to-folder.ts';
import { HoldfastError } from '../../errors.ts';
import { displayText } from '../../format/paths.ts';
import type { Invocation } from '../invocation.ts';
import { isDatabase } from '../restore/database-target.ts';
import {
  backupToRestore,
  commandsOf,
  exitOf,
  folderFor,
  meantPaths,
  missingTarget,
  restoreOptions,
  sayRestored,
  type RestoreCommandOptions,
} from '../restore/restoring.ts';
import { configOf, openSession } from '../session.ts';
import { sayLacking } from '../output/left-out.ts';
import { Terminal } from '../output/terminal.ts';

export async function run(
  [name = '', ...paths]: string[],
  invocation: Invocation<RestoreCommandOptions>,
): Promise<number> {
  const { options, signal } = invocation;
  const terminal = new Terminal({ json: options.json === true, quiet: options.quiet === true });
  const config = mayBeRecoveryPoint(name, options) ? configOf(options) : undefined;
  if (config !== undefined) {
    const { isRecoveryPoint, restoreRecoveryPoint } = await import('../restore/recovery-point.ts');
    if (isRecoveryPoint(name, config))
      return restoreRecoveryPoint(name, { ...invocation, terminal, config });
  }
  if (await isArchive(name)) {
    const { restoreArchiveFile } = await import('../restore/archive-file.ts');
    return restoreArchiveFile(name, paths, { ...invocation, terminal });
  }
  if (options.inPlace === true) {
    const { restoreOver } = await import('./restore-in-place.ts');
    return restoreOver(name, paths, { ...invocation, terminal });
  }
  if (isDatabase(options.to)) {
    const { restoreToDatabase } = await import('../restore/to-database.ts');
    return restoreToDatabase(name, paths, { ...invocation, terminal });
  }
  const to = folderFor(options);
  await using session = await openSession({
    options,
    signal,
    signing: 'optional',
    onProgress: terminal.progress,
  });
  const backup = await backupToRestore(session.engine, name, options);
  const opened = () => openBackup(session.engine, backup.source, backup.id);
  if (to === undefined)
    throw missingTarget(await kindOf(session.engine, (await opened()).manifest.kind));
  terminal.start(`restoring ${backup.source}/${backup.id}`);
  const note = (text: string) => terminal.note(text);
  const meant =
    paths.length === 0 ? [] : await meantPaths(session, await opened(), paths, { note });
  const report = await restoreBackup(session.engine, backup, {
    ...restoreOptions(meant, to, options),
    commands: commandsOf(options, session, backup.source),
  });
  terminal.stop();
  sayRestored(terminal, report);
  await sayLacking(terminal, report, session.engine);
  terminal.document({ command: 'restore', ...report });
  return exitOf(report);
}

/** What is neither a path nor a backup by its whole name. */
function mayBeRecoveryPoint(name: string, { inPlace }: RestoreCommandOptions): boolean {
  return inPlace !== true && (name.startsWith('arn:') || /^[a-z][a-z0-9-]*$/.test(name));
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
