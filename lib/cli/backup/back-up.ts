// Backs up sources one after the other, verifies and prunes: what `backup` and `run-due` have in common.
import type { Config, SourceConfig } from '../../config/config.ts';
import { isOfStack } from '../../config/load/store-place.ts';
import { backupSource, type BackupResult } from '../../engine/backup.ts';
import type { Engine } from '../../engine/engine.ts';
import { verifyBackup, type VerifyResult } from '../../engine/verify.ts';
import { NO_MEMORY, readLately } from '../../engine/memory.ts';
import { surveySource } from '../../engine/catalog/survey.ts';
import type { PruneResult } from '../../engine/prune.ts';
import { ERRORS, HoldfastError } from '../../errors.ts';
import type { Trigger } from '../../format/ids.ts';
import { lossLines, pruneWithLock } from '../commands/prune.ts';
import { placesOfLeftovers, sweepRunLeftovers } from '../leftovers.ts';
import { errorLines } from '../output/error-lines.ts';
import { holdsText } from '../output/holds-text.ts';
import { releaseReasonText } from '../../policy/retention-reasons.ts';
import { problemLines } from '../output/problems.ts';
import { readText } from '../output/read-text.ts';
import type { Terminal } from '../output/terminal.ts';
import { bytesText, counted, durationText } from '../output/units.ts';
import { openSource } from '../sources.ts';

/** What is done besides reading what changed and storing it. */
export interface BackupWishes {
  readonly full: boolean;
  readonly moved: boolean;
  readonly verify: boolean;
  readonly prune: boolean;
}

/** What a run works with. */
export interface Bench {
  readonly engine: Engine;
  readonly config: Config;
  readonly terminal: Terminal;
}

/** A source that is to be backed up, and for which trigger. */
export interface Wanted {
  readonly source: SourceConfig;
  /** Asked when its turn comes. */
  readonly triggerOf: (source: SourceConfig) => Trigger;
}

/** How it ended for one source. */
export interface SourceOutcome {
  readonly source: string;
  readonly backup?: BackupResult;
  readonly verify?: VerifyResult;
  readonly prune?: PruneResult;
  readonly error?: { code: string; message: string; hint: string | undefined };
  readonly durationMs: number;
}

/** Backs up each source in turn, and says how it went. One that fails does not keep the others from being backed up. */
export async function backUpAll(
  bench: Bench,
  wanted: readonly Wanted[],
  wishes: BackupWishes,
): Promise<SourceOutcome[]> {
  const outcomes: SourceOutcome[] = [];
  for (const { source, triggerOf } of wanted) {
    const outcome = await backUp(bench, source, { trigger: triggerOf(source), wishes });
    outcomes.push(outcome);
    if (outcome.error?.code === 'CANCELLED') break;
  }
  return outcomes;
}

/** Removes what killed runs have left. */
export async function sweep(
  engine: Pick<Engine, 'scratch' | 'now'>,
  config: Config,
  terminal: Terminal,
): Promise<void> {
  const places = placesOfLeftovers(config, engine.scratch);
  const swept = await sweepRunLeftovers(places, engine.now());
  if (swept > 0) terminal.note(`${counted(swept, 'folder')} removed that killed runs had left`);
}

async function backUp(
  { engine, config, terminal }: Bench,
  source: SourceConfig,
  { trigger, wishes }: { trigger: Trigger; wishes: BackupWishes },
): Promise<SourceOutcome> {
  const begin = performance.now();
  const done = () => ({ source: source.name, durationMs: performance.now() - begin });
  let backup: BackupResult | undefined;
  try {
    terminal.start(`backing up ${source.name}`);
    backup = await backupSource(engine, await openSource(config, source), {
      trigger,
      full: wishes.full,
      dropShare: source.dropShare,
      moved: wishes.moved,
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
    const wanted = wishes.verify && (await isUnproven(engine, backup));
    const verify = wanted
      ? await proof(engine, backup, { terminal, full: wishes.full })
      : undefined;
    if (backup.outcome === 'already') return { ...done(), backup, ...(verify && { verify }) };
    const pruned = wishes.prune && config.pruneAfterBackup && verify?.verdict !== 'damaged';
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

/** The first run applies the policy; it does not harm a backup that another run does so at the same time. */
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
        `  pruned: ${counted(prune.release.length, 'backup')} released, ${prune.keep.length} kept`,
      );
      for (const { id, reason } of prune.release)
        terminal.done(`    ${id}: ${releaseReasonText(reason)}`);
    }
    const gone = prune.problems.filter(({ code }) => code === 'missing');
    for (const line of [...problemLines(gone), ...lossLines(prune)]) terminal.warn(line);
    return prune;
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== 'LOCKED') throw error;
    terminal.note(`  not pruned: ${error.message}`);
    return undefined;
  }
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
  const text = errorLines({ message: `${what}: ${message}`, hint, code });
  if (backup === undefined) terminal.error(text);
  else terminal.warn(text);
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
  { terminal, full }: { terminal: Terminal; full: boolean },
): Promise<VerifyResult> {
  terminal.start(`verifying ${source}`);
  const memory = full ? NO_MEMORY : await readLately(engine, { source, id }, 'digest');
  const result = await verifyBackup(engine, { source, id }, 'digest', memory);
  terminal.stop();
  const { verdict, problems, unrecorded } = result;
  if (verdict === 'proven') {
    terminal.done(
      `  proven: ${readText(result, ' read back')} in ${durationText(result.durationMs)}`,
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

/** An outcome as `--json` shows it. */
export function jsonOf(outcome: SourceOutcome): object {
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
export function exitOf(outcomes: readonly SourceOutcome[]): number {
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
