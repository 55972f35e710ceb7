import { expect, test } from '@jest/globals';
import { summarizeRuns, type RunOutcome } from '../../lib/policy/success.ts';
import { after, at, DAY } from './backups.ts';

const NOW = at('2026-11-22T03:00:00Z');

function runs(...outcomes: RunOutcome['outcome'][]): RunOutcome[] {
  return outcomes.map((outcome, n) => ({ id: `run-${n}`, begin: after(NOW, -n * DAY), outcome }));
}

test('counts complete runs alone as success', () => {
  const all = runs('complete', 'failed', 'complete', 'partial', 'failed');
  expect(summarizeRuns(all, 30 * DAY, NOW)).toEqual({
    ...{ runs: 5, complete: 2, partial: 1, failed: 2, rate: 0.4 },
    ...{ meanIntervalMs: DAY, meanTimeBetweenFailuresMs: 3 * DAY },
    ...{ longestGapMs: 2 * DAY, lastFailure: all[1] },
  });
});

test('looks at the window alone, and not into the future', () => {
  const future = { id: 'later', begin: after(NOW, DAY), outcome: 'failed' as const };
  const summary = summarizeRuns([future, ...runs('complete', 'complete', 'failed')], DAY, NOW);
  expect(summary).toMatchObject({ runs: 2, rate: 1, lastFailure: undefined });
});

test('the longest gap lies between complete runs, or since the last one', () => {
  const gap = (...outcomes: RunOutcome['outcome'][]) =>
    summarizeRuns(runs(...outcomes), 30 * DAY, NOW).longestGapMs;
  expect(gap('complete', 'complete', 'failed', 'partial', 'complete', 'complete')).toBe(3 * DAY);
  expect(gap('failed', 'failed', 'complete', 'complete')).toBe(2 * DAY);
  expect(gap('failed', 'partial')).toBeUndefined();
});

test('no run at all is no success', () => {
  expect(summarizeRuns([], DAY, NOW)).toMatchObject({
    ...{ runs: 0, rate: undefined, meanIntervalMs: undefined },
    meanTimeBetweenFailuresMs: undefined,
  });
});
