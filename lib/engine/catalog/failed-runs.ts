// Which runs of a source failed, and which deployments were to be backed up, as their records tell.
import type { DeploymentSeen, FailedRun } from '../../policy/facts.ts';
import type { Engine } from '../engine.ts';
import { readRecords } from './records.ts';

/** What the runs of a source since `since` have recorded that a trusted key vouches for, oldest first. */
export async function recordedRuns(
  engine: Engine,
  source: string,
  since: Date,
): Promise<{ readonly failed: FailedRun[]; readonly deployments: DeploymentSeen[] }> {
  const options = { since, onProblem: () => undefined };
  const all = await readRecords(engine, 'backup', source, options);
  const records = all.filter(({ distrust }) => distrust === undefined);
  const failed = records
    .filter(({ record }) => record.verdict === 'failed')
    .map(({ record: { subject, begin, problems } }) => {
      const [first] = problems;
      const why = first === undefined ? 'for no stated reason' : `${first.code}: ${first.detail}`;
      return { id: subject, begin: new Date(begin), why };
    });
  const deployments = records
    .filter(({ record }) => record.verdict === 'begun')
    .map(({ record: { subject, begin } }) => ({ id: subject, begin: new Date(begin) }));
  return { failed, deployments };
}

/** The failed runs of a source since `since` that a trusted key vouches for, oldest first. */
export async function failedRuns(
  engine: Engine,
  source: string,
  since: Date,
): Promise<FailedRun[]> {
  return (await recordedRuns(engine, source, since)).failed;
}
