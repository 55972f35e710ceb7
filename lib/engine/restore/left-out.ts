// What a restore cannot bring back, because the backup never had it.
import type { Problem } from '../../errors.ts';
import type { Manifest } from '../../format/manifest.ts';
import { displayPath } from '../../format/paths.ts';

/** Codes of problems by which something of the source is not in its backup. */
const LACKING: ReadonlySet<string> = new Set([
  'secret',
  'lfs-pointer',
  'submodule',
  'unreadable',
  'vanished',
  'missing',
]);

/**
 * What of the source is not in the backup and has to come from elsewhere, as far as its manifest lists problems.
 *
 * @param paths - what is restored: byte strings without a closing slash; empty for everything
 */
export function leftOutOf({ problems }: Manifest, paths: readonly string[]): readonly Problem[] {
  return problems.filter(({ code, path }) => LACKING.has(code) && isWanted(path, paths));
}

/** Whether a backup had it and lost it since; of what a backup never had, the run that made it told already. */
export function wasLost({ code }: Problem): boolean {
  return !LACKING.has(code);
}

/** Whether a path of a problem is among those that are restored. */
export function isWanted(path: string, paths: readonly string[]): boolean {
  if (paths.length === 0) return true;
  return paths.map(displayPath).some((one) => path === one || path.startsWith(`${one}/`));
}
