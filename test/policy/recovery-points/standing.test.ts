// Which recovery points count, and how old what counts is.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { assessRecoveryPoints } from '../../../lib/policy/recovery-points/assessment.ts';
import type {
  PointTestRun,
  Seen,
  SelectionFacts,
  SelectionPromise,
} from '../../../lib/policy/recovery-points/facts.ts';
import { hasIssues, pointStanding } from '../../../lib/policy/recovery-points/standing.ts';
import { selectionPromise } from '../../../lib/config/objectives.ts';
import {
  COPY_VAULT,
  OTHER_TABLE,
  pointSeen,
  selectionConfig,
  someRecoveryPoints,
  TABLE,
} from '../../support/watched-points.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const AT = new Date('2026-11-22T12:00:00.000Z');
const ago = (hours: number) => new Date(AT.getTime() - hours * HOUR_MS);

describe('a recovery point', () => {
  test.each([
    ['COMPLETED', undefined, 'good'],
    ['COMPLETED', '', 'good'],
    ['COMPLETED', 'Success', 'good'],
    ['COMPLETED', 'Completed successfully.', 'good'],
    ['COMPLETED', 'Unsuccessful: two objects were left out', 'bad'],
    ['COMPLETED', 'Objects in the storage class GLACIER were skipped', 'bad'],
    ['AVAILABLE', undefined, 'continuous'],
    ['STOPPED', undefined, 'bad'],
    ['PARTIAL', undefined, 'bad'],
    ['EXPIRED', undefined, 'bad'],
    ['CREATING', undefined, 'unfinished'],
    ['DELETING', undefined, 'ending'],
    ['HIBERNATING', undefined, 'bad'],
    ['unknown', undefined, 'bad'],
  ])('%s with the message %j is %s', (state, message, standing) => {
    expect(pointStanding(pointSeen(ago(1), { state, message }), AT).standing).toBe(standing);
  });

  test('is continuous by its ARN, whatever its state is called', () => {
    const arn = 'arn:aws:backup:eu-central-1:123456789012:recovery-point:continuous:db-1';
    expect(pointStanding(pointSeen(ago(1), { arn }), AT).standing).toBe('continuous');
  });

  test('from the future does not count', () => {
    expect(pointStanding(pointSeen(ago(-1)), AT)).toMatchObject({
      standing: 'bad',
      why: 'its time has not come yet',
    });
  });

  test('is judged by its category where AWS says one', () => {
    expect(hasIssues({ message: 'anything', category: 'SUCCESS' })).toBe(false);
    expect(hasIssues({ message: undefined, category: 'AccessDenied' })).toBe(true);
  });
});

interface Found {
  readonly points?: Seen;
  readonly copies?: SelectionFacts['copies'];
  readonly tests?: readonly PointTestRun[];
  readonly failedJobs?: SelectionFacts['failedJobs'];
  readonly knownSince?: Date;
  readonly promise?: Partial<SelectionPromise>;
}

function judge({
  points = [],
  copies = [],
  tests = [],
  failedJobs = [],
  knownSince = ago(2000),
  promise,
}: Found) {
  const promised = {
    ...selectionPromise(selectionConfig({ expected: { arns: [TABLE] } })),
    hasCopies: copies.length > 0,
    ...promise,
  };
  const facts = { promise: promised, knownSince, points, copies, tests, failedJobs };
  const judged = assessRecoveryPoints({ selections: [facts], vaults: [] }, AT);
  const [resource] = judged.resources;
  if (resource === undefined) throw new Error('nothing was judged');
  return { ...resource, codes: resource.findings.map(({ code }) => code), missing: judged.missing };
}

const proven: PointTestRun = {
  backupId: 'JOB',
  resource: TABLE,
  point: 'arn:tested',
  end: ago(1),
  restoreDurationMs: HOUR_MS,
  verdict: 'proven',
};

describe('a resource', () => {
  test('is fine with a recovery point within interval and grace, and a proven restore', () => {
    const { verdict, measures } = judge({ points: [pointSeen(ago(7))], tests: [proven] });
    expect(verdict).toBe('fine');
    expect(measures).toMatchObject({
      recoveryPointAgeSeconds: 7 * 3600,
      lateRecoveryPoints: 0,
      badRecoveryPoints: 0,
      restoreTestAgeSeconds: 3600,
      restoreSeconds: 3600,
      copyAgeSeconds: undefined,
      lateCopies: undefined,
    });
  });

  test('is late one millisecond after interval and grace, and not before', () => {
    const at = (ms: number) =>
      judge({ points: [pointSeen(new Date(AT.getTime() - 28 * HOUR_MS - ms))], tests: [proven] });
    expect(at(0).codes).not.toContain('point-late');
    expect(at(1).codes).toContain('point-late');
  });

  test('that never had one alarms as soon as it could have been made, as with a selection that matches nothing', () => {
    expect(judge({ knownSince: ago(28), tests: [proven] }).codes).toEqual(['point-awaited']);
    const { codes, measures, missing } = judge({ knownSince: ago(28.1), tests: [proven] });
    expect(codes).toEqual(['point-late']);
    expect(measures.lateRecoveryPoints).toBe(1);
    expect(missing.get('tables')).toBe(1);
  });

  test('is not made fresh by what does not count, and that is said', () => {
    const states = ['PARTIAL', 'EXPIRED', 'STOPPED', 'HIBERNATING'];
    const points = states.map((state, index) => pointSeen(ago(index + 1), { state }));
    const { codes, measures, findings } = judge({
      points: [...points, pointSeen(ago(40))],
      tests: [proven],
    });
    expect(codes).toEqual(['point-late', ...states.map(() => 'point-bad')]);
    expect(measures.badRecoveryPoints).toBe(4);
    expect(findings[1]?.detail).toMatch(/does not count: partial/);
  });

  test('is not blamed for what a later good one has made up for', () => {
    const points = [pointSeen(ago(30), { state: 'PARTIAL' }), pointSeen(ago(6))];
    expect(judge({ points, tests: [proven] }).codes).toEqual([]);
  });

  test('whose last job failed alarms, also when recovery points that count are young, until one is newer', () => {
    const job = { resource: TABLE, at: ago(5), detail: 'the job JOB failed: access is denied' };
    const failedJobs = [
      { ...job, at: ago(50) },
      job,
      { ...job, resource: OTHER_TABLE, at: ago(1) },
    ];
    const failed = judge({ points: [pointSeen(ago(6))], tests: [proven], failedJobs });
    expect(failed.findings).toEqual([
      { severity: 'alarm', code: 'point-failed', detail: job.detail, since: ago(5) },
    ]);
    expect(failed.measures.badRecoveryPoints).toBe(1);
    const partial = pointSeen(ago(4), { state: 'PARTIAL' });
    const still = judge({ points: [pointSeen(ago(6)), partial], tests: [proven], failedJobs });
    expect(still.codes).toEqual(['point-failed', 'point-bad']);
    expect(judge({ points: [pointSeen(ago(4))], tests: [proven], failedJobs }).codes).toEqual([]);
  });

  test('of another name does not count', () => {
    const points = [pointSeen(ago(6), { resource: OTHER_TABLE })];
    expect(judge({ points, tests: [proven] }).codes).toEqual(['point-late']);
  });

  test('whose newest recovery point a test found damaged has an older one', () => {
    const newest = pointSeen(ago(6));
    const damaged = { ...proven, point: newest.arn, verdict: 'damaged' as const };
    const { measures, codes } = judge({ points: [newest, pointSeen(ago(30))], tests: [damaged] });
    expect(measures).toMatchObject({
      recoveryPointAgeSeconds: 30 * 3600,
      damagedRecoveryPoints: 1,
      badRecoveryPoints: 1,
    });
    expect(codes).toEqual(expect.arrayContaining(['point-late', 'point-damaged', 'point-bad']));
  });

  test('whose damaged recovery point a later test has proven is fine again', () => {
    const damaged = { ...proven, end: ago(5), verdict: 'damaged' as const };
    expect(judge({ points: [pointSeen(ago(6))], tests: [proven, damaged] }).codes).toEqual([]);
  });

  test('with continuous backup alarms when none is running, and its age is that of its snapshots', () => {
    const promise = { isContinuous: true };
    const running = pointSeen(ago(1000), { state: 'AVAILABLE' });
    const with_ = judge({ promise, points: [running, pointSeen(ago(6))], tests: [proven] });
    expect(with_.codes).toEqual([]);
    expect(with_.measures.recoveryPointAgeSeconds).toBe(6 * 3600);
    expect(judge({ promise, points: [running], tests: [proven] }).codes).toEqual(['point-late']);
    const without = judge({ promise, points: [pointSeen(ago(6))], tests: [proven] });
    expect(without.codes).toEqual(['point-bad']);
  });

  test('that could not be seen is late, and no number is made up', () => {
    const { codes, measures } = judge({ points: { unseen: 'access is denied' }, tests: [proven] });
    expect(codes).toEqual(['point-late']);
    expect(measures).toMatchObject({
      recoveryPointAgeSeconds: undefined,
      lateRecoveryPoints: undefined,
      badRecoveryPoints: undefined,
    });
  });

  test('without a proven restore within its time alarms, however many were inconclusive', () => {
    const tests = [{ ...proven, verdict: 'inconclusive' as const }];
    expect(judge({ points: [pointSeen(ago(6))], tests }).codes).toEqual(['point-test']);
  });
});

describe('copies', () => {
  const fresh = { vault: COPY_VAULT, points: [pointSeen(ago(5))] };

  test('are late in each vault by themselves, and their age is that of the vault that waits longest', () => {
    const old = { vault: `${COPY_VAULT}-2`, points: [pointSeen(ago(50))] };
    const { codes, measures, findings } = judge({
      points: [pointSeen(ago(6))],
      copies: [fresh, old],
      tests: [proven],
    });
    expect(codes).toEqual(['copy-late']);
    expect(findings[0]?.detail).toContain(old.vault);
    expect(measures).toMatchObject({ copyAgeSeconds: 50 * 3600, lateCopies: 1 });
  });

  test('that could not be seen are late, and no number is made up', () => {
    const copies = [fresh, { vault: `${COPY_VAULT}-2`, points: { unseen: 'no answer' } }];
    const { codes, measures } = judge({ points: [pointSeen(ago(6))], copies, tests: [proven] });
    expect(codes).toEqual(['copy-late']);
    expect(measures).toMatchObject({ copyAgeSeconds: undefined, lateCopies: undefined });
  });
});

describe('a number of resources', () => {
  const expected = { arns: undefined, count: 2 } as const;
  const of = (resource: string, hours: number) => pointSeen(ago(hours), { resource });

  test('is as old as the one that is last among so many', () => {
    const points = [of(TABLE, 3), of(TABLE, 1), of(OTHER_TABLE, 9), of('arn:third', 90)];
    const { codes, measures, missing } = judge({ promise: { expected }, points, tests: [proven] });
    expect(codes).toEqual([]);
    expect(measures.recoveryPointAgeSeconds).toBe(9 * 3600);
    expect(missing.get('tables')).toBe(0);
  });

  test('is late when fewer have one, with what is missing', () => {
    const { codes, findings, missing } = judge({
      promise: { expected },
      points: [of(TABLE, 3)],
      tests: [proven],
    });
    expect(codes).toEqual(['point-late']);
    expect(findings[0]?.detail).toBe('1 resources have a recovery point that counts; expected: 2');
    expect(missing.get('tables')).toBe(1);
  });
});

test('more good recovery points never make anything look older, and what does not count changes no age', () => {
  fc.assert(
    fc.property(
      someRecoveryPoints(AT),
      fc.integer({ min: 0, max: 90 * DAY_MS }),
      (facts, ageMs) => {
        const ageOf = (more: readonly ReturnType<typeof pointSeen>[]) =>
          assessRecoveryPoints(
            {
              ...facts,
              selections: facts.selections.map((one) => ({
                ...one,
                // Older than every recovery point: without one, the age is that of the configuration.
                knownSince: ago(24 * 1000),
                points: 'unseen' in one.points ? one.points : [...one.points, ...more],
              })),
            },
            AT,
          ).resources.map(({ measures }) => measures.recoveryPointAgeSeconds ?? -1);
        const created = new Date(AT.getTime() - ageMs);
        const before = ageOf([]);
        expect(ageOf([pointSeen(created, { state: 'PARTIAL' })])).toEqual(before);
        ageOf([pointSeen(created)]).forEach((age, index) =>
          expect(age).toBeLessThanOrEqual(before[index] ?? -1),
        );
      },
    ),
    { numRuns: 200 },
  );
});
