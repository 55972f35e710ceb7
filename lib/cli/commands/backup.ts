// `holdfast backup`: each source in turn, verified and pruned unless told otherwise.
import type { Config, SourceConfig } from '../../config/config.ts';
import { isOfStack } from '../../config/load/store-place.ts';
import { scheduleOf } from '../../config/objectives.ts';
import { backupSource, type BackupResult } from '../../engine/backup.ts';
import type { Engine } from '../../engine/engine.ts';
import { verifyBackup, type VerifyResult } from '../../engine/verify.ts';
import { surveySource } from '../../engine/catalog/survey.ts';
import type { PruneResult } from '../../engine/prune.ts';
import { ERRORS, HoldfastError } from '../../errors.ts';
import type { Trigger, TriggerKind } from '../../format/ids.ts';
import { firedAt } from '../../policy/fired-at.ts';
import { holdsText } from '../output/holds-text.ts';
import { placesOfLeftovers, sweepRunLeftovers } from '../leftovers.ts';
import type { StoreNeed } from '../store/opened-store.ts';
import { renewKey } from '../new-key.ts';
import { telling } from '../telling.ts';
import { openSession, requireConfig } from '../session.ts';
import { openSource, selectSources } from '../sources.ts';
import { Terminal } from '../output/terminal.ts';
import { pastTime } from '../time.ts';
import { bytesText, counted, durationText } from '../output/units.ts';
import { pruneWithLock } from './prune.ts';
import { problemLines } from '../output/problems.ts';

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

interface SourceOutcome {
  readonly source: string;
  readonly backup?: BackupResult;
  readonly verify?: VerifyResult;
  readonly prune?: PruneResult;
  readonly error?: { code: string; message: string; hint: string | undefined };
  readonly durationMs: number;
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
    const { dryRun } = await import('./backup-dry-run.ts');
    return dryRun(config, sources, terminal);
  }
  const at =
    options.at === undefined ? undefined : pastTime('--at', options.at, session.engine.now());
  const outcomes: SourceOutcome[] = [];
  const run = { sources, begin: session.engine.now() };
  for (const source of sources) {
    const trigger =
      options.trigger === 'schedule' && at === undefined
        ? scheduledTrigger(options, source, run)
        : { kind: options.trigger, at: at ?? session.engine.now() };
    const outcome = await backUp(session.engine, config, source, { options, trigger, terminal });
    outcomes.push(outcome);
    if (outcome.error?.code === 'CANCELLED') break;
  }
  const { scratch } = session.engine;
  const swept = await sweepRunLeftovers(placesOfLeftovers(config, scratch), session.engine.now());
  if (swept > 0) terminal.note(`${counted(swept, 'folder')} removed that killed runs had left`);
  terminal.document({ command: 'backup', sources: outcomes.map(jsonOf) });
  return exitOf(outcomes);
});

function needOf({ createStore, dryRun }: Options): StoreNeed {
  if (createStore !== true) return 'marked';
  return dryRun === true ? 'unneeded' : 'created';
}

async function backUp(
  engine: Engine,
  config: Config,
  source: SourceConfig,
  { options, trigger, terminal }: { options: Options; trigger: Trigger; terminal: Terminal },
): Promise<SourceOutcome> {
  const begin = performance.now();
  const done = () => ({ source: source.name, durationMs: performance.now() - begin });
  let backup: BackupResult | undefined;
  try {
    terminal.start(`backing up ${source.name}`);
    backup = await backupSource(engine, await openSource(config, source), {
      trigger,
      full: options.full === true,
      dropShare: source.dropShare,
      moved: options.moved === true,
    });
    terminal.stop();
    sayBackup(terminal, backup, performance.now() - begin);
    // Functions verify what arrives and apply the policy: a role that backs up needs no right to do either.
    if (isOfStack(config)) {
      terminal.note(
        `  the functions verify it and prune: \`holdfast list ${source.name}\` shows when it is proven`,
      );
      return { ...done(), backup };
    }
    const wanted = options.verify && (await isUnproven(engine, backup));
    const verify = wanted ? await proof(engine, backup, terminal) : undefined;
    if (backup.outcome === 'already') return { ...done(), backup, ...(verify && { verify }) };
    const pruned = options.prune && config.pruneAfterBackup && verify?.verdict !== 'damaged';
    const after = { justMade: backup.id, terminal };
    const prune = pruned ? await pruneAfter(engine, config, source, after) : undefined;
    return { ...done(), backup, ...(verify && { verify }), ...(prune && { prune }) };
  } catch (error) {
    terminal.stop();
    if (!(error instanceof HoldfastError)) throw error;
    const { code, message, hint } = error;
    sayFailure(terminal, source.name, { error, backup });
    return { ...done(), ...(backup && { backup }), error: { code, message, hint } };
  }
}

/** The policy is applied by whoever is first; a backup is none the worse for another run doing it just now. */
async function pruneAfter(
  engine: Engine,
  config: Config,
  source: SourceConfig,
  { justMade, terminal }: { justMade: string; terminal: Terminal },
): Promise<PruneResult | undefined> {
  try {
    const prune = await pruneWithLock(engine, config, source, { dryRun: false, justMade });
    if (prune.release.length > 0) {
      terminal.done(
        `  pruned: ${counted(prune.release.length, 'backup')} let go, ${prune.keep.length} kept`,
      );
    }
    return prune;
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== 'LOCKED') throw error;
    terminal.note(`  not pruned: ${error.message}`);
    return undefined;
  }
}

/** A schedule that fires twice must give one backup of each source: without `--at` it is the time for which it fired last. */
function scheduledTrigger(
  { trigger: kind }: Options,
  source: SourceConfig,
  { sources, begin }: { sources: readonly SourceConfig[]; begin: Date },
): Trigger {
  const beside = sources.map(scheduleOf).filter((schedule) => schedule !== undefined);
  return { kind, at: firedAt(scheduleOf(source), beside, begin) };
}

function sayFailure(
  terminal: Terminal,
  source: string,
  { error, backup }: { error: HoldfastError; backup: BackupResult | undefined },
): void {
  const { code, message, hint } = error;
  const what =
    backup === undefined
      ? `${source} was not backed up`
      : `${source}/${backup.id} is stored, but was not verified and pruned`;
  const advice = hint === undefined ? '' : `\n  hint: ${hint}`;
  terminal.warn(`${what}: ${message}${advice}\n  code: ${code}`);
}

/** A run that was killed before it could verify leaves a backup that the next run of its trigger has to prove. */
async function isUnproven(engine: Engine, { source, id, outcome }: BackupResult): Promise<boolean> {
  if (outcome === 'made') return true;
  const { backups } = await surveySource(engine, source);
  return backups.find((one) => one.id === id)?.standing === 'unproven';
}

async function proof(
  engine: Engine,
  { source, id }: BackupResult,
  terminal: Terminal,
): Promise<VerifyResult> {
  terminal.start(`verifying ${source}`);
  const result = await verifyBackup(engine, { source, id }, 'digest');
  terminal.stop();
  const { verdict, entries, bytes, durationMs, problems, unrecorded } = result;
  if (verdict === 'proven') {
    terminal.done(
      `  proven: ${counted(entries, 'entry', 'entries')} read back, ${bytesText(bytes)} in ${durationText(durationMs)}`,
    );
  } else {
    terminal.warn(`${source}/${id} is ${verdict}`);
    for (const line of problemLines(problems)) terminal.warn(line);
  }
  if (unrecorded !== undefined) {
    terminal.warn(`${source}/${id} stays unproven, as no evidence was kept: ${unrecorded}`);
  }
  return result;
}

function sayBackup(
  terminal: Terminal,
  { source, id, outcome, manifest }: BackupResult,
  ms: number,
): void {
  const { totals, artifacts, problems, problemCount, status } = manifest;
  if (outcome === 'already') {
    terminal.done(`${source}  ${id}  already there: this trigger was served before`);
    return;
  }
  const stored = artifacts.reduce((sum, { bytes }) => sum + bytes, 0);
  const reused =
    manifest.database === undefined
      ? `; read ${bytesText(totals.readBytes)}, reused ${bytesText(totals.reusedBytes)}`
      : '';
  const say = (text: string) => {
    if (status === 'complete') terminal.done(text);
    else terminal.line(text);
  };
  say(`${terminal.paint(status === 'complete' ? 'green' : 'yellow', source)}  ${id}  ${status}`);
  say(
    `  ${holdsText(manifest)}, ${bytesText(totals.contentBytes)} → ${bytesText(stored)} in ${durationText(ms)}${reused}`,
  );
  for (const line of problemLines(problems, problemCount)) say(`  ${line}`);
}

function jsonOf(outcome: SourceOutcome): object {
  const { source, backup, verify, prune, error, durationMs } = outcome;
  return {
    source,
    ...(backup && {
      id: backup.id,
      outcome: backup.outcome,
      status: backup.manifest.status,
      manifest: backup.manifest,
    }),
    ...(verify && { verify }),
    ...(prune && { prune }),
    ...(error && { error }),
    durationMs: Math.round(durationMs),
  };
}

/** The gravest outcome decides: a failure, then damage, then what is missing. */
function exitOf(outcomes: readonly SourceOutcome[]): number {
  const failed = outcomes.find(({ error }) => error !== undefined)?.error;
  if (failed !== undefined) return ERRORS[failed.code as keyof typeof ERRORS].exit;
  if (outcomes.some(({ verify }) => verify !== undefined && !isKept(verify)))
    return ERRORS.BACKUP_DAMAGED.exit;
  const partial = outcomes.some(({ backup }) => backup?.manifest.status === 'partial');
  return partial ? ERRORS.SOURCE_INCOMPLETE.exit : 0;
}

/** Proven, and on record: what nobody wrote down makes no backup good. */
function isKept({ verdict, record }: VerifyResult): boolean {
  return verdict === 'proven' && record !== undefined;
}
