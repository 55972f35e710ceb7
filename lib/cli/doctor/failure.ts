// A failure that the doctor met, as a finding.
import { HoldfastError } from '../../errors.ts';
import { problem, type Area, type DoctorFinding } from './finding.ts';

/** A problem for an error of Holdfast or of the system; anything else is a bug and is thrown on. */
export function failure(area: Area, error: unknown): DoctorFinding {
  if (error instanceof HoldfastError) {
    const advice = error.hint ?? `\`holdfast explain ${error.code}\` says more.`;
    return problem(area, error.message, advice);
  }
  const { code, message } = error as NodeJS.ErrnoException;
  if (!(error instanceof Error) || code === undefined) throw error;
  return problem(area, message, 'Check that it exists and that this user may use it.');
}
