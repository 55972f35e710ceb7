// What verifications know of stored files without reading them again: by what trusted records say, or by what the same run has read.
import type { Problem } from '../errors.ts';
import { claimOf } from '../format/read-artifacts.ts';
import type { Manifest } from '../format/manifest.ts';
import { standingReading, type StoredFile } from '../policy/stored/read-files.ts';
import type { ProofLevel } from '../sources/source.ts';
import { isUnreadable, listStored } from './catalog/backups.ts';
import { knownReading, type KnownReading } from './catalog/sharing.ts';
import type { Engine } from './engine.ts';

/** What is known of a stored file. */
export interface KnownFile {
  /** When its bytes were read. */
  readonly readAt: Date;
  /** What is wrong with it; nothing where it is whole. */
  readonly problems: readonly Problem[];
  /** The key under which it was read, where `problems` may name that. */
  readonly key?: string;
}

/** What need not be read again at a level of proof. */
export interface Memory {
  find(file: StoredFile): KnownFile | undefined;
  /** Told of what was read. */
  note?(file: StoredFile, known: KnownFile): void;
  /** Whether parts, as `togetherOf` gives them, were proven to fit together. */
  fits?(together: string): boolean;
  /** Told of what was proven so. */
  noteFitting?(together: string): void;
}

/** Reads every byte. */
export const NO_MEMORY: Memory = { find: () => undefined };

/** A memory for the verifications of one run at one level: each file is read once, under the first of its keys. */
export function readOnce(): Memory {
  const known = new Map<string, KnownFile>();
  const fitting = new Set<string>();
  const nameOf = ({ inode, modified, bytes, sha256, claim }: StoredFile) =>
    [inode, modified, bytes, sha256, claim].join(' ');
  return {
    find: (file) => known.get(nameOf(file)),
    note: (file, found) => known.set(nameOf(file), found),
    fits: (together) => fitting.has(together),
    noteFitting: (together) => fitting.add(together),
  };
}

/**
 * What trusted records prove of the files of a backup at `level` or above, by readings that still stand. Nothing where one of the
 * backups that share bytes with it was found damaged otherwise than in files of its own, and in a store whose objects share nothing.
 */
export async function readLately(
  engine: Engine,
  { source, id }: { source: string; id: string },
  level: ProofLevel,
): Promise<Memory> {
  if (engine.store.identify === undefined) return NO_MEMORY;
  const stored = await listStored(engine, source);
  const known = await knownReading(engine, source, { id, stored });
  return known.unclear ? NO_MEMORY : memoryOf(engine, known, level);
}

/** What evidence proves at `level` or above, by readings that still stand. */
export function memoryOf(
  engine: Engine,
  { read, together }: Pick<KnownReading, 'read' | 'together'>,
  level: ProofLevel,
): Memory {
  const isDeep = (one: { level: ProofLevel }) => one.level === 'content' || one.level === level;
  const deep = read.filter(isDeep);
  const fitting = new Set(together.filter(isDeep).map(({ digest }) => digest));
  return {
    find: (file) => {
      const reading = standingReading(file, deep, engine.now());
      return reading && { readAt: reading.readAt, problems: [] };
    },
    fits: (one) => fitting.has(one),
  };
}

/** The files of a backup, by their keys. */
export type Files = ReadonlyMap<string, StoredFile>;

/** Which files stand under the keys of the artifacts at this moment; of those that are there, where the store can tell. */
export async function filesOf({ store }: Engine, { artifacts }: Manifest): Promise<Files> {
  const found = new Map<string, StoredFile>();
  for (const artifact of store.identify === undefined ? [] : artifacts) {
    try {
      const identity = await store.identify?.(artifact.key);
      if (identity === undefined) continue;
      const { sha256 } = artifact;
      found.set(artifact.key, { ...identity, sha256, claim: claimOf(artifact) });
    } catch (error) {
      if (!isUnreadable(error)) throw error;
    }
  }
  return found;
}
