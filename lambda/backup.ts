// Backs up one source: started by a schedule, a deployment, or `holdfast trigger`.
import { backUp } from '../lib/aws/backing-up.ts';
import type { FunctionContext } from '../lib/aws/deadline.ts';
import { invoke } from '../lib/aws/invocation.ts';
import type { BackupReport } from '../lib/aws/reports.ts';
import { remoteSource } from '../lib/aws/sources.ts';

/** `{ trigger, source, at }`: the same event gives the same backup, however often and in whatever order it comes. */
export function handler(event: unknown, context: FunctionContext): Promise<BackupReport> {
  return invoke(context, 'the backup', (invocation) => backUp(invocation, event, remoteSource));
}
