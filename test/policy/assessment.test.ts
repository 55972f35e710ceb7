// Whatever a look at a system finds: what status shows, the numbers that are published and the word "well" agree.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { AwsConfig, SourceConfig } from '../../lib/config/config.ts';
import { assess, type Assessment } from '../../lib/policy/assessment.ts';
import { isUnwell } from '../../lib/policy/conditions/table.ts';
import type { BackupSeen, Facts, SourceFacts, StoreFacts } from '../../lib/policy/facts.ts';
import type { Objectives } from '../../lib/policy/objectives.ts';
import { oldestFirst } from '../../lib/policy/order.ts';
import { parseSchedule } from '../../lib/policy/schedule.ts';
import { STANDINGS } from '../../lib/policy/standing.ts';
import { disagreements, type Said } from '../support/agreement.ts';
import { awsWith, selectionConfig, someRecoveryPoints } from '../support/watched-points.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const AT = new Date('2026-11-22T12:00:00.000Z');
// Rare ones: the longest interval of a schedule of every hour takes a walk over a year.
const SCHEDULES = ['0 0 1 * *', '30 2 15 1,7 *'].map((cron) =>
  parseSchedule(cron, 'Europe/Berlin'),
);

const before = (ms: number) => new Date(AT.getTime() - ms);
const anAge = fc.oneof(
  fc.integer({ min: 0, max: 3 * HOUR_MS }),
  fc.integer({ min: 0, max: 60 * DAY_MS }),
  fc.integer({ min: 0, max: 300 * DAY_MS }),
);
const aPromise = fc.oneof(fc.constant(undefined), fc.integer({ min: 1, max: 60 * 24 }));
const objectives: fc.Arbitrary<Objectives> = fc.record({
  schedule: fc.option(fc.constantFrom(...SCHEDULES), { nil: undefined }),
  rpoMs: aPromise.map((hours) => hours && hours * HOUR_MS),
  rtoMs: aPromise.map((seconds) => seconds && seconds * 1000),
  graceMs: fc.constantFrom(0, 2 * HOUR_MS),
  restoreTestMaxAgeMs: aPromise.map((hours) => hours && hours * HOUR_MS),
});

const aBackup: fc.Arbitrary<Omit<BackupSeen, 'id'>> = fc
  .record({
    ageMs: fc.oneof(
      { weight: 9, arbitrary: anAge },
      { weight: 1, arbitrary: fc.constant(-DAY_MS) },
    ),
    standing: fc.constantFrom('good' as const, 'good' as const, ...STANDINGS),
    kind: fc.constantFrom('manual', 'schedule', 'repair'),
    anomalies: fc.array(fc.constant('half is gone'), { maxLength: 2 }),
    isHidden: fc.nat(9).map((n) => n === 0),
    provenAgo: fc.option(anAge, { nil: undefined }),
  })
  .map(({ ageMs, standing, kind, anomalies, isHidden, provenAgo }) => ({
    time: before(ageMs),
    begin: before(Math.max(0, ageMs)),
    storedAt: before(Math.max(0, ageMs - 1000)),
    isScheduled: kind === 'schedule',
    isSafety: standing === 'safety',
    isTrusted: standing !== 'untrusted',
    standing,
    good: standing === 'good',
    why: 'for a reason',
    evidence:
      provenAgo === undefined
        ? []
        : [{ verb: 'verify', level: 'digest', verdict: 'proven', at: before(provenAgo) } as const],
    repairs: kind === 'repair' ? ['backup-0', 'backup-1'] : [],
    anomalies,
    isHidden,
    storedBytes: 1000,
    entries: 1,
    durationMs: 1500,
  }));

const aProblem = fc.record({
  path: fc.constant('records/x'),
  code: fc.constantFrom('untrusted' as const, 'unreadable' as const),
  detail: fc.constant('nobody knows it'),
});
const rarely = <T>(one: fc.Arbitrary<T>) =>
  fc.oneof(
    { weight: 3, arbitrary: fc.constant([] as T[]) },
    { weight: 1, arbitrary: fc.array(one, { maxLength: 3 }) },
  );

const aSource = (source: string): fc.Arbitrary<SourceFacts> =>
  fc.record({
    source: fc.constant(source),
    objectives: fc.option(objectives, { nil: undefined, freq: 5 }),
    knownSince: fc.option(anAge.map(before), { nil: undefined, freq: 9 }),
    scheduleSeen: fc.option(
      fc.record({
        at: anAge.map(before),
        last: fc.option(
          fc.record({
            schedule: fc.constantFrom(...SCHEDULES),
            since: fc.option(anAge.map(before), { nil: undefined }),
          }),
          { nil: undefined },
        ),
      }),
      { nil: undefined },
    ),
    backups: fc
      .array(aBackup, { maxLength: 6 })
      .map((all) => all.map((one, i) => ({ ...one, id: `backup-${i}` })).sort(oldestFirst)),
    unfinished: rarely(
      fc.record({
        id: fc.constant('run'),
        storedAt: fc.array(anAge.map(before), { maxLength: 2 }),
      }),
    ),
    failed: rarely(
      fc.record({
        id: fc.constantFrom('backup-0', 'failed'),
        begin: anAge.map(before),
        why: fc.constant('NO_SPACE: full'),
      }),
    ),
    restoreTests: rarely(
      fc.record({
        backupId: fc.constantFrom('backup-0', 'gone'),
        end: anAge.map(before),
        restoreDurationMs: fc.integer({ min: 1, max: 24 * HOUR_MS }),
        verdict: fc.constantFrom('proven' as const, 'damaged' as const, 'inconclusive' as const),
      }),
    ),
    problems: rarely(aProblem),
    missing: rarely(
      fc.constant({ path: 'site/gone', code: 'missing', detail: 'the last prune kept it' }),
    ),
    releasedButWanted: fc.oneof(
      { weight: 6, arbitrary: fc.constant([]) },
      { weight: 1, arbitrary: fc.constant(undefined) },
      { weight: 1, arbitrary: fc.constant(['backup-0']) },
    ),
    prunedAt: fc.option(anAge.map(before), { nil: undefined }),
    soonestLockEnd: fc.option(
      fc
        .integer({ min: -DAY_MS, max: 20 * DAY_MS })
        .map((ms) => ({ id: 'site/backup-0', at: before(-ms) })),
      { nil: undefined },
    ),
  });

const aStore: fc.Arbitrary<StoreFacts> = fc.record({
  storedBytes: fc.integer({ min: 0, max: 120 }),
  capacityBytes: fc.option(fc.constantFrom(100, 0, 1000), { nil: undefined }),
  samples: fc.constant([]),
  skewMs: fc.constant(0),
  unconfirmed: fc.constantFrom([], [], ['me@example.com']),
  lockDays: fc.constantFrom(undefined, 1, 2, 14),
  contentMonths: fc.constantFrom(1, 3),
  keys: fc.constantFrom(
    'usable' as const,
    'usable' as const,
    'unusable' as const,
    'unknown' as const,
  ),
});

const someFacts: fc.Arbitrary<Facts> = fc
  .record({
    at: fc.constant(AT),
    sources: fc.tuple(aSource('site'), aSource('other')).map((both) => [...both]),
    store: aStore,
    recoveryPoints: fc.option(someRecoveryPoints(AT), { nil: undefined }),
  })
  // Recovery points are a stack's, and every stack locks.
  .map(({ store, ...facts }) => {
    const lockDays = facts.recoveryPoints && store.lockDays === undefined ? 14 : store.lockDays;
    return { ...facts, store: { ...store, lockDays } };
  });

/** As CloudWatch gets it: by the names of metrics. */
function named(measures: object): Record<string, number | undefined> {
  return Object.fromEntries(
    Object.entries(measures as Record<string, number | undefined>).map(([name, value]) => [
      `${name.charAt(0).toUpperCase()}${name.slice(1)}`,
      value,
    ]),
  );
}

function saidOf({ sources, store, recoveryPoints }: Facts, assessment: Assessment): Said {
  const configured = sources.flatMap(({ source, objectives: promised }) =>
    promised === undefined ? [] : [[source, promised] as const],
  );
  const selections = (recoveryPoints?.selections ?? []).map(({ promise }) => promise);
  const points = awsWith(selections.map(({ expected }) => selectionConfig({ expected })));
  return {
    at: AT,
    status: assessment,
    published: {
      sources: new Map(assessment.sources.map((one) => [one.source, named(one.measures)])),
      system: named(assessment.store.measures),
      resources: new Map(
        assessment.recoveryPoints?.resources.map((one) => [
          `${one.selection} ${one.resource}`,
          named(one.measures),
        ]),
      ),
    },
    config: {
      system: 'shop',
      sources: configured.map(([name]) => ({ kind: 'files', name }) as SourceConfig),
      capacityBytes: store.capacityBytes,
      aws:
        store.lockDays === undefined && recoveryPoints === undefined
          ? undefined
          : ({ ...points, lockDays: store.lockDays } as AwsConfig),
    },
    objectives: new Map(configured),
    promises: new Map(selections.map((one) => [one.selection, one])),
  };
}

describe('whatever is found', () => {
  test('status shows what alarms tell, and alarms tell what status shows', () => {
    fc.assert(
      fc.property(someFacts, (facts) => {
        expect(disagreements(saidOf(facts, assess(facts)))).toEqual([]);
      }),
      { numRuns: 400 },
    );
  });

  test('it is well exactly when no finding says otherwise, and never while something alarms', () => {
    fc.assert(
      fc.property(someFacts, (facts) => {
        const { well, verdict, sources, store, recoveryPoints } = assess(facts);
        const findings = [
          ...sources.flatMap((one) => one.findings),
          ...store.findings,
          ...(recoveryPoints?.resources ?? []).flatMap((one) => one.findings),
        ];
        expect(well).toBe(!findings.some(isUnwell));
        if (verdict === 'alarm') expect(well).toBe(false);
        if (verdict === 'fine') expect(well).toBe(true);
      }),
      { numRuns: 100 },
    );
  });
});

describe('agreement', () => {
  const quiet: Facts = {
    at: AT,
    sources: [],
    store: {
      storedBytes: 90,
      capacityBytes: 100,
      samples: [],
      skewMs: 0,
      lockDays: undefined,
      contentMonths: 1,
      unconfirmed: [],
      keys: 'usable',
    },
  };

  test('is missed when a number says less than status, or more', () => {
    const said = saidOf(quiet, assess(quiet));
    expect(disagreements(said)).toEqual([]);
    const less = {
      ...said.published,
      system: { ...said.published.system, CapacityUsedPercent: 79 },
    };
    expect(disagreements({ ...said, published: less })).toHaveLength(1);
    const more = { ...said.published, system: { ...said.published.system, HiddenManifests: 1 } };
    expect(disagreements({ ...said, published: more })).toHaveLength(2);
  });
});
