// `holdfast list`: the backups in the store, newest last, with what they are worth; and beside them what AWS Backup holds.
import { listStored, type StoredBackup } from '../../engine/catalog/backups.ts';
import { surveySource, type Survey, type SurveyedBackup } from '../../engine/catalog/survey.ts';
import type { Engine } from '../../engine/engine.ts';
import { databaseSummary } from '../../format/manifest.ts';
import { displayText } from '../../format/paths.ts';
import { needsSeveral } from '../../sources/postgres/dump/transactions.ts';
import { effectiveTime } from '../../policy/order.ts';
import { holdsText, serverText } from '../output/holds-text.ts';
import { problemLines } from '../output/problems.ts';
import { pointLines, readPoints, type ListedPoints } from '../recovery-points/list.ts';
import { selectionsOf } from '../recovery-points/selections.ts';
import { assertKnown } from '../store/known-sources.ts';
import type { Invocation } from '../invocation.ts';
import { openSession } from '../session.ts';
import { Terminal } from '../output/terminal.ts';
import { ageText, bytesText, counted, table } from '../output/units.ts';

export async function run(names: string[], { options, signal }: Invocation): Promise<number> {
  const terminal = new Terminal({ json: options.json === true, quiet: options.quiet === true });
  await using session = await openSession({ options, signal, signing: 'none' });
  const { engine } = session;
  const present = Map.groupBy(await listStored(engine), ({ source }) => source);
  const configured = session.config?.sources.map(({ name }) => name) ?? [];
  const selections = selectionsOf(session.config).map(({ name }) => name);
  assertKnown(names, [...new Set([...configured, ...selections, ...present.keys()])]);
  const surveys = await surveysOf(engine, present, names);
  const backups = surveys.flatMap((survey) => survey.backups);
  const listed = await readPoints(engine, session.config, names);
  const problems = [surveys, listed ?? []].flat().flatMap((one) => one.problems);
  if (backups.length === 0 && !onlySelections(names, selections))
    terminal.note(`${engine.store.url} holds no backup`);
  else {
    const now = engine.now();
    for (const line of table([HEAD, ...backups.map((one) => rowOf(one, now))])) terminal.line(line);
  }
  const apart = backups.filter(loadsInSeveral).length;
  if (apart > 0) {
    terminal.note(
      `${counted(apart, 'backup')} may load in several transactions only: restore with --several-transactions, to a new database`,
    );
  }
  const hidden = backups.filter((one) => one.hidden.length > 0).length;
  if (hidden > 0) {
    terminal.warn(
      `${counted(hidden, 'backup')} hidden: somebody has deleted or overwritten objects of it, and older versions are read; docs/runbook.md says how to undo that before they end`,
    );
  }
  for (const line of problemLines(problems)) terminal.warn(line);
  if (listed !== undefined) sayPoints(terminal, listed, engine.now());
  terminal.document({
    command: 'list',
    store: engine.store.url,
    backups: backups.map(jsonOf),
    ...(listed !== undefined && {
      recoveryPoints: listed.points,
      recoveryPointsUnasked: listed.unasked,
    }),
    problems,
  });
  return 0;
}

async function surveysOf(
  engine: Engine,
  present: ReadonlyMap<string, readonly StoredBackup[]>,
  names: readonly string[],
): Promise<Survey[]> {
  const surveys: Survey[] = [];
  for (const [source, stored] of present) {
    if (names.length === 0 || names.includes(source))
      surveys.push(await surveySource(engine, source, stored));
  }
  return surveys;
}

function sayPoints(terminal: Terminal, { points, unasked }: ListedPoints, now: Date): void {
  terminal.line();
  if (points.length === 0) terminal.note('no recovery point is known');
  for (const line of pointLines(points, now)) terminal.line(line);
  if (unasked !== undefined) {
    terminal.note(`these are recovery points as the store has them recorded: ${unasked}`);
  }
}

function onlySelections(names: readonly string[], selections: readonly string[]): boolean {
  return names.length > 0 && names.every((name) => selections.includes(name));
}

const HEAD = ['source', 'id', 'age', 'standing', 'holds', 'content', 'stored', 'from'];

function loadsInSeveral({ manifest, tested }: SurveyedBackup): boolean {
  return needsSeveral(manifest, tested);
}

function rowOf(backup: SurveyedBackup, now: Date): string[] {
  const { source, id, standing, manifest, storedBytes, pinnedBy, hidden } = backup;
  const { totals, git, database } = manifest;
  const commit = git === undefined ? '' : `${git.commit.slice(0, 8)}${git.dirty ? '+' : ''}`;
  const marks = [
    standing,
    pinnedBy.length > 0 && 'pinned',
    hidden.length > 0 && 'hidden',
    loadsInSeveral(backup) && 'several transactions',
  ];
  const mark = marks.filter((one) => one !== false).join(', ');
  return [
    source,
    id,
    ageText(effectiveTime(backup), now),
    mark,
    holdsText(manifest),
    bytesText(totals.contentBytes),
    bytesText(storedBytes),
    displayText(database === undefined ? commit : serverText(database)),
  ];
}

function jsonOf(backup: SurveyedBackup): object {
  const { source, id, time, storedAt, standing, good, why, pinnedBy, storedBytes, manifest } =
    backup;
  const { status, totals, git, database, problemCount, begin, end, artifacts } = manifest;
  return {
    source,
    id,
    time,
    storedAt,
    effectiveTime: effectiveTime(backup),
    standing,
    good,
    why,
    pinned: pinnedBy.length > 0,
    ...(backup.hidden.length > 0 && { hidden: backup.hidden }),
    signedBy: backup.signedBy,
    status,
    begin,
    end,
    totals,
    problemCount,
    storedBytes,
    artifacts: artifacts.map(({ role, key, bytes, sha256 }) => ({ role, key, bytes, sha256 })),
    ...(git && { git }),
    ...(database && { database: databaseSummary(database) }),
    ...(loadsInSeveral(backup) && { transactions: 'several' }),
  };
}
