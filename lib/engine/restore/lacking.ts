// What a partial backup lacks: a restore of it is whole, and still not what was there.
import type { Problem } from '../../errors.ts';
import type { Manifest } from '../../format/manifest.ts';
import { lacksSomething } from '../../policy/standing.ts';
import { isWanted } from './left-out.ts';

type Partial = Pick<Manifest, 'status' | 'problems' | 'problemCount'>;

/**
 * What a backup lacks that the configuration does not tolerate, among what is restored; empty for one that is whole.
 *
 * @param paths - what is restored: byte strings without a closing slash; empty for everything
 */
export function lackingIn(manifest: Partial, paths: readonly string[]): readonly Problem[] {
  if (!lacksSomething(manifest)) return [];
  const { problems, problemCount } = manifest;
  const lacking = problems.filter(
    (one) => one.tolerated !== true && (one.path === '' || isWanted(one.path, paths)),
  );
  const unlisted = problemCount - problems.length;
  if (unlisted > 0)
    return [...lacking, unnamed(`${unlisted} more that its manifest does not list`)];
  return problems.length > 0 ? lacking : [unnamed('its manifest does not say what')];
}

function unnamed(detail: string): Problem {
  return { path: '', code: 'partial', detail };
}
