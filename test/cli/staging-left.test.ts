// What a killed restore in place leaves inside a site, where that is a mount point or holds one, is no part of the site.
import fs from 'node:fs';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { wholeTree } from '../../lib/sources/tree/opened-archive.ts';
import { PLAIN, Premises } from '../support/other-user.ts';

const STAGING = '.site.holdfast-0123456789abcdef';

test('staging that a killed restore left inside a site is not backed up, and doctor names it', () => {
  using premises = new Premises(PLAIN);
  premises.plant({
    page: 'the page',
    'uploads/photo': 'a photo',
    [`${STAGING}/new/page`]: 'half a page',
    [`uploads/${STAGING}/old/0`]: 'what gave way',
    // Not a name that a run gives.
    '.site.holdfast-notes/note': 'a note',
  });
  expect(premises.run(['init', '--store', '../store']).exit).toBe(0);
  const made = premises.run(['backup', 'site']);
  expect(made.exit).toBe(0);
  expect(made.text).toContain(`${STAGING}/: skipped: a restore by Holdfast works in this folder`);
  expect(premises.run(['restore', 'site', '--to', '../out']).exit).toBe(0);
  const restored = fs.readdirSync(premises.at('out'), { recursive: true }).map(String).sort();
  const wanted = ['.site.holdfast-notes', '.site.holdfast-notes/note', 'holdfast.yaml', 'page'];
  expect(restored).toEqual([...wanted, 'uploads', 'uploads/photo']);
  expect(premises.run(['diff', 'site', '--live', '--exit-code']).exit).toBe(0);
  expect(premises.run(['doctor']).text).toContain(
    `${path.join(premises.site, STAGING)} is of a run that is under way, or was killed`,
  );
  // Nobody may remove what a run may still need.
  expect(fs.existsSync(path.join(premises.site, STAGING, 'new/page'))).toBe(true);
});

test('what stands in a restored folder is looked at whole, since an earlier backup may hold staging', () => {
  using premises = new Premises(PLAIN);
  premises.plant({ [`${STAGING}/new/page`]: 'half a page' });
  const found = wholeTree(premises.site, (problem) => expect(problem).toBeUndefined());
  expect([...found].map((one) => one.path)).toContain(`${STAGING}/new/page`);
});
