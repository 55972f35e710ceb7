// What can be done with backups of files, without their source: proving and restoring. The archive alone suffices for both.
import { createHash } from 'node:crypto';
import { proveArchive } from '../archive/prove-archive.ts';
import { openArchive, type Archive } from '../archive/read.ts';
import { restoreArchive } from '../archive/restore-archive.ts';
import { HoldfastError, type Problem } from '../errors.ts';
import { artifactOf, type Artifact } from '../format/manifest.ts';
import { fromUtf8 } from '../format/paths.ts';
import { compareTree, type Comparison } from './compare-tree.ts';
import { createSelector } from './select.ts';
import type {
  CompareFolder,
  Findings,
  OpenBackup,
  ProofLevel,
  RestoreInput,
  RestoreResult,
  SourceKind,
  Work,
} from './source.ts';
import { walk } from './walk.ts';

export const filesKind: SourceKind = { kind: 'files', prove, restore, compare };

/** The archive of a backup, opened by the table that its manifest names. */
export async function openBackupArchive(backup: OpenBackup): Promise<Archive> {
  const artifact = artifactOf(backup.manifest, 'archive');
  return openArchive(backup.open(artifact), tableOf(artifact), artifact.codec);
}

function tableOf(artifact: Artifact): NonNullable<Artifact['table']> {
  if (artifact.table !== undefined) return artifact.table;
  throw new HoldfastError(
    'BACKUP_DAMAGED',
    `the manifest does not say where the index of ${artifact.key} stands`,
  );
}

async function prove(backup: OpenBackup, level: ProofLevel, work: Work): Promise<Findings> {
  const artifact = artifactOf(backup.manifest, 'archive');
  const findings = await proveArchive({
    reader: backup.open(artifact),
    place: tableOf(artifact),
    codec: artifact.codec,
    level,
    pool: work.pool,
    signal: work.signal,
    onProgress: ({ entries, bytes }) =>
      work.onProgress?.({ entries, bytes, totalBytes: artifact.bytes }),
  });
  const scan = await proveScan(backup);
  return { ...findings, problems: [...findings.problems, ...scan] };
}

/** The scan is read whole by whoever uses it, so its digest is all there is to prove. */
async function proveScan(backup: OpenBackup): Promise<Problem[]> {
  const artifact = backup.manifest.artifacts.find(({ role }) => role === 'scan');
  if (artifact === undefined) return [];
  try {
    const stored = await backup.open(artifact).read(0, artifact.bytes);
    if (createHash('sha256').update(stored).digest('hex') === artifact.sha256) return [];
  } catch (error) {
    const absent = error instanceof HoldfastError && /^BACKUP_/.test(error.code);
    if (!absent) throw error;
  }
  return [
    { path: artifact.key, code: 'damaged', detail: 'the scan does not have its recorded digest' },
  ];
}

async function restore(backup: OpenBackup, input: RestoreInput): Promise<RestoreResult> {
  const archive = await openBackupArchive(backup);
  const totalBytes = input.paths.length === 0 ? backup.manifest.totals.contentBytes : undefined;
  return restoreArchive(archive, {
    root: `${fromUtf8(input.into)}/`,
    paths: input.paths.map((path) => fromUtf8(path.replace(/\/+$/, ''))),
    write: { owners: input.owners },
    pool: input.pool,
    signal: input.signal,
    onProgress: ({ entries, bytes }) => input.onProgress?.({ entries, bytes, totalBytes }),
  });
}

async function compare(backup: OpenBackup, input: CompareFolder): Promise<Comparison> {
  const archive = await openBackupArchive(backup);
  const root = `${fromUtf8(input.folder)}/`;
  const { wants, walks } = selection(input.paths);
  const problems: Problem[] = [];
  const found = walk({
    root,
    selector: createSelector({}),
    secrets: 'include',
    times: 'recorded',
    oneFileSystem: false,
    leaveOut: new Set(),
    onProblem: (problem) => problems.push(problem),
  });
  const { owners, times, pool, signal } = input;
  const totalBytes = input.paths.length === 0 ? backup.manifest.totals.contentBytes : undefined;
  const comparison = await compareTree({
    archive,
    found: walks === undefined ? found : only(found, walks),
    wants,
    owners,
    times,
    pool,
    signal,
    onProgress: ({ entries, bytes }) => input.onProgress?.({ entries, bytes, totalBytes }),
  });
  return { ...comparison, problems: [...problems, ...comparison.problems] };
}

function* only<T extends { path: string }>(
  entries: Iterable<T>,
  wants: (path: string) => boolean,
): Generator<T> {
  for (const entry of entries) if (wants(entry.path)) yield entry;
}

/** Which entries some paths mean: themselves and what is below them. Folders above them are no difference. */
function selection(paths: readonly string[]): {
  wants: (path: string) => boolean;
  walks: ((path: string) => boolean) | undefined;
} {
  if (paths.length === 0) return { wants: () => true, walks: undefined };
  const wanted = paths.map((path) => fromUtf8(path.replace(/\/+$/, '')));
  const wants = (path: string) => wanted.some((one) => path === one || path.startsWith(`${one}/`));
  return { wants, walks: wants };
}
