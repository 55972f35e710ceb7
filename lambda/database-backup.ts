// Backs up one database: started by a schedule, `holdfast trigger`, or an order of `escalate`.
import { DATABASES } from '../lib/wiring/databases.ts';
import type { FunctionContext } from '../lib/functions/deadline.ts';
import { serve, type RecoverReport } from '../lib/functions/incidents/recover.ts';
import { invoke } from '../lib/functions/invocation.ts';
import type { BackupReport } from '../lib/functions/reports.ts';

/** `{ trigger, source, at }`, or an S3 event about a record: the same event gives the same backup, however often and in whatever order it comes. */
export function handler(
  event: unknown,
  context: FunctionContext,
): Promise<BackupReport | RecoverReport> {
  return invoke(
    context,
    'the backup',
    (invocation) => serve(invocation, event, { openers: DATABASES }),
    { work: 'databases' },
  );
}
