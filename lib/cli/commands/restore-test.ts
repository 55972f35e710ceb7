// `holdfast restore-test`: restores backups to a scratch folder and compares every entry.
import { listStored, resolveBackup } from '../../engine/catalog.ts';
import { restoreTest, type RestoreTestResult } from '../../engine/restore-test.ts';
import { ERRORS, HoldfastError } from '../../errors.ts';
import { problemLines } from '../problems.ts';
import type { Invocation } from '../invocation.ts';
import { openSession, type Session } from '../session.ts';
import { Terminal } from '../terminal.ts';
import { bytesText, counted, durationText } from '../units.ts';

interface Options {
  readonly live?: boolean;
  readonly spotChecks?: string;
  readonly tolerate?: string;
}

export async function run(
  names: string[],
  { options, signal }: Invocation<Options>,
): Promise<number> {
  const terminal = new Terminal({ json: options.json === true, quiet: options.quiet === true });
  await using session = await openSession({ options, signal, onProgress: terminal.progress });
  const results: RestoreTestResult[] = [];
  for (const backup of await choose(session, names)) {
    terminal.start(`restoring ${backup.source}/${backup.id} to a scratch folder`);
    const result = await restoreTest(session.engine, backup);
    terminal.stop();
    say(terminal, session, result);
    results.push(result);
  }
  terminal.document({ command: 'restore-test', backups: results });
  return results.every(({ verdict }) => verdict === 'proven') ? 0 : ERRORS.BACKUP_DAMAGED.exit;
}

/** The newest backup of each named source, or of all; or the very backups that are named. */
async function choose(
  { engine }: Session,
  names: readonly string[],
): Promise<{ source: string; id: string }[]> {
  if (names.length > 0) return Promise.all(names.map((name) => resolveBackup(engine, name)));
  const stored = (await listStored(engine)).filter(({ manifest }) => manifest !== undefined);
  if (stored.length === 0) {
    throw new HoldfastError('BACKUP_NOT_FOUND', `the store ${engine.store.url} holds no backup`, {
      hint: 'Make one with `holdfast backup`.',
    });
  }
  return [...new Map(stored.map((one) => [one.source, one])).values()];
}

function say(terminal: Terminal, { config }: Session, result: RestoreTestResult): void {
  const { source, id, verdict, files, bytes, restoreMs, problems } = result;
  const mark = terminal.paint(verdict === 'proven' ? 'green' : 'red', verdict);
  const rtoMs = config?.sources.find((one) => one.name === source)?.rtoMs;
  const objective = rtoMs === undefined ? '' : `, RTO is ${durationText(rtoMs)}`;
  terminal.line(
    `${mark}  ${source}/${id}  ${counted(files, 'file')}, ${bytesText(bytes)} restored in ${durationText(restoreMs)}${objective}`,
  );
  for (const line of problemLines(problems)) terminal.line(`  ${line}`);
}
