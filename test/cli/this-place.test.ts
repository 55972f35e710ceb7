import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

import { networkPath, placeFrom, remoteOf, type Seen } from '../../lib/cli/this-place.ts';

const seen: Seen = {
  path: '/srv/shop',
  remote: 'github.com/o/shop',
  environment: {},
  mounts: '',
  host: 'web1',
  machine: 'a'.repeat(32),
  inContainer: false,
};

describe('what tells one site from another', () => {
  test('is machine and path on a server', () => {
    expect(placeFrom(seen)).toEqual({
      host: 'web1',
      machine: 'a'.repeat(32),
      path: '/srv/shop',
      remote: 'github.com/o/shop',
    });
  });

  test('is the path in a container, whose name is new each time', () => {
    const place = placeFrom({ ...seen, inContainer: true, remote: undefined });
    expect(place).toEqual({ path: '/srv/shop' });
  });

  test.each([{ CI: 'true' }, { GITHUB_ACTIONS: 'true' }, { CODEBUILD_BUILD_ID: 'x:1' }])(
    'is the repository in CI: %j',
    (environment) => {
      expect(placeFrom({ ...seen, environment })).toEqual({ remote: 'github.com/o/shop' });
    },
  );

  test('is what CI says of the repository where there is no working tree', () => {
    const github = {
      GITHUB_ACTIONS: 'true',
      GITHUB_SERVER_URL: 'https://github.com',
      GITHUB_REPOSITORY: 'O/Shop',
    };
    const environment = github;
    expect(placeFrom({ ...seen, remote: undefined, environment })).toEqual({
      remote: 'github.com/o/shop',
    });
  });

  test('is the place on its server for what many machines mount', () => {
    const mounts = [
      '22 1 8:1 / / rw - ext4 /dev/sda1 rw',
      '40 22 0:45 / /mnt/www\\040data rw shared:1 - nfs4 user@nas.example:/export rw',
    ].join('\n');
    const path = '/mnt/www data/shop';
    const place = placeFrom({ ...seen, path, mounts, remote: undefined });
    expect(place).toEqual({ path: 'nas.example:/export/shop' });
    expect(networkPath('/srv/shop', mounts)).toBeUndefined();
    expect(networkPath('/mnt/www data', mounts)).toBe('nas.example:/export');
  });
});

describe('the repository of a folder', () => {
  let root: string;
  beforeEach(async () => {
    root = await realpath(await mkdtemp(join(tmpdir(), 'holdfast-place-')));
    await mkdir(join(root, 'top/.git'), { recursive: true });
    await mkdir(join(root, 'top/packages/web'), { recursive: true });
  });
  afterEach(() => rm(root, { recursive: true }));

  test('is its remote origin, wherever in the working tree it lies', async () => {
    const config =
      '[core]\n\tbare = false\n[remote "fork"]\n\turl = https://x/y/fork\n[remote "origin"]\n\turl = git@github.com:o/shop.git\n';
    await writeFile(join(root, 'top/.git/config'), config);
    expect(remoteOf(join(root, 'top/packages/web'))).toBe('github.com/o/shop');
  });

  test('is that of the repository in a worktree of it', async () => {
    await writeFile(
      join(root, 'top/.git/config'),
      '[remote "origin"]\n\turl = https://g.org/o/n\n',
    );
    await mkdir(join(root, 'top/.git/worktrees/w'), { recursive: true });
    await writeFile(join(root, 'top/.git/worktrees/w/commondir'), '../..\n');
    await mkdir(join(root, 'w'));
    await writeFile(join(root, 'w/.git'), `gitdir: ${root}/top/.git/worktrees/w\n`);
    expect(remoteOf(join(root, 'w'))).toBe('g.org/o/n');
  });

  test('is unknown without git, and without a remote', async () => {
    expect(remoteOf(root)).toBeUndefined();
    await writeFile(join(root, 'top/.git/config'), '[core]\n');
    expect(remoteOf(join(root, 'top'))).toBeUndefined();
  });
});
