// Restores in place by who may not write beside the site, as in /var/www: kept in a folder of his own, and taken back from there.
import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { asRoot } from '../support/as-root.ts';
import { PLAIN, Premises, type User } from '../support/other-user.ts';

const ROOT: User = { uid: 0, gid: 0 };

/** A site that is backed up and then changed, in a folder that its owner may not write to. */
function plantGuarded(): Premises {
  const premises = new Premises(PLAIN);
  premises.plant({ 'index.html': 'as backed up' });
  premises.backUp();
  fs.chmodSync(premises.root, 0o555);
  change(premises, 'edited');
  return premises;
}

function change(premises: Premises, content: string): void {
  fs.writeFileSync(path.join(premises.site, 'index.html'), content);
}

const RESTORE = ['restore', 'site', '--in-place'];

test('a site in a folder that its owner may not write to is restored in place, and undone', () => {
  using premises = plantGuarded();
  const { exit, text } = premises.run(RESTORE);
  expect({ exit, text }).toEqual({ exit: 0, text: expect.stringContaining('replaced 1 entry') });
  const [, kept = ''] = /kept in (.+)/.exec(text) ?? [];
  expect(path.dirname(kept)).toBe(premises.at('home/.local/state/holdfast/safety'));
  expect(fs.statSync(kept).mode & 0o777).toBe(0o700);
  expect(premises.read('index.html')).toBe('as backed up');
  expect(fs.readdirSync(premises.site).filter((name) => name.includes('.site.'))).toEqual([]);
  expect(premises.run(['undo']).exit).toBe(0);
  expect(premises.read('index.html')).toBe('edited');
  // The undo is a restore like any other.
  expect(premises.run(['undo']).exit).toBe(0);
  expect(premises.read('index.html')).toBe('as backed up');
});

test('undo takes back the last restore, wherever what it replaced is kept', () => {
  using premises = plantGuarded();
  premises.run(RESTORE);
  fs.chmodSync(premises.root, 0o755);
  change(premises, 'edited again');
  expect(premises.run(RESTORE).text).toContain(`kept in ${premises.at('.site.holdfast-safety')}`);
  premises.run(['undo']);
  expect(premises.read('index.html')).toBe('edited again');
});

test('where nothing can be kept, nothing is changed, and what to do is said', () => {
  using premises = plantGuarded();
  const home = premises.at('home');
  fs.chmodSync(home, 0o555);
  const { exit, text } = premises.run(RESTORE);
  expect(exit).toBe(1);
  expect(text).toContain(`may write neither to ${premises.root} nor to ${home}/.local/state`);
  expect(text).toContain('set XDG_STATE_HOME');
  expect(premises.read('index.html')).toBe('edited');
});

asRoot('what root has replaced is left to root, and the owner of the site is told so', () => {
  using premises = plantGuarded();
  premises.run(RESTORE, { as: ROOT });
  change(premises, 'edited again');
  const nothing = premises.run(['undo']);
  expect({ exit: nothing.exit, text: nothing.text }).toEqual({
    exit: 10,
    text: expect.stringContaining('belongs to another user'),
  });
  // His own restore works beside it.
  expect(premises.run(RESTORE).exit).toBe(0);
  const { exit, text } = premises.run(['undo']);
  expect({ exit, text }).toEqual({
    exit: 0,
    text: expect.stringContaining('restores by that user are not looked at'),
  });
  expect(premises.read('index.html')).toBe('edited again');
});
