// What a source needs now, by the clock: a backup, a proof, a restore test. Pure; what it says is computed from the store each time, so
// nothing is forgotten while a machine sleeps, and nothing is made twice.
import { HOUR_MS, MINUTE_MS } from '../durations.ts';
import { CLOCK_TOLERANCE_MS, durationText, timeText } from './durations.ts';
import type { BackupSeen, SourceFacts } from './facts.ts';
import { newestOf } from './order.ts';
import { CONTENT_TIME, TEST_TIMES } from './proof-times.ts';
import type { RestoreTestRun } from './restore-tests.ts';
import { nextDue, parseSchedule, previousDue, type Schedule } from './schedule.ts';
import { isSame } from './time-kept.ts';
import { lastContentLook } from './upkeep.ts';

/** What is done for a source from here. */
export interface Duties {
  /** Whether it is backed up from here by its schedule. */
  readonly backs: boolean;
  /** `unproven`: stored bytes of what was never proven; `content`: also, every month, what is in every backup. */
  readonly verifies: 'none' | 'unproven' | 'content';
  /** `backup`: each backup is restored for a test. */
  readonly tests: 'backup' | keyof typeof TEST_TIMES | 'never';
  /** The time zone in which the times of restore tests are read. */
  readonly timeZone: string;
}

/** Something that is due. */
export type Due = { readonly source: string; readonly why: string } & (
  | {
      readonly verb: 'backup';
      /** The time for which it stands: the last at which the schedule was due. */
      readonly at: Date;
    }
  | { readonly verb: 'verify'; readonly id: string; readonly level: 'digest' | 'content' }
  | { readonly verb: 'restore-test'; readonly id: string }
);

/** Something that will be due. */
export interface Later {
  readonly source: string;
  readonly verb: Due['verb'];
  readonly at: Date;
  readonly why: string;
}

/** What a source needs now, and what it will need next. */
export interface Agenda {
  /** The most urgent first. */
  readonly due: readonly Due[];
  readonly later: readonly Later[];
}

/** A run that has just stored a backup is about to prove it. */
const PROOF_UNDER_WAY_MS = HOUR_MS;

/** The pause after one failure; each further failure doubles it. It is shorter than the quarter of an hour until the next look. */
const FIRST_RETRY_MS = 10 * MINUTE_MS;
const LONGEST_RETRY_MS = 4 * HOUR_MS;

/**
 * What a source needs at `now`.
 *
 * However many times of a schedule have passed since its last backup, one backup is due, for the last of them. A source that was
 * never backed up is due at once. What failed is tried again after 10 minutes, then 20, 40 and so on up to 4 hours.
 */
export function agendaOf(facts: SourceFacts, duties: Duties, now: Date): Agenda {
  const found = [
    ...(duties.backs ? backups(facts, now) : []),
    ...(duties.verifies === 'none' ? [] : unproven(facts, now)),
    ...restoreTests(facts, duties, now),
    ...(duties.verifies === 'content' ? contents(facts, now) : []),
  ];
  const { source } = facts;
  return {
    due: found.flatMap((one) => ('until' in one ? [] : [{ source, ...one }])),
    later: found.flatMap((one) =>
      'until' in one ? [{ source, verb: one.verb, at: one.until, why: one.why }] : [],
    ),
  };
}

/** As `Due`, of a source that the caller knows; with `until`, something that has to wait. */
type Found =
  | { readonly verb: 'backup'; readonly at: Date; readonly why: string }
  | {
      readonly verb: 'verify';
      readonly id: string;
      readonly level: 'digest' | 'content';
      readonly why: string;
    }
  | { readonly verb: 'restore-test'; readonly id: string; readonly why: string }
  | { readonly verb: Due['verb']; readonly until: Date; readonly why: string };

function backups(facts: SourceFacts, now: Date): Found[] {
  const schedule = facts.objectives?.schedule;
  const last = schedule && previousDue(schedule, now);
  if (schedule === undefined || last === undefined) return [];
  const next: Found = { verb: 'backup', until: nextDue(schedule, now), why: 'by its schedule' };
  const why = whyBackup(facts, schedule, now);
  if (why === undefined) return [next];
  const attempts = facts.failed.filter(({ begin }) => begin >= last).map(({ begin }) => begin);
  return [afterFailures({ verb: 'backup', at: last, why }, attempts, now), next];
}

/** Why a backup is due; undefined when none is. */
function whyBackup(facts: SourceFacts, schedule: Schedule, now: Date): string | undefined {
  const known = facts.backups.filter(
    (one) => isPast(one.time, now) && one.standing !== 'untrusted',
  );
  if (!known.some(({ isSafety }) => !isSafety)) return 'it was never backed up';
  const since = latest([...known.filter((one) => one.isScheduled).map(({ time }) => time)]);
  const from = latest([since ?? facts.knownSince, scheduledSince(facts, schedule)]);
  const due = from === undefined ? previousDue(schedule, now) : nextDue(schedule, from);
  if (due === undefined || due > now) return undefined;
  return `due since ${timeText(due)}`;
}

/** Since when the schedule counts: nothing was due before a run had it in its configuration. */
function scheduledSince({ scheduleSeen }: SourceFacts, schedule: Schedule): Date | undefined {
  const last = scheduleSeen?.last;
  return last !== undefined && isSame(last.schedule, schedule) ? last.since : scheduleSeen?.at;
}

function unproven({ backups: all }: SourceFacts, now: Date): Found[] {
  return all
    .filter(({ standing, time }) => standing === 'unproven' && isPast(time, now))
    .flatMap((backup): Found[] => {
      const { id, storedAt } = backup;
      if (now.getTime() - storedAt.getTime() < PROOF_UNDER_WAY_MS) return [];
      const verify = { verb: 'verify', id, level: 'digest', why: 'it was never proven' } as const;
      return [afterFailures(verify, unclearLooks(backup, 'digest', storedAt), now)];
    });
}

/** The backups whose content was not read since this month's look was due, those that have waited longest first. */
function contents({ backups: all }: SourceFacts, now: Date): Found[] {
  const since = previousDue(CONTENT_LOOKS, now);
  if (since === undefined) return [];
  return all
    .filter((one) => one.isTrusted && one.standing !== 'damaged' && one.standing !== 'unproven')
    .map((backup) => ({ backup, ...lastContentLook(backup) }))
    .filter(({ last, backup }) => last < since && isPast(backup.time, now))
    .toSorted((a, b) => a.last.getTime() - b.last.getTime())
    .map(({ backup, last, isFirst }) => {
      const age = durationText(now.getTime() - last.getTime());
      const why = isFirst ? `stored ${age} ago, and never read` : `last read ${age} ago`;
      const verify = { verb: 'verify', id: backup.id, level: 'content', why } as const;
      return afterFailures(verify, unclearLooks(backup, 'content', since), now);
    });
}

const CONTENT_LOOKS = parseSchedule(CONTENT_TIME, 'UTC');

function unclearLooks({ evidence }: BackupSeen, level: string, since: Date): Date[] {
  return evidence
    .filter((one) => one.verdict === 'inconclusive' && one.level === level && one.at >= since)
    .map(({ at }) => at);
}

function restoreTests(facts: SourceFacts, { tests, timeZone }: Duties, now: Date): Found[] {
  const good = facts.backups.filter((one) => one.good && !one.isSafety && isPast(one.time, now));
  const newest = newestOf(good);
  if (tests === 'never' || newest === undefined) return [];
  const times = tests === 'backup' ? undefined : parseSchedule(TEST_TIMES[tests], timeZone);
  const runs = facts.restoreTests.filter(({ end }) => isPast(end, now));
  const why = whyTest(runs, newest.id, times && previousDue(times, now));
  const next: Found[] =
    times === undefined
      ? []
      : [{ verb: 'restore-test', until: nextDue(times, now), why: `every ${tests}` }];
  if (why === undefined) return next;
  const decided = lastDecided(runs)?.end.getTime() ?? 0;
  const unclear = runs.filter(
    (one) => one.verdict === 'inconclusive' && one.end.getTime() >= decided,
  );
  const test = { verb: 'restore-test', id: newest.id, why } as const;
  return [
    afterFailures(
      test,
      unclear.map(({ end }) => end),
      now,
    ),
    ...next,
  ];
}

/** Why the newest good backup is to be restored for a test; undefined when it is not. Without `due`, each one is. */
function whyTest(
  runs: readonly RestoreTestRun[],
  newestId: string,
  due: Date | undefined,
): string | undefined {
  const last = lastDecided(runs);
  if (last === undefined) return 'no restore of it was ever tested';
  const isTested = runs.some(
    ({ backupId, verdict }) => backupId === newestId && verdict !== 'inconclusive',
  );
  if (due === undefined) return isTested ? undefined : 'it was not restored for a test yet';
  if (last.end < due) return `due since ${timeText(due)}`;
  return last.verdict === 'damaged' && !isTested ? 'the last test found damage' : undefined;
}

function lastDecided(runs: readonly RestoreTestRun[]): RestoreTestRun | undefined {
  return runs
    .filter(({ verdict }) => verdict !== 'inconclusive')
    .reduce<RestoreTestRun | undefined>(
      (last, one) => (last === undefined || one.end > last.end ? one : last),
      undefined,
    );
}

/** `found`, or when it may be tried again after attempts that came to nothing. */
function afterFailures(
  found: Exclude<Found, { until: Date }>,
  attempts: readonly Date[],
  now: Date,
): Found {
  const last = latest(attempts);
  if (last === undefined) return found;
  const waitMs = Math.min(FIRST_RETRY_MS * 2 ** (attempts.length - 1), LONGEST_RETRY_MS);
  const until = new Date(last.getTime() + waitMs);
  const times = attempts.length === 1 ? 'once' : `${attempts.length} times`;
  const why = `${found.why}; it failed ${times}, at last at ${timeText(last)}`;
  return until > now ? { verb: found.verb, until, why } : { ...found, why };
}

function isPast(time: Date, now: Date): boolean {
  return time.getTime() <= now.getTime() + CLOCK_TOLERANCE_MS;
}

function latest(times: readonly (Date | undefined)[]): Date | undefined {
  return times.reduce<Date | undefined>(
    (last, one) => (last === undefined || (one !== undefined && one > last) ? one : last),
    undefined,
  );
}
