// Processes that get in each other's way: many on one trigger, one that sleeps through another and a prune, prunes at once.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { failedRuns } from '../../lib/engine/catalog/failed-runs.ts';
import { surveySource } from '../../lib/engine/catalog/survey.ts';
import { verifyBackup } from '../../lib/engine/verify.ts';
import { withLocalLock } from '../../lib/stores/folder/lock.ts';
import { noise } from '../support/archives.ts';
import {
  backUpNow,
  Clock,
  DAY_MS,
  folderSource,
  keysOf,
  listed,
  treeOf,
  unsound,
} from '../support/engine.ts';
import { machineTime } from '../support/machine-time.ts';
import { plantSite } from '../support/small-site.ts';
import { makeSystem, type Ended, type System } from '../support/system.ts';

const TIMEOUT_MS = 240_000;
const AT = '2021-11-01T02:00:00.000Z';
const TRIGGER = ['backup', '--trigger', 'deploy', '--at', AT];

/** Large enough that runs which start together meet. */
function plant(site: string): void {
  plantSite(site);
  for (let n = 0; n < 20; n++) fs.writeFileSync(`${site}/public/${n}.jpg`, noise(400_000, n + 50));
}

interface BackupDocument {
  readonly sources: readonly { outcome?: string; id?: string; verify?: { verdict: string } }[];
}

const documentOf = ({ stdout }: Ended) => JSON.parse(stdout) as BackupDocument;

/** Resolves once the store has something under `prefix`. */
async function stored(system: System, find: (key: string) => boolean): Promise<void> {
  const store = await system.openStore();
  while (!(await keysOf(store, 'backups/')).some(find)) await wait(5);
}

/**
 * A backup of a new trigger that is stopped when its archive is stored and its index is not: so it has confirmed nothing yet.
 * One that was too fast is left to end well, and the next is tried.
 */
async function stoppedBeforeItsIndex(
  system: System,
): Promise<{ trigger: string[] } & ReturnType<System['start']>> {
  for (let minute = 10; minute < 60; minute++) {
    fs.writeFileSync(`${system.site}/public/changed.jpg`, noise(400_000, minute));
    const trigger = ['backup', '--trigger', 'deploy', '--at', `2021-11-01T02:${minute}:00.000Z`];
    const started = system.start([...trigger, '--json']);
    const has = (role: string) => (key: string) =>
      key.includes(`20211101T02${minute}`) && key.includes(`/${role}-`);
    await Promise.race([stored(system, has('archive')), started.ended]);
    started.child.kill('SIGSTOP');
    await wait(50);
    const keys = await keysOf(await system.openStore(), 'backups/');
    if (keys.some(has('archive')) && !keys.some(has('index'))) return { trigger, ...started };
    started.child.kill('SIGCONT');
    expect((await started.ended).exit).toBe(0);
  }
  throw new Error('every backup was faster than its stop');
}

describe('processes at once', () => {
  test(
    'twenty on one trigger make one backup; the others find it there, and all end well',
    async () => {
      using system = makeSystem({ plant });
      const ended = await Promise.all(
        Array.from({ length: 20 }, () => system.run([...TRIGGER, '--json'])),
      );
      expect(ended.map(({ exit, stderr }) => ({ exit, stderr }))).toEqual(
        ended.map(() => ({ exit: 0, stderr: '' })),
      );
      const sources = ended.map((one) => documentOf(one).sources[0]);
      expect(sources.map((one) => one?.outcome).sort()).toEqual([
        ...Array<string>(19).fill('already'),
        'made',
      ]);
      expect(new Set(sources.map((one) => one?.id)).size).toBe(1);
      const store = await system.openStore();
      expect(
        (await keysOf(store, 'backups/')).filter((key) => key.endsWith('/manifest.json')),
      ).toHaveLength(1);
      expect(await unsound(store, new Map(), system)).toEqual([]);
      const { backups, problems } = await surveySource(
        await system.engine(new Clock(machineTime())),
        'site',
      );
      expect(backups.map(({ standing }) => standing)).toEqual(['good']);
      expect(problems).toEqual([]);
      // No failure is on record: those that came late did not fail. Some wrote down that they began.
      const engine = await system.engine(new Clock(machineTime()));
      expect(await failedRuns(engine, 'site', new Date(0))).toEqual([]);
    },
    TIMEOUT_MS,
  );

  test(
    'on different triggers each make their backup, and whoever is later leaves the prune to the other',
    async () => {
      using system = makeSystem({ plant });
      const ended = await Promise.all(
        [1, 2, 3, 4].map((minute) =>
          system.run(['backup', '--json', '--at', AT.replace(':00:', `:0${minute}:`)]),
        ),
      );
      expect(ended.map(({ exit }) => exit)).toEqual([0, 0, 0, 0]);
      for (const one of ended) {
        expect(documentOf(one).sources).toMatchObject([
          { outcome: 'made', verify: { verdict: 'proven' } },
        ]);
      }
      const store = await system.openStore();
      expect(await unsound(store, new Map(), system)).toEqual([]);
      expect((await system.run(['verify', '--all'])).exit).toBe(0);
    },
    TIMEOUT_MS,
  );

  test(
    'prune while others back up, and every backup that is listed is whole',
    async () => {
      using system = makeSystem({ plant: plantSite });
      const engine = await system.engine(new Clock(machineTime()));
      const begin = Date.parse('2026-01-05T12:00:00Z');
      for (let day = 0; day < 12; day++) {
        const made = await backUpNow(engine, folderSource(system.site), {
          at: new Date(begin + day * DAY_MS),
        });
        await verifyBackup(engine, made, 'digest');
      }
      const backups = [1, 2, 3].map((n) =>
        system.run(['backup', '--json', '--at', AT.replace('00.000', `00.00${n}`)]),
      );
      const prunes = [1, 2, 3].map(() => system.run(['prune', '--json']));
      for (const { exit } of await Promise.all(backups)) expect(exit).toBe(0);
      for (const { exit, stdout } of await Promise.all(prunes)) {
        expect([0, 11]).toContain(exit);
        if (exit === 11) expect(stdout).toContain('LOCKED');
      }
      const store = await system.openStore();
      expect(await unsound(store, new Map(), system)).toEqual([]);
      const left = (await listed(store)).map(({ id }) => id);
      expect(left.filter((id) => id.startsWith('20211101'))).toHaveLength(3);
    },
    TIMEOUT_MS,
  );
});

describe('a prune', () => {
  test(
    'ends with 11 while another holds the lock, changes nothing, and says who',
    async () => {
      using system = makeSystem({ plant: plantSite });
      await system.json(['backup']);
      const store = await system.openStore();
      const before = await keysOf(store);
      const holder = { pid: process.pid, host: os.hostname(), begin: machineTime() };
      await withLocalLock(system.folder, 'prune', holder, async () => {
        const { exit, stdout } = await system.run(['prune', '--json']);
        expect(exit).toBe(11);
        expect(stdout).toContain(`process ${process.pid}`);
        // Backups are not harmed by it.
        expect((await system.run(['backup', '--at', AT])).exit).toBe(0);
      });
      expect(await keysOf(store, 'records/prune/')).toEqual(
        before.filter((key) => key.startsWith('records/prune/')),
      );
      expect((await system.run(['prune'])).exit).toBe(0);
    },
    TIMEOUT_MS,
  );

  test(
    'takes over the lock of one that was killed',
    async () => {
      using system = makeSystem({ plant: plantSite });
      await system.json(['backup']);
      // A process that is gone: the lock names it, and nobody has its number.
      const { child, ended } = system.start(['--version']);
      await ended;
      const dead = { pid: child.pid, host: os.hostname(), begin: machineTime().toISOString() };
      const namespace = fs.existsSync('/proc/self/ns/pid')
        ? { pidNamespace: fs.readlinkSync('/proc/self/ns/pid') }
        : {};
      fs.writeFileSync(
        path.join(system.folder, '.prune.lock'),
        `${JSON.stringify({ ...dead, ...namespace })}\n`,
      );
      expect((await system.run(['prune'])).exit).toBe(0);
      expect(fs.existsSync(path.join(system.folder, '.prune.lock'))).toBe(false);
    },
    TIMEOUT_MS,
  );
});

describe('a process that is stopped', () => {
  test(
    'and wakes after another has made its backup, and a prune has run, finds it there',
    async () => {
      using system = makeSystem({ plant });
      const first = system.start([...TRIGGER, '--json']);
      await Promise.race([stored(system, (key) => key.includes('/archive-')), first.ended]);
      first.child.kill('SIGSTOP');
      await wait(50);
      const before = await listed(await system.openStore());
      const second = documentOf(await system.run([...TRIGGER, '--json']));
      expect(second.sources[0]?.outcome).toBe(before.length === 0 ? 'made' : 'already');
      expect((await system.run(['prune'])).exit).toBe(0);
      first.child.kill('SIGCONT');
      const late = await first.ended;
      expect({ exit: late.exit, stderr: late.stderr }).toEqual({ exit: 0, stderr: '' });
      if (before.length === 0) expect(documentOf(late).sources[0]?.outcome).toBe('already');
      const store = await system.openStore();
      expect(await listed(store)).toHaveLength(1);
      expect(await unsound(store, new Map(), system)).toEqual([]);
    },
    TIMEOUT_MS,
  );

  test(
    'for 15 days, and whose artifacts were released meanwhile, lists no backup without them',
    async () => {
      using system = makeSystem({ plant });
      await system.json(['backup', '--at', '2021-10-31T02:00:00Z']);
      const store = await system.openStore();
      const { trigger, child, ended } = await stoppedBeforeItsIndex(system);
      const before = await listed(store);
      const old = new Date(machineTime().getTime() - 15 * DAY_MS);
      for (const key of await keysOf(store, 'backups/')) {
        if (before.some(({ id }) => key.includes(id))) continue;
        // An artifact is no older than its folder: it may be a link to an old file.
        const file = path.join(system.folder, key);
        for (const one of [file, path.dirname(file)]) fs.utimesSync(one, old, old);
      }
      await system.json(['prune']);
      child.kill('SIGCONT');
      const { exit, stdout } = await ended;
      expect({ exit, stdout }).toEqual({
        exit: 1,
        stdout: expect.stringContaining('STORE_UNAVAILABLE'),
      });
      expect(await listed(store)).toEqual(before);
      expect(await unsound(store, new Map(), system)).toEqual([]);
      await system.json(trigger);
      expect(await listed(store)).toHaveLength(before.length + 1);
      expect(treeOf(system.site).length).toBeGreaterThan(0);
    },
    TIMEOUT_MS,
  );
});
