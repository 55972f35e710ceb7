// Which backups of a source stay, and why. It counts only what is good, and when in doubt releases nothing.
import assert from 'node:assert/strict';
import { CALENDAR_TIERS, calendarOf, type Buckets } from './calendar.ts';
import { CLOCK_TOLERANCE_MS, durationText, timeText } from './durations.ts';
import { effectiveTime, newestFirst, type Dated } from './order.ts';
import {
  ALWAYS_KEPT,
  INTERVALS_WITHOUT_GOOD,
  NOT_GOOD_KEPT_MS,
  RELEASE_SHARE,
  checkRetentionPolicy,
  type RetentionPolicy,
} from './retention-policy.ts';
import type {
  Hold,
  IgnoreReason,
  KeepReason,
  KeepRule,
  ReleaseReason,
} from './retention-reasons.ts';
import type { Standing } from './standing.ts';

/** What retention has to know of a backup. */
export interface RetainableBackup extends Dated {
  readonly source: string;
  /** The time of the trigger, as in the id. */
  readonly time: Date;
  readonly standing: Standing;
  /** True for one that was made to replace a damaged one, and stands at its time. */
  readonly isRepair: boolean;
  /** True for one that the schedule has made. */
  readonly isScheduled: boolean;
  /** The keys of the pin records in force. */
  readonly pinnedBy: readonly string[];
}

export interface RetentionOptions {
  /** The longest interval of the source's schedule; undefined when it has none. */
  readonly intervalMs: number | undefined;
  /** The id of the backup that this very run has made, if it has made one: it stays, whatever else is newer by now. */
  readonly justMade?: string | undefined;
}

/** `keep`, `release` and `ignored` together are exactly the backups passed in. */
export interface RetentionResult<B extends RetainableBackup> {
  /** What stays, newest first, each with every reason. */
  readonly keep: readonly { readonly backup: B; readonly reasons: readonly KeepReason[] }[];
  /** What may go now, in the order in which it should. */
  readonly release: readonly { readonly backup: B; readonly reason: ReleaseReason }[];
  /** Those of `keep` that nothing wants and that wait for a later run, because one run releases only so many. */
  readonly deferred: readonly B[];
  /** What took no part in any decision and is never released: each is worth an alarm. */
  readonly ignored: readonly { readonly backup: B; readonly reason: IgnoreReason }[];
  /** Why nothing is released, or undefined when something could be. */
  readonly held: Hold | undefined;
}

/**
 * Sorts the backups of one source, in any order, into those to keep and those to release. Their effective times decide which one is
 * newer and into which day each falls; when a run was due decides nothing.
 *
 * A calendar bucket (a day, an ISO week, a month, a year) that has good backups is served by the one that was stored first. So
 * nothing that arrives later can displace it, neither a thousand runs in an hour nor a backdated id. Once chosen, it stays until its
 * bucket leaves the window. Buckets without a good backup do not count.
 *
 * The newest 3 good ones, all that is newer than the newest good one, and what is pinned are kept over every other rule; a pin
 * changes nothing for the others. Backups that are not good go after 14 days. A repair stays 14 days in any case, because it
 * comes long after its time, when others have taken its places. What the run itself has just made stays, and so does the
 * newest good one of the schedule. Nothing goes when the clock is in doubt, when no backup is good,
 * or when none was good within three intervals. At most a fifth of the backups go in one run, but always one.
 *
 * Throws `CONFIG_INVALID` for a policy that would keep nothing sensible.
 */
export function applyRetention<B extends RetainableBackup>(
  backups: readonly B[],
  policy: RetentionPolicy,
  now: Date,
  options: RetentionOptions,
): RetentionResult<B> {
  checkRetentionPolicy(policy);
  checkBackups(backups, now, options);
  const sorted = backups.toSorted(newestFirst);
  const ignored = sorted.flatMap((backup) => {
    const reason = whyIgnored(backup, now);
    return reason === undefined ? [] : [{ backup, reason }];
  });
  const considered = sorted.filter((backup) => whyIgnored(backup, now) === undefined);
  const reasons = wanted(considered, policy, now, options.justMade);
  const unwanted = considered.filter((backup) => !reasons.has(backup));
  const held = whyHeld(sorted, considered, now, options);
  const { release, deferred } = limit(unwanted, considered.length, held);
  for (const backup of deferred) reasons.set(backup, [waitReason(held, release.length)]);
  return {
    keep: considered.flatMap((backup) => {
      const why = reasons.get(backup);
      return why === undefined ? [] : [{ backup, reasons: why }];
    }),
    release: release.map((backup) => ({
      backup,
      reason: isGood(backup) ? 'unwanted' : 'not-good',
    })),
    deferred: held === undefined ? deferred : [],
    ignored,
    held,
  };
}

type Reasons<B> = Map<B, KeepReason[]>;

/** Mistakes of the caller, which would make unrelated backups compete or leave their order undefined. */
function checkBackups(
  backups: readonly RetainableBackup[],
  now: Date,
  { intervalMs }: RetentionOptions,
): void {
  assert(new Set(backups.map(({ source }) => source)).size <= 1, 'retention is applied per source');
  assert.equal(new Set(backups.map(({ id }) => id)).size, backups.length, 'ids are unique');
  const times = [now, ...backups.flatMap(({ time, begin, storedAt }) => [time, begin, storedAt])];
  assert(!times.some((time) => Number.isNaN(time.getTime())), 'times are valid');
  assert(intervalMs === undefined || intervalMs > 0, 'an interval is longer than 0 ms');
}

function storedFirst(a: RetainableBackup, b: RetainableBackup): number {
  return a.storedAt.getTime() - b.storedAt.getTime() || -newestFirst(a, b);
}

function isGood(backup: RetainableBackup): boolean {
  return backup.standing === 'good';
}

function whyIgnored(backup: RetainableBackup, now: Date): IgnoreReason | undefined {
  if (backup.time.getTime() > now.getTime() + CLOCK_TOLERANCE_MS) return 'future';
  return backup.standing === 'untrusted' ? 'untrusted' : undefined;
}

/** Every reason for every backup that some rule wants; `considered` is newest first. */
function wanted<B extends RetainableBackup>(
  considered: readonly B[],
  policy: RetentionPolicy,
  now: Date,
  justMade: string | undefined,
): Reasons<B> {
  const reasons: Reasons<B> = new Map();
  const keep = (backup: B, rule: KeepRule, value: string) => {
    reasons.set(backup, [...(reasons.get(backup) ?? []), { rule, value }]);
  };
  const good = considered.filter(isGood);
  keepByCalendar(good, policy, keep);
  good.slice(0, policy.last).forEach((backup, index) => keep(backup, 'last', String(index + 1)));
  const newest = good[0];
  const limitMs = (newest === undefined ? 0 : +effectiveTime(newest)) - policy.withinMs;
  for (const backup of policy.withinMs > 0 ? good : []) {
    // Counted from the newest good one and not from now, so that a clock that jumps ahead makes nothing old.
    if (+effectiveTime(backup) >= limitMs) keep(backup, 'within', durationText(policy.withinMs));
  }
  good.slice(0, ALWAYS_KEPT).forEach((backup, i) => keep(backup, 'last-good', String(i + 1)));
  for (const backup of considered) keepAsItIs(backup, { newest, now, justMade, keep });
  const last = good.find(({ isScheduled }) => isScheduled);
  // It shows that the schedule is alive: without it, a day with many backups made by hand would look like one with a missed run.
  if (last !== undefined && !reasons.has(last)) keep(last, 'last-scheduled', '');
  return reasons;
}

interface Surroundings<B extends RetainableBackup> {
  /** The newest good one. */
  readonly newest: B | undefined;
  readonly now: Date;
  readonly justMade: string | undefined;
  readonly keep: (backup: B, rule: KeepRule, value: string) => void;
}

/** The rules that look at one backup alone, and never count. */
function keepAsItIs<B extends RetainableBackup>(
  backup: B,
  { newest, now, justMade, keep }: Surroundings<B>,
): void {
  for (const key of backup.pinnedBy) keep(backup, 'pinned', key);
  if (backup.id === justMade) keep(backup, 'just-made', '');
  const end = graceEnd(backup);
  const until = `kept until ${timeText(end)}`;
  if (isGood(backup)) {
    if (backup.isRepair && end >= now) keep(backup, 'grace', `a repair, ${until}`);
    return;
  }
  if (newest !== undefined && newestFirst(backup, newest) < 0) keep(backup, 'newer-than-good', '');
  if (end >= now) keep(backup, 'grace', `${backup.standing}, ${until}`);
}

function keepByCalendar<B extends RetainableBackup>(
  good: readonly B[],
  policy: RetentionPolicy,
  keep: (backup: B, rule: KeepRule, value: string) => void,
): void {
  const bucketsOf = calendarOf(policy.timeZone);
  const dated: readonly { backup: B; buckets: Buckets }[] = good
    .toSorted(storedFirst)
    .map((backup) => ({ backup, buckets: bucketsOf(effectiveTime(backup)) }));
  for (const tier of CALENDAR_TIERS) {
    const first = new Map<string, B>();
    for (const { backup, buckets } of dated) {
      if (!first.has(buckets[tier])) first.set(buckets[tier], backup);
    }
    const newestBuckets = [...first].sort(([a], [b]) => (a < b ? 1 : -1)).slice(0, policy[tier]);
    for (const [bucket, backup] of newestBuckets) keep(backup, tier, bucket);
  }
}

/** 14 days after the later of its two times: a backup that was copied here late has as long to be proven as any other. */
function graceEnd({ time, storedAt }: RetainableBackup): Date {
  return new Date(Math.max(time.getTime(), storedAt.getTime()) + NOT_GOOD_KEPT_MS);
}

function whyHeld(
  all: readonly RetainableBackup[],
  considered: readonly RetainableBackup[],
  now: Date,
  { intervalMs }: RetentionOptions,
): Hold | undefined {
  if (considered.length === 0) return undefined;
  const nowMs = now.getTime();
  // A forged id must not stop prunes for ever, so only the store's own time counts for backups from the future.
  const later =
    all.find(({ storedAt }) => storedAt.getTime() > nowMs + CLOCK_TOLERANCE_MS) ??
    considered.find(({ time }) => time.getTime() > nowMs);
  if (later !== undefined) {
    return {
      code: 'clock',
      detail: `the time is ${timeText(now)}, but ${later.id} exists already`,
    };
  }
  const good = considered.filter(isGood);
  if (good.length === 0) return { code: 'nothing-good', detail: 'no backup is good' };
  if (intervalMs === undefined) return undefined;
  const ageMs = Math.min(...good.map((backup) => nowMs - +effectiveTime(backup)));
  if (ageMs <= INTERVALS_WITHOUT_GOOD * intervalMs) return undefined;
  const detail = `the newest good backup is ${durationText(ageMs)} old, with an interval of ${durationText(intervalMs)}`;
  return { code: 'no-recent-good', detail };
}

/** The order of release: first those that are not good, then the oldest. */
function limit<B extends RetainableBackup>(
  unwanted: readonly B[],
  present: number,
  held: Hold | undefined,
): { release: readonly B[]; deferred: readonly B[] } {
  const most = held === undefined ? Math.max(1, Math.floor(present * RELEASE_SHARE)) : 0;
  const queue = unwanted.toSorted(
    (a, b) => Number(isGood(a)) - Number(isGood(b)) || -newestFirst(a, b),
  );
  return { release: queue.slice(0, most), deferred: queue.slice(most) };
}

function waitReason(held: Hold | undefined, released: number): KeepReason {
  if (held !== undefined) return { rule: 'held', value: held.detail };
  return {
    rule: 'deferred',
    value: `this run releases ${released}, which is as many as one run may`,
  };
}
