// Looks into a database that AWS Backup has restored for a test, and tells it the verdict. A task alone does it.
import type { FunctionContext } from '../../lib/functions/deadline.ts';
import { invoke } from '../../lib/functions/invocation.ts';
import { validateDatabase } from '../../lib/functions/validate-database.ts';
import type { ValidationReport } from '../../lib/recovery-points/validate/validate.ts';

/** An event of AWS Backup about a restore job. */
export function handler(event: unknown, context: FunctionContext): Promise<ValidationReport> {
  return invoke(context, 'the test', (invocation) => validateDatabase(invocation, event), {
    work: 'databases',
  });
}
