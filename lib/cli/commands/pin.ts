// `holdfast pin`: keeps a backup for good.
import { resolveBackup } from '../../engine/catalog/backups.ts';
import { pinBackup } from '../../engine/pin.ts';
import type { Invocation } from '../invocation.ts';
import { openSession, requireConfig } from '../session.ts';
import { Terminal } from '../output/terminal.ts';

export async function run(
  [name = '']: string[],
  { options, signal }: Invocation<{ note?: string }>,
): Promise<number> {
  const terminal = new Terminal({ json: options.json === true, quiet: options.quiet === true });
  await using session = await openSession({ options, signal, store: 'marked' });
  requireConfig(session);
  const { source, id } = await resolveBackup(session.engine, name);
  const { outcome, record } = await pinBackup(session.engine, { source, id }, options.note ?? '');
  terminal.done(
    outcome === 'already'
      ? `${source}/${id} is pinned already`
      : `${terminal.paint('green', 'pinned')}  ${source}/${id}  no retention policy releases it now`,
  );
  terminal.document({ command: 'pin', source, id, outcome, record });
  return 0;
}
