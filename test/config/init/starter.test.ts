import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { afterEach, beforeEach, expect, test } from '@jest/globals';
import fc from 'fast-check';

import { detectFolder, systemId, type FoundFolder } from '../../../lib/config/init/detect.ts';
import { ENGINES } from '../../../lib/config/init/engines.ts';
import { EXAMPLE_PUBLIC_KEY } from '../../../lib/config/schema/example.ts';
import { starterConfig } from '../../../lib/config/init/starter.ts';
import { uncommented } from '../../support/uncommented.ts';
import { check, faultsOf } from '../support.ts';

let root: string;
let folder: string;
beforeEach(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), 'holdfast-starter-')));
  folder = join(root, 'site');
  await mkdir(folder);
});
afterEach(() => rm(root, { recursive: true }));

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

const URL_OF_POSTGRES = 'postgres://app:canary@db/app';
const PRISMA = (provider: string, lines: string) =>
  `datasource db {\n  provider = "${provider}"\n${lines}\n}\n`;

test('protects a site by one source, with its content and its configuration ready to be uncommented', async () => {
  await write({
    'package.json': JSON.stringify({
      name: '@automatron/website',
      scripts: { build: 'next build' },
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
  const found = await detectFolder(folder, { DATABASE_URL: URL_OF_POSTGRES, HOME: '/home/me' });
  expect(found).toMatchObject({
    kind: 'nextjs',
    system: 'automatron-website',
    git: true,
    content: ['content', 'public'],
    configuration: ['next.config.*', 'package.json', 'package-lock.json', '.env.example'],
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
    {
      name: 'database',
      connection: { scheme: 'env', name: 'DATABASE_URL' },
      rpoMs: 24 * 3_600_000,
    },
  ]);
  expect(config?.sources[0]).toMatchObject({
    exclude: expect.arrayContaining(['node_modules', '.next', '.git']),
  });
  const withParts = check(uncommented(text, 'content', 'configuration'));
  expect(withParts.faults).toEqual([]);
  expect(withParts.config?.sources).toMatchObject([
    { name: 'site' },
    { name: 'content', include: ['content', 'public'], schedule: undefined },
    { name: 'configuration', include: [...found.configuration, 'holdfast.yaml'] },
    { name: 'database' },
  ]);
});

test('takes a folder whose package.json is no JSON for a plain one', async () => {
  await write({ 'package.json': 'not json' });
  const plain = await detectFolder(folder, {});
  expect(plain.kind).toBe('plain');
  expect(check(starterConfig(plain, OPTIONS)).config?.sources[0]?.afterRestore).toEqual([]);
});

test.each([
  ['.env', 'PG_URL=postgres://u:canary@h/d\n', 'PG_URL'],
  ['.env', 'A=1\nexport POSTGRES_URL = "canary"\n', 'POSTGRES_URL'],
  ['.env.production', 'POSTGRES_PRISMA_URL=postgres://u:canary@h/d\n', 'POSTGRES_PRISMA_URL'],
  [
    '.env.local',
    'POSTGRES_URL="postgres://u:canary@h-pooler/d"\nPOSTGRES_URL_NON_POOLING="postgres://u:canary@h/d"\n',
    'POSTGRES_URL_NON_POOLING',
  ],
  ['apps/web/.env', 'DATABASE_URL=postgresql://u:canary@h/d\n', 'DATABASE_URL'],
  ['.env.example', 'DATABASE_URL=postgres://user:canary@localhost/app\n', 'DATABASE_URL'],
  [
    'prisma/schema.prisma',
    PRISMA('postgresql', '  url = env("POOL_URL")\n  directUrl = env("DIRECT_URL")'),
    'DIRECT_URL',
  ],
  [
    'packages/prisma/schema.prisma',
    PRISMA('postgresql', '  url = env("NEXT_PRIVATE_DATABASE_URL")'),
    'NEXT_PRIVATE_DATABASE_URL',
  ],
  [
    'drizzle.config.ts',
    "export default { dialect: 'postgresql', dbCredentials: { url: process.env.PG_URL! } };",
    'PG_URL',
  ],
  ['supabase/config.toml', 'project_id = "canary"\n', 'DATABASE_URL'],
  [
    'compose.yaml',
    'services:\n  db:\n    image: postgres:16\n    environment: {POSTGRES_PASSWORD: canary}\n',
    'DATABASE_URL',
  ],
  [
    'docker-compose.prod.yml',
    'services:\n  web:\n    environment:\n      - APP_DB_URL=postgres://u:canary@db/app\n  db:\n    image: "docker.io/postgis/postgis:${V:-16}"\n',
    'APP_DB_URL',
  ],
  [
    'config/database.yml',
    'production:\n  adapter: postgresql\n  password: canary\n',
    'DATABASE_URL',
  ],
  [
    'config/database.yml',
    'production:\n  primary:\n    adapter: postgis\n    url: <%= ENV.fetch("MAIN_URL") %>\n  cache:\n    adapter: postgresql\n',
    'MAIN_URL',
  ],
  [
    'mysite/settings.py',
    "DATABASES = {'default': {'ENGINE': 'django.db.backends.postgresql', 'PASSWORD': 'canary'}}",
    'DATABASE_URL',
  ],
  [
    'mysite/settings/base.py',
    "DATABASES = {'default': env.db('MAIN_DB_URL')}\n# postgres",
    'MAIN_DB_URL',
  ],
  [
    'knexfile.js',
    "module.exports = { client: 'pg', connection: process.env.KNEX_URL };",
    'KNEX_URL',
  ],
  [
    'config/database.ts',
    "connection: { client: 'postgres', url: env('STRAPI_DB_URL') }",
    'STRAPI_DB_URL',
  ],
  ['render.yaml', 'databases:\n  - name: app\n', 'DATABASE_URL'],
  ['package.json', '{"dependencies": {"pg": "8"}}', 'DATABASE_URL'],
])(
  'makes a source of what %s says (%#), and copies none of its secrets',
  async (file, content, variable) => {
    await write({ [file]: content });
    const found = await detectFolder(folder, {});
    expect(found.database).toMatchObject({ variable, isSet: false, toldBy: file });
    const isNamed = found.database?.isNamed === true;
    const databaseFile = isNamed ? undefined : '/home/me/shop.database';
    const text = starterConfig(found, { ...OPTIONS, databaseFile });
    expect(text).not.toContain('canary');
    expect(JSON.stringify(found)).not.toContain('canary');
    const open = found.database?.isCertain === true ? text : uncommented(text, 'database');
    expect(check(open).config?.sources.find(({ name }) => name === 'database')).toMatchObject({
      connection: isNamed
        ? { scheme: 'env', name: variable }
        : { scheme: 'file', name: databaseFile },
    });
  },
);

test.each([
  ['.env', 'DB_CONNECTION=mysql\nDB_HOST=canary\n', 'MySQL'],
  ['.env.production', 'DATABASE_URL="mysql://u:canary@h/d"\n', 'MySQL'],
  ['wp-config.php', '<?php define("DB_NAME", "canary");', 'MySQL or MariaDB'],
  ['compose.yml', 'services:\n  db:\n    image: mariadb:11\n', 'MariaDB'],
  ['compose.yml', 'services: {db: {image: "mongo:7"}}', 'MongoDB'],
  ['prisma/schema.prisma', PRISMA('sqlite', '  url = "file:./canary.db"'), 'SQLite'],
  ['prisma/schema.prisma', PRISMA('mongodb', '  url = env("DATABASE_URL")'), 'MongoDB'],
  ['.env', 'MONGODB_URI=mongodb+srv://u:canary@h/d\n', 'MongoDB'],
  ['.env', 'DATABASE_URL=file:./canary.db\n', 'SQLite'],
  ['config/database.yml', 'production:\n  adapter: trilogy\n', 'MySQL'],
  ['shop/settings.py', "'ENGINE': 'django.db.backends.sqlite3'", 'SQLite'],
  ['requirements.txt', 'pymongo==4.6\n', 'MongoDB'],
  ['Gemfile', "gem 'mysql2'\n", 'MySQL'],
])(
  'says that what %s speaks of (%#) is not backed up, and makes no source',
  async (file, content, title) => {
    await write({ [file]: content, '.env.example': 'DATABASE_URL=\n' });
    const found = await detectFolder(folder, {});
    expect(found.database).toBeUndefined();
    expect(found.unsupported).toMatchObject([{ title, toldBy: [file] }]);
    const text = starterConfig(found, OPTIONS);
    expect(text).toContain(`# ${title} is `);
    // A dump in a folder that a web server shows would be one for everybody.
    expect(text).not.toContain('into this folder');
    expect(text).not.toContain('canary');
    expect(check(text).config?.sources.map(({ name }) => name)).toEqual(['site']);
  },
);

test.each([
  ['package.json', '{"dependencies": {"@aws-sdk/lib-dynamodb": "3"}}'],
  ['compose.yml', 'services: {db: {image: "amazon/dynamodb-local:2"}}'],
])('says how DynamoDB is protected, of which %s speaks', async (file, content) => {
  await write({ [file]: content });
  const found = await detectFolder(folder, {});
  expect(found.database).toBeUndefined();
  expect(found.unsupported).toMatchObject([{ title: 'DynamoDB', toldBy: [file] }]);
  expect(starterConfig(found, OPTIONS)).toContain('# DynamoDB is not backed up');
});

test.each([
  ['a URL that may lead to any database', '.env.example', 'DATABASE_URL=\n'],
  ['PostgreSQL', '.env', 'DATABASE_URL=postgres://u:p@h/d\n'],
])('names DynamoDB beside %s', async (_, file, content) => {
  await write({
    [file]: content,
    'package.json': '{"dependencies": {"@aws-sdk/client-dynamodb": "3"}}',
  });
  const found = await detectFolder(folder, {});
  expect(found.database).toMatchObject({ variable: 'DATABASE_URL', toldBy: file });
  expect(found.unsupported).toMatchObject([{ title: 'DynamoDB', toldBy: ['package.json'] }]);
  expect(starterConfig(found, OPTIONS)).toContain('`aws.recoveryPoints`');
});

test('marks a source for a variable that may lead to any database as a comment', async () => {
  await write({ '.env.example': 'DATABASE_URL=\nAPI_URL=https://example.com\n' });
  const found = await detectFolder(folder, {});
  expect(found.database).toMatchObject({ variable: 'DATABASE_URL', isCertain: false });
  const text = starterConfig(found, OPTIONS);
  expect(check(text).config?.sources.map(({ name }) => name)).toEqual(['site']);
  expect(check(uncommented(text, 'database')).config?.sources).toMatchObject([
    { name: 'site' },
    { name: 'database', connection: { scheme: 'env', name: 'DATABASE_URL' } },
  ]);
});

test('names both databases of a site that has two, and what examples and libraries say only where nothing else speaks', async () => {
  await write({
    '.env': 'DATABASE_URL=postgres://u:p@h/d\nMONGO_URL=mongodb://h/d\n',
    '.env.example': 'DB_CONNECTION=sqlite\n',
    'package.json': '{"dependencies": {"mysql2": "3"}}',
  });
  const found = await detectFolder(folder, {});
  expect(found.database).toMatchObject({ variable: 'DATABASE_URL', toldBy: '.env' });
  expect(found.unsupported).toMatchObject([{ title: 'MongoDB', toldBy: ['.env'] }]);
});

test('finds files of SQLite by their first bytes, whatever else the site uses', async () => {
  await write({
    '.env': 'DATABASE_URL=postgres://u:p@h/d\n',
    'storage/production.sqlite3': 'SQLite format 3\0…',
    'content/thumbs.db': 'something else',
  });
  const found = await detectFolder(folder, {});
  expect(found.unsupported).toMatchObject([
    { title: 'SQLite', toldBy: ['storage/production.sqlite3'] },
  ]);
});

test('takes the variable that files speak of where it is set', async () => {
  await write({
    'prisma/schema.prisma': PRISMA(
      'postgresql',
      '  url = env("A")\n  directUrl = env("DIRECT_URL")',
    ),
  });
  const env = { DATABASE_URL: URL_OF_POSTGRES, DIRECT_URL: URL_OF_POSTGRES };
  expect((await detectFolder(folder, env)).database).toMatchObject({
    ...{ variable: 'DIRECT_URL', isSet: true, others: ['DATABASE_URL'] },
  });
});

test('makes a source of each folder outside in which the site keeps uploads', async () => {
  const shared = join(root, 'shared');
  for (const name of ['storage', 'media', 'log'])
    await mkdir(join(shared, name), { recursive: true });
  await write({ artisan: '', '.env': `UPLOAD_DIR=${shared}/media\nAWS_BUCKET=my-uploads\n` });
  await symlink(join(shared, 'storage'), join(folder, 'storage'));
  await symlink(join(shared, 'log'), join(folder, 'log'));
  const found = await detectFolder(folder, {});
  expect(found.uploadsOutside).toEqual([
    { path: `${shared}/storage`, toldBy: 'storage' },
    { path: `${shared}/media`, toldBy: '.env' },
  ]);
  expect(found.buckets).toEqual([{ variable: 'AWS_BUCKET', toldBy: '.env' }]);
  const text = starterConfig(found, OPTIONS);
  expect(text).not.toContain('my-uploads');
  expect(check(text).config?.sources).toMatchObject([
    { name: 'site' },
    { name: 'storage', path: `${shared}/storage` },
    { name: 'media', path: `${shared}/media` },
  ]);
});

test('a folder whose name holds what YAML reads as something else breaks no comment', async () => {
  await write({ 'a\nsources: {}\n#/.env': 'DATABASE_URL=mysql://h/d\n' });
  const text = starterConfig(await detectFolder(folder, {}), OPTIONS);
  expect(text).toContain('MySQL is not backed up');
  expect(check(text).config?.sources.map(({ name }) => name)).toEqual(['site']);
});

test('writes a configuration without a fault, whatever was found', () => {
  const paths = (of: readonly string[]) => fc.subarray([...of]);
  const text = fc
    .string({ unit: 'binary' })
    .filter((one) => one.isWellFormed() && !one.includes('\0'));
  const found: fc.Arbitrary<FoundFolder> = fc.record({
    kind: fc.constantFrom('nextjs', 'vite', 'plain'),
    stacks: fc.constant([]),
    system: fc.string().map(systemId),
    git: fc.boolean(),
    built: paths(['node_modules', '.next', 'dist/**']),
    live: paths(['log/**']),
    content: paths(['content', 'posts', 'src/content', 'public']),
    configuration: paths(['package.json', 'yarn.lock', 'next.config.*', '.github']),
    uploads: paths(['storage', 'public/uploads']),
    uploadsOutside: fc.uniqueArray(
      fc.record({ path: text.map((name) => `/srv/uploads/x${name}`), toldBy: text }),
      {
        maxLength: 4,
        selector: ({ path }) => path,
      },
    ),
    buckets: fc.array(fc.record({ variable: fc.constant('BUCKET'), toldBy: text }), {
      maxLength: 2,
    }),
    afterRestore: paths(['npm ci', 'npm run build']),
    database: fc.option(
      fc.record({
        variable: fc.constantFrom('POSTGRES_URL', 'DATABASE_URL'),
        isSet: fc.boolean(),
        isCertain: fc.boolean(),
        isNamed: fc.boolean(),
        partsIn: fc.constant(undefined),
        toldBy: text,
        others: paths(['A', 'B']),
      }),
      { nil: undefined },
    ),
    unsupported: fc.array(
      fc.record({
        engine: fc.constantFrom(...ENGINES.map(({ id }) => id)),
        title: fc.constant('MySQL'),
        toldBy: fc.array(text, { maxLength: 6 }),
        advice: fc.constant('Dump it.'),
      }),
      { maxLength: 2 },
    ),
  });
  const options = fc.record({ name: fc.string(), inHome: text, onAws: fc.boolean(), file: text });
  fc.assert(
    fc.property(found, options, (folderFound, { name, inHome, onAws, file }) => {
      const written = starterConfig(folderFound, {
        ...OPTIONS,
        ...(onAws && { store: 's3://my-backups?region=eu-central-1' }),
        system: folderFound.system,
        keyName: name,
        keyPath: `~/k/x${inHome}.key`,
        ...(folderFound.database?.isNamed === false && { databaseFile: `~/k/${file}.database` }),
        onAws,
      });
      expect(faultsOf(written, { folder: '/srv/elsewhere', home: '/home/me' })).toEqual([]);
    }),
    { numRuns: 60 },
  );
});

test('offers what AWS Backup protects, which is right once its marks are taken away', async () => {
  const options = { ...OPTIONS, onAws: true, store: 's3://my-backups?region=eu-central-1' };
  const text = starterConfig(await detectFolder(folder, {}), options);
  expect(check(text).config?.aws?.recoveryPoints).toBeUndefined();
  const begin = text.indexOf('  # recoveryPoints:');
  const end = text.indexOf('\n\n', begin);
  const uncommented =
    text.slice(0, begin) + text.slice(begin, end).replace(/^ {2}# /gm, '  ') + text.slice(end);
  const { config, faults } = check(uncommented);
  expect(faults).toEqual([]);
  expect(config?.aws?.recoveryPoints?.selections).toMatchObject([
    { name: 'uploads', kinds: ['s3'], rpoMs: 86_400_000 },
  ]);
});
