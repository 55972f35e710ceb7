// The log: what every act leaves shows there, failed ones too, and the success rate counts runs whose backups are gone.
import fs from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { releaseReasonText } from '../../lib/policy/retention-reasons.ts';
import { knownSources, readLog, type LogEntry } from '../../lib/engine/log.ts';
import { pinBackup } from '../../lib/engine/pin.ts';
import { pruneSource } from '../../lib/engine/prune.ts';
import { successOf } from '../../lib/engine/success.ts';
import { Scratch } from '../support/archives.ts';
import {
  backUpNow,
  Clock,
  ClockedStore,
  codeOf,
  DAILY,
  DAY_MS,
  engineOn,
  folderSource,
  listed,
  makeGood,
} from '../support/engine.ts';

function setUp() {
  const scratch = new Scratch();
  const root = scratch.at('site');
  fs.mkdirSync(root);
  fs.writeFileSync(`${root}/a`, 'a');
  const clock = new Clock();
  const store = new ClockedStore(clock);
  const engine = engineOn(store, clock);
  return {
    root,
    clock,
    store,
    engine,
    source: folderSource(root),
    [Symbol.dispose]: () => scratch[Symbol.dispose](),
  };
}

const ALL = { sources: [], limit: 100, failed: false };
const short = ({ verb, verdict }: LogEntry) => `${verb} ${verdict}`;

describe('the log', () => {
  test('has every act in the order of time, with who, how long and how much', async () => {
    using site = setUp();
    const made = await makeGood(site.engine, site.source);
    site.clock.advance(1000);
    await pinBackup(site.engine, made, 'for the auditors');
    fs.rmSync(`${site.root}/a`);
    site.clock.advance(1000);
    expect(await codeOf(backUpNow(site.engine, site.source))).toBe('SOURCE_UNREADABLE');
    site.clock.advance(1000);
    await pruneSource(site.engine, 'site', DAILY);
    const entries = await readLog(site.engine, ALL);
    expect(entries.map(short)).toEqual([
      'backup complete',
      'verify proven',
      'pin done',
      'backup failed',
      'prune done',
    ]);
    const [backup, verify, pin, failed, prune] = entries;
    const stored = made.manifest.artifacts.reduce((sum, { bytes }) => sum + bytes, 0);
    expect(backup).toMatchObject({ subject: made.id, bytes: stored });
    for (const { signedBy } of entries) expect(signedBy).toMatch(/^test \([0-9a-f]{16}\)$/);
    expect(verify).toMatchObject({ subject: made.id, who: 'test@example', detail: 'digest' });
    expect(pin).toMatchObject({ detail: 'for the auditors' });
    expect(failed?.detail).toMatch(/^SOURCE_UNREADABLE: .*holds no file/);
    expect(prune).toMatchObject({ detail: '1 kept, 0 released' });
    expect(entries.every(({ durationMs }) => durationMs > 0)).toBe(true);
  });

  test('is cut to the newest, and to what did not end well, when asked', async () => {
    using site = setUp();
    for (let run = 0; run < 3; run++) {
      await makeGood(site.engine, site.source);
      site.clock.advance(DAY_MS);
    }
    fs.rmSync(`${site.root}/a`);
    await codeOf(backUpNow(site.engine, site.source));
    fs.writeFileSync(`${site.root}/a`, 'a');
    site.clock.advance(DAY_MS);
    await makeGood(site.engine, site.source);
    const newest = await readLog(site.engine, { ...ALL, limit: 3 });
    expect(newest.map(short)).toEqual(['backup failed', 'backup complete', 'verify proven']);
    const failed = await readLog(site.engine, { ...ALL, limit: 1, failed: true });
    expect(failed.map(short)).toEqual(['backup failed']);
    expect(await readLog(site.engine, { ...ALL, sources: ['content'] })).toEqual([]);
  });

  test('is cut to a stretch of time and to some acts, and says what a prune released and why', async () => {
    using site = setUp();
    const times: Date[] = [];
    for (let run = 0; run < 12; run++) {
      times.push(site.clock.now());
      await makeGood(site.engine, site.source);
      site.clock.advance(DAY_MS);
    }
    const policy = { ...DAILY, policy: { ...DAILY.policy, daily: 3 } };
    const { release } = await pruneSource(site.engine, 'site', policy);
    const prunes = await readLog(site.engine, { ...ALL, verbs: ['prune'] });
    const gone = release.map(({ id, reason }) => `${id}: ${releaseReasonText(reason)}`);
    expect(prunes.map(short)).toEqual(['prune done']);
    expect(release.length).toBeGreaterThan(0);
    for (const one of gone.slice(0, 3)) expect(prunes[0]?.detail).toContain(one);
    const [since, until] = [times[8], times[10]];
    const some = await readLog(site.engine, { ...ALL, since, until });
    expect(some.map(({ begin }) => begin.slice(0, 10))).toEqual(
      [times[8], times[8], times[9], times[9]].map((one) => one?.toISOString().slice(0, 10)),
    );
    const verified = await readLog(site.engine, { ...ALL, since, verbs: ['verify'], limit: 2 });
    expect(verified.map(short)).toEqual(['verify proven', 'verify proven']);
  });

  test('shows what is broken or not to be trusted as that, and goes on', async () => {
    using site = setUp();
    const made = await makeGood(site.engine, site.source);
    site.clock.advance(DAY_MS);
    await makeGood(site.engine, site.source);
    site.store.objects.get(made.manifest.key)?.bytes.fill(0x20);
    const entries = await readLog(site.engine, ALL);
    expect(
      entries.filter(({ verdict }) => verdict === 'unreadable').map((one) => one.subject),
    ).toEqual([made.id]);
    expect(entries).toHaveLength(4);
    const stranger = engineOn(site.store, site.clock, { trusted: [] });
    const seen = await readLog(stranger, { ...ALL, failed: true });
    expect(seen).toHaveLength(4);
    expect(seen.filter(({ distrust }) => distrust !== undefined)).toHaveLength(3);
  });

  test('knows sources that only ever failed', async () => {
    using site = setUp();
    fs.rmSync(`${site.root}/a`);
    await codeOf(backUpNow(site.engine, site.source));
    expect([...(await knownSources(site.engine)).keys()]).toEqual(['site']);
  });
});

describe('the success rate', () => {
  test('counts complete, partial and failed runs of 30 days', async () => {
    using site = setUp();
    await makeGood(site.engine, site.source);
    site.clock.advance(31 * DAY_MS);
    for (let run = 0; run < 3; run++) {
      await backUpNow(site.engine, site.source);
      site.clock.advance(DAY_MS);
    }
    fs.rmSync(`${site.root}/a`);
    await codeOf(backUpNow(site.engine, site.source));
    const summary = await successOf(site.engine, 'site', site.engine.now());
    expect(summary).toMatchObject({ runs: 4, complete: 3, partial: 0, failed: 1, rate: 0.75 });
  });

  test('counts the runs whose backups retention has released since', async () => {
    using site = setUp();
    const last = { ...DAILY.policy, daily: 0, weekly: 0, monthly: 0, last: 1 };
    for (let day = 0; day < 12; day++) {
      await makeGood(site.engine, site.source);
      await pruneSource(site.engine, 'site', { ...DAILY, policy: last });
      site.clock.advance(DAY_MS);
    }
    expect((await listed(site.store)).length).toBeLessThan(6);
    const summary = await successOf(site.engine, 'site', site.engine.now());
    expect(summary).toMatchObject({ runs: 12, complete: 12, rate: 1 });
  });

  test('counts a run whose backup was deleted as failed', async () => {
    using site = setUp();
    for (let day = 0; day < 4; day++) {
      await makeGood(site.engine, site.source);
      await pruneSource(site.engine, 'site', DAILY);
      site.clock.advance(DAY_MS);
    }
    const [first, second] = await listed(site.store);
    for (const key of [...site.store.objects.keys()])
      if ([first, second].some((one) => key.startsWith(`backups/site/${one?.id ?? ''}/`)))
        site.store.objects.delete(key);
    const summary = await successOf(site.engine, 'site', site.engine.now());
    expect(summary).toMatchObject({ runs: 4, complete: 2, failed: 2, rate: 0.5 });
  });

  test('does not count what no trusted key vouches for', async () => {
    using site = setUp();
    await makeGood(site.engine, site.source);
    const stranger = engineOn(site.store, site.clock, { trusted: [] });
    expect(await successOf(stranger, 'site', site.engine.now())).toMatchObject({
      runs: 0,
      rate: undefined,
    });
  });
});
