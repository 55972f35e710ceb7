// Letting go: what a prune keeps and why, what it leaves alone, and that nothing goes without a record.
import { describe, expect, test } from '@jest/globals';
import { resolveBackup } from '../../lib/engine/catalog/backups.ts';
import { pinBackup, unpinBackup } from '../../lib/engine/pin.ts';
import { pruneSource } from '../../lib/engine/prune.ts';
import { readRecords } from '../../lib/engine/catalog/records.ts';
import { verifyBackup } from '../../lib/engine/verify.ts';
import { measure } from '../../lib/engine/measure.ts';
import { backupId } from '../../lib/format/ids.ts';
import { plant, Scratch } from '../support/archives.ts';
import {
  backUpNow,
  Clock,
  ClockedStore,
  codeOf,
  contents,
  DAILY,
  DAY_MS,
  engineOn,
  folderSource,
  keysOf,
  listed,
  makeGood,
  unsound,
} from '../support/engine.ts';

function setUp() {
  const scratch = new Scratch();
  plant(scratch.at('site'), { 'a.txt': 'a' });
  const clock = new Clock();
  const store = new ClockedStore(clock);
  return {
    clock,
    store,
    engine: engineOn(store, clock),
    source: folderSource(scratch.at('site')),
    [Symbol.dispose]: () => scratch[Symbol.dispose](),
  };
}

type Setting = ReturnType<typeof setUp>;

/** One good backup a day; their ids. */
async function goodDays({ engine, source, clock }: Setting, days: number): Promise<string[]> {
  const ids: string[] = [];
  for (let day = 0; day < days; day++) {
    ids.push((await makeGood(engine, source)).id);
    clock.advance(DAY_MS);
  }
  return ids;
}

const idsIn = async ({ store }: Setting) => (await listed(store)).map(({ id }) => id);

/** As `rm -r` does; what was there. */
function deleteBackup({ objects }: Setting['store'], id: string) {
  const gone = [...objects].filter(([key]) => key.startsWith(`backups/site/${id}/`));
  for (const [key] of gone) objects.delete(key);
  return gone;
}

describe('a prune', () => {
  test('keeps a week of days, gives every reason, and records what it kept and released', async () => {
    using setting = setUp();
    const ids = await goodDays(setting, 12);
    const result = await pruneSource(setting.engine, 'site', DAILY);
    expect(result.held).toBeUndefined();
    for (const { reasons } of result.keep) expect(reasons.length).toBeGreaterThan(0);
    expect(result.release.map(({ reason }) => reason)).toEqual(['unwanted', 'unwanted']);
    const released = result.release.map(({ id }) => id);
    expect(await idsIn(setting)).toEqual(ids.filter((id) => !released.includes(id)));
    const [entry] = await readRecords(setting.engine, 'prune', 'site', { onProblem: fail });
    expect(entry?.record.facts).toMatchObject({
      kept: result.keep.map(({ id, reasons }) => ({ id, reasons })),
      released: released.map((id) => ({ id, reason: 'unwanted' })),
    });
    expect(await unsound(setting.store)).toEqual([]);
  });

  test('releases every object of a backup, and no other', async () => {
    using setting = setUp();
    await goodDays(setting, 12);
    const before = await contents(setting.store);
    const { release } = await pruneSource(setting.engine, 'site', DAILY);
    const after = await contents(setting.store);
    const gone = [...before.keys()].filter((key) => !after.has(key));
    expect(gone).toHaveLength(3 * release.length);
    for (const key of gone) expect(release.map(({ id }) => id)).toContain(key.split('/')[2]);
    for (const [key, digest] of after) if (before.has(key)) expect(digest).toBe(before.get(key));
  });

  test('changes nothing when it is only asked what it would do', async () => {
    using setting = setUp();
    await goodDays(setting, 12);
    const before = await contents(setting.store);
    const would = await pruneSource(setting.engine, 'site', { ...DAILY, dryRun: true });
    expect(await contents(setting.store)).toEqual(before);
    const does = await pruneSource(setting.engine, 'site', DAILY);
    expect(does.release).toEqual(would.release);
  });

  test('run twice releases no more', async () => {
    using setting = setUp();
    await goodDays(setting, 9);
    await pruneSource(setting.engine, 'site', DAILY);
    const before = await contents(setting.store, 'backups/');
    const again = await pruneSource(setting.engine, 'site', DAILY);
    expect(again.release).toEqual([]);
    expect(await contents(setting.store, 'backups/')).toEqual(before);
  });

  test('keeps what is pinned, until it is unpinned', async () => {
    using setting = setUp();
    const [, pinned = ''] = await goodDays(setting, 12);
    const backup = { source: 'site', id: pinned };
    await pinBackup(setting.engine, backup, 'before the relaunch');
    await pinBackup(setting.engine, backup, 'and again');
    const { keep } = await pruneSource(setting.engine, 'site', DAILY);
    expect(keep.find(({ id }) => id === pinned)?.reasons.join()).toContain('pinned');
    expect(await unpinBackup(setting.engine, backup)).toEqual({ unpinned: 2 });
    expect(await unpinBackup(setting.engine, backup)).toEqual({ unpinned: 0 });
    await pruneSource(setting.engine, 'site', DAILY);
    expect(await idsIn(setting)).not.toContain(pinned);
  });

  test('keeps what is pinned when the record of the pin is damaged', async () => {
    using setting = setUp();
    const [, pinned = ''] = await goodDays(setting, 12);
    await pinBackup(setting.engine, { source: 'site', id: pinned }, '');
    const [key = ''] = await keysOf(setting.store, 'records/pin/');
    setting.store.objects.set(key, {
      bytes: new Uint8Array(100),
      storedAt: new Date(setting.clock.ms),
    });
    const { problems } = await pruneSource(setting.engine, 'site', DAILY);
    expect(problems).toContainEqual(expect.objectContaining({ path: key, code: 'unreadable' }));
    expect(await idsIn(setting)).toContain(pinned);
  });

  test('holds everything when nothing was good for three days', async () => {
    using setting = setUp();
    await goodDays(setting, 12);
    setting.clock.advance(3 * DAY_MS);
    for (let day = 0; day < 20; day++) {
      await backUpNow(setting.engine, setting.source);
      setting.clock.advance(DAY_MS);
    }
    const before = await idsIn(setting);
    const { held, release } = await pruneSource(setting.engine, 'site', DAILY);
    expect(held).toContain('the newest good backup');
    expect(release).toEqual([]);
    expect(await idsIn(setting)).toEqual(before);
  });

  test('counts no backup that was never proven, is partial or damaged, and lets it go after 14 days', async () => {
    using setting = setUp();
    const { engine, source, store } = setting;
    const unproven = await backUpNow(engine, source);
    const partial = await backUpNow(
      engine,
      folderSource('/etc', { include: ['hostname', 'gone'] }),
    );
    await verifyBackup(engine, partial, 'digest');
    const broken = await makeGood(engine, source);
    store.objects.delete(broken.manifest.artifacts[0]?.key ?? '');
    const bad = [unproven, partial, broken].map(({ id }) => id);
    await goodDays(setting, 5);
    const early = await pruneSource(engine, 'site', DAILY);
    expect(early.release).toEqual([]);
    expect(
      early.keep
        .filter(({ id }) => bad.includes(id))
        .map(({ standing }) => standing)
        .sort(),
    ).toEqual(['damaged', 'partial', 'unproven']);
    await goodDays(setting, 11);
    for (let run = 0; run < 3; run++) await pruneSource(engine, 'site', DAILY);
    expect(await idsIn(setting)).not.toEqual(expect.arrayContaining(bad));
  });

  test('leaves alone, and reports, what claims to be from the future', async () => {
    using setting = setUp();
    const at = new Date(setting.clock.ms + 400 * DAY_MS);
    const { id } = await backUpNow(setting.engine, setting.source, { at });
    await verifyBackup(setting.engine, { source: 'site', id }, 'digest');
    const ids = await goodDays(setting, 12);
    const { problems, release, keep } = await pruneSource(setting.engine, 'site', DAILY);
    expect(problems).toMatchObject([{ path: `site/${id}`, code: 'future' }]);
    expect([...release, ...keep].map((one) => one.id)).not.toContain(id);
    expect(release).toHaveLength(2);
    expect(await idsIn(setting)).toContain(id);
    // Nor is it what anybody means by the latest.
    expect(await resolveBackup(setting.engine, 'site/latest')).toMatchObject({ id: ids.at(-1) });
    expect(await resolveBackup(setting.engine, `site/${id}`)).toMatchObject({ id });
  });

  test('lets nothing go when this clock has jumped', async () => {
    using setting = setUp();
    await goodDays(setting, 12);
    const before = await contents(setting.store, 'backups/');
    for (const years of [-1, 10]) {
      const clock = new Clock(new Date(setting.clock.ms + years * 365 * DAY_MS));
      const engine = engineOn(setting.store, clock);
      expect(await codeOf(pruneSource(engine, 'site', DAILY))).toBe('CLOCK_SKEW');
      // Nor when the store's clock has jumped with it.
      const store = setting.store.copy(clock);
      const both = engineOn(store, clock);
      expect((await pruneSource(both, 'site', DAILY)).release).toEqual([]);
      expect(await contents(store, 'backups/')).toEqual(before);
    }
    expect(await contents(setting.store, 'backups/')).toEqual(before);
  });

  test('says so when a backup is gone that a prune kept, until somebody accepts the loss', async () => {
    using setting = setUp();
    const { engine, store, clock } = setting;
    const [first = '', second = '', third = ''] = await goodDays(setting, 3);
    await pruneSource(engine, 'site', DAILY);
    deleteBackup(store, first);
    deleteBackup(store, second);
    const gone = [first, second].map((id) => ({ path: `site/${id}`, code: 'missing' }));
    for (let run = 0; run < 2; run++) {
      clock.advance(DAY_MS);
      const { problems, missing } = await pruneSource(engine, 'site', DAILY);
      expect(problems).toMatchObject(gone);
      expect(missing).toEqual([first, second]);
    }
    clock.advance(DAY_MS);
    const accept = (ids: string[]) => pruneSource(engine, 'site', { ...DAILY, acceptMissing: ids });
    expect(await codeOf(accept([third]))).toBe('USAGE');
    expect(await accept([first])).toMatchObject({ missing: [second], accepted: [first] });
    clock.advance(DAY_MS);
    expect(await pruneSource(engine, 'site', DAILY)).toMatchObject({ missing: [second] });
    const records = await readRecords(engine, 'prune', 'site', { onProblem: fail });
    expect(records.map(({ record }) => record.facts['accepted'])).toContainEqual([{ id: first }]);
  });

  test('reports a backup no more that was put back', async () => {
    using setting = setUp();
    const { engine, store, clock } = setting;
    const [first = ''] = await goodDays(setting, 3);
    await pruneSource(engine, 'site', DAILY);
    const put = deleteBackup(store, first);
    expect(await pruneSource(engine, 'site', DAILY)).toMatchObject({ missing: [first] });
    for (const [key, object] of put) store.objects.set(key, object);
    clock.advance(DAY_MS);
    const { missing, keep } = await pruneSource(engine, 'site', DAILY);
    expect(missing).toEqual([]);
    expect(keep.map(({ id }) => id)).toContain(first);
  });

  test('says so when a backup is gone that was proven and that no prune has seen', async () => {
    using setting = setUp();
    const { engine, store, source, clock } = setting;
    await goodDays(setting, 20);
    await pruneSource(engine, 'site', DAILY);
    clock.advance(DAY_MS);
    const { id } = await makeGood(engine, source);
    deleteBackup(store, id);
    const measured = await measure(engine, { objectives: new Map(), capacityBytes: undefined });
    expect(measured.facts.sources).toMatchObject([{ missing: [{ path: `site/${id}` }] }]);
    expect(await pruneSource(engine, 'site', DAILY)).toMatchObject({ missing: [id] });
  });

  test('leaves artifacts of a run under way, and releases those of a dead one after 14 days', async () => {
    using setting = setUp();
    await goodDays(setting, 3);
    const id = backupId({ kind: 'manual', at: new Date(setting.clock.ms) });
    const key = `backups/site/${id}/archive-0123456789abcdef.tar.gz`;
    await setting.store.put(key, Buffer.from('half of an archive'));
    setting.clock.advance(13 * DAY_MS);
    expect((await pruneSource(setting.engine, 'site', DAILY)).orphans).toMatchObject([
      { id, released: false },
    ]);
    expect(await keysOf(setting.store, key)).toEqual([key]);
    setting.clock.advance(1.1 * DAY_MS);
    expect((await pruneSource(setting.engine, 'site', DAILY)).orphans).toMatchObject([
      { id, released: true },
    ]);
    expect(await keysOf(setting.store, key)).toEqual([]);
  });

  test('refuses the store of another system, and one that it cannot sign a record for', async () => {
    using setting = setUp();
    await goodDays(setting, 12);
    const before = await contents(setting.store);
    const other = engineOn(setting.store, setting.clock, { system: 'another' });
    expect(await codeOf(pruneSource(other, 'site', DAILY))).toBe('STORE_CONFLICT');
    const nobody = engineOn(setting.store, setting.clock, { signer: undefined });
    expect(await codeOf(pruneSource(nobody, 'site', DAILY))).toBe('UNTRUSTED');
    expect(await contents(setting.store)).toEqual(before);
  });
});

function fail(): never {
  throw new Error('a record cannot be read');
}
