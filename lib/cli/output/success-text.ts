// How reliably runs succeed, as a line.
import type { SuccessSummary } from '../../policy/success.ts';
import { timeText } from './units.ts';

/** `29 of 30 runs complete in 30 days (97 %), 1 failed, last 2026-11-20 02:00:00 UTC` */
export function successText({
  runs,
  complete,
  partial,
  failed,
  rate,
  lastFailure,
}: SuccessSummary): string {
  if (rate === undefined) return 'no run in 30 days';
  const parts = [`${complete} of ${runs} runs complete in 30 days (${Math.floor(rate * 100)} %)`];
  if (partial > 0) parts.push(`${partial} partial`);
  if (failed > 0) parts.push(`${failed} failed`);
  if (lastFailure !== undefined) parts.push(`last ${timeText(lastFailure.begin)}`);
  return parts.join(', ');
}
