// What a prune says of backups that are gone although nobody has released them: they stay missing until somebody accepts the loss.
import { HoldfastError, type Problem } from '../errors.ts';
import type { Facts } from '../format/record.ts';
import type { PruneFacts } from './catalog/prune-facts.ts';
import type { PruneDecision } from './prune-decision.ts';

/** `USAGE` for what is not missing: a loss that did not happen cannot be accepted. */
export function acceptedOf(
  source: string,
  gone: readonly Problem[],
  accept: readonly string[] = [],
): { readonly accepted: readonly string[]; readonly missing: readonly Problem[] } {
  const ids = new Set(gone.map(idOf));
  const other = accept.find((id) => !ids.has(id));
  if (other !== undefined) {
    const hint =
      ids.size === 0
        ? `Nothing of ${source} is missing.`
        : `Missing are ${[...ids].map((id) => `${source}/${id}`).join(', ')}.`;
    throw new HoldfastError('USAGE', `${source}/${other} is not missing`, { hint });
  }
  const accepted = [...new Set(accept)];
  return { accepted, missing: gone.filter((one) => !accepted.includes(idOf(one))) };
}

/** The id in a problem about a backup. */
export function idOf({ path }: Problem): string {
  return path.slice(path.indexOf('/') + 1);
}

interface Losses {
  readonly last: PruneFacts | undefined;
  readonly missing: readonly Problem[];
  readonly decided: PruneDecision;
  readonly accepted: readonly string[];
}

/**
 * What the next prune has to look for besides what this one keeps: what is missing, and what was to be there and takes no part now,
 * because its manifest cannot be read or is not trusted.
 */
export function carried({ last, missing, decided, accepted }: Losses): string[] {
  const { keep, release, goneBefore } = decided;
  const settled = new Set([
    ...[...keep, ...release].map(({ backup }) => backup.id),
    ...goneBefore.map(({ id }) => id),
    ...accepted,
  ]);
  const expected = [...missing.map(idOf), ...(last?.kept ?? []), ...(last?.missing ?? [])];
  return [...new Set(expected)].filter((id) => !settled.has(id)).sort();
}

/** As a record has them; nothing where nothing is lost. */
export function lossFacts(
  losses: Readonly<Record<'missing' | 'accepted', readonly string[]>>,
): Facts {
  const filled = Object.entries(losses).filter(([, ids]) => ids.length > 0);
  return Object.fromEntries(filled.map(([name, ids]) => [name, ids.map((id) => ({ id }))]));
}
