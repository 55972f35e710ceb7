// What the functions and tasks that back up do with an event; they differ in the sources that they can read.
import { backupSource } from '../engine/backup.ts';
import { latestTime } from '../engine/catalog/clock.ts';
import { lacksSomething } from '../policy/standing.ts';
import { parseBackupEvent } from './events.ts';
import type { Invocation } from './invocation.ts';
import { backupReport, type BackupReport } from './reports.ts';
import { assertWorthTrying, madeSince } from './already-made.ts';
import { sourceConfig } from './source-config.ts';
import { resolveAwsReference } from '../aws/references.ts';
import { s3PlaceOf } from '../names/store-place.ts';
import { openConfigured, type OpenContext, type Openers } from '../wiring/openers.ts';

/**
 * Backs up what `{ trigger, source, at }` names: the same event gives the same backup, however often and in whatever order it comes.
 * `CONFIG_INVALID` for a source of a kind that `openers` lacks.
 */
export async function backUp(
  { engine, config, settings, runsOn, publish }: Invocation,
  event: unknown,
  openers: Openers,
): Promise<BackupReport> {
  const { source, trigger } = parseBackupEvent(event, latestTime(engine));
  const configured = sourceConfig(config, source, runsOn);
  try {
    await assertWorthTrying(engine, source, trigger);
    const later = await madeSince(engine, source, trigger);
    if (later !== undefined) return backupReport('superseded', later);
    const read = await openConfigured(openers, configured, contextOf(settings.store));
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

/** A function asks the services in the region of the store. */
function contextOf(store: string): OpenContext {
  const region = s3PlaceOf(store)?.region;
  const place = region === undefined ? {} : { region };
  return { region, secret: (reference) => resolveAwsReference(reference, place) };
}
