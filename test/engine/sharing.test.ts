// Unchanged archives stand once in a folder: what is linked and what is not, what damage to it means, and that no prune takes a link.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { listStored } from '../../lib/engine/catalog/backups.ts';
import { readRecords } from '../../lib/engine/catalog/records.ts';
import { surveySource, storedBytesOf } from '../../lib/engine/catalog/survey.ts';
import type { Engine } from '../../lib/engine/engine.ts';
import { readLately } from '../../lib/engine/memory.ts';
import { measure } from '../../lib/engine/measure.ts';
import { pruneSource } from '../../lib/engine/prune.ts';
import { verifyBackup } from '../../lib/engine/verify.ts';
import { readArtifacts } from '../../lib/format/read-artifacts.ts';
import { openLocalStore } from '../../lib/stores/folder/store.ts';
import type { Store } from '../../lib/stores/store.ts';
import { noise, plant, Scratch } from '../support/archives.ts';
import {
  backUpNow,
  Clock,
  DAILY,
  DAY_MS,
  engineOn,
  folderSource,
  makeGood,
  makeKeys,
  restoreTo,
  treeOf,
  trust,
  unsound,
} from '../support/engine.ts';
import { LinkingStore } from '../support/linking-store.ts';
import { machineTime } from '../support/machine-time.ts';
import { localSigner } from '../../lib/format/signed.ts';

const HOUR_MS = 3_600_000;

/** The calls of a run between which a prune may come; before a read it finds what it found after the call ahead. */
const MOMENTS = ['put', 'link', 'clone', 'settle', 'identify', 'now', 'head'];

function fail(): never {
  throw new Error('a record cannot be read');
}

let scratch: Scratch;
let clock: Clock;
let store: LinkingStore;
let engine: Engine;

beforeEach(() => {
  scratch = new Scratch();
  plant(scratch.at('site'), { 'a.txt': 'a', 'b.bin': noise(50_000, 1) });
  clock = new Clock();
  store = new LinkingStore(clock);
  engine = engineOn(store, clock);
});
afterEach(() => scratch[Symbol.dispose]());

const source = () => folderSource(scratch.at('site'));
const archiveOf = async (id: string) => {
  const stored = (await listStored(engine, 'site')).find((one) => one.id === id);
  const archive = stored?.artifacts.find(({ key }) => key.includes('/archive-'));
  if (archive === undefined) throw new Error(`${id} has no archive`);
  return archive;
};
const isShared = async (one: string, other: string) => {
  const [a, b] = await Promise.all([archiveOf(one), archiveOf(other)]);
  return a.shared !== undefined && a.shared === b.shared;
};
/** One byte in the middle of what is stored, as a disk would lose it: nothing tells but the byte. */
const rot = async (id: string) => {
  const object = store.objects.get((await archiveOf(id)).key);
  const middle = (object?.bytes.length ?? 0) >> 1;
  if (object !== undefined) object.bytes[middle] = (object.bytes[middle] ?? 0) ^ 1;
};
const standings = async () => {
  const { backups } = await surveySource(engine, 'site');
  return backups.map(({ id, standing }) => [id, standing]);
};

describe('an unchanged archive', () => {
  test('stands once, under a key of each backup, and each restores', async () => {
    const first = await makeGood(engine, source());
    clock.advance(HOUR_MS);
    const second = await makeGood(engine, source());
    expect(await isShared(first.id, second.id)).toBe(true);
    expect((await archiveOf(first.id)).key).not.toBe((await archiveOf(second.id)).key);
    const to = scratch.at('restored');
    await restoreTo(engine, second, to);
    expect(treeOf(to)).toEqual(treeOf(scratch.at('site')));
  });

  test('is written anew when something changed', async () => {
    const first = await makeGood(engine, source());
    clock.advance(HOUR_MS);
    fs.writeFileSync(scratch.at('site/a.txt'), 'changed');
    const second = await makeGood(engine, source());
    expect(await isShared(first.id, second.id)).toBe(false);
  });

  test('is durable under its new key before a manifest names it', async () => {
    await makeGood(engine, source());
    clock.advance(HOUR_MS);
    const unsettled: string[][] = [];
    const put = store.put.bind(store);
    store.put = (key, ...rest) => {
      if (key.endsWith('/manifest.json')) unsettled.push([...store.unsettled]);
      return put(key, ...rest);
    };
    await backUpNow(engine, source());
    expect(unsettled).toEqual([[]]);
  });

  test('is read before it is linked when nobody read it lately, and that is recorded', async () => {
    const first = await makeGood(engine, source());
    clock.advance(8 * DAY_MS);
    const second = await backUpNow(engine, source());
    expect(await isShared(first.id, second.id)).toBe(true);
    const records = await readRecords(engine, 'verify', 'site', { onProblem: fail });
    expect(records.map(({ record: { subject, verdict } }) => [subject, verdict])).toEqual([
      [first.id, 'proven'],
      [first.id, 'proven'],
    ]);
  });

  test('is linked unread when it was read lately', async () => {
    await makeGood(engine, source());
    clock.advance(HOUR_MS);
    await backUpNow(engine, source());
    const records = await readRecords(engine, 'verify', 'site', { onProblem: fail });
    expect(records).toHaveLength(1);
  });

  test('is read before it is linked when only a key that may not vouch for it says that it was', async () => {
    const keys = makeKeys();
    const own = trust(keys, ['backups/']);
    const writer = engineOn(store, clock, {
      signer: localSigner(keys.privateKey),
      trusted: [...engine.trusted, own],
    });
    const first = await makeGood(writer, source());
    clock.advance(HOUR_MS);
    await rot(first.id);
    const second = await backUpNow(writer, source());
    expect(await isShared(first.id, second.id)).toBe(false);
    expect(second.manifest.problems).toMatchObject([{ code: 'predecessor-unusable' }]);
    expect(await unsound(store, new Map([[first.manifest.key, '']]), writer)).toEqual([]);
  });

  test('that rotted since it was read is not linked when it is due, and comes from the source', async () => {
    const first = await makeGood(engine, source());
    await rot(first.id);
    clock.advance(8 * DAY_MS);
    const second = await makeGood(engine, source());
    expect(await isShared(first.id, second.id)).toBe(false);
    expect(second.manifest.totals.reusedBytes).toBe(0);
    expect(await standings()).toEqual([
      [first.id, 'damaged'],
      [second.id, 'good'],
    ]);
  });

  test('that somebody wrote to is read before it is linked, and not linked', async () => {
    const first = await makeGood(engine, source());
    clock.advance(HOUR_MS);
    await rot(first.id);
    const object = store.objects.get((await archiveOf(first.id)).key);
    if (object !== undefined) object.storedAt = new Date(clock.ms);
    const second = await makeGood(engine, source());
    expect(await isShared(first.id, second.id)).toBe(false);
  });

  test('that was replaced by another file of its length is read before it is linked', async () => {
    const first = await makeGood(engine, source());
    const { key } = await archiveOf(first.id);
    const { bytes, storedAt } = store.objects.get(key) ?? {
      bytes: new Uint8Array(),
      storedAt: new Date(0),
    };
    store.objects.set(key, { bytes: bytes.slice(), storedAt });
    await rot(first.id);
    clock.advance(HOUR_MS);
    const second = await makeGood(engine, source());
    expect(await isShared(first.id, second.id)).toBe(false);
  });
});

describe('damage in bytes that several backups share', () => {
  const threeShared = async () => {
    const ids: string[] = [];
    for (let n = 0; n < 3; n++) {
      ids.push((await makeGood(engine, source())).id);
      clock.advance(HOUR_MS);
    }
    return ids as [string, string, string];
  };

  test('is damage of them all, whichever of them it was found in, and no other run links them', async () => {
    const [first, second, third] = await threeShared();
    fs.writeFileSync(scratch.at('site/a.txt'), 'changed');
    const other = await makeGood(engine, source());
    fs.writeFileSync(scratch.at('site/a.txt'), 'a');
    await rot(first);
    expect((await verifyBackup(engine, { source: 'site', id: second }, 'digest')).verdict).toBe(
      'damaged',
    );
    expect(await standings()).toEqual([
      [first, 'damaged'],
      [second, 'damaged'],
      [third, 'damaged'],
      [other.id, 'good'],
    ]);
    const { backups } = await surveySource(engine, 'site');
    expect(backups[0]?.why).toContain(`of ${second}, which shares its bytes`);
  });

  test('is damage of them all when only the first record of it could be written', async () => {
    const ids = await threeShared();
    await rot(ids[0]);
    await verifyBackup(engine, { source: 'site', id: ids[1] }, 'digest');
    for (const { record } of await readRecords(engine, 'verify', 'site', { onProblem: fail }))
      if (record.facts['foundIn'] !== undefined) await store.release(record.key);
    expect(await standings()).toEqual(ids.map((id) => [id, 'damaged']));
  });

  test('keeps the next run from building on any of them', async () => {
    const [first, second, third] = await threeShared();
    await rot(first);
    await verifyBackup(engine, { source: 'site', id: second }, 'digest');
    const next = await makeGood(engine, source());
    expect(next.predecessor).toBeUndefined();
    expect(await isShared(third, next.id)).toBe(false);
  });

  test('is not seen in the others when one of them only lacks a file', async () => {
    const [first, second, third] = await threeShared();
    const { artifacts } = (await listStored(engine, 'site')).find(({ id }) => id === second) ?? {
      artifacts: [],
    };
    await store.release(artifacts.find(({ key }) => key.includes('/scan-'))?.key ?? '');
    await verifyBackup(engine, { source: 'site', id: second }, 'digest');
    expect(await standings()).toEqual([
      [first, 'good'],
      [second, 'damaged'],
      [third, 'good'],
    ]);
  });

  test('stays damage of the others when one of them got its file back from a copy', async () => {
    const [first, second, third] = await threeShared();
    await rot(first);
    await verifyBackup(engine, { source: 'site', id: second }, 'digest');
    const { key } = await archiveOf(second);
    store.objects.set(key, {
      bytes: new Uint8Array(store.objects.get(key)?.bytes ?? []),
      storedAt: new Date(clock.ms),
    });
    expect(await standings()).toEqual([first, second, third].map((id) => [id, 'damaged']));
  });
});

describe('what shared archives take', () => {
  test('counts once', async () => {
    const first = await makeGood(engine, source());
    const { bytes } = await archiveOf(first.id);
    const before = storedBytesOf(await surveySource(engine, 'site'));
    clock.advance(HOUR_MS);
    await makeGood(engine, source());
    const after = storedBytesOf(await surveySource(engine, 'site'));
    expect(after - before).toBeLessThan(bytes);
    const objectives = new Map();
    const { facts } = await measure(engine, { objectives, capacityBytes: undefined });
    const each = new Set([...store.objects.values()]);
    expect(facts.store.storedBytes).toBe(
      each.values().reduce((sum, one) => sum + one.bytes.length, 0),
    );
  });

  test('is freed by a prune when the last of its backups goes, and not before', async () => {
    const ids: string[] = [];
    for (let day = 0; day < 12; day++) {
      if (day === 1 || day === 2) fs.writeFileSync(scratch.at('site/a.txt'), `day ${day}`);
      ids.push((await makeGood(engine, source())).id);
      clock.advance(DAY_MS);
    }
    const bytes = () =>
      new Set(store.objects.values()).values().reduce((sum, one) => sum + one.bytes.length, 0);
    const before = bytes();
    const { release, freedBytes, record } = await pruneSource(engine, 'site', DAILY);
    expect(release.length).toBeGreaterThan(0);
    const recorded = store.objects.get(record ?? '')?.bytes.length ?? 0;
    expect(before + recorded - bytes()).toBe(freedBytes);
    expect(await unsound(store)).toEqual([]);
  });
});

describe('in a folder', () => {
  let folder: string;
  const openFolder = (at: string) => openLocalStore(at, { random: () => engine.random() });
  const daysAgo = (days: number) => new Date(machineTime().getTime() - days * DAY_MS);

  beforeEach(() => {
    folder = scratch.at('store');
  });

  /** Calls `before` ahead of each call that the run makes to `real`. */
  function watched(real: Store, before: (method: string) => Promise<void>): Store {
    return new Proxy(real, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== 'function' || !MOMENTS.includes(String(name))) return value;
        return async (...args: unknown[]) => {
          await before(String(name));
          return (await Reflect.apply(value, target, args)) as unknown;
        };
      },
    });
  }

  test.each([
    ['as it is', undefined],
    ['when what it builds on goes as well', undefined],
    ['as it is, in parts', { fromBytes: 1, largeBytes: 10_000, leastBytes: 16 << 10 }],
  ])(
    'no prune takes anything of a run that only links, at whichever moment it comes (%s)',
    async (how, parting) => {
      const site = folderSource(scratch.at('site'), {}, parting);
      const now = { now: () => machineTime(), scratch: scratch.at('tmp') };
      const from = engineOn(await openFolder(folder), clock, now);
      const first = await makeGood(from, site);
      for (const { key } of first.manifest.artifacts)
        fs.utimesSync(path.join(folder, key), daysAgo(30), daysAgo(30));
      fs.utimesSync(path.dirname(path.join(folder, first.manifest.key)), daysAgo(30), daysAgo(30));
      let linked = 0;
      for (let moment = 1; ; moment++) {
        const copy = scratch.at(`copy-${moment}`);
        execFileSync('cp', ['-a', folder, copy]);
        const own = engineOn(await openFolder(copy), clock, now);
        let calls = 0;
        const disturbed = watched(own.store, async () => {
          if (++calls !== moment) return;
          if (how === 'when what it builds on goes as well')
            for (const { key } of [first.manifest, ...first.manifest.artifacts])
              await own.store.release(key);
          await pruneSource(own, 'site', DAILY);
        });
        const run = { ...own, store: disturbed };
        const made = await backUpNow(run, site);
        if (how === 'when what it builds on goes as well') {
          const memory = await readLately(run, made, 'digest');
          expect((await verifyBackup(run, made, 'digest', memory)).verdict).toBe('proven');
        }
        expect({ moment, unsound: await unsound(own.store) }).toEqual({ moment, unsound: [] });
        const last = await listStored(own, 'site');
        expect(last.find(({ id }) => id === made.id)?.artifacts).toHaveLength(
          first.manifest.artifacts.length,
        );
        if (made.manifest.totals.reusedBytes > 0) linked++;
        fs.rmSync(copy, { recursive: true });
        if (calls < moment) break;
      }
      expect(linked).toBeGreaterThan(2);
    },
  );

  test('a verify records which files it read, by what the file system calls them', async () => {
    const own = engineOn(await openFolder(folder), clock, { now: () => machineTime() });
    const made = await makeGood(own, source());
    const [entry] = await readRecords(own, 'verify', 'site', { onProblem: fail });
    const read = entry === undefined ? [] : readArtifacts(entry.record);
    expect(read).toHaveLength(2);
    for (const { key, sha256, bytes, inode, modified, whole } of read) {
      const stats = fs.statSync(path.join(folder, key), { bigint: true });
      const artifact = made.manifest.artifacts.find((one) => one.key === key);
      expect({ inode, modified, whole }).toEqual({
        inode: String(stats.ino),
        modified: String(stats.mtimeNs),
        whole: true,
      });
      expect({ sha256, bytes }).toEqual({ sha256: artifact?.sha256, bytes: artifact?.bytes });
    }
    const again = await makeGood(own, source());
    const [one, other] = [made, again].map(({ manifest: { artifacts } }) =>
      fs.statSync(path.join(folder, artifacts[0]?.key ?? ''), { bigint: true }),
    );
    expect([other?.ino, other?.nlink]).toEqual([one?.ino, 2n]);
  });
});
