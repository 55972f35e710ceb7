// What the function that backs up does about damage: it writes new backups from what is whole in those of the same source.
import { MOST_REPAIRS, waitingForRepair } from '../../engine/catalog/repairs.ts';
import { writeRecord } from '../../engine/catalog/records.ts';
import { surveySource } from '../../engine/catalog/survey.ts';
import type { Engine } from '../../engine/engine.ts';
import { repairBackup } from '../../engine/repair.ts';
import { HoldfastError } from '../../errors.ts';
import { ARCHIVE_KINDS } from '../../wiring/kinds.ts';
import type { Invocation } from '../invocation.ts';
import type { RecoverReport } from './recover.ts';

/** Repairs the newest damaged backups of a source. Each leaves a record, also one that cannot be repaired: `escalate` reads them. */
export async function repairWaiting(
  invocation: Invocation,
  source: string,
): Promise<RecoverReport> {
  const engine = { ...invocation.engine, kinds: ARCHIVE_KINDS };
  const { backups } = await surveySource(engine, source);
  const repairs: Record<string, string> = {};
  for (const { id } of waitingForRepair(backups).slice(0, MOST_REPAIRS))
    repairs[id] = await repairOne(engine, source, id);
  return { outcome: 'repaired', source, repairs };
}

async function repairOne(engine: Engine, source: string, id: string): Promise<string> {
  const begin = engine.now();
  try {
    // Its role reads no other sources.
    const { repaired = 'it is whole' } = await repairBackup(engine, { source, id }, 'own');
    return repaired;
  } catch (error) {
    // What passes, the next event of the service may find passed.
    if (!(error instanceof HoldfastError) || error.code === 'CANCELLED') throw error;
    const { code, message: detail } = error;
    const problems = [{ path: '', code, detail }];
    const act = { verb: 'repair', source, subject: id, begin, verdict: 'failed' } as const;
    await writeRecord(engine, { ...act, problems, facts: {} });
    return detail;
  }
}
