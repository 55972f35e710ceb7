import { execFileSync } from 'node:child_process';
import { chmod, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test } from '@jest/globals';

import { makePlace, type Place } from '../support/command-line.ts';

let place: Place;
beforeEach(async () => {
  place = await makePlace();
  await place.write({
    'package.json':
      '{\n  "name": "shop",\n  "scripts": {\n    "dev": "next dev"\n  },\n  "dependencies": { "next": "16.0.0" }\n}\n',
    'content/a.mdx': '# A\n',
  });
});
afterEach(() => place.remove());

const keyPath = () => join(place.home, '.config/holdfast/shop.key');
const read = (...parts: string[]) => readFile(join(...parts), 'utf8');
const modeOf = async (path: string) => ((await stat(path)).mode & 0o777).toString(8);

test('sets up a site so that a backup, a verify and a restore work at once', async () => {
  execFileSync('git', ['init', '-q'], { cwd: place.site });
  const made = await place.run(['init', '--scripts']);
  expect(made).toMatchObject({ exit: 0 });
  expect(made.stdout).toContain('shop  a Next.js site under git');
  expect(await modeOf(keyPath())).toBe('600');
  expect(await modeOf(join(place.home, '.config/holdfast'))).toBe('700');
  expect(await read(place.home, '.config/holdfast/shop.pub')).toMatch(/^-----BEGIN PUBLIC KEY/);
  expect(await read(place.site, '.gitignore')).toBe('# The store of Holdfast\n/backups/\n');
  expect(await read(place.site, 'package.json')).toContain('"backup:verify": "holdfast verify"');
  expect(await read(place.site, 'holdfast.yaml')).not.toContain('PRIVATE');

  expect((await place.run(['config', 'validate'])).exit).toBe(0);
  expect((await place.run(['backup'])).exit).toBe(0);
  expect((await place.run(['verify'])).exit).toBe(0);
  const restored = await place.run(['restore', 'site', 'content', '--to', '../restored']);
  expect(restored).toMatchObject({ exit: 0 });
  expect(await read(place.root, 'restored/content/a.mdx')).toBe('# A\n');
  // The store in the working tree is neither in the repository nor in the backup.
  const status = execFileSync('git', ['status', '--porcelain'], {
    cwd: place.site,
    encoding: 'utf8',
  });
  expect(status).not.toContain('backups');
});

test('names commands to go on with that exist', async () => {
  const { next } = await place.json(['init', '--dry-run']);
  const help = (await place.run(['--help'])).stdout;
  expect(next).toHaveLength(4);
  for (const command of next as string[])
    expect(help).toContain(`\n  ${/holdfast (\S+)/.exec(command)?.[1] ?? '-'} `);
});

test('writes nothing with --dry-run, and shows the configuration', async () => {
  const before = await readdir(place.site);
  const { exit, stdout } = await place.run(['init', '--scripts', '--dry-run']);
  expect(exit).toBe(0);
  expect(stdout).toContain("system: 'shop'");
  expect(await readdir(place.site)).toEqual(before);
  expect(await readdir(place.home)).toEqual([]);
});

test('refuses to touch a configuration that is there, and leaves no key behind', async () => {
  await place.write({ 'holdfast.yml': 'mine' });
  const { exit, stderr } = await place.run(['init']);
  expect(exit).toBe(2);
  expect(stderr).toContain('holdfast.yml exists already');
  expect(stderr).toMatch(/edit `store` .* `holdfast backup --create-store` once/);
  expect(await read(place.site, 'holdfast.yml')).toBe('mine');
  expect(await readdir(place.home)).toEqual([]);
});

test('uses the key of an earlier run, and never overwrites one', async () => {
  await place.run(['init']);
  const key = await read(keyPath());
  const config = await read(place.site, 'holdfast.yaml');
  await mkdir(join(place.root, 'clone'));
  await writeFile(join(place.root, 'clone/package.json'), '{"name":"shop"}');
  // Otherwise two folders would be one system.
  await rm(join(place.site, 'holdfast.yaml'));
  const again = await place.run(['init'], { cwd: join(place.root, 'clone') });
  expect(again.stdout).toContain('kept');
  expect(await read(keyPath())).toBe(key);
  const publicKey = /publicKey: '(.*)'/.exec(config)?.[1] ?? '-';
  expect(await read(place.root, 'clone/holdfast.yaml')).toContain(publicKey);
});

test('refuses a key that others can read, and a file that holds none', async () => {
  await mkdir(join(place.home, '.config/holdfast'), { recursive: true });
  await writeFile(keyPath(), 'not a key', { mode: 0o600 });
  const none = await place.run(['init']);
  expect(none).toMatchObject({ exit: 2 });
  expect(none.stderr).toContain('holds no ECDSA P-256 private key');
  await chmod(keyPath(), 0o644);
  const open = await place.run(['init']);
  expect(open.exit).toBe(12);
  expect(open.stderr).toContain('chmod 600');
  expect(await readdir(place.site)).not.toContain('holdfast.yaml');
});

test('leaves its key out of the backup of a home folder, which holds it', async () => {
  await writeFile(join(place.home, 'notes.txt'), 'x');
  expect(await place.run(['init'], { cwd: place.home })).toMatchObject({ exit: 0 });
  const config = await read(place.home, 'holdfast.yaml');
  expect(config).toContain("- '.config/holdfast'");
  expect((await place.run(['backup'], { cwd: place.home })).exit).toBe(0);
  await place.run(['restore', 'site', '--to', '../restored'], { cwd: place.home });
  expect(await readdir(join(place.root, 'restored'), { recursive: true })).toEqual([
    '.config',
    'holdfast.yaml',
    'notes.txt',
  ]);
});

test('puts the key where XDG_CONFIG_HOME says, and the store where --store says', async () => {
  const env = { XDG_CONFIG_HOME: join(place.root, 'xdg') };
  const made = await place.run(['init', '--store', '../store'], { env });
  expect(made.exit).toBe(0);
  expect(await readdir(join(place.root, 'xdg/holdfast'))).toEqual([
    'shop.key',
    'shop.pub',
    'shop.store',
  ]);
  expect(await read(place.site, 'holdfast.yaml')).toContain(`store: '${place.root}/store'`);
  expect(await readdir(place.site)).not.toContain('.gitignore');
  expect((await place.run(['backup'], { env })).exit).toBe(0);
});

test('refuses a store that would hold the site, and one that holds something else', async () => {
  const around = await place.run(['init', '--store', '..']);
  expect(around).toMatchObject({ exit: 2 });
  expect(around.stderr).toContain('lies in the store');
  await place.write({ 'backups/old.tar.gz': 'x' });
  const taken = await place.run(['init']);
  expect(taken).toMatchObject({ exit: 2 });
  expect(taken.stderr).toContain('holds something else');
  expect(await readdir(place.home)).toEqual([]);
});

test('adds one line to a .gitignore, once', async () => {
  execFileSync('git', ['init', '-q'], { cwd: place.site });
  await place.write({ '.gitignore': 'node_modules' });
  await place.run(['init']);
  expect(await read(place.site, '.gitignore')).toBe(
    'node_modules\n\n# The store of Holdfast\n/backups/\n',
  );
});

test('refuses --scripts where there is no package.json, and a folder that does not exist', async () => {
  const scripts = await place.run(['init', '--scripts'], { cwd: place.home });
  expect(scripts).toMatchObject({ exit: 2 });
  expect(scripts.stderr).toContain('needs a package.json');
  const absent = await place.run(['init', 'nowhere']);
  expect(absent).toMatchObject({ exit: 2 });
  expect(absent.stderr).toContain('is no folder that can be read');
});

test('writes a configuration for AWS whose store the stack makes', async () => {
  const made = await place.run(['init', '--aws', 'shop-backups', '--region', 'eu-central-1']);
  expect(made).toMatchObject({ exit: 0 });
  expect(made.stdout).toMatch(
    /^ {2}holdfast deploy .*\n {2}holdfast doctor .*\n {2}holdfast backup /m,
  );
  const text = await read(place.site, 'holdfast.yaml');
  expect(text).toContain("store: 's3://shop-backups?region=eu-central-1'");
  // The key of this machine vouches for what it backs up, and for no proof.
  expect(text).toMatch(/prefixes: \['backups\/site\/', .*'records\/backup\/'/);
  expect(text).not.toMatch(/prefixes: .*verify/);
  const shown = await place.json(['config', 'show']);
  expect(shown).toMatchObject({
    config: { aws: { region: 'eu-central-1', lockDays: 14 }, sources: [{ name: 'site' }] },
  });
  expect(await readdir(place.site)).not.toContain('backups');
  // What `holdfast synth` writes there is nobody's work.
  expect(text).toMatch(/^ {6}- 'cdk\.out'$/m);
  expect(made.stderr).toContain('nobody gets a message when an alarm of the stack goes off');
});

test('makes up the name of a bucket that nobody has, where none is given', async () => {
  const env = { AWS_REGION: 'eu-central-1' };
  const made = await place.run(['init', '--aws', '--system', 'shop'], { env });
  expect(made).toMatchObject({ exit: 0 });
  expect(await read(place.site, 'holdfast.yaml')).toMatch(
    /^store: 's3:\/\/shop-backups-[0-9a-f]{6}\?region=eu-central-1'$/m,
  );
});

test('leaves an app of the CDK alone, and says how the backups get into one of its stacks', async () => {
  await place.write({ 'cdk.json': '{"app": "npx tsx bin/shop.ts"}', 'backups/README.md': '' });
  const args = ['init', 'backups', '--aws', 'shop-backups', '--region', 'eu-central-1', '--json'];
  const { stdout } = await place.run(args);
  const { next, construct } = JSON.parse(stdout) as { next: string[]; construct: string[] };
  expect(construct).toContain(
    "new Holdfast(this, 'Backups', { configFile: 'backups/holdfast.yaml' });   // in its constructor",
  );
  expect(next[0]).toMatch(/^cd \S+ && holdfast deploy .*in a stack of its own$/);
  expect(stdout).not.toContain('cdk deploy');
});

test('names npx only where npm has installed Holdfast, so that no registry is asked', async () => {
  expect(String((await place.json(['init', '--dry-run']))['next'])).not.toContain('npx');
  await place.write({ 'node_modules/.bin/holdfast': '' });
  const { next } = await place.json(['init', '--dry-run']);
  expect((next as string[]).every((command) => command.startsWith('npx holdfast '))).toBe(true);
});

test.each([
  ['without a region', ['--aws', 'shop-backups'], '--aws needs to know the region'],
  ['with a region alone', ['--region', 'eu-central-1'], '--region is for a store on AWS'],
  ['with two stores', ['--aws', 'b-1', '--store', '/b', '--region', 'x'], 'both say where'],
  [
    'with a name that is not one',
    ['--aws', 'My_Bucket', '--region', 'eu-central-1'],
    'no name of a',
  ],
])('refuses AWS %s, and writes nothing', async (_, args, message) => {
  const { exit, stderr } = await place.run(['init', ...args]);
  expect(exit).toBe(2);
  expect(stderr).toContain(message);
  expect(await readdir(place.home)).toEqual([]);
});

test('names the databases that it saw, and what has to be done before they are backed up', async () => {
  await place.write({
    '.env': 'PG_URL=postgres://u:canary@h/d\n',
    'compose.yaml': 'services: {cache: {image: "mongo:7"}}\n',
  });
  const { stdout, stderr } = await place.run(['init', '--store', '../store']);
  expect(stdout).toContain('found PostgreSQL in .env: the source "database" reads env:PG_URL');
  expect(stderr).toContain('only where PG_URL is set in the environment');
  expect(stderr).toContain('MongoDB is not backed up (seen in compose.yaml)');
  expect(stdout + stderr).not.toContain('canary');
  const { exit, stderr: failed } = await place.run(['backup']);
  expect(exit).toBe(2);
  expect(failed).toContain('database was not backed up: env:PG_URL is not set');
});

test('makes the URL of a database from the parts in .env, encoded, and never over one that is there', async () => {
  const file = join(place.home, '.config/holdfast/shop.database');
  await place.write({
    '.env':
      "DB_CONNECTION=pgsql\nDB_HOST=h\nDB_DATABASE=d\nDB_USERNAME=u\nDB_PASSWORD='p@canary'\n",
  });
  const dry = await place.run(['init', '--dry-run', '--json']);
  expect(JSON.parse(dry.stdout)).toMatchObject({ databaseFile: { path: file, change: 'create' } });
  const made = await place.run(['init', '--store', '../store']);
  expect(made.stdout).toContain(`created ${file}: the URL of the database, from the parts in .env`);
  expect(made.stderr).not.toContain('the database is backed up');
  expect(await read(place.site, 'holdfast.yaml')).toContain(
    "connection: 'file:~/.config/holdfast/shop.database'",
  );
  expect(await read(file)).toBe('postgres://u:p%40canary@h/d\n');
  expect(await modeOf(file)).toBe('600');
  for (const text of [
    dry.stdout,
    made.stdout,
    made.stderr,
    await read(place.site, 'holdfast.yaml'),
  ])
    expect(text).not.toContain('canary');
  await writeFile(file, 'mine');
  await rm(join(place.site, 'holdfast.yaml'));
  expect((await place.run(['init', '--store', '../store'])).stdout).toContain(`kept ${file}`);
  expect(await read(file)).toBe('mine');
});

test('says how to make the file with the URL where a part is missing', async () => {
  await place.write({ 'compose.yaml': 'services: {db: {image: "postgres:17"}}\n' });
  const { stderr } = await place.run(['init', '--store', '../store']);
  expect(stderr).toMatch(/run `install -m 600 \/dev\/null \S+shop\.database` .*%40.* for @/);
});

test('says which secrets are not in the backup, and the form of include that takes them in works', async () => {
  await place.write({ '.env': 'APP_KEY=base64:c2VjcmV0LWNhbmFyeQ==\n' });
  const { stderr } = await place.run(['init', '--store', '../store']);
  const told = /not in the backup, .*: \.env\. .* by `(include: .*)` in the source/.exec(
    stderr,
  )?.[1];
  const config = join(place.site, 'holdfast.yaml');
  await writeFile(config, (await read(config)).replace('secrets: exclude', told ?? '-'));
  const { sources } = await place.json(['backup', '--dry-run']);
  expect(sources).toMatchObject([{ files: 4, problems: [] }]);
});

test('puts the store beside a site that a web server serves as a whole, and warns where the user wants it there', async () => {
  await place.write({ 'wp-config.php': '<?php', 'index.php': '' });
  const store = join(place.root, 'backups-shop');
  const made = await place.run(['init']);
  expect(made.stdout).toContain(`created ${store}: the store, where backups go; not in the site`);
  expect(await read(place.site, 'holdfast.yaml')).toContain(`store: '${store}'`);
  await rm(join(place.site, 'holdfast.yaml'));
  const there = await place.run(['init', '--dry-run', '--store', './backups']);
  expect(there.stderr).toContain('anybody could download the backups');
});

test('puts the store into the home folder where nobody may write beside a served site', async () => {
  await place.write({ 'index.php': '' });
  await chmod(place.root, 0o555);
  try {
    expect(await place.run(['init', '-q'], { unprivileged: true })).toMatchObject({ exit: 0 });
    expect(await readdir(place.home)).toContain('backups-shop');
  } finally {
    await chmod(place.root, 0o755);
  }
});

test('says where there is no sign of a database', async () => {
  expect((await place.run(['init', '--dry-run'])).stdout).toContain('no database was seen');
});

test.each([
  ['the site', ['--store', '../store']],
  ['the folder of the store', ['--store', '../closed/store']],
  ['the home folder', ['--store', '../store']],
])(
  'where %s cannot be written to, one error says so and nothing is left behind',
  async (what, args) => {
    await mkdir(join(place.root, 'closed'));
    const closed = what === 'the site' ? place.site : what === 'the home folder' ? place.home : '';
    const folder = closed === '' ? join(place.root, 'closed') : closed;
    await chmod(folder, 0o555);
    const before = await readdir(place.root, { recursive: true });
    const { exit, stdout, stderr } = await place.run(['init', ...args], { unprivileged: true });
    expect(exit).not.toBe(0);
    expect(stdout).toBe('');
    expect(stderr.match(/^error: /gm)).toHaveLength(1);
    expect(stderr).toMatch(/cannot be written|EACCES|refused/);
    expect(stderr).toContain(folder);
    expect(stderr).not.toContain('    at ');
    expect(await readdir(place.root, { recursive: true })).toEqual(before);
  },
);

test('takes back what it had added when the store cannot be made', async () => {
  execFileSync('git', ['init', '-q'], { cwd: place.site });
  await place.write({ '.gitignore': 'node_modules\n' });
  await mkdir(join(place.site, 'closed'), { mode: 0o555 });
  const before = await read(place.site, 'package.json');
  const args = ['init', '--scripts', '--store', './closed/store'];
  const { exit } = await place.run(args, { unprivileged: true });
  expect(exit).not.toBe(0);
  expect(await read(place.site, 'package.json')).toBe(before);
  expect(await read(place.site, '.gitignore')).toBe('node_modules\n');
  expect(await readdir(place.site)).not.toContain('holdfast.yaml');
  expect(await readdir(place.home)).toEqual([]);
});

test('with --quiet says nothing while all is well, and names what is not', async () => {
  const silent = { exit: 0, stdout: '', stderr: '' };
  expect(await place.run(['init', '--quiet', '--store', '../store'])).toEqual(silent);
  for (const command of ['backup', 'verify', 'restore-test', 'prune'])
    expect(await place.run([command, '-q'])).toEqual(silent);
  expect((await place.run(['list', '-q'])).stdout).toContain('site');
  await writeFile(join(place.site, 'content/b.mdx'), 'x', { mode: 0 });
  const partial = await place.run(['backup', '-q'], { unprivileged: true });
  expect(partial.exit).toBe(3);
  expect(partial.stdout).toContain('content/b.mdx');
  expect(partial.stdout).not.toContain('proven');
});
