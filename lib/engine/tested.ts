// What restore tests have recorded: of a source, for its next backup; of one backup, for its restore.
import type { Facts } from '../format/record.ts';
import type { Source, Tested } from '../sources/source.ts';
import type { Engine } from './engine.ts';
import { readNewestRecord, readRecords, type ReadRecord } from './catalog/records.ts';

/** The newest restore test of a source that a trusted key vouches for; only kinds that try out backups themselves record more than times. */
export async function newestTest(
  engine: Engine,
  { name, kind }: Pick<Source, 'name' | 'kind'>,
): Promise<Tested | undefined> {
  if (kind.tryOut === undefined) return undefined;
  const record = await readNewestRecord(engine, 'restore-test', name);
  return record && { id: record.subject, facts: record.facts };
}

/** What restore tests of one backup have recorded, as trusted keys vouch for it: of each fact what was found last. */
export async function testedFacts(
  engine: Engine,
  { source, id }: { source: string; id: string },
): Promise<Facts> {
  const records = await readRecords(engine, 'restore-test', source, {
    subjects: new Set([id]),
    onProblem: () => undefined,
  });
  const trusted = records.filter(({ distrust }) => distrust === undefined || engine.trustAnyone);
  return mergedFacts(trusted);
}

/** What records say, oldest first: of each fact what was said last. */
export function mergedFacts(records: readonly Pick<ReadRecord, 'record'>[]): Facts {
  return Object.assign({}, ...records.map(({ record }) => record.facts)) as Facts;
}
