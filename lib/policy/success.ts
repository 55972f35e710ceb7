// How reliably a source's runs succeed.
import { CLOCK_TOLERANCE_MS } from './durations.ts';

/** One run that did something: a repeated trigger whose backup existed already does not count. */
export interface RunOutcome {
  readonly id: string;
  readonly begin: Date;
  readonly outcome: 'complete' | 'partial' | 'failed';
}

export interface SuccessSummary {
  readonly runs: number;
  readonly complete: number;
  readonly partial: number;
  readonly failed: number;
  /** The share of complete runs, 1 being all; undefined without runs. Missing data is not success. */
  readonly rate: number | undefined;
  /** The mean time between runs; undefined with fewer than two. */
  readonly meanIntervalMs: number | undefined;
  /** The mean time between failed runs; undefined with fewer than two. */
  readonly meanTimeBetweenFailuresMs: number | undefined;
  /** The longest time without a complete run, since the first one until now; undefined without any. As much could have been lost. */
  readonly longestGapMs: number | undefined;
  readonly lastFailure: RunOutcome | undefined;
}

/** Sums up the runs that began in the `windowMs` before `now`. A partial run is neither a success nor a failure. */
export function summarizeRuns(
  runs: readonly RunOutcome[],
  windowMs: number,
  now: Date,
): SuccessSummary {
  const recent = runs
    .filter(({ begin }) => {
      const ageMs = now.getTime() - begin.getTime();
      return ageMs <= windowMs && ageMs >= -CLOCK_TOLERANCE_MS;
    })
    .toSorted((a, b) => a.begin.getTime() - b.begin.getTime() || (a.id < b.id ? -1 : 1));
  const failures = recent.filter(({ outcome }) => outcome === 'failed');
  const complete = recent.filter(({ outcome }) => outcome === 'complete').length;
  return {
    runs: recent.length,
    complete,
    partial: recent.length - complete - failures.length,
    failed: failures.length,
    rate: recent.length === 0 ? undefined : complete / recent.length,
    meanIntervalMs: meanBetween(recent),
    meanTimeBetweenFailuresMs: meanBetween(failures),
    longestGapMs: longestGap(recent, now),
    lastFailure: failures.at(-1),
  };
}

/** `runs` are in the order of time. */
function longestGap(runs: readonly RunOutcome[], now: Date): number | undefined {
  const times = runs
    .filter(({ outcome }) => outcome === 'complete')
    .map(({ begin }) => begin.getTime());
  const gaps = times.map((time, index) => (times[index + 1] ?? now.getTime()) - time);
  return gaps.length === 0 ? undefined : Math.max(0, ...gaps);
}

/** `runs` are in the order of time. */
function meanBetween(runs: readonly RunOutcome[]): number | undefined {
  const first = runs[0];
  const last = runs.at(-1);
  if (first === undefined || last === undefined || runs.length < 2) return undefined;
  return (last.begin.getTime() - first.begin.getTime()) / (runs.length - 1);
}
