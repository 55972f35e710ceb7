// Which runs of a source failed, as their records tell.
import type { FailedRun } from '../../policy/facts.ts';
import type { Engine } from '../engine.ts';
import { readRecords } from './records.ts';

/** The failed runs of a source since `since` that a trusted key vouches for, oldest first. */
export async function failedRuns(
  engine: Engine,
  source: string,
  since: Date,
): Promise<FailedRun[]> {
  const options = { since, onProblem: () => undefined };
  const records = await readRecords(engine, 'backup', source, options);
  return records
    .filter(({ distrust, record }) => distrust === undefined && record.verdict === 'failed')
    .map(({ record: { subject, begin, problems } }) => {
      const [first] = problems;
      const why = first === undefined ? 'for no stated reason' : `${first.code}: ${first.detail}`;
      return { id: subject, begin: new Date(begin), why };
    });
}
