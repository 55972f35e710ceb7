// What all ways to restore share: their options, what they say, and how they end.
import process from 'node:process';
import { homeFolder } from '../../config/load/home.ts';
import { absolutePath } from '../../config/places.ts';
import type { OpenBackup, Owners, SourceKind } from '../../sources/source.ts';
import type { RestoreOptions, RestoreReport } from '../../engine/restore/to-folder.ts';
import { wasLost } from '../../engine/restore/left-out.ts';
import { resolveBackup } from '../../engine/catalog/backups.ts';
import { kindOf, type Engine } from '../../engine/engine.ts';
import { assertNotKnownDamaged } from '../../engine/catalog/known-damage.ts';
import { ERRORS, HoldfastError, type Problem } from '../../errors.ts';
import { displayPath, displayText } from '../../format/paths.ts';
import { sayLeftOut } from '../output/left-out.ts';
import { problemLines } from '../output/problems.ts';
import type { Session } from '../session.ts';
import type { Terminal } from '../output/terminal.ts';
import { typedPaths } from '../typed-paths.ts';
import { bytesText, counted, durationText } from '../output/units.ts';

export interface RestoreCommandOptions {
  readonly to?: string;
  readonly inPlace?: boolean;
  readonly moved?: boolean;
  readonly delete?: boolean;
  readonly allowUncommitted?: boolean;
  readonly dryRun?: boolean;
  /** Undefined when neither `--owner` nor `--no-owner` is given. */
  readonly owner?: boolean;
  readonly verify: boolean;
  readonly skipDamaged?: boolean;
  readonly allowDamaged?: boolean;
  /** True: what the configuration lists; otherwise one command. */
  readonly run?: readonly string[];
  readonly runConfigured?: boolean;
  /** For a recovery point: an ARN or the end of one, and the moment that is wanted. */
  readonly resource?: string;
  readonly at?: string;
  /** For a database. */
  readonly table?: readonly string[];
  readonly replace?: boolean;
  readonly severalTransactions?: boolean;
  readonly createRoles?: boolean;
  readonly databaseProperties?: boolean;
  readonly privileges?: boolean;
}

/** The backup that is to be restored. `BACKUP_DAMAGED` for one that is known to be damaged, unless an option asks for it. */
export async function backupToRestore(
  engine: Engine,
  name: string,
  { allowDamaged = false, skipDamaged = false }: RestoreCommandOptions,
): Promise<{ source: string; id: string }> {
  const backup = await resolveBackup(engine, name);
  if (!allowDamaged && !skipDamaged) await assertNotKnownDamaged(engine, backup);
  return backup;
}

/** The folder that is restored to; undefined where none was named. */
export function folderFor(options: RestoreCommandOptions): string | undefined {
  refuseForFolder(options);
  return options.to === undefined ? undefined : typedFolder(options.to);
}

/** A folder as it was typed. A shell leaves the `~` of `--to=~/restored` as it is, and of what stands in quotes. */
export function typedFolder(text: string): string {
  return absolutePath(text, { folder: process.cwd(), home: homeFolder() });
}

/** What to say when no target was named for a backup of this kind. */
export function missingTarget(kind: Pick<SourceKind, 'inPlace' | 'service'>): HoldfastError {
  const hint =
    kind.service === undefined
      ? `Pass --to FOLDER, which must not exist yet${kind.inPlace === undefined ? '' : ', or --in-place to restore over the source itself'}.`
      : TO_DATABASE;
  return new HoldfastError('USAGE', 'restore needs to know where to', { hint });
}

/** `USAGE` for `--in-place` with a backup that cannot be restored over its source. */
export function assertInPlace({ inPlace, service, kind }: SourceKind, source: string): void {
  if (inPlace !== undefined) return;
  throw new HoldfastError(
    'USAGE',
    `--in-place needs a folder; ${source} is a source of kind ${kind}`,
    {
      hint:
        service === undefined
          ? 'Restore the backup to a folder with --to, and go on from there.'
          : TO_DATABASE,
    },
  );
}

const TO_DATABASE =
  'Pass --to env:NAME, where the variable NAME holds the URL of an empty database (createdb --template=template0 makes one). For one that is not empty add --replace: what it holds is backed up first. --to FOLDER writes the dump there as a file instead.';

/** Options of other ways to restore, which would not be carried out for a new folder. */
function refuseForFolder(options: RestoreCommandOptions): void {
  const inPlace = {
    '--dry-run': options.dryRun,
    '--moved': options.moved,
    '--delete': options.delete,
    '--allow-uncommitted': options.allowUncommitted,
  };
  const database = {
    '--table': options.table !== undefined,
    '--replace': options.replace,
    '--several-transactions': options.severalTransactions,
    '--create-roles': options.createRoles,
    '--no-privileges': options.privileges === false,
    '--no-database-properties': options.databaseProperties === false,
  };
  const given = (all: Readonly<Record<string, boolean | undefined>>) =>
    Object.keys(all).find((name) => all[name] === true);
  const [unfit, other] =
    given(inPlace) !== undefined
      ? [given(inPlace), 'It goes with --in-place.']
      : [given(database), 'It goes with --to env:NAME, where the URL of a database is.'];
  if (unfit === undefined) return;
  throw new HoldfastError('USAGE', `${unfit} means nothing for a restore to a new folder`, {
    hint: other,
  });
}

/** Paths as they were typed, as the backup has them. */
export async function meantPaths(
  { engine, config }: { engine: Pick<Session['engine'], 'kinds'>; config: Session['config'] },
  backup: OpenBackup,
  typed: readonly string[],
  { note, over }: { note: (text: string) => void; over?: string },
): Promise<string[]> {
  if (typed.length === 0) return [];
  const { source: name, kind } = backup.manifest;
  const source = config?.sources.find((one) => one.name === name);
  const roots = [source?.kind === 'files' ? source.path : undefined, over];
  return typedPaths(await kindOf(engine, kind), backup, typed, {
    cwd: process.cwd(),
    roots: roots.filter((one) => one !== undefined),
    note,
  });
}

export function restoreOptions(
  paths: readonly string[],
  to: string,
  options: RestoreCommandOptions,
): RestoreOptions {
  return {
    paths,
    to,
    owners: ownersOf(options),
    verify: options.verify,
    skipDamaged: options.skipDamaged === true,
    commands: options.run ?? [],
    environment: process.env,
  };
}

/** Owners are given back as far as this user may, unless an option says otherwise. */
export function ownersOf({ owner }: RestoreCommandOptions): Owners {
  return owner === undefined ? 'able' : owner ? 'all' : 'aside';
}

/** What `--run` names, and what the configuration lists when asked for. */
export function commandsOf(
  options: RestoreCommandOptions,
  session: Session,
  source: string,
): readonly string[] {
  const configured = session.config?.sources.find((one) => one.name === source)?.afterRestore ?? [];
  return [...(options.runConfigured === true ? configured : []), ...(options.run ?? [])];
}

export function sayRestored(terminal: Terminal, report: RestoreReport): void {
  const { source, id, to, files, bytes, durationMs, differences, problems, unread, unkept } =
    report;
  const { lacking, leftOut } = report;
  terminal.done(
    `${terminal.paint('green', 'restored')}  ${displayText(source)}/${id}  ${counted(files, 'file')}, ${bytesText(bytes)} in ${durationText(durationMs)}`,
  );
  terminal.done(`  to ${displayText(to)}`);
  if (differences !== undefined) {
    const unsound = problems.length + unread.length + unkept.problems.length > 0;
    const held = lacking.length > 0 ? 'every entry that the backup holds' : 'every entry';
    const which = unsound ? 'every entry that is not named below' : held;
    const aside = unkept.owners > 0 ? ', owners aside' : '';
    terminal.done(`  read back: ${which} is what was backed up${aside}`);
  }
  sayLeftOut(terminal, leftOut, lacking);
  for (const line of problemLines(problems)) terminal.warn(line);
  for (const line of problemLines(unread)) terminal.warn(`not read back: ${line}`);
  sayUnkept(terminal, unkept);
  if (report.unrecorded !== undefined) terminal.warn(`no record was left: ${report.unrecorded}`);
  sayHazards(terminal, report.hazards);
  sayCommands(terminal, report.commands);
}

/** What is not as it was backed up although it was restored. */
export function sayUnkept(
  terminal: Terminal,
  { owners, of, problems }: RestoreReport['unkept'],
): void {
  if (owners > 0) {
    const whose = of.map(displayText).join(', ');
    const more = owners > of.length && of.length >= 3 ? ', …' : '';
    terminal.warn(
      `${counted(owners, 'entry belongs', 'entries belong')} to another user or group than in the backup (${whose}${more}): only root can give ${owners === 1 ? 'it' : 'them'} back`,
    );
  }
  for (const line of problemLines(problems)) terminal.warn(line);
}

export function sayHazards(terminal: Terminal, hazards: RestoreReport['hazards']): void {
  for (const { path: where, detail } of hazards.slice(0, 20)) terminal.warn(`${where}: ${detail}`);
  if (hazards.length > 20) terminal.warn(`… and ${hazards.length - 20} more to look at`);
}

export function sayCommands(terminal: Terminal, commands: RestoreReport['commands']): void {
  for (const { command, exitCode, durationMs, output } of commands) {
    const outcome = exitCode === 0 ? 'done' : `failed with exit code ${exitCode ?? 'none'}`;
    const text = `  ${displayText(command)}: ${outcome} in ${durationText(durationMs)}`;
    if (exitCode === 0) terminal.done(text);
    else terminal.line(text);
    if (exitCode !== 0)
      for (const line of output.trimEnd().split('\n').slice(-20)) terminal.warn(displayText(line));
  }
}

export function exitOf({
  problems,
  commands,
  unkept,
  lacking,
}: Pick<RestoreReport, 'problems' | 'commands' | 'unkept' | 'lacking'>): number {
  if (problems.some(counts)) return ERRORS.BACKUP_DAMAGED.exit;
  if (!commands.every(({ exitCode }) => exitCode === 0)) return ERRORS.COMMAND_FAILED.exit;
  const lost = lacking.filter(wasLost);
  return [...unkept.problems, ...lost].some(counts) ? ERRORS.RESTORE_INCOMPLETE.exit : 0;
}

function counts({ tolerated }: Problem): boolean {
  return tolerated !== true;
}

/** Byte strings for people, a few of them. */
export function someEntries(entries: readonly string[], most = 20): string[] {
  const shown = entries.slice(0, most).map(displayPath);
  return entries.length > most ? [...shown, `… and ${entries.length - most} more`] : shown;
}
