import { afterEach, beforeEach, expect, test } from '@jest/globals';

import { ERRORS } from '../../lib/errors.ts';
import { CONDITION_CODES } from '../../lib/policy/conditions/table.ts';
import { makePlace, type Place } from '../support/command-line.ts';

interface Explained {
  readonly code: string;
  readonly severity: string;
  readonly about: string;
  readonly meaning: string;
  readonly steps: readonly string[];
}

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

test('says of every condition that alarms what it means and what to do', async () => {
  const { conditions } = (await place.json(['explain'])) as { conditions: Explained[] };
  expect(conditions.map(({ code }) => code)).toEqual(CONDITION_CODES);
  for (const { code, severity, meaning, steps, about } of conditions) {
    if (severity === 'alarm')
      expect([code, meaning, steps[0]]).toEqual([
        code,
        expect.stringMatching(/^[A-Z].*\.$/),
        expect.any(String),
      ]);
    expect(`${meaning} ${about}`).not.toMatch(/SOURCE|NAME|LIMIT/);
  }
});

test('explains both where an error and a condition have one name', async () => {
  const { errors, conditions } = await place.json(['explain', 'untrusted']);
  expect([errors, conditions]).toMatchObject([[{ code: 'UNTRUSTED' }], [{ code: 'untrusted' }]]);
});

test('explains a condition with what to do, and where there is more', async () => {
  const { exit, stdout } = await place.run(['explain', 'repaired']);
  expect(exit).toBe(0);
  expect(stdout).toContain('repaired: a backup is damaged, and another one repairs it');
  expect(stdout).toContain('WATCH: worth a look by day');
  expect(stdout).toMatch(/^1\. holdfast status SOURCE/m);
  expect(stdout).toContain('more: docs/runbook.md#a-damaged-backup');
});

test('lists every code when none is named', async () => {
  const { errors } = await place.json(['explain']);
  expect((errors as { code: string }[]).map(({ code }) => code)).toEqual(Object.keys(ERRORS));
});

test('refuses a code that does not exist, and guesses what was meant', async () => {
  const { exit, stderr } = await place.run(['explain', 'BACKUP_DAMAGE']);
  expect(exit).toBe(2);
  expect(stderr).toContain('Did you mean BACKUP_DAMAGED?');
  const other = await place.run(['explain', 'damage']);
  expect(other.stderr).toContain('Did you mean damaged?');
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
