// `holdfast prune`: what is kept and why, and what goes.
import process from 'node:process';
import os from 'node:os';
import type { Config, SourceConfig } from '../../config/config.ts';
import { intervalOf, schedulesOf } from '../../config/objectives.ts';
import type { Engine } from '../../engine/engine.ts';
import { ERRORS, HoldfastError } from '../../errors.ts';
import { parseBackupId } from '../../format/ids.ts';
import { pruneSource, type PruneResult } from '../../engine/prune.ts';
import { releaseReasonText } from '../../policy/retention-reasons.ts';
import { problemLines } from '../output/problems.ts';
import { telling } from '../telling.ts';
import { openSession, requireConfig } from '../session.ts';
import { selectSources } from '../sources.ts';
import { aboutStore } from '../store/about.ts';
import { Terminal } from '../output/terminal.ts';
import { bytesText, counted, table } from '../output/units.ts';

/** Applies the policy of a source while no other prune works on the same store. `LOCKED` when one does. */
export async function pruneWithLock(
  engine: Engine,
  config: Config,
  source: SourceConfig,
  {
    dryRun,
    justMade,
    acceptMissing,
  }: { dryRun: boolean; justMade?: string; acceptMissing?: readonly string[] },
): Promise<PruneResult> {
  const schedules = schedulesOf(config);
  const intervalMs = intervalOf(source, engine.now());
  const options = {
    policy: source.retention,
    ...{ intervalMs, schedules, dryRun, justMade, acceptMissing },
  };
  const prune = () => pruneSource(engine, source.name, options);
  if (dryRun) return prune();
  const holder = { pid: process.pid, host: os.hostname(), begin: engine.now() };
  return aboutStore(config.store).whilePruning(holder, prune);
}

interface Options {
  readonly dryRun?: boolean;
  readonly acceptMissing?: readonly string[];
}

export const run = telling<Options>('prune', async (names, { options, signal }) => {
  const terminal = new Terminal({ json: options.json === true, quiet: options.quiet === true });
  await using session = await openSession({
    options,
    signal,
    signing: options.dryRun === true ? 'none' : 'required',
    stackKeys: 'required',
    store: 'marked',
  });
  const config = requireConfig(session);
  const dryRun = options.dryRun === true;
  const sources = selectSources(config, names);
  const accepted = acceptedBySource(options.acceptMissing ?? [], sources);
  const results: PruneResult[] = [];
  for (const source of sources) {
    const acceptMissing = accepted.get(source.name) ?? [];
    const result = await pruneWithLock(session.engine, config, source, { dryRun, acceptMissing });
    results.push(result);
    say(terminal, result);
  }
  terminal.document({ command: 'prune', dryRun, sources: results });
  return results.some(({ missing }) => missing.length > 0) ? ERRORS.BACKUP_DAMAGED.exit : 0;
});

/** The ids of the backups whose loss is accepted. `USAGE` for what is no backup of one of these sources, before anything is pruned. */
function acceptedBySource(
  names: readonly string[],
  sources: readonly SourceConfig[],
): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const name of names) {
    const [source = '', id = '', ...more] = name.split('/');
    if (parseBackupId(id) === undefined || more.length > 0) {
      throw new HoldfastError('USAGE', `--accept-missing "${name}" does not name a backup`, {
        hint: 'Write it as `holdfast status` names it: SOURCE/ID.',
      });
    }
    if (!sources.some((one) => one.name === source)) {
      throw new HoldfastError('USAGE', `--accept-missing ${name}: ${source} is not pruned here`, {
        hint: 'Name the source as well, or none.',
      });
    }
    found.set(source, [...(found.get(source) ?? []), id]);
  }
  return found;
}

/** What to do about backups that are gone. */
export function lossLines({ source, missing }: Pick<PruneResult, 'source' | 'missing'>): string[] {
  if (missing.length === 0) return [];
  const [first = ''] = missing;
  return [
    `${counted(missing.length, 'backup')} of ${source} ${missing.length === 1 ? 'is' : 'are'} missing, and nobody has released ${missing.length === 1 ? 'it' : 'them'}: put ${missing.length === 1 ? 'it' : 'them'} back from a second copy of the store, or accept the loss: holdfast prune ${source} --accept-missing ${source}/${first}`,
  ];
}

function say(terminal: Terminal, result: PruneResult): void {
  const { source, keep, release, orphans, held, dryRun, problems, freedBytes, accepted } = result;
  // This is the answer of a dry run.
  const tell = (text: string) => {
    if (dryRun) terminal.line(text);
    else terminal.done(text);
  };
  tell(
    `${terminal.paint('bold', source)}: ${counted(keep.length, 'backup')} kept, ${release.length} ${dryRun ? 'would be released' : 'released'}`,
  );
  const kept = keep.map(({ id, standing, bytes, reasons }) => [
    '  keep',
    id,
    bytesText(bytes),
    standing,
    reasons.join(', '),
  ]);
  const gone = release.map(({ id, standing, bytes, reason }) => [
    '  release',
    id,
    bytesText(bytes),
    standing,
    releaseReasonText(reason),
  ]);
  for (const line of table([...kept, ...gone])) tell(line);
  for (const { id, bytes, released } of orphans) {
    tell(
      `  ${released ? 'release' : 'waiting'}  ${id}  ${bytesText(bytes)}  never became a backup`,
    );
  }
  if (freedBytes > 0) tell(`  ${dryRun ? 'would free' : 'frees'} ${bytesText(freedBytes)}`);
  if (held !== undefined) terminal.warn(`nothing of ${source} was released: ${held}`);
  for (const id of accepted) tell(`  accepted as lost: ${source}/${id}`);
  for (const line of [...problemLines(problems), ...lossLines(result)]) terminal.warn(line);
}
