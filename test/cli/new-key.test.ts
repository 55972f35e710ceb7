// A key that is lost: what is said, and a new one that takes its place without losing what the other signed.
import { chmod, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test } from '@jest/globals';

import { makePlace, type Place } from '../support/command-line.ts';

let place: Place;
beforeEach(async () => {
  place = await makePlace();
  await place.write({ 'package.json': '{"name":"shop"}' });
  await place.run(['init', '--store', '../store']);
  await place.run(['backup']);
  await rm(key());
});
afterEach(() => place.remove());

const keys = () => join(place.home, '.config/holdfast');
const key = () => join(keys(), 'shop.key');
const config = () => join(place.site, 'holdfast.yaml');
const standings = async () =>
  ((await place.json(['list'])) as { backups: { standing: string }[] }).backups.map(
    ({ standing }) => standing,
  );

test.each([[['init']], [['backup']]])('%j says what to do', async (args) => {
  const { exit, stderr } = await place.run(args);
  expect(exit).toBe(2);
  expect(stderr).toContain(key());
  expect(stderr).toContain('`holdfast init --new-key`');
});

test.each([['init'], ['backup']])(
  '%s --new-key makes one, and what the lost one signed still counts',
  async (command) => {
    const before = await readFile(config(), 'utf8');
    const former = await readFile(join(keys(), 'shop.pub'), 'utf8');
    expect(await place.run([command, '--new-key'])).toMatchObject({ exit: 0 });
    const after = await readFile(config(), 'utf8');
    // Nothing but an entry was added.
    const added = after.split('\n').filter((line) => !before.split('\n').includes(line));
    expect(added).toHaveLength(2);
    expect(after.match(/prefixes: \['backups\/', 'records\/', 'incidents\/'\]/g)).toHaveLength(2);
    expect(await readFile(join(keys(), 'shop.former.pub'), 'utf8')).toBe(former);
    expect((await place.run(['backup'])).exit).toBe(0);
    expect(await standings()).toEqual(Array(command === 'backup' ? 3 : 2).fill('good'));
    const again = await place.run([command, '--new-key']);
    expect(again).toMatchObject({ exit: 2 });
    expect(again.stderr).toContain('is there, so it is not lost');
  },
);

test('without a configuration, init refuses a system whose private key is gone, and --new-key trusts what that signed', async () => {
  await rm(config());
  const refused = await place.run(['init', '--store', '../store']);
  expect(refused.exit).toBe(2);
  expect(refused.stderr).toContain('is lost: only its public half is there');
  expect(refused.stderr).toContain('--new-key');
  expect(await readdir(place.site)).not.toContain('holdfast.yaml');
  expect(await place.run(['init', '--new-key', '--store', '../store'])).toMatchObject({ exit: 0 });
  expect(await readFile(config(), 'utf8')).toContain("name: 'shop-former'");
  expect((await place.run(['backup'])).exit).toBe(0);
  expect(await standings()).toEqual(['good', 'good']);
});

test('--new-key with --dry-run, and where it may not write, changes nothing', async () => {
  const before = [await readdir(keys()), await readFile(config(), 'utf8')];
  for (const command of ['init', 'backup'])
    expect((await place.run([command, '--new-key', '--dry-run'])).exit).toBe(0);
  await chmod(place.site, 0o555);
  const { exit } = await place.run(['init', '--new-key'], { unprivileged: true });
  expect(exit).not.toBe(0);
  expect([await readdir(keys()), await readFile(config(), 'utf8')]).toEqual(before);
});

test.each([
  ["trust: [{ name: 'laptop', publicKey: 'KEY', prefixes: ['backups/', 'records/'] }]"],
  [
    'trust:\r\n- name: laptop # mine\r\n  prefixes:\r\n    - backups/\r\n    - records/\r\n  publicKey: KEY # of 2026\r\n# the end',
  ],
])('adds the key to a list that is written otherwise: %j', async (list) => {
  const text = await readFile(config(), 'utf8');
  const publicKey = /publicKey: '(.*)'/.exec(text)?.[1] ?? '';
  const other = list.replace('KEY', publicKey);
  await writeFile(config(), text.replace(/trust:\n(?: {2}.*\n)+/, `${other}\n`));
  expect(await place.run(['init', '--new-key'])).toMatchObject({ exit: 0 });
  expect((await place.run(['backup'])).exit).toBe(0);
  expect(await standings()).toEqual(['good', 'good']);
  if (list.includes('# mine')) {
    const after = await readFile(config(), 'utf8');
    for (const comment of ['# mine', '# of 2026\r\n- name:', '# the end'])
      expect(after).toContain(comment);
  }
});
