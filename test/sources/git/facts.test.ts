import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { readGitFacts, uncommittedChanges } from '../../../lib/sources/git/facts.ts';
import { readPackageFacts } from '../../../lib/sources/files/package-facts.ts';
import { gitignoreContext } from '../../../lib/sources/git/working-tree.ts';
import { createSelector } from '../../../lib/sources/tree/select.ts';
import { asRoot } from '../../support/as-root.ts';

let home: string;
let repo: string;
let environment: Record<string, string>;

beforeEach(() => {
  home = realpathSync(mkdtempSync(join(tmpdir(), 'holdfast-git-')));
  repo = join(home, 'repo');
  mkdirSync(repo);
  environment = { PATH: process.env['PATH'] ?? '', HOME: home };
  git('init', '-q', '-b', 'main');
});

afterEach(() => {
  rmSync(home, { recursive: true, force: true });
});

function git(...args: string[]): string {
  return gitIn(repo, ...args);
}

function gitIn(folder: string, ...args: string[]): string {
  const who = [
    '-c',
    'user.name=t',
    '-c',
    'user.email=t@example.org',
    '-c',
    'protocol.file.allow=always',
  ];
  return execFileSync('git', ['-C', folder, ...who, ...args], {
    env: { ...environment, GIT_CONFIG_NOSYSTEM: '1' },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  }).trim();
}

function put(path: string, content: string | Buffer = path): void {
  mkdirSync(dirname(join(repo, path)), { recursive: true });
  writeFileSync(join(repo, path), content);
}

function commit(...paths: string[]): string {
  for (const path of paths) put(path);
  git('add', '-A');
  git('commit', '-q', '--allow-empty', '-m', 'x');
  return git('rev-parse', 'HEAD');
}

/** Everything in a folder: path, content and times. Equal before and after means that nothing was written. */
function fingerprint(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((path) => {
      const stat = statSync(join(folder, path));
      const content = stat.isFile() ? readFileSync(join(folder, path)).toString('base64') : '';
      return `${path} ${String(stat.mtimeMs)} ${String(stat.ino)} ${content}`;
    })
    .sort();
}

describe('facts', () => {
  test('of a clean tree are its commit, branch and highest tag', async () => {
    const id = commit('a', 'sub/b');
    git('tag', 'v1.9.0');
    git('tag', '-a', '-m', 'x', 'v1.10.0');
    const { facts, problems } = await readGitFacts(repo, { environment });
    expect(problems).toEqual([]);
    expect(facts).toEqual({
      commit: id,
      branch: 'main',
      tag: 'v1.10.0',
      dirty: false,
    });
  });

  test('say when HEAD is detached, and when there is no commit yet', async () => {
    const unborn = await readGitFacts(repo, { environment });
    expect(unborn.facts).toMatchObject({ commit: undefined, branch: 'main', tag: undefined });
    const id = commit('a');
    git('checkout', '-q', '--detach');
    const { facts } = await readGitFacts(repo, { environment });
    expect(facts).toMatchObject({ commit: id, branch: undefined, dirty: false });
  });

  test('call a tree dirty for what was changed, staged, deleted or added, not for what is ignored', async () => {
    const dirty = async (): Promise<boolean | undefined> =>
      (await readGitFacts(repo, { environment })).facts?.dirty;
    put('.gitignore', 'ignored\n');
    commit('a', 'b');
    put('ignored');
    expect(await dirty()).toBe(false);
    put('a', 'other text');
    expect(await dirty()).toBe(true);
    git('add', 'a');
    expect(await dirty()).toBe(true);
    commit();
    expect(await dirty()).toBe(false);
    rmSync(join(repo, 'b'));
    expect(await dirty()).toBe(true);
    commit();
    put('new');
    expect(await dirty()).toBe(true);
  });

  test('of a folder inside a tree look at that folder alone', async () => {
    const id = commit('site/a', 'other/b');
    put('other/b', 'other text');
    const { facts } = await readGitFacts(join(repo, 'site'), { environment });
    expect(facts).toMatchObject({ commit: id, dirty: false });
    const other = await readGitFacts(join(repo, 'other'), { environment });
    expect(other.facts?.dirty).toBe(true);
  });

  test('hold in a shallow clone, a linked worktree and around submodules', async () => {
    commit('a');
    const id = commit('b');
    gitIn(home, 'clone', '-q', '--depth', '1', `file://${repo}`, 'shallow');
    const shallow = await readGitFacts(join(home, 'shallow'), { environment });
    expect(shallow.facts).toMatchObject({ commit: id });

    git('worktree', 'add', '-q', '-b', 'side', join(home, 'linked'));
    const linked = await readGitFacts(join(home, 'linked'), { environment });
    expect(linked.facts).toMatchObject({ commit: id, branch: 'side' });

    git('submodule', '--quiet', 'add', `file://${join(home, 'shallow')}`, 'libs/part');
    commit();
    const whole = await readGitFacts(repo, { environment });
    expect(whole.facts).toMatchObject({ dirty: false });
  });

  test('of some paths make git look at these alone', async () => {
    commit('a', 'src/b');
    put('node_modules/x');
    const bin = join(home, 'bin');
    mkdirSync(bin);
    writeFileSync(
      join(bin, 'git'),
      `#!/bin/sh\necho "$@" >>${home}/asked\nPATH=${environment['PATH'] ?? ''} exec git "$@"\n`,
      { mode: 0o755 },
    );
    const watched = { ...environment, PATH: `${bin}:${environment['PATH'] ?? ''}` };
    const { paths } = await uncommittedChanges(repo, {
      environment: watched,
      paths: ['a', 'src/b'],
    });
    expect(paths).toEqual([]);
    expect(readFileSync(join(home, 'asked'), 'utf8')).toMatch(
      / status .* -- :\(literal\)a :\(literal\)src\/b\n/,
    );
    put('src/b', 'changed');
    put('[x]*');
    const changed = await uncommittedChanges(repo, {
      environment: watched,
      paths: ['src', '[x]*'],
    });
    expect(changed.paths).toEqual(['[x]*', 'src/b']);
  });

  test('absent where there is no repository are no problem', async () => {
    const plain = join(home, 'plain');
    mkdirSync(plain);
    expect(await readGitFacts(plain, { environment })).toEqual({ facts: undefined, problems: [] });
    expect(await uncommittedChanges(plain, { environment })).toEqual({
      paths: undefined,
      problems: [],
    });
  });

  test('ignore a GIT_DIR of the caller', async () => {
    const id = commit('a');
    const other = { ...environment, GIT_DIR: '/nowhere', GIT_WORK_TREE: '/' };
    expect((await readGitFacts(repo, { environment: other })).facts?.commit).toBe(id);
  });
});

describe('large files', () => {
  const content = 'a large file\n';

  test('that are as LFS put them are no change, although its filter does not run', async () => {
    const oid = execFileSync('sha256sum', { input: content, encoding: 'utf8' }).slice(0, 64);
    put('.gitattributes', '*.bin filter=lfs -text\n');
    put('a.bin', `version https://git-lfs.github.com/spec/v1\noid sha256:${oid}\nsize 13\n`);
    commit();
    // What `git lfs pull` does: the content in the tree, the pointer in the index, and the filter in the user's settings.
    put('a.bin', content);
    gitIn(home, 'config', '--global', 'filter.lfs.clean', 'false');
    gitIn(home, 'config', '--global', 'filter.lfs.required', 'true');
    expect((await readGitFacts(repo, { environment })).facts?.dirty).toBe(false);
    put('a.bin', 'a LARGE file\n');
    expect((await readGitFacts(repo, { environment })).facts?.dirty).toBe(true);
    expect((await uncommittedChanges(repo, { environment })).paths).toEqual(['a.bin']);
  });
});

describe('uncommitted changes', () => {
  test('are listed relative to the folder, below the paths asked for', async () => {
    commit('site/a', 'site/img/b', 'other/c');
    put('site/a', 'changed');
    put('site/img/new 1');
    put('site/img/deep/new\n2');
    put('other/c', 'changed');
    const site = join(repo, 'site');
    const all = await uncommittedChanges(site, { environment });
    expect(all.paths).toEqual(['a', 'img/deep/new\n2', 'img/new 1']);
    const some = await uncommittedChanges(site, { environment, paths: ['img/deep', 'im'] });
    expect(some.paths).toEqual(['img/deep/new\n2']);
    expect((await uncommittedChanges(site, { environment, paths: [] })).paths).toEqual([]);
  });

  test('keep names that are not UTF-8', async () => {
    commit('a');
    writeFileSync(Buffer.concat([Buffer.from(`${repo}/caf`), Buffer.from([0xe9])]), '');
    expect((await uncommittedChanges(repo, { environment })).paths).toEqual(['caf\xe9']);
  });
});

describe('a hostile repository', () => {
  let canary: string;
  const touch = (): string => `touch '${canary}'; cat`;

  beforeEach(() => {
    canary = join(home, 'canary');
  });

  /** Makes git compare contents: same size, other time. */
  function stale(...paths: string[]): void {
    for (const path of paths) utimesSync(join(repo, path), 1_000_000_000, 1_000_000_000);
  }

  async function readAll(): Promise<void> {
    await readGitFacts(repo, { environment });
    await uncommittedChanges(repo, { environment });
  }

  test('runs no filter, whatever it is called', async () => {
    commit('a', 'b', 'c');
    put('.gitattributes', 'a filter=x\nb filter=two.parts\nc filter=X\n');
    commit();
    git('config', 'filter.x.clean', touch());
    git('config', 'filter.x.required', 'true');
    git('config', 'filter.two.parts.process', touch());
    git('config', 'filter.X.clean', touch());
    stale('a', 'b', 'c');
    expect((await readGitFacts(repo, { environment })).facts?.dirty).toBe(false);
    await readAll();
    expect(existsSync(canary)).toBe(false);
    // The trap is real: git alone steps into it.
    git('status');
    expect(existsSync(canary)).toBe(true);
  });

  test('runs no filter of an included file or of the attributes inside .git', async () => {
    commit('a');
    writeFileSync(join(repo, '.git/extra'), `[filter "y"]\n\tclean = "${touch()}"\n`);
    git('config', 'include.path', 'extra');
    writeFileSync(join(repo, '.git/info/attributes'), '* filter=y\n');
    stale('a');
    await readAll();
    expect(existsSync(canary)).toBe(false);
    git('status');
    expect(existsSync(canary)).toBe(true);
  });

  test('is not read at all when a filter could not be switched off', async () => {
    put('.gitattributes', '* filter=x=y\n');
    commit('a');
    git('config', 'filter.x=y.clean', touch());
    stale('a');
    const { facts, problems } = await readGitFacts(repo, { environment });
    expect(facts).toBeUndefined();
    expect(problems).toEqual([
      expect.objectContaining({ code: 'git-unreadable', tolerated: true }),
    ]);
    expect(existsSync(canary)).toBe(false);
  });

  test('runs no hook and no monitor', async () => {
    commit('a');
    for (const hook of [
      'post-index-change',
      'pre-commit',
      'fsmonitor-watchman',
      'reference-transaction',
    ]) {
      mkdirSync(join(repo, '.git/hooks'), { recursive: true });
      writeFileSync(join(repo, '.git/hooks', hook), `#!/bin/sh\n${touch()}\n`);
      chmodSync(join(repo, '.git/hooks', hook), 0o755);
    }
    git('config', 'core.fsmonitor', join(repo, '.git/hooks/fsmonitor-watchman'));
    git('config', 'core.untrackedCache', 'true');
    stale('a');
    await readAll();
    expect(existsSync(canary)).toBe(false);
    git('status');
    expect(existsSync(canary)).toBe(true);
  });

  test('runs nothing in a submodule', async () => {
    commit('a');
    gitIn(home, 'clone', '-q', repo, 'part');
    git('submodule', '--quiet', 'add', `file://${join(home, 'part')}`, 'part');
    commit();
    const inside = join(repo, 'part');
    gitIn(inside, 'config', 'filter.x.clean', touch());
    writeFileSync(join(repo, '.git/modules/part/info/attributes'), '* filter=x\n');
    git('config', 'submodule.part.ignore', 'none');
    git('config', 'status.submoduleSummary', 'true');
    stale('part/a');
    await readAll();
    expect(existsSync(canary)).toBe(false);
    git('status');
    expect(existsSync(canary)).toBe(true);
  });

  test('fetches nothing that it lacks', async () => {
    const id = commit('a');
    git('config', 'core.repositoryFormatVersion', '1');
    git('config', 'extensions.partialClone', 'evil');
    git('config', 'remote.evil.promisor', 'true');
    git('config', 'remote.evil.url', `ext::sh -c touch% ${canary}`);
    git('config', 'protocol.ext.allow', 'always');
    const tree = git('rev-parse', `${id}^{tree}`);
    rmSync(join(repo, '.git/objects', tree.slice(0, 2), tree.slice(2)), { force: true });
    rmSync(join(repo, '.git/index'));
    await readAll();
    expect(existsSync(canary)).toBe(false);
    expect(() => git('status')).toThrow();
    expect(existsSync(canary)).toBe(true);
  });

  test('cannot offer a git of its own through a relative PATH', async () => {
    commit('a');
    put('git', `#!/bin/sh\n${touch()}\n`);
    chmodSync(join(repo, 'git'), 0o755);
    const relative = { ...environment, PATH: `.::${environment['PATH'] ?? ''}` };
    const { facts } = await readGitFacts(repo, { environment: relative });
    expect(facts?.commit).toBeDefined();
    expect(existsSync(canary)).toBe(false);
  });

  test('is not written to', async () => {
    commit('a', 'b/c');
    git('config', 'core.untrackedCache', 'true');
    stale('a');
    put('new/d');
    const before = fingerprint(repo);
    await readAll();
    expect(fingerprint(repo)).toEqual(before);
    // git alone does write: it refreshes its index.
    git('status');
    expect(fingerprint(repo)).not.toEqual(before);
  });

  test('cannot make us wait for ever', async () => {
    commit('a');
    execFileSync('mkfifo', [join(repo, '.git/info/attributes')]);
    execFileSync('mkfifo', [join(repo, '.gitmodules')]);
    stale('a');
    const { facts, problems } = await readGitFacts(repo, { environment, timeoutSeconds: 1 });
    expect(facts).toBeUndefined();
    expect(problems[0]?.detail).toContain('longer than 1 s');
  });
});

describe('a repository that git cannot read', () => {
  test.each([
    ['has no HEAD commit', () => rmSync(join(repo, '.git/objects'), { recursive: true })],
    ['has a damaged index', () => writeFileSync(join(repo, '.git/index'), 'DIRCgarbage')],
    ['has a damaged configuration', () => writeFileSync(join(repo, '.git/config'), '[core\n')],
    ['has an empty .git', () => rmSync(join(repo, '.git/HEAD'))],
    [
      'points nowhere',
      () => {
        rmSync(join(repo, '.git'), { recursive: true });
        writeFileSync(join(repo, '.git'), 'gitdir: /nowhere\n');
      },
    ],
  ])('because it %s is a problem, not a failure', async (_, damage) => {
    commit('a');
    damage();
    for (const result of [
      await readGitFacts(repo, { environment }),
      await uncommittedChanges(repo, { environment }),
    ]) {
      expect(result).toEqual({
        ...('facts' in result ? { facts: undefined } : { paths: undefined }),
        problems: [expect.objectContaining({ code: 'git-unreadable', tolerated: true })],
      });
    }
  });

  test('for want of git says so', async () => {
    commit('a');
    const { problems } = await readGitFacts(repo, { environment: { PATH: home } });
    expect(problems[0]?.detail).toContain('git is not installed');
  });

  asRoot('for belonging to somebody else says what to do', async () => {
    commit('a');
    execFileSync('chown', ['-R', '12345', repo]);
    const { problems } = await readGitFacts(repo, { environment });
    expect(problems[0]?.detail).toContain('safe.directory');
  });

  test('ends at once when it is interrupted', async () => {
    commit('a');
    const signal = AbortSignal.abort();
    await expect(readGitFacts(repo, { environment, signal })).rejects.toMatchObject({
      code: 'CANCELLED',
    });
  });
});

describe('ignore rules from above a source', () => {
  test('are those of info/exclude and of the folders above', () => {
    put('.gitignore', '*.log\n');
    put('site/.gitignore', 'own\n');
    writeFileSync(join(repo, '.git/info/exclude'), 'private\n');
    const scope = createSelector({ gitignore: gitignoreContext(join(repo, 'site')) }).open({
      gitignore: readFileSync(join(repo, 'site/.gitignore')),
    });
    const kept = ['a.log', 'private', 'own', 'b'].filter(
      (name) => scope.select(name, false) === 'take',
    );
    expect(kept).toEqual(['b']);
  });
});

describe('package facts', () => {
  test('are name and version', () => {
    put('package.json', '\ufeff{"name":"site","version":"1.2.3","private":true}');
    expect(readPackageFacts(repo)).toEqual({ name: 'site', version: '1.2.3' });
  });

  test.each([
    ['{', undefined],
    ['null', undefined],
    ['[]', undefined],
    ['{"name":1}', undefined],
    ['{"name":"a","version":{}}', { name: 'a' }],
    ['{"__proto__":{"name":"x"}}', undefined],
    [`{"name":"${'x'.repeat(300)}","version":"1"}`, { version: '1' }],
    [' '.repeat(2 * 1024 * 1024) + '{"name":"a"}', undefined],
  ])('of a broken one are what it says: %#', (text, facts) => {
    put('package.json', text);
    expect(readPackageFacts(repo)).toEqual(facts);
  });

  test('come from a regular file alone', () => {
    expect(readPackageFacts(repo)).toBeUndefined();
    writeFileSync(join(home, 'outside.json'), '{"name":"outside"}');
    symlinkSync(join(home, 'outside.json'), join(repo, 'package.json'));
    expect(readPackageFacts(repo)).toBeUndefined();
    rmSync(join(repo, 'package.json'));
    execFileSync('mkfifo', [join(repo, 'package.json')]);
    expect(readPackageFacts(repo)).toBeUndefined();
  });
});
