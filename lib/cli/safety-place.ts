// Where a restore in place keeps what it overwrites, and which file keeps two restores of one folder apart.
import { createHash, generateKeyPairSync } from 'node:crypto';
import { constants } from 'node:fs';
import { access, mkdir } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { homeFolder } from '../config/load/home.ts';
import { isWithin } from '../config/places.ts';
import type { Engine } from '../engine/engine.ts';
import {
  lastSafety,
  safetyFolder,
  type SafetyPlace,
  type Undoing,
} from '../engine/restore/safety.ts';
import { HoldfastError } from '../errors.ts';
import { displayText } from '../format/paths.ts';
import { localSigner } from '../format/signed.ts';
import { withLocalLock } from '../stores/folder/lock.ts';
import { openLocalStore } from '../stores/folder/store.ts';
import { randomName } from '../wiring/machine.ts';

const { R_OK, W_OK, X_OK } = constants;

/**
 * Where this user's restores over `folder` keep what they overwrite: beside it, or, where this user may not write there, in a folder
 * below this user's home. `TARGET_REFUSED` when neither can be written to.
 */
export async function chooseSafety(folder: string): Promise<string> {
  const beside = safetyFolder(folder);
  if (await mayKeepIn(beside)) return beside;
  const own = ownSafety(folder);
  if (own !== undefined) {
    await ifAllowed(mkdir(path.dirname(own), { recursive: true, mode: 0o700 }));
    if (await mayKeepIn(own)) return own;
  }
  const above = displayText(path.dirname(folder));
  const why =
    own === undefined
      ? `may not write to ${above}, and has no home outside the site`
      : `may write neither to ${above} nor to ${displayText(path.dirname(own))}`;
  throw new HoldfastError(
    'TARGET_REFUSED',
    `what would be overwritten cannot be kept: this user ${why}`,
    {
      hint: `Do one of these: set XDG_STATE_HOME to a folder of this user outside the site; have root make ${displayText(beside)} and give it to this user; or run this as root.`,
    },
  );
}

export function placeIn(folder: string, safety: string): SafetyPlace {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return {
    folder,
    safety,
    openSafety: () => openLocalStore(safety, { random: randomName }),
    safetySigner: localSigner(privateKey),
  };
}

/** The last restore over a folder, wherever this user's restores have kept what it overwrote. */
export interface FoundSafety extends Undoing {
  readonly safety: string;
  /** The place beside the folder, when it is another user's and was not looked at. */
  readonly unseen: string | undefined;
}

/** `BACKUP_NOT_FOUND` when this user can take back none. */
export async function findLastSafety(engine: Engine, folder: string): Promise<FoundSafety> {
  const beside = safetyFolder(folder);
  const own = ownSafety(folder);
  let last: FoundSafety | undefined;
  const isUnseen = (await exists(beside)) && !(await may(beside, R_OK | W_OK | X_OK));
  const unseen = isUnseen ? beside : undefined;
  for (const safety of [beside, own]) {
    if (safety === undefined || !(await may(safety, R_OK | W_OK | X_OK))) continue;
    const found = await ifAny(lastSafety(engine, placeIn(folder, safety)));
    if (found === undefined) continue;
    if (last === undefined || found.at > last.at) last = { ...found, safety, unseen };
  }
  if (last !== undefined) return last;
  throw new HoldfastError(
    'BACKUP_NOT_FOUND',
    `there is no restore in place of ${displayText(folder)} that this user could take back`,
    {
      hint:
        unseen === undefined
          ? `Nothing is kept in ${[beside, own]
              .filter((one) => one !== undefined)
              .map(displayText)
              .join(' or ')}.`
          : `${displayText(unseen)} belongs to another user: the user who restored can take it back, and so can root.`,
    },
  );
}

/** Runs `run` while no other restore changes the same folder and keeps what it overwrites in `safety`. `LOCKED` when one does. */
export async function withRestoreLock<T>(
  { folder, safety }: Pick<SafetyPlace, 'folder' | 'safety'>,
  begin: Date,
  run: () => Promise<T>,
): Promise<T> {
  const holder = { pid: process.pid, host: os.hostname(), begin };
  const above = path.dirname(safety);
  const lockIn = (await may(above, W_OK | X_OK)) ? above : safety;
  const name = above === path.dirname(folder) ? path.basename(folder) : path.basename(safety);
  return withLocalLock(lockIn, `${name}.holdfast-restore`, holder, run);
}

/** Undefined for a user without a home, and where the site lies around it: what a site serves is no place for this. */
function ownSafety(folder: string): string | undefined {
  const { XDG_STATE_HOME: configured = '' } = process.env;
  const home = homeFolder();
  if (!path.isAbsolute(configured) && home === '') return undefined;
  const state = path.isAbsolute(configured) ? configured : path.join(home, '.local/state');
  const digest = createHash('sha256').update(folder).digest('hex').slice(0, 16);
  const own = path.join(state, 'holdfast/safety', `${path.basename(folder)}-${digest}`);
  return isWithin(own, folder) ? undefined : own;
}

async function mayKeepIn(safety: string): Promise<boolean> {
  if (await exists(safety)) return may(safety, R_OK | W_OK | X_OK);
  return may(path.dirname(safety), W_OK | X_OK);
}

function exists(at: string): Promise<boolean> {
  return may(at, constants.F_OK);
}

async function may(at: string, mode: number): Promise<boolean> {
  return (await ifAllowed(access(at, mode).then(() => true))) ?? false;
}

/** Undefined where the system refuses. */
async function ifAllowed<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    return undefined;
  }
}

async function ifAny<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== 'BACKUP_NOT_FOUND') throw error;
    return undefined;
  }
}
