// Verifies at both levels: the stored bytes, and everything that they decode to. Each leaves signed evidence.
import { verifyBackup, type VerifyResult } from '../lib/engine/verify.ts';
import { bytesText, counted, durationText } from '../lib/cli/output/units.ts';
import type { Backups } from './back-up.ts';
import type { Stage } from './stage.ts';

export async function verifyTwice(stage: Stage, { first, second }: Backups): Promise<void> {
  const { engine, story } = stage;
  story.section('Verify');
  const digest = await verifyBackup(engine, first, 'digest');
  expectProven(stage, digest, 'digest: every stored byte is what the signed manifest says');
  const content = await verifyBackup(engine, second, 'content');
  expectProven(stage, content, 'content: every file inside has the SHA-256 that was recorded');
  story.expect(
    digest.record !== undefined && content.record !== undefined,
    'signed evidence of both was kept in the store',
    'none',
  );
  story.proven(
    'verified',
    `${counted(content.entries, 'entry', 'entries')}: digest in ${durationText(digest.durationMs)}, content in ${durationText(content.durationMs)}`,
  );
}

/** Says that a backup was proven, or ends the demonstration with what is wrong. */
export function expectProven({ story }: Stage, result: VerifyResult, claim: string): void {
  const { verdict, problems, entries, bytes, durationMs } = result;
  const first = problems[0];
  story.expect(
    verdict === 'proven',
    `${claim} (${counted(entries, 'entry', 'entries')}, ${bytesText(bytes)} in ${durationText(durationMs)})`,
    `${verdict}, ${first === undefined ? 'no problem named' : `${first.path}: ${first.detail}`}`,
  );
}
