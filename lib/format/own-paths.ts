// The names that an archive keeps for what it says of itself.

export const OWN_DIRECTORY = '.holdfast/';
export const SUMS_PATH = `${OWN_DIRECTORY}SHA256SUMS`;
export const INDEX_PATH = `${OWN_DIRECTORY}index.ndjson`;

/**
 * True for a path that no entry may have: `.holdfast` at the root, whatever it is, and all below it.
 *
 * Even a link of that name would lead the sums of an archive that is extracted by `tar` out of its place.
 */
export function isOwnPath(path: string): boolean {
  return path.startsWith(OWN_DIRECTORY) || `${path}/` === OWN_DIRECTORY;
}
