// Shares an unchanged artifact with the backup that a run builds on: one file in the store under two keys.
import { HoldfastError } from '../errors.ts';
import type { Artifact } from '../format/manifest.ts';
import { claimOf, type ReadArtifact } from '../format/read-artifacts.ts';
import { isSameFile, standingReading, type StoredFile } from '../policy/stored/read-files.ts';
import type { OpenBackup } from '../sources/source.ts';
import type { Predecessor } from './catalog/predecessor.ts';
import { throwIfCancelled, type Engine } from './engine.ts';
import { filesOf, memoryOf } from './memory.ts';
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
    if (file.bytes !== from.bytes || isLost(predecessor, file)) throw notWhole(from);
    if (standingReading(file, predecessor.read, engine.now()) === undefined) {
      verified ??= verifyPredecessor(engine, predecessor);
      if (standingReading(file, await verified, engine.now()) === undefined) throw notWhole(from);
    }
    throwIfCancelled(engine);
    const options = signal === undefined ? {} : { signal };
    return (await store.link?.(from.key, to, identity, options)) !== undefined;
  };
}

/**
 * `backup` without what is known to be damaged in it: reading that is `BACKUP_DAMAGED`, also where its stored bytes are those of the
 * manifest and what they hold is wrong.
 */
export async function withoutLost(
  engine: Engine,
  backup: OpenBackup,
  predecessor: Predecessor,
): Promise<OpenBackup> {
  if (predecessor.lost.length === 0) return backup;
  const files = await filesOf(engine, backup.manifest);
  return {
    ...backup,
    open: (artifact) => {
      const file = files.get(artifact.key);
      if (file !== undefined && !isLost(predecessor, file)) return backup.open(artifact);
      return { bytes: artifact.bytes, read: () => Promise.reject(notWhole(artifact)) };
    },
  };
}

function isLost({ lost }: Predecessor, file: StoredFile): boolean {
  return lost.some((one) => isSameFile(one, file));
}

async function verifyPredecessor(
  engine: Engine,
  { manifest: { source, id }, read: known, together }: Predecessor,
): Promise<readonly ReadArtifact[]> {
  // What a record proves is not read again for another artifact that is due.
  const memory = memoryOf(engine, { read: known, together }, 'digest');
  const { read, isOfFiles } = await verifyArtifacts(engine, { source, id }, 'digest', memory);
  return isOfFiles ? read.filter(({ whole }) => whole) : [];
}

function notWhole({ key }: Artifact): HoldfastError {
  return new HoldfastError('BACKUP_DAMAGED', `${key} is not what was stored`, {
    hint: 'Verify the backup that it is of: `holdfast verify` names what is damaged.',
  });
}
