import { readFile, stat, utimes, writeFile } from 'node:fs/promises';
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
