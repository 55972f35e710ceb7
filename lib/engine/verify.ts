// Verifying backups: stored bytes against the manifest, the result kept as evidence. Changes nothing but the records.
import { HoldfastError, type Problem } from '../errors.ts';
import { manifestKey } from '../format/layout.ts';
import type { Artifact, Manifest } from '../format/manifest.ts';
import { factOfRead, togetherOf, type ReadArtifact } from '../format/read-artifacts.ts';
import type { Findings, ProofLevel } from '../sources/source.ts';
import { openBackup } from './catalog/backups.ts';
import { tryRecord, type Recorded } from './catalog/records.ts';
import { recordDamageElsewhere } from './damage-elsewhere.ts';
import { kindOf, throwIfCancelled, workOf, type Engine } from './engine.ts';
import { filesOf, NO_MEMORY, type Files, type KnownFile, type Memory } from './memory.ts';
import { readingAhead } from './read-ahead.ts';

export interface VerifyResult extends Recorded {
  readonly source: string;
  readonly id: string;
  readonly level: ProofLevel;
  readonly verdict: 'proven' | 'damaged' | 'inconclusive';
  /** How many entries were read now. */
  readonly entries: number;
  readonly bytes: number;
  /** What was not read again, and when the earliest of it was read. */
  readonly carried?: { readonly bytes: number; readonly readAt: Date };
  readonly problems: readonly Problem[];
  /** The ids of other backups that share a file which was found damaged; undefined where there are none. */
  readonly alsoDamaged?: readonly string[];
  readonly durationMs: number;
}

/**
 * Verifies one backup and writes the evidence. `UNTRUSTED` and `BACKUP_NOT_FOUND` leave no evidence: nothing was looked at.
 *
 * What `memory` knows of a file is taken over, and not read again: the record then tells when it was read.
 */
export async function verifyBackup(
  engine: Engine,
  { source, id }: { source: string; id: string },
  level: ProofLevel,
  memory = NO_MEMORY,
): Promise<VerifyResult> {
  return (await verifyArtifacts(engine, { source, id }, level, memory)).result;
}

export interface Verified {
  readonly result: VerifyResult;
  readonly read: readonly ReadArtifact[];
  /** Whether whatever is wrong is wrong with single files: those that are read as whole are so. */
  readonly isOfFiles: boolean;
}

/** Verifies one backup as `verifyBackup` does; with what is known of its files, in a store whose objects may share their bytes. */
export async function verifyArtifacts(
  engine: Engine,
  { source, id }: { source: string; id: string },
  level: ProofLevel,
  memory = NO_MEMORY,
): Promise<Verified> {
  const begin = engine.now();
  const backup = await openBackup(engine, source, id);
  const { manifest } = backup;
  const before = await filesOf(engine, manifest);
  const known = knownOf(manifest, before, memory);
  const together = togetherOf(manifest);
  const fits = together !== undefined && memory.fits?.(together) === true;
  const { artifacts, ...found } = await look(engine, backup, { level, known, fits });
  const read: ReadArtifact[] = [];
  if (artifacts !== undefined) {
    const after = await filesOf(engine, manifest);
    const input = { artifacts, readAt: begin, known, before, after };
    read.push(...readOf(manifest, input));
    note(memory, input);
  }
  const ofFiles = isOfFiles(found.problems, artifacts);
  const fitting = found.verdict === 'proven' ? together : undefined;
  if (fitting !== undefined) memory.noteFitting?.(fitting);
  const carried = carriedOf(read, begin);
  const act = { verb: 'verify', source, subject: id, begin } as const;
  const recorded = await tryRecord(engine, {
    ...act,
    verdict: found.verdict,
    problems: found.problems,
    facts: {
      ...{ level, entries: found.entries, bytes: found.bytes, manifest: backup.digest },
      ...(read.length > 0 && { artifacts: factOfRead(read) }),
      ...(fitting !== undefined && { together: fitting }),
      ...(found.verdict === 'damaged' && ofFiles && { inArtifacts: true }),
    },
  });
  const damaged = read.filter(({ whole }) => !whole);
  const also = await recordDamageElsewhere(engine, { ...act, level, damaged, ...found });
  const shared = { ...carried, ...(also.length > 0 && { alsoDamaged: also }) };
  const durationMs = engine.now().getTime() - begin.getTime();
  const result = { source, id, level, ...found, ...shared, durationMs, ...recorded };
  return { result, read, isOfFiles: ofFiles };
}

function isOfFiles(problems: readonly Problem[], artifacts: Findings['artifacts']): boolean {
  const named = artifacts?.damaged.flatMap((one) => one.problems) ?? [];
  return named.length >= problems.length;
}

/** What is known of the artifacts, by their keys: of those that have the length that the manifest says. */
function knownOf({ artifacts }: Manifest, files: Files, memory: Memory): Map<string, KnownFile> {
  const known = new Map<string, KnownFile>();
  for (const { key, bytes } of artifacts) {
    const file = files.get(key);
    const found = file?.bytes === bytes ? memory.find(file) : undefined;
    if (found !== undefined) known.set(key, found);
  }
  return known;
}

function carriedOf(
  read: readonly ReadArtifact[],
  begin: Date,
): Pick<VerifyResult, 'carried'> | undefined {
  const carried = read.filter(({ readAt }) => readAt < begin);
  if (carried.length === 0) return undefined;
  const bytes = carried.reduce((sum, one) => sum + one.bytes, 0);
  const readAt = new Date(Math.min(...carried.map((one) => one.readAt.getTime())));
  return { carried: { bytes, readAt } };
}

type Found = Pick<VerifyResult, 'verdict' | 'entries' | 'bytes' | 'problems'> &
  Pick<Findings, 'artifacts'>;

interface Reading {
  readonly artifacts: NonNullable<Findings['artifacts']>;
  readonly readAt: Date;
  readonly known: ReadonlyMap<string, KnownFile>;
  readonly before: Files;
  readonly after: Files;
}

/** What is known of each file now; nothing of one that was replaced or written to meanwhile. */
function readOf({ artifacts }: Manifest, reading: Reading): ReadArtifact[] {
  return artifacts.flatMap(({ key, bytes }) => {
    const file = unchanged(key, reading);
    const found = foundOf(key, reading);
    if (file === undefined || found === undefined) return [];
    const whole = found.problems.length === 0;
    return { ...file, bytes, key, readAt: found.readAt, whole };
  });
}

function unchanged(key: string, { before, after }: Reading) {
  const file = before.get(key);
  const then = after.get(key);
  return file?.inode === then?.inode && file?.modified === then?.modified ? file : undefined;
}

/** What was read now, or is known from before. */
function foundOf(key: string, { artifacts, readAt, known }: Reading): KnownFile | undefined {
  if (artifacts.whole.includes(key)) return { readAt, problems: [] };
  const damaged = artifacts.damaged.find((one) => one.key === key);
  if (damaged !== undefined) return { readAt, problems: damaged.problems, key };
  return known.get(key);
}

function note(memory: Memory, reading: Reading): void {
  const { whole, damaged } = reading.artifacts;
  for (const key of [...whole, ...damaged.map((one) => one.key)]) {
    const file = unchanged(key, reading);
    const found = foundOf(key, reading);
    if (file !== undefined && found !== undefined) memory.note?.(file, found);
  }
}

/** The problems of files that were not read again, as those of this backup. */
function problemsOf(
  known: ReadonlyMap<Artifact['key'], KnownFile>,
  { whole, damaged }: NonNullable<Findings['artifacts']>,
): Problem[] {
  const read = new Set([...whole, ...damaged.map(({ key }) => key)]);
  return [...known].flatMap(([key, one]) =>
    read.has(key)
      ? []
      : one.problems.map((problem) =>
          problem.path === one.key ? { ...problem, path: key } : problem,
        ),
  );
}

interface Knowing {
  readonly level: ProofLevel;
  readonly known: ReadonlyMap<string, KnownFile>;
  readonly fits: boolean;
}

async function look(
  engine: Engine,
  backup: Awaited<ReturnType<typeof openBackup>>,
  { level, known, fits }: Knowing,
): Promise<Found> {
  const { manifest } = backup;
  const { readAtOnce } = engine.store;
  const read = readAtOnce === undefined ? backup : readingAhead(backup, readAtOnce);
  try {
    const absent = await absentArtifacts(engine, manifest);
    if (absent.length > 0) return { verdict: 'damaged', entries: 0, bytes: 0, problems: absent };
    const work = { ...workOf(engine), known: new Set(known.keys()), fits };
    const findings = await (await kindOf(engine, manifest.kind)).prove(read, level, work);
    throwIfCancelled(engine);
    const earlier = findings.artifacts === undefined ? [] : problemsOf(known, findings.artifacts);
    const problems = [...findings.problems, ...earlier];
    return { ...findings, problems, verdict: problems.length > 0 ? 'damaged' : 'proven' };
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
