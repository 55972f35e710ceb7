// Keeps restores from a backup that was found damaged, unless somebody wants that very one.
import { HoldfastError } from '../../errors.ts';
import type { Engine } from '../engine.ts';
import { runsUntil, surveyBackup, surveySource } from './survey.ts';

/**
 * Does nothing for a backup that nobody found damaged, proven or not: a restore checks every byte of it itself. `BACKUP_DAMAGED` when
 * a verify or a restore test found it damaged, or the store lacks a part of it; the hint names the newest good backup.
 */
export async function assertNotKnownDamaged(
  engine: Engine,
  { source, id }: { readonly source: string; readonly id: string },
): Promise<void> {
  const found = await surveyBackup(engine, source, id);
  const damage = found?.evidence.find(({ verdict }) => verdict === 'damaged');
  if (found === undefined || damage === undefined) return;
  const why =
    damage.level === 'presence'
      ? found.why
      : `found damaged by ${damage.verb} at ${damage.at.toISOString()}`;
  const { backups } = await surveySource(engine, source);
  const good = runsUntil(backups, engine.now()).findLast((one) => one.good);
  const instead =
    good === undefined
      ? `No backup of ${source} is good: \`holdfast repair ${source}/${id}\` may find what is damaged in another one.`
      : `The newest good backup is ${source}/${good.id}: restore that one.`;
  throw new HoldfastError(
    'BACKUP_DAMAGED',
    `the backup ${source}/${id} is known to be damaged (${why}), so nothing was restored`,
    { hint: `${instead} To use this one all the same, pass --allow-damaged.` },
  );
}
