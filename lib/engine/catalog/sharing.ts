// Which backups of a source share bytes in the store, and what evidence about one says of the others.
import { readArtifacts, type ReadArtifact } from '../../format/read-artifacts.ts';
import type { EvidencePiece } from '../../policy/standing.ts';
import type { StoredBackup } from './backups.ts';
import type { Engine } from '../engine.ts';
import { readRecords, type ReadRecord } from './records.ts';

/** The ids of a backup and of all that share bytes with it; of what was listed together. */
export function sharersOf(id: string, stored: readonly StoredBackup[]): Set<string> {
  const own = stored.find((one) => one.id === id);
  const shares = new Set(own?.artifacts.flatMap(({ shared }) => shared ?? []));
  const sharers = stored.filter(({ artifacts }) =>
    artifacts.some(({ shared }) => shared !== undefined && shares.has(shared)),
  );
  return new Set([id, ...sharers.map((one) => one.id)]);
}

/** Damage in bytes that several backups share. */
export type SharedDamage = Required<EvidencePiece>;

/**
 * What verify records found damaged of what is shared, by what the listing calls it: the earliest finding of each. A backup that no
 * longer has the file in which damage was found says nothing of the others.
 */
export function sharedDamage(
  stored: readonly StoredBackup[],
  records: readonly ReadRecord[],
): ReadonlyMap<string, SharedDamage> {
  const damage = new Map<string, SharedDamage>();
  for (const { record } of records) {
    const holder = stored.find(({ id }) => id === record.subject);
    for (const { key, inode, whole, readAt: at } of readArtifacts(record)) {
      const shared = holder?.artifacts.find((one) => one.key === key)?.shared;
      if (whole || shared !== inode) continue;
      const known = damage.get(shared);
      if (known !== undefined && known.at <= at) continue;
      const level = record.facts['level'] === 'content' ? 'content' : 'digest';
      const verdict = { verb: 'verify', level, verdict: 'damaged' } as const;
      damage.set(shared, { ...verdict, at, foundIn: record.subject });
    }
  }
  return damage;
}

/** What trusted evidence says of a backup and of those that share bytes with it. */
export interface KnownReading {
  /** Whether one of them was found damaged. */
  readonly damaged: boolean;
  /** What verify has read of them, and found whole. */
  readonly read: readonly ReadArtifact[];
}

/**
 * Reads the evidence about a backup and about all that share bytes with it. In doubt it is damaged: whoever builds on it then takes
 * everything from the source.
 */
export async function knownReading(
  engine: Engine,
  source: string,
  { id, stored }: { id: string; stored: readonly StoredBackup[] },
): Promise<KnownReading> {
  const subjects = sharersOf(id, stored);
  const options = { subjects, onProblem: () => undefined };
  const evidence = [
    ...(await readRecords(engine, 'verify', source, options)),
    ...(await readRecords(engine, 'restore-test', source, options)),
  ].filter(({ distrust }) => distrust === undefined);
  return {
    damaged: evidence.some(({ record }) => record.verdict === 'damaged'),
    read: evidence.flatMap(({ record }) => readArtifacts(record)).filter(({ whole }) => whole),
  };
}
