// What is not in a backup is said: before it is made, when it is made, when it is shown, and when it is restored.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test } from '@jest/globals';

import { makePlace, type Place } from '../../support/command-line.ts';

let place: Place;
beforeEach(async () => {
  place = await makePlace();
});
afterEach(() => place.remove());

const POINTER = `version https://git-lfs.github.com/spec/v1\noid sha256:${'a'.repeat(64)}\nsize 123456789\n`;

test('secrets, files of Git LFS and submodules are named by every verb that concerns them', async () => {
  await place.write({
    'page.md': '# A\n',
    '.env': 'DB_PASSWORD=Sup3rS3cret!x\n',
    '.env~': 'DB_PASSWORD=Sup3rS3cret!x\n',
    '.env.production': 'NEXT_PUBLIC_URL=https://example.org\n',
    'wp-config.php': "<?php define('DB_PASSWORD', 'Sup3rS3cret!x');\n",
    'content/talk.key': 'PK\x03\x04 a presentation',
    '.gitattributes': '*.psd filter=lfs\n',
    'img/a.psd': POINTER,
    '.gitmodules': '[submodule "x"]\n\tpath = themes/x\n\turl = https://example.org/x\n',
  });
  await mkdir(join(place.site, 'themes/x'), { recursive: true });
  expect(await place.run(['init', '--store', '../store'])).toMatchObject({ exit: 0 });

  const looked = await place.run(['doctor']);
  expect(looked.stdout).toMatch(/not all of it is here: .*img\/a\.psd: lfs-pointer/);
  expect(looked.stdout).toMatch(/themes\/x: submodule/);

  const made = await place.run(['backup', 'site']);
  expect(made.exit).toBe(3);
  expect(made.stdout).toMatch(/problem: img\/a\.psd: lfs-pointer/);
  expect(made.stdout).toMatch(/problem: themes\/x: submodule/);
  expect(made.stdout).toMatch(/left out: \.env: it holds environment variables$/m);
  expect(made.stdout).toMatch(/noted: wp-config\.php: secret-taken: .*is taken/);
  expect(made.stdout).not.toMatch(/talk\.key|\.env\.production/);
  const shown = (await place.run(['show', 'site', '--all'])).stdout;
  expect(shown).toMatch(/left out: \.env~: /);
  for (const path of ['content/talk.key', '.env.production', 'wp-config.php', 'img/a.psd'])
    expect(shown).toContain(`  ${path}\n`);

  const restored = await place.run(['restore', 'site', '--to', '../back']);
  expect(restored.exit).toBe(0);
  expect(restored.stdout).toMatch(/not in the backup, so bring it from elsewhere/);
  for (const path of ['.env', '.env~']) expect(restored.stdout).toContain(`    ${path}: `);
  expect(restored.stderr).toMatch(/is partial; not in it:/);
  for (const path of ['img/a.psd', 'themes/x'])
    expect(restored.stderr).toContain(`warning:   ${path}: `);
  expect(restored.stdout).not.toContain('wp-config.php: ');
  const secret = await place.run(['restore', 'site', '.env', '--in-place']);
  expect(secret.exit).toBe(10);
  expect(secret.stderr).toContain(
    'the backup holds no .env: it was left out, as it holds environment variables',
  );
  expect(secret.stderr).toContain("include: ['**', '.env']");
  expect(await place.json(['restore', 'site', 'img', '--to', '../img'])).toMatchObject({
    leftOut: [{ path: 'img/a.psd', code: 'lfs-pointer' }],
  });
  await writeFile(join(place.site, 'page.md'), '# B\n');
  const over = await place.run(['restore', 'site', 'page.md', '--in-place', '--allow-uncommitted']);
  expect(over.exit).toBe(0);
  expect(over.stdout).not.toContain('not in the backup');
}, 120_000);
