// A repository on GitHub becomes an archive of its commit, checked against the commit itself.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { githubSource, type GithubOptions } from '../../../lib/sources/github/source.ts';
import { noise, plant, readBackup, Scratch, type RunSetup } from '../../support/archives.ts';
import { DOWNLOAD_TOKEN, SmallGithub, TOKEN } from '../../support/small-github.ts';

let scratch: Scratch;
let github: SmallGithub;

beforeEach(async () => {
  scratch = new Scratch();
  const site = scratch.at('site');
  plant(site, {
    'README.md': '# Site\n',
    'a/b/c.ts': 'export {};\n',
    'a-b': 'sorts between',
    'a.txt': '',
    'näme with space.txt': 'x',
    'bin/run.sh': '#!/bin/sh\n',
    'large.bin': noise((5 << 20) + 3),
    [`deep/${'folder-with-a-long-name/'.repeat(8)}file.txt`]: 'deep',
  });
  fs.chmodSync(`${site}/bin/run.sh`, 0o755);
  fs.symlinkSync('../README.md', `${site}/a/link`);
  fs.mkdirSync(scratch.at('work'));
  github = await SmallGithub.start(site);
  github.git('init', '-q', '-b', 'main');
  commit('first');
});

afterEach(async () => {
  await github[Symbol.asyncDispose]();
  scratch[Symbol.dispose]();
});

function commit(message: string): string {
  github.git('add', '-A');
  github.git('-c', 'user.name=A', '-c', 'user.email=a@example.com', 'commit', '-q', '-m', message);
  return github.git('rev-parse', 'HEAD');
}

const backUp = (setup: RunSetup & Partial<GithubOptions> & { stallMs?: number } = {}) => {
  const { stallMs = 5000 } = setup;
  const options = {
    name: 'code',
    repository: 'acme/site',
    ref: undefined,
    include: [],
    exclude: [],
    tolerate: [],
    allowEmpty: false,
    compression: 'default',
    api: github.api,
    ...setup,
  } as const;
  const token = () => Promise.resolve(TOKEN);
  const source = githubSource(options, { token, scratch: scratch.at('work'), stallMs });
  return readBackup(source, setup);
};

function extracted(archive: Buffer): string {
  const into = fs.mkdtempSync(scratch.at('restored-'));
  execFileSync('tar', ['-xzf', '-', '-C', into], { input: archive });
  execFileSync('sha256sum', ['--quiet', '-c', '.holdfast/SHA256SUMS'], { cwd: into });
  fs.rmSync(`${into}/.holdfast`, { recursive: true });
  return into;
}

describe('a repository on GitHub', () => {
  it('is archived at its commit, as a checkout has it', async () => {
    const made = await backUp();

    expect(made.problems).toEqual([]);
    const into = extracted(made.archive);
    execFileSync('diff', ['-r', '--no-dereference', '-x', '.git', scratch.at('site'), into]);
    expect(fs.statSync(`${into}/bin/run.sh`).mode & 0o777).toBe(0o755);
    expect(fs.readlinkSync(`${into}/a/link`)).toBe('../README.md');
    expect(fs.readdirSync(scratch.at('work'))).toEqual([]);
  });

  it('gives the same bytes each time, is not downloaded again, and costs what changed', async () => {
    const first = await backUp();
    const again = await backUp();
    expect(again.archive.equals(first.archive)).toBe(true);

    github.downloaded.length = 0;
    const second = await backUp({ predecessor: first });
    expect([second.cloned, github.downloaded.length]).toEqual([true, 0]);
    expect(second.archive.equals(first.archive)).toBe(true);

    fs.writeFileSync(scratch.at('site/README.md'), '# Changed\n');
    commit('second');
    const third = await backUp({ predecessor: second });
    expect(github.downloaded.length).toBe(1);
    expect(third.manifest.totals.reusedBytes).toBeGreaterThan(5 << 20);
    const fourth = await backUp({ predecessor: third, exclude: ['a'] });
    expect(fourth.cloned).toBe(false);
    expect(fs.existsSync(`${extracted(fourth.archive)}/a`)).toBe(false);
  });

  it('tells the token to the API alone, and nobody the address of the download', async () => {
    await backUp();
    expect(github.asked.every(({ authorization }) => authorization === `Bearer ${TOKEN}`)).toBe(
      true,
    );
    expect(github.downloaded.map(({ authorization }) => authorization)).toEqual([undefined]);

    github.interfere = (path, response) => {
      if (!path.includes(DOWNLOAD_TOKEN)) return false;
      response.destroy();
      return true;
    };
    const failure: unknown = await backUp().catch((error: unknown) => error);
    const told = JSON.stringify([failure, String(failure), (failure as Error).stack]);
    expect(failure).toMatchObject({ code: 'SOURCE_UNREADABLE' });
    expect(told).not.toContain(TOKEN);
    expect(told).not.toContain(DOWNLOAD_TOKEN);
  }, 60_000);

  it('is read at a branch, a tag or a commit', async () => {
    const first = github.git('rev-parse', 'HEAD');
    github.git('tag', 'v1');
    fs.writeFileSync(scratch.at('site/README.md'), 'later');
    github.git('checkout', '-q', '-b', 'feature/new');
    const second = commit('second');
    const gitOf = async (ref: string) => (await backUp({ ref })).manifest.git;

    expect(await gitOf('feature/new')).toEqual({
      commit: second,
      branch: 'feature/new',
      dirty: false,
    });
    expect(await gitOf('v1')).toEqual({ commit: first, tag: 'v1', dirty: false });
    expect(await gitOf(first)).toEqual({ commit: first, dirty: false });
    await expect(backUp({ ref: 'nowhere' })).rejects.toMatchObject({
      code: 'SOURCE_UNREADABLE',
      message: expect.stringContaining('no such commit') as unknown,
    });
  });

  it('says what its archive lacks or has otherwise, and what it only points to', async () => {
    plant(scratch.at('site'), {
      '.gitattributes': 'private/** export-ignore\nversion.txt export-subst\n',
      'private/notes.md': 'not exported',
      'version.txt': '$Format:%H$',
      'video.mp4': 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n',
      '.holdfast/x': 'x',
    });
    github.git('add', '-A');
    github.git(
      'update-index',
      '--add',
      '--cacheinfo',
      `160000,${github.git('rev-parse', 'HEAD')},lib/other`,
    );
    github.git(
      '-c',
      'user.name=A',
      '-c',
      'user.email=a@example.com',
      'commit',
      '-q',
      '-m',
      'attributes',
    );

    const made = await backUp();

    expect(
      made.problems.map(({ path, code, tolerated = false }) => [path, code, tolerated]).sort(),
    ).toEqual([
      ['.holdfast/x', 'skipped', true],
      ['lib/other', 'submodule', true],
      ['private/notes.md', 'missing', false],
      ['version.txt', 'changed', false],
      ['video.mp4', 'lfs-pointer', false],
    ]);
    expect(
      (await backUp({ tolerate: ['private/**', 'version.txt', '*.mp4'] })).manifest.status,
    ).toBe('complete');
  });

  it('is downloaded again when the download breaks off, stalls or is damaged', async () => {
    let downloads = 0;
    github.interfere = (path, response) => {
      if (!path.includes(DOWNLOAD_TOKEN) || ++downloads > 3) return false;
      const bytes = execFileSync('git', ['archive', '--format=tar.gz', '--prefix=x/', 'HEAD'], {
        cwd: scratch.at('site'),
        maxBuffer: 1 << 28,
      });
      if (downloads === 1) response.write(bytes.subarray(0, 1000), () => response.destroy());
      else if (downloads === 2) response.write(bytes.subarray(0, 1000));
      else response.end(bytes.fill(0x55, 20_000, 20_400));
      return true;
    };

    const made = await backUp({ stallMs: 3000 });

    expect(downloads).toBe(4);
    expect(made.problems).toEqual([]);
    execFileSync('diff', [
      '-r',
      '--no-dereference',
      '-x',
      '.git',
      scratch.at('site'),
      extracted(made.archive),
    ]);
  }, 60_000);
});

describe('fails', () => {
  it.each([
    [401, {}, /refuses the token/],
    [403, {}, /refuses access/],
    [404, {}, /does not exist, or the token may not see it/],
    [
      403,
      { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '2000000000' },
      /allows no more requests until 2033-05-18T03:33:20.000Z/,
    ],
  ])('when GitHub answers %s %j', async (status, headers, message) => {
    github.interfere = (_, response) => {
      response.writeHead(status, headers).end('{}');
      return true;
    };

    await expect(backUp()).rejects.toMatchObject({
      code: 'SOURCE_UNREADABLE',
      message: expect.stringMatching(message) as unknown,
    });
  });

  it('when the archive leads out of its folder, and leaves nothing behind', async () => {
    const evil = scratch.at('evil');
    plant(evil, { 'x/ok': 'x' });
    const tar = execFileSync(
      'tar',
      ['-cz', '--format=posix', '-P', '--transform=s,x/ok,x/../../evil,', 'x/ok'],
      { cwd: evil },
    );
    github.interfere = (path, response) => {
      if (!path.includes(DOWNLOAD_TOKEN)) return false;
      response.end(tar);
      return true;
    };

    await expect(backUp()).rejects.toMatchObject({
      code: 'SOURCE_UNREADABLE',
      message: expect.stringContaining('..') as unknown,
    });
    expect(fs.readdirSync(scratch.at('work'))).toEqual([]);
  });

  it('when the run is interrupted', async () => {
    const controller = new AbortController();
    github.interfere = (path) => {
      if (path.includes(DOWNLOAD_TOKEN)) controller.abort();
      return false;
    };

    await expect(backUp({ signal: controller.signal })).rejects.toMatchObject({
      code: 'CANCELLED',
    });
  });
});
