// How the system of a function stands: the keys tried, the store looked through, and one judgment about both.
import type { Engine } from '../engine/engine.ts';
import { assessStore } from '../engine/freshness.ts';
import type { MeasureInput } from '../engine/measure.ts';
import type { Config } from '../config/config.ts';
import type { Store } from '../stores/store.ts';
import { trustedKeysOf } from '../config/load/function-settings.ts';
import { promisesOf } from '../config/objectives.ts';
import { HoldfastError } from '../errors.ts';
import { MARKER_KEY } from '../format/layout.ts';
import type { Assessment } from '../policy/assessment.ts';
import type { StoreFacts } from '../policy/facts.ts';
import { openBackupReader } from '../recovery-points/aws-backup.ts';
import { lookAtRecoveryPoints } from '../recovery-points/watch.ts';
import type { Invocation } from './invocation.ts';
import { assertEnabled } from '../aws/key-state.ts';
import { messagesAlias, storeAlias } from '../names/aws.ts';
import { unconfirmed } from './subscriptions.ts';
import { kmsTrustedKeys } from '../aws/kms.ts';
import { errorFields } from './logger.ts';

/** Everything that is known of the system. Throws what the store throws: a store that cannot be read is never well. */
export async function assessSystem(
  { engine, config, settings }: Pick<Invocation, 'engine' | 'config' | 'settings'>,
  keys: StoreFacts['keys'],
  { unmarkedSince }: Pick<MeasureInput, 'unmarkedSince'> = {},
): Promise<Assessment> {
  return assessStore(engine, {
    objectives: promisesOf(config),
    capacityBytes: config.capacityBytes,
    isReleased: engine.store.isReleased?.bind(engine.store),
    locks: locksOf(config, engine.store),
    contentMonths: config.aws?.contentMonths,
    keys,
    unconfirmed: await unconfirmed({ config, settings }),
    unmarkedSince,
    recoveryPoints: await recoveryPointsOf(engine, config, unmarkedSince !== undefined),
  });
}

async function recoveryPointsOf(
  engine: Engine,
  { system, sources, aws }: Config,
  isFirst: boolean,
): Promise<MeasureInput['recoveryPoints']> {
  const points = aws?.recoveryPoints;
  if (points === undefined) return undefined;
  const { signal } = engine;
  return lookAtRecoveryPoints(engine, {
    ...{ system, config: points, isFirst },
    sources: sources.map(({ name }) => name),
    open: (region) => openBackupReader({ signal, ...(region !== undefined && { region }) }),
  });
}

function locksOf({ aws }: Config, store: Store): MeasureInput['locks'] {
  const lockedUntil = store.lockedUntil?.bind(store);
  return aws && lockedUntil && { days: aws.lockDays, lockedUntil };
}

/** Whether an object of the store can be decrypted and every signing key answers; `unknown` while there is no object. */
export async function tryKeys({
  engine,
  config,
  kms,
  settings,
  log,
}: Invocation): Promise<'usable' | 'unusable' | 'unknown'> {
  try {
    const canary = await readCanary(engine);
    await kmsTrustedKeys(kms, trustedKeysOf(config, settings));
    const { system } = config;
    const aliases = [storeAlias(system), messagesAlias(system)];
    for (const key of [...settings.trustedKeys.map(({ arn }) => arn), ...aliases])
      await assertEnabled(kms, key);
    return canary ? 'usable' : 'unknown';
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== 'STORE_DENIED') throw error;
    log.error('a key cannot be used', errorFields(error));
    return 'unusable';
  }
}

async function readCanary({ store }: Engine): Promise<boolean> {
  const object = await store.head(MARKER_KEY);
  if (object === undefined) return false;
  await store.read(MARKER_KEY, 0, Math.min(object.bytes, 64));
  return true;
}
