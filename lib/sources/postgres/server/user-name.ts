// A name for a user who has none: in functions and containers processes run under numbers that no list of users knows, and initdb
// refuses to work for them.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { HoldfastError } from '../../../errors.ts';
import { baseEnvironment, type Machine } from './tools.ts';

/** Found by the loader where the system keeps its libraries. */
const WRAPPER = 'libnss_wrapper.so';
const NAME = 'holdfast';

export interface User {
  readonly uid: number;
  readonly gid: number;
}

/**
 * What the environment of a program needs so that its user has a name: nothing where the system knows one, otherwise the library that
 * answers from two files, which are written to `folder`. `COMMAND_FAILED` when that library is not installed.
 */
export function namingEnvironment(
  folder: string,
  { uid, gid }: User,
  machine: Machine,
): Readonly<Record<string, string>> {
  const { PATH = '' } = baseEnvironment(machine);
  if (hasName(uid, { PATH })) return {};
  const users = path.join(folder, 'passwd');
  const groups = path.join(folder, 'group');
  fs.writeFileSync(users, `${NAME}:x:${uid}:${gid}::${folder}:/bin/sh\n`, { mode: 0o644 });
  fs.writeFileSync(groups, `${NAME}:x:${gid}:\n`, { mode: 0o644 });
  const naming = { LD_PRELOAD: WRAPPER, NSS_WRAPPER_PASSWD: users, NSS_WRAPPER_GROUP: groups };
  if (hasName(uid, { PATH, ...naming })) return naming;
  throw new HoldfastError(
    'COMMAND_FAILED',
    `this process runs as user ${uid}, who has no name on this machine, and initdb needs one`,
    { hint: 'Install libnss-wrapper (apt-get install libnss-wrapper), or add the user.' },
  );
}

/** Asked as the program itself would: in its environment, of whatever lists of users the system has. */
function hasName(uid: number, env: Readonly<Record<string, string>>): boolean {
  const { status, error } = spawnSync('getent', ['passwd', String(uid)], { env, stdio: 'ignore' });
  // Where nobody can be asked, initdb will tell.
  return error === undefined ? status === 0 : true;
}
