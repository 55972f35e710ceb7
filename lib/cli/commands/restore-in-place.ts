// `holdfast restore --in-place` and `holdfast undo`: over a folder in use, saved first, undone on request.
import { realpath } from 'node:fs/promises';
import process from 'node:process';
import { openBackup } from '../../engine/catalog/backups.ts';
import { restoreInPlace, type InPlaceReport } from '../../engine/restore/in-place.ts';
import { safetyFolder } from '../../engine/restore/safety.ts';
import { ERRORS, HoldfastError } from '../../errors.ts';
import { extraEntries } from '../../sources/files/source.ts';
import { uncommittedChanges } from '../../sources/git/facts.ts';
import type { InPlacePlan, OpenBackup } from '../../sources/source.ts';
import { displayText } from '../../format/paths.ts';
import { jsonPath } from '../output/json.ts';
import { problemLines } from '../output/problems.ts';
import { planText, sayPaths } from '../restore/plan-text.ts';
import type { Invocation } from '../invocation.ts';
import { sayLacking, sayLeftOut } from '../output/left-out.ts';
import { chooseSafety, findLastSafety, placeIn, withRestoreLock } from '../safety-place.ts';
import { openSession, requireConfig, type Session } from '../session.ts';
import { assertSameSite } from '../same-site.ts';
import { filesSourceNamed, surroundingsOf } from '../sources.ts';
import { Terminal } from '../output/terminal.ts';
import { counted, durationText } from '../output/units.ts';
import { kindOf, type Engine } from '../../engine/engine.ts';
import {
  assertInPlace,
  backupToRestore,
  commandsOf,
  exitOf,
  meantPaths,
  ownersOf,
  sayCommands,
  sayHazards,
  sayUnkept,
  someEntries,
  typedFolder,
  type RestoreCommandOptions,
} from '../restore/restoring.ts';
import { touchedSince } from '../restore/written-last.ts';

type Given = Invocation<RestoreCommandOptions> & { readonly terminal: Terminal };

/** Restores a backup over the folder of its source, or over `--to`; its exit code. */
export async function restoreOver(
  name: string,
  paths: readonly string[],
  given: Given,
): Promise<number> {
  const { options, signal, terminal } = given;
  await using session = await openSession({
    options,
    signal,
    signing: 'optional',
    onProgress: terminal.progress,
  });
  const { source, id } = await backupToRestore(session.engine, name, options);
  const backup = await openBackup(session.engine, source, id);
  assertInPlace(await kindOf(session.engine, backup.manifest.kind), source);
  await assertSameSite(session, backup, options);
  const folder = await folderOf(session, source, options);
  const note = (text: string) => terminal.note(text);
  const meant = await meantPaths(session, backup, paths, { note, over: folder });
  const remove = options.delete === true ? await extras(session, backup, meant) : [];
  return await perform(session, backup, {
    ...given,
    folder,
    paths: meant,
    remove,
    label: `restoring ${source}/${id}`,
  });
}

/** `holdfast undo [folder]`: takes back the last restore in place of a folder. */
export async function run(
  names: string[],
  { options, signal }: Invocation<RestoreCommandOptions>,
): Promise<number> {
  const terminal = new Terminal({ json: options.json === true, quiet: options.quiet === true });
  await using session = await openSession({
    options,
    signal,
    signing: 'optional',
    // What is taken back lies beside the folder, whatever has become of the store.
    store: 'unneeded',
    onProgress: terminal.progress,
  });
  const folder = await realFolder(names[0] ?? soleSource(session));
  const undoing = await findLastSafety(session.engine, folder);
  const { safety, unseen } = undoing;
  if (unseen !== undefined) {
    terminal.warn(
      `${displayText(unseen)} belongs to another user: restores by that user are not looked at`,
    );
  }
  const given = { signal, terminal, folder, safety, paths: [], label: 'undoing the last restore' };
  let exit = 0;
  for (const [i, { backup, remove }] of undoing.steps.entries()) {
    const unfinished = i < undoing.steps.length - 1;
    // What one step has put back, uncommitted as it was, is no reason for the next to stop.
    const allowUncommitted = i > 0 || options.allowUncommitted === true;
    const chosen = { ...options, allowUncommitted, verify: true };
    const step = { ...given, options: chosen, remove, of: undoing.of, unfinished };
    exit = Math.max(exit, await perform(session, backup, step));
    if (isStopped(exit) || options.dryRun === true) return exit;
  }
  await undoing.finish();
  return exit;
}

/** What cannot be given back, such as an owner, is no reason to stop halfway. */
function isStopped(exit: number): boolean {
  return exit !== 0 && exit !== ERRORS.RESTORE_INCOMPLETE.exit;
}

function soleSource(session: Session): string {
  const { sources } = requireConfig(session);
  const paths = new Set(sources.flatMap((one) => (one.kind === 'files' ? [one.path] : [])));
  const [only] = paths;
  if (paths.size === 1 && only !== undefined) return only;
  throw new HoldfastError('USAGE', 'undo needs to know which folder', {
    hint: `One of ${[...paths].join(', ')}.`,
  });
}

async function folderOf(
  session: Session,
  source: string,
  { to }: RestoreCommandOptions,
): Promise<string> {
  if (to !== undefined) return realFolder(typedFolder(to));
  return realFolder(filesSourceNamed(requireConfig(session), source, '--in-place').path);
}

/** A link at the folder's own place is followed once, here, where the user named it. */
async function realFolder(folder: string): Promise<string> {
  try {
    return await realpath(folder);
  } catch (cause) {
    throw new HoldfastError('TARGET_REFUSED', `${displayText(folder)} does not exist`, {
      hint: 'Restore to it without --in-place, with --to.',
      cause,
    });
  }
}

/** With `--delete`: what the source has as configured, and the backup has not. What the configuration leaves out is never touched. */
async function extras(
  session: Session,
  backup: OpenBackup,
  paths: readonly string[],
): Promise<string[]> {
  const config = requireConfig(session);
  const source = filesSourceNamed(config, backup.manifest.source, '--delete');
  return extraEntries(backup, { options: source, surroundings: surroundingsOf(config), paths });
}

interface Performance extends Given {
  readonly folder: string;
  /** Where what is overwritten is kept; chosen when it is needed. */
  readonly safety?: string;
  readonly paths: readonly string[];
  readonly remove: readonly string[];
  readonly label: string;
  /** For a step of an undo: by what its steps belong together. */
  readonly of?: string;
  /** True when another step follows, whose document is the one of all. */
  readonly unfinished?: boolean;
}

async function perform(session: Session, backup: OpenBackup, given: Performance): Promise<number> {
  const { options, terminal, folder } = given;
  const { engine } = session;
  terminal.start(given.label);
  const dryRun = options.dryRun === true;
  const safety = given.safety ?? (dryRun ? safetyFolder(folder) : await chooseSafety(folder));
  const place = placeIn(folder, safety);
  const restore = () =>
    restoreInPlace(engine, backup, {
      ...place,
      paths: given.paths,
      remove: given.remove,
      owners: ownersOf(options),
      dryRun,
      ...(given.of !== undefined && { of: given.of }),
      unfinished: given.unfinished === true,
      commands: commandsOf(options, session, backup.manifest.source),
      environment: process.env,
      confirm: (plan) => assertCommitted(engine, plan, given),
    });
  const report = dryRun ? await restore() : await withRestoreLock(place, engine.now(), restore);
  terminal.stop();
  say(terminal, report);
  sayLeftOut(terminal, report.leftOut, report.lacking);
  await sayLacking(terminal, report, given.safety === undefined ? engine : undefined);
  sayCommands(terminal, report.commands);
  const problems = [
    ...(report.result?.problems ?? []),
    ...report.differences.map((one) => ({ path: one.path, code: one.change, detail: one.found })),
  ];
  const exit = exitOf({ ...report, problems });
  if (given.unfinished !== true || isStopped(exit)) {
    terminal.document({ command: 'restore', ...documentOf(report) });
  }
  return exit;
}

/** What git could not bring back is worth a refusal, although it would be saved. */
async function assertCommitted(
  engine: Engine,
  plan: InPlacePlan,
  { folder, options }: Performance,
): Promise<void> {
  if (options.allowUncommitted === true) return;
  const { paths, problems } = await uncommittedChanges(folder, {
    environment: process.env,
    // What was deleted has nothing left that could be overwritten.
    paths: plan.lost,
  });
  const hint =
    'Commit or stash them, or pass --allow-uncommitted: a safety backup is made in any case.';
  const [unknown] = problems;
  if (paths === undefined && unknown !== undefined) {
    throw new HoldfastError(
      'TARGET_REFUSED',
      `whether ${displayText(folder)} has uncommitted changes is not known: ${unknown.detail}`,
      { hint },
    );
  }
  // Without a working tree there is nothing that could be uncommitted.
  const changes = await touchedSince(engine, folder, paths ?? []);
  if (changes.length === 0) return;
  throw new HoldfastError(
    'TARGET_REFUSED',
    `${counted(changes.length, 'uncommitted change')} would be overwritten: ${someEntries(changes, 5).join(', ')}`,
    { hint },
  );
}

/** Byte strings as text. */
function documentOf(report: InPlaceReport): object {
  const texts = (paths: readonly string[]) => paths.map((one) => jsonPath(one).path);
  const { plan, replaced, created, removed } = report;
  const { replace, create, remove, equal } = plan;
  return {
    ...report,
    plan: { replace: texts(replace), create: texts(create), remove: texts(remove), equal },
    replaced: texts(replaced),
    created: texts(created),
    removed: texts(removed),
  };
}

function say(terminal: Terminal, report: InPlaceReport): void {
  const { plan, dryRun, folder } = report;
  if (plan.replace.length + plan.remove.length === 0) {
    const { unkept, lacking } = report;
    const aside = unkept.owners + unkept.problems.length + lacking.length > 0;
    terminal.done(
      `nothing to do: ${counted(plan.equal, 'entry', 'entries')} of ${displayText(folder)} ${plan.equal === 1 ? 'is as it was' : 'are as they were'} backed up${aside ? ', but for what is named below' : ''}`,
    );
  } else if (dryRun) sayPlan(terminal, report);
  else sayDone(terminal, report);
  for (const line of problemLines(report.result?.problems ?? [])) terminal.warn(line);
  for (const { path: where, change, expected, found } of report.differences.slice(0, 20))
    terminal.warn(`${displayText(where)}: ${change} is ${found} instead of ${expected}`);
  for (const line of problemLines(report.unread)) terminal.warn(`not read back: ${line}`);
  sayUnkept(terminal, report.unkept);
  if (!isWhole(report)) {
    terminal.warn(
      `not all of it was restored: correct what is named above and run the same command again, or take it back with holdfast undo ${displayText(folder)}`,
    );
  }
  if (report.unrecorded !== undefined) terminal.warn(`no record was left: ${report.unrecorded}`);
  sayHazards(terminal, report.hazards);
}

function sayPlan(terminal: Terminal, { source, id, folder, plan }: InPlaceReport): void {
  terminal.line(`dry run  ${source}/${id} over ${displayText(folder)}`);
  terminal.line(`  would ${planText(plan)}; ${plan.equal} are equal already`);
  const say = (text: string) => {
    terminal.line(text);
  };
  sayPaths(say, plan);
}

function sayDone(terminal: Terminal, report: InPlaceReport): void {
  const { source, id, folder, plan, replaced, created, removed, safety, durationMs } = report;
  const whole = isWhole(report);
  const say = (text: string) => {
    if (whole) terminal.done(text);
    else terminal.line(text);
  };
  const mark = terminal.paint(whole ? 'green' : 'yellow', whole ? 'restored' : 'restored in part');
  say(`${mark}  ${source}/${id} over ${displayText(folder)}`);
  say(
    `  replaced ${entriesText(plan.replace, replaced)}${newText(created)}, removed ${amountText(plan.remove, removed)}; ${plan.equal} were equal already`,
  );
  sayPaths(say, { replace: replaced, create: created, remove: removed });
  if (safety !== undefined) {
    say(`  what was there before is kept in ${displayText(safety.folder)}`);
    say(`  to take it back: holdfast undo ${displayText(folder)}`);
  }
  say(`  done in ${durationText(durationMs)}`);
}

/** How many of `wanted` were done. */
function amountText(wanted: readonly string[], done = wanted): string {
  if (wanted.length === 0) return 'none';
  return done.length === wanted.length ? String(done.length) : `${done.length} of ${wanted.length}`;
}

function entriesText(wanted: readonly string[], done = wanted): string {
  if (wanted.length === 0) return 'none';
  return `${amountText(wanted, done)} ${wanted.length === 1 ? 'entry' : 'entries'}`;
}

function newText(created: readonly string[]): string {
  return created.length === 0 ? '' : ` (${created.length} new)`;
}

/** Whether everything that was wanted was done, and is what was backed up as far as this user can make it so. */
function isWhole({ result, differences }: InPlaceReport): boolean {
  const problems = result?.problems ?? [];
  return differences.length === 0 && problems.every(({ tolerated }) => tolerated === true);
}
