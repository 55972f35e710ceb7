// Which backups of a source share bytes in the store, and what evidence about one says of the others.
import type { Manifest } from '../../format/manifest.ts';
import {
  claimOf,
  isDamageOfFiles,
  provenTogether,
  readArtifacts,
  type ReadArtifact,
} from '../../format/read-artifacts.ts';
import type { Record } from '../../format/record.ts';
import type { EvidencePiece } from '../../policy/standing.ts';
import { isSameFile } from '../../policy/stored/read-files.ts';
import type { ProofLevel } from '../../sources/source.ts';
import type { StoredObject } from '../../stores/store.ts';
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
export type SharedDamage = EvidencePiece & Required<Pick<EvidencePiece, 'foundIn'>>;

/** Damage by the file in which it is, and by what that was compared with. */
export type SharedDamages = ReadonlyMap<string, SharedDamage>;

/**
 * What verify records found damaged of what is shared: the earliest finding of each. A backup that no longer has the file in which
 * damage was found says nothing of the others.
 */
export function sharedDamage(
  stored: readonly StoredBackup[],
  records: readonly ReadRecord[],
): SharedDamages {
  const damage = new Map<string, SharedDamage>();
  for (const { record } of records) {
    const holder = stored.find(({ id }) => id === record.subject);
    for (const { key, inode, claim, whole, readAt: at } of readArtifacts(record)) {
      const shared = holder?.artifacts.find((one) => one.key === key)?.shared;
      if (whole || shared !== inode) continue;
      const name = `${shared} ${claim}`;
      const known = damage.get(name);
      if (known !== undefined && known.at <= at) continue;
      const level = levelOf(record);
      const verdict = { verb: 'verify', level, verdict: 'damaged' } as const;
      damage.set(name, { ...verdict, at, foundIn: record.subject });
    }
  }
  return damage;
}

/**
 * What was found damaged in other backups, and is of this one as well: the same file, of which its manifest says the same. (A manifest
 * that says something else of it is wrong, and not the file.)
 */
export function damageElsewhere(
  { id, artifacts }: Pick<Manifest, 'id' | 'artifacts'>,
  listed: readonly StoredObject[],
  damage: SharedDamages,
): SharedDamage[] {
  if (damage.size === 0) return [];
  return artifacts.flatMap((artifact) => {
    const shared = listed.find(({ key }) => key === artifact.key)?.shared;
    const found = shared && damage.get(`${shared} ${claimOf(artifact)}`);
    return found === undefined || found === '' || found.foundIn === id ? [] : [found];
  });
}

/** How deep a verify looked, as its record tells. */
export function levelOf({ facts }: Record): ProofLevel {
  return facts['level'] === 'content' ? 'content' : 'digest';
}

/** When that of its files was read that was read first; undefined where a record names none. */
export function earliestReading(record: Record): Date | undefined {
  const times = readArtifacts(record).map(({ readAt }) => readAt.getTime());
  return times.length === 0 ? undefined : new Date(Math.min(...times));
}

/** What trusted evidence says of a backup and of those that share bytes with it. */
export interface KnownReading {
  /** Whether one of them was found damaged. */
  readonly damaged: boolean;
  /** Files that were found damaged. */
  readonly lost: readonly ReadArtifact[];
  /** Whether more may be damaged than the files that are known to be. */
  readonly unclear: boolean;
  /** What verify has read of them, and found whole; nothing that was found damaged at any time. */
  readonly read: readonly LeveledReading[];
  /** Parts that were proven to fit together, as `togetherOf` gives them. */
  readonly together: readonly LeveledTogether[];
}

export interface LeveledTogether {
  readonly level: ProofLevel;
  readonly digest: string;
}

/** What was read, and how deep the record looked that says so. */
export interface LeveledReading extends ReadArtifact {
  readonly level: ProofLevel;
}

/**
 * Reads the evidence about a backup and about all that share bytes with it. In doubt it is damaged: a run that would build on it then takes
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
  const damage = evidence.filter(({ record }) => record.verdict === 'damaged');
  const files = evidence.flatMap(({ record }) =>
    readArtifacts(record).map((one) => ({ ...one, level: levelOf(record) })),
  );
  const lost = files.filter(({ whole }) => !whole);
  return {
    damaged: damage.length > 0,
    lost,
    unclear: damage.some(({ record }) => !isDamageOfFiles(record)),
    read: files.filter((one) => one.whole && !lost.some((other) => isSameFile(one, other))),
    together: evidence.flatMap(({ record }) => {
      const digest = provenTogether(record);
      return digest === undefined ? [] : [{ level: levelOf(record), digest }];
    }),
  };
}
