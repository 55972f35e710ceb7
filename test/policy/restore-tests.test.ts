import { expect, test } from '@jest/globals';
import { restoreTestStatus, type RestoreTestRun } from '../../lib/policy/restore-tests.ts';
import { after, at, DAY, HOUR } from './backups.ts';

const NOW = at('2026-11-22T03:00:00Z');
const MONTHLY = { rtoMs: 4 * HOUR, maxAgeMs: 31 * DAY, configuredAt: at('2026-01-01T00:00:00Z') };

function tested(end: string, facts: Partial<RestoreTestRun> = {}): RestoreTestRun {
  return {
    ...{ backupId: '20261101T020000000Z-schedule', end: at(end) },
    ...{ restoreDurationMs: HOUR, verdict: 'proven' as const },
    ...facts,
  };
}

test.each([
  ['in time', [tested('2026-11-01T02:00:00Z')], 'met', false, false],
  [
    'too slow',
    [tested('2026-11-01T02:00:00Z', { restoreDurationMs: 5 * HOUR })],
    'missed',
    false,
    true,
  ],
  ['too long ago', [tested('2026-10-01T02:00:00Z')], 'met', true, true],
  ['never', [], 'unmeasured', true, true],
  [
    'inconclusive since',
    [tested('2026-11-02T02:00:00Z', { verdict: 'inconclusive' }), tested('2026-11-01T02:00:00Z')],
    'met',
    false,
    false,
  ],
  [
    'damaged since',
    [tested('2026-11-01T02:00:00Z'), tested('2026-11-02T02:00:00Z', { verdict: 'damaged' })],
    'met',
    false,
    true,
  ],
  ['in the future', [tested('2027-11-01T02:00:00Z')], 'unmeasured', true, true],
] as const)('a restore proven %s', (...row) => {
  const [, runs, rto, overdue, alarm] = row;
  expect(restoreTestStatus(runs, MONTHLY, NOW)).toMatchObject({ rto, overdue, alarm });
});

test('a first test that is not due yet is not overdue', () => {
  const objective = { ...MONTHLY, configuredAt: at('2026-11-20T00:00:00Z') };
  expect(restoreTestStatus([], objective, NOW)).toMatchObject({
    ...{ overdue: false, alarm: false, rto: 'unmeasured' },
    detail: 'no restore test was ever proven',
  });
});

test('an inconclusive test after a proven one is said', () => {
  const runs = [
    tested('2026-11-20T03:00:00Z'),
    tested('2026-11-21T02:00:00Z', { verdict: 'inconclusive' }),
  ];
  expect(restoreTestStatus(runs, MONTHLY, NOW).detail).toBe(
    'restored in 60 min, proven 2 days ago; the last one was inconclusive',
  );
});

test('the last proven ones say how long restores took over time, the newest first', () => {
  const runs = Array.from({ length: 8 }, (_, n): RestoreTestRun => ({
    backupId: `b${n}`,
    end: after(NOW, -n * DAY),
    restoreDurationMs: 1000 + n,
    verdict: n === 1 ? 'inconclusive' : 'proven',
  }));
  const { recent } = restoreTestStatus(runs, MONTHLY, NOW);
  expect(recent.map(({ restoreDurationMs }) => restoreDurationMs)).toEqual([
    ...[1000, 1002, 1003, 1004, 1005],
  ]);
});
