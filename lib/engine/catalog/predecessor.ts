// Which earlier backup a run may take members over from.
import { isSafety } from '../../format/ids.ts';
import { PARTS_FEATURE } from '../../format/parts.ts';
import type { Source } from '../../sources/source.ts';
import {
  listStored,
  newestBackups,
  timeOf,
  type DatedBackup,
  type ReadBackup,
  type StoredBackup,
} from './backups.ts';
import { latestTime } from './clock.ts';
import type { Engine } from '../engine.ts';
import { knownReading, type KnownReading } from './sharing.ts';
import { absentArtifact } from './survey.ts';

/** A backup to build on. */
export interface Predecessor extends ReadBackup, Pick<KnownReading, 'read' | 'together' | 'lost'> {}

/**
 * The newest backup that is whole and trusted, for a run `id` that begins now; undefined when there is none, or that one is known to
 * be damaged. Of one that has several parts only those are of no use that are damaged, where the store can tell its files apart. It may well have a later id: a run that comes late builds on what was made since it was due.
 */
export async function findPredecessor(
  engine: Engine,
  source: Source,
  id: string,
  listed?: readonly StoredBackup[],
): Promise<Predecessor | undefined> {
  const stored = listed ?? (await listStored(engine, source.name));
  // What a restore replaced is compared with nothing but its like.
  const latest = latestTime(engine);
  const usable = stored.filter(
    (one) => one.id !== id && timeOf(one.id) <= latest && (isSafety(id) || !isSafety(one.id)),
  );
  for await (const one of newestBackups(engine, usable)) {
    const read = readUsable(source, one);
    if (read === undefined) continue;
    // An unchanged archive is linked or cloned as it stands, so what is wrong with this one may be wrong with those before it as
    // well, and nobody has looked at them since. Reading the source once more is the way out.
    const known = await knownReading(engine, source.name, { id: one.id, stored });
    return known.damaged && !hasWholeParts(engine, read, known) ? undefined : { ...known, ...read };
  }
  return undefined;
}

function hasWholeParts({ store }: Engine, { manifest }: ReadBackup, known: KnownReading): boolean {
  return (
    store.identify !== undefined && manifest.requires.includes(PARTS_FEATURE) && !known.unclear
  );
}

function readUsable(source: Source, { stored, read }: DatedBackup): ReadBackup | undefined {
  // One that cannot be read serves nobody; status and verify report it.
  if (read === undefined) return undefined;
  if (read.distrust !== undefined || read.manifest.kind !== source.kind.kind) return undefined;
  return absentArtifact(read.manifest, stored) === undefined ? read : undefined;
}

/** Whether evidence says that a backup is damaged, or one that shares bytes with it. */
export async function isKnownDamaged(engine: Engine, source: string, id: string): Promise<boolean> {
  const stored = await listStored(engine, source);
  return (await knownReading(engine, source, { id, stored })).damaged;
}
