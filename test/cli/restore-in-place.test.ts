import { execFileSync } from 'node:child_process';
import { readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test } from '@jest/globals';

import { makePlace, type Place } from '../support/command-line.ts';

let place: Place;
beforeEach(async () => {
  place = await makePlace();
  await place.write({ 'content/a.mdx': '# A\n', 'content/deep/b.mdx': '# B\n' });
  await utimes(join(place.site, 'content/deep'), 1_700_000_000, 1_700_000_000.123456);
  await place.run(['init', '--store', '../store']);
  await place.run(['backup', 'site']);
});
afterEach(() => place.remove());

test.each([[['site']], [['site', 'content']], [['site', 'content/deep/b.mdx']]])(
  'gives back a file that was edited where it stands, and its folder is as it was: %s',
  async (args) => {
    const deep = join(place.site, 'content/deep');
    await writeFile(join(deep, 'b.mdx'), 'overwritten\n');
    const before = (await stat(deep, { bigint: true })).mtimeNs;
    const { exit, stderr } = await place.run(['restore', ...args, '--in-place', '--quiet']);
    expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' });
    expect(await readFile(join(deep, 'b.mdx'), 'utf8')).toBe('# B\n');
    const after = (await stat(deep, { bigint: true })).mtimeNs;
    expect(after / 1000n).toBe(before / 1000n);
    expect((await place.run(['undo'])).exit).toBe(0);
    expect(await readFile(join(deep, 'b.mdx'), 'utf8')).toBe('overwritten\n');
  },
);

function commitAll(): void {
  for (const args of [
    ['init', '--quiet'],
    ['add', '--all'],
    ['commit', '--quiet', '-mx'],
  ])
    execFileSync('git', ['-c', 'user.name=n', '-c', 'user.email=e@example.com', ...args], {
      cwd: place.site,
    });
}

test('what a restore wrote over committed work is no uncommitted change, until somebody edits it', async () => {
  const page = join(place.site, 'content/a.mdx');
  await writeFile(page, 'good work\n');
  commitAll();
  expect((await place.run(['restore', 'site', '--in-place'])).exit).toBe(0);
  expect(await place.run(['undo'])).toMatchObject({ exit: 0, stderr: '' });
  expect(await readFile(page, 'utf8')).toBe('good work\n');
  expect((await place.run(['restore', 'site', '--in-place'])).exit).toBe(0);
  await writeFile(page, 'newer work\n');
  const refused = await place.run(['undo']);
  expect(refused.stderr).toContain('1 uncommitted change would be overwritten: content/a.mdx');
  expect(refused.exit).toBe(1);
});

test('a file that git reports as deleted is restored where the user stands, and a changed one is not', async () => {
  commitAll();
  const deep = join(place.site, 'content/deep');
  await rm(join(deep, 'b.mdx'));
  const { exit, stderr } = await place.run(['restore', 'site', 'b.mdx', '--in-place', '--quiet'], {
    cwd: deep,
  });
  expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' });
  expect(await readFile(join(deep, 'b.mdx'), 'utf8')).toBe('# B\n');
  await writeFile(join(deep, 'b.mdx'), 'changed\n');
  const refused = await place.run(['restore', 'site', 'b.mdx', '--in-place'], { cwd: deep });
  expect(refused.exit).toBe(1);
  expect(refused.stderr).toContain('content/deep/b.mdx');
  // A file that git does not know stands where a committed folder was: that would be lost.
  await rm(deep, { recursive: true });
  await writeFile(deep, 'nobody else has this');
  expect((await place.run(['restore', 'site', 'content', '--in-place'])).exit).toBe(1);
  expect(await readFile(deep, 'utf8')).toBe('nobody else has this');
});
