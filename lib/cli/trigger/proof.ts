// The proof of a triggered backup: what the store says of it, as soon as that is decided.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Engine } from '../../engine/engine.ts';
import { surveySource, type SurveyedBackup } from '../../engine/catalog/survey.ts';
import type { Terminal } from '../output/terminal.ts';

const POLL_MS = 2_000;

/** A backup with problems is proven, and still partial. */
const PROVEN: readonly string[] = ['good', 'partial'];

export type Proof = Pick<SurveyedBackup, 'standing' | 'why'>;

/** The backup of that id; undefined for one that the store does not list. */
export async function storedBackup(
  engine: Engine,
  source: string,
  id: string,
): Promise<SurveyedBackup | undefined> {
  const { backups } = await surveySource(engine, source);
  return backups.find((one) => one.id === id);
}

/** What the store says of a backup as soon as that is decided, or at last when the time is over. */
export async function awaitProof(
  engine: Engine,
  { source, id, deadline }: { source: string; id: string; deadline: AbortSignal },
): Promise<Proof> {
  for (;;) {
    const found = await storedBackup(engine, source, id);
    const { standing, why } = found ?? { standing: 'unproven', why: 'the store does not list it' };
    const decided = standing !== 'unproven' && isLookedAt(found);
    if (decided || deadline.aborted) return { standing, why };
    await sleep(POLL_MS, undefined, { signal: deadline }).catch(() => undefined);
  }
}

/** A partial backup is called so before anybody has looked at it. */
function isLookedAt(found: SurveyedBackup | undefined): boolean {
  if (found === undefined) return false;
  return found.standing !== 'partial' || found.evidence.some(({ verdict }) => verdict === 'proven');
}

export function isProven({ standing }: Proof): boolean {
  return PROVEN.includes(standing);
}

export function sayProof(terminal: Terminal, proof: Proof, timeout: string): void {
  const { standing, why } = proof;
  if (standing === 'unproven') terminal.warn(`not proven within ${timeout}: ${why}`);
  else if (isProven(proof)) terminal.done(`  ${why}`);
  else terminal.warn(`the backup is ${standing}: ${why}`);
}
