// As whom and how a scratch server runs: never as root, without a network where the system lets us take it away.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import type { Confinement } from './process.ts';

const NOBODY = { uid: 65534, gid: 65534 };
/** Paths of sockets have at most 107 bytes. */
const MAX_SCRATCH_PATH = 60;

let known: Confinement | undefined;

/** How programs that work on a scratch server are confined on this machine. */
export function confinement(): Confinement {
  known ??= isRoot() ? asOther() : asSelf();
  return known;
}

export function isRoot(): boolean {
  return process.getuid?.() === 0;
}

/**
 * Postgres refuses to run as root, and what a dump makes it do must not be done by root; nor as `postgres`, whom the servers in use
 * on this machine take for their superuser when he comes by their sockets.
 */
function asOther(): Confinement {
  const { uid, gid } = NOBODY;
  const drop = ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', '--'];
  const offline = ['unshare', '--net', '--', ...drop];
  if (works(offline)) return { prefix: offline, user: undefined, offline: true };
  return { prefix: [], user: { uid, gid }, offline: false };
}

function asSelf(): Confinement {
  const own = ['unshare', '--user', '--map-current-user', '--net'];
  // Without a view of other processes of the user either, in whose environments credentials are.
  const alone = [...own, '--pid', '--fork', '--kill-child', '--mount-proc', '--'];
  if (works(alone)) return { prefix: alone, user: undefined, offline: true };
  const offline = [...own, '--'];
  if (works(offline)) return { prefix: offline, user: undefined, offline: true };
  return { prefix: [], user: undefined, offline: false };
}

function works([program = '', ...args]: readonly string[]): boolean {
  return spawnSync(program, [...args, 'true'], { stdio: 'ignore' }).status === 0;
}

/** The user that owns what is confined. */
export function owner(): { uid: number; gid: number } | undefined {
  return isRoot() ? NOBODY : undefined;
}

/** A folder in which that user can have one of its own, with room for the path of a socket: the first that serves. */
export function scratchParent(wanted: string): string {
  const serves = (folder: string) =>
    folder.length <= MAX_SCRATCH_PATH && fs.existsSync(folder) && isOpen(folder);
  return [wanted, '/tmp', '/var/tmp'].find(serves) ?? wanted;
}

/** Whether others than its owner may pass through a folder and those above it; asked where root hands over to another user. */
export function isOpen(folder: string): boolean {
  if (!isRoot()) return true;
  for (let at = path.resolve(folder); ; at = path.dirname(at)) {
    if ((fs.statSync(at).mode & 0o001) === 0) return false;
    if (at === path.dirname(at)) return true;
  }
}
