import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { applyRetention, type RetainableBackup } from '../../lib/policy/retention.ts';
import { DEFAULT_RETENTION, type RetentionPolicy } from '../../lib/policy/retention-policy.ts';
import { STANDINGS } from '../../lib/policy/standing.ts';
import { after, at, backup, DAY, HOUR, ids, settle } from './backups.ts';

const NOW = at('2026-11-22T03:00:00Z');

const aBackup = fc
  .record({
    // Often the same day or second as another, sometimes from the future.
    ageMs: fc.oneof(
      fc.integer({ min: 0, max: 60 }).map((n) => n * DAY),
      fc.integer({ min: -3 * DAY, max: 800 * DAY }),
      fc.integer({ min: 0, max: 48 }).map((n) => n * HOUR),
    ),
    delayMs: fc.oneof(fc.constant(60_000), fc.integer({ min: -5 * 60_000, max: 40 * DAY })),
    standing: fc.oneof(
      { weight: 4, arbitrary: fc.constant('good' as const) },
      { weight: 1, arbitrary: fc.constantFrom(...STANDINGS) },
    ),
    kind: fc.constantFrom('schedule' as const, 'manual' as const),
    pinned: fc.integer({ min: 0, max: 19 }).map((n) => n === 0),
  })
  .map(({ ageMs, delayMs, standing, kind, pinned }) => {
    const time = after(NOW, -ageMs);
    const storedAt = new Date(Math.min(time.getTime() + delayMs, NOW.getTime()));
    return backup(time, { kind, standing, storedAt, pinnedBy: pinned ? ['pin'] : [] });
  });

const someBackups = fc.uniqueArray(aBackup, { selector: ({ id }) => id, maxLength: 120 });

const aPolicy: fc.Arbitrary<RetentionPolicy> = fc
  .record({
    daily: fc.nat(10),
    weekly: fc.nat(6),
    monthly: fc.nat(14),
    yearly: fc.nat(3),
    last: fc.nat(8),
    withinMs: fc.nat(10).map((n) => n * DAY),
    timeZone: fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Pacific/Auckland'),
  })
  .filter((policy) =>
    Object.values(policy).some((value) => typeof value === 'number' && value > 0),
  );

const aCase = fc.record({
  backups: someBackups,
  policy: aPolicy,
  intervalMs: fc.constantFrom(undefined, DAY, 30 * DAY),
});

function sorted(values: readonly string[]): string[] {
  return values.toSorted();
}

test('keep, release and ignored are together exactly what was passed in', () => {
  fc.assert(
    fc.property(aCase, ({ backups, policy, intervalMs }) => {
      const result = applyRetention(backups, policy, NOW, { intervalMs });
      const all = [...ids(result.keep), ...ids(result.release), ...ids(result.ignored)];
      expect(sorted(all)).toEqual(sorted(backups.map(({ id }) => id)));
      expect(result.keep.every(({ reasons }) => reasons.length > 0)).toBe(true);
    }),
  );
});

test('the newest three good, all that is newer than the newest good, and pins are kept', () => {
  fc.assert(
    fc.property(aCase, ({ backups, policy, intervalMs }) => {
      const result = applyRetention(backups, policy, NOW, { intervalMs });
      const ignored = new Set(ids(result.ignored));
      const byTime = backups
        .filter(({ id }) => !ignored.has(id))
        .toSorted((a, b) => +b.time - +a.time);
      const good = byTime.filter(({ standing }) => standing === 'good');
      const newestGood = good[0]?.time ?? new Date(0);
      const always = byTime.filter(
        ({ time, pinnedBy }) => time > newestGood || pinnedBy.length > 0,
      );
      const released = new Set(ids(result.release));
      expect(always.filter(({ id }) => released.has(id))).toEqual([]);
      const goodLeft = good.filter(({ id }) => !released.has(id)).slice(0, 3);
      expect(goodLeft.map(({ time }) => time)).toEqual(good.slice(0, 3).map(({ time }) => time));
    }),
  );
});

test('nothing is released when nothing is good', () => {
  fc.assert(
    fc.property(aCase, ({ backups, policy, intervalMs }) => {
      const bad = backups.map((each) =>
        each.standing === 'good' ? { ...each, standing: 'unproven' as const } : each,
      );
      expect(applyRetention(bad, policy, NOW, { intervalMs }).release).toEqual([]);
    }),
  );
});

test('the order of the input is irrelevant', () => {
  const keys = fc.array(fc.nat(), { minLength: 120, maxLength: 120 });
  fc.assert(
    fc.property(aCase, keys, ({ backups, policy, intervalMs }, places) => {
      const shuffled = backups
        .map((each, n) => ({ each, place: places[n] ?? 0 }))
        .sort((a, b) => a.place - b.place)
        .map(({ each }) => each);
      const options = { intervalMs };
      expect(applyRetention(shuffled, policy, NOW, options)).toEqual(
        applyRetention(backups, policy, NOW, options),
      );
    }),
  );
});

test('applying it again wants the same, and releases only what had to wait', () => {
  fc.assert(
    fc.property(aCase, ({ backups, policy, intervalMs }) => {
      const options = { intervalMs };
      const first = applyRetention(backups, policy, NOW, options);
      const released = new Set(ids(first.release));
      const left = backups.filter(({ id }) => !released.has(id));
      const second = applyRetention(left, policy, NOW, options);
      expect(wantedIds(second)).toEqual(wantedIds(first));
      const waiting = new Set(first.deferred.map(({ id }) => id));
      expect(ids(second.release).filter((id) => !waiting.has(id))).toEqual([]);
    }),
  );
});

test('one run releases at most a fifth of what is there, or one', () => {
  fc.assert(
    fc.property(aCase, ({ backups, policy, intervalMs }) => {
      const { keep, release } = applyRetention(backups, policy, NOW, { intervalMs });
      const most = Math.max(1, Math.floor((keep.length + release.length) * 0.2));
      expect(release.length).toBeLessThanOrEqual(most);
    }),
  );
});

test('a larger policy keeps everything that a smaller one keeps', () => {
  fc.assert(
    fc.property(someBackups, aPolicy, fc.nat(5), (backups, policy, more) => {
      const larger = { ...policy, daily: policy.daily + more, monthly: policy.monthly + more };
      const options = { intervalMs: undefined };
      const kept = new Set(wantedIds(applyRetention(backups, larger, NOW, options)));
      const small = wantedIds(applyRetention(backups, policy, NOW, options));
      expect(small.filter((id) => !kept.has(id))).toEqual([]);
    }),
  );
});

test('two sources pruned in any interleaving end as they would alone', () => {
  const policy = { weekly: 1, monthly: 2 };
  fc.assert(
    fc.property(someBackups, someBackups, (site, database) => {
      const mixed = [...site, ...database.map((each) => ({ ...each, source: 'database' }))];
      const alone = settle(site, policy, NOW);
      const fromMixed = settle(
        mixed.filter(({ source }) => source === 'site'),
        policy,
        NOW,
      );
      expect(fromMixed).toEqual(alone);
    }),
    { numRuns: 20 },
  );
});

// Five years, pruned after every run. What is there at any time must serve every bucket that the policy would pick from the whole
// history: then nothing was ever released that was wanted later.
test.each([1, 2])(
  'five years with a fifth of the runs failing lose nothing that the tiers ever want (seed %i)',
  (seed) => {
    const chance = chances(seed);
    const everGood = {
      daily: new Set<string>(),
      weekly: new Set<string>(),
      monthly: new Set<string>(),
    };
    let left: RetainableBackup[] = [];
    const begin = at('2026-11-22T02:00:00Z');
    for (let day = 0; day < 5 * 365 + 1; day += 1) {
      const runs = chance() < 0.3 ? 4 : 1;
      for (let run = 0; run < runs; run += 1) {
        const time = after(begin, day * DAY + run * 3 * HOUR);
        left = left.map((each) => provenLate(each, time));
        left.push(...madeBy(time, chance));
        for (const each of left) remember(everGood, each);
        const options = { intervalMs: DAY };
        const result = applyRetention(left, DEFAULT_RETENTION, after(time, HOUR), options);
        left = result.keep.map((each) => each.backup);
      }
      const here = {
        daily: new Set<string>(),
        weekly: new Set<string>(),
        monthly: new Set<string>(),
      };
      for (const each of left) remember(here, each);
      for (const [tier, count] of [
        ['daily', 7],
        ['weekly', 4],
        ['monthly', 12],
      ] as const) {
        expect(newest(here[tier], count)).toEqual(newest(everGood[tier], count));
      }
    }
    const good = left.filter(({ standing }) => standing === 'good');
    expect(good.length).toBeLessThanOrEqual(7 + 4 + 12 + 3);
  },
);

function wantedIds(result: ReturnType<typeof applyRetention>): string[] {
  return result.keep
    .filter(({ reasons }) => reasons.some(({ rule }) => rule !== 'deferred' && rule !== 'held'))
    .map((each) => each.backup.id);
}

/** A run that failed leaves no backup; of the others some are not good, and some are proven only days later. */
function madeBy(time: Date, chance: () => number): RetainableBackup[] {
  if (chance() < 0.1) return [];
  const dice = chance();
  const standing =
    dice < 0.05 ? 'partial' : dice < 0.1 ? 'damaged' : dice < 0.3 ? 'unproven' : 'good';
  return [backup(time, { standing, storedAt: after(time, Math.floor(chance() * 20 * 60_000)) })];
}

function provenLate(each: RetainableBackup, now: Date): RetainableBackup {
  const old = now.getTime() - each.time.getTime() > 3 * DAY;
  return old && each.standing === 'unproven' ? { ...each, standing: 'good' } : each;
}

type Seen = Readonly<Record<'daily' | 'weekly' | 'monthly', Set<string>>>;

/** Notes the days, weeks (by their Mondays) and months that have something good: another route than the one under test. */
function remember(seen: Seen, { time, standing }: RetainableBackup): void {
  if (standing !== 'good') return;
  const day = Math.floor(time.getTime() / DAY);
  // Day 4 of the epoch, 5 January 1970, was a Monday.
  const monday = day - ((day - 4) % 7);
  seen.daily.add(time.toISOString().slice(0, 10));
  seen.weekly.add(new Date(monday * DAY).toISOString().slice(0, 10));
  seen.monthly.add(time.toISOString().slice(0, 7));
}

function newest(buckets: ReadonlySet<string>, count: number): string[] {
  return [...buckets].sort().slice(-count);
}

/** Numbers from 0 up to 1, the same for the same seed. */
function chances(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
