// Writes down what a resource held when AWS Backup has made a recovery point of it.
import type { FunctionContext } from '../lib/functions/deadline.ts';
import { invoke } from '../lib/functions/invocation.ts';
import { record } from '../lib/functions/record-recovery-point.ts';
import type { RecordingReport } from '../lib/recovery-points/record.ts';

/** An event of AWS Backup about a backup job. */
export function handler(event: unknown, context: FunctionContext): Promise<RecordingReport> {
  return invoke(context, 'the recording', (invocation) => record(invocation, event));
}
