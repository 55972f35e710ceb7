// How reliably runs succeed, as a line.
import type { SuccessSummary } from '../../policy/success.ts';
import { durationText, timeText } from '../../policy/durations.ts';

/** `29 of 30 runs complete in 30 days (97 %), 1 failed, last at 2026-11-20 02:00:00 UTC, longest gap 48 h` */
export function successText({
  runs,
  complete,
  partial,
  failed,
  rate,
  longestGapMs,
  lastFailure,
}: SuccessSummary): string {
  if (rate === undefined) return 'no run in 30 days';
  const parts = [`${complete} of ${runs} runs complete in 30 days (${Math.floor(rate * 100)} %)`];
  if (partial > 0) parts.push(`${partial} partial`);
  if (failed > 0)
    parts.push(
      `${failed} failed${lastFailure === undefined ? '' : `, last at ${timeText(lastFailure.begin)}`}`,
    );
  if (longestGapMs !== undefined) parts.push(`longest gap ${durationText(longestGapMs)}`);
  return parts.join(', ');
}
