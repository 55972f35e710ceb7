// Whether a stack keeps its store up: prunes that come, locks that last, content that is verified.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { BackupSeen, SourceFacts } from '../../lib/policy/facts.ts';
import { NO_OBJECTIVES } from '../../lib/policy/objectives.ts';
import { contentDueBefore, leastLockSeconds, upkeepOf } from '../../lib/policy/upkeep.ts';

const DAY_MS = 86_400_000;
const DAY_SECONDS = 86_400;
const AT = new Date('2026-11-22T12:00:00.000Z');
const daysAgo = (days: number) => new Date(AT.getTime() - days * DAY_MS);

function backup(ageDays: number, contentDays?: number): BackupSeen {
  const content = { verb: 'verify', level: 'content', verdict: 'proven' } as const;
  return {
    id: `of-${ageDays}-days-ago`,
    time: daysAgo(ageDays),
    storedAt: daysAgo(ageDays),
    isTrusted: true,
    evidence: contentDays === undefined ? [] : [{ ...content, at: daysAgo(contentDays) }],
  } as unknown as BackupSeen;
}

function source(facts: Partial<SourceFacts>): SourceFacts {
  return {
    source: 'site',
    objectives: NO_OBJECTIVES,
    backups: [],
    prunedAt: undefined,
    soonestLockEnd: undefined,
    ...facts,
  } as SourceFacts;
}

const judged = (sources: readonly SourceFacts[], contentMonths = 1) =>
  upkeepOf(sources, { lockDays: 14, contentMonths }, AT);
const codes = (sources: readonly SourceFacts[], contentMonths = 1) =>
  judged(sources, contentMonths).findings.map(({ code }) => code);

describe('a store that no stack keeps up', () => {
  test('has no numbers, and nothing is said of it', () => {
    const { measures, findings } = upkeepOf(
      [source({ backups: [backup(400)] })],
      { lockDays: undefined, contentMonths: 1 },
      AT,
    );
    expect(Object.values(measures)).toEqual([undefined, undefined, undefined]);
    expect(findings).toEqual([]);
  });
});

describe('an empty store', () => {
  test('is no alarm, and its numbers are known: their absence is one', () => {
    const { measures, findings } = judged([source({})]);
    expect(measures).toEqual({
      pruneAgeSeconds: 0,
      lockSecondsLeft: 14 * DAY_SECONDS,
      contentAgeSeconds: 0,
    });
    expect(findings).toEqual([]);
  });
});

describe('a prune that does not come', () => {
  test('is an alarm after two days, by the source that waits longest', () => {
    expect(codes([source({ prunedAt: daysAgo(1.9), backups: [backup(1)] })])).toEqual([]);
    const waits = source({ source: 'media', prunedAt: daysAgo(2.1) });
    const { measures, findings } = judged([source({ prunedAt: daysAgo(1) }), waits]);
    expect(measures.pruneAgeSeconds).toBe(2.1 * DAY_SECONDS);
    expect(findings[0]).toMatchObject({ code: 'prune', severity: 'alarm' });
    expect(findings[0]?.detail).toContain('media was not pruned');
  });

  test('counts from the oldest backup where there never was one', () => {
    expect(codes([source({ backups: [backup(3, 1), backup(1)] })])).toEqual(['prune']);
    expect(codes([source({ backups: [backup(1)] })])).toEqual([]);
  });

  test('is not one of a source that is not configured', () => {
    expect(codes([source({ objectives: undefined, backups: [backup(9)] })])).toEqual([]);
  });
});

describe('a lock', () => {
  const ending = (days: number) =>
    source({
      prunedAt: AT,
      soonestLockEnd: { id: 'site/x', at: new Date(AT.getTime() + days * DAY_MS) },
    });

  test('that ends is an alarm while there is time, and afterwards', () => {
    expect(codes([ending(7.1)])).toEqual([]);
    expect(codes([ending(8), ending(6.9)])).toEqual(['lock']);
    const { measures, findings } = judged([ending(-1)]);
    expect(measures.lockSecondsLeft).toBe(-DAY_SECONDS);
    expect(findings[0]?.detail).toContain('has ended');
  });

  test('that cannot be seen is said to be so, and no number is made up', () => {
    const { measures, findings } = judged([source({ soonestLockEnd: 'unseen' })]);
    expect(measures.lockSecondsLeft).toBeUndefined();
    expect(findings.map(({ code }) => code)).toEqual(['locks-unseen']);
  });

  test('of any length is no alarm while prunes come every day, and one when they have stopped for two', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 400 }),
        fc.integer({ min: 0, max: 86_399 }),
        (days, second) => {
          // Stored just after a prune, it has its default length until the next one, which comes within a day.
          const before = days * DAY_SECONDS - DAY_SECONDS;
          expect(before).toBeGreaterThanOrEqual(leastLockSeconds(days));
          const stopped = days - 2 - second / DAY_SECONDS;
          if (days <= 4) expect(stopped * DAY_SECONDS).toBeLessThan(leastLockSeconds(days) + 1);
        },
      ),
    );
  });
});

describe('content', () => {
  test('that nobody has looked at for 35 days is an alarm', () => {
    const pruned = { prunedAt: AT };
    expect(codes([source({ ...pruned, backups: [backup(90, 34), backup(34)] })])).toEqual([]);
    const { measures, findings } = judged([
      source({ ...pruned, backups: [backup(90, 36), backup(34)] }),
    ]);
    expect(measures.contentAgeSeconds).toBe(36 * DAY_SECONDS);
    expect(findings[0]).toMatchObject({ code: 'content', severity: 'alarm' });
    expect(codes([source({ ...pruned, backups: [backup(36)] })])).toEqual(['content']);
  });

  test('that need not be verified every month has the rest of its time besides, and none before its first look', () => {
    const pruned = { prunedAt: AT };
    const looked = (days: number) => [source({ ...pruned, backups: [backup(400, days)] })];
    expect(codes(looked(36 + 61), 3)).toEqual([]);
    expect(codes(looked(36 + 62), 3)).toEqual(['content']);
    expect(codes(looked(184), 6)).toEqual([]);
    expect(codes(looked(191), 6)).toEqual(['content']);
    expect(codes([source({ ...pruned, backups: [backup(36)] })], 6)).toEqual(['content']);
    const { measures, findings } = judged(looked(100), 3);
    expect(measures.contentAgeSeconds).toBe(38 * DAY_SECONDS);
    expect(findings[0]?.detail).toContain('not verified for 100 days');
    expect(findings[0]?.detail).toContain('every 3 months');
  });

  test('is due again after so many looks of a month, whatever the lengths of the months, and not twice by one look', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(1, 3, 6),
        fc.integer({ min: 0, max: 60 }),
        fc.integer({ min: 0, max: 23 * 60 }),
        (contentMonths, month, lateMinutes) => {
          const look = (later: number) => new Date(Date.UTC(2026, month + later, 1, 4, 30));
          // It was looked at by the run that began then, or by one that was made up for.
          const last = look(0).getTime() + lateMinutes * 60_000;
          const isDue = (at: Date) => last < contentDueBefore(at, contentMonths).getTime();
          for (let later = 0; later < contentMonths; later++)
            expect(isDue(look(later))).toBe(false);
          expect(isDue(look(contentMonths))).toBe(true);
        },
      ),
    );
  });

  test('counts what was found damaged as looked at, and nothing else but content', () => {
    const looked = (level: string, verdict: string) => {
      const evidence = [{ verb: 'verify', level, verdict, at: daysAgo(1) }];
      return source({ prunedAt: AT, backups: [{ ...backup(40), evidence } as BackupSeen] });
    };
    expect(codes([looked('content', 'damaged')])).toEqual([]);
    expect(codes([looked('content', 'inconclusive')])).toEqual(['content']);
    expect(codes([looked('digest', 'proven')])).toEqual(['content']);
  });

  test('of what nobody trusts does not count', () => {
    const untrusted = { ...backup(90), isTrusted: false };
    expect(codes([source({ prunedAt: AT, backups: [untrusted] })])).toEqual([]);
  });
});
