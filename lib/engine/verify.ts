// Verifying backups: stored bytes against the manifest, the result kept as evidence. Changes nothing but the records.
import { HoldfastError, type Problem } from '../errors.ts';
import { manifestKey } from '../format/layout.ts';
import type { Manifest } from '../format/manifest.ts';
import type { ProofLevel } from '../sources/source.ts';
import { openBackup } from './catalog/backups.ts';
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
  const begin = engine.now();
  const backup = await openBackup(engine, source, id);
  const found = await look(engine, backup, level);
  const recorded = await tryRecord(engine, {
    verb: 'verify',
    source,
    subject: id,
    begin,
    verdict: found.verdict,
    problems: found.problems,
    facts: { level, entries: found.entries, bytes: found.bytes, manifest: backup.digest },
  });
  const durationMs = engine.now().getTime() - begin.getTime();
  return { source, id, level, ...found, durationMs, ...recorded };
}

type Found = Pick<VerifyResult, 'verdict' | 'entries' | 'bytes' | 'problems'>;

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
