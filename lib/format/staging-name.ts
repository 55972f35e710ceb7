// How folders are named that a run fills before they get their name, or from which it moves entries into a folder.
import path from 'node:path';

const STAGING = /^\..*\.holdfast-[0-9a-f]{16}$/s;

/** The name of such a folder for what will stand at `target`; `random` makes it one that nobody else uses. */
export function stagingName(target: string, random: string): string {
  return `${stagingPrefix(target)}${random}`;
}

/** What the names of all such folders for `target` begin with. */
export function stagingPrefix(target: string): string {
  return `.${path.basename(target)}.holdfast-`;
}

/** True for a name that a run gives to such a folder; text or a byte string. */
export function isStagingName(name: string): boolean {
  return STAGING.test(name);
}
