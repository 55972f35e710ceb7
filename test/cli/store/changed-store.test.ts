// A store that is another one than before, was emptied, or stands elsewhere now; and sources that have other names.
import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test } from '@jest/globals';

import { makePlace, type Place } from '../../support/command-line.ts';

let place: Place;
beforeEach(async () => {
  place = await makePlace();
  await place.write({ 'a.txt': 'a' });
  expect(await place.run(['init', '--store', '../store'])).toMatchObject({ exit: 0 });
  expect(await place.run(['backup', 'site', '--no-verify'])).toMatchObject({ exit: 0 });
});
afterEach(() => place.remove());

const store = () => join(place.root, 'store');
const file = () => join(place.site, 'holdfast.yaml');
const edit = async (from: string | RegExp, to: string) =>
  writeFile(file(), (await readFile(file(), 'utf8')).replace(from, to));

test('an emptied store, and another one in its place, are refused and alarm', async () => {
  await rename(store(), join(place.root, 'away'));
  await mkdir(store());
  const empty = await place.run(['backup', 'site']);
  expect(empty.exit).toBe(10);
  expect(empty.stderr).toMatch(/the folder is empty[^]*have gone there since/);
  expect(await readdir(store())).toEqual([]);
  await writeFile(
    join(store(), 'holdfast.json'),
    `{"format":1,"system":"site","id":"${'0'.repeat(32)}"}\n`,
  );
  const another = await place.run(['backup', 'site']);
  expect(another.exit).toBe(1);
  expect(another.stderr).toContain('is another store than the one that was written to there');
  const status = await place.run(['status', 'site']);
  expect(status.exit).toBe(4);
  expect(status.stdout).toContain('alarm: another-store');
  // Said once, it is the right one.
  expect((await place.run(['backup', 'site', '--create-store'])).exit).toBe(0);
  expect((await place.run(['backup', 'site'])).exit).toBe(0);
  // What was in the former one is not here, which nobody should have to remember.
  const after = await place.run(['status', 'site']);
  expect(after.exit).toBe(0);
  expect(after.stdout).toMatch(/^WATCH[^]*former-store: another store was in .* before, since/);
});

test('a store from before there were ids gets one when it is written to, and keeps its marker', async () => {
  const marker = '{"format":1,"system":"site"}\n';
  await writeFile(join(store(), 'holdfast.json'), marker);
  await rm(join(place.home, '.config/holdfast/site.store'));
  expect((await place.run(['list'])).exit).toBe(0);
  expect(await readdir(store())).not.toContain('holdfast-id.json');
  expect((await place.run(['backup', 'site'])).exit).toBe(0);
  expect(await readFile(join(store(), 'holdfast.json'), 'utf8')).toBe(marker);
  const { id } = JSON.parse(await readFile(join(store(), 'holdfast-id.json'), 'utf8')) as {
    id: string;
  };
  const known = await readFile(join(place.home, '.config/holdfast/site.store'), 'utf8');
  expect(known).toContain(id);
});

test('status says what became of the backups in the former store, until they are taken along', async () => {
  await edit(/^store: .*$/m, 'store: ../new-store');
  expect((await place.run(['backup', 'site'])).exit).toBe(10);
  expect((await place.run(['backup', 'site', '--create-store'])).exit).toBe(0);
  const { stdout } = await place.run(['status', 'site']);
  expect(stdout).toContain(`former-store: 1 backup of this system is in ${store()}`);
  const [, command = ''] = /run (cp -an .*?');/.exec(stdout) ?? [];
  expect(command).toBe(`cp -an '${store()}/.' '${place.root}/new-store/'`);
  await cp(store(), join(place.root, 'new-store'), { recursive: true, force: false });
  const after = await place.run(['status', 'site']);
  expect(after.stdout).not.toContain('former-store');
  expect((await place.json(['list']))['backups']).toHaveLength(2);
});

test('a store that was moved as a whole is the same one', async () => {
  await rename(store(), join(place.root, 'moved'));
  await edit(/^store: .*$/m, 'store: ../moved');
  expect((await place.run(['backup', 'site'])).exit).toBe(0);
  expect((await place.run(['status', 'site'])).stdout).not.toContain('former-store');
});

test('a source that has another name now is noticed, and without a configuration nothing is fine', async () => {
  await edit('  site:\n', '  website:\n');
  const { stdout } = await place.run(['status']);
  expect(stdout).toMatch(/not-configured: .*its 1 backup can be restored as before/);
  const key = join(place.home, '.config/holdfast/site.pub');
  const given = ['status', '--store', store(), '--public-key', key];
  const alone = await place.run(given, { cwd: place.home });
  expect(alone.stdout).not.toMatch(/^FINE {2}everything/);
  expect(alone.stdout).toContain('not-judged: there is no configuration');
  expect(alone.stdout).not.toContain('it has no schedule');
});
