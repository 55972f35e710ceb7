// What can be done with backups that are archives of a tree, without their source. The archive alone suffices for all of it.
import { createHash } from 'node:crypto';
import { proveArchive } from '../../archive/read/prove-archive.ts';
import { restoreArchive } from '../../archive/read/restore-archive.ts';
import { HoldfastError, type Problem } from '../../errors.ts';
import type { Artifact } from '../../format/manifest.ts';
import { partsOf } from '../../format/parts.ts';
import { fromUtf8 } from '../../format/paths.ts';
import { compareTree } from './compare.ts';
import { archiveOf, wantedPaths, wholeTree } from './opened-archive.ts';
import { ownershipOf, withNames } from './owner-names.ts';
import { filesByHand, listFiles } from './views.ts';
import { repairFiles } from './repair.ts';
import type {
  Compared,
  CompareFolder,
  Findings,
  OpenBackup,
  ProofLevel,
  ProofWork,
  RestoreInput,
  RestoreResult,
  SourceKind,
} from '../source.ts';

/** Every file takes whole blocks. */
const BLOCK_BYTES = 4096;

/** What every kind does whose backups are archives. */
export const archiveVerbs = {
  list: listFiles,
  roomFor: ({ totals }) => totals.contentBytes + totals.entries * BLOCK_BYTES,
  byHand: filesByHand,
  prove,
  restore,
  compare,
  repair: repairFiles,
} satisfies Partial<SourceKind>;

/** The kind of sources that are read into archives, and have neither owners nor a folder that one could be restored over. */
export function archiveKind(kind: string): SourceKind {
  return {
    ...archiveVerbs,
    kind,
    restore: (backup, input) => restore(backup, { ...input, owners: 'aside' }),
    compare: (backup, input) => compare(backup, { ...input, owners: 'aside' }),
    inPlace: undefined,
  };
}

async function prove(backup: OpenBackup, level: ProofLevel, work: ProofWork): Promise<Findings> {
  const { known = new Set(), fits = false } = work;
  const parts = partsOf(backup.manifest).map(({ artifact }) => artifact);
  const totalBytes = parts.reduce((sum, { bytes }) => sum + bytes, 0);
  const { damagedParts, ...findings } = await proveArchive({
    parts: archiveOf(backup),
    known: new Set(parts.keys().filter((i) => known.has(parts[i]?.key ?? ''))),
    fits,
    entries: backup.manifest.totals.entries,
    level,
    pool: work.pool,
    signal: work.signal,
    onProgress: ({ entries, bytes }) => work.onProgress?.({ entries, bytes, totalBytes }),
  });
  const scans = backup.manifest.artifacts.filter(({ role }) => role === 'scan');
  const problems = new Map(parts.map(({ key }, i) => [key, damagedParts.get(i) ?? []]));
  for (const scan of scans)
    if (!known.has(scan.key)) problems.set(scan.key, await proveScan(backup, scan));
  const read = [...problems]
    .filter(([key]) => !known.has(key))
    .map(([key, found]) => ({ key, problems: found }));
  const ofScans = scans.flatMap(({ key }) => problems.get(key) ?? []);
  return {
    ...findings,
    problems: [...findings.problems, ...ofScans],
    artifacts: {
      whole: read.filter((one) => one.problems.length === 0).map(({ key }) => key),
      damaged: read.filter((one) => one.problems.length > 0),
    },
  };
}

/** The scan is always read whole, so its digest is all there is to prove. */
async function proveScan(backup: OpenBackup, artifact: Artifact): Promise<Problem[]> {
  const detail = 'the scan does not have its recorded digest';
  try {
    const stored = await backup.open(artifact).read(0, artifact.bytes);
    if (createHash('sha256').update(stored).digest('hex') === artifact.sha256) return [];
  } catch (error) {
    const absent = error instanceof HoldfastError && error.code.startsWith('BACKUP_');
    if (!absent) throw error;
  }
  return [{ path: artifact.key, code: 'damaged', detail }];
}

async function restore(backup: OpenBackup, input: RestoreInput): Promise<RestoreResult> {
  const archive = archiveOf(backup);
  const totalBytes = input.paths.length === 0 ? backup.manifest.totals.contentBytes : undefined;
  const { owners } = backup.manifest;
  const restored = await restoreArchive(archive, {
    root: `${fromUtf8(input.into)}/`,
    paths: input.paths,
    recorded: backup.manifest.totals.entries,
    write: { ownership: await ownershipOf(input.owners, owners) },
    pool: input.pool,
    signal: input.signal,
    onProgress: ({ entries, bytes }) => input.onProgress?.({ entries, bytes, totalBytes }),
  });
  return { ...restored, unkept: withNames(restored.unkept, owners) };
}

async function compare(backup: OpenBackup, input: CompareFolder): Promise<Compared> {
  const problems: Problem[] = [];
  const wants = wantedPaths(input.paths);
  const { owners, times, pool, signal } = input;
  const names = backup.manifest.owners;
  const totalBytes = input.paths.length === 0 ? backup.manifest.totals.contentBytes : undefined;
  const compared = await compareTree({
    archive: archiveOf(backup),
    found: only(
      wholeTree(input.folder, (one) => problems.push(one)),
      wants,
    ),
    wants,
    paths: input.paths.length === 0 ? undefined : input.paths,
    ownership: await ownershipOf(owners, names),
    times,
    pool,
    signal,
    onProgress: ({ entries, bytes }) => input.onProgress?.({ entries, bytes, totalBytes }),
  });
  const unkept = withNames(compared.unkept, names);
  return { ...compared, unkept, problems: [...problems, ...compared.problems] };
}

function* only<T extends { path: string }>(
  entries: Iterable<T>,
  wants: (path: string) => boolean,
): Generator<T> {
  for (const entry of entries) if (wants(entry.path)) yield entry;
}
