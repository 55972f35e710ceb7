// `holdfast repair`: a damaged backup made whole again from what other backups hold, as a new backup.
import { resolveBackup } from '../../engine/catalog/backups.ts';
import { repairBackup, type RepairResult } from '../../engine/repair.ts';
import { verifyBackup } from '../../engine/verify.ts';
import { ERRORS } from '../../errors.ts';
import { telling } from '../telling.ts';
import { openSession } from '../session.ts';
import { Terminal } from '../output/terminal.ts';
import { counted } from '../output/units.ts';

const SHOWN = 20;

export const run = telling('repair', async ([name = ''], { options, signal }) => {
  const terminal = new Terminal({ json: options.json === true, quiet: options.quiet === true });
  await using session = await openSession({
    options,
    signal,
    onProgress: terminal.progress,
    store: 'marked',
  });
  const { engine } = session;
  const backup = await resolveBackup(engine, name);
  terminal.start(`repairing ${backup.source}/${backup.id}`);
  const result = await repairBackup(engine, backup);
  const { source, repaired } = result;
  const verify =
    repaired === undefined
      ? undefined
      : await verifyBackup(engine, { source, id: repaired }, 'digest');
  terminal.stop();
  say(terminal, result);
  if (verify?.verdict === 'proven') terminal.done('  the new backup is proven');
  else if (verify !== undefined) terminal.warn(`the new backup is ${verify.verdict}`);
  terminal.document({ command: 'repair', ...result, ...(verify && { verify }) });
  return result.lost.length > 0 ? ERRORS.BACKUP_DAMAGED.exit : 0;
});

function say(terminal: Terminal, { source, id, repaired, healed, lost }: RepairResult): void {
  if (repaired === undefined) {
    terminal.done(`${source}/${id} is whole; there is nothing to repair`);
    return;
  }
  terminal.done(
    `${source}/${id} → ${source}/${repaired}: ${counted(healed.length, 'entry', 'entries')} healed, ${lost.length} lost`,
  );
  for (const { path, from } of healed.slice(0, SHOWN))
    terminal.done(`  healed: ${path}, from ${from}`);
  if (healed.length > SHOWN) terminal.done(`  … and ${healed.length - SHOWN} more`);
  for (const path of lost.slice(0, SHOWN)) terminal.warn(`lost: ${path}: no other backup holds it`);
  if (lost.length > SHOWN) terminal.warn(`… and ${lost.length - SHOWN} more`);
}
