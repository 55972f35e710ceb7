import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test } from '@jest/globals';

import { makePlace, type Place } from '../support/command-line.ts';

let place: Place;
beforeEach(async () => {
  place = await makePlace();
  await place.run(['init']);
});
afterEach(() => place.remove());

async function edit(change: (text: string) => string): Promise<void> {
  const file = join(place.site, 'holdfast.yaml');
  await writeFile(file, change(await readFile(file, 'utf8')));
}

test('lists every fault at once, each with its line', async () => {
  await edit((text) => text.replace('rpo: 24h', 'rpo: 24x').replace('daily: 7', 'dayly: 7'));
  const { exit, stdout } = await place.run(['config', 'validate']);
  expect(exit).toBe(2);
  expect(stdout).toMatch(/^holdfast\.yaml:\d+:\d+: sources\.site\.rpo: got "24x"/m);
  expect(stdout).toMatch(/^holdfast\.yaml:\d+:\d+: retention\.dayly: unknown key/m);
  const document = await place.json(['config', 'validate']);
  expect(document).toMatchObject({ command: 'config validate', valid: false });
  expect(document['faults']).toHaveLength(2);
  expect((await place.run(['config', 'show'])).exit).toBe(2);
});

test('shows what is in effect, and where the key is instead of the key', async () => {
  const env = { HOLDFAST_STORE: join(place.root, 'elsewhere') };
  const { exit, stdout } = await place.run(['config', 'show'], { env });
  expect(exit).toBe(0);
  expect(stdout).toContain(`signingKey: file:${place.home}/.config/holdfast/site.key`);
  expect(stdout).toContain('storeFrom: variable');
  expect(stdout).not.toContain('PRIVATE');
  const { config } = await place.json(['config', 'show'], { env });
  expect(config).toMatchObject({ system: 'site', store: join(place.root, 'elsewhere') });
});

test('says that there is no configuration, and what makes one', async () => {
  const { exit, stderr } = await place.run(['config', 'validate'], { cwd: place.home });
  expect(exit).toBe(2);
  expect(stderr).toContain('holdfast init');
});

test('refuses an action that it does not know', async () => {
  const { exit, stderr } = await place.run(['config', 'edit']);
  expect(exit).toBe(2);
  expect(stderr).toContain('validate, show');
});
