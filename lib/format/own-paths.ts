// The names that an archive keeps for what it says of itself.
import { createHash } from 'node:crypto';

export const OWN_DIRECTORY = '.holdfast/';
export const SUMS_PATH = `${OWN_DIRECTORY}SHA256SUMS`;
export const INDEX_PATH = `${OWN_DIRECTORY}index.ndjson`;
/** Where objects go whose keys cannot be paths. */
export const KEYS_DIRECTORY = `${OWN_DIRECTORY}keys/`;

/** True for a path that the key of an object may have been made into. */
export function isKeyPath(path: string): boolean {
  return (
    path.startsWith(KEYS_DIRECTORY) && /^[0-9a-f]{64}$/.test(path.slice(KEYS_DIRECTORY.length))
  );
}

/** The path of an object whose key cannot be one. Both are byte strings. */
export function pathOfKey(key: string): string {
  return KEYS_DIRECTORY + createHash('sha256').update(key, 'latin1').digest('hex');
}

/**
 * True for a path that no entry may have: `.holdfast` at the root, whatever it is, and all below it.
 *
 * Even a link of that name would lead the sums of an archive that is extracted by `tar` out of its place.
 */
export function isOwnPath(path: string): boolean {
  return path.startsWith(OWN_DIRECTORY) || `${path}/` === OWN_DIRECTORY;
}
