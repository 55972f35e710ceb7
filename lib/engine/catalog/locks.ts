// When the store may delete what is kept, were it asked to: the soonest end of a lock.
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
  for (let from = 0; from < backups.length; from += ASKED_AT_ONCE) {
    const batch = backups.slice(from, from + ASKED_AT_ONCE);
    const ends = await Promise.all(batch.map(({ manifest }) => lockedUntil(manifest.key)));
    for (const [index, { source, id, storedAt }] of batch.entries()) {
      const end = ends[index];
      if (end === 'unseen') return end;
      const at = end ?? storedAt;
      if (soonest === undefined || at < soonest.at) soonest = { id: `${source}/${id}`, at };
    }
  }
  return soonest;
}
