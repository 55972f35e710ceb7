// What `freshness` does: measure, try the keys, publish, and call the heartbeat when all is well.
import { recoveryPointMeasures, sourceMeasures } from '../engine/freshness.ts';
import { claimStore } from '../engine/catalog/marker.ts';
import { HoldfastError } from '../errors.ts';
import { unwellLines } from '../alerts/alarm-lines.ts';
import { assessSystem, tryKeys } from './assess.ts';
import { callHeartbeat } from './heartbeat.ts';
import type { Invocation } from './invocation.ts';
import { errorFields } from './logger.ts';
import { publishMetrics } from '../aws/metrics.ts';
import { resolveAwsReference } from '../aws/references.ts';

export interface FreshnessReport {
  readonly allIsWell: boolean;
  /** `source: what is wrong`, for everything that is not well. */
  readonly alarms: readonly string[];
  readonly heartbeat: 'called' | 'failed' | 'withheld' | 'none';
}

/**
 * Publishes nothing but what was seen: what cannot be read makes it fail, and silence is an alarm.
 *
 * The first look is made while the stack is being made, so that no alarm begins in silence. It stores nothing, because the deployment may
 * still fail, and a bucket that is not empty could not be taken away again: a store without a marker counts as marked now.
 */
export async function watch(
  invocation: Invocation,
  { isFirst = false }: { readonly isFirst?: boolean } = {},
): Promise<FreshnessReport> {
  const { engine, cloudWatch, config, log } = invocation;
  if (!isFirst) await claim(invocation);
  const tried = await tryKeys(invocation);
  const keys = isFirst && tried === 'unknown' ? 'usable' : tried;
  const publish = (measured: Parameters<typeof publishMetrics>[2]) =>
    publishMetrics(cloudWatch, config.system, measured, engine.now());
  // Before the store is read: what cannot be decrypted may be what keeps it from being read.
  if (keys !== 'unknown') await publish({ system: { keyUsable: keys === 'usable' ? 1 : 0 } });
  const unmarkedSince = isFirst ? engine.now() : undefined;
  const assessment = await assessSystem(invocation, keys, { unmarkedSince });
  await publish({
    sources: sourceMeasures(assessment),
    system: assessment.store.measures,
    recoveryPoints: recoveryPointMeasures(assessment),
  });
  const allIsWell = assessment.well;
  const alarms = unwellLines(assessment);
  if (alarms.length > 0) log.warn('something has to be acted on', { alarms });
  const heartbeat = await beat(invocation, allIsWell && !isFirst);
  return { allIsWell, alarms, heartbeat };
}

/** From here on the store is this system's, and a source that is never backed up has an age. */
async function claim({ engine, log }: Invocation): Promise<void> {
  try {
    await claimStore(engine);
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== 'STORE_DENIED') throw error;
    // The first backup claims it otherwise.
    log.warn('the store is not claimed yet', errorFields(error));
  }
}

async function beat(
  { config, log }: Invocation,
  allIsWell: boolean,
): Promise<FreshnessReport['heartbeat']> {
  const { heartbeat } = config.notify;
  if (heartbeat === undefined) return 'none';
  if (!allIsWell) return 'withheld';
  try {
    await callHeartbeat(await resolveAwsReference(heartbeat));
    return 'called';
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    // Whoever watches it raises the alarm; the metrics are published.
    log.error('the heartbeat failed', errorFields(error));
    return 'failed';
  }
}
