// A prune marks what is kept for long, where that saves money: old artifacts that are large enough, and nothing that is read or goes soon.
import { beforeAll, describe, expect, test } from '@jest/globals';
import { pinBackup } from '../../lib/engine/pin.ts';
import { pruneSource, type PruneOptions } from '../../lib/engine/prune.ts';
import { noise, plant, Scratch } from '../support/archives.ts';
import {
  Clock,
  ClockedStore,
  DAILY,
  DAY_MS,
  engineOn,
  folderSource,
  makeGood,
} from '../support/engine.ts';
import type { MemoryObject } from '../support/memory-store.ts';

/** A store that has a place for what is kept for long. */
class TwoClasses extends ClockedStore {
  readonly marked: string[] = [];
  readonly acts: string[] = [];

  override async put(...args: Parameters<ClockedStore['put']>) {
    this.acts.push(`put ${args[0].split('/')[1] ?? ''}`);
    return super.put(...args);
  }

  override release(key: string): Promise<void> {
    this.acts.push('release');
    return super.release(key);
  }

  markLongKept(key: string): Promise<void> {
    this.acts.push('mark');
    this.marked.push(key);
    return Promise.resolve();
  }
}

/** What a move costs once is earned by a megabyte or more, unless it stays for a very short time. */
const LARGE = 4_000_000;
const MONTHS_14 = Array.from({ length: 14 }, (_, month) => new Date(Date.UTC(2041, month, 10, 3)));
const POLICY = { ...DAILY.policy, daily: 2, weekly: 2, monthly: 12 };
const QUARTER: PruneOptions = {
  ...DAILY,
  policy: POLICY,
  intervalMs: undefined,
  moving: { contentMonths: 3, undoDays: 14 },
};

interface History {
  readonly objects: ReadonlyMap<string, MemoryObject>;
  readonly ids: readonly string[];
  readonly endMs: number;
}

/** Backups of the tenth of each month, and of the four days after the last of them. */
async function history(bytes: number): Promise<History> {
  using scratch = new Scratch();
  plant(scratch.at('site'), { 'a.bin': noise(bytes, 1) });
  const clock = new Clock(MONTHS_14[0]);
  const store = new TwoClasses(clock);
  const engine = engineOn(store, clock);
  const ids: string[] = [];
  const days = [1, 2, 3, 4].map((day) => new Date(Number(MONTHS_14.at(-1)) + day * DAY_MS));
  for (const time of [...MONTHS_14, ...days]) {
    clock.ms = time.getTime();
    ids.push((await makeGood(engine, folderSource(scratch.at('site')))).id);
  }
  return { objects: store.objects, ids, endMs: clock.ms };
}

let large: History;
beforeAll(async () => {
  large = await history(LARGE);
});

/** A store of its own with what `history` left. */
function setUp({ objects, ids, endMs }: History) {
  const clock = new Clock(new Date(endMs));
  const store = new TwoClasses(clock);
  for (const [key, object] of objects) store.objects.set(key, object);
  return { store, clock, engine: engineOn(store, clock), ids };
}

const idsOf = (keys: readonly string[]) => [...new Set(keys.map((key) => key.split('/')[2] ?? ''))];

describe('a prune with a place for what is kept for long', () => {
  test('marks the archives of what nothing but its month keeps, last of all it does', async () => {
    const setting = setUp(large);
    const { store, engine, ids } = setting;
    store.acts.length = 0;
    const { longKept = [], keep, release } = await pruneSource(engine, 'site', QUARTER);
    expect([...new Set(store.acts)]).toEqual(['put prune', 'release', 'mark']);
    for (const key of store.marked) expect(key).toMatch(/\/archive-[^/]*$/);
    expect(idsOf(store.marked).sort()).toEqual([...longKept].sort());
    const reasons = new Map(keep.map((one) => [one.id, one.reasons]));
    for (const id of longKept) {
      expect(reasons.get(id)).toEqual([expect.stringMatching(/^monthly /)]);
      expect(ids.slice(-4)).not.toContain(id);
    }
    // Of twelve months the newest has other reasons, and the oldest go before a move has paid.
    expect(longKept.length).toBeGreaterThanOrEqual(7);
    expect(longKept.length).toBeLessThanOrEqual(9);
    const oldest = keep.map((one) => one.id).sort()[0];
    expect(longKept).not.toContain(oldest);
    for (const { id } of release) expect(longKept).not.toContain(id);
  });

  test('marks nothing that is read every month', async () => {
    const setting = setUp(large);
    const monthly = { ...QUARTER, moving: { contentMonths: 1, undoDays: 14 } };
    expect((await pruneSource(setting.engine, 'site', monthly)).longKept).toEqual([]);
    expect(
      await pruneSource(setting.engine, 'site', { ...QUARTER, moving: undefined }),
    ).not.toHaveProperty('longKept');
    expect(setting.store.marked).toEqual([]);
  });

  test('marks no artifact for which S3 would charge as for a larger one', async () => {
    const setting = setUp(await history(100_000));
    await pruneSource(setting.engine, 'site', QUARTER);
    expect(setting.store.marked).toEqual([]);
  });

  test('marks what a pin keeps', async () => {
    const setting = setUp(large);
    const { store, engine, ids } = setting;
    const [first = ''] = ids;
    await pinBackup(engine, { source: 'site', id: first }, 'before the move');
    const { longKept } = await pruneSource(engine, 'site', QUARTER);
    expect(longKept).toContain(first);
    expect(idsOf(store.marked)).toContain(first);
  });

  test('marks nothing in a dry run, nor while something is in doubt', async () => {
    const setting = setUp(large);
    const { longKept = [] } = await pruneSource(setting.engine, 'site', {
      ...QUARTER,
      dryRun: true,
    });
    expect(longKept.length).toBeGreaterThan(0);
    setting.clock.advance(40 * DAY_MS);
    const late = { ...QUARTER, intervalMs: DAY_MS };
    const held = await pruneSource(setting.engine, 'site', late);
    expect(held.held).toBeDefined();
    expect(held.longKept).toEqual([]);
    expect(setting.store.marked).toEqual([]);
  });
});
