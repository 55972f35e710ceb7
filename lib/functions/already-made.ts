// Events come twice, late and out of order. What they ask for may be there, or may have failed for good.
import { listStored, newestBackups, timeOf } from '../engine/catalog/backups.ts';
import { latestTime } from '../engine/catalog/clock.ts';
import type { Engine } from '../engine/engine.ts';
import { readRecords } from '../engine/catalog/records.ts';
import { ERRORS, HoldfastError, type ErrorCode } from '../errors.ts';
import { backupId, parseBackupId, type Trigger } from '../format/ids.ts';
import type { Manifest } from '../format/manifest.ts';

/**
 * The backup of a later trigger that has been made already, when `trigger` comes late; undefined when there is none, or somebody
 * waits for this very one. A run now would read again what has been read since.
 */
export async function madeSince(
  engine: Engine,
  source: string,
  trigger: Trigger,
): Promise<Manifest | undefined> {
  if (trigger.kind !== 'schedule' && trigger.kind !== 'deploy') return undefined;
  const latest = latestTime(engine);
  const later = (await listStored(engine, source)).filter(
    ({ id }) => servesAsWell(id, trigger) && timeOf(id) > trigger.at && timeOf(id) <= latest,
  );
  for await (const { read } of newestBackups(engine, later)) {
    // What cannot be read, or trusted, has served nobody.
    if (read === undefined || read.distrust !== undefined) continue;
    if (new Date(read.manifest.begin) >= trigger.at) return read.manifest;
  }
  return undefined;
}

/**
 * Repairs and safety backups are not read from the source. Only another scheduled run replaces a scheduled one: a backup that
 * somebody made by hand does not show that the schedule works.
 */
function servesAsWell(id: string, trigger: Trigger): boolean {
  const kind = parseBackupId(id)?.kind;
  if (trigger.kind === 'schedule') return kind === 'schedule';
  return kind !== undefined && kind !== 'repair' && kind !== 'safety';
}

/**
 * Throws what an earlier delivery of this very event failed with, when another attempt could not end otherwise: nothing is read
 * again, and no second record written. An event that is sent again after the cause was fixed has another id.
 */
export async function assertWorthTrying(
  engine: Engine,
  source: string,
  trigger: Trigger,
): Promise<void> {
  const records = await readRecords(engine, 'backup', source, {
    subjects: new Set([backupId(trigger)]),
    onProblem: () => undefined,
  });
  const own = records.findLast(
    ({ record, distrust }) =>
      distrust === undefined && record.verdict === 'failed' && record.who === engine.who,
  );
  const problem = own?.record.problems[0];
  if (problem === undefined || !isErrorCode(problem.code)) return;
  // A run for which the time did not suffice would not end sooner.
  if (ERRORS[problem.code].retry && problem.code !== 'CANCELLED') return;
  throw new HoldfastError(problem.code, problem.detail, {
    hint: "This trigger already failed this way and won't be retried. Fix the cause, then start a new run.",
  });
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERRORS, code);
}
