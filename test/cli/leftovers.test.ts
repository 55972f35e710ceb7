import { chmod, mkdir, mkdtemp, readdir, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test } from '@jest/globals';

import { findRunLeftovers, sweepRunLeftovers } from '../../lib/cli/leftovers.ts';
import { machineTime } from '../support/machine-time.ts';

const DAY_MS = 86_400_000;
const STAGING = '.site.holdfast-0123456789abcdef';
const ABANDONED = ['holdfast-restore-test-00ff', 'holdfast-repair-00ff', STAGING];
const OTHERS = ['.site.holdfast-safety', '.other.holdfast-0123456789abcdef', 'holdfast-notes'];

let root: string;
beforeEach(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'holdfast-leftovers-')));
  for (const name of [...ABANDONED, ...OTHERS]) {
    await mkdir(join(root, name, 'deep/er'), { recursive: true });
    await writeFile(join(root, name, 'deep/er/file'), 'x');
  }
  // A file of that name is no folder of a run.
  await writeFile(join(root, 'holdfast-repair-file'), 'x');
});
afterEach(() => rm(root, { recursive: true }));

const places = () => ({ scratch: root, targets: [join(root, 'site')] });
const inDays = (days: number) => new Date(machineTime().getTime() + days * DAY_MS);

test('what runs have left is named, and not touched while it may be of one under way', async () => {
  const found = await findRunLeftovers(places(), inDays(0));
  expect(found.map(({ path }) => path).sort()).toEqual(
    ABANDONED.map((name) => join(root, name)).sort(),
  );
  expect(found.every(({ abandoned }) => !abandoned)).toBe(true);
  const before = await readdir(root);
  expect(await sweepRunLeftovers(places(), inDays(0))).toBe(0);
  expect(await readdir(root)).toEqual(before);
});

test('what nobody has changed for a day is removed, and nothing else', async () => {
  expect(await sweepRunLeftovers(places(), inDays(2))).toBe(ABANDONED.length);
  expect((await readdir(root)).sort()).toEqual([...OTHERS, 'holdfast-repair-file'].sort());
  expect(await sweepRunLeftovers(places(), inDays(2))).toBe(0);
});

test('staging inside a folder is found and removed, read-only folders in it too', async () => {
  const inside = join(root, 'site', '.site.holdfast-00112233445566ff');
  await mkdir(join(inside, 'old/closed'), { recursive: true });
  await writeFile(join(inside, 'old/closed/file'), 'x');
  await chmod(join(inside, 'old/closed'), 0o555);
  const found = await findRunLeftovers(places(), inDays(2));
  expect(found.map(({ path }) => path)).toContain(inside);
  await sweepRunLeftovers(places(), inDays(2));
  expect(await readdir(join(root, 'site'))).toEqual([]);
});

test('where a source is a link, what stands beside the folder that it leads to is found', async () => {
  await mkdir(join(root, 'site'));
  await mkdir(join(root, 'links'));
  await symlink(join(root, 'site'), join(root, 'links/current'));
  const targets = [join(root, 'links/current')];
  const found = await findRunLeftovers({ scratch: join(root, 'none'), targets }, inDays(2));
  expect(found).toEqual([{ path: join(root, STAGING), abandoned: true }]);
});

test('there is nothing to find where there is no such folder', async () => {
  const nowhere = { scratch: join(root, 'none'), targets: [join(root, 'none/site')] };
  expect(await findRunLeftovers(nowhere, inDays(2))).toEqual([]);
});
