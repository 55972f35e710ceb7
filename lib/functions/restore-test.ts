// What `restore-test` does: the newest good backup of a source is restored to the storage of the function or task, and compared.
import { statfs } from 'node:fs/promises';
import type { SourceConfig } from '../config/config.ts';
import { latestTime } from '../engine/catalog/clock.ts';
import { kindOf, type Engine } from '../engine/engine.ts';
import { readRecords } from '../engine/catalog/records.ts';
import { restoreTest } from '../engine/restore-test.ts';
import { runsUntil, surveySource, type SurveyedBackup } from '../engine/catalog/survey.ts';
import { HoldfastError, type Problem } from '../errors.ts';
import type { Manifest } from '../format/manifest.ts';
import type { RunsOn } from '../names/aws.ts';
import { parseRestoreTestEvent } from './events.ts';
import type { Invocation } from './invocation.ts';
import { firstProblems } from './reports.ts';
import { sourceConfig } from './source-config.ts';
import { assertTold } from './due-verifications.ts';

export interface RestoreTestReport {
  /** `already`: a test of the source has been proven since the time of this event. */
  readonly outcome: 'tested' | 'already';
  readonly source: string;
  readonly id: string;
  readonly verdict: string;
  readonly restoreSeconds?: number;
  readonly problems?: readonly Problem[];
}

/**
 * Tests what `{ source, at }` names. `BACKUP_NOT_FOUND` without a good backup, `NO_SPACE` for one that is larger than the storage,
 * `FORMAT_UNSUPPORTED` for one of a kind that is not restored here.
 */
export async function testRestore(
  { engine, config, runsOn, publish }: Invocation,
  event: unknown,
): Promise<RestoreTestReport> {
  const { source: wanted, at: since } = parseRestoreTestEvent(event, latestTime(engine));
  const configured = sourceConfig(config, wanted, runsOn);
  const { name: source } = configured;
  const before = await provenSince(engine, source, since);
  if (before !== undefined) return { outcome: 'already', source, id: before, verdict: 'proven' };
  const backup = await newestGood(engine, source);
  await assertRoom(engine, backup.manifest, runsOn);
  const result = await restoreTest(engine, backup, { checks: checksOf(configured) });
  const { id, verdict, problems, restoreMs } = result;
  assertTold(result);
  const restoreSeconds = restoreMs / 1000;
  const measures =
    verdict === 'proven' ? { restoreTestAgeSeconds: 0, restoreSeconds } : { damagedBackups: 1 };
  await publish({ sources: { [source]: measures } });
  return {
    outcome: 'tested',
    source,
    id,
    verdict,
    restoreSeconds,
    problems: firstProblems(problems),
  };
}

/** What is asked of a restored backup of the source. */
function checksOf(source: SourceConfig): readonly string[] {
  return source.kind === 'postgres' ? source.checks : [];
}

async function provenSince(
  engine: Engine,
  source: string,
  since: Date,
): Promise<string | undefined> {
  const options = { since, onProblem: () => undefined };
  const records = await readRecords(engine, 'restore-test', source, options);
  return records.findLast(
    ({ record, distrust }) => distrust === undefined && record.verdict === 'proven',
  )?.record.subject;
}

async function newestGood(engine: Engine, source: string): Promise<SurveyedBackup> {
  const { backups } = await surveySource(engine, source);
  const newest = runsUntil(backups, engine.now()).findLast(({ good }) => good);
  if (newest !== undefined) return newest;
  throw new HoldfastError('BACKUP_NOT_FOUND', `${source} has no good backup that could be tested`, {
    hint: '`holdfast status` says what its backups lack.',
  });
}

const BESIDES = 'or by `holdfast restore-test` in CI or on a server.';
/** What helps when a backup is larger than the storage. */
const MORE_ROOM = {
  function: `A function has at most 10 GiB. Test a bucket or a database as a task on Fargate (\`runOn: task\`), ${BESIDES}`,
  task: `A task has the disk that \`aws.tasks.disk\` says, 200 GiB at most. Raise it, split the source, or test it ${BESIDES.slice('or '.length)}`,
} as const satisfies Record<RunsOn, string>;

async function assertRoom(engine: Engine, manifest: Manifest, runsOn: RunsOn): Promise<void> {
  const { source, id, kind } = manifest;
  const { scratch } = engine;
  const needed = (await kindOf(engine, kind)).roomFor(manifest);
  const { bavail, bsize } = await statfs(scratch);
  const free = bavail * bsize;
  if (needed <= free) return;
  throw new HoldfastError(
    'NO_SPACE',
    `${source}/${id} takes ${needed} bytes when it is restored, and ${scratch} has ${free}`,
    { hint: MORE_ROOM[runsOn] },
  );
}
