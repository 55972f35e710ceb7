// Why a backup is kept, released or left out of a decision: as data for records, and as words for people.
import type { CalendarTier } from './calendar.ts';

/** A rule that keeps a backup. */
export type KeepRule =
  | CalendarTier
  /** One of the newest that the policy asks for. */
  | 'last'
  | 'within'
  | 'pinned'
  /** One of the newest good ones that are always kept. */
  | 'last-good'
  | 'newer-than-good'
  /** Not good and not old enough to be given up; or a repair that was made lately. */
  | 'grace'
  /** The newest good one that the schedule has made, when nothing else wants it. */
  | 'last-scheduled'
  /** By the run that applies the policy. */
  | 'just-made'
  /** No rule wants it; it stays because nothing is released in this run, or not so much. */
  | 'held'
  | 'deferred';

/** One rule that wanted a backup kept. */
export interface KeepReason {
  readonly rule: KeepRule;
  /** What the rule saw: the bucket, the key of the pin, the standing and when it ends, or nothing. */
  readonly value: string;
}

/** `unwanted`: good, and no rule wants it; `not-good`: it never became good, or no longer is. */
export type ReleaseReason = 'unwanted' | 'not-good';

/** Why a backup was released, in words for people; what an unknown version wrote stays as it is. */
export function releaseReasonText(reason: string): string {
  if (reason === 'unwanted') return 'no rule keeps it';
  return reason === 'not-good' ? 'it is not good' : reason;
}

/** `future`: its id names a time that has not come; `untrusted`: no trusted key vouches for it. */
export type IgnoreReason = 'future' | 'untrusted';

/** Why a run releases nothing. */
export interface Hold {
  /** `clock`: the time is in doubt; `nothing-good`: no good backup at all; `no-recent-good`: none within three intervals. */
  readonly code: 'clock' | 'nothing-good' | 'no-recent-good';
  readonly detail: string;
}

const WORDS: Readonly<Record<KeepRule, (value: string) => string>> = {
  daily: (bucket) => `daily ${bucket}`,
  weekly: (bucket) => `weekly ${bucket}`,
  monthly: (bucket) => `monthly ${bucket}`,
  yearly: (bucket) => `yearly ${bucket}`,
  last: (place) => `last ${place}`,
  within: (duration) => `within ${duration} of the newest good`,
  pinned: (key) => `pinned by ${key}`,
  'last-good': (place) => `last good ${place}`,
  'newer-than-good': () => 'newer than the newest good',
  grace: (value) => value,
  'last-scheduled': () => 'last scheduled',
  'just-made': () => 'made by this run',
  held: (why) => `held: ${why}`,
  deferred: (why) => `deferred: ${why}`,
};

/** A reason in words, such as `daily 2026-11-22` or `pinned by records/pin/site/….json`. */
export function keepReasonText(reason: KeepReason): string {
  return WORDS[reason.rule](reason.value);
}
