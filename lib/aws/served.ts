// Events come twice, late and out of order. What they ask for may be there, or may have failed for good.
import { isUnreadable, listStored, readManifest, timeOf } from '../engine/catalog.ts';
import { latestTime } from '../engine/clock.ts';
import type { Engine } from '../engine/engine.ts';
import { readRecords } from '../engine/records.ts';
import { ERRORS, HoldfastError, type ErrorCode } from '../errors.ts';
import { backupId, parseBackupId, type Trigger } from '../format/ids.ts';
import type { Manifest } from '../format/manifest.ts';
import type { StoredObject } from '../stores/store.ts';

/**
 * The backup of a later trigger that has been made already, when `trigger` comes late; undefined when there is none, or somebody
 * waits for this very one. A run now would read the same source again, and give the result an older name.
 */
export async function madeSince(
  engine: Engine,
  source: string,
  trigger: Trigger,
): Promise<Manifest | undefined> {
  if (trigger.kind !== 'schedule' && trigger.kind !== 'deploy') return undefined;
  const latest = latestTime(engine);
  const later = (await listStored(engine, source)).filter(
    ({ id }) => isRun(id) && timeOf(id) > trigger.at && timeOf(id) <= latest,
  );
  for (const { manifest } of later.reverse()) {
    const made = manifest && (await readTrusted(engine, manifest));
    if (made !== undefined && new Date(made.begin) >= trigger.at) return made;
  }
  return undefined;
}

/** What cannot be read, or trusted, has served nobody. */
async function readTrusted(engine: Engine, object: StoredObject): Promise<Manifest | undefined> {
  try {
    const { manifest, distrust } = await readManifest(engine, object);
    return distrust === undefined ? manifest : undefined;
  } catch (error) {
    if (isUnreadable(error)) return undefined;
    throw error;
  }
}

/** Repairs and safety backups are not read from the source. */
function isRun(id: string): boolean {
  const kind = parseBackupId(id)?.kind;
  return kind !== undefined && kind !== 'repair' && kind !== 'safety';
}

/**
 * Throws what an earlier delivery of this very event failed with, when another attempt could not end otherwise: nothing is read
 * again, and no second record written. An event that is sent anew, after whatever was wrong was put right, has another id.
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
    hint: 'It failed so before, and was not tried again. When it is put right, trigger it anew.',
  });
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERRORS, code);
}
