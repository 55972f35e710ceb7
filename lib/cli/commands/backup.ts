// `holdfast backup`: each source in turn, verified and pruned unless told otherwise.
import { scheduleOf } from '../../config/objectives.ts';
import type { SourceConfig } from '../../config/config.ts';
import type { Trigger, TriggerKind } from '../../format/ids.ts';
import { firedAt } from '../../policy/fired-at.ts';
import { backUpAll, exitOf, jsonOf, sweep } from '../backup/back-up.ts';
import { renewKey } from '../new-key.ts';
import { Terminal } from '../output/terminal.ts';
import { openSession, requireConfig } from '../session.ts';
import { selectSources } from '../sources.ts';
import type { StoreNeed } from '../store/opened-store.ts';
import { telling } from '../telling.ts';
import { pastTime } from '../time.ts';

interface Options {
  readonly full?: boolean;
  readonly verify: boolean;
  readonly prune: boolean;
  readonly dryRun?: boolean;
  readonly trigger: TriggerKind;
  readonly at?: string;
  readonly createStore?: boolean;
  readonly moved?: boolean;
  readonly newKey?: boolean;
}

export const run = telling<Options>('backup', async (names, { options, signal }) => {
  const terminal = new Terminal({ json: options.json === true, quiet: options.quiet === true });
  if (options.newKey === true) await renewKey(terminal, options);
  await using session = await openSession({
    options,
    signal,
    // There is no key yet when it would only be made.
    signing: options.newKey === true && options.dryRun === true ? 'none' : 'required',
    onProgress: terminal.progress,
    store: needOf(options),
  });
  const config = requireConfig(session);
  const sources = selectSources(config, names);
  if (options.dryRun === true) {
    const { dryRun } = await import('../backup/dry-run.ts');
    return dryRun(config, sources, terminal);
  }
  const begin = session.engine.now();
  const at = options.at === undefined ? undefined : pastTime('--at', options.at, begin);
  const triggerOf = (source: SourceConfig): Trigger =>
    options.trigger === 'schedule' && at === undefined
      ? scheduledTrigger(source, sources, begin)
      : { kind: options.trigger, at: at ?? session.engine.now() };
  const { full = false, moved = false, verify, prune } = options;
  const outcomes = await backUpAll(
    { engine: session.engine, config, terminal },
    sources.map((source) => ({ source, triggerOf })),
    { full, moved, verify, prune },
  );
  await sweep(session.engine, config, terminal);
  terminal.document({ command: 'backup', sources: outcomes.map(jsonOf) });
  return exitOf(outcomes);
});

function needOf({ createStore, dryRun }: Options): StoreNeed {
  if (createStore !== true) return 'marked';
  return dryRun === true ? 'unneeded' : 'created';
}

/** A schedule that fires twice must give one backup of each source: without `--at` it is the time for which it fired last. */
function scheduledTrigger(
  source: SourceConfig,
  sources: readonly SourceConfig[],
  begin: Date,
): Trigger {
  const beside = sources.map(scheduleOf).filter((schedule) => schedule !== undefined);
  return { kind: 'schedule', at: firedAt(scheduleOf(source), beside, begin) };
}
