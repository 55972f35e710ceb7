// Verifying backups: stored bytes against the manifest, the result kept as evidence. Changes nothing but the records.
import { HoldfastError, type Problem } from '../errors.ts';
import { manifestKey } from '../format/layout.ts';
import type { Manifest } from '../format/manifest.ts';
import type { Findings, ProofLevel } from '../sources/source.ts';
import { factOfRead, type ReadArtifact } from '../format/read-artifacts.ts';
import type { Identity } from '../stores/store.ts';
import { isUnreadable, openBackup } from './catalog/backups.ts';
import { kindOf, throwIfCancelled, workOf, type Engine } from './engine.ts';
import { readingAhead } from './read-ahead.ts';
import { tryRecord, type Recorded } from './catalog/records.ts';

export interface VerifyResult extends Recorded {
  readonly source: string;
  readonly id: string;
  readonly level: ProofLevel;
  readonly verdict: 'proven' | 'damaged' | 'inconclusive';
  readonly entries: number;
  readonly bytes: number;
  readonly problems: readonly Problem[];
  readonly durationMs: number;
}

/** Verifies one backup and writes the evidence. `UNTRUSTED` and `BACKUP_NOT_FOUND` leave no evidence: nothing was looked at. */
export async function verifyBackup(
  engine: Engine,
  { source, id }: { source: string; id: string },
  level: ProofLevel,
): Promise<VerifyResult> {
  return (await verifyArtifacts(engine, { source, id }, level)).result;
}

/** Verifies one backup as `verifyBackup` does; with what was read of it, in a store whose objects may share their bytes. */
export async function verifyArtifacts(
  engine: Engine,
  { source, id }: { source: string; id: string },
  level: ProofLevel,
): Promise<{ result: VerifyResult; read: readonly ReadArtifact[] }> {
  const begin = engine.now();
  const backup = await openBackup(engine, source, id);
  const before = await identities(engine, backup.manifest);
  const { artifacts, ...found } = await look(engine, backup, level);
  const read =
    artifacts === undefined
      ? []
      : readOf(backup.manifest, {
          artifacts,
          readAt: begin,
          before,
          after: await identities(engine, backup.manifest),
        });
  const recorded = await tryRecord(engine, {
    verb: 'verify',
    source,
    subject: id,
    begin,
    verdict: found.verdict,
    problems: found.problems,
    facts: {
      ...{ level, entries: found.entries, bytes: found.bytes, manifest: backup.digest },
      ...(read.length > 0 && { artifacts: factOfRead(read) }),
    },
  });
  const durationMs = engine.now().getTime() - begin.getTime();
  return { result: { source, id, level, ...found, durationMs, ...recorded }, read };
}

type Found = Pick<VerifyResult, 'verdict' | 'entries' | 'bytes' | 'problems'> &
  Pick<Findings, 'artifacts'>;

type Identities = ReadonlyMap<string, Identity>;

/** Which files the artifacts are at this moment, by their keys; of those that are there, where the store can tell. */
async function identities({ store }: Engine, { artifacts }: Manifest): Promise<Identities> {
  const found = new Map<string, Identity>();
  for (const { key } of store.identify === undefined ? [] : artifacts) {
    try {
      const identity = await store.identify?.(key);
      if (identity !== undefined) found.set(key, identity);
    } catch (error) {
      if (!isUnreadable(error)) throw error;
    }
  }
  return found;
}

interface Reading {
  readonly artifacts: NonNullable<Findings['artifacts']>;
  readonly readAt: Date;
  readonly before: Identities;
  readonly after: Identities;
}

/** Nothing is said of a file that was replaced or written to while it was read. */
function readOf(manifest: Manifest, { artifacts, readAt, before, after }: Reading): ReadArtifact[] {
  const { whole, damaged } = artifacts;
  return manifest.artifacts.flatMap(({ key, sha256, bytes }) => {
    const file = before.get(key);
    const then = after.get(key);
    if (file === undefined || file.inode !== then?.inode || file.modified !== then.modified)
      return [];
    if (!whole.includes(key) && !damaged.includes(key)) return [];
    const { inode, modified } = file;
    return { key, sha256, bytes, inode, modified, readAt, whole: whole.includes(key) };
  });
}

async function look(
  engine: Engine,
  backup: Awaited<ReturnType<typeof openBackup>>,
  level: ProofLevel,
): Promise<Found> {
  const { manifest } = backup;
  const { readAtOnce } = engine.store;
  const read = readAtOnce === undefined ? backup : readingAhead(backup, readAtOnce);
  try {
    const absent = await absentArtifacts(engine, manifest);
    if (absent.length > 0) return { verdict: 'damaged', entries: 0, bytes: 0, problems: absent };
    const findings = await kindOf(engine, manifest.kind).prove(read, level, workOf(engine));
    throwIfCancelled(engine);
    return { ...findings, verdict: findings.problems.length > 0 ? 'damaged' : 'proven' };
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code === 'CANCELLED') throw error;
    const problem = {
      path: manifestKey(manifest.source, manifest.id),
      code: error.code,
      detail: error.message,
    };
    const damaged =
      error.code === 'BACKUP_DAMAGED' ||
      error.code === 'BACKUP_NOT_FOUND' ||
      error.code === 'PATH_UNSAFE';
    return {
      verdict: damaged ? 'damaged' : 'inconclusive',
      entries: 0,
      bytes: 0,
      problems: [problem],
    };
  }
}

async function absentArtifacts(engine: Engine, manifest: Manifest): Promise<Problem[]> {
  const problems: Problem[] = [];
  for (const { key, bytes } of manifest.artifacts) {
    const stored = await engine.store.head(key);
    if (stored?.bytes === bytes) continue;
    const detail =
      stored === undefined ? 'it is missing' : `it has ${stored.bytes} of ${bytes} bytes`;
    problems.push({ path: key, code: stored === undefined ? 'missing' : 'damaged', detail });
  }
  return problems;
}
