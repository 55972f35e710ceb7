import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { withLocalLock } from '../../../lib/stores/folder/lock.ts';
import { startStoreProcess } from '../../support/store-process.ts';
import { failure } from '../contract.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-lock-'));
});
afterEach(() => rm(folder, { recursive: true }));

const begin = new Date('2026-11-21T02:00:00Z');
const self = { pid: process.pid, host: hostname(), begin };
const file = () => join(folder, '.prune.lock');
const take = <T>(run: () => Promise<T>) => withLocalLock(folder, 'prune', self, run);
const nothing = () => Promise.resolve('done');

/** What a process of this host leaves that was killed while it held the lock. */
async function leaveStaleLock(alter: Record<string, unknown> = {}): Promise<void> {
  const { pid } = spawnSync(process.execPath, ['-e', '0']);
  const content = await take(() => readFile(file(), 'utf8'));
  const own = JSON.parse(content) as Record<string, unknown>;
  await writeFile(file(), `${JSON.stringify({ ...own, pid, processStart: 'x:1', ...alter })}\n`);
}

test('gives what the run gives, and leaves no file behind', async () => {
  expect(await take(nothing)).toBe('done');
  expect(readdirSync(folder)).toEqual([]);
});

test('is given back when the run fails, and passes its error on', async () => {
  const error = new Error('failed');
  await expect(take(() => Promise.reject(error))).rejects.toBe(error);
  expect(readdirSync(folder)).toEqual([]);
});

test('says in its file who holds it, to its owner alone', async () => {
  await take(async () => {
    expect(JSON.parse(await readFile(file(), 'utf8'))).toMatchObject({
      pid: process.pid,
      host: hostname(),
      begin: '2026-11-21T02:00:00.000Z',
    });
    expect(readdirSync(folder)).toEqual(['.prune.lock']);
  });
});

test('refuses a second holder with LOCKED and names the first', async () => {
  await take(async () => {
    const second = take(nothing);
    await expect(second).rejects.toEqual(failure('LOCKED'));
    await expect(second).rejects.toThrow(
      `process ${process.pid} on ${hostname()} since 2026-11-21T02:00:00.000Z`,
    );
    expect(await withLocalLock(folder, 'restore', self, nothing)).toBe('done');
  });
  expect(await take(nothing)).toBe('done');
});

test('takes over the lock of a process of this host that has ended', async () => {
  await leaveStaleLock();
  expect(await take(nothing)).toBe('done');
  expect(readdirSync(folder)).toEqual([]);
});

test('takes over the lock of a process whose number another has now', async () => {
  await leaveStaleLock({ pid: process.pid });
  expect(await take(nothing)).toBe('done');
});

test('takes over a lock although one who tried to has died at it', async () => {
  await leaveStaleLock();
  const stale = await readFile(file(), 'utf8');
  const digest = createHash('sha256').update(stale).digest('hex').slice(0, 16);
  await writeFile(`${file()}.${digest}`, stale.replace('x:1', 'x:2'));
  expect(await take(nothing)).toBe('done');
  expect(readdirSync(folder)).toEqual([]);
});

test('leaves a stale lock alone while another is taking it over', async () => {
  await leaveStaleLock();
  const stale = await readFile(file(), 'utf8');
  const digest = createHash('sha256').update(stale).digest('hex').slice(0, 16);
  const guard = `${file()}.${digest}`;
  await writeFile(
    guard,
    stale.replace(/"pid":\d+/, `"pid":${process.pid}`).replace(/"processStart":"x:1",/, ''),
  );
  await expect(take(nothing)).rejects.toEqual(failure('LOCKED'));
  expect(await readFile(file(), 'utf8')).toBe(stale);
});

test('lets one at a time of many take over, and the others fail with LOCKED', async () => {
  await leaveStaleLock();
  const stale = await readFile(file(), 'utf8');
  let inside = 0;
  let most = 0;
  const enter = async () => {
    most = Math.max(most, (inside += 1));
    for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
    inside -= 1;
  };
  for (let round = 0; round < 100; round += 1) {
    await writeFile(file(), stale);
    const results = await Promise.allSettled(
      Array.from({ length: 8 }, async (_, at) => {
        for (let turn = 0; turn < at * (round % 10); turn += 1) await new Promise(setImmediate);
        await take(enter);
      }),
    );
    expect(results.some(({ status }) => status === 'fulfilled')).toBe(true);
    for (const result of results) {
      if (result.status === 'rejected') expect(result.reason).toEqual(failure('LOCKED'));
    }
  }
  expect(most).toBe(1);
});

test('is never held twice by processes that die while they hold it', async () => {
  const processes = Array.from({ length: 5 }, () => startStoreProcess('take-lock', folder));
  await Promise.all(processes.map(({ ended }) => ended));
  for (const { child, lines, complaints } of processes) {
    expect({ signal: child.signalCode, complaints }).toEqual({ signal: 'SIGKILL', complaints: [] });
    expect(lines).toContain('took');
  }
  expect(existsSync(file())).toBe(true);
  expect(await take(nothing)).toBe('done');
});

test.each([
  ['another host', { host: 'somewhere-else' }],
  ['another container', { pidNamespace: 'pid:[1]' }],
  ['a live process', { pid: process.pid, processStart: undefined }],
])('respects the lock of %s', async (_, alter) => {
  await leaveStaleLock(alter);
  const before = await readFile(file(), 'utf8');
  await expect(take(nothing)).rejects.toEqual(failure('LOCKED'));
  expect(await readFile(file(), 'utf8')).toBe(before);
});

test.each([
  '',
  '{',
  'null',
  '{"pid":-1,"host":"x","begin":"y"}',
  '{"pid":4294967297,"host":"x","begin":"y"}',
  '[]',
])('respects a lock that says %j, as nobody knows whose it is', async (content) => {
  await writeFile(file(), content);
  await expect(take(nothing)).rejects.toEqual(failure('LOCKED'));
  expect(await readFile(file(), 'utf8')).toBe(content);
});

test('does not remove the lock of another who holds it after somebody deleted it by hand', async () => {
  await take(async () => {
    await rm(file());
    await writeFile(file(), 'of another');
  });
  expect(await readFile(file(), 'utf8')).toBe('of another');
});

test('fails with STORE_UNAVAILABLE in a folder that does not exist', async () => {
  const taken = withLocalLock(join(folder, 'absent'), 'prune', self, nothing);
  await expect(taken).rejects.toEqual(failure('STORE_UNAVAILABLE'));
});
