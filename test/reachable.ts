// Where tests run when root's checkout lies in a folder that others may not enter, such as root's home. Some tests start our programs as
// users who may do less: then all of Jest sees the checkout below /tmp, too, by a mount that no other process sees.
import { chmodSync, mkdtempSync, rmdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';

export interface Place {
  /** The root of the checkout, as those see it who are started by {@link Place.prefix}. */
  readonly root: string;
  /** What a command line has to begin with. */
  readonly prefix: readonly string[];
  readonly leave: () => void;
}

/** A place in which every user reaches the checkout in `root`: the same, or another. */
export function placeFor(root: string): Place {
  if (process.getuid?.() !== 0 || isOpen(root)) {
    return { root, prefix: [], leave: () => undefined };
  }
  const seen = mkdtempSync('/tmp/holdfast-checkout-');
  chmodSync(seen, 0o755);
  const script = 'mount --bind "$0" "$1" && cd "$1" && shift && exec "$@"';
  return {
    root: seen,
    prefix: ['unshare', '--mount', '--', 'sh', '-c', script, root, seen],
    leave: () => rmdirSync(seen),
  };
}

/** Whether everybody may pass through `folder` and all folders above it. */
export function isOpen(folder: string): boolean {
  const above = dirname(folder);
  return (statSync(folder).mode & 0o001) !== 0 && (above === folder || isOpen(above));
}

/** The same file, in another root. */
export function movedTo(root: string, path: string, from: string): string {
  return path.startsWith(`${from}/`) ? join(root, path.slice(from.length + 1)) : path;
}
