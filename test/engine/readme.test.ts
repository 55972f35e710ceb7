// What people find who have the store alone: the text is in each store, and its commands restore what was backed up.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { leaveReadme, README_TEXT } from '../../lib/engine/catalog/readme.ts';
import { HoldfastError } from '../../lib/errors.ts';
import { README_KEY } from '../../lib/format/layout.ts';
import { openLocalStore } from '../../lib/stores/folder/store.ts';
import { randomName } from '../../lib/wiring/machine.ts';
import { plant, Scratch } from '../support/archives.ts';
import {
  backUpNow,
  Clock,
  ClockedStore,
  engineOn,
  folderSource,
  keysOf,
  treeOf,
} from '../support/engine.ts';
import { FaultyStore } from '../support/faulty-store.ts';
import { machineTime } from '../support/machine-time.ts';
import { readmeCommands } from '../support/readme.ts';

test('a backup leaves the text in a store that has none, and once', async () => {
  using scratch = new Scratch();
  const clock = new Clock();
  const store = new ClockedStore(clock);
  plant(scratch.at('site'), { a: 'a' });
  const source = folderSource(scratch.at('site'));
  await backUpNow(engineOn(store, clock), source);
  expect(await textIn(store)).toBe(README_TEXT);
  clock.advance(1000);
  await backUpNow(engineOn(store, clock), source);
  expect((await keysOf(store)).filter((key) => key === README_KEY)).toHaveLength(1);
});

test('what stands there already stays', async () => {
  const store = new ClockedStore(new Clock());
  await store.put(README_KEY, Buffer.from('of an older version'));
  await leaveReadme(store);
  expect(await textIn(store)).toBe('of an older version');
});

describe('a store that cannot take it', () => {
  const failing = (code: 'STORE_DENIED' | 'STORE_UNAVAILABLE', failAt: number) =>
    leaveReadme(
      new FaultyStore(new ClockedStore(new Clock()), {
        failAt,
        when: 'before',
        error: new HoldfastError(code, 'refused'),
      }),
    );

  test.each([1, 2])('because of missing rights goes without it (call %i)', async (failAt) => {
    await expect(failing('STORE_DENIED', failAt)).resolves.toBeUndefined();
  });

  test.each([1, 2])('because it fails is an error (call %i)', async (failAt) => {
    await expect(failing('STORE_UNAVAILABLE', failAt)).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
    });
  });
});

test('is plain text that every terminal shows', () => {
  expect(README_TEXT).toMatch(/^[\x20-\x7e\n]+$/);
  for (const line of README_TEXT.split('\n')) expect(line.length).toBeLessThanOrEqual(92);
});

test('its commands check a backup of files, and restore it', async () => {
  using scratch = new Scratch();
  const place = scratch.at('store');
  fs.mkdirSync(place);
  const store = await openLocalStore(place, { random: randomName });
  // The store dates files by the clock of this machine.
  const engine = engineOn(store, new Clock(), { now: machineTime });
  plant(scratch.at('site'), { 'index.html': 'hello', 'posts/first.md': 'first', empty: '' });
  const { manifest } = await backUpNow(engine, folderSource(scratch.at('site')));
  const [see = '', fetch = '', check = ''] = readmeCommands('FIND A BACKUP');
  expect(fetch).toContain('aws s3 cp');
  const target = scratch.at('restored');
  const script = [see, check, ...readmeCommands('RESTORE FILES')]
    .join('\n')
    .replaceAll('/tmp/restored', target);
  const stdout = execFileSync('bash', ['-e', '-o', 'pipefail', '-c', script], {
    cwd: path.join(place, 'backups/site', manifest.id),
    encoding: 'utf8',
  });
  expect(stdout).toContain('"status":"complete"');
  // The archive and the scan.
  expect(stdout.split('\n').filter((line) => line === '1')).toHaveLength(2);
  fs.rmSync(path.join(target, '.holdfast'), { recursive: true });
  expect(treeOf(target)).toEqual(treeOf(scratch.at('site')));
});

async function textIn(store: ClockedStore): Promise<string> {
  const object = await store.head(README_KEY);
  return Buffer.from(await store.read(README_KEY, 0, object?.bytes ?? 0)).toString();
}
