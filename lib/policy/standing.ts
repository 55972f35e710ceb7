// How far a backup can be relied on, from its signature, its manifest and the evidence about it. The caller passes only evidence whose own
// signature counts: nothing here decides whom to trust.
import { timeText } from './durations.ts';
import type { Problem } from '../errors.ts';

/**
 * `good` counts for retention and freshness; the others say what is missing. A `safety` backup lacks nothing and counts for nothing:
 * it holds what a restore replaced, which may have been wrong, or another system's.
 */
export const STANDINGS = ['good', 'safety', 'unproven', 'partial', 'damaged', 'untrusted'] as const;

export type Standing = (typeof STANDINGS)[number];

/** How deep an act looked: that the objects are there, that bytes or contents are what was recorded, that it all restores. */
export type EvidenceLevel = 'presence' | 'digest' | 'content' | 'restore';

export type Verdict = 'proven' | 'damaged' | 'inconclusive';

/** What one record of evidence says about one backup. */
export interface EvidencePiece {
  /** The verb of the record: `verify`, `restore-test`, … */
  readonly verb: string;
  readonly level: EvidenceLevel;
  readonly verdict: Verdict;
  readonly at: Date;
  /** The id of the backup in which it was found, where that is another one that shares the bytes. */
  readonly foundIn?: string;
  /** When the bytes were read, where that was before the act: what was not written to since need not be read again at once. */
  readonly readAt?: Date;
}

/** What is known of a backup. */
export interface BackupFacts {
  /** True when the manifest's signature is valid and its key may vouch for this backup. */
  readonly signatureTrusted: boolean;
  readonly status: 'complete' | 'partial';
  readonly problems: readonly Pick<Problem, 'tolerated'>[];
  readonly evidence: readonly EvidencePiece[];
  /** True for what was saved before a restore replaced it. */
  readonly safety: boolean;
}

export interface StandingVerdict {
  readonly good: boolean;
  readonly standing: Standing;
  /** Why, in words: `proven by verify (digest) at 2026-11-22 02:00:09 UTC`. */
  readonly why: string;
}

/**
 * The standing of a backup.
 *
 * Good means: a run of its source, trusted, complete (or partial with nothing but tolerated problems), proven once at level `digest` or above, and never
 * found damaged. A later proof does not undo damage: a last resort must not depend on bytes that were wrong once. Inconclusive
 * evidence changes nothing, in either direction.
 */
export function standingOf(facts: BackupFacts): StandingVerdict {
  if (!facts.signatureTrusted) return verdict('untrusted', 'no trusted key vouches for it');
  const damage = earliest(facts.evidence, (piece) => piece.verdict === 'damaged');
  if (damage !== undefined) return verdict('damaged', `found damaged by ${text(damage)}`);
  const gap = missingPart(facts);
  if (gap !== undefined) return verdict('partial', gap);
  const proof = earliest(facts.evidence, isProof);
  if (proof === undefined) return verdict('unproven', unprovenText(facts.evidence));
  if (facts.safety) return verdict('safety', `what a restore replaced; proven by ${text(proof)}`);
  return verdict('good', `proven by ${text(proof)}`);
}

function verdict(standing: Standing, why: string): StandingVerdict {
  return { good: standing === 'good', standing, why };
}

function isProof(piece: EvidencePiece): boolean {
  return piece.verdict === 'proven' && piece.level !== 'presence';
}

/** Whether a backup lacks what the configuration does not tolerate: then it is `partial`, whatever its own status says. */
export function lacksSomething(facts: Pick<BackupFacts, 'status' | 'problems'>): boolean {
  return missingPart(facts) !== undefined;
}

/** What keeps a backup from being whole, or undefined. The list decides even where the status claims `complete`. */
function missingPart(facts: Pick<BackupFacts, 'status' | 'problems'>): string | undefined {
  const count = facts.problems.filter((problem) => problem.tolerated !== true).length;
  if (count > 0) {
    const problems = count === 1 ? '1 problem' : `${count} problems`;
    return `${problems} that the configuration does not tolerate`;
  }
  // Partial for no stated reason: nothing says that what is missing was tolerable.
  if (facts.status === 'partial' && facts.problems.length === 0) {
    return 'partial, and no problem says what is missing';
  }
  return undefined;
}

function unprovenText(evidence: readonly EvidencePiece[]): string {
  const tries = evidence.filter((piece) => piece.verdict === 'inconclusive').length;
  if (tries === 0) return 'not yet verified';
  return `not proven: ${tries === 1 ? 'one attempt was' : `${tries} attempts were`} inconclusive`;
}

function earliest(
  evidence: readonly EvidencePiece[],
  matches: (piece: EvidencePiece) => boolean,
): EvidencePiece | undefined {
  return evidence
    .filter(matches)
    .reduce<EvidencePiece | undefined>(
      (first, piece) => (first === undefined || precedes(piece, first) ? piece : first),
      undefined,
    );
}

/** By time, then by its words, so that the order in which records were listed never shows. */
function precedes(a: EvidencePiece, b: EvidencePiece): boolean {
  if (a.at.getTime() !== b.at.getTime()) return a.at < b.at;
  return text(a) < text(b);
}

function text(piece: EvidencePiece): string {
  const of = piece.foundIn === undefined ? '' : ` of ${piece.foundIn}, which shares its bytes,`;
  const read = piece.readAt === undefined ? '' : ` of what was read at ${timeText(piece.readAt)}`;
  return `${piece.verb} (${piece.level})${of} at ${timeText(piece.at)}${read}`;
}
