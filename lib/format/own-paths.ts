// The names that an archive keeps for what it says of itself.
import { createHash } from 'node:crypto';

export const OWN_DIRECTORY = '.holdfast/';
export const SUMS_PATH = `${OWN_DIRECTORY}SHA256SUMS`;
export const INDEX_PATH = `${OWN_DIRECTORY}index.ndjson`;
/** What an archive calls its own two files. */
export interface OwnNames {
  readonly sums: string;
  readonly index: string;
  /** True for one part of several, which has no sums where it has no files: tools refuse an empty list. */
  readonly ofPart: boolean;
}

/** The names in an archive that is the only one of its backup. */
export const OWN_NAMES: OwnNames = { sums: SUMS_PATH, index: INDEX_PATH, ofPart: false };

/** The names in one part of several: made from its first path, so that they do not depend on the parts before it. A byte string. */
export function ownNamesOfPart(firstPath: string): OwnNames {
  const digits = createHash('sha256').update(firstPath, 'latin1').digest('hex').slice(0, 16);
  const index = `${OWN_DIRECTORY}index-${digits}.ndjson`;
  return { sums: `${SUMS_PATH}-${digits}`, index, ofPart: true };
}

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
