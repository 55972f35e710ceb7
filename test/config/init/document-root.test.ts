// Which places a web server would hand out.
import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { afterEach, beforeEach, expect, test } from '@jest/globals';

import { documentRootOf } from '../../../lib/config/init/document-root.ts';

let root: string;
beforeEach(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'holdfast-served-')));
});
afterEach(() => rm(root, { recursive: true }));

test.each([
  ['WordPress', ['www/wp-config.php'], 'www/backups', 'www'],
  ['a site of PHP', ['www/index.php', 'www/composer.json'], 'www/data/backups', 'www'],
  ['pages without a build', ['www/index.html'], 'www/backups', 'www'],
  [
    'a folder of Laravel that is served',
    ['a/artisan', 'a/public/index.php'],
    'a/public/b',
    'a/public',
  ],
  [
    'a site below another one',
    ['public_html/blog/wp-login.php'],
    'public_html/blog/b',
    'public_html',
  ],
  ['Laravel', ['a/artisan', 'a/public/index.php'], 'a/backups', undefined],
  ['Vite, which builds from a page', ['a/index.html', 'a/package.json'], 'a/backups', undefined],
  ['Jekyll', ['a/index.html', 'a/_config.yml'], 'a/backups', undefined],
  ['a folder far below a stray page', ['index.html', 'a/b/x'], 'a/b/backups', undefined],
  ['what is not there yet', [], 'a/b/c', undefined],
])('%s', async (_, files, place, expected) => {
  for (const file of files) {
    await mkdir(dirname(join(root, file)), { recursive: true });
    await writeFile(join(root, file), '');
  }
  const found = await documentRootOf(join(root, place));
  expect(found).toBe(expected === undefined ? undefined : join(root, expected));
});
