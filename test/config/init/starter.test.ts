import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { afterEach, beforeEach, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { detectFolder, systemId } from '../../../lib/config/init/detect.ts';
import type { FoundFolder } from '../../../lib/config/init/detect.ts';
import { EXAMPLE_PUBLIC_KEY } from '../../../lib/config/schema/example.ts';
import { starterConfig } from '../../../lib/config/init/starter.ts';
import { check, faultsOf } from '../support.ts';

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
    database: { variable: 'DATABASE_URL', isSet: true, toldBy: 'the environment' },
  });
  const text = starterConfig(found, { ...OPTIONS, system: found.system });
  expect(text).not.toContain('canary');
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
    {
      name: 'database',
      connection: { scheme: 'env', name: 'DATABASE_URL' },
      rpoMs: 24 * 3_600_000,
    },
  ]);
  expect(config?.sources[0]).toMatchObject({
    exclude: expect.arrayContaining(['node_modules', '.next', '.git']),
  });
});

test('sees a Vite site by its dependency and a plain folder by its lack of one', async () => {
  await write({ 'package.json': '{"devDependencies": {"vite": "8"}}', 'pnpm-lock.yaml': '' });
  const vite = await detectFolder(folder, {});
  expect(vite).toMatchObject({ kind: 'vite', git: false, database: undefined });
  expect(check(starterConfig(vite, OPTIONS)).config?.sources[0]?.afterRestore[0]).toBe(
    'pnpm install --frozen-lockfile',
  );
  await write({ 'package.json': 'not json' });
  const plain = await detectFolder(folder, {});
  expect(plain.kind).toBe('plain');
  expect(check(starterConfig(plain, OPTIONS)).config?.sources[0]?.afterRestore).toEqual([]);
});

test.each([
  ['.env.example', 'DATABASE_URL=canary\n', 'DATABASE_URL'],
  ['.env', 'A=1\nexport POSTGRES_URL = "canary"\n', 'POSTGRES_URL'],
  [
    'prisma/schema.prisma',
    'datasource db {\n  provider = "postgresql"\n  url = env("POOL_URL")\n  directUrl = env("DIRECT_URL")\n}\n',
    'DIRECT_URL',
  ],
  [
    'drizzle.config.ts',
    "export default { dialect: 'postgresql', dbCredentials: { url: process.env.PG_URL! } };",
    'PG_URL',
  ],
  ['supabase/config.toml', 'project_id = "canary"\n', 'DATABASE_URL'],
])('finds a database by %s, and none of its secrets', async (file, content, variable) => {
  await write({ [file]: content });
  const { database } = await detectFolder(folder, { OTHER_URL: 'mysql://canary' });
  expect(database).toEqual({ variable, isSet: false, toldBy: file });
  const text = starterConfig(await detectFolder(folder, {}), OPTIONS);
  expect(text).toContain(`${file} speaks of ${variable}`);
  expect(text).not.toContain('canary');
  expect(check(text).config?.sources.map(({ name }) => name)).not.toContain('database');
  // Without its marks it is a source.
  const uncommented = text.replace(/^ {2}# (database:| {2}\w+: .*)$/gm, '  $1');
  const { config } = check(uncommented);
  expect(config?.sources.find(({ name }) => name === 'database')).toMatchObject({
    connection: { scheme: 'env', name: variable },
  });
});

test('takes the variable that files speak of where it is set, and none for other databases', async () => {
  await write({
    'prisma/schema.prisma':
      'provider = "postgresql"\nurl = env("A")\ndirectUrl = env("DIRECT_URL")',
  });
  const url = 'postgres://app:canary@db/app';
  const env = { DATABASE_URL: url, DIRECT_URL: url };
  expect((await detectFolder(folder, env)).database).toMatchObject({
    ...{ variable: 'DIRECT_URL', isSet: true },
  });
  await write({
    'prisma/schema.prisma': 'provider = "mysql"\nurl = env("DATABASE_URL")',
    'drizzle.config.ts': "export default { dialect: 'sqlite' };",
    '.env.example': 'MYSQL_URL=\nDATABASE_URL_OLD=\n',
  });
  expect((await detectFolder(folder, {})).database).toBeUndefined();
});

test('writes a configuration without a fault, whatever was found', () => {
  const found: fc.Arbitrary<FoundFolder> = fc.record({
    kind: fc.constantFrom('nextjs', 'vite', 'plain'),
    system: fc.string().map(systemId),
    git: fc.boolean(),
    content: fc.subarray(['content', 'posts', 'src/content', 'public']),
    configuration: fc.subarray(['package.json', 'yarn.lock', 'next.config.*', '.github']),
    database: fc.constantFrom(
      undefined,
      { variable: 'POSTGRES_URL', isSet: true, toldBy: 'the environment' },
      { variable: 'DATABASE_URL', isSet: false, toldBy: '.env' },
    ),
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
