import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test } from '@jest/globals';

import { loadConfig, readConfig } from '../../../lib/config/load/load.ts';
import type { LoadOptions } from '../../../lib/config/load/load.ts';
import { describeConfig } from '../../../lib/config/load/show.ts';
import { withSource } from '../support.ts';

let folder: string;
let options: LoadOptions;

beforeEach(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'holdfast-config-')));
  options = { cwd: folder, home: '/home/me', env: {}, now: new Date('2026-01-15T12:00:00Z') };
});
afterEach(() => rm(folder, { recursive: true }));

const named = (system: string) => withSource('').replace('my-site', system);

test('finds the file in the nearest folder above', async () => {
  await mkdir(join(folder, 'a/b'), { recursive: true });
  await writeFile(join(folder, 'holdfast.yml'), named('outer'));
  await writeFile(join(folder, 'a/holdfast.json'), '{"version": 1}');
  await writeFile(join(folder, 'a/holdfast.yaml'), named('inner'));
  const config = loadConfig({ ...options, cwd: join(folder, 'a/b') });
  expect(config).toMatchObject({
    system: 'inner',
    file: join(folder, 'a/holdfast.yaml'),
    store: join(folder, 'a/backups'),
  });
});

test('prefers a flag to a variable and a variable to the file', async () => {
  for (const system of ['flag', 'variable', 'found']) {
    await writeFile(
      join(folder, system === 'found' ? 'holdfast.yaml' : `${system}.yaml`),
      named(system),
    );
  }
  const env = { HOLDFAST_CONFIG: 'variable.yaml', HOLDFAST_STORE: 'from-variable' };
  expect(loadConfig(options)).toMatchObject({ system: 'found', storeFrom: 'file' });
  expect(loadConfig({ ...options, env })).toMatchObject({
    system: 'variable',
    storeFrom: 'variable',
    store: join(folder, 'from-variable'),
  });
  const flags = { configPath: 'flag.yaml', store: '~/from-flag' };
  expect(loadConfig({ ...options, env, ...flags })).toMatchObject({
    system: 'flag',
    storeFrom: 'flag',
    store: '/home/me/from-flag',
  });
});

test('treats an empty variable as none', async () => {
  await writeFile(join(folder, 'holdfast.yaml'), named('found'));
  const env = { HOLDFAST_CONFIG: '', HOLDFAST_STORE: '' };
  expect(loadConfig({ ...options, env })).toMatchObject({
    system: 'found',
    storeFrom: 'file',
  });
});

test('fails with every fault in one error, and gives them as data', async () => {
  await writeFile(join(folder, 'holdfast.yaml'), withSource('rpo: 24x, secrets: maybe'));
  expect(() => loadConfig(options)).toThrow(
    expect.objectContaining({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(
        /has 2 faults:\n {2}holdfast\.yaml:7:\d+: sources\.site\.rpo: .*\n {2}holdfast\.yaml:7:\d+: sources\.site\.secrets: /,
      ),
    }),
  );
  const { faults } = readConfig(options);
  expect(faults[0]).toEqual({
    origin: 'holdfast.yaml',
    line: 7,
    column: 38,
    path: 'sources.site.rpo',
    message: 'got "24x"',
    allowed: 'a duration such as 90m, 24h or 7d',
  });
});

test('fails with a hint when there is no file, or the one named is not one', () => {
  expect(() => loadConfig({ ...options, configPath: 'no.yaml' })).toThrow(
    expect.objectContaining({
      code: 'CONFIG_INVALID',
      message: `--config names ${join(folder, 'no.yaml')}, which is not a file`,
    }),
  );
  expect(() => loadConfig({ ...options, env: { HOLDFAST_CONFIG: '.' } })).toThrow(
    expect.objectContaining({
      code: 'CONFIG_INVALID',
    }),
  );
  expect(() => loadConfig(options)).toThrow(
    expect.objectContaining({
      code: 'CONFIG_INVALID',
      hint: expect.stringContaining('holdfast init'),
    }),
  );
});

test('refuses a file that is not text or far too large', async () => {
  await writeFile(join(folder, 'holdfast.yaml'), Buffer.from([0xff, 0xfe, 0x00]));
  expect(() => loadConfig(options)).toThrow(
    expect.objectContaining({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('not UTF-8'),
    }),
  );
  await writeFile(join(folder, 'holdfast.yaml'), '#'.repeat((1 << 20) + 1));
  expect(() => loadConfig(options)).toThrow(
    expect.objectContaining({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('1048577 bytes'),
    }),
  );
});

test('is described as plain data, with references and without undefined values', async () => {
  await writeFile(join(folder, 'holdfast.yaml'), withSource(''));
  const described = describeConfig(loadConfig(options));
  expect(JSON.parse(JSON.stringify(described))).toEqual(described);
  expect(described).toMatchObject({
    signingKey: 'file:/home/me/.config/holdfast/my-site.key',
    sources: [{ name: 'site' }],
  });
  expect(described).not.toHaveProperty('capacityBytes');
});
