// Shares an unchanged artifact with the backup that a run builds on: one file in the store under two keys.
import { HoldfastError } from '../errors.ts';
import type { Artifact } from '../format/manifest.ts';
import { claimOf, type ReadArtifact } from '../format/read-artifacts.ts';
import { standingReading } from '../policy/stored/read-files.ts';
import type { Predecessor } from './catalog/predecessor.ts';
import { throwIfCancelled, type Engine } from './engine.ts';
import { verifyArtifacts } from './verify.ts';

/** Gives an artifact of the predecessor a second key; false where it is to be copied. */
export type Share = (from: Artifact, to: string) => Promise<boolean>;

/**
 * Links what is proven: what a trusted record says was read lately, by the file that it is, and was not written to since. For what is
 * due the predecessor is verified first, once a run. `BACKUP_DAMAGED` when it is not whole then: a file that is shared is the only one
 * there is, so what is not whole must not be passed on.
 */
export function sharingWith(engine: Engine, predecessor: Predecessor | undefined): Share {
  let verified: Promise<readonly ReadArtifact[]> | undefined;
  return async (from, to) => {
    const { store, signal } = engine;
    if (predecessor === undefined || store.identify === undefined) return false;
    const identity = await store.identify(from.key);
    const file = { ...identity, sha256: from.sha256, claim: claimOf(from) };
    if (file.bytes !== from.bytes) throw notWhole(from);
    if (standingReading(file, predecessor.read, engine.now()) === undefined) {
      verified ??= verifyPredecessor(engine, predecessor);
      if (standingReading(file, await verified, engine.now()) === undefined) throw notWhole(from);
    }
    throwIfCancelled(engine);
    const options = signal === undefined ? {} : { signal };
    return (await store.link?.(from.key, to, identity, options)) !== undefined;
  };
}

async function verifyPredecessor(
  engine: Engine,
  { manifest: { source, id } }: Predecessor,
): Promise<readonly ReadArtifact[]> {
  const { result, read } = await verifyArtifacts(engine, { source, id }, 'digest');
  return result.verdict === 'proven' ? read.filter(({ whole }) => whole) : [];
}

function notWhole({ key }: Artifact): HoldfastError {
  return new HoldfastError('BACKUP_DAMAGED', `${key} is not what was stored`, {
    hint: 'Verify the backup that it is of: `holdfast verify` names what is damaged.',
  });
}
