// Looks into what AWS Backup has restored for a test, and tells it the verdict.
import type { FunctionContext } from '../lib/functions/deadline.ts';
import { invoke } from '../lib/functions/invocation.ts';
import { validate } from '../lib/functions/validate-recovery-point.ts';
import type { ValidationReport } from '../lib/recovery-points/validate/validate.ts';

/** An event of AWS Backup about a restore job. */
export function handler(event: unknown, context: FunctionContext): Promise<ValidationReport> {
  return invoke(context, 'the test', (invocation) => validate(invocation, event));
}
