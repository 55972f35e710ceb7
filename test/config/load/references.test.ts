import { execFileSync } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test } from '@jest/globals';

import { resolveReference } from '../../../lib/config/load/references.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-references-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function keyFile(content: string, mode: number) {
  const name = join(folder, 'k.key');
  await writeFile(name, content);
  await chmod(name, mode);
  return { scheme: 'file', name } as const;
}

test('reads a variable and a file without the newline at the end', async () => {
  expect(await resolveReference({ scheme: 'env', name: 'KEY' }, { KEY: 'value\n' })).toBe('value');
  expect(await resolveReference(await keyFile('a\nb\n', 0o600), {})).toBe('a\nb');
  expect(await resolveReference(await keyFile('c', 0o400), {})).toBe('c');
});

test.each([0o640, 0o604, 0o660, 0o644])('refuses a key file of mode %o', async (mode) => {
  await expect(resolveReference(await keyFile('canary', mode), {})).rejects.toMatchObject({
    code: 'STORE_DENIED',
    hint: expect.stringContaining('chmod 600'),
    message: expect.not.stringContaining('canary'),
  });
});

test('refuses what is absent or empty', async () => {
  const refused = { code: 'CONFIG_INVALID' };
  await expect(resolveReference({ scheme: 'env', name: 'KEY' }, {})).rejects.toMatchObject(refused);
  await expect(
    resolveReference({ scheme: 'env', name: 'KEY' }, { KEY: ' \n' }),
  ).rejects.toMatchObject(refused);
  await expect(
    resolveReference({ scheme: 'file', name: join(folder, 'none') }, {}),
  ).rejects.toMatchObject(refused);
  await expect(resolveReference(await keyFile('\n', 0o600), {})).rejects.toMatchObject(refused);
});

test('refuses a folder, a FIFO and a huge file instead of waiting or filling the memory', async () => {
  execFileSync('mkfifo', ['-m', '600', join(folder, 'fifo')]);
  const huge = await keyFile('x'.repeat(65 * 1024), 0o600);
  for (const name of [folder, join(folder, 'fifo'), huge.name]) {
    await expect(resolveReference({ scheme: 'file', name }, {})).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    });
  }
});

test.each(['ssm', 'secret'] as const)(
  'says that %s: works inside AWS functions only',
  async (scheme) => {
    await expect(resolveReference({ scheme, name: '/key' }, {})).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('inside AWS functions only'),
    });
  },
);
