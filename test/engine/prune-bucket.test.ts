// Pruning a store that deletes late, as a bucket does: what is kept is locked first, and what was released counts for nothing.
import { describe, expect, test } from '@jest/globals';
import { pruneSource } from '../../lib/engine/prune.ts';
import { HoldfastError } from '../../lib/errors.ts';
import { plant, Scratch } from '../support/archives.ts';
import {
  Clock,
  ClockedStore,
  codeOf,
  DAILY,
  DAY_MS,
  engineOn,
  folderSource,
  keysOf,
  makeGood,
} from '../support/engine.ts';

/** Releases by marking, and locks by a time that cannot be moved back. */
class LateStore extends ClockedStore {
  readonly released = new Set<string>();
  /** In which order things were asked of it. */
  readonly acts: string[] = [];
  refuseLocks = false;

  override async put(...args: Parameters<ClockedStore['put']>) {
    this.acts.push(`put ${args[0].split('/')[1] ?? ''}`);
    return super.put(...args);
  }

  override async protect(key: string, until: Date): Promise<void> {
    this.acts.push('protect');
    if (this.refuseLocks) throw new HoldfastError('STORE_DENIED', 'no right to lock');
    if (!this.objects.has(key)) throw new HoldfastError('BACKUP_NOT_FOUND', key);
    await super.protect(key, until);
  }

  override release(key: string): Promise<void> {
    this.acts.push('release');
    if (this.objects.has(key)) this.released.add(key);
    return Promise.resolve();
  }

  /** The lifecycle comes to what was released. */
  expire(): void {
    for (const key of this.released) this.objects.delete(key);
  }
}

function setUp() {
  const scratch = new Scratch();
  plant(scratch.at('site'), { 'a.txt': 'a' });
  const clock = new Clock();
  const store = new LateStore(clock);
  return {
    clock,
    store,
    engine: engineOn(store, clock),
    source: folderSource(scratch.at('site')),
    [Symbol.dispose]: () => scratch[Symbol.dispose](),
  };
}

type Setting = ReturnType<typeof setUp>;

async function goodDays({ engine, source, clock }: Setting, days: number): Promise<string[]> {
  const ids: string[] = [];
  for (let day = 0; day < days; day++) {
    ids.push((await makeGood(engine, source)).id);
    clock.advance(DAY_MS);
  }
  return ids;
}

const LOCKED = { ...DAILY, lockDays: 14 };

describe('a prune of a store that deletes late', () => {
  test('locks all that is kept, then records, then releases', async () => {
    using setting = setUp();
    const { store, clock, engine } = setting;
    await goodDays(setting, 12);
    store.acts.length = 0;
    const now = clock.ms;
    const { keep, release } = await pruneSource(engine, 'site', LOCKED);
    expect([...new Set(store.acts)]).toEqual(['protect', 'put prune', 'release']);
    const kept = keep.flatMap(({ id }) =>
      [...store.objects.keys()].filter((key) => key.includes(`/${id}/`)),
    );
    expect([...store.protectedUntil.keys()].sort()).toEqual(kept.sort());
    for (const until of store.protectedUntil.values()) {
      expect(until.getTime()).toBeGreaterThanOrEqual(now + 14 * DAY_MS);
      expect(until.getTime()).toBeLessThanOrEqual(now + 15 * DAY_MS);
    }
    expect(store.released.size).toBe(3 * release.length);
    for (const key of store.released) expect(store.protectedUntil.has(key)).toBe(false);
  });

  test('locks nothing where no lock is asked for', async () => {
    using setting = setUp();
    await goodDays(setting, 12);
    await pruneSource(setting.engine, 'site', DAILY);
    expect(setting.store.acts).not.toContain('protect');
  });

  test('that may not lock leaves no record, and releases nothing', async () => {
    using setting = setUp();
    await goodDays(setting, 12);
    setting.store.refuseLocks = true;
    expect(await codeOf(pruneSource(setting.engine, 'site', LOCKED))).toBe('STORE_DENIED');
    expect(setting.store.released.size).toBe(0);
    expect(await keysOf(setting.store, 'records/prune/')).toEqual([]);
  });

  test('protects the others when one lacks an object', async () => {
    using setting = setUp();
    const ids = await goodDays(setting, 5);
    const [first = ''] = await keysOf(setting.store, `backups/site/${ids[4] ?? ''}/archive`);
    setting.store.objects.delete(first);
    await pruneSource(setting.engine, 'site', LOCKED);
    expect(setting.store.protectedUntil.size).toBe(5 * 3 - 1);
  });

  test('releases each only once, and no more than a run may, until all that nothing wants is gone', async () => {
    using setting = setUp();
    const { engine, store, clock } = setting;
    const ids = await goodDays(setting, 20);
    const gone: string[] = [];
    for (let day = 0; day < 10; day++) {
      const present = ids.length - gone.length;
      const { keep, release } = await pruneSource(engine, 'site', LOCKED);
      expect(release.length).toBeLessThanOrEqual(Math.max(1, Math.floor(present / 5)));
      for (const { id } of release) expect(gone).not.toContain(id);
      gone.push(...release.map(({ id }) => id));
      for (const { id } of keep) expect(gone).not.toContain(id);
      clock.advance(1000);
    }
    expect(await keysOf(store, 'backups/')).toHaveLength(3 * ids.length);
    const before = await pruneSource(engine, 'site', { ...LOCKED, dryRun: true });
    store.expire();
    const after = await pruneSource(engine, 'site', { ...LOCKED, dryRun: true });
    expect(after.keep).toEqual(before.keep);
    expect(after.problems).toEqual([]);
  });

  test('releases again what a run that was killed did not come to', async () => {
    using setting = setUp();
    await goodDays(setting, 12);
    const { release } = await pruneSource(setting.engine, 'site', LOCKED);
    expect(release.length).toBeGreaterThan(0);
    const before = new Set(setting.store.released);
    setting.store.released.clear();
    await pruneSource(setting.engine, 'site', LOCKED);
    for (const key of before) expect(setting.store.released).toContain(key);
  });

  test('keeps what was released and is wanted again because others are damaged, and says so', async () => {
    using setting = setUp();
    const { engine, store } = setting;
    const ids = await goodDays(setting, 12);
    const released = (await pruneSource(engine, 'site', LOCKED)).release[0]?.id ?? '';
    expect(ids).toContain(released);
    for (const id of ids.filter((one) => one !== released && one !== ids.at(-1))) {
      for (const key of await keysOf(store, `backups/site/${id}/archive`)) {
        const object = store.objects.get(key);
        if (object !== undefined) object.bytes = object.bytes.slice(1);
      }
    }
    const { keep, problems } = await pruneSource(engine, 'site', LOCKED);
    expect(keep.map(({ id }) => id)).toContain(released);
    expect(problems).toContainEqual(
      expect.objectContaining({ code: 'released-but-wanted', path: `site/${released}` }),
    );
  });
});
