// Damage in a file that several backups share is damage of each: every one of them gets a record of its own that says so.
import { HoldfastError, type Problem } from '../errors.ts';
import { factOfRead, readArtifacts, type ReadArtifact } from '../format/read-artifacts.ts';
import { isSameFile } from '../policy/stored/read-files.ts';
import type { ProofLevel } from '../sources/source.ts';
import { isUnreadable, listStored, openBackup, type StoredBackup } from './catalog/backups.ts';
import { readRecords, tryRecord } from './catalog/records.ts';
import type { Engine } from './engine.ts';
import { filesOf } from './memory.ts';

/** Files that a verify found damaged. */
export interface FoundDamage {
  readonly source: string;
  /** The id of the backup in which they were found. */
  readonly subject: string;
  readonly begin: Date;
  readonly level: ProofLevel;
  readonly problems: readonly Problem[];
  readonly damaged: readonly ReadArtifact[];
}

/**
 * Writes evidence about every other backup that has one of the damaged files; their ids. Whichever of them a prune releases first, the
 * others stay damaged. Backups that have such evidence already get no more.
 */
export async function recordDamageElsewhere(engine: Engine, found: FoundDamage): Promise<string[]> {
  if (found.damaged.length === 0) return [];
  const also: string[] = [];
  for (const { id } of await sharersOfDamage(engine, found)) {
    const own = await damagedOf(engine, found, id);
    if (own.length === 0) continue;
    also.push(id);
    if (await isRecorded(engine, found, { id, own })) continue;
    const { source, begin, level, problems, subject: foundIn } = found;
    const act = { verb: 'verify', source, subject: id, begin, verdict: 'damaged' } as const;
    const named = { artifacts: factOfRead(own), inArtifacts: true };
    const facts = { level, entries: 0, bytes: 0, foundIn, ...named };
    await tryRecord(engine, { ...act, problems, facts });
  }
  return also;
}

/** Those that have one of the files, as a listing shows it. */
async function sharersOfDamage(
  engine: Engine,
  { source, subject, damaged }: FoundDamage,
): Promise<StoredBackup[]> {
  const inodes = new Set(damaged.map(({ inode }) => inode));
  return (await listStored(engine, source)).filter(
    ({ id, manifest, artifacts }) =>
      id !== subject &&
      manifest !== undefined &&
      artifacts.some(({ shared }) => shared !== undefined && inodes.has(shared)),
  );
}

/** The damaged files under the keys of another backup, whose manifest says the same of them. */
async function damagedOf(
  engine: Engine,
  { source, damaged }: FoundDamage,
  id: string,
): Promise<ReadArtifact[]> {
  try {
    const { manifest } = await openBackup(engine, source, id);
    return [...(await filesOf(engine, manifest))].flatMap(([key, file]) => {
      const same = damaged.find((one) => isSameFile(one, file));
      return same === undefined ? [] : [{ ...same, key }];
    });
  } catch (error) {
    // Nothing can be said of what cannot be read, or is not trusted.
    if (isUnreadable(error) || (error instanceof HoldfastError && error.code === 'UNTRUSTED'))
      return [];
    throw error;
  }
}

async function isRecorded(
  engine: Engine,
  { source }: FoundDamage,
  { id, own }: { id: string; own: readonly ReadArtifact[] },
): Promise<boolean> {
  const options = { subjects: new Set([id]), onProblem: () => undefined };
  const records = await readRecords(engine, 'verify', source, options);
  const known = records
    .filter(({ distrust }) => distrust === undefined)
    .flatMap(({ record }) => readArtifacts(record))
    .filter(({ whole }) => !whole);
  return own.every((one) => known.some((other) => isSameFile(one, other)));
}
