// Random looks at AWS Backup, and a configuration for them.
import fc from 'fast-check';
import type { RecoveryPointsConfig, SelectionConfig } from '../../lib/config/recovery-points.ts';
import type {
  PointTestRun,
  RecoveryPointFacts,
  Seen,
  SelectionPromise,
} from '../../lib/policy/recovery-points/facts.ts';
import type { PointSeen } from '../../lib/policy/recovery-points/standing.ts';
import { parseSchedule } from '../../lib/policy/schedule.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export const TABLE = 'arn:aws:dynamodb:eu-central-1:123456789012:table/tasks';
export const OTHER_TABLE = 'arn:aws:dynamodb:eu-central-1:123456789012:table/notes';
export const COPY_VAULT = 'arn:aws:backup:eu-west-1:123456789012:backup-vault:copies';

/** A selection as the configuration has it. */
export function selectionConfig(more: Partial<SelectionConfig> = {}): SelectionConfig {
  return {
    name: 'tables',
    resources: [TABLE, OTHER_TABLE],
    tags: {},
    expected: { arns: [TABLE, OTHER_TABLE] },
    kinds: ['dynamodb'],
    keys: [],
    schedule: '0 5 * * *',
    timeZone: 'UTC',
    rpoMs: DAY_MS,
    rtoMs: 4 * HOUR_MS,
    graceMs: 4 * HOUR_MS,
    retention: { daily: 7, weekly: 4, monthly: 12, yearly: 0 },
    continuousDays: undefined,
    coldAfterDays: undefined,
    copies: [],
    restoreTest: {
      everyDays: 3,
      maxAgeMs: 3 * DAY_MS + 4 * HOUR_MS,
      subnetGroup: undefined,
      securityGroups: [],
      postgres: undefined,
    },
    ...more,
  };
}

/** What alarms ask of the configuration of AWS, with these selections. */
export function awsWith(selections: readonly SelectionConfig[]): {
  readonly recoveryPoints: RecoveryPointsConfig;
} {
  const lock = {
    mode: 'governance',
    minDays: undefined,
    maxDays: undefined,
    graceDays: 14,
  } as const;
  return { recoveryPoints: { lock, selections } };
}

/** A recovery point that counts. */
export function pointSeen(created: Date, more: Partial<PointSeen> = {}): PointSeen {
  return {
    arn: `arn:aws:backup:eu-central-1:123456789012:recovery-point:${created.getTime()}`,
    resource: TABLE,
    type: 'DynamoDB',
    state: 'COMPLETED',
    message: undefined,
    created,
    completed: created,
    bytes: 1000,
    plan: undefined,
    planName: undefined,
    rule: undefined,
    deleteAt: undefined,
    ...more,
  };
}

/** Anything that one look at AWS Backup may find at `at`. */
export function someRecoveryPoints(at: Date): fc.Arbitrary<RecoveryPointFacts> {
  const before = (ms: number) => new Date(at.getTime() - ms);
  const anAge = fc.oneof(
    fc.integer({ min: 0, max: 3 * DAY_MS }),
    fc.integer({ min: 0, max: 60 * DAY_MS }),
  );
  const aResource = fc.constantFrom(TABLE, OTHER_TABLE, `${TABLE}-3`);
  const aPoint = fc
    .record({
      ageMs: fc.oneof(
        { weight: 9, arbitrary: anAge },
        { weight: 1, arbitrary: fc.constant(-DAY_MS) },
      ),
      resource: aResource,
      state: fc.constantFrom(
        ...['COMPLETED', 'COMPLETED', 'COMPLETED', 'PARTIAL', 'EXPIRED', 'DELETING', 'CREATING'],
        ...['AVAILABLE', 'STOPPED', 'SLEEPING'],
      ),
      message: fc.constantFrom(undefined, undefined, 'Success', 'two were left out'),
    })
    .map(({ ageMs, ...more }) => pointSeen(before(ageMs), more));
  const seen: fc.Arbitrary<Seen> = fc.oneof(
    { weight: 6, arbitrary: fc.array(aPoint, { maxLength: 6 }) },
    { weight: 1, arbitrary: fc.constant({ unseen: 'access is denied' }) },
  );
  const aTest: fc.Arbitrary<PointTestRun> = fc.record({
    backupId: fc.constant('JOB'),
    resource: aResource,
    point: fc.constantFrom('arn:a', 'arn:b'),
    end: anAge.map(before),
    restoreDurationMs: fc.integer({ min: 1, max: 8 * HOUR_MS }),
    verdict: fc.constantFrom('proven' as const, 'proven' as const, 'damaged', 'inconclusive'),
  });
  const aPromise: fc.Arbitrary<SelectionPromise> = fc.record({
    selection: fc.constant('tables'),
    schedule: fc.constantFrom(parseSchedule('0 5 * * *', 'UTC'), parseSchedule('0 5 * * 1', 'UTC')),
    expected: fc.constantFrom<SelectionPromise['expected'][]>(
      { arns: [TABLE, OTHER_TABLE] },
      { arns: undefined, count: 1 },
      { arns: undefined, count: 3 },
    ),
    isContinuous: fc.boolean(),
    hasCopies: fc.constant(false),
    graceMs: fc.constantFrom(0, 4 * HOUR_MS),
    rpoMs: fc.constantFrom(undefined, DAY_MS),
    rtoMs: fc.constantFrom(undefined, HOUR_MS),
    restoreTestMaxAgeMs: fc.constantFrom(undefined, 3 * DAY_MS),
  });
  return fc
    .record({
      promise: aPromise,
      knownSince: anAge.map(before),
      points: seen,
      copies: fc.array(
        seen.map((points) => ({ vault: COPY_VAULT, points })),
        { maxLength: 2 },
      ),
      tests: fc.array(aTest, { maxLength: 3 }),
      failedJobs: fc.array(
        fc.record({
          resource: aResource,
          at: anAge.map(before),
          detail: fc.constant('a job failed'),
        }),
        { maxLength: 2 },
      ),
    })
    .map((facts) => ({
      selections: [{ ...facts, promise: { ...facts.promise, hasCopies: facts.copies.length > 0 } }],
      vaults: [],
    }));
}
