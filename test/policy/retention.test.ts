import { describe, expect, test } from '@jest/globals';
import { applyRetention, type RetainableBackup } from '../../lib/policy/retention.ts';
import { DEFAULT_RETENTION, type RetentionPolicy } from '../../lib/policy/retention-policy.ts';
import { keepReasonText } from '../../lib/policy/retention-reasons.ts';
import { after, at, backup, daily, DAY, HOUR, ids, settle } from './backups.ts';

const NOW = at('2026-11-22T03:00:00Z');
const NOTHING: RetentionPolicy = { ...DEFAULT_RETENTION, daily: 0, weekly: 0, monthly: 0 };

function apply(
  backups: readonly RetainableBackup[],
  policy: Partial<RetentionPolicy> = {},
  { now = NOW, intervalMs }: { now?: Date; intervalMs?: number } = {},
) {
  return applyRetention(backups, { ...DEFAULT_RETENTION, ...policy }, now, { intervalMs });
}

function reasonsOf(result: ReturnType<typeof apply>, wanted: RetainableBackup): string[] {
  return (
    result.keep.find(({ backup: { id } }) => id === wanted.id)?.reasons.map(keepReasonText) ?? []
  );
}

describe('tiers', () => {
  test('two years of daily backups settle to 7 days, 4 weeks and 12 months', () => {
    const left = settle(daily('2026-11-22', 730), {}, NOW);
    expect(left.map(({ id }) => id.slice(0, 8))).toEqual([
      ...['20261122', '20261121', '20261120', '20261119', '20261118', '20261117', '20261116'],
      ...['20261109', '20261102', '20261101', '20261026'],
      ...['20261001', '20260901', '20260801', '20260701', '20260601', '20260501', '20260401'],
      ...['20260301', '20260201', '20260101', '20251201'],
    ]);
  });

  test('each kept backup says which buckets want it', () => {
    const backups = daily('2026-11-22', 40);
    const result = apply(backups);
    expect(reasonsOf(result, backup(at('2026-11-22T02:00:00Z')))).toEqual([
      'daily 2026-11-22',
      'last good 1',
    ]);
    expect(reasonsOf(result, backup(at('2026-11-16T02:00:00Z')))).toEqual([
      'daily 2026-11-16',
      'weekly 2026-W47',
    ]);
    expect(reasonsOf(result, backup(at('2026-11-01T02:00:00Z')))).toEqual(['monthly 2026-11']);
  });

  test('buckets without a good backup do not count: gaps cost no tier', () => {
    const everyFourth = daily('2026-11-22', 400).filter((_, n) => n % 4 === 0);
    const left = settle(everyFourth, { weekly: 0, monthly: 0 }, NOW);
    expect(left).toEqual(everyFourth.slice(0, 7));
  });

  test('a month whose first days failed is served by the first good backup after them', () => {
    const backups = daily('2026-11-22', 90).map((each) =>
      each.id < '20261005' && each.id > '20261001'
        ? { ...each, standing: 'damaged' as const }
        : each,
    );
    expect(reasonsOf(apply(backups), backup(at('2026-10-05T02:00:00Z')))).toContain(
      'monthly 2026-10',
    );
  });

  test('the days of the zone decide, not those of UTC', () => {
    const evening = backup(at('2026-11-20T23:30:00Z'));
    const result = apply([evening, backup(at('2026-11-21T12:00:00Z'))], {
      timeZone: 'Europe/Berlin',
    });
    expect(reasonsOf(result, evening)).toContain('daily 2026-11-21');
  });

  test('the night with 25 hours is one day, though 02:30 comes twice', () => {
    const first = backup(at('2026-10-25T00:30:00Z'));
    const second = backup(at('2026-10-25T01:30:00Z'));
    const result = apply([second, first, ...daily('2026-11-22', 3)], { timeZone: 'Europe/Berlin' });
    expect(reasonsOf(result, first)).toContain('daily 2026-10-25');
    expect(ids(result.release)).toEqual([second.id]);
  });

  test('29 February serves its day, its month and its year', () => {
    const leapDay = backup(at('2028-02-29T02:00:00Z'));
    const result = apply([leapDay], { yearly: 1 }, { now: at('2028-02-29T03:00:00Z') });
    expect(reasonsOf(result, leapDay)).toEqual([
      ...['daily 2028-02-29', 'weekly 2028-W09', 'monthly 2028-02', 'yearly 2028'],
      'last good 1',
    ]);
  });

  test('last and within keep what the calendar would not', () => {
    const hourly = Array.from({ length: 48 }, (_, n) => backup(after(NOW, -n * HOUR)));
    expect(settle(hourly, { ...NOTHING, last: 10 }, NOW)).toHaveLength(10);
    expect(settle(hourly, { ...NOTHING, withinMs: 5 * HOUR }, NOW)).toHaveLength(6);
    const result = apply(hourly, { ...NOTHING, last: 4, withinMs: 5 * HOUR });
    expect(result.keep[3]?.reasons.map(keepReasonText)).toEqual([
      'last 4',
      'within 5 h of the newest good',
    ]);
  });
});

describe('what is always kept', () => {
  test('the newest three good backups, however old they are and whatever the policy says', () => {
    const old = daily('2019-05-01', 30);
    expect(settle(old, { ...NOTHING, last: 1 }, NOW)).toEqual(old.slice(0, 3));
  });

  test('everything newer than the newest good backup, good or not, however old', () => {
    const failing = daily('2026-11-22', 30).map((each) => ({
      ...each,
      standing: 'damaged' as const,
    }));
    const good = daily('2026-10-20', 1);
    const result = apply([...failing, ...good]);
    expect(result.release).toEqual([]);
    expect(result.keep.at(-2)?.reasons.map(keepReasonText)).toEqual(['newer than the newest good']);
  });

  test('a pinned backup, good or damaged, with the key of its pin', () => {
    const pinnedBy = ['records/pin/site/a.json'];
    const good = backup(at('2020-01-01T02:00:00Z'), { pinnedBy });
    const damaged = backup(at('2020-01-02T02:00:00Z'), { pinnedBy, standing: 'damaged' });
    const result = apply([...daily('2026-11-22', 30), good, damaged], { monthly: 0 });
    expect(reasonsOf(result, good)).toEqual(['pinned by records/pin/site/a.json']);
    expect(reasonsOf(result, damaged)).toEqual(['pinned by records/pin/site/a.json']);
  });

  test('a pin changes nothing for any other backup', () => {
    const backups = daily('2026-11-22', 60);
    const pinned = backups.map((each, n) => (n % 9 === 4 ? { ...each, pinnedBy: ['key'] } : each));
    const kept = new Set(settle(backups, {}, NOW).map(({ id }) => id));
    const keptWithPins = settle(pinned, {}, NOW).filter(
      (each) => each.pinnedBy.length === 0 || kept.has(each.id),
    );
    expect(keptWithPins.map(({ id }) => id)).toEqual([...kept]);
  });
});

describe('what is not good', () => {
  test.each(['unproven', 'partial', 'damaged'] as const)(
    'a backup that is %s counts for nothing and goes after 14 days',
    (standing) => {
      const bad = backup(at('2026-11-08T02:30:00Z'), { standing });
      const backups = [bad, ...daily('2026-11-22', 7)];
      const before = apply(backups, {}, { now: at('2026-11-22T02:30:00Z') });
      expect(reasonsOf(before, bad)).toEqual([`${standing}, kept until 2026-11-22 02:31:00 UTC`]);
      const later = apply(backups, {}, { now: at('2026-11-22T02:31:01Z') });
      expect(later.release).toEqual([{ backup: bad, reason: 'not-good' }]);
    },
  );

  test('what was copied into the store late has its 14 days from then on', () => {
    const late = backup(at('2026-01-01T02:00:00Z'), {
      standing: 'unproven',
      storedAt: at('2026-11-21T02:00:00Z'),
    });
    expect(ids(apply([late, ...daily('2026-11-22', 3)]).release)).toEqual([]);
  });

  test('it takes no place: thirty failed days leave every tier of good ones untouched', () => {
    const good = daily('2026-10-20', 7);
    const failed = daily('2026-11-21', 30).map((each) => ({
      ...each,
      standing: 'partial' as const,
    }));
    const result = apply([...daily('2026-11-22', 1), ...failed, ...good]);
    expect(result.release.every(({ reason }) => reason === 'not-good')).toBe(true);
  });

  test('what no trusted key vouches for is ignored, reported and never released', () => {
    const forged = daily('2026-11-22', 100).map((each) => ({
      ...each,
      standing: 'untrusted' as const,
    }));
    const good = daily('2026-06-01', 7);
    const result = apply([...forged, ...good]);
    expect(result.ignored.map(({ reason }) => reason)).toEqual(Array(100).fill('untrusted'));
    expect(ids(result.keep)).toEqual(good.map(({ id }) => id));
    expect(result.release).toEqual([]);
  });
});

describe('a flood', () => {
  const history = settle(daily('2026-11-22', 400), {}, NOW);

  test('of a thousand good runs in an hour pushes out none of the older ones', () => {
    const flood = Array.from({ length: 1000 }, (_, n) =>
      backup(after(at('2026-11-22T12:00:00Z'), n * 3600), { kind: 'manual' }),
    );
    const left = settle([...flood, ...history], {}, at('2026-11-22T14:00:00Z'));
    expect(left).toEqual(expect.arrayContaining(history));
    expect(left).toHaveLength(history.length + 3);
  });

  test('dated back into every day displaces nothing that was stored before it', () => {
    const flood = history.flatMap(({ time }) =>
      [-HOUR, -1, 1, HOUR].map((ms) =>
        backup(after(time, ms), { kind: 'manual', storedAt: at('2026-11-22T02:59:00Z') }),
      ),
    );
    const wanted = apply([...flood, ...history])
      .keep.filter(({ reasons }) => reasons.some(({ rule }) => rule !== 'deferred'))
      .map(({ backup: { id } }) => id);
    const older = history.slice(1).map(({ id }) => id);
    expect(wanted).toEqual(expect.arrayContaining(older));
  });

  test('of ids from the future is ignored, reported, and decides nothing', () => {
    const future = daily('2031-01-01', 1000).map((each) => ({ ...each, storedAt: NOW }));
    const result = apply([...future, ...history]);
    expect(ids(result.keep)).toEqual(history.map(({ id }) => id));
    expect(result.ignored).toHaveLength(1000);
    expect(result.ignored[0]?.reason).toBe('future');
    expect(result.held).toBeUndefined();
  });
});

describe('when nothing is released', () => {
  const many = daily('2026-11-22', 400);

  test('a clock that went back a year', () => {
    const result = apply(many, {}, { now: at('2025-11-22T03:00:00Z'), intervalMs: DAY });
    expect(result.release).toEqual([]);
    expect(result.held?.code).toBe('clock');
  });

  test('a clock that is a moment earlier than the newest backup', () => {
    const result = apply(many, {}, { now: at('2026-11-22T01:59:59.999Z') });
    expect(result.held?.code).toBe('clock');
    expect(result.ignored).toEqual([]);
  });

  test('a clock that jumped ten years ahead', () => {
    const result = apply(many, {}, { now: at('2036-11-22T03:00:00Z'), intervalMs: DAY });
    expect(result.release).toEqual([]);
    expect(result.held?.code).toBe('no-recent-good');
  });

  test('without a schedule, a clock ten years ahead releases no good backup that it kept before', () => {
    const policy = { withinMs: 30 * DAY };
    const kept = settle(many, policy, NOW);
    expect(settle(kept, policy, at('2036-11-22T03:00:00Z'))).toEqual(kept);
  });

  test.each([
    ['2026-11-25T02:00:00Z', undefined],
    ['2026-11-25T02:00:01Z', 'no-recent-good'],
  ])('no good backup within three intervals, at %s: %s', (now, held) => {
    const result = apply(many, {}, { now: at(now), intervalMs: DAY });
    expect(result.held?.code).toBe(held);
    expect(result.release.length > 0).toBe(held === undefined);
    expect(result.keep.length + result.release.length).toBe(400);
  });

  test('nothing good at all, however much there is and however old', () => {
    const result = apply(many.map((each) => ({ ...each, standing: 'unproven' as const })));
    expect(result.release).toEqual([]);
    expect(result.held).toEqual({ code: 'nothing-good', detail: 'no backup is good' });
    expect(result.keep.at(-1)?.reasons.map(keepReasonText)).toEqual(['held: no backup is good']);
  });

  test('an empty store is nothing to decide about', () => {
    expect(apply([])).toEqual({
      keep: [],
      release: [],
      deferred: [],
      ignored: [],
      held: undefined,
    });
  });
});

describe('how much one run releases', () => {
  test('from 12 months to 1, a fifth at a time, oldest first, and the rest is said to wait', () => {
    let left = settle(daily('2026-11-22', 400), {}, NOW);
    const sizes = [left.length];
    for (;;) {
      const { release, deferred, keep } = apply(left, { monthly: 1 });
      if (release.length === 0) break;
      expect(release.length).toBeLessThanOrEqual(left.length * 0.2);
      expect(ids(release).toSorted()).toEqual(ids(release));
      const waiting = keep.filter(({ reasons }) => reasons.some(({ rule }) => rule === 'deferred'));
      expect(waiting.map((each) => each.backup)).toEqual(deferred.toReversed());
      left = left.filter(({ id }) => !ids(release).includes(id));
      sizes.push(left.length);
    }
    expect(sizes).toEqual([22, 18, 15, 12, 11]);
  });

  test('always one, or a small store would never shrink', () => {
    const { release, deferred } = apply(daily('2026-11-22', 4), { ...NOTHING, last: 1 });
    expect(release).toHaveLength(1);
    expect(deferred).toEqual([]);
  });

  test('what is not good goes before anything that is', () => {
    const bad = backup(at('2026-11-05T02:30:00Z'), { standing: 'damaged' });
    const { release } = apply([...daily('2026-11-22', 30), bad], { ...NOTHING, last: 1 });
    expect(release[0]).toEqual({ backup: bad, reason: 'not-good' });
    expect(release[1]).toEqual({
      backup: backup(at('2026-10-24T02:00:00Z')),
      reason: 'unwanted',
    });
  });
});

describe('refuses', () => {
  test.each([
    ['that keeps nothing', NOTHING, 'every rule is 0'],
    ['with a negative count', { daily: -1 }, 'daily is -1'],
    ['that is not a number', { weekly: NaN }, 'weekly is NaN'],
    ['with half a month', { monthly: 0.5 }, 'monthly is 0.5'],
    ['without end', { yearly: Infinity }, 'yearly is Infinity'],
    ['within a negative time', { withinMs: -1 }, 'withinMs is -1'],
    ['within no number', { withinMs: NaN }, 'withinMs is NaN'],
    ['in a zone that does not exist', { timeZone: 'Mars/Olympus' }, 'Mars/Olympus'],
  ])('a policy %s', (_, policy, message) => {
    const act = () => apply(daily('2026-11-22', 3), policy);
    expect(act).toThrow(message);
    expect(act).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
  });

  test('every fault of a policy in one message', () => {
    expect(() => apply([], { daily: -1, last: NaN })).toThrow(/daily is -1.*; last is NaN/);
  });

  test('backups of two sources in one decision, or one id twice', () => {
    const [one] = daily('2026-11-22', 1);
    if (one === undefined) throw new Error('no backup');
    const other = backup(at('2026-11-21T02:00:00Z'), { source: 'database' });
    expect(() => apply([one, other])).toThrow('per source');
    expect(() => apply([one, { ...one }])).toThrow('unique');
    expect(() => apply([{ ...one, storedAt: new Date(NaN) }])).toThrow('valid');
  });
});
