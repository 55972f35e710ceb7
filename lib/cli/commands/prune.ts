// `holdfast prune`: what is kept and why, and what goes.
import process from 'node:process';
import os from 'node:os';
import type { Config, SourceConfig } from '../../config/config.ts';
import { intervalOf, schedulesOf } from '../../config/objectives.ts';
import type { Engine } from '../../engine/engine.ts';
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
  { dryRun, justMade }: { dryRun: boolean; justMade?: string },
): Promise<PruneResult> {
  const schedules = schedulesOf(config);
  const intervalMs = intervalOf(source, engine.now());
  const options = { policy: source.retention, intervalMs, schedules, dryRun, justMade };
  const prune = () => pruneSource(engine, source.name, options);
  if (dryRun) return prune();
  const holder = { pid: process.pid, host: os.hostname(), begin: engine.now() };
  return aboutStore(config.store).whilePruning(holder, prune);
}

export const run = telling<{ dryRun?: boolean }>('prune', async (names, { options, signal }) => {
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
  const results: PruneResult[] = [];
  for (const source of selectSources(config, names)) {
    const result = await pruneWithLock(session.engine, config, source, { dryRun });
    results.push(result);
    say(terminal, result);
  }
  terminal.document({ command: 'prune', dryRun, sources: results });
  return 0;
});

function say(terminal: Terminal, result: PruneResult): void {
  const { source, keep, release, orphans, held, dryRun, problems, freedBytes } = result;
  // Of a dry run this is the answer.
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
  for (const line of problemLines(problems)) terminal.warn(line);
}
