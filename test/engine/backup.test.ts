// Backing up: what a run commits, what a repeated or failing one leaves, and what it takes over from the run before.
import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { readManifest } from '../../lib/engine/catalog/backups.ts';
import { pruneSource } from '../../lib/engine/prune.ts';
import { readRecords } from '../../lib/engine/catalog/records.ts';
import { restoreTest } from '../../lib/engine/restore-test.ts';
import { verifyBackup } from '../../lib/engine/verify.ts';
import { HoldfastError } from '../../lib/errors.ts';
import { backupId } from '../../lib/format/ids.ts';
import { manifestKey } from '../../lib/format/layout.ts';
import { artifactOf } from '../../lib/format/manifest.ts';
import { openLocalStore } from '../../lib/stores/folder/store.ts';
import { Scratch } from '../support/archives.ts';
import {
  backUpNow,
  Clock,
  ClockedStore,
  codeOf,
  contents,
  DAILY,
  DAY_MS,
  engineOn,
  EPOCH,
  folderSource,
  keysOf,
  listed,
  makeGood,
  unsound,
} from '../support/engine.ts';
import { faultyStore } from '../support/faulty-store.ts';
import { machineTime } from '../support/machine-time.ts';
import { changeSite, plantSite } from '../support/small-site.ts';

function setUp() {
  const scratch = new Scratch();
  const root = scratch.at('site');
  plantSite(root);
  const clock = new Clock();
  const store = new ClockedStore(clock);
  return {
    root,
    clock,
    store,
    engine: engineOn(store, clock),
    source: folderSource(root),
    [Symbol.dispose]: () => scratch[Symbol.dispose](),
  };
}

const failures = async (engine: ReturnType<typeof setUp>['engine'], source = 'site') => {
  const all = await readRecords(engine, 'backup', source, {
    onProblem: ({ detail }) => {
      throw new Error(detail);
    },
  });
  return all.filter(({ record }) => record.verdict !== 'begun');
};

describe('a backup', () => {
  test('is listed, complete, and verifies in every byte', async () => {
    using site = setUp();
    const made = await backUpNow(site.engine, site.source);
    expect(made).toMatchObject({ outcome: 'made', predecessor: undefined });
    expect(made.manifest).toMatchObject({ status: 'complete', problems: [], source: 'site' });
    expect(made.manifest.totals.files).toBe(9);
    expect((await listed(site.store)).map(({ id }) => id)).toEqual([made.id]);
    expect(await unsound(site.store)).toEqual([]);
  });

  test('stores its manifest after everything else, and is not listed before', async () => {
    using site = setUp();
    const seen: string[] = [];
    const put = site.store.put.bind(site.store);
    site.store.put = async (key, body, options) => {
      if (key.startsWith('backups/')) expect(await listed(site.store)).toEqual([]);
      const object = await put(key, body, options);
      seen.push(key);
      return object;
    };
    const { manifest } = await backUpNow(site.engine, site.source);
    expect(seen.at(-1)).toBe(manifest.key);
    expect(seen.slice(0, -1)).toEqual(
      expect.arrayContaining(manifest.artifacts.map(({ key }) => key)),
    );
  });

  test('of the same trigger is made once; later ones find it there and store nothing', async () => {
    using site = setUp();
    const first = await backUpNow(site.engine, site.source, { at: EPOCH, kind: 'schedule' });
    const before = await contents(site.store);
    changeSite(site.root);
    site.clock.advance(DAY_MS);
    const second = await backUpNow(site.engine, site.source, { at: EPOCH, kind: 'schedule' });
    expect(second).toMatchObject({ outcome: 'already', id: first.id, manifest: first.manifest });
    expect(await contents(site.store)).toEqual(before);
  });

  test('of one trigger, run twenty times at once, is made once, and nineteen find it there', async () => {
    using site = setUp();
    const runs = Array.from({ length: 20 }, () =>
      backUpNow(engineOn(site.store, site.clock), site.source, { at: EPOCH, kind: 'deploy' }),
    );
    const outcomes = (await Promise.all(runs)).map(({ outcome }) => outcome);
    expect(outcomes.filter((one) => one === 'made')).toHaveLength(1);
    expect(await listed(site.store)).toHaveLength(1);
    expect(await failures(site.engine)).toEqual([]);
    expect(await unsound(site.store)).toEqual([]);
  });

  test('takes over what did not change, byte for byte', async () => {
    using site = setUp();
    const first = await makeGood(site.engine, site.source);
    const second = await makeGood(site.engine, site.source);
    expect(second.predecessor).toBe(first.id);
    expect(second.manifest.totals.readBytes).toBe(0);
    const archives = [first, second].map(({ manifest }) => artifactOf(manifest, 'archive'));
    expect(archives[1]?.key).not.toBe(archives[0]?.key);
    expect(archives[1]?.sha256).toBe(archives[0]?.sha256);
    expect(await unsound(site.store)).toEqual([]);
  });

  test('reads everything when it is asked to, or when the last full run is 31 days past', async () => {
    using site = setUp();
    const first = await makeGood(site.engine, site.source);
    const full = await backUpNow(site.engine, site.source, { full: true });
    expect(full.manifest.totals.readBytes).toBe(first.manifest.totals.contentBytes);
    expect(full.manifest.fullAt).toBe(full.manifest.begin);
    const next = await makeGood(site.engine, site.source);
    expect(next.manifest.fullAt).toBe(full.manifest.begin);
    site.clock.advance(31 * DAY_MS);
    const due = await backUpNow(site.engine, site.source);
    expect(due.manifest.totals.readBytes).toBe(first.manifest.totals.contentBytes);
  });

  test('notes that a source lost most of its content', async () => {
    using site = setUp();
    fs.writeFileSync(`${site.root}/large.bin`, Buffer.alloc(3_000_000, 'x'));
    await makeGood(site.engine, site.source);
    fs.rmSync(`${site.root}/large.bin`);
    const { manifest } = await backUpNow(site.engine, site.source);
    expect(manifest.status).toBe('complete');
    expect(manifest.problems).toMatchObject([{ code: 'anomaly-dropped', tolerated: true }]);
  });
});

describe('two runs of one trigger', () => {
  test('of which one sleeps before its manifest, while the other and a prune pass, give one whole backup', async () => {
    using site = setUp();
    await makeGood(site.engine, site.source);
    site.clock.advance(DAY_MS);
    const at = new Date(site.clock.ms);
    const id = backupId({ kind: 'schedule', at });
    const asleep = Promise.withResolvers<undefined>();
    const awake = Promise.withResolvers<undefined>();
    const put = site.store.put.bind(site.store);
    let commits = 0;
    site.store.put = async (key, body, options) => {
      if (key === manifestKey('site', id) && ++commits === 1) {
        asleep.resolve(undefined);
        await awake.promise;
      }
      return put(key, body, options);
    };
    const late = backUpNow(site.engine, site.source, { at, kind: 'schedule' });
    await asleep.promise;
    const other = await backUpNow(site.engine, site.source, { at, kind: 'schedule' });
    expect(other.outcome).toBe('made');
    site.clock.advance(DAY_MS);
    await pruneSource(site.engine, 'site', DAILY);
    awake.resolve(undefined);
    expect(await late).toMatchObject({ outcome: 'already', manifest: other.manifest });
    expect(await listed(site.store)).toHaveLength(2);
    expect(await unsound(site.store)).toEqual([]);
    // What the late one stored is released in time, and nothing else.
    site.clock.advance(15 * DAY_MS);
    const { orphans } = await pruneSource(site.engine, 'site', { ...DAILY, intervalMs: undefined });
    expect(orphans).toMatchObject([{ id, released: true }]);
    expect(await unsound(site.store)).toEqual([]);
  });
});

test('run after run leaves no file open', async () => {
  using site = setUp();
  const folder = new Scratch();
  const store = await openLocalStore(folder.at('store'), { random: randomUUID });
  const clock = new Clock(machineTime());
  const engine = engineOn(store, clock, { scratch: folder.at('scratch') });
  const openFiles = () => fs.readdirSync('/proc/self/fd').length;
  const runOnce = async (turn: number) => {
    fs.writeFileSync(`${site.root}/turn.txt`, String(turn));
    const made = await makeGood(engine, site.source);
    await restoreTest(engine, made);
  };
  await runOnce(0);
  const before = openFiles();
  for (let turn = 1; turn <= 15; turn++) await runOnce(turn);
  // The store keeps the few that it read last open for a moment.
  expect(openFiles()).toBeLessThanOrEqual(before + 8);
  folder[Symbol.dispose]();
});

describe('a source that cannot be read as a whole', () => {
  const vanishing = (site: ReturnType<typeof setUp>, tolerate: string[]) => {
    // A name that the configuration gives and that is not there: the same problem for every user, root included.
    return folderSource(site.root, { include: ['content', 'gone.log'], tolerate });
  };

  test('gives a partial backup that says what is missing', async () => {
    using site = setUp();
    const { manifest } = await backUpNow(site.engine, vanishing(site, []));
    expect(manifest.status).toBe('partial');
    expect(manifest.problems).toMatchObject([{ path: 'gone.log', code: 'vanished' }]);
    expect(await unsound(site.store)).toEqual([]);
  });

  test('gives a complete one when what is missing is tolerated', async () => {
    using site = setUp();
    const { manifest } = await backUpNow(site.engine, vanishing(site, ['*.log']));
    expect(manifest.status).toBe('complete');
    expect(manifest.problems).toMatchObject([{ path: 'gone.log', tolerated: true }]);
  });

  test('fails when it is missing, no folder, or empty, and leaves a record and no backup', async () => {
    using site = setUp();
    fs.mkdirSync(`${site.root}/nothing`);
    for (const below of ['absent', 'index.html', 'nothing']) {
      const source = folderSource(`${site.root}/${below}`);
      expect(await codeOf(backUpNow(site.engine, source))).toBe('SOURCE_UNREADABLE');
    }
    expect(await listed(site.store)).toEqual([]);
    const records = (await failures(site.engine)).map(({ record }) => record);
    expect(records).toHaveLength(3);
    for (const { verdict, problems } of records) {
      expect(verdict).toBe('failed');
      expect(problems[0]?.code).toBe('SOURCE_UNREADABLE');
    }
  });

  test('may be empty when the configuration says so', async () => {
    using site = setUp();
    fs.mkdirSync(`${site.root}/nothing`);
    const source = folderSource(`${site.root}/nothing`, { allowEmpty: true });
    const { manifest } = await backUpNow(site.engine, source);
    expect(manifest).toMatchObject({ status: 'complete', totals: { entries: 0 } });
    expect(await unsound(site.store)).toEqual([]);
  });
});

describe('a clock that cannot be trusted', () => {
  test.each([6, -6])('refuses a run that is %i minutes apart from the store', async (minutes) => {
    using site = setUp();
    const wrong = new Clock(new Date(EPOCH.getTime() + minutes * 60_000));
    expect(await codeOf(backUpNow(engineOn(site.store, wrong), site.source))).toBe('CLOCK_SKEW');
    expect(await listed(site.store)).toEqual([]);
    expect(await keysOf(site.store, 'backups/')).toEqual([]);
  });

  test.each([4, -4])('allows %i minutes', async (minutes) => {
    using site = setUp();
    const near = new Clock(new Date(EPOCH.getTime() + minutes * 60_000));
    expect((await backUpNow(engineOn(site.store, near), site.source)).outcome).toBe('made');
  });

  test.each([6 * 3_600_000, -6 * 3_600_000])(
    'that jumps by %i ms during a run gives one whole backup or none',
    async (jumpMs) => {
      using site = setUp();
      const put = site.store.put.bind(site.store);
      const jumping = new Clock();
      site.store.put = (key, body, options) => {
        if (key.includes('/archive-')) jumping.advance(jumpMs);
        return put(key, body, options);
      };
      const engine = engineOn(site.store, jumping);
      await backUpNow(engine, site.source, { at: EPOCH }).catch((error: unknown) => {
        expect(error).toMatchObject({ code: 'CLOCK_SKEW' });
      });
      site.store.put = put;
      expect(await unsound(site.store)).toEqual([]);
      const again = await backUpNow(site.engine, site.source, { at: EPOCH });
      expect(await listed(site.store)).toHaveLength(1);
      // Whatever the clock did, nobody takes this backup for newer than it is.
      expect(Date.parse(again.manifest.begin) - EPOCH.getTime()).toBeLessThan(60_000);
    },
  );
});

describe('a store', () => {
  test('of another system is refused and left as it is', async () => {
    using site = setUp();
    await makeGood(site.engine, site.source);
    const before = await contents(site.store);
    const other = engineOn(site.store, site.clock, { system: 'another' });
    expect(await codeOf(backUpNow(other, site.source))).toBe('STORE_CONFLICT');
    expect(await contents(site.store)).toEqual(before);
  });

  test('whose marker is cut short or no marker at all is refused', async () => {
    for (const marker of ['', '{', '{"format":1,"system":"exampl"}\n']) {
      using site = setUp();
      await site.store.put('holdfast.json', Buffer.from(marker));
      expect(await codeOf(backUpNow(site.engine, site.source))).toBe('STORE_CONFLICT');
      expect(await keysOf(site.store)).toEqual(['holdfast.json']);
    }
  });

  test('that loses bytes without a word gets no manifest for them', async () => {
    using site = setUp();
    const head = site.store.head.bind(site.store);
    site.store.head = async (key) => {
      const object = await head(key);
      return key.includes('/scan-') && object ? { ...object, bytes: object.bytes - 1 } : object;
    };
    expect(await codeOf(backUpNow(site.engine, site.source))).toBe('STORE_UNAVAILABLE');
    expect(await listed(site.store)).toEqual([]);
  });

  test('that is full leaves nothing listed, and says so', async () => {
    using site = setUp();
    await makeGood(site.engine, site.source);
    const before = await contents(site.store, 'backups/');
    changeSite(site.root);
    const put = site.store.put.bind(site.store);
    site.store.put = (key, body, options) => {
      if (!key.includes('/archive-')) return put(key, body, options);
      return Promise.reject(new HoldfastError('NO_SPACE', 'no space left on device'));
    };
    expect(await codeOf(backUpNow(site.engine, site.source))).toBe('NO_SPACE');
    expect(await contents(site.store, 'backups/')).toEqual(before);
    expect((await failures(site.engine))[0]?.record.problems[0]?.code).toBe('NO_SPACE');
  });
});

describe('a predecessor', () => {
  test('is not used once evidence says that it is damaged, nor is what came before it', async () => {
    using site = setUp();
    await makeGood(site.engine, site.source);
    const second = await makeGood(site.engine, site.source);
    damage(site.store, artifactOf(second.manifest, 'archive').key);
    expect((await verifyBackup(site.engine, second, 'digest')).verdict).toBe('damaged');
    const third = await makeGood(site.engine, site.source);
    expect(third.predecessor).toBeUndefined();
    expect(third.manifest.totals.readBytes).toBe(third.manifest.totals.contentBytes);
    expect((await makeGood(site.engine, site.source)).predecessor).toBe(third.id);
  });

  test('that is damaged, and nobody knows it yet, spoils neither an unchanged nor a changed run for long', async () => {
    for (const change of [false, true]) {
      using site = setUp();
      const first = await makeGood(site.engine, site.source);
      const { key } = artifactOf(first.manifest, 'archive');
      for (let at = 5; at < (site.store.objects.get(key)?.bytes.length ?? 0); at += 1000)
        damage(site.store, key, at);
      if (change) changeSite(site.root);
      const second = await backUpNow(site.engine, site.source);
      const { verdict } = await verifyBackup(site.engine, second, 'digest');
      // An unchanged archive is cloned unread: that it took damage over is found before the command ends.
      expect(verdict).toBe(change ? 'proven' : verdict);
      const third = await backUpNow(site.engine, site.source);
      expect((await verifyBackup(site.engine, third, 'content')).verdict).toBe('proven');
    }
  });

  test.each(['archive', 'scan'] as const)(
    'whose %s is gone or cut is passed over',
    async (role) => {
      for (const keep of [0.5, undefined]) {
        using site = setUp();
        const first = await makeGood(site.engine, site.source);
        const second = await makeGood(site.engine, site.source);
        const { key } = artifactOf(second.manifest, role);
        const object = site.store.objects.get(key);
        if (object === undefined) throw new Error(key);
        if (keep === undefined) site.store.objects.delete(key);
        else object.bytes = object.bytes.slice(0, object.bytes.length * keep);
        expect((await makeGood(site.engine, site.source)).predecessor).toBe(first.id);
      }
    },
  );

  test('of a newer id is not used: an id from the future has no say', async () => {
    using site = setUp();
    const future = new Date(EPOCH.getTime() + 10 * 365 * DAY_MS);
    const made = await backUpNow(site.engine, site.source, { at: future });
    expect(made.id).toBe(backupId({ kind: 'manual', at: future }));
    const now = await makeGood(site.engine, site.source);
    expect(now.predecessor).toBeUndefined();
    expect(now.outcome).toBe('made');
  });
});

describe('a run that fails', () => {
  test('leaves its first error, even when the store takes no record of it', async () => {
    using site = setUp();
    const faulty = faultyStore(site.store, { failAt: 8, when: 'before', crash: true });
    expect(await codeOf(backUpNow(engineOn(faulty, site.clock), site.source))).toBe(
      'STORE_UNAVAILABLE',
    );
    expect(await failures(site.engine)).toEqual([]);
    expect(await listed(site.store)).toEqual([]);
  });

  test('by an interruption says CANCELLED, commits nothing and leaves a record', async () => {
    using site = setUp();
    const interrupt = new AbortController();
    const engine = engineOn(site.store, site.clock, {
      signal: interrupt.signal,
      onProgress: () => interrupt.abort(),
    });
    expect(await codeOf(backUpNow(engine, site.source))).toBe('CANCELLED');
    expect(await listed(site.store)).toEqual([]);
    expect((await failures(site.engine))[0]?.record.problems[0]?.code).toBe('CANCELLED');
  });

  test('without a key to sign with stores nothing at all', async () => {
    using site = setUp();
    const engine = engineOn(site.store, site.clock, { signer: undefined });
    expect(await codeOf(backUpNow(engine, site.source))).toBe('UNTRUSTED');
    expect(await keysOf(site.store)).toEqual([]);
  });

  test('has a manifest that is read with its signature checked', async () => {
    using site = setUp();
    const { manifest } = await backUpNow(site.engine, site.source);
    const object = await site.store.head(manifest.key);
    if (object === undefined) throw new Error('no manifest');
    expect((await readManifest(site.engine, object)).distrust).toBeUndefined();
  });
});

function damage(store: ClockedStore, key: string, at = 100): void {
  const bytes = store.objects.get(key)?.bytes;
  if (bytes === undefined) throw new Error(`no ${key}`);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
}
