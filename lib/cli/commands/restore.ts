// `holdfast restore`: a backup, or some paths of it, to a new folder.
import path from 'node:path';
import process from 'node:process';
import { resolveBackup } from '../../engine/catalog.ts';
import { restoreBackup, type RestoreReport } from '../../engine/restore.ts';
import { ERRORS, HoldfastError } from '../../errors.ts';
import { problemLines } from '../problems.ts';
import type { Invocation } from '../program.ts';
import { openSession } from '../session.ts';
import { Terminal } from '../terminal.ts';
import { bytesText, counted, durationText } from '../units.ts';

interface Options {
  readonly to?: string;
  readonly owner?: boolean;
  readonly verify: boolean;
  readonly skipDamaged?: boolean;
}

export async function run(
  [name = '', ...paths]: string[],
  { options, signal }: Invocation<Options>,
): Promise<number> {
  const terminal = new Terminal({ json: options.json === true, quiet: options.quiet === true });
  if (options.to === undefined) {
    throw new HoldfastError('USAGE', 'restore needs to know where to', {
      hint: 'Pass --to FOLDER; it must not exist yet.',
    });
  }
  await using session = await openSession({ options, signal, onProgress: terminal.progress });
  const backup = await resolveBackup(session.engine, name);
  terminal.start(`restoring ${backup.source}/${backup.id}`);
  const report = await restoreBackup(session.engine, backup, {
    paths,
    to: path.resolve(process.cwd(), options.to),
    owners: options.owner === true,
    verify: options.verify,
    skipDamaged: options.skipDamaged === true,
  });
  terminal.stop();
  say(terminal, report);
  terminal.document({ command: 'restore', ...report });
  return report.problems.length > 0 ? ERRORS.BACKUP_DAMAGED.exit : 0;
}

function say(terminal: Terminal, report: RestoreReport): void {
  const { source, id, to, files, bytes, durationMs, differences, hazards, problems } = report;
  terminal.line(
    `${terminal.paint('green', 'restored')}  ${source}/${id}  ${counted(files, 'file')}, ${bytesText(bytes)} in ${durationText(durationMs)}`,
  );
  terminal.line(`  to ${to}`);
  if (differences !== undefined) terminal.line('  read back: every entry is what was backed up');
  for (const line of problemLines(problems)) terminal.warn(line);
  for (const { path: where, detail } of hazards.slice(0, 20)) terminal.warn(`${where}: ${detail}`);
}
