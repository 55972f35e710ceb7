// What functions answer, and their logs say: small enough for every service that passes it on.
import type { Problem } from '../errors.ts';
import type { Manifest } from '../format/manifest.ts';

/** More of them stand in the manifest. */
const MAX_PROBLEMS = 20;

export interface BackupReport {
  /** `already`: this trigger was served before; `superseded`: it came late, and a later one was served. */
  readonly outcome: 'made' | 'already' | 'superseded';
  readonly source: string;
  readonly id: string;
  readonly status: 'complete' | 'partial';
  /** The first of them. */
  readonly problems: readonly Problem[];
  readonly problemCount: number;
  /** Stored. */
  readonly bytes: number;
}

export function backupReport(outcome: BackupReport['outcome'], manifest: Manifest): BackupReport {
  const { source, id, status, problems, problemCount, artifacts } = manifest;
  const bytes = artifacts.reduce((sum, artifact) => sum + artifact.bytes, 0);
  return { outcome, source, id, status, problems: firstProblems(problems), problemCount, bytes };
}

/** As many as a log line and an answer can take. */
export function firstProblems(problems: readonly Problem[]): readonly Problem[] {
  return problems.slice(0, MAX_PROBLEMS);
}
