// `holdfast restore … --to env:DATABASE_URL`: a backup of a database to a database.
import { restoreToService, type ServiceRestoreReport } from '../../engine/restore/to-service.ts';
import { wasLost } from '../../engine/restore/left-out.ts';
import { ERRORS, HoldfastError } from '../../errors.ts';
import { displayText } from '../../format/paths.ts';
import { checksOf } from '../sources.ts';
import { databaseTarget } from './database-target.ts';
import type { Invocation } from '../invocation.ts';
import { regionOf } from '../../wiring/keys.ts';
import { sayLacking } from '../output/left-out.ts';
import { problemLines } from '../output/problems.ts';
import { backupToRestore, type RestoreCommandOptions } from './restoring.ts';
import { openSession } from '../session.ts';
import type { Terminal } from '../output/terminal.ts';
import { bytesText, counted, durationText } from '../output/units.ts';

export async function restoreToDatabase(
  name: string,
  paths: readonly string[],
  { options, signal, terminal }: Invocation<RestoreCommandOptions> & { terminal: Terminal },
): Promise<number> {
  const { to = '', table = [], replace = false, createRoles = false, dryRun = false } = options;
  if (paths.length > 0) {
    throw new HoldfastError('USAGE', `${paths[0] ?? ''} cannot be restored to a database alone`, {
      hint: 'Name tables with --table schema.table, or restore paths to a folder.',
    });
  }
  refuseForDatabase(options);
  await using session = await openSession({
    options,
    signal,
    signing: replace && !dryRun ? 'required' : 'optional',
    onProgress: terminal.progress,
  });
  const { engine, config } = session;
  const backup = await backupToRestore(engine, name, options);
  const target = await databaseTarget(to, config && regionOf(config));
  terminal.start(`${dryRun ? 'looking at' : 'restoring'} ${backup.source}/${backup.id}`);
  const report = await restoreToService(engine, backup, {
    ...target,
    parts: table,
    replace,
    dryRun,
    apart: options.severalTransactions === true,
    prepare: createRoles,
    owners: options.owner !== false,
    privileges: options.privileges !== false,
    properties: options.databaseProperties !== false,
    checks: checksOf(config, backup.source),
  });
  terminal.stop();
  const partly = table.length > 0;
  if (dryRun) sayPlanned(terminal, report, partly);
  else say(terminal, report, partly);
  await sayLacking(terminal, report, engine);
  terminal.document({ command: 'restore', ...(dryRun && { dryRun }), ...report });
  return exitOf(report);
}

function exitOf({ differences, lacking }: ServiceRestoreReport): number {
  if (differences.length > 0) return ERRORS.RESTORE_DIFFERS.exit;
  return lacking.some(wasLost) ? ERRORS.RESTORE_INCOMPLETE.exit : 0;
}

/** Options that say something of a folder: what they ask for would not be done. */
function refuseForDatabase(options: RestoreCommandOptions): void {
  const given = {
    '--moved': options.moved,
    '--delete': options.delete,
    '--allow-uncommitted': options.allowUncommitted,
    '--owner': options.owner,
    '--no-verify': !options.verify,
    '--skip-damaged': options.skipDamaged,
    '--run': options.run !== undefined,
    '--run-configured': options.runConfigured,
  };
  const [unfit] = Object.entries(given).flatMap(([name, is]) => (is === true ? [name] : []));
  if (unfit === undefined) return;
  throw new HoldfastError('USAGE', `${unfit} means nothing for a database`, {
    hint: 'Leave it out. What a restored database is asked stands under `checks` in the configuration.',
  });
}

/** What a restore would do; everything that can be found out without doing it was. */
function sayPlanned(terminal: Terminal, report: ServiceRestoreReport, partly: boolean): void {
  const { source, id, to, entries, bytes, notes, facts } = report;
  terminal.line(
    `would restore  ${displayText(source)}/${id}  ${counted(entries, 'object')}, ${bytesText(bytes)}`,
  );
  terminal.line(`  to ${displayText(to)}`);
  terminal.line(
    facts['transactions'] === 'several'
      ? '  in several transactions: what was done before a failure would stay'
      : '  in one transaction: whole or not at all',
  );
  if (facts['replaced'] === true)
    terminal.line(
      partly
        ? '  the database would be backed up first; then these tables alone would be replaced'
        : '  what is there would be backed up first, and replaced',
    );
  for (const line of problemLines(notes)) terminal.line(`  ${line}`);
}

/** What was compared and found equal, and nothing more. */
function holdsText({ notes, facts }: ServiceRestoreReport, partly: boolean): string {
  const { left = [] } = facts;
  const aside = [
    ...(Array.isArray(left) ? left.map(String) : []),
    ...(notes.some(({ code }) => NOT_AS_IT_WAS.includes(code)) ? ['what is named above'] : []),
  ];
  const all = partly
    ? 'these tables have the rows and definitions that were recorded'
    : 'it holds what was recorded when it was backed up';
  return aside.length === 0 ? all : `${all}, but for ${aside.join(', ')}`;
}

const NOT_AS_IT_WAS: readonly string[] = ['other-setting', 'left-out', 'printed-otherwise'];

function say(terminal: Terminal, report: ServiceRestoreReport, partly: boolean): void {
  const { source, id, to, entries, bytes, durationMs, differences, notes, saved } = report;
  terminal.done(
    `${terminal.paint('green', 'restored')}  ${displayText(source)}/${id}  ${counted(entries, 'object')}, ${bytesText(bytes)} in ${durationText(durationMs)}`,
  );
  terminal.done(`  to ${displayText(to)}`);
  if (saved !== undefined) terminal.done(`  what was there: ${saved}`);
  for (const line of problemLines(notes)) terminal.done(`  ${line}`);
  if (differences.length === 0) terminal.done(`  ${holdsText(report, partly)}`);
  for (const line of problemLines(differences)) terminal.warn(line);
  if (report.unrecorded !== undefined) terminal.warn(`no record was left: ${report.unrecorded}`);
}
