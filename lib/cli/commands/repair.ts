// `holdfast repair`: a damaged backup made whole again from what other backups hold, as a new backup.
import { resolveBackup } from '../../engine/catalog/backups.ts';
import { repairBackup, type RepairResult } from '../../engine/repair.ts';
import { verifyBackup, type VerifyResult } from '../../engine/verify.ts';
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
  say(terminal, result, verify?.verdict);
  terminal.document({ command: 'repair', ...result, ...(verify && { verify }) });
  const isProven = verify === undefined || verify.verdict === 'proven';
  return result.lost.length === 0 && isProven ? 0 : ERRORS.BACKUP_DAMAGED.exit;
});

function say(
  terminal: Terminal,
  { source, id, repaired, already, healed, lost }: RepairResult,
  verdict: VerifyResult['verdict'] | undefined,
): void {
  if (repaired === undefined) {
    terminal.done(`${source}/${id} is whole; there is nothing to repair`);
    return;
  }
  const isWhole = lost.length === 0 && verdict === 'proven';
  const tell = (text: string) => {
    if (isWhole) terminal.done(text);
    else terminal.line(text);
  };
  const rest = lost.length > 0 && verdict === 'proven' ? '; the rest is intact' : '';
  tell(
    already
      ? `${source}/${id} is already repaired by ${source}/${repaired}${lost.length > 0 ? `, ${lost.length} lost${rest}` : ''}`
      : `${source}/${id} → ${source}/${repaired}: ${counted(healed.length, 'entry', 'entries')} healed, ${lost.length} lost${rest}`,
  );
  for (const { path, from } of healed.slice(0, SHOWN))
    terminal.done(`  healed: ${path}, from ${from}`);
  if (healed.length > SHOWN) terminal.done(`  … and ${healed.length - SHOWN} more`);
  for (const path of lost.slice(0, SHOWN)) terminal.warn(`lost: ${path}: no other backup holds it`);
  if (lost.length > SHOWN) terminal.warn(`… and ${lost.length - SHOWN} more`);
  const it = already ? 'it' : 'the new backup';
  if (isWhole) terminal.done(`  ${it} is proven`);
  else if (verdict !== 'proven') terminal.warn(`${it} is ${verdict ?? 'unproven'}`);
}
