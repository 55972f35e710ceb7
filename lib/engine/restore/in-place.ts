// Restoring over a folder in use: what would be overwritten is saved beside it first, only what differs is touched, and it can be undone.
import { HoldfastError, type Problem } from '../../errors.ts';
import { backupId, type Trigger } from '../../format/ids.ts';
import type {
  Difference,
  InPlace,
  InPlaceInput,
  InPlacePlan,
  OpenBackup,
  InPlaceDone,
  Owners,
  RestoreResult,
  Source,
} from '../../sources/source.ts';
import { displayText } from '../../format/paths.ts';
import { findHazardsAmong, type Hazard } from '../../sources/tree/hazards.ts';
import { backupSource } from '../backup.ts';
import { commandFacts, runCommands, type CommandResult } from './commands.ts';
import { kindOf, workOf, type Engine } from '../engine.ts';
import { lackingIn } from './lacking.ts';
import { leftOutOf } from './left-out.ts';
import { tryRecord, type Act, type Recorded } from '../catalog/records.ts';
import { unseenOf } from './to-folder.ts';
import {
  finishIntents,
  finishInterrupted,
  openSafetyStore,
  writeIntent,
  type SafetyPlace,
} from './safety.ts';

export interface InPlaceOptions extends SafetyPlace {
  /** Byte strings without a closing slash; empty for everything. */
  readonly paths: readonly string[];
  readonly owners: Owners;
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
  /** What was done of the plan: byte strings. */
  readonly replaced: readonly string[];
  readonly created: readonly string[];
  readonly removed: readonly string[];
  /** What differs afterwards; empty when all is as it was backed up, as far as this user can make it so. */
  readonly differences: readonly Difference[];
  /** What could not be read back, and so is not proven to be right. */
  readonly unread: readonly Problem[];
  /** What is not as it was backed up, and this user cannot make so. */
  readonly unkept: RestoreResult['unkept'];
  readonly hazards: readonly Hazard[];
  readonly commands: readonly CommandResult[];
  /** What of the source is not in the backup, such as files that hold secrets. */
  readonly leftOut: readonly Problem[];
  /** What a partial backup lacks of what was wanted, and the configuration does not tolerate; empty for one that is whole. */
  readonly lacking: readonly Problem[];
  readonly durationMs: number;
}

/**
 * Makes `folder` what the backup says, as far as the backup names it. Running it again goes on where an interrupted run stopped.
 *
 * `TARGET_REFUSED` when something cannot be saved first, `BACKUP_DAMAGED` when nothing could be restored. What goes wrong later says how
 * much was done, and how to go on or back. The caller holds the lock.
 */
export async function restoreInPlace(
  engine: Engine,
  backup: OpenBackup,
  options: InPlaceOptions,
): Promise<InPlaceReport> {
  const begin = engine.now();
  const { source, id, kind } = backup.manifest;
  const { inPlace } = await kindOf(engine, kind);
  if (inPlace === undefined) {
    throw new HoldfastError('USAGE', `backups of kind "${kind}" are not restored in place`, {
      hint: 'Restore to a new place with --to.',
    });
  }
  const { folder, paths, owners, remove } = options;
  const input: InPlaceInput = { ...workOf(engine), folder, paths, owners, remove };
  const plan = await inPlace.plan(backup, input);
  const leftOut = leftOutOf(backup.manifest, paths);
  const lacking = lackingIn(backup.manifest, paths);
  const report = { source, id, folder, dryRun: options.dryRun, plan, leftOut, lacking };
  const unchanged = plan.replace.length + plan.remove.length === 0;
  if (options.dryRun || unchanged) {
    if (!options.dryRun) await finishInterrupted(engine, options, id);
    const durationMs = engine.now().getTime() - begin.getTime();
    const nothing = {
      safety: undefined,
      result: undefined,
      replaced: [],
      created: [],
      removed: [],
      differences: [],
      unread: [],
      unkept: plan.unkept,
      hazards: [],
      commands: [],
      record: undefined,
      unrecorded: undefined,
    };
    return { ...report, ...nothing, durationMs };
  }
  const changed = await restorePlanned(engine, backup, { options, inPlace, plan, input, begin });
  const durationMs = engine.now().getTime() - begin.getTime();
  return { ...report, ...changed, durationMs };
}

interface Planned {
  readonly options: InPlaceOptions;
  readonly inPlace: InPlace;
  readonly plan: InPlacePlan;
  readonly input: InPlaceInput;
  readonly begin: Date;
}

/** Saves what is there, changes it, and leaves the record of it. */
async function restorePlanned(
  engine: Engine,
  backup: OpenBackup,
  { options, inPlace, plan, input, begin }: Planned,
): Promise<
  Omit<
    InPlaceReport,
    'source' | 'id' | 'folder' | 'dryRun' | 'plan' | 'leftOut' | 'lacking' | 'durationMs'
  >
> {
  const { source, id } = backup.manifest;
  const { folder } = options;
  await options.confirm(plan);
  const safety = await saveFirst(engine, inPlace, { options, plan, input, source, of: id });
  const kept = { folder: options.safety, id: safety.id };
  const done: InPlaceDone = { replaced: [], removed: [] };
  const act = { verb: 'restore', source, subject: id, begin } as const;
  const facts = { to: folder, inPlace: true, safety: safety.id };
  const carriedOut = await carryOut(engine, backup, { inPlace, plan, input, done }).catch(
    async (error: unknown) => {
      const stopped = stoppedBy(error, { plan, done, folder, kept });
      const problems = [{ path: '', code: codeOf(error), detail: stopped.message }];
      await tryRecord(engine, { ...act, verdict: 'failed', problems, facts });
      throw stopped;
    },
  );
  const { result, differences, unkept } = carriedOut;
  const problems = [...result.problems, ...differences.map(problemOf), ...unkept.problems];
  // What is not whole is begun again; until then it is taken back together with what comes after it.
  const whole = [...result.problems, ...differences.map(problemOf)].every(isTolerated);
  if (options.unfinished !== true && whole)
    await finishIntents(safety.engine, [{ source, id: safety.id }]);
  const counts = { replaced: done.replaced.length, removed: done.removed.length };
  const ended = await conclude(
    engine,
    { ...act, problems, facts: { ...facts, ...counts, ownersNotKept: unkept.owners } },
    options,
  );
  const created = new Set(plan.create);
  return {
    safety: kept,
    ...carriedOut,
    ...done,
    created: done.replaced.filter((one) => created.has(one)),
    hazards: findHazardsAmong(folder, done.replaced),
    ...ended,
  };
}

interface CarryingOut {
  readonly inPlace: InPlace;
  readonly plan: InPlacePlan;
  readonly input: InPlaceInput;
  readonly done: InPlaceDone;
}

type CarriedOut = Pick<InPlaceReport, 'differences' | 'unread' | 'unkept'> & {
  readonly result: RestoreResult;
};

/** Changes the folder, and looks at all of it again. */
async function carryOut(
  engine: Engine,
  backup: OpenBackup,
  { inPlace, plan, input, done }: CarryingOut,
): Promise<CarriedOut> {
  const result = await inPlace.apply(backup, plan, { ...input, random: engine.random(), done });
  const known = new Set(result.problems.map((one) => one.path));
  const after = await inPlace.leftOver(backup, plan, input);
  const refused = new Map(result.unkept.problems.map((one) => [`${one.code} ${one.path}`, one]));
  const differences: Difference[] = [];
  const unkept: Problem[] = [...after.unkept.problems, ...unseenOf(result)];
  for (const one of after.differences) {
    if (known.has(one.path)) continue;
    // What the system refused is known, with the reason.
    const why = refused.get(`${one.change} ${one.path}`);
    if (why === undefined) differences.push(one);
    else unkept.push(why);
  }
  return {
    result,
    differences,
    unread: after.problems.filter((one) => !isTolerated(one)),
    unkept: { ...after.unkept, problems: unkept },
  };
}

interface Stopped {
  readonly plan: InPlacePlan;
  readonly done: InPlaceDone;
  readonly folder: string;
  readonly kept: { readonly folder: string; readonly id: string };
}

/** What went wrong, with what has become of the folder and what can be done. */
function stoppedBy(error: unknown, { plan, done, folder, kept }: Stopped): Error {
  const known = error instanceof HoldfastError;
  if (!known && (error as NodeJS.ErrnoException).code === undefined) return error as Error;
  const { message } = error as Error;
  const shown = displayText(folder);
  const changed = done.replaced.length + done.removed.length;
  const state =
    changed === 0
      ? `nothing in ${shown} was changed`
      : `${done.replaced.length} of ${plan.replace.length} entries of ${shown} had been replaced and ${done.removed.length} of ${plan.remove.length} removed by then`;
  const undo = `\`holdfast undo ${shown}\` takes back what was done: it is kept in ${displayText(kept.folder)}.`;
  const next = `Run the same command again to go on.${changed === 0 ? '' : ` ${undo}`}`;
  const hint = known && error.hint !== undefined ? `${error.hint} ${next}` : next;
  const code = known ? error.code : 'TARGET_REFUSED';
  return new HoldfastError(code, `${message}; ${state}`, { hint, cause: error });
}

function codeOf(error: unknown): string {
  return error instanceof HoldfastError ? error.code : 'UNEXPECTED';
}

function isTolerated({ tolerated }: Problem): boolean {
  return tolerated === true;
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
  const verdict = !act.problems.every(isTolerated) || failed ? 'partial' : 'done';
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
    kind: await kindOf(engine, 'files'),
    read: (into) => inPlace.save(plan, input, into),
  };
  await backupSource(safety, saved, { trigger, full: true });
  return { engine: safety, id };
}
