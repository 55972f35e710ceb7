// What a source points to by git and does not hold is said: it makes a backup partial, unless it is tolerated or was chosen.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import process from 'node:process';

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import { examineFiles } from '../../../lib/sources/files/examine.ts';
import { backUp, plant, Scratch } from '../../support/archives.ts';

let scratch: Scratch;
let site: string;

beforeEach(() => {
  scratch = new Scratch();
  site = scratch.at('site');
  fs.mkdirSync(scratch.at('home'));
  fs.mkdirSync(site);
});
afterEach(() => scratch[Symbol.dispose]());

function gitIn(folder: string, ...args: readonly string[]): void {
  const settings = ['user.name=t', 'user.email=t@example.org', 'protocol.file.allow=always'];
  execFileSync('git', ['-C', folder, ...settings.flatMap((one) => ['-c', one]), ...args], {
    env: { PATH: process.env['PATH'] ?? '', HOME: scratch.at('home'), GIT_CONFIG_NOSYSTEM: '1' },
    stdio: 'pipe',
  });
}

function repository(name: string, files: Readonly<Record<string, string>>): string {
  const folder = scratch.at(name);
  plant(folder, files);
  gitIn(folder, 'init', '-q', '-b', 'main');
  gitIn(folder, 'add', '-A');
  gitIn(folder, 'commit', '-q', '-m', 'x');
  return folder;
}

const POINTER = `version https://git-lfs.github.com/spec/v1\noid sha256:${'a'.repeat(64)}\nsize 123456789\n`;
const ATTRIBUTES = '*.psd filter=lfs diff=lfs merge=lfs -text\n';

type Told = readonly (readonly [path: string, code: string, counts: boolean])[];

async function told(folder = site, setup: Parameters<typeof backUp>[1] = {}): Promise<Told> {
  const { problems } = await backUp(folder, { exclude: ['.git'], ...setup });
  return problems.map(({ path, code, tolerated }) => [path, code, tolerated !== true]);
}

describe('Git LFS', () => {
  test('a file of which only the pointer is here makes a backup partial, and is tolerated by its path', async () => {
    plant(site, {
      '.gitattributes': ATTRIBUTES,
      'img/a.psd': POINTER,
      'img/b.psd': 'the content',
      'c.txt': POINTER,
    });
    // By another name it is a pointer all the same: attributes may have changed.
    const expected: Told = [
      ['c.txt', 'lfs-pointer', true],
      ['img/a.psd', 'lfs-pointer', true],
    ];
    expect(await told()).toEqual(expected);
    expect(await told(site, { tolerate: ['*.psd', 'c.txt'] })).toEqual(
      expected.map(([path, code]) => [path, code, false]),
    );
    expect(await told(site, { exclude: ['*.psd', 'c.txt'] })).toEqual([]);
  });

  test('attributes below, above and beside the source count', async () => {
    plant(site, {
      'deep/er/.gitattributes': ATTRIBUTES,
      'deep/er/a.psd': POINTER,
      'b.psd': POINTER,
    });
    expect(await told()).toEqual([['deep/er/a.psd', 'lfs-pointer', true]]);
    gitIn(site, 'init', '-q');
    fs.writeFileSync(`${site}/.git/info/attributes`, ATTRIBUTES);
    expect((await told()).map(([path]) => path)).toEqual(['b.psd', 'deep/er/a.psd']);
    fs.writeFileSync(`${site}/.git/info/attributes`, '');
    fs.writeFileSync(`${site}/deep/.gitattributes`, ATTRIBUTES);
    expect(await told(`${site}/deep/er`)).toEqual([['a.psd', 'lfs-pointer', true]]);
  });

  test('a page about pointers is no pointer where nothing speaks of LFS', async () => {
    plant(site, { 'page.md': POINTER });
    expect(await told()).toEqual([]);
  });
});

describe('submodules', () => {
  test('that are not checked out make a backup partial; those that are do not', async () => {
    const theme = repository('theme', { 'style.css': 'x' });
    const origin = repository('origin', { 'page.md': 'x' });
    gitIn(origin, 'submodule', '--quiet', 'add', theme, 'themes/x');
    gitIn(origin, 'commit', '-q', '-m', 'y');
    gitIn(scratch.path, 'clone', '-q', origin, 'clone');
    const clone = scratch.at('clone');

    expect(await told(clone)).toEqual([['themes/x', 'submodule', true]]);
    expect(await told(clone, { tolerate: ['themes/x'] })).toEqual([
      ['themes/x', 'submodule', false],
    ]);
    expect(await told(clone, { exclude: ['themes', '.git'] })).toEqual([]);
    expect(await told(`${clone}/themes`)).toEqual([['x', 'submodule', true]]);
    gitIn(clone, 'submodule', '--quiet', 'update', '--init');
    expect(await told(clone)).toEqual([]);
  });

  test('inside one that is checked out are found', async () => {
    const inner = repository('inner', { a: 'x' });
    const theme = repository('theme', { 'style.css': 'x' });
    gitIn(theme, 'submodule', '--quiet', 'add', inner, 'vendor/inner');
    gitIn(theme, 'commit', '-q', '-m', 'y');
    const origin = repository('origin', { 'page.md': 'x' });
    gitIn(origin, 'submodule', '--quiet', 'add', theme, 'themes/x');

    expect(await told(origin)).toEqual([['themes/x/vendor/inner', 'submodule', true]]);
  });

  test('are found by .gitmodules where a tree came without its repository', async () => {
    plant(site, {
      '.gitmodules': '[submodule "x"]\n\tpath = themes/x\n\turl = https://example.org/x\n',
      'themes/x/': '',
    });
    expect(await told()).toEqual([['themes/x', 'submodule', true]]);
    plant(site, { 'themes/x/style.css': 'x' });
    expect(await told()).toEqual([]);
  });
});

describe('what somebody chose not to have here is noted', () => {
  test('files that a sparse checkout leaves out', async () => {
    const origin = repository('origin', {
      'page.md': 'x',
      'big/a': 'x',
      'big/b': 'x',
      'small/c': 'x',
    });
    gitIn(origin, 'sparse-checkout', 'set', 'small');
    expect(await told(origin)).toEqual([['', 'sparse-checkout', false]]);
    expect(await told(origin, { exclude: ['big'] })).toEqual([]);
    gitIn(origin, 'sparse-checkout', 'disable');
    expect(await told(origin)).toEqual([]);
  });

  test('history that is not in `.git`, where that is backed up', async () => {
    const origin = repository('origin', { 'page.md': 'x' });
    gitIn(origin, 'commit', '-q', '--allow-empty', '-m', 'y');
    gitIn(scratch.path, 'clone', '-q', '--depth', '1', `file://${origin}`, 'shallow');
    gitIn(scratch.path, 'clone', '-q', '--shared', origin, 'shared');
    gitIn(origin, 'config', 'uploadpack.allowFilter', 'true');
    gitIn(scratch.path, 'clone', '-q', '--filter=blob:none', `file://${origin}`, 'part');
    gitIn(origin, 'worktree', 'add', '-q', scratch.at('linked'));

    const all = { exclude: [] };
    expect(await told(origin, all)).toEqual([]);
    expect(await told(scratch.at('shallow'), all)).toEqual([['.git', 'git-shallow', false]]);
    expect(await told(scratch.at('part'), all)).toEqual([['.git', 'git-partial', false]]);
    expect(await told(scratch.at('linked'), all)).toEqual([['.git', 'git-elsewhere', false]]);
    // Restored without the other repository, nothing of it can be read.
    expect(await told(scratch.at('shared'), all)).toEqual([
      ['.git/objects/info/alternates', 'git-alternates', true],
    ]);
    for (const name of ['shallow', 'shared', 'part', 'linked'])
      expect(await told(scratch.at(name))).toEqual([]);
  });
});

test('a look at a source tells them apart from what cannot be read', () => {
  plant(site, { '.gitattributes': ATTRIBUTES, 'a.psd': POINTER });
  const options = {
    name: 'site', path: site, include: ['**'], exclude: [], gitignore: false, secrets: 'exclude', oneFileSystem: false,
    tolerate: [], allowEmpty: false, times: 'recorded', compression: 'default',
  } as const; // prettier-ignore
  const seen = examineFiles(options, { leaveOut: [], git: { environment: {} } }, 100);
  expect(seen.problems).toEqual([]);
  expect(seen.gaps).toEqual([expect.objectContaining({ path: 'a.psd', code: 'lfs-pointer' })]);
});
