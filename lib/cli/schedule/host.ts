// What of this machine and its user matters to timers. Gathered once, at the edge; tests pass in their own.
import { existsSync, realpathSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { homeFolder } from '../../config/load/home.ts';
import { keyFolder } from '../../config/load/key-files.ts';
import { HoldfastError } from '../../errors.ts';
import { agentFolder } from './launchd.ts';
import { unitFolder } from './systemd.ts';
import type { Manager } from './timers.ts';

export interface Host {
  readonly isRoot: boolean;
  readonly user: string;
  /** Empty where the user has none. */
  readonly home: string;
  /** Where keys are, and the file with variables. */
  readonly keys: string;
  /** What this machine starts programs by; undefined where neither macOS nor systemd is. */
  readonly native: Exclude<Manager, 'cron'> | undefined;
  /** Where the files of each manager are. */
  readonly folders: Readonly<Record<Exclude<Manager, 'cron'>, string>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Undefined where there are no numbers of users. */
  readonly uid: number | undefined;
  readonly node: string;
  readonly program: string;
  readonly searchPath: string;
}

/** This machine, for the user of this process. */
export function thisHost(user: string): Host {
  const home = homeFolder();
  const uid = process.getuid?.();
  const isRoot = uid === 0;
  const { env } = process;
  const keys = keyFolder(home, env);
  return {
    ...{ isRoot, user, home, keys, env, uid },
    native: nativeManager(),
    folders: {
      systemd: unitFolder(isRoot, path.dirname(keys)),
      launchd: agentFolder(isRoot, home),
    },
    node: lastingNode(process.execPath),
    program: realpathSync(process.argv[1] ?? ''),
    searchPath: lastingPath(env['PATH'] ?? ''),
  };
}

function nativeManager(): Host['native'] {
  if (os.platform() === 'darwin') return 'launchd';
  // As `sd_booted` decides it.
  return existsSync('/run/systemd/system') ? 'systemd' : undefined;
}

/** Where a system keeps what survives an update of Node, unlike the folder of one version. */
const LASTING = ['/usr/bin/node', '/usr/local/bin/node', '/opt/homebrew/bin/node'];

/** A name of this Node that its next version will have, too; otherwise its own. */
function lastingNode(execPath: string): string {
  const real = realpathSync(execPath);
  return LASTING.find((one) => existsSync(one) && realpathSync(one) === real) ?? execPath;
}

/** Every system has programs here. */
const USUAL = ['/usr/local/bin', '/usr/bin', '/bin'];

/** The folders of a search path that will be there when no shell and no npm is around. */
export function lastingPath(searchPath: string): string {
  const folders = searchPath
    .split(path.delimiter)
    .filter((one) => path.isAbsolute(one) && !/\/(node_modules|node-gyp-bin|_npx)(\/|$)/.test(one))
    .filter((one) => existsSync(one));
  return [...new Set([...folders, ...USUAL])].join(path.delimiter);
}

/** `CONFIG_INVALID` for a user without a home, who has no place for files of his own. */
export function assertHome({ isRoot, home }: Host): void {
  if (isRoot || home !== '') return;
  throw new HoldfastError('CONFIG_INVALID', 'this user has no home folder for timers of its own', {
    hint: 'Set HOME, or run this as root, which has timers of the system.',
  });
}
