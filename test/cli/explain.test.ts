import { afterEach, beforeEach, expect, test } from '@jest/globals';

import { ERRORS } from '../../lib/errors.ts';
import { makePlace, type Place } from '../support/command-line.ts';

let place: Place;
beforeEach(async () => {
  place = await makePlace();
});
afterEach(() => place.remove());

test('explains an error with what to do, without a configuration', async () => {
  const { exit, stdout } = await place.run(['explain', 'backup-damaged']);
  expect(exit).toBe(0);
  expect(stdout).toContain('BACKUP_DAMAGED: stored bytes do not match what was signed');
  expect(stdout).toContain('exit code 4');
  expect(stdout).toMatch(/^1\. Run `holdfast verify/m);
});

test('lists every code when none is named', async () => {
  const { errors } = await place.json(['explain']);
  expect((errors as { code: string }[]).map(({ code }) => code)).toEqual(Object.keys(ERRORS));
});

test('refuses a code that does not exist, and guesses what was meant', async () => {
  const { exit, stderr } = await place.run(['explain', 'BACKUP_DAMAGE']);
  expect(exit).toBe(2);
  expect(stderr).toContain('Did you mean BACKUP_DAMAGED?');
});

test('shows the main path when called without a command', async () => {
  const { exit, stdout } = await place.run([]);
  expect(exit).toBe(0);
  const help = (await place.run(['--help'])).stdout;
  const named = [...stdout.matchAll(/^ {2}holdfast (\w+)/gm)].map(([, name]) => name ?? '');
  expect(named).toEqual(expect.arrayContaining(['init', 'doctor', 'backup', 'restore', 'explain']));
  for (const name of named) expect(help).toContain(`\n  ${name} `);
});

test('ends as it would when nobody reads on', async () => {
  const { exit, stderr } = await place.run(['explain'], { unread: true });
  expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' });
});
