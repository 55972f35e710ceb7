// What `freshness` does: measure, try the keys, publish, and call the heartbeat when all is well.
import type { Engine } from '../engine/engine.ts';
import { measureStore } from '../engine/freshness.ts';
import { claimStore } from '../engine/marker.ts';
import { HoldfastError } from '../errors.ts';
import { MARKER_KEY } from '../format/layout.ts';
import { alarmsOf } from './alarm-lines.ts';
import { callHeartbeat } from './heartbeat.ts';
import type { Invocation } from './invocation.ts';
import { kmsTrustedKeys } from './kms.ts';
import { errorFields } from './logger.ts';
import { publishMetrics } from './metrics.ts';
import { promisesOf } from './promises.ts';
import { resolveAwsReference } from './references.ts';
import { releasedTags } from './session.ts';

export interface FreshnessReport {
  readonly allIsWell: boolean;
  /** `source: what is wrong`, for what has to be acted on. */
  readonly alarms: readonly string[];
  readonly heartbeat: 'called' | 'failed' | 'withheld' | 'none';
}

/** Publishes nothing but what was seen: what cannot be read makes it fail, and silence is an alarm. */
export async function watch(invocation: Invocation): Promise<FreshnessReport> {
  const { engine, cloudWatch, config, log } = invocation;
  await claim(invocation);
  const keyUsable = await tryKeys(invocation);
  const publish = (measured: Parameters<typeof publishMetrics>[2]) =>
    publishMetrics(cloudWatch, config.system, measured, engine.now());
  if (keyUsable !== undefined) await publish({ system: { keyUsable } });
  const measures = await measureStore(engine, {
    sources: promisesOf(config),
    capacityBytes: config.capacityBytes,
    isReleased: releasedTags(engine.store),
  });
  await publish({ sources: measures.sources, system: measures.store });
  const allIsWell = measures.allIsWell && keyUsable === 1;
  const alarms = alarmsOf(measures);
  if (alarms.length > 0) log.warn('something has to be acted on', { alarms });
  const heartbeat = await beat(invocation, allIsWell);
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

/** 1 when an object of the store could be decrypted and every signing key answered, 0 when not; undefined while there is no object. */
async function tryKeys({ engine, kms, settings, log }: Invocation): Promise<0 | 1 | undefined> {
  try {
    const canary = await readCanary(engine);
    await kmsTrustedKeys(kms, settings.trustedKeys);
    return canary ? 1 : undefined;
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== 'STORE_DENIED') throw error;
    log.error('a key cannot be used', errorFields(error));
    return 0;
  }
}

async function readCanary({ store }: Engine): Promise<boolean> {
  const object = await store.head(MARKER_KEY);
  if (object === undefined) return false;
  await store.read(MARKER_KEY, 0, Math.min(object.bytes, 64));
  return true;
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
