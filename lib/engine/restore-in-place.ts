// Restoring over a folder in use: what would be overwritten is saved beside it first, only what differs is touched, and it can be undone.
import { HoldfastError, type Problem } from '../errors.ts';
import { backupId, type Trigger } from '../format/ids.ts';
import type {
  Difference,
  InPlace,
  InPlaceInput,
  InPlacePlan,
  OpenBackup,
  RestoreResult,
  Source,
} from '../sources/source.ts';
import { findHazardsAmong, type Hazard } from '../sources/hazards.ts';
import { backupSource } from './backup.ts';
import { commandFacts, runCommands, type CommandResult } from './commands.ts';
import { kindOf, workOf, type Engine } from './engine.ts';
import { leftOutOf } from './left-out.ts';
import { tryRecord, type Act, type Recorded } from './records.ts';
import {
  finishIntents,
  finishInterrupted,
  openSafetyStore,
  safetyFolder,
  writeIntent,
  type SafetyPlace,
} from './safety.ts';

export interface InPlaceOptions extends SafetyPlace {
  readonly paths: readonly string[];
  readonly owners: boolean;
  /** Byte strings of what is to go. */
  readonly remove: readonly string[];
  /** Say what would be done, and do nothing. */
  readonly dryRun: boolean;
  /** For a step of an undo: the id by which its steps belong together. */
  readonly of?: string;
  /** True for all steps of an undo but the last. */
  readonly unfinished?: boolean;
  /** Run in the folder afterwards, in a shell, with this environment, when anything was restored. */
  readonly commands: readonly string[];
  readonly environment: Readonly<NodeJS.ProcessEnv>;
  /** Called with the paths that would change before anything is done; throws to refuse. */
  readonly confirm: (plan: InPlacePlan) => Promise<void>;
}

export interface InPlaceReport extends Recorded {
  readonly source: string;
  readonly id: string;
  readonly folder: string;
  readonly dryRun: boolean;
  readonly plan: InPlacePlan;
  /** Where what was there before is kept; undefined when nothing was overwritten. */
  readonly safety: { readonly folder: string; readonly id: string } | undefined;
  readonly result: RestoreResult | undefined;
  /** What differs afterwards; empty when all is as it was backed up. */
  readonly differences: readonly Difference[];
  readonly hazards: readonly Hazard[];
  readonly commands: readonly CommandResult[];
  /** What of the source is not in the backup, such as files that hold secrets. */
  readonly leftOut: readonly Problem[];
  readonly durationMs: number;
}

/**
 * Makes `folder` what the backup says, as far as the backup names it. Running it again goes on where an interrupted run stopped.
 *
 * `TARGET_REFUSED` when something cannot be saved first, `BACKUP_DAMAGED` when nothing could be restored. The caller holds the lock.
 */
export async function restoreInPlace(
  engine: Engine,
  backup: OpenBackup,
  options: InPlaceOptions,
): Promise<InPlaceReport> {
  const begin = engine.now();
  const { source, id, kind } = backup.manifest;
  const { inPlace } = kindOf(engine, kind);
  if (inPlace === undefined) {
    throw new HoldfastError('USAGE', `backups of kind "${kind}" are not restored in place`, {
      hint: 'Restore to a new place with --to.',
    });
  }
  const { folder, paths, owners, remove } = options;
  const input: InPlaceInput = { ...workOf(engine), folder, paths, owners, remove };
  const plan = await inPlace.plan(backup, input);
  const leftOut = leftOutOf(backup.manifest, paths);
  const report = { source, id, folder, dryRun: options.dryRun, plan, leftOut };
  const unchanged = plan.replace.length + plan.remove.length === 0;
  if (options.dryRun || unchanged) {
    if (!options.dryRun) await finishInterrupted(engine, options, id);
    const durationMs = engine.now().getTime() - begin.getTime();
    const nothing = {
      safety: undefined,
      result: undefined,
      differences: [],
      hazards: [],
      commands: [],
      record: undefined,
      unrecorded: undefined,
    };
    return { ...report, ...nothing, durationMs };
  }
  await options.confirm(plan);
  const safety = await saveFirst(engine, inPlace, { options, plan, input, source, of: id });
  const result = await inPlace.apply(backup, plan, { ...input, random: engine.random() });
  if (options.unfinished !== true) await finishIntents(safety.engine, [{ source, id: safety.id }]);
  const differences = await differencesLeft(engine, backup, { plan, input, result });
  const problems = [...result.problems, ...differences.map(problemOf)];
  const facts = {
    to: folder,
    inPlace: true,
    replaced: plan.replace.length,
    removed: plan.remove.length,
    safety: safety.id,
  };
  const act = { verb: 'restore', source, subject: id, begin, problems, facts } as const;
  const ended = await conclude(engine, act, options);
  const durationMs = engine.now().getTime() - begin.getTime();
  return {
    ...report,
    safety: { folder: safetyFolder(folder), id: safety.id },
    result,
    differences,
    hazards: findHazardsAmong(folder, plan.replace),
    durationMs,
    ...ended,
  };
}

/** Runs the commands and leaves the record of it all, also when they are interrupted: the restore itself is done. */
async function conclude(
  engine: Engine,
  act: Omit<Act, 'verdict'>,
  { commands: wanted, folder, environment }: InPlaceOptions,
): Promise<Recorded & { commands: CommandResult[] }> {
  const { signal } = engine;
  let commands: CommandResult[] | undefined;
  try {
    commands = await runCommands(wanted, { folder, environment, signal });
  } finally {
    if (commands === undefined) await tryRecord(engine, { ...act, verdict: 'partial' });
  }
  const failed = commands.some(({ exitCode }) => exitCode !== 0);
  const facts = { ...act.facts, commands: commandFacts(commands) };
  const verdict = act.problems.length > 0 || failed ? 'partial' : 'done';
  return { commands, ...(await tryRecord(engine, { ...act, verdict, facts })) };
}

function problemOf({ path: where, change, expected, found }: Difference): Problem {
  return { path: where, code: change, detail: `expected ${expected}, found ${found}` };
}

interface Saving {
  readonly options: InPlaceOptions;
  readonly plan: InPlacePlan;
  readonly input: InPlaceInput;
  readonly source: string;
  /** The id of the backup that is to be restored. */
  readonly of: string;
}

async function saveFirst(
  engine: Engine,
  inPlace: InPlace,
  { options, plan, input, source, of }: Saving,
): Promise<{ engine: Engine; id: string }> {
  const safety = await openSafetyStore(engine, options);
  const trigger: Trigger = { kind: 'safety', at: engine.now() };
  const id = backupId(trigger);
  await writeIntent(safety, {
    source,
    id,
    of: options.of ?? of,
    paths: options.paths,
    created: plan.create,
    step: options.unfinished === true,
  });
  const saved: Source = {
    name: source,
    kind: kindOf(engine, 'files'),
    read: (into) => inPlace.save(plan, input, into),
  };
  await backupSource(safety, saved, { trigger, full: true });
  return { engine: safety, id };
}

async function differencesLeft(
  engine: Engine,
  backup: OpenBackup,
  { plan, input, result }: { plan: InPlacePlan; input: InPlaceInput; result: RestoreResult },
): Promise<readonly Difference[]> {
  const known = new Set(result.problems.map((one) => one.path));
  const { inPlace } = kindOf(engine, backup.manifest.kind);
  const after = await inPlace?.plan(backup, { ...input, remove: plan.remove });
  return [...(after?.replace ?? []), ...(after?.remove ?? [])]
    .filter((one) => !known.has(one))
    .map((one) => ({
      path: one,
      change: 'content' as const,
      expected: 'as backed up',
      found: 'otherwise',
    }));
}
