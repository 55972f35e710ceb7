// Two sites with one package name, one machine and one folder for backups; and one that moves.
import { cp, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test } from '@jest/globals';

import { makePlace, type Place } from '../support/command-line.ts';

let place: Place;
beforeEach(async () => {
  place = await makePlace();
  await place.write({ 'package.json': '{"name":"my-app"}', 'a.txt': 'shop' });
  expect(await place.run(['init', '--store', '../store'])).toMatchObject({ exit: 0 });
});
afterEach(() => place.remove());

test('init refuses a second site of the name, and sets it up under another', async () => {
  const cwd = join(place.root, 'blog');
  await mkdir(cwd);
  await writeFile(join(cwd, 'package.json'), '{"name":"my-app"}');
  const refused = await place.run(['init', '--store', '../store-2'], { cwd });
  expect(refused.exit).toBe(2);
  expect(refused.stderr).toContain(`set up already, for another folder: ${place.site}`);
  expect(refused.stderr).toContain('--system');
  const named = ['init', '--system', 'blog'];
  const taken = await place.run([...named, '--store', '../store'], { cwd });
  expect(taken.stderr).toContain('is the store of another system, "my-app"');
  expect((await place.run([...named, '--store', '../store-2'], { cwd })).exit).toBe(0);
  expect(await readFile(join(cwd, 'holdfast.yaml'), 'utf8')).toContain("system: 'blog'");
});

test('a copy of a site with its configuration is stopped, and restores over nothing', async () => {
  expect((await place.run(['backup', 'site'])).exit).toBe(0);
  const cwd = join(place.root, 'staging');
  await cp(place.site, cwd, { recursive: true });
  await writeFile(join(cwd, 'a.txt'), 'staging');
  const backup = await place.run(['backup', 'site'], { cwd });
  expect(backup.exit).toBe(1);
  expect(backup.stderr).toContain(`from another path, ${place.site}`);
  const restore = await place.run(['restore', 'site', '--in-place'], { cwd });
  expect(restore.exit).toBe(1);
  expect(restore.stderr).toContain('code: OTHER_SITE');
  const status = await place.run(['status'], { cwd });
  expect(status.exit).toBe(4);
  expect(status.stdout).toMatch(/^ALARM {2}needs attention: site/);
  expect(status.stdout).toContain(`what stands here, in ${cwd}`);
  expect((await place.run(['status', 'site'])).stdout).toMatch(/^FINE {2}site is as it should be/);
  // It would ask for nothing where a new folder is made.
  const fresh = await place.run(['restore', 'site', '--to', '../x', '--moved'], { cwd });
  expect(fresh.stderr).toContain('--moved means nothing');
  expect(await readFile(join(cwd, 'a.txt'), 'utf8')).toBe('staging');
  // What the hint says works.
  await rename(join(cwd, 'holdfast.yaml'), join(place.root, 'away.yaml'));
  const own = ['init', '--system', 'staging', '--store', '../store-2'];
  expect((await place.run(own, { cwd })).exit).toBe(0);
  expect((await place.run(['backup', 'site'], { cwd })).exit).toBe(0);
  // The refusal is nothing that the other site has to answer for.
  expect((await place.run(['log'])).stdout).not.toContain('failed');
});

test('what every command takes is taken before its name, too', async () => {
  const config = ['--config', join(place.site, 'holdfast.yaml')];
  const first = await place.run([...config, '--json', 'list'], { cwd: place.home });
  expect(first.exit).toBe(0);
  expect(JSON.parse(first.stdout)).toMatchObject({ command: 'list' });
});

test('a site that was moved is backed up again when it says so', async () => {
  expect((await place.run(['backup', 'site'])).exit).toBe(0);
  const cwd = join(place.root, 'moved');
  await rename(place.site, cwd);
  expect((await place.run(['backup', 'site'], { cwd })).stderr).toContain('--moved');
  expect((await place.run(['status'], { cwd })).stdout).toContain('alarm: other-site');
  expect((await place.run(['backup', 'site', '--moved'], { cwd })).exit).toBe(0);
  expect((await place.run(['backup', 'site'], { cwd })).exit).toBe(0);
  expect((await place.run(['status'], { cwd })).stdout).not.toContain('other-site');
});
