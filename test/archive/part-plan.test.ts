// Where parts begin: by the entries alone, never too many, and moved by a change no further than to the next cut.
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { PARTING, PartPlanner, type PartPlan } from '../../lib/archive/write/part-plan.ts';
import type { PartClass } from '../../lib/format/manifest.ts';
import type { Entry } from '../../lib/format/tar.ts';

const MIB = 1 << 20;

interface Planned {
  readonly path: string;
  readonly size: number;
}

function planOf(files: readonly Planned[], kept?: number): PartPlan {
  const planner = new PartPlanner(PARTING);
  const ends = new Map<PartClass, number>();
  for (const { path, size } of files) {
    const own = size >= PARTING.largeBytes ? 'large' : 'small';
    const at = ends.get(own) ?? 0;
    ends.set(own, at + 1);
    planner.add(own, { ...ENTRY, path, size }, at);
  }
  return planner.finish((own) => ends.get(own) ?? 0, kept);
}

const ENTRY: Omit<Entry, 'path' | 'size'> = {
  ...{ type: 'file' as const, mode: 0o644, uid: 0, gid: 0, holes: false },
  ...{ mtimeMicroseconds: undefined, linkTarget: undefined },
};

const site = (count: number, size: number): Planned[] =>
  Array.from({ length: count }, (_, i) => ({ path: `f${String(i).padStart(7, '0')}`, size }));

const sizes = fc.oneof(fc.nat(50_000), fc.integer({ min: MIB, max: 40 * MIB }));
const files = fc
  .uniqueArray(fc.tuple(fc.stringMatching(/^[a-z]{1,8}$/), sizes), {
    selector: ([path]) => path,
    minLength: 2,
    maxLength: 200,
  })
  .map((found) =>
    found.map(([path, size]) => ({ path, size })).sort((a, b) => (a.path < b.path ? -1 : 1)),
  );

describe('the plan of the parts', () => {
  test('has every entry in one part, in order, and no more than 48 of them', () => {
    fc.assert(
      fc.property(files, (found) => {
        const { parts } = planOf(found);
        expect(parts.length).toBeLessThanOrEqual(48);
        for (const own of ['large', 'small'] as const) {
          const paths = found.filter(({ size }) => size >= MIB === (own === 'large'));
          const mine = parts.filter((part) => part.class === own);
          expect(mine.map(({ from }) => from)).toEqual([
            ...(mine.length > 0 ? [0] : []),
            ...mine.slice(0, -1).map(({ to }) => to),
          ]);
          expect(mine.map(({ from }) => paths[from]?.path)).toEqual(
            mine.map(({ firstPath }) => firstPath),
          );
          expect(mine.at(-1)?.to ?? 0).toBe(paths.length);
          expect(mine.map(({ entries }) => entries)).toEqual(mine.map(({ from, to }) => to - from));
        }
        const contentBytes = found.reduce((sum, { size }) => sum + size, 0);
        expect(parts.reduce((sum, one) => sum + one.contentBytes, 0)).toBe(contentBytes);
      }),
    );
  });

  test('changes in one part and the one before it when an entry comes or goes', () => {
    fc.assert(
      fc.property(files, fc.nat(), (found, which) => {
        const all = planOf(found);
        const without = found.toSpliced(which % found.length, 1);
        const less = planOf(without, all.partBytes);
        fc.pre(less.partBytes === all.partBytes);
        const namesOf = ({ parts }: PartPlan) =>
          parts.map(({ class: own, firstPath, contentBytes, entries }) =>
            [own, firstPath, contentBytes, entries].join(' '),
          );
        const before = new Set(namesOf(all));
        const moved = namesOf(less).filter((name) => !before.has(name));
        expect(moved.length).toBeLessThanOrEqual(1);
      }),
    );
  });

  test('cuts at the smallest power of two that is a 40th of the whole', () => {
    expect(planOf(site(150, MIB)).partBytes).toBe(4 * MIB);
    expect(planOf(site(161, MIB)).partBytes).toBe(8 * MIB);
    expect(planOf(site(1000, MIB)).partBytes).toBe(32 * MIB);
    expect(planOf(site(20_000, MIB)).partBytes).toBe(512 * MIB);
  });

  test('cuts at more where headers alone would make too many parts', () => {
    const { partBytes, parts } = planOf(site(400_000, 500));
    expect(partBytes).toBe(16 * MIB);
    expect(parts.length).toBeGreaterThan(12);
    expect(parts.length).toBeLessThanOrEqual(48);
  });

  test('cuts where the run before did, as long as that gives neither too few nor too many', () => {
    const found = site(1000, MIB);
    for (const kept of [32, 64, 128]) expect(planOf(found, kept * MIB).partBytes).toBe(kept * MIB);
    for (const kept of [4, 8, 1024, 33]) expect(planOf(found, kept * MIB).partBytes).toBe(32 * MIB);
  });
});
