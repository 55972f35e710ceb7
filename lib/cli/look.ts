// The one look at a system from the command line: what `status` shows, and what messages and heartbeats go by.
import type { AwsConfig } from '../config/config.ts';
import { promisesOf } from '../config/objectives.ts';
import type { MeasureInput } from '../engine/measure.ts';
import { statusOf, type Status } from '../engine/status.ts';
import { HoldfastError } from '../errors.ts';
import type { Store } from '../stores/store.ts';
import { withFindings } from './output/beside-status.ts';
import { pointFacts } from './recovery-points/facts.ts';
import { otherSiteFindings } from './same-site.ts';
import type { Session } from './session.ts';
import { formerStoreFindings } from './store/former-stores.ts';

/** How everything stands, or the sources that are named. Changes nothing. */
export async function lookAround(session: Session, names: readonly string[] = []): Promise<Status> {
  const { engine, config } = session;
  const status = await statusOf(engine, {
    objectives: promisesOf(config ?? { sources: [] }),
    capacityBytes: config?.capacityBytes,
    sources: names,
    isReleased: releasesSeen(engine.store),
    locks: locksSeen(engine.store, config?.aws),
    contentMonths: config?.aws?.contentMonths,
    recoveryPoints: await pointFacts(engine, config),
  });
  return withFindings(status, {
    config,
    doubt: session.doubt,
    former: await formerStoreFindings(config, engine.store),
    otherSites: await otherSiteFindings(session),
  });
}

/** Those who may read the backups may not always read their tags; then `status` says that it cannot see. */
function releasesSeen(store: Store): MeasureInput['isReleased'] {
  const isReleased = store.isReleased?.bind(store);
  return isReleased && ((key) => orUnseen(isReleased(key), undefined));
}

function locksSeen(store: Store, aws: AwsConfig | undefined): MeasureInput['locks'] {
  const lockedUntil = store.lockedUntil?.bind(store);
  if (lockedUntil === undefined || aws === undefined) return undefined;
  return {
    days: aws.lockDays,
    lockedUntil: (key) => orUnseen(lockedUntil(key), 'unseen' as const),
  };
}

async function orUnseen<T, U>(seen: Promise<T>, unseen: U): Promise<T | U> {
  try {
    return await seen;
  } catch (error) {
    if (error instanceof HoldfastError && error.code !== 'CANCELLED') return unseen;
    throw error;
  }
}
