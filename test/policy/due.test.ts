import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { agendaOf, type Duties } from '../../lib/policy/due.ts';
import type { BackupSeen, SourceFacts } from '../../lib/policy/facts.ts';
import { freshnessOf } from '../../lib/policy/freshness.ts';
import { nextDue, parseSchedule, previousDue } from '../../lib/policy/schedule.ts';
import { after, at, DAY, HOUR } from './backups.ts';

const MINUTE = 60_000;
const DAILY = parseSchedule('0 2 * * *', 'UTC');
const DUTIES: Duties = { backs: true, verifies: 'content', tests: 'month', timeZone: 'UTC' };
const BACKUPS_ALONE: Duties = { ...DUTIES, verifies: 'none', tests: 'never' };

function made(time: string | Date, more: Partial<BackupSeen> = {}): BackupSeen {
  const moment = typeof time === 'string' ? at(time) : time;
  const begin = after(moment, 5_000);
  return {
    ...{ id: moment.toISOString(), time: moment, begin, storedAt: after(begin, 1_000) },
    ...{ isScheduled: true, isSafety: false, isTrusted: true, standing: 'good', good: true },
    ...{ why: '', evidence: [], repairs: [], anomalies: [], isHidden: false },
    ...{ storedBytes: 1, entries: 1, durationMs: 1 },
    ...more,
  };
}

function source(backups: readonly BackupSeen[], more: Partial<SourceFacts> = {}): SourceFacts {
  return {
    source: 'site',
    objectives: {
      ...{ schedule: DAILY, rpoMs: undefined, rtoMs: undefined },
      ...{ graceMs: 2 * HOUR, restoreTestMaxAgeMs: undefined },
    },
    knownSince: at('2026-01-01T00:00:00Z'),
    scheduleSeen: undefined,
    ...{ backups, unfinished: [], failed: [], restoreTests: [], problems: [], missing: [] },
    ...{ releasedButWanted: [], prunedAt: undefined, soonestLockEnd: undefined },
    ...more,
  };
}

const due = (facts: SourceFacts, now: string, duties = BACKUPS_ALONE) =>
  agendaOf(facts, duties, at(now)).due;
const tested = (
  time: string,
  verdict: 'proven' | 'damaged' | 'inconclusive',
  backupId: string,
) => ({
  ...{ backupId, end: at(time), verdict, restoreDurationMs: 1 },
});

describe('a backup', () => {
  const last = made('2026-11-21T02:00:00Z');

  test('is due from the time of the schedule on, and not before', () => {
    expect(due(source([last]), '2026-11-22T01:59:59Z')).toEqual([]);
    expect(due(source([last]), '2026-11-22T02:00:00Z')).toEqual([
      {
        ...{ source: 'site', verb: 'backup', at: at('2026-11-22T02:00:00Z') },
        why: 'due since 2026-11-22 02:00:00 UTC',
      },
    ]);
  });

  test('is made up for once after a week of sleep, for the last time that has passed', () => {
    const [first, ...more] = due(source([last]), '2026-11-28T09:00:00Z');
    expect([first, more]).toEqual([
      expect.objectContaining({
        at: at('2026-11-28T02:00:00Z'),
        why: 'due since 2026-11-22 02:00:00 UTC',
      }),
      [],
    ]);
  });

  test('is due at once for a source that never had one, and by the schedule where one was made by hand', () => {
    expect(due(source([]), '2026-11-21T15:00:00Z')).toMatchObject([
      { at: at('2026-11-21T02:00:00Z'), why: 'it was never backed up' },
    ]);
    const byHand = made('2026-11-21T14:00:00Z', { isScheduled: false });
    const facts = source([byHand], { knownSince: byHand.storedAt });
    expect(due(facts, '2026-11-21T15:00:00Z')).toEqual([]);
    expect(due(facts, '2026-11-22T02:00:00Z')).toHaveLength(1);
  });

  test('does not count when nobody vouches for it, or when its id is from the future', () => {
    const forged = made('2026-11-22T02:00:00Z', { standing: 'untrusted', good: false });
    const future = made('2027-11-22T02:00:00Z');
    expect(due(source([last, forged, future]), '2026-11-22T03:00:00Z')).toHaveLength(1);
  });

  test('was not due before a run had its schedule in the configuration', () => {
    const scheduleSeen = {
      at: at('2026-11-21T10:00:00Z'),
      last: { schedule: DAILY, since: at('2026-11-21T10:00:00Z') },
    };
    const old = made('2026-11-01T02:00:00Z');
    expect(due(source([old], { scheduleSeen }), '2026-11-21T12:00:00Z')).toEqual([]);
    expect(due(source([old], { scheduleSeen }), '2026-11-22T02:00:00Z')).toHaveLength(1);
  });

  test('is not due without a schedule, and where something else backs the source up', () => {
    const unscheduled = source([], { objectives: undefined });
    expect(due(unscheduled, '2026-11-22T02:00:00Z')).toEqual([]);
    const elsewhere = { ...BACKUPS_ALONE, backs: false };
    expect(due(source([]), '2026-11-22T02:00:00Z', elsewhere)).toEqual([]);
  });

  test('that failed is tried again after 10 minutes, then twice as long each time, and at once when the next is due', () => {
    const failed = (...begins: string[]) =>
      source([last], { failed: begins.map((one) => ({ id: '', begin: at(one), why: '' })) });
    const once = failed('2026-11-22T02:00:05Z');
    expect(due(once, '2026-11-22T02:10:00Z')).toEqual([]);
    expect(due(once, '2026-11-22T02:15:00Z')).toMatchObject([
      { why: expect.stringContaining('it failed once') },
    ]);
    const thrice = failed('2026-11-22T02:00:05Z', '2026-11-22T02:15:00Z', '2026-11-22T02:45:00Z');
    expect(agendaOf(thrice, BACKUPS_ALONE, at('2026-11-22T03:00:00Z')).later).toMatchObject([
      { verb: 'backup', at: at('2026-11-22T03:25:00Z') },
      { verb: 'backup', at: at('2026-11-23T02:00:00Z') },
    ]);
    expect(due(thrice, '2026-11-23T02:00:00Z')).toHaveLength(1);
  });
});

describe('a proof', () => {
  test('is due for what was stored an hour ago and never proven', () => {
    const facts = source([made('2026-11-21T02:00:00Z', { standing: 'unproven', good: false })]);
    const proofs = { ...DUTIES, backs: false };
    expect(due(facts, '2026-11-21T02:30:00Z', proofs)).toEqual([]);
    expect(due(facts, '2026-11-21T03:30:00Z', proofs)).toMatchObject([
      { verb: 'verify', level: 'digest' },
    ]);
  });

  test('of content is due each month, for those first that have waited longest; what is damaged stays so', () => {
    const looked = (time: string) => ({
      evidence: [{ verb: 'verify', level: 'content', verdict: 'proven', at: at(time) } as const],
    });
    const facts = source([
      made('2026-09-01T02:00:00Z', looked('2026-10-02T00:00:00Z')),
      made('2026-09-02T02:00:00Z'),
      made('2026-09-03T02:00:00Z', { standing: 'damaged', good: false }),
      made('2026-10-01T02:00:00Z', looked('2026-11-01T05:00:00Z')),
      made('2026-11-02T02:00:00Z'),
    ]);
    const contents = (now: string) =>
      due(facts, now, { ...DUTIES, backs: false, tests: 'never' }).map((one) =>
        one.verb === 'backup' ? '' : one.id.slice(0, 10),
      );
    expect(contents('2026-11-03T05:00:00Z')).toEqual(['2026-09-02', '2026-09-01']);
    expect(contents('2026-12-01T04:29:59Z')).toHaveLength(2);
    expect(contents('2026-12-01T04:30:00Z')).toHaveLength(4);
  });
});

describe('a restore test', () => {
  const tests = (facts: SourceFacts, now: string, every: Duties['tests'] = 'month') =>
    due(facts, now, { ...DUTIES, backs: false, verifies: 'none', tests: every });
  const [old, newest] = [made('2026-11-20T02:00:00Z'), made('2026-11-21T02:00:00Z')];
  const both = (...restoreTests: ReturnType<typeof tested>[]) =>
    source([old, newest], { restoreTests });

  test('is due at once where none was ever made, of the newest good backup', () => {
    expect(tests(both(), '2026-11-21T03:00:00Z')).toMatchObject([{ id: newest.id }]);
    expect(tests(source([]), '2026-11-21T03:00:00Z')).toEqual([]);
    expect(tests(both(), '2026-11-21T03:00:00Z', 'never')).toEqual([]);
  });

  test('is due by the calendar, and made up for', () => {
    const facts = both(tested('2026-11-20T03:00:00Z', 'proven', old.id));
    expect(tests(facts, '2026-12-02T05:59:59Z')).toEqual([]);
    expect(tests(facts, '2026-12-02T06:00:00Z')).toHaveLength(1);
    expect(tests(facts, '2027-03-02T06:00:00Z')).toHaveLength(1);
  });

  test('of each backup is due until that backup was tested', () => {
    const facts = both(tested('2026-11-20T03:00:00Z', 'proven', old.id));
    expect(tests(facts, '2026-11-21T03:00:00Z', 'backup')).toMatchObject([{ id: newest.id }]);
    const done = both(tested('2026-11-21T03:00:00Z', 'proven', newest.id));
    expect(tests(done, '2026-11-21T03:10:00Z', 'backup')).toEqual([]);
  });

  test('that found damage is followed by one of the next good backup, and one without a result by another try', () => {
    const damaged = both(tested('2026-11-20T03:00:00Z', 'damaged', old.id));
    expect(tests(damaged, '2026-11-21T03:00:00Z')).toMatchObject([
      { id: newest.id, why: 'the last test found damage' },
    ]);
    const unclear = both(tested('2026-11-21T03:00:00Z', 'inconclusive', newest.id));
    expect(tests(unclear, '2026-11-21T03:05:00Z')).toEqual([]);
    expect(tests(unclear, '2026-11-21T03:15:00Z')).toHaveLength(1);
  });
});

const schedules = fc.constantFrom(
  ...(
    [
      ['0 2 * * *', 'UTC'],
      ['30 2 * * *', 'Europe/Berlin'],
      ['*/15 * * * *', 'UTC'],
      ['7 */3 * * *', 'Asia/Kathmandu'],
      ['0 3 * * 0', 'America/New_York'],
      ['15 1 1 * *', 'UTC'],
    ] as const
  ).map(([cron, zone]) => parseSchedule(cron, zone)),
);

/** A life of a machine: awake for so many minutes, then asleep for so many, and how long each backup takes. */
const lives = fc.record({
  schedule: schedules,
  begin: fc.integer({ min: 0, max: 400 * 24 * 60 }),
  naps: fc.array(
    fc.record({
      awakeMinutes: fc.integer({ min: 1, max: 20 * 60 }),
      asleepMinutes: fc.integer({ min: 0, max: 9 * 24 * 60 }),
      backupMinutes: fc.integer({ min: 0, max: 200 }),
    }),
    { minLength: 1, maxLength: 4 },
  ),
});

test('nothing that was due is left out, and nothing is made twice, whenever the machine sleeps', () => {
  fc.assert(
    fc.property(lives, ({ schedule, begin, naps }) => {
      let now = after(at('2026-01-01T00:07:00Z'), begin * MINUTE);
      const knownSince = now;
      const backups: BackupSeen[] = [made(now, { isScheduled: false })];
      const objectives = { schedule, rpoMs: undefined, rtoMs: undefined, graceMs: 2 * HOUR };
      const facts = () =>
        source(backups, {
          knownSince,
          objectives: { ...objectives, restoreTestMaxAgeMs: undefined },
        });
      const look = () => agendaOf(facts(), BACKUPS_ALONE, now);
      for (const { awakeMinutes, asleepMinutes, backupMinutes } of naps) {
        const sleepsAt = after(now, awakeMinutes * MINUTE);
        for (; now < sleepsAt; now = quarterAfter(now)) {
          const [first, ...more] = look().due;
          expect(more).toEqual([]);
          if (first?.verb !== 'backup') continue;
          expect(first.at).toEqual(previousDue(schedule, now));
          const before = backups.filter(({ isScheduled }) => isScheduled).at(-1);
          if (before !== undefined) expect(first.at > before.time).toBe(true);
          // It never runs before it is due.
          expect(first.at <= now).toBe(true);
          backups.push(made(first.at, { begin: now, storedAt: now }));
          now = after(now, backupMinutes * MINUTE);
        }
        now = after(sleepsAt > now ? sleepsAt : now, asleepMinutes * MINUTE);
      }
      // One more look, and whatever was ever due has a backup that began at or after it.
      const [last] = look().due;
      if (last?.verb === 'backup') backups.push(made(last.at, { begin: now, storedAt: now }));
      expect(look().due).toEqual([]);
      const latest = previousDue(schedule, now);
      if (latest !== undefined && latest > knownSince)
        expect(backups.some((one) => one.isScheduled && one.begin >= latest)).toBe(true);
    }),
    { numRuns: 40 },
  );
});

function quarterAfter(now: Date): Date {
  return new Date((Math.floor(now.getTime() / (15 * MINUTE)) + 1) * 15 * MINUTE);
}

test('whatever `status` calls missed is due', () => {
  fc.assert(
    fc.property(
      schedules,
      fc.array(fc.integer({ min: 0, max: 40 * 24 * 60 }), { maxLength: 5 }),
      fc.integer({ min: 1, max: 60 * 24 * 60 }),
      (schedule, runs, nowMinutes) => {
        const start = at('2026-03-01T00:00:00Z');
        const now = after(start, nowMinutes * MINUTE);
        const backups = runs
          .map((minutes) => after(start, minutes * MINUTE))
          .filter((begin) => begin <= now)
          .map((begin) => made(previousDue(schedule, begin) ?? begin, { begin, storedAt: begin }));
        const knownSince = after(start, -DAY);
        const graceMs = 2 * HOUR;
        const { missed } = freshnessOf(
          {
            ...{ good: backups, scheduled: backups, schedule, rpoMs: undefined, graceMs },
            configuredAt: knownSince,
          },
          now,
        );
        const objectives = {
          ...{ schedule, rpoMs: undefined, rtoMs: undefined, graceMs },
          restoreTestMaxAgeMs: undefined,
        };
        const { due: found } = agendaOf(
          source(backups, { knownSince, objectives }),
          BACKUPS_ALONE,
          now,
        );
        if (missed) expect(found).toHaveLength(1);
        expect(nextDue(schedule, now) > now).toBe(true);
      },
    ),
    { numRuns: 100 },
  );
});
