import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { afterEach, beforeEach, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { detectFolder, systemId } from '../../lib/config/detect.ts';
import type { FoundFolder } from '../../lib/config/detect.ts';
import { EXAMPLE_PUBLIC_KEY } from '../../lib/config/example.ts';
import { starterConfig } from '../../lib/config/starter.ts';
import { check, faultsOf } from './support.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'holdfast-starter-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function write(files: Record<string, string>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
}

const OPTIONS = {
  system: 'my-site',
  store: './backups',
  keyPath: '~/.config/holdfast/my-site.key',
  publicKey: EXAMPLE_PUBLIC_KEY,
  keyName: 'laptop',
  onAws: false,
};

test('protects a Next.js site as a whole, its content and its configuration', async () => {
  await write({
    'package.json': JSON.stringify({
      name: '@automatron/website',
      dependencies: { next: '16.0.0' },
    }),
    'package-lock.json': '{}',
    'next.config.mjs': '',
    '.env.example': '',
    '.env': 'SECRET=x',
    '.npmrc': '//registry/:_authToken=x',
    '.git/HEAD': 'ref: refs/heads/main',
    'content/posts/a.mdx': '',
    'public/logo.png': '',
  });
  const found = await detectFolder(folder, {
    DATABASE_URL: 'postgres://app:canary@db/app',
    HOME: '/home/me',
  });
  expect(found).toEqual({
    kind: 'nextjs',
    system: 'automatron-website',
    git: true,
    content: ['content', 'public'],
    configuration: ['package.json', 'package-lock.json', 'next.config.*', '.env.example'],
    postgresVariable: 'DATABASE_URL',
  });
  const text = starterConfig(found, { ...OPTIONS, system: found.system });
  expect(text).not.toContain('canary');
  expect(text).toContain('DATABASE_URL names a Postgres database. It is NOT backed up');
  const { config } = check(text);
  expect(config?.sources).toMatchObject([
    {
      name: 'site',
      include: ['**'],
      rpoMs: 24 * 3_600_000,
      rtoMs: 4 * 3_600_000,
      afterRestore: ['npm ci', 'npm run build'],
    },
    { name: 'content', include: ['content', 'public'], schedule: undefined },
    { name: 'configuration', include: [...found.configuration, 'holdfast.yaml'] },
  ]);
  expect(config?.sources[0]).toMatchObject({
    exclude: expect.arrayContaining(['node_modules', '.next', '.git']),
  });
});

test('sees a Vite site by its dependency and a plain folder by its lack of one', async () => {
  await write({ 'package.json': '{"devDependencies": {"vite": "8"}}', 'pnpm-lock.yaml': '' });
  const vite = await detectFolder(folder, {});
  expect(vite).toMatchObject({ kind: 'vite', git: false, postgresVariable: undefined });
  expect(check(starterConfig(vite, OPTIONS)).config?.sources[0]?.afterRestore[0]).toBe(
    'pnpm install --frozen-lockfile',
  );
  await write({ 'package.json': 'not json' });
  const plain = await detectFolder(folder, {});
  expect(plain.kind).toBe('plain');
  expect(check(starterConfig(plain, OPTIONS)).config?.sources[0]?.afterRestore).toEqual([]);
});

test('writes a configuration without a fault, whatever was found', () => {
  const found: fc.Arbitrary<FoundFolder> = fc.record({
    kind: fc.constantFrom('nextjs', 'vite', 'plain'),
    system: fc.string().map(systemId),
    git: fc.boolean(),
    content: fc.subarray(['content', 'posts', 'src/content', 'public']),
    configuration: fc.subarray(['package.json', 'yarn.lock', 'next.config.*', '.github']),
    postgresVariable: fc.constantFrom(undefined, 'POSTGRES_URL'),
  });
  const options = fc.record({
    name: fc.string(),
    folder: fc
      .string({ unit: 'binary', minLength: 1 })
      .filter((text) => text.isWellFormed() && !text.includes('\0')),
  });
  fc.assert(
    fc.property(found, options, (folderFound, { name, folder: inHome }) => {
      const text = starterConfig(folderFound, {
        ...OPTIONS,
        system: folderFound.system,
        keyName: name,
        keyPath: `~/k/${inHome}.key`,
      });
      expect(faultsOf(text, { folder: '/srv/elsewhere', home: '/home/me' })).toEqual([]);
    }),
    { numRuns: 60 },
  );
});
