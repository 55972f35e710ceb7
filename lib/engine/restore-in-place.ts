// Restoring over a folder in use: what would be overwritten is saved beside it first, only what differs is touched, and it can be undone.
import path from 'node:path';
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
import { findHazards, type Hazard } from '../sources/hazards.ts';
import type { Store } from '../stores/store.ts';
import { backupSource } from './backup.ts';
import { listStored, openBackup } from './catalog.ts';
import { kindOf, workOf, type Engine } from './engine.ts';
import { readRecords, tryRecord, writeRecord, type Recorded } from './records.ts';
import type { Signer } from '../format/signed.ts';

export interface InPlaceOptions {
  /** Absolute; exists. */
  readonly folder: string;
  readonly paths: readonly string[];
  readonly owners: boolean;
  /** Byte strings of what is to go. */
  readonly remove: readonly string[];
  /** Say what would be done, and do nothing. */
  readonly dryRun: boolean;
  /** Opens the folder beside the target in which safety backups are kept. */
  readonly openSafety: (folder: string) => Promise<Store>;
  /** Signs safety backups where no key is configured: they are for this machine alone. */
  readonly safetySigner: Signer;
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
  readonly durationMs: number;
}

/** The folder beside `target` that holds what restores in place have overwritten. */
export function safetyFolder(target: string): string {
  return path.join(path.dirname(target), `.${path.basename(target)}.holdfast-safety`);
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
  const report = { source, id, folder, dryRun: options.dryRun, plan };
  const unchanged = plan.replace.length + plan.remove.length === 0;
  if (options.dryRun || unchanged) {
    const durationMs = engine.now().getTime() - begin.getTime();
    const nothing = {
      safety: undefined,
      result: undefined,
      differences: [],
      hazards: [],
      record: undefined,
      unrecorded: undefined,
    };
    return { ...report, ...nothing, durationMs };
  }
  await options.confirm(plan);
  const safety = await saveFirst(engine, inPlace, { options, plan, input, source });
  const result = await inPlace.apply(backup, plan, { ...input, random: engine.random() });
  const differences = await differencesLeft(engine, backup, { plan, input, result });
  const problems = [...result.problems, ...differences.map(problemOf)];
  const recorded = await tryRecord(engine, {
    verb: 'restore',
    source,
    subject: id,
    begin,
    verdict: problems.length > 0 ? 'partial' : 'done',
    problems,
    facts: {
      to: folder,
      inPlace: true,
      replaced: plan.replace.length,
      removed: plan.remove.length,
      safety: safety.id,
    },
  });
  const durationMs = engine.now().getTime() - begin.getTime();
  return {
    ...report,
    safety,
    result,
    differences,
    hazards: findHazards(folder),
    durationMs,
    ...recorded,
  };
}

function problemOf({ path: where, change, expected, found }: Difference): Problem {
  return { path: where, code: change, detail: `expected ${expected}, found ${found}` };
}

interface Saving {
  readonly options: InPlaceOptions;
  readonly plan: InPlacePlan;
  readonly input: InPlaceInput;
  readonly source: string;
}

/** A store of its own beside the target: the target's own store may be read-only, or be what is being restored. */
function safetyEngine(engine: Engine, store: Store, options: InPlaceOptions): Engine {
  const signer = engine.signer ?? options.safetySigner;
  return { ...engine, system: 'safety', store, signer, trusted: [], trustAnyone: true };
}

async function saveFirst(
  engine: Engine,
  inPlace: InPlace,
  { options, plan, input, source }: Saving,
): Promise<{ folder: string; id: string }> {
  const folder = safetyFolder(options.folder);
  const safety = safetyEngine(engine, await options.openSafety(folder), options);
  const trigger: Trigger = { kind: 'safety', at: engine.now() };
  const id = backupId(trigger);
  // What undo has to remove is recorded before anything is made.
  await writeRecord(safety, {
    verb: 'restore',
    source,
    subject: id,
    begin: trigger.at,
    verdict: 'done',
    problems: [],
    facts: { folder: options.folder, created: [...plan.create] },
  });
  const saved: Source = {
    name: source,
    kind: kindOf(engine, 'files'),
    read: (into) => inPlace.save(plan, input, into),
  };
  await backupSource(safety, saved, { trigger, full: true });
  return { folder, id };
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

/** What the last restore in place of a folder saved: the backup, and what has to go to undo that restore. */
export interface Undo {
  readonly backup: OpenBackup;
  readonly remove: readonly string[];
}

/** The newest safety backup beside `folder`. `BACKUP_NOT_FOUND` when there is none. */
export async function lastSafety(
  engine: Engine,
  options: Pick<InPlaceOptions, 'folder' | 'openSafety' | 'safetySigner'>,
): Promise<Undo> {
  const folder = safetyFolder(options.folder);
  const store = await options.openSafety(folder);
  const safety = safetyEngine(engine, store, options as InPlaceOptions);
  const stored = (await listStored(safety)).filter(({ manifest }) => manifest !== undefined);
  const newest = stored.sort((a, b) => (a.id < b.id ? -1 : 1)).at(-1);
  if (newest === undefined) {
    throw new HoldfastError(
      'BACKUP_NOT_FOUND',
      `no restore in place of ${options.folder} can be undone: ${folder} holds nothing`,
    );
  }
  const subjects = new Set([newest.id]);
  const onProblem = (problem: Problem): never => {
    throw new HoldfastError('BACKUP_DAMAGED', `${problem.path}: ${problem.detail}`);
  };
  const records = await readRecords(safety, 'restore', newest.source, { subjects, onProblem });
  const created = records.at(-1)?.record.facts['created'];
  const remove = Array.isArray(created) ? created.filter((one) => typeof one === 'string') : [];
  return { backup: await openBackup(safety, newest.source, newest.id), remove };
}
