// `holdfast verify`: proves backups and names every damaged entry.
import { listStored, resolveBackup } from '../../engine/catalog.ts';
import type { Engine } from '../../engine/engine.ts';
import { verifyBackup, type VerifyResult } from '../../engine/verify.ts';
import { ERRORS, HoldfastError } from '../../errors.ts';
import type { ProofLevel } from '../../sources/source.ts';
import { problemLines } from '../problems.ts';
import type { Invocation } from '../invocation.ts';
import { openSession } from '../session.ts';
import { Terminal } from '../terminal.ts';
import { bytesText, counted, durationText } from '../units.ts';

interface Options {
  readonly level: ProofLevel;
  readonly all?: boolean;
}

export async function run(
  names: string[],
  { options, signal }: Invocation<Options>,
): Promise<number> {
  const terminal = new Terminal({ json: options.json === true, quiet: options.quiet === true });
  await using session = await openSession({
    options,
    signal,
    signing: 'optional',
    onProgress: terminal.progress,
  });
  const { engine } = session;
  const results: VerifyResult[] = [];
  for (const backup of await choose(engine, names, options.all === true)) {
    terminal.start(`verifying ${backup.source}/${backup.id}`);
    const result = await verifyBackup(engine, backup, options.level);
    terminal.stop();
    say(terminal, result);
    results.push(result);
  }
  const unkept = results.find(({ record }) => record === undefined);
  if (unkept !== undefined) {
    const why = unkept.unrecorded ?? session.unsigned ?? 'there is no key to sign it with';
    terminal.note(`no evidence was kept: ${why}`);
  }
  terminal.document({ command: 'verify', backups: results });
  return results.every(({ verdict }) => verdict === 'proven') ? 0 : ERRORS.BACKUP_DAMAGED.exit;
}

/** Those that were named; otherwise the newest of each source, or all. `BACKUP_NOT_FOUND` when there is none. */
async function choose(
  engine: Engine,
  names: readonly string[],
  all: boolean,
): Promise<{ source: string; id: string }[]> {
  if (names.length > 0) return Promise.all(names.map((name) => resolveBackup(engine, name)));
  const stored = (await listStored(engine)).filter(({ manifest }) => manifest !== undefined);
  if (stored.length === 0) {
    throw new HoldfastError('BACKUP_NOT_FOUND', `the store ${engine.store.url} holds no backup`, {
      hint: 'Make one with `holdfast backup`.',
    });
  }
  if (all) return stored;
  const newest = new Map(stored.map((one) => [one.source, one]));
  return [...newest.values()];
}

function say(terminal: Terminal, result: VerifyResult): void {
  const { source, id, level, verdict, entries, bytes, durationMs, problems } = result;
  const mark = terminal.paint(verdict === 'proven' ? 'green' : 'red', verdict);
  terminal.line(
    `${mark}  ${source}/${id}  ${level}: ${counted(entries, 'entry', 'entries')}, ${bytesText(bytes)} in ${durationText(durationMs)}`,
  );
  for (const line of problemLines(problems)) terminal.line(`  ${line}`);
}
