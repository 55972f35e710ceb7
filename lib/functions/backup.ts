// What the functions that back up do with an event; they differ in the sources that they can read.
import type { SourceConfig } from '../config/config.ts';
import { backupSource } from '../engine/backup.ts';
import { latestTime } from '../engine/clock.ts';
import { lacksSomething } from '../policy/standing.ts';
import type { Source } from '../sources/source.ts';
import { parseBackupEvent } from './events.ts';
import type { Invocation } from './invocation.ts';
import { backupReport, type BackupReport } from './reports.ts';
import { assertWorthTrying, madeSince } from './already-made.ts';
import { sourceConfig } from './source-config.ts';

/** Opens a configured source; `store` is the URL of the store. `CONFIG_INVALID` for one that this function does not read. */
export type OpenSource = (config: SourceConfig, store: string) => Promise<Source>;

/** Backs up what `{ trigger, source, at }` names: the same event gives the same backup, however often and in whatever order it comes. */
export async function backUp(
  { engine, config, settings, publish }: Invocation,
  event: unknown,
  open: OpenSource,
): Promise<BackupReport> {
  const { source, trigger } = parseBackupEvent(event, latestTime(engine));
  const configured = sourceConfig(config, source);
  try {
    await assertWorthTrying(engine, source, trigger);
    const later = await madeSince(engine, source, trigger);
    if (later !== undefined) return backupReport('superseded', later);
    const read = await open(configured, settings.store);
    const { dropShare } = configured;
    const { outcome, manifest } = await backupSource(engine, read, {
      trigger,
      full: false,
      dropShare,
    });
    const report = backupReport(outcome, manifest);
    await publish({
      sources: { [source]: { partialBackups: lacksSomething(manifest) ? 1 : 0 } },
    });
    return report;
  } catch (error) {
    await publish({ sources: { [source]: { failedRuns: 1 } } });
    throw error;
  }
}
