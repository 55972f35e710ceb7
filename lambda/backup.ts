// Backs up one source: started by a schedule, a deployment, or `holdfast trigger`.
import type { FunctionContext } from '../lib/aws/deadline.ts';
import { parseBackupEvent } from '../lib/aws/events.ts';
import { invoke } from '../lib/aws/invocation.ts';
import { backupReport, type BackupReport } from '../lib/aws/reports.ts';
import { assertWorthTrying, madeSince } from '../lib/aws/served.ts';
import { remoteSource, sourceConfig } from '../lib/aws/sources.ts';
import { latestTime } from '../lib/engine/clock.ts';
import { backupSource } from '../lib/engine/backup.ts';

/** `{ trigger, source, at }`: the same event gives the same backup, however often and in whatever order it comes. */
export function handler(event: unknown, context: FunctionContext): Promise<BackupReport> {
  return invoke(context, 'the backup', async ({ engine, config, settings, publish }) => {
    const { source, trigger } = parseBackupEvent(event, latestTime(engine));
    const configured = sourceConfig(config, source);
    try {
      await assertWorthTrying(engine, source, trigger);
      const later = await madeSince(engine, source, trigger);
      if (later !== undefined) return backupReport('superseded', later);
      const read = await remoteSource(configured, settings.store);
      const { outcome, manifest } = await backupSource(engine, read, {
        trigger,
        full: false,
        dropShare: configured.dropShare,
      });
      const report = backupReport(outcome, manifest);
      await publish({
        sources: { [source]: { partialBackups: report.status === 'partial' ? 1 : 0 } },
      });
      return report;
    } catch (error) {
      await publish({ sources: { [source]: { failedRuns: 1 } } });
      throw error;
    }
  });
}
