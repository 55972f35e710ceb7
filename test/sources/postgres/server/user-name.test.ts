// Servers for users who have no name, by initdb itself and the library that gives them one.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { namingEnvironment } from '../../../../lib/sources/postgres/server/user-name.ts';
import { binaries, MACHINE, plainUser } from '../../../support/postgres.ts';
import { need } from '../../../needs/need.ts';

need('libnss-wrapper');

/** Of nobody on any machine that runs these tests. */
const NAMELESS = { uid: 471_193, gid: 471_193 };

let folder: string;
beforeEach(() => {
  folder = fs.mkdtempSync('/tmp/holdfast-nameless-');
  fs.chmodSync(folder, 0o777);
});
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

function initdb(env: Readonly<Record<string, string>>) {
  const { uid, gid } = NAMELESS;
  // Without the rights of root a user can only be another one in a namespace.
  const become =
    plainUser() === undefined
      ? ['unshare', '--user', `--map-user=${uid}`, `--map-group=${gid}`, '--']
      : ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', '--'];
  const program = path.join(binaries(), 'initdb');
  const options = [`--pgdata=${path.join(folder, 'data')}`, '--auth=trust', '--no-sync'];
  const { status, stderr } = spawnSync('env', ['--', ...become, program, ...options], {
    cwd: folder,
    env: { PATH: '/usr/bin:/bin', LC_ALL: 'C', ...env },
    encoding: 'utf8',
  });
  return { status, stderr };
}

test('initdb works for a user without a name, who has one from files in the folder', () => {
  expect(initdb({}).stderr).toContain('could not look up effective user ID');
  const env = namingEnvironment(folder, NAMELESS, MACHINE);
  expect(env).toEqual({
    LD_PRELOAD: 'libnss_wrapper.so',
    NSS_WRAPPER_PASSWD: path.join(folder, 'passwd'),
    NSS_WRAPPER_GROUP: path.join(folder, 'group'),
  });
  expect(initdb(env)).toEqual({ status: 0, stderr: expect.any(String) });
});

test('a user who has a name keeps it, and nothing is written', () => {
  const user = plainUser() ?? { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  expect(namingEnvironment(folder, user, MACHINE)).toEqual({});
  expect(fs.readdirSync(folder)).toEqual([]);
});

test('says what to install where the library is missing', () => {
  // A machine on which no library changes who is known.
  fs.writeFileSync(path.join(folder, 'getent'), '#!/bin/sh\nexit 2\n', { mode: 0o755 });
  const machine = { ...MACHINE, environment: { PATH: folder } };
  const naming = () => namingEnvironment(folder, NAMELESS, machine);
  expect(naming).toThrow(expect.objectContaining({ code: 'COMMAND_FAILED' }));
  expect(naming).toThrow('this process runs as user 471193, who has no name on this machine');
});
