// `holdfast unpin`: takes back every pin of a backup.
import { resolveBackup } from '../../engine/catalog/backups.ts';
import { unpinBackup } from '../../engine/pin.ts';
import type { Invocation } from '../invocation.ts';
import { openSession, requireConfig } from '../session.ts';
import { Terminal } from '../output/terminal.ts';

export async function run([name = '']: string[], { options, signal }: Invocation): Promise<number> {
  const terminal = new Terminal({ json: options.json === true, quiet: options.quiet === true });
  await using session = await openSession({ options, signal, store: 'marked' });
  requireConfig(session);
  const { source, id } = await resolveBackup(session.engine, name);
  const { unpinned } = await unpinBackup(session.engine, { source, id });
  terminal.done(
    unpinned === 0
      ? `${source}/${id} was not pinned`
      : `unpinned  ${source}/${id}  the retention policy decides again`,
  );
  terminal.document({ command: 'unpin', source, id, unpinned });
  return 0;
}
