// Backs up one database: started by a schedule, or `holdfast trigger`.
import { backUp } from '../lib/functions/backup.ts';
import { DATABASES } from '../lib/wiring/databases.ts';
import type { FunctionContext } from '../lib/functions/deadline.ts';
import { invoke } from '../lib/functions/invocation.ts';
import type { BackupReport } from '../lib/functions/reports.ts';

/** `{ trigger, source, at }`: the same event gives the same backup, however often and in whatever order it comes. */
export function handler(event: unknown, context: FunctionContext): Promise<BackupReport> {
  return invoke(context, 'the backup', (invocation) => backUp(invocation, event, DATABASES), {
    work: 'databases',
  });
}
