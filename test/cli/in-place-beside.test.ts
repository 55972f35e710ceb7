// What the configuration leaves out is not opened by a restore in place, however much it holds: here nobody could open it.
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test } from '@jest/globals';

import { makePlace, type Place } from '../support/command-line.ts';

let place: Place;
beforeEach(async () => {
  place = await makePlace();
  await place.write({
    'content/a.mdx': '# A\n',
    'content/b.mdx': '# B\n',
    'node_modules/dependency/index.js': 'x',
  });
  expect(await place.run(['init', '--store', '../store'])).toMatchObject({ exit: 0 });
  expect(await place.run(['backup', 'site'])).toMatchObject({ exit: 0 });
  await chmod(join(place.site, 'node_modules'), 0);
});
afterEach(async () => {
  await chmod(join(place.site, 'node_modules'), 0o755);
  await place.remove();
});

test.each([[['content/a.mdx']], [[]]])(
  'a restore in place of %j does not open an excluded folder beside it, nor does undo',
  async (paths) => {
    await writeFile(join(place.site, 'content/a.mdx'), 'overwritten\n');
    const user = { unprivileged: true };
    const restored = await place.run(['restore', 'site', ...paths, '--in-place'], user);
    expect(restored).toMatchObject({ exit: 0, stderr: '' });
    expect(await readFile(join(place.site, 'content/a.mdx'), 'utf8')).toBe('# A\n');
    expect(await place.run(['undo'], user)).toMatchObject({ exit: 0, stderr: '' });
    expect(await readFile(join(place.site, 'content/a.mdx'), 'utf8')).toBe('overwritten\n');
  },
  60_000,
);
