// Which backup repairs which.
import type { SurveyedBackup } from './survey.ts';

type Made = Pick<SurveyedBackup, 'source' | 'isRepair'> & {
  readonly manifest: Pick<SurveyedBackup['manifest'], 'origin'>;
};

/** The ids of the backups of this source that it was made to repair. What others gave for it is not repaired by it. */
export function repairedBy({ source, isRepair, manifest: { origin } }: Made): string[] {
  const [from] = isRepair ? (origin?.from ?? []) : [];
  if (from === undefined) return [];
  const [place, id] = from.includes('/') ? from.split('/') : [source, from];
  return place === source && id !== undefined ? [id] : [];
}

/** The newest good backup that repairs this one; undefined where there is none. */
export function repairOf(
  backups: readonly SurveyedBackup[],
  id: string,
): SurveyedBackup | undefined {
  return backups.findLast((one) => one.good && repairedBy(one).includes(id));
}

/** How many backups of a source are repaired for one incident. */
export const MOST_REPAIRS = 3;

/** The backups that are damaged and that no good one repairs; the newest first: it is what a restore would take. */
export function waitingForRepair(backups: readonly SurveyedBackup[]): SurveyedBackup[] {
  return backups
    .filter(({ id, standing }) => standing === 'damaged' && repairOf(backups, id) === undefined)
    .toReversed();
}
