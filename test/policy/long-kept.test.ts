// Which backups are kept for long, and when it pays to move them: never by more than it saves, whatever is configured.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { DAY_MS } from '../../lib/durations.ts';
import {
  leastBytes,
  longStay,
  longStayOf,
  monthlyFor100Gib,
  pinnedStay,
  stayCost,
  type Stay,
} from '../../lib/policy/long-kept.ts';
import { DEFAULT_RETENTION } from '../../lib/policy/retention-policy.ts';
import type { KeepReason, KeepRule } from '../../lib/policy/retention-reasons.ts';
import { S3_PRICES, type S3Prices } from '../../lib/policy/s3-prices.ts';

const NOW = new Date('2026-11-22T12:00:00Z');
const TERMS = { contentMonths: 3, undoDays: 14 };
const KIB = 1024;
const GIB = 2 ** 30;

const aStay: fc.Arbitrary<Stay> = fc.record({
  months: fc.double({ min: 0.1, max: 120, noNaN: true }),
  contentMonths: fc.constantFrom(1, 3, 6),
});
/** Prices of some region: a tenth more or less, each by itself. */
const somePrices: fc.Arbitrary<S3Prices> = fc
  .array(fc.double({ min: 0.9, max: 1.1, noNaN: true }), { minLength: 8, maxLength: 8 })
  .map(([a = 1, b = 1, c = 1, d = 1, e = 1, f = 1, g = 1, h = 1]) => {
    const { standard, moved, transition, tagging, tagMonth } = S3_PRICES;
    return {
      standard: { month: standard.month * a, read: 0, request: standard.request * b },
      moved: { month: moved.month * c, read: moved.read * d, request: moved.request * e },
      transition: transition * f,
      tagging: tagging * g,
      tagMonth: tagMonth * h,
    };
  });

describe('the least size that is moved', () => {
  test('is one from which on nothing costs more than where it was', () => {
    fc.assert(
      fc.property(aStay, somePrices, fc.double({ min: 1, max: 1e6, noNaN: true }), (...all) => {
        const [stay, prices, times] = all;
        const least = leastBytes(stay, prices);
        if (least === undefined) return;
        const { standard, moved } = stayCost(Math.ceil(least * times), stay, prices);
        expect(moved).toBeLessThanOrEqual(standard * (1 + 1e-9));
      }),
    );
  });

  test('is not one only where even a huge object would cost more', () => {
    fc.assert(
      fc.property(aStay, somePrices, (stay, prices) => {
        if (leastBytes(stay, prices) !== undefined) return;
        const { standard, moved } = stayCost(2 ** 45, stay, prices);
        expect(moved).toBeGreaterThanOrEqual(standard * (1 - 1e-9));
      }),
    );
  });

  test('is never below what S3 charges for at least', () => {
    fc.assert(
      fc.property(aStay, (stay) => {
        expect(leastBytes(stay) ?? Infinity).toBeGreaterThanOrEqual(128 * KIB);
      }),
    );
  });

  test('does not fall when content is verified more often', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.1, max: 120, noNaN: true }), (months) => {
        const [often = 0, seldom = 0] = [1, 6].map(
          (contentMonths) => leastBytes({ months, contentMonths }) ?? Infinity,
        );
        expect(often).toBeGreaterThanOrEqual(seldom);
      }),
    );
  });
});

describe('content that is verified every month', () => {
  test('makes a move cost more than it saves, in any region and for any stay', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.1, max: 120, noNaN: true }), somePrices, (months, prices) => {
        expect(leastBytes({ months, contentMonths: 1 }, prices)).toBeUndefined();
      }),
    );
  });
});

describe('content that is verified every quarter', () => {
  test('lets the default retention save about a third, and half a year more than half', () => {
    const savedShare = (contentMonths: number) => {
      const stay = longStayOf(DEFAULT_RETENTION, DAY_MS, { ...TERMS, contentMonths });
      if (stay === undefined) throw new Error('twelve months are kept for long');
      const { standard, moved } = monthlyFor100Gib(stay);
      expect(standard).toBeCloseTo(2.3, 1);
      return 1 - moved / standard;
    };
    expect(savedShare(1)).toBeLessThan(-0.4);
    expect(savedShare(3)).toBeGreaterThan(0.3);
    expect(savedShare(3)).toBeLessThan(0.4);
    expect(savedShare(6)).toBeGreaterThan(0.5);
  });

  test('pays for what is pinned, in any region', () => {
    fc.assert(
      fc.property(somePrices, (prices) => {
        expect(leastBytes(pinnedStay({ contentMonths: 6, undoDays: 14 }), prices)).toBeDefined();
      }),
    );
  });
});

test('an object that goes within 90 days is charged for 90', () => {
  const { moved } = stayCost(GIB, { months: 0.5, contentMonths: 6 });
  const whole = stayCost(GIB, { months: 3, contentMonths: 6 });
  expect(moved).toBeCloseTo(whole.moved, 5);
  expect(leastBytes({ months: 0.4, contentMonths: 6 })).toBeUndefined();
});

const reason = (rule: KeepRule, value = ''): KeepReason => ({ rule, value });

describe('a backup is kept for long', () => {
  const policy = { monthly: 12, yearly: 3 };
  const stay = (...reasons: KeepReason[]) => longStay(reasons, policy, NOW, TERMS);

  test('when nothing but its month, its year or a pin keeps it', () => {
    expect(stay(reason('monthly', '2026-09'))?.months).toBeCloseTo(9.76, 1);
    expect(stay(reason('yearly', '2025'))?.months).toBeCloseTo(13.75, 1);
    expect(stay(reason('pinned', 'records/pin/x'))?.months).toBeCloseTo(12.46, 1);
    expect(stay(reason('monthly', '2026-09'), reason('yearly', '2026'))?.months).toBeCloseTo(26, 0);
    expect(stay()).toBeUndefined();
  });

  test('and not while any other rule does', () => {
    const others: readonly KeepRule[] = [
      ...(['daily', 'weekly', 'last', 'within', 'last-good', 'newer-than-good'] as const),
      ...(['grace', 'last-scheduled', 'just-made', 'held', 'deferred'] as const),
    ];
    for (const rule of others) {
      expect(stay(reason('monthly', '2026-09'), reason(rule))).toBeUndefined();
      expect(stay(reason('pinned', 'x'), reason(rule))).toBeUndefined();
    }
  });

  test('for as long as its month stays in the window, and the time to undo', () => {
    const left = stay(reason('monthly', '2025-12'));
    // The window ends with November; nine days of it are left, and fourteen to undo.
    expect(left?.months).toBeCloseTo((8.5 + 14) / 30.44, 1);
    expect(leastBytes(left ?? { months: 0, contentMonths: 1 })).toBeUndefined();
  });
});

describe('how long the policy keeps a month at least', () => {
  const months = (policy: object, intervalMs?: number) =>
    longStayOf({ ...DEFAULT_RETENTION, ...policy }, intervalMs, TERMS)?.months;

  test('begins when the newer rules have released it', () => {
    expect(months({})).toBeCloseTo(11.5, 1);
    expect(months({ weekly: 0 })).toBeCloseTo(12.2, 1);
    expect(months({ monthly: 0, yearly: 2 })).toBeGreaterThan(23);
    expect(months({ monthly: 1 })).toBeLessThan(1);
  });

  test('is nothing where the newer rules keep longer, or nothing is kept by its month', () => {
    expect(months({ monthly: 1, weekly: 8 })).toBeUndefined();
    expect(months({ monthly: 0 })).toBeUndefined();
  });
});
