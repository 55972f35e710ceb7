// What came of a backup or a repair that others were to make because of an incident, as far as the store shows it.
import type { Begun } from '../../policy/incidents/recovery.ts';
import type { Starts } from '../../policy/incidents/state.ts';
import { manifestKey } from '../../format/layout.ts';
import type { Record } from '../../format/record.ts';
import { readRecords } from '../catalog/records.ts';
import { MOST_REPAIRS, waitingForRepair } from '../catalog/repairs.ts';
import { surveyBackup, surveySource } from '../catalog/survey.ts';
import type { Engine } from '../engine.ts';

export interface RecoveryResult {
  readonly outcome: 'done' | 'failed';
  /** In words. */
  readonly result: string;
}

/** What came of it; undefined as long as that is not decided. A backup counts when it is proven. */
export function recoveryResult(
  engine: Engine,
  { starts, at }: Pick<Begun, 'starts' | 'at'>,
): Promise<RecoveryResult | undefined> {
  const { source, backup } = starts;
  return backup === undefined
    ? repairResult(engine, starts, at)
    : backupResult(engine, { source, id: backup, since: at });
}

async function backupResult(
  engine: Engine,
  { source, id, since }: { source: string; id: string; since: Date },
): Promise<RecoveryResult | undefined> {
  if ((await engine.store.head(manifestKey(source, id))) !== undefined) {
    const standing = (await surveyBackup(engine, source, id))?.standing;
    if (standing === 'good') return { outcome: 'done', result: `${id} is proven` };
    if (standing === 'partial') return { outcome: 'failed', result: `${id} lacks something` };
    const isOpen = standing === undefined || standing === 'unproven';
    return isOpen ? undefined : { outcome: 'failed', result: `${id} is ${standing}` };
  }
  const records = await trusted(engine, 'backup', { source, since, subjects: new Set([id]) });
  const failed = records.findLast(({ verdict }) => verdict === 'failed');
  return failed && { outcome: 'failed', result: failed.problems[0]?.detail ?? `${id} failed` };
}

/** Decided when every damaged backup was looked at, or as many as are for one incident, and what was made of them is verified. */
async function repairResult(
  engine: Engine,
  { source }: Starts,
  since: Date,
): Promise<RecoveryResult | undefined> {
  const records = await trusted(engine, 'repair', { source, since });
  if (records.length === 0) return undefined;
  const { backups } = await surveySource(engine, source);
  const made = new Map(backups.map((one) => [one.id, one.standing]));
  const standingOf = (one: Record) => made.get(repairedIn(one));
  if (records.some((one) => standingOf(one) === 'unproven')) return undefined;
  const tried = new Set(records.map(({ subject }) => subject));
  const waiting = waitingForRepair(backups);
  const untried = waiting.filter(({ id }) => !tried.has(id)).length;
  if (untried > 0 && tried.size < MOST_REPAIRS) return undefined;
  const words = records.map((one) => repairWords(one, standingOf(one)));
  return {
    outcome: waiting.length === 0 ? 'done' : 'failed',
    result: [...words, ...(untried > 0 ? [`${untried} more are left`] : [])].join('; '),
  };
}

/** The id of the backup that was made. */
function repairedIn({ facts: { repaired } }: Record): string {
  return typeof repaired === 'string' ? repaired : '';
}

function repairWords(record: Record, standing = 'not there'): string {
  const { subject, verdict, facts, problems } = record;
  if (verdict === 'failed') return `${subject}: ${problems[0]?.detail ?? 'the repair failed'}`;
  const healed = Array.isArray(facts['healed']) ? facts['healed'].length : 0;
  const lost = problems.length;
  return `${subject} → ${repairedIn(record)}, ${standing}: ${healed} healed, ${lost} lost`;
}

async function trusted(
  engine: Engine,
  verb: 'backup' | 'repair',
  { source, ...wanted }: { source: string; since: Date; subjects?: ReadonlySet<string> },
): Promise<Record[]> {
  const read = await readRecords(engine, verb, source, { ...wanted, onProblem: () => undefined });
  return read.flatMap(({ record, distrust }) => (distrust === undefined ? [record] : []));
}
