// When the store may delete what is kept, were it asked to: the soonest end of a lock.
import pMap from 'p-map';
import type { SoonestLockEnd } from '../../policy/facts.ts';
import type { SurveyedBackup } from './survey.ts';

/** Until when an object cannot be deleted: undefined where nothing protects it, `unseen` where that cannot be read. */
export type LockedUntil = (key: string) => Promise<Date | 'unseen' | undefined>;

const ASKED_AT_ONCE = 8;

/**
 * The soonest end among `backups`; undefined without any. Asked is the manifest, whose artifacts get their locks by the same runs.
 * What has no lock counts as if its lock had ended when it was stored.
 */
export async function soonestLockEnd(
  backups: readonly SurveyedBackup[],
  lockedUntil: LockedUntil,
): Promise<SoonestLockEnd> {
  let soonest: { readonly id: string; readonly at: Date } | undefined;
  const ask = ({ manifest }: SurveyedBackup) => lockedUntil(manifest.key);
  const ends = await pMap(backups, ask, { concurrency: ASKED_AT_ONCE });
  for (const [index, { source, id, storedAt }] of backups.entries()) {
    const end = ends[index];
    if (end === 'unseen') return end;
    const at = end ?? storedAt;
    if (soonest === undefined || at < soonest.at) soonest = { id: `${source}/${id}`, at };
  }
  return soonest;
}
