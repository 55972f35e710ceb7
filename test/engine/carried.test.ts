// What a verify need not read again: for which file an earlier reading stands, how long, and that carrying it on renews nothing.
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { BackupResult } from '../../lib/engine/backup.ts';
import { readRecords } from '../../lib/engine/catalog/records.ts';
import { surveySource } from '../../lib/engine/catalog/survey.ts';
import type { Engine } from '../../lib/engine/engine.ts';
import { NO_MEMORY, readLately, readOnce } from '../../lib/engine/memory.ts';
import { verifyBackup } from '../../lib/engine/verify.ts';
import { artifactOf, type Artifact } from '../../lib/format/manifest.ts';
import { readArtifacts } from '../../lib/format/read-artifacts.ts';
import { encodeSigned, localSigner } from '../../lib/format/signed.ts';
import { timeText } from '../../lib/policy/durations.ts';
import { openLocalStore } from '../../lib/stores/folder/store.ts';
import { noise, plant, Scratch } from '../support/archives.ts';
import {
  backUpNow,
  Clock,
  DAY_MS,
  engineOn,
  folderSource,
  makeGood,
  makeKeys,
  trust,
} from '../support/engine.ts';
import { LinkingStore } from '../support/linking-store.ts';
import { machineTime } from '../support/machine-time.ts';

const HOUR_MS = 3_600_000;

let scratch: Scratch;
let clock: Clock;
let store: LinkingStore;
let engine: Engine;
/** The keys of archives of which more was read than their index. */
let read: string[];

beforeEach(() => {
  scratch = new Scratch();
  plant(scratch.at('site'), { 'a.txt': 'a', 'b.bin': noise(50_000, 1) });
  clock = new Clock();
  store = new LinkingStore(clock);
  engine = engineOn(store, clock);
  read = [];
  const reads = store.read.bind(store);
  store.read = (key, offset, length) => {
    const middle = (store.objects.get(key)?.bytes.length ?? 0) >> 1;
    const isContent = offset <= middle && middle < offset + length;
    if (key.includes('/archive-') && isContent) read.push(key);
    return reads(key, offset, length);
  };
});
afterEach(() => scratch[Symbol.dispose]());

const source = () => folderSource(scratch.at('site'));
const archiveOf = ({ manifest }: BackupResult) => artifactOf(manifest, 'archive').key;

/** Verifies as a run does that has just made the backup. */
const verifyLately = async (
  backup: BackupResult,
  { on = engine, level = 'digest' }: { on?: Engine; level?: 'digest' | 'content' } = {},
) => verifyBackup(on, backup, level, await readLately(on, backup, level));

const recordsOf = async (on: Engine, id: string) => {
  const all = await readRecords(on, 'verify', 'site', {
    subjects: new Set([id]),
    onProblem: ({ detail }) => {
      throw new Error(detail);
    },
  });
  return all.map(({ record }) => record);
};

/** One byte in the middle of what is stored, as a disk would lose it: nothing tells but the byte. */
const rot = (key: string) => {
  const bytes = store.objects.get(key)?.bytes ?? new Uint8Array();
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
};

/** A backup that was read a week after it was written, and another of the same files that nobody has read. */
async function readAndLinked(on = engine): Promise<[BackupResult, BackupResult]> {
  const first = await makeGood(on, source());
  clock.advance(8 * DAY_MS);
  await verifyBackup(on, first, 'digest');
  clock.advance(HOUR_MS);
  const second = await backUpNow(on, source());
  read.length = 0;
  return [first, second];
}

describe('a backup that only shares what was read lately', () => {
  test('is proven unread, by a record of its own that tells when it was read', async () => {
    const [first, second] = await readAndLinked();
    const { verdict, carried, bytes } = await verifyLately(second);
    expect({ verdict, bytes, read }).toEqual({ verdict: 'proven', bytes: 0, read: [] });
    const [, reading] = await recordsOf(engine, first.id);
    expect(carried?.readAt.toISOString()).toBe(reading?.begin);
    const [record] = await recordsOf(engine, second.id);
    const lines = record === undefined ? [] : readArtifacts(record);
    // The scan is its own, and small.
    expect(lines.map(({ key, whole, readAt }) => [key, whole, readAt.toISOString()])).toEqual([
      [archiveOf(second), true, reading?.begin],
      [artifactOf(second.manifest, 'scan').key, true, record?.begin],
    ]);
    const { backups } = await surveySource(engine, 'site');
    expect(backups.map(({ standing }) => standing)).toEqual(['good', 'good']);
    expect(backups[1]?.why).toContain(
      `of what was read at ${timeText(carried?.readAt ?? new Date(NaN))}`,
    );
  });

  test('is read after 4 to 7 days all the same, however often its proof was carried on', async () => {
    const times: number[] = [];
    // Every 30 days all is read and stored anew.
    for (let day = 0; day < 30; day++) {
      read.length = 0;
      const made = await backUpNow(engine, source());
      const { verdict } = await verifyLately(made);
      expect({ verdict, once: read.length < 2 }).toEqual({ verdict: 'proven', once: true });
      if (read.length > 0) times.push(day);
      for (const record of await recordsOf(engine, made.id)) {
        for (const { readAt } of readArtifacts(record)) {
          const ageMs = Date.parse(record.begin) - readAt.getTime();
          expect(ageMs).toBeLessThanOrEqual(7 * DAY_MS);
        }
      }
      clock.advance(DAY_MS);
    }
    const gaps = times.slice(1).map((day, i) => day - (times[i] ?? 0));
    // What was read on the day on which it was written came from memory, and stands for a day.
    expect(times.slice(0, 2)).toEqual([0, 1]);
    expect(gaps.slice(1).length).toBeGreaterThan(2);
    for (const gap of gaps.slice(1)) expect([4, 5, 6, 7]).toContain(gap);
  });

  test('is read where nothing is to be taken over', async () => {
    const [, second] = await readAndLinked();
    expect((await verifyBackup(engine, second, 'digest', NO_MEMORY)).carried).toBeUndefined();
    expect(read).toEqual([archiveOf(second)]);
  });

  test('is proven by what was read deeper, and not by what was read less deep', async () => {
    const [first, second] = await readAndLinked();
    expect((await verifyLately(second, { level: 'content' })).carried).toBeUndefined();
    expect(read).toEqual([archiveOf(second)]);
    clock.advance(HOUR_MS);
    await verifyBackup(engine, first, 'content');
    read.length = 0;
    expect((await verifyLately(second, { level: 'content' })).carried).toBeDefined();
    expect((await verifyLately(second)).carried).toBeDefined();
    expect(read).toEqual([]);
  });
});

describe('a proof is not carried on', () => {
  const isRead = async (second: BackupResult, verdict: string, on = engine) => {
    read.length = 0;
    const found = await verifyLately(second, { on });
    expect({ verdict: found.verdict, read }).toEqual({ verdict, read: [archiveOf(second)] });
  };

  test('when it is due', async () => {
    const [first, second] = await readAndLinked();
    rot(archiveOf(first));
    clock.advance(7 * DAY_MS);
    await isRead(second, 'damaged');
  });

  test('when it is of the future', async () => {
    const [, second] = await readAndLinked();
    clock.advance(-3 * HOUR_MS);
    await isRead(second, 'proven');
  });

  test('when only a key says so that may not vouch for it', async () => {
    const keys = makeKeys();
    const writer = engineOn(store, clock, {
      signer: localSigner(keys.privateKey),
      trusted: [...engine.trusted, trust(keys, ['backups/'])],
    });
    const first = await makeGood(writer, source());
    clock.advance(HOUR_MS);
    const second = await backUpNow(writer, source());
    expect(archiveOf(first)).not.toBe(archiveOf(second));
    await isRead(second, 'proven', writer);
    const trustful = { ...writer, trustAnyone: true };
    await isRead(second, 'proven', trustful);
  });

  test('when one of those that share the file was found damaged, whatever the others say', async () => {
    const [first, second] = await readAndLinked();
    await engine.store.release(artifactOf(first.manifest, 'scan').key);
    await verifyBackup(engine, first, 'digest');
    await isRead(second, 'proven');
  });

  /** Signs what the manifest says of the archive anew, with some of it changed. */
  const sayElse = async ({ manifest }: BackupResult, changes: Partial<Artifact>) => {
    const artifacts = manifest.artifacts.map((one) =>
      one.role === 'archive' ? { ...one, ...changes } : one,
    );
    const signer = engine.signer ?? localSigner(makeKeys().privateKey);
    const bytes = new Uint8Array(await encodeSigned({ ...manifest, artifacts }, signer));
    store.objects.set(manifest.key, { bytes, storedAt: new Date(clock.ms) });
  };

  test('when the manifest says something else of the same file', async () => {
    const [, second] = await readAndLinked();
    const { table } = artifactOf(second.manifest, 'archive');
    if (table === undefined) throw new Error('no table');
    const changes: Partial<Artifact>[] = [
      { table: { ...table, sha256: '0'.repeat(64) } },
      { table: { ...table, offset: table.offset - 1 } },
      { codec: 'zstd' },
    ];
    for (const change of changes) {
      await sayElse(second, change);
      expect((await verifyLately(second)).verdict).toBe('damaged');
      for (const { key } of await recordsOf(engine, second.id)) await store.release(key);
    }
  });

  test('when a manifest is wrong, and then the file that it names is no worse for the others', async () => {
    const [first, second] = await readAndLinked();
    await sayElse(second, { codec: 'zstd' });
    const { verdict, alsoDamaged } = await verifyLately(second);
    expect({ verdict, alsoDamaged }).toEqual({ verdict: 'damaged', alsoDamaged: undefined });
    const { backups } = await surveySource(engine, 'site');
    expect(backups.map(({ id, standing }) => [id, standing])).toEqual([
      [first.id, 'good'],
      [second.id, 'damaged'],
    ]);
  });

  test('when the file was moved there from another backup, and was read under its own key', async () => {
    const [, second] = await readAndLinked();
    fs.writeFileSync(scratch.at('site/a.txt'), 'changed');
    const other = await makeGood(engine, source());
    const moved = store.objects.get(archiveOf(other));
    if (moved !== undefined) store.objects.set(archiveOf(second), moved);
    await sayElse(second, { bytes: moved?.bytes.length ?? 0 });
    expect((await verifyLately(second)).verdict).toBe('damaged');
  });
});

describe('in a folder, a proof is not carried to a file', () => {
  let folder: string;
  let own: Engine;
  let first: BackupResult;
  let second: BackupResult;
  const at = (key: string) => path.join(folder, key);
  const flipped = (key: string) => {
    const bytes = fs.readFileSync(at(key));
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
    return bytes;
  };

  beforeEach(async () => {
    folder = scratch.at('store');
    const opened = await openLocalStore(folder, { random: () => engine.random() });
    own = engineOn(opened, clock, { now: () => machineTime() });
    first = await makeGood(own, source());
    second = await backUpNow(own, source());
    expect(fs.statSync(at(archiveOf(second))).nlink).toBe(2);
  });

  const verdictNow = async () => (await verifyLately(second, { on: own })).verdict;

  test('(but it is to one that is what it was)', async () => {
    expect((await verifyLately(second, { on: own })).carried).toBeDefined();
  });

  test('that was written to in place', async () => {
    fs.writeFileSync(at(archiveOf(first)), flipped(archiveOf(first)));
    expect(await verdictNow()).toBe('damaged');
  });

  test('that was replaced by one of the same time and length', async () => {
    const key = archiveOf(second);
    const { atime, mtime } = fs.statSync(at(key));
    fs.writeFileSync(at('copy'), flipped(key));
    fs.utimesSync(at('copy'), atime, mtime);
    fs.renameSync(at('copy'), at(key));
    expect(await verdictNow()).toBe('damaged');
  });

  test('that was cut short', async () => {
    fs.truncateSync(at(archiveOf(first)), 1000);
    expect(await verdictNow()).toBe('damaged');
  });
});

describe('damage in a file that several backups share', () => {
  const three = async () => {
    const made: BackupResult[] = [];
    for (let n = 0; n < 3; n++) {
      made.push(await makeGood(engine, source()));
      clock.advance(HOUR_MS);
    }
    return made as [BackupResult, BackupResult, BackupResult];
  };

  test('is told with all backups that it is in, each of which has evidence of its own', async () => {
    const [first, second, third] = await three();
    rot(archiveOf(first));
    const { alsoDamaged } = await verifyBackup(engine, second, 'digest');
    expect(alsoDamaged).toEqual([first.id, third.id]);
    for (const { id } of [first, third]) {
      expect((await recordsOf(engine, id)).at(-1)).toMatchObject({
        verdict: 'damaged',
        facts: { foundIn: second.id },
      });
    }
  });

  test('stays damage of the others when the one in which it was found has gone', async () => {
    const [first, second, third] = await three();
    rot(archiveOf(first));
    await verifyBackup(engine, second, 'digest');
    for (const { key } of [second.manifest, ...second.manifest.artifacts]) await store.release(key);
    const { backups } = await surveySource(engine, 'site');
    expect(backups.map(({ id, standing }) => [id, standing])).toEqual([
      [first.id, 'damaged'],
      [third.id, 'damaged'],
    ]);
  });

  test('is found wherever it is when it is due, and nothing of it is taken over any more', async () => {
    const stride = process.env['HOLDFAST_SWEEPS'] === undefined ? 4999 : 11;
    const made = await three();
    const { bytes } = artifactOf(made[0].manifest, 'archive');
    for (let place = 0; place < bytes; place += stride) {
      const later = new Clock(new Date(clock.ms + 8 * DAY_MS));
      const copy = store.copy(later);
      const stored = copy.objects.get(archiveOf(made[1]))?.bytes ?? new Uint8Array();
      stored[place] = (stored[place] ?? 0) ^ 0x20;
      const own = engineOn(copy, later);
      const next = await makeGood(own, source());
      const { backups } = await surveySource(own, 'site');
      expect({ place, found: backups.map(({ id, standing }) => [id, standing]) }).toEqual({
        place,
        found: [...made.map(({ id }) => [id, 'damaged']), [next.id, 'good']],
      });
    }
  });

  test('is written down once for each, however often it is found', async () => {
    const [first, second, third] = await three();
    rot(archiveOf(first));
    await verifyBackup(engine, second, 'digest');
    const before = (await recordsOf(engine, third.id)).length;
    await verifyBackup(engine, second, 'digest');
    expect(await recordsOf(engine, third.id)).toHaveLength(before);
  });
});

describe('several backups that are verified together', () => {
  test('are read once for each file, and each gets a record of its own', async () => {
    const made: BackupResult[] = [];
    for (let n = 0; n < 3; n++) made.push(await backUpNow(engine, source()));
    fs.writeFileSync(scratch.at('site/a.txt'), 'changed');
    made.push(await makeGood(engine, source()));
    read.length = 0;
    const memory = readOnce();
    const found = [];
    for (const one of made) found.push(await verifyBackup(engine, one, 'content', memory));
    expect(found.map(({ verdict }) => verdict)).toEqual(made.map(() => 'proven'));
    expect(read).toEqual([archiveOf(made[0] as BackupResult), archiveOf(made[3] as BackupResult)]);
    for (const { id } of made) {
      expect((await recordsOf(engine, id)).at(-1)?.facts['level']).toBe('content');
    }
  });

  test('find the damage in a file once, and each of them is damaged by its own names', async () => {
    const first = await backUpNow(engine, source());
    const second = await backUpNow(engine, source());
    for (const { key } of first.manifest.artifacts) rot(key);
    read.length = 0;
    const memory = readOnce();
    const one = await verifyBackup(engine, first, 'content', memory);
    const other = await verifyBackup(engine, second, 'content', memory);
    expect(read).toEqual([archiveOf(first)]);
    const names = [one, other].map(({ problems }) => problems.map(({ path: at }) => at));
    expect(names).toEqual([['b.bin', artifactOf(first.manifest, 'scan').key], ['b.bin']]);
  });
});
