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
