// `holdfast diff`: what differs between two backups, or between a backup and its source as it is now.
import path from 'node:path';
import process from 'node:process';
import type { Config, FilesSourceConfig } from '../../config/config.ts';
import { resolveBackup } from '../../engine/catalog/backups.ts';
import { diffBackups, diffLive, isEqual, type BackupName } from '../../engine/diff.ts';
import { ERRORS, HoldfastError } from '../../errors.ts';
import {
  changeJson,
  changeLine,
  shownChange,
  shownDifferences,
  totalsText,
  type ShownChange,
} from '../output/changes.ts';
import { ListDocument } from '../output/json.ts';
import { problemLines } from '../output/problems.ts';
import type { Invocation } from '../invocation.ts';
import { openSession, requireConfig, type Session } from '../session.ts';
import { openFolder, selectSources } from '../sources.ts';
import { Terminal } from '../output/terminal.ts';

interface Options {
  readonly live?: boolean;
  readonly all?: boolean;
  readonly exitCode?: boolean;
}

const LISTED = 1000;

export async function run(
  [before = '', after]: string[],
  { options, signal }: Invocation<Options>,
): Promise<number> {
  const terminal = new Terminal({ json: options.json === true, quiet: options.quiet === true });
  const live = options.live === true;
  if (!live && after === undefined) {
    throw new HoldfastError('USAGE', 'diff needs something to compare with', {
      hint: 'Name a second backup, or pass --live for the source as it is now.',
    });
  }
  await using session = await openSession({
    options,
    signal,
    signing: 'none',
    onProgress: terminal.progress,
  });
  const backup = await resolveBackup(session.engine, before);
  const limit = options.all === true ? Infinity : LISTED;
  const differs = live
    ? await compareLive(session, backup, { terminal, limit, place: after })
    : await compareBackups(session, backup, { terminal, limit, after: after ?? '' });
  if (typeof differs === 'number') return differs;
  return differs && options.exitCode === true ? ERRORS.RESTORE_DIFFERS.exit : 0;
}

interface Output {
  readonly terminal: Terminal;
  readonly limit: number;
}

/** Whether they differ; or the exit code of what went wrong after the document was begun. */
async function compareBackups(
  { engine }: Session,
  before: BackupName,
  { terminal, limit, after: name }: Output & { after: string },
): Promise<boolean | number> {
  const after = await resolveBackup(engine, name);
  const names = { before: nameOf(before), after: nameOf(after) };
  terminal.line(`${names.before} → ${names.after}`);
  const changes = new Changes(terminal, { command: 'diff', ...names }, limit);
  try {
    const totals = await diffBackups(engine, before, after, (one) => changes.add(shownChange(one)));
    changes.end();
    terminal.line(isEqual(totals) ? `equal: ${totalsText(totals)}` : totalsText(totals));
    changes.document.end({ equal: isEqual(totals), totals });
    return !isEqual(totals);
  } catch (error) {
    if (!terminal.json) throw error;
    return changes.document.fail(error);
  }
}

async function compareLive(
  session: Session,
  backup: BackupName,
  { terminal, limit, place: folder }: Output & { place: string | undefined },
): Promise<boolean | number> {
  const config = requireConfig(session);
  const configured = comparableNow(config, backup);
  const place = folder === undefined ? undefined : path.resolve(process.cwd(), folder);
  const name = nameOf(backup);
  terminal.start(`comparing ${name}`);
  const live = await openFolder(config, configured);
  const compared = await diffLive(session.engine, backup, live, place);
  terminal.stop();
  const where = place ?? configured.path;
  terminal.line(`${name} → ${where}`);
  const document = { command: 'diff', before: name, live: where };
  const changes = new Changes(terminal, document, limit);
  for (const change of shownDifferences(compared.differences)) changes.add(change);
  changes.end();
  const { entries, leftOut, problems } = compared;
  const equal = changes.count === 0;
  terminal.line(
    equal
      ? `equal: ${entries - leftOut.length} entries are what was backed up`
      : `${changes.count} of ${entries} entries differ`,
  );
  if (leftOut.length > 0) {
    const first = leftOut.slice(0, 3).join(', ');
    terminal.line(
      `not compared: ${leftOut.length} in the backup that the configuration leaves out now, or that cannot be read (${first}${leftOut.length > 3 ? ', …' : ''})`,
    );
  }
  for (const line of problemLines(problems)) terminal.warn(line);
  changes.document.end({
    equal,
    entries,
    leftOut: { count: leftOut.length, first: leftOut.slice(0, LISTED) },
    problems,
  });
  return !equal || problems.some(({ tolerated }) => tolerated !== true);
}

/** The folder of a source. `USAGE` for one of another kind, of which another backup shows what is there now. */
function comparableNow(config: Config, { source, id }: BackupName): FilesSourceConfig {
  const [found] = selectSources(config, [source]);
  if (found?.kind === 'files') return found;
  throw new HoldfastError(
    'USAGE',
    `--live compares with a folder; ${source} is a source of kind ${found?.kind ?? ''}`,
    {
      hint: `Back it up as it is now, and compare the two: holdfast backup ${source}, then holdfast diff ${source}/${id} ${source}.`,
    },
  );
}

function nameOf({ source, id }: BackupName): string {
  return `${source}/${id}`;
}

/** Writes the first changes as they come and counts the others. */
class Changes {
  readonly document: ListDocument;
  count = 0;
  private readonly terminal: Terminal;
  private readonly limit: number;

  constructor(terminal: Terminal, head: object, limit: number) {
    this.terminal = terminal;
    this.limit = limit;
    this.document = new ListDocument(terminal, head, 'changes');
  }

  add(change: ShownChange): void {
    this.count++;
    if (this.count > this.limit) return;
    this.terminal.line(changeLine(change));
    this.document.item(changeJson(change));
  }

  end(): void {
    if (this.count <= this.limit) return;
    this.terminal.line(`… and ${this.count - this.limit} more: --all lists them`);
  }
}
