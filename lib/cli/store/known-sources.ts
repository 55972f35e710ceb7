// Names of sources that a user gave, against those that there are.
import { HoldfastError } from '../../errors.ts';

/** `USAGE` for a source that neither the configuration nor the store knows. */
export function assertKnown(names: readonly string[], known: readonly string[]): void {
  const unknown = names.find((name) => !known.includes(name));
  if (unknown === undefined) return;
  throw new HoldfastError('USAGE', `there is no source "${unknown}"`, {
    hint:
      known.length === 0
        ? 'The store holds nothing yet, and no source is configured.'
        : `Known are ${known.join(', ')}.`,
  });
}
