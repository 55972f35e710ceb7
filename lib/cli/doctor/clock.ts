// What the doctor says of clocks: this one against that of the store, and against the backups.
import type { StoreExamination } from '../../engine/examine.ts';
import { CLOCK_TOLERANCE_MS } from '../../policy/durations.ts';
import { counted, durationText } from '../output/units.ts';
import { problem, type DoctorFinding } from './finding.ts';

/** Findings where clocks disagree; none where they agree. */
export function clockFindings({ clockAheadMs, fromFuture }: StoreExamination): DoctorFinding[] {
  const findings: DoctorFinding[] = [];
  if (Math.abs(clockAheadMs) > CLOCK_TOLERANCE_MS) {
    const apart = durationText(Math.abs(clockAheadMs));
    findings.push(
      problem(
        'store',
        `this clock is ${apart} ${clockAheadMs > 0 ? 'ahead of' : 'behind'} the clock of the store`,
        'Set the clock that is wrong: beyond 5 minutes no backup is made.',
      ),
    );
  }
  if (fromFuture.length > 0) {
    findings.push(
      problem(
        'store',
        `${counted(fromFuture.length, 'backup')} from the future: ${fromFuture.slice(0, 3).join(', ')}`,
        'Either this clock is slow, or they were made with a wrong one; they count for nothing until then.',
      ),
    );
  }
  return findings;
}
