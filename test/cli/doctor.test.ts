import { chmod, mkdir, readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import process from 'node:process';

import { afterEach, beforeEach, expect, test } from '@jest/globals';

import { makePlace, type Place, type RunOptions } from '../support/command-line.ts';
import { uncommented } from '../support/uncommented.ts';

interface Finding {
  readonly level: 'ok' | 'warning' | 'problem';
  readonly area: string;
  readonly message: string;
  readonly advice?: string;
}

let place: Place;
beforeEach(async () => {
  place = await makePlace();
  await place.write({ 'content/a.mdx': '# A\n' });
  await place.run(['init', '--store', '../store']);
  await edit((text) => uncommented(text, 'content'));
});
afterEach(() => place.remove());

const store = () => join(place.root, 'store');
const configFile = () => join(place.site, 'holdfast.yaml');

async function examine(options: RunOptions = {}): Promise<Finding[]> {
  const { findings } = await place.json(['doctor'], options);
  return findings as Finding[];
}

async function problems(options: RunOptions = {}): Promise<string> {
  const found = (await examine(options)).filter(({ level }) => level === 'problem');
  return found.map(({ area, message }) => `${area}: ${message}`).join('\n');
}

async function edit(change: (text: string) => string): Promise<void> {
  await writeFile(configFile(), change(await readFile(configFile(), 'utf8')));
}

test('finds no problem in what init has set up, before the first backup and after it', async () => {
  expect(await problems()).toBe('');
  // Looking changes nothing.
  expect((await readdir(store())).filter((name) => name !== '.tmp')).toEqual([
    'README.txt',
    'holdfast.json',
  ]);
  await place.run(['backup']);
  const before = await readdir(store(), { recursive: true });
  const { exit, stdout } = await place.run(['doctor']);
  expect(exit).toBe(0);
  expect(stdout).toContain('an object was written, read back and deleted');
  expect(stdout).toMatch(/^0 problems, \d+ warnings?$/m);
  expect(await readdir(store(), { recursive: true })).toEqual(before);
});

test('gives every warning and problem an advice, and sets the exit code by problems alone', async () => {
  const findings = await examine();
  expect(findings.some(({ level }) => level === 'warning')).toBe(true);
  for (const { level, advice } of findings) expect(advice === undefined).toBe(level === 'ok');
  await rm(join(place.home, '.config'), { recursive: true });
  expect((await place.run(['doctor'])).exit).toBe(1);
});

test('reports all faults of the configuration, and looks at the machine all the same', async () => {
  await edit((text) => text.replace('rpo: 24h', 'rpo: 24x').replace('daily: 7', 'daily: many'));
  expect(await problems()).toMatch(/sources\.site\.rpo.*\n.*retention\.daily/);
  expect((await examine()).some(({ area }) => area === 'machine')).toBe(true);
});

test('reports them also beside a store that is named, and a URL that names none', async () => {
  await edit((text) => `${text}\nnonsense: 1\n`);
  const { stdout } = await place.run(['doctor', '--store', 's3://bucket?region=eu-central-1']);
  expect(stdout).toMatch(/^problem {2}configuration {2}.*nonsense/m);
  const alone = await place.run(['doctor', '--store', 'ftp://host'], { cwd: place.root });
  expect(alone.exit).toBe(1);
  expect(alone.stdout).toMatch(
    /^problem {2}store .*"ftp:\/\/" is no store that this version opens/m,
  );
});

test('says that there is no configuration', async () => {
  expect(await problems({ cwd: place.home })).toContain('configuration: no holdfast.yaml');
});

test('finds a key that is missing, open to others, or that the configuration does not trust', async () => {
  const key = join(place.home, '.config/holdfast/site.key');
  await chmod(key, 0o640);
  expect(await problems()).toMatch(/^key: .*has mode 640/);
  await chmod(key, 0o600);
  await chmod(join(place.home, '.config/holdfast'), 0o777);
  expect(await problems()).toMatch(/^key: others may write into/);
  await chmod(join(place.home, '.config/holdfast'), 0o700);
  await writeFile(key, 'nonsense');
  expect(await problems()).toMatch(/^key: .*does not lead to a private key/);
  await rm(join(place.home, '.config'), { recursive: true });
  expect(await problems()).toMatch(/^key: .*does not exist/);
  // Another key under the same name.
  await place.run(['init'], { cwd: place.home, env: { XDG_CONFIG_HOME: join(place.root, 'x') } });
  await mkdir(join(place.home, '.config/holdfast'), { recursive: true });
  await writeFile(key, await readFile(join(place.root, 'x/holdfast/home.key')), { mode: 0o600 });
  expect(await problems()).toMatch(/^key: .*no key under `trust` is its public half/);
});

test('finds what the key may not vouch for', async () => {
  await edit((text) =>
    text.replace("['backups/', 'records/', 'incidents/']", "['backups/content/']"),
  );
  expect(await problems()).toMatch(/^key: the key may not vouch for backups\/site\//);
  const warnings = (await examine()).filter(({ level }) => level === 'warning');
  expect(warnings.map(({ message }) => message).join('\n')).toMatch(/records of .*verify/);
});

test("finds another system's store, and leaves it as it is", async () => {
  await writeFile(join(store(), 'holdfast.json'), '{"format":1,"system":"other"}\n');
  expect(await problems()).toMatch(/^store: .*holds another system/);
  // Its .tmp is of `init`, which made the store.
  expect(await readdir(store())).toEqual(['.tmp', 'README.txt', 'holdfast.json']);
});

test('finds a store that is a file, a link, or that cannot be written', async () => {
  await rm(store(), { recursive: true });
  expect(await problems()).toMatch(/^store: there is no store in .*does not exist/);
  await writeFile(store(), '');
  expect(await problems()).toMatch(/^store: .*is a file, not a folder/);
  await rm(store());
  await symlink(place.home, store());
  expect(await problems()).toMatch(/^store: .*symbolic link/);
  // Not even root may write there.
  expect(await problems({ env: { HOLDFAST_STORE: '/proc/holdfast' } })).toMatch(/^store: /);
});

test('finds backups from the future, locks, unfinished files and a store open to others', async () => {
  await place.run(['backup', 'content']);
  const folder = join(store(), 'backups/content');
  await mkdir(join(folder, '29991231T000000000Z-manual'));
  await writeFile(join(folder, '29991231T000000000Z-manual/manifest.json'), '[]');
  await writeFile(join(store(), '.prune.lock'), '{"pid":1,"host":"elsewhere"}');
  await writeFile(join(store(), '.tmp/abc'), 'half');
  await chmod(store(), 0o777);
  const said = (await examine()).map(({ level, message }) => `${level}: ${message}`).join('\n');
  expect(said).toContain('problem: 1 backup from the future: content/29991231T000000000Z-manual');
  expect(said).toMatch(/warning: the lock .*prune\.lock lies there: .*elsewhere/);
  expect(said).toContain('warning: 1 unfinished file with 4 B');
  expect(said).toMatch(/warning: others may write into .*store/);
});

test('finds a clock that the store does not share', async () => {
  await place.run(['backup', 'content']);
  const preload = join(place.root, 'late.mjs');
  await writeFile(
    preload,
    'const { Date: Real } = globalThis; globalThis.Date = class extends Real { constructor(...a) { if (a.length) super(...a); else super(Real.now() + 3_630_000); } };',
  );
  expect(await problems({ env: { NODE_OPTIONS: `--import=${preload}` } })).toMatch(
    /store: this clock is 1 h 0 min ahead of/,
  );
});

test('finds a source that is missing or empty, and what in it cannot be read', async () => {
  await edit((text) => text.replace("- 'content'", "- 'nothing-here'"));
  expect(await problems()).toMatch(/source: content: .*holds no file to back up/);
  await edit((text) => text.replace('path: .', 'path: ./gone'));
  expect(await problems()).toMatch(/source: .*gone, cannot be opened/);
});

test('finds files that this user may not read', async () => {
  await place.write({ 'content/hidden.mdx': 'x' });
  await chmod(join(place.site, 'content/hidden.mdx'), 0);
  expect(await problems({ unprivileged: true })).toMatch(
    /source: site: 1 entry could not be backed up: .*hidden\.mdx/,
  );
  await edit((text) => text.replace('secrets: exclude', "tolerate: ['hidden.mdx']"));
  expect(await problems({ unprivileged: true })).not.toContain('site: 1 entry');
});

test('finds a store that this user may not write', async () => {
  await place.run(['backup', 'content']);
  await chmod(store(), 0o500);
  try {
    expect(await problems({ unprivileged: true })).toMatch(/^store: /);
  } finally {
    await chmod(store(), 0o700);
  }
});

test('warns when the store shares the disk of the source, and when tools are missing', async () => {
  const bare = join(place.root, 'bin');
  await mkdir(bare);
  await symlink(process.execPath, join(bare, 'node'));
  await place.write({ '.git/HEAD': 'ref: refs/heads/main\n' });
  await edit((text) => text.replace('secrets: exclude', 'afterRestore: [no-such-tool --version]'));
  const env = { PATH: [bare, ''].join(delimiter) };
  const said = (await examine({ env })).map(({ message }) => message).join('\n');
  expect(said).toContain('lies on the same file system as site, content');
  expect(said).toContain('not installed: tar, gzip, sha256sum, openssl');
  expect(said).toContain('git is not installed');
  expect(said).toContain('that are not installed: no-such-tool');
});

test('looks at a store alone when there is no configuration, and writes nothing into it', async () => {
  await place.run(['backup', 'content']);
  await utimes(store(), 1, 1);
  const args = ['doctor', '--store', store()];
  const { exit, stdout } = await place.run(args, { cwd: place.home });
  expect(exit).toBe(0);
  expect(stdout).toContain('can be read: content');
});

test('warns of a database that nothing backs up, until its dumps are a source, and then of dumps that are old', async () => {
  await place.write({ 'wp-config.php': "<?php define('DB_NAME', 'wp');" });
  const said = async () => (await examine()).map(({ message }) => message).join('\n');
  expect(await said()).toContain('MySQL or MariaDB is not backed up (seen in wp-config.php)');
  const dumps = join(place.root, 'dumps');
  await mkdir(dumps);
  await writeFile(join(dumps, 'wp.sql'), 'x');
  await writeFile(join(dumps, 'wp.sql.new'), 'half');
  await utimes(join(dumps, 'wp.sql'), 1_000_000, 1_000_000);
  await edit((text) =>
    text
      .replace('sources:', "sources:\n  dumps: { kind: files, path: ../dumps, exclude: ['*.new'] }")
      .concat('\notherDatabases: { mysql: dumps }\n'),
  );
  const covered = await said();
  expect(covered).not.toContain('MySQL');
  expect(covered).toMatch(/dumps: the newest dump, wp\.sql, is \d+ d/);
  await writeFile(join(dumps, 'wp.sql'), 'new');
  await edit((text) => text.replace(/^store: .*$/m, 'store: ./backups'));
  const served = await said();
  expect(served).not.toContain('newest dump');
  expect(served).toMatch(
    /backups lies in .*site, which looks like a folder that a web server serves/,
  );
});
