// The proof that each backup gets as soon as its manifest is there.
import { runsOn } from '../config/config.ts';
import { verifyBackup } from '../engine/verify.ts';
import { HoldfastError, type Problem } from '../errors.ts';
import { manifestOf, type CreatedObject } from './events.ts';
import type { Invocation } from './invocation.ts';
import { errorFields } from './logger.ts';
import { firstProblems } from './reports.ts';
import { assertTold, lastLooks } from './due-verifications.ts';

export interface VerifyReport {
  /**
   * `ignored`: the object is no manifest of this store; `elsewhere`: a task verifies this source, and here is the function, or the other way round;
   * `absent`: it is gone; `unusable`: it cannot be trusted, or not be read.
   */
  readonly outcome: 'verified' | 'already' | 'ignored' | 'elsewhere' | 'absent' | 'unusable';
  readonly source?: string;
  readonly id?: string;
  readonly verdict?: 'proven' | 'damaged' | 'inconclusive';
  readonly problems?: readonly Problem[];
  readonly problemCount?: number;
}

/** Verifies the backup whose manifest was created. A failure that trying again would not change is reported, not thrown. */
export async function verifyCreated(
  invocation: Invocation,
  created: CreatedObject,
): Promise<VerifyReport> {
  const { engine, settings, log, publish, config } = invocation;
  const backup = manifestOf(created, settings.store);
  if (backup === undefined) return { outcome: 'ignored' };
  const { source, id } = backup;
  const configured = config.sources.find(({ name }) => name === source);
  // What the configuration no longer names is for the function.
  const there = configured === undefined ? 'function' : runsOn(configured);
  if (there !== invocation.runsOn) return { outcome: 'elsewhere', source, id };
  const look = (await lastLooks(engine, source, 'digest', new Set([id]))).get(id);
  if (look !== undefined) return { outcome: 'already', source, id, verdict: look.verdict };
  try {
    const result = await verifyBackup(engine, backup, 'digest');
    assertTold(result);
    const { verdict, problems } = result;
    if (verdict === 'damaged') await publish({ sources: { [source]: { damagedBackups: 1 } } });
    else await publish({ sources: { [source]: { proofAgeSeconds: 0 } } });
    return {
      outcome: 'verified',
      source,
      id,
      verdict,
      problems: firstProblems(problems),
      problemCount: problems.length,
    };
  } catch (error) {
    const outcome = lastingOutcome(error);
    if (outcome === undefined) throw error;
    log.error(`${source}/${id} cannot be verified`, errorFields(error));
    return { outcome, source, id };
  }
}

/** `freshness` finds these in the store, and raises the alarm for as long as they are there. */
function lastingOutcome(error: unknown): 'absent' | 'unusable' | undefined {
  if (!(error instanceof HoldfastError)) return undefined;
  if (error.code === 'BACKUP_NOT_FOUND') return 'absent';
  const lasting = ['UNTRUSTED', 'BACKUP_DAMAGED', 'FORMAT_UNSUPPORTED'];
  return lasting.includes(error.code) ? 'unusable' : undefined;
}
