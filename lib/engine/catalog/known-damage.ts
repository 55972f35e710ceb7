// Keeps restores from a backup that was found damaged, unless somebody wants that very one.
import { timeText } from '../../policy/durations.ts';
import { HoldfastError } from '../../errors.ts';
import { newestFirst } from '../../policy/order.ts';
import { kindOf, type Engine } from '../engine.ts';
import { repairOf } from './repairs.ts';
import { newestGood, surveyBackup, surveySource, type SurveyedBackup } from './survey.ts';

/**
 * Does nothing for a backup that nobody found damaged, proven or not: a restore checks every byte of it itself. `BACKUP_DAMAGED` when
 * a verify or a restore test found it damaged, or the store lacks a part of it; the hint names ways out.
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
      : `found damaged by ${damage.verb} at ${timeText(damage.at)}`;
  const hint = await wayOut(engine, found);
  throw new HoldfastError(
    'BACKUP_DAMAGED',
    `the backup ${source}/${id} is known to be damaged (${why}), so nothing was restored`,
    { hint: `${hint} To use this one all the same, pass --allow-damaged.` },
  );
}

/** Another backup may be older or lack what this one has: it is named with what it costs, after a way that costs nothing. */
async function wayOut(engine: Engine, damaged: SurveyedBackup): Promise<string> {
  const { source, id } = damaged;
  const { backups } = await surveySource(engine, source);
  const repair = repairOf(backups, id);
  if (repair !== undefined) return `It was repaired: restore ${source}/${repair.id} instead.`;
  const good = newestGood(backups, engine.now());
  const age = good !== undefined && newestFirst(good, damaged) > 0 ? 'older' : 'newer';
  const other = good && `${source}/${good.id}, which is ${age}`;
  if ((await kindOf(engine, damaged.manifest.kind)).repair === undefined) {
    return other === undefined
      ? `No backup of ${source} is good.`
      : `The newest good backup is ${other}: restore that one.`;
  }
  const first = `First try \`holdfast repair ${source}/${id}\`: it takes what is damaged from other backups.`;
  return other === undefined
    ? `${first} No backup of ${source} is good.`
    : `${first} Or restore the newest good one, ${other}.`;
}
