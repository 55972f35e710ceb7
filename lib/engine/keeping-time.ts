// Whether a source keeps to its schedule: how fresh it is, and which of its runs failed. `status` and the alarms on AWS both ask here.
import { freshnessOf, type Freshness } from '../policy/freshness.ts';
import { effectiveTime } from '../policy/order.ts';
import type { Schedule } from '../policy/schedule.ts';
import type { Engine } from './engine.ts';
import { readRecords } from './records.ts';
import type { Survey } from './survey.ts';

/** What is promised of when a source is backed up. */
export interface TimeObjectives {
  readonly schedule: Schedule | undefined;
  readonly rpoMs: number | undefined;
  readonly graceMs: number;
}

/** How fresh a source is at `at`. `configuredAt`: since when its schedule can have made runs, where that is known. */
export function sourceFreshness(
  { backups }: Survey,
  { schedule, rpoMs, graceMs }: TimeObjectives,
  { configuredAt, at }: { configuredAt: Date | undefined; at: Date },
): Freshness {
  const good = backups.filter((one) => one.good);
  const scheduled = backups.filter((one) => one.isScheduled && one.standing !== 'untrusted');
  return freshnessOf({ good, scheduled, schedule, rpoMs, graceMs, configuredAt }, at);
}

/** A run that failed, as its record tells it. */
export interface FailedRun {
  /** The id that its backup would have had. */
  readonly id: string;
  readonly begin: Date;
  /** What it failed with: `CODE: detail`. */
  readonly why: string;
}

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

/** The failures that no good backup has made up for, neither a later one nor one of the same trigger. */
export function failuresLeft(failures: readonly FailedRun[], { backups }: Survey): FailedRun[] {
  const good = backups.filter((one) => one.good);
  const newest = good.at(-1);
  const made = new Set(good.map(({ id }) => id));
  return failures.filter(
    ({ id, begin }) => !made.has(id) && (newest === undefined || begin > effectiveTime(newest)),
  );
}
