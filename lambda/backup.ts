// Backs up one source: started by a schedule, a deployment, `holdfast trigger`, or an order of `escalate`, which may be a repair.
import type { FunctionContext } from '../lib/functions/deadline.ts';
import { serve, type Repairer, type RecoverReport } from '../lib/functions/incidents/recover.ts';
import { invoke } from '../lib/functions/invocation.ts';
import type { BackupReport } from '../lib/functions/reports.ts';
import { REMOTE_SOURCES } from '../lib/wiring/remote-sources.ts';

/** `{ trigger, source, at }`, or an S3 event about a record: the same event gives the same backup, however often and in whatever order it comes. */
export function handler(
  event: unknown,
  context: FunctionContext,
): Promise<BackupReport | RecoverReport> {
  return invoke(context, 'the backup', (invocation) =>
    serve(invocation, event, { openers: REMOTE_SOURCES, repair }),
  );
}

/** Seldom needed, and not loaded before. */
const repair: Repairer = async (invocation, source) => {
  const { repairWaiting } = await import('../lib/functions/incidents/repair.ts');
  return repairWaiting(invocation, source);
};
