// Ids of backups: the UTC time of the trigger to the millisecond, and the trigger's kind.
import { HoldfastError } from '../errors.ts';

export const TRIGGER_KINDS = [
  'schedule',
  'manual',
  'deploy',
  'pre-deploy',
  'repair',
  'safety',
] as const;

export type TriggerKind = (typeof TRIGGER_KINDS)[number];

/** What made a backup run. The same trigger always gives the same id. */
export interface Trigger {
  readonly kind: TriggerKind;
  /** The time for which it was triggered: the scheduled time, not the time of delivery. */
  readonly at: Date;
}

const ID = /^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})(\d{3})Z-([a-z-]+)$/;

/** The id of the backup that `trigger` makes, such as `20261121T020000000Z-schedule`; ids sort by time. */
export function backupId(trigger: Trigger): string {
  return `${compactTime(trigger.at)}-${trigger.kind}`;
}

/** `20261121T020000000Z` */
export function compactTime(time: Date): string {
  return time.toISOString().replace(/[-:.]/g, '');
}

/** True for what was saved before a restore replaced it: it is no run of its source. */
export function isSafety(id: string): boolean {
  return parseBackupId(id)?.kind === 'safety';
}

/** The trigger that an id was made from, or undefined when it is no id. */
export function parseBackupId(id: string): Trigger | undefined {
  const match = ID.exec(id);
  const kind = TRIGGER_KINDS.find((known) => known === match?.[8]);
  if (match === null || kind === undefined) return undefined;
  const [, year, month, day, hour, minute, second, ms] = match;
  const at = new Date(`${year}-${month}-${day}T${hour}:${minute}:${second}.${ms}Z`);
  // A date such as 30 February parses to another day; only what survives the round trip is an id.
  if (Number.isNaN(at.getTime()) || backupId({ kind, at }) !== id) return undefined;
  return { kind, at };
}

/** The trigger of `id`; `BACKUP_NOT_FOUND` when it is no id. */
export function triggerOf(id: string): Trigger {
  const trigger = parseBackupId(id);
  if (trigger !== undefined) return trigger;
  throw new HoldfastError('BACKUP_NOT_FOUND', `"${id}" is not the id of a backup`, {
    hint: 'An id looks like 20261121T020000000Z-schedule; `holdfast list` shows them.',
  });
}
