// What a stack does for its store by the clock, and whether it was done: locks are extended every day, content is verified by the month. Pure.
import { finding, type Finding } from './conditions/table.ts';
import { DAY_MS, SECOND_MS } from '../durations.ts';
import { durationText } from './durations.ts';
import type { BackupSeen, SourceFacts, StoreFacts } from './facts.ts';
import { wholeSeconds } from './objectives.ts';
import { CONTENT_MAX_AGE_SECONDS, PRUNE_MAX_AGE_SECONDS } from './conditions/of-store.ts';

/** The numbers of the upkeep; undefined where no stack does it, or where nobody could see. */
export interface UpkeepMeasures {
  /** How long something has been kept without a prune. */
  readonly pruneAgeSeconds: number | undefined;
  /** How long the shortest lock of what is kept lasts; less than 0 when it has ended. */
  readonly lockSecondsLeft: number | undefined;
  /** How long the content of a backup has not been looked at, less the time for which it need not be looked at again. */
  readonly contentAgeSeconds: number | undefined;
}

export interface Upkeep {
  readonly measures: UpkeepMeasures;
  readonly findings: readonly Finding[];
}

/** How long a lock lasts at least while a prune comes every day; one that comes late by half a day is no reason to wake anybody. */
export function leastLockSeconds(lockDays: number): number {
  const days = Math.max(0, Math.min(lockDays / 2, lockDays - 1.5));
  return (days * DAY_MS) / SECOND_MS;
}

/**
 * Until when content must have been verified for it to be verified again by the look of a month that begins at `at`: before this look,
 * and where that is not due every month, before the looks that it may miss.
 */
export function contentDueBefore(at: Date, contentMonths: number): Date {
  if (contentMonths === 1) return at;
  // No month is skipped because the one before is shorter.
  const day = Math.min(at.getUTCDate(), 28);
  const sinceMidnight = at.getTime() % DAY_MS;
  const midnight = Date.UTC(at.getUTCFullYear(), at.getUTCMonth() - (contentMonths - 1), day);
  return new Date(midnight + sinceMidnight);
}

/** Judges the upkeep of a store whose locks are `lockDays` long; nothing where no stack keeps it up. */
export function upkeepOf(
  sources: readonly SourceFacts[],
  { lockDays, contentMonths }: Pick<StoreFacts, 'lockDays' | 'contentMonths'>,
  at: Date,
): Upkeep {
  if (lockDays === undefined) return NONE;
  const prune = longest(sources.flatMap((facts) => unpruned(facts, at)));
  const content = longest(sources.flatMap((facts) => notLookedAt(facts, contentMonths, at)));
  const isUnseen = sources.some(({ soonestLockEnd }) => soonestLockEnd === 'unseen');
  const lock = isUnseen ? undefined : soonest(sources, lockDays, at);
  return {
    measures: {
      pruneAgeSeconds: wholeSeconds(prune.ms),
      lockSecondsLeft: lock && Math.floor(lock.ms / SECOND_MS),
      contentAgeSeconds: wholeSeconds(content.ms),
    },
    findings: [
      ...pruneFindings(prune),
      ...(lock === undefined ? [UNSEEN] : lockFindings(lock, lockDays)),
      ...contentFindings(content, contentMonths),
    ],
  };
}

const NONE: Upkeep = {
  measures: {
    pruneAgeSeconds: undefined,
    lockSecondsLeft: undefined,
    contentAgeSeconds: undefined,
  },
  findings: [],
};

const UNSEEN = finding('locks-unseen', 'how long locks last could not be seen');

/** A time, and what it is about. */
interface Timed {
  readonly name: string;
  readonly ms: number;
  /** The whole time, where `ms` is less what the configuration spares. */
  readonly wholeMs?: number;
}

/** The longest time; zero for an empty list. */
function longest(times: readonly Timed[]): Timed {
  return times.reduce((most, one) => (one.ms > most.ms ? one : most), { name: '', ms: 0 });
}

/** Since its last prune; of a source that never had one, since its oldest backup was stored. */
function unpruned({ source, objectives, prunedAt, backups }: SourceFacts, at: Date): Timed[] {
  // Sources that are not configured have no policy, and nothing prunes them.
  if (objectives === undefined) return [];
  const since = prunedAt ?? first(backups.map(({ storedAt }) => storedAt));
  return since === undefined ? [] : [{ name: source, ms: at.getTime() - since.getTime() }];
}

function notLookedAt({ source, backups }: SourceFacts, contentMonths: number, at: Date): Timed[] {
  return backups
    .filter(({ isTrusted, time }) => isTrusted && time <= at)
    .map((backup) => {
      const { last, isFirst } = lastContentLook(backup);
      const ageMs = at.getTime() - last.getTime();
      // The first look is due within a month whatever comes afterwards.
      const spareMs = isFirst ? 0 : (contentMonths - 1) * LONGEST_MONTH_MS;
      return { name: `${source}/${backup.id}`, ms: ageMs - spareMs, wholeMs: ageMs };
    });
}

const LONGEST_MONTH_MS = 31 * DAY_MS;

/** When the content of a backup was looked at last, or when it was stored where that never was. */
export function lastContentLook({ storedAt, evidence }: BackupSeen): {
  last: Date;
  isFirst: boolean;
} {
  const looks = evidence.filter(
    ({ level, verdict }) => level === 'content' && verdict !== 'inconclusive',
  );
  const last = new Date(Math.max(storedAt.getTime(), ...looks.map((look) => look.at.getTime())));
  return { last, isFirst: looks.length === 0 };
}

/** A backup that is stored now is locked for the whole time, so this is the maximum. */
function soonest(sources: readonly SourceFacts[], lockDays: number, at: Date): Timed {
  const ends = sources.flatMap(({ soonestLockEnd }) =>
    soonestLockEnd === undefined || soonestLockEnd === 'unseen'
      ? []
      : [{ name: soonestLockEnd.id, ms: soonestLockEnd.at.getTime() - at.getTime() }],
  );
  return ends.reduce((least, one) => (one.ms < least.ms ? one : least), {
    name: '',
    ms: lockDays * DAY_MS,
  });
}

function first(times: readonly Date[]): Date | undefined {
  return times.length === 0 ? undefined : new Date(Math.min(...times.map((one) => one.getTime())));
}

function pruneFindings({ name, ms }: Timed): Finding[] {
  if ((wholeSeconds(ms) ?? 0) <= PRUNE_MAX_AGE_SECONDS) return [];
  return [
    finding(
      'prune',
      `${name} was not pruned for ${durationText(ms)}; a prune comes every day, and extends the locks of what is kept`,
    ),
  ];
}

function lockFindings({ name, ms }: Timed, lockDays: number): Finding[] {
  if (Math.floor(ms / SECOND_MS) >= leastLockSeconds(lockDays)) return [];
  const ends = ms < 0 ? 'has ended' : `ends in ${durationText(ms)}`;
  return [finding('lock', `the lock of ${name} ${ends}, and nobody has extended it`)];
}

function contentFindings({ name, ms, wholeMs = ms }: Timed, contentMonths: number): Finding[] {
  if ((wholeSeconds(ms) ?? 0) <= CONTENT_MAX_AGE_SECONDS) return [];
  const due =
    contentMonths === 1
      ? 'all that is kept is verified every month'
      : `what is kept is verified within a month, and again every ${contentMonths} months`;
  return [
    finding(
      'content',
      `the content of ${name} was not verified for ${durationText(wholeMs)}; ${due}`,
    ),
  ];
}
