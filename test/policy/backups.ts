// Backups for the tests of retention: plain data with a sensible default for everything.
import { backupId, type TriggerKind } from '../../lib/format/ids.ts';
import { applyRetention, type RetainableBackup } from '../../lib/policy/retention.ts';
import { DEFAULT_RETENTION, type RetentionPolicy } from '../../lib/policy/retention-policy.ts';

export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;

export function at(text: string): Date {
  return new Date(text);
}

export function after(time: Date, ms: number): Date {
  return new Date(time.getTime() + ms);
}

export function backup(
  time: Date,
  facts: Partial<RetainableBackup> & { kind?: TriggerKind } = {},
): RetainableBackup {
  const { kind = 'schedule', ...rest } = facts;
  return {
    source: 'site',
    id: backupId({ kind, at: time }),
    time,
    begin: time,
    storedAt: after(time, 60_000),
    standing: 'good',
    isRepair: kind === 'repair',
    isScheduled: kind === 'schedule',
    pinnedBy: [],
    ...rest,
  };
}

/** A good backup at 02:00 UTC on each of the `days` days up to `last`, newest first. */
export function daily(last: string, days: number): RetainableBackup[] {
  return Array.from({ length: days }, (_, n) => backup(after(at(`${last}T02:00:00Z`), -n * DAY)));
}

export function ids(items: readonly { readonly backup: RetainableBackup }[]): string[] {
  return items.map(({ backup: { id } }) => id);
}

/** What is left when the policy has been applied until nothing more is released. */
export function settle(
  backups: readonly RetainableBackup[],
  policy: Partial<RetentionPolicy>,
  now: Date,
): RetainableBackup[] {
  let left = [...backups];
  for (;;) {
    const { release } = applyRetention(left, { ...DEFAULT_RETENTION, ...policy }, now, {
      intervalMs: undefined,
    });
    if (release.length === 0) return left;
    const gone = new Set(ids(release));
    left = left.filter(({ id }) => !gone.has(id));
  }
}
