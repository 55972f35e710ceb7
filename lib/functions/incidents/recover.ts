// What the functions that back up do because `escalate` has written down that something is to be tried. Its signature makes it an order.
import { runsOn } from '../../config/config.ts';
import { readIncidentRecord } from '../../engine/incidents/record.ts';
import { parseBackupId } from '../../format/ids.ts';
import { parseIncidentKey } from '../../format/layout.ts';
import { resourceName } from '../../names/aws.ts';
import type { Starts } from '../../policy/incidents/state.ts';
import type { Openers } from '../../wiring/openers.ts';
import { backUp } from '../backup.ts';
import { createdObject, keyInStore, type CreatedObject } from '../events.ts';
import type { Invocation } from '../invocation.ts';
import type { BackupReport } from '../reports.ts';

export interface RecoverReport {
  /**
   * `ignored`: the object is no order of `escalate`; `elsewhere`: another function or a task does it; `repaired`: each damaged backup was
   * looked at.
   */
  readonly outcome: 'ignored' | 'elsewhere' | 'repaired';
  readonly source?: string;
  /** By the ids of the backups that were damaged: the one that repairs it, or why there is none. */
  readonly repairs?: Readonly<Record<string, string>>;
}

/** Repairs what is damaged of a source. */
export type Repairer = (invocation: Invocation, source: string) => Promise<RecoverReport>;

export interface Backer {
  readonly openers: Openers;
  /** Undefined where the backups cannot be repaired. */
  readonly repair?: Repairer;
}

/** Serves an event that names a backup, or that tells of an order of `escalate`. The same event ends the same way, however often it comes. */
export async function serve(
  invocation: Invocation,
  event: unknown,
  { openers, repair }: Backer,
): Promise<BackupReport | RecoverReport> {
  const created = createdObject(event);
  if (created === undefined) return backUp(invocation, event, openers);
  const starts = await orderIn(invocation, created);
  if (starts === undefined) return { outcome: 'ignored' };
  const { act, source, backup = '' } = starts;
  const configured = invocation.config.sources.find(({ name }) => name === source);
  const isHere =
    configured !== undefined &&
    configured.kind in openers &&
    runsOn(configured) === invocation.runsOn;
  if (!isHere || (act === 'repair' && repair === undefined))
    return { outcome: 'elsewhere', source };
  if (act === 'repair' && repair !== undefined) return repair(invocation, source);
  const trigger = parseBackupId(backup);
  if (trigger === undefined) return { outcome: 'ignored' };
  const { kind, at } = trigger;
  return backUp(invocation, { trigger: kind, source, at: at.toISOString() }, openers);
}

/** What a record orders; undefined for any other object, and for one that `escalate` does not vouch for. */
async function orderIn(
  { engine, config, settings }: Invocation,
  created: CreatedObject,
): Promise<Starts | undefined> {
  const key = keyInStore(created, settings.store);
  if (key === undefined || parseIncidentKey(key)?.event !== 'trying') return undefined;
  const object = await engine.store.head(key);
  const read = object && (await readIncidentRecord(engine, object));
  if (read?.record === undefined) return undefined;
  return read.keyName === resourceName(config.system, 'escalate') ? read.record.starts : undefined;
}
