// Pins: records that keep a backup for good whatever the retention policy wants, and the records that take them back.
import { HoldfastError } from '../errors.ts';
import { signerOf, type Engine } from './engine.ts';
import { writeRecord } from './catalog/records.ts';
import { surveySource, type SurveyedBackup } from './catalog/survey.ts';

/**
 * Marks a backup to be kept for good. One that is pinned already is left as it is, unless there is a note to add.
 *
 * `BACKUP_NOT_FOUND` when there is no such backup, `UNTRUSTED` when there is no key to sign the pin with.
 */
export async function pinBackup(
  engine: Engine,
  { source, id }: { source: string; id: string },
  note: string,
): Promise<{ outcome: 'pinned' | 'already'; record: string }> {
  const { backups } = await surveySource(engine, source);
  const { pinnedBy } = assertKnown(backups, source, id);
  signerOf(engine);
  const [pin] = pinnedBy;
  if (pin !== undefined && note === '') return { outcome: 'already', record: pin };
  const begin = engine.now();
  const act = {
    verb: 'pin',
    source,
    subject: id,
    begin,
    verdict: 'done',
    problems: [],
    facts: { note },
  } as const;
  const record = await writeRecord(engine, act);
  return { outcome: 'pinned', record: record ?? '' };
}

/** Takes back every pin of a backup; how many there were. */
export async function unpinBackup(
  engine: Engine,
  { source, id }: { source: string; id: string },
): Promise<{ unpinned: number }> {
  const { backups } = await surveySource(engine, source);
  const { pinnedBy } = assertKnown(backups, source, id);
  signerOf(engine);
  for (const pin of pinnedBy) {
    const begin = engine.now();
    await writeRecord(engine, {
      verb: 'unpin',
      source,
      subject: id,
      begin,
      verdict: 'done',
      problems: [],
      facts: { pin },
    });
  }
  return { unpinned: pinnedBy.length };
}

function assertKnown(
  backups: readonly SurveyedBackup[],
  source: string,
  id: string,
): SurveyedBackup {
  const backup = backups.find((one) => one.id === id);
  if (backup !== undefined) return backup;
  throw new HoldfastError('BACKUP_NOT_FOUND', `the store holds no backup ${source}/${id}`);
}
