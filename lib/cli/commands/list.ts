// `holdfast list`: the backups in the store, newest last, with what they are worth.
import { listStored } from '../../engine/catalog.ts';
import { surveySource, type SurveyedBackup } from '../../engine/survey.ts';
import { problemLines } from '../problems.ts';
import type { Invocation } from '../program.ts';
import { openSession } from '../session.ts';
import { Terminal } from '../terminal.ts';
import { bytesText, table } from '../units.ts';

export async function run(names: string[], { options, signal }: Invocation): Promise<number> {
  const terminal = new Terminal({ json: options.json === true, quiet: options.quiet === true });
  await using session = await openSession({ options, signal });
  const { engine } = session;
  const present = new Set((await listStored(engine)).map(({ source }) => source));
  const surveys = [];
  for (const source of present) {
    if (names.length === 0 || names.includes(source))
      surveys.push(await surveySource(engine, source));
  }
  const backups = surveys.flatMap((survey) => survey.backups);
  const problems = surveys.flatMap((survey) => survey.problems);
  if (backups.length === 0) terminal.note(`${engine.store.url} holds no backup`);
  else for (const line of table([HEAD, ...backups.map(rowOf)])) terminal.line(line);
  for (const line of problemLines(problems)) terminal.warn(line);
  terminal.document({
    command: 'list',
    store: engine.store.url,
    backups: backups.map(jsonOf),
    problems,
  });
  return 0;
}

const HEAD = ['source', 'id', 'standing', 'files', 'content', 'stored', 'commit'];

function rowOf({
  source,
  id,
  standing,
  manifest,
  storedBytes,
  pinnedBy,
}: SurveyedBackup): string[] {
  const { totals, git } = manifest;
  const commit = git === undefined ? '' : `${git.commit.slice(0, 8)}${git.dirty ? '+' : ''}`;
  const mark = pinnedBy.length > 0 ? `${standing}, pinned` : standing;
  return [
    source,
    id,
    mark,
    String(totals.files),
    bytesText(totals.contentBytes),
    bytesText(storedBytes),
    commit,
  ];
}

function jsonOf(backup: SurveyedBackup): object {
  const { source, id, time, storedAt, standing, good, why, pinnedBy, storedBytes, manifest } =
    backup;
  const { status, totals, git, problemCount, begin, end, artifacts } = manifest;
  return {
    source,
    id,
    time,
    storedAt,
    standing,
    good,
    why,
    pinned: pinnedBy.length > 0,
    status,
    begin,
    end,
    totals,
    problemCount,
    storedBytes,
    artifacts: artifacts.map(({ role, key, bytes, sha256 }) => ({ role, key, bytes, sha256 })),
    ...(git && { git }),
  };
}
