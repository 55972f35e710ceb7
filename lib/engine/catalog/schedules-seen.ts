// Since when a schedule counts: the records of prunes say which schedules their configuration had. Nothing was due before a run knew of it.
import { HoldfastError } from '../../errors.ts';
import type { Facts } from '../../format/record.ts';
import type { SeenSchedule } from '../../policy/facts.ts';
import { parseSchedule, type Schedule } from '../../policy/schedule.ts';
import { isSame } from '../../policy/time-kept.ts';
import type { Engine } from '../engine.ts';
import { readNewestRecord } from './records.ts';

/** The configuration that the last prune had. */
export interface SeenConfiguration {
  readonly at: Date;
  /** By the names of the sources; undefined where an older version did not record it. */
  readonly schedules: ReadonlyMap<string, SeenSchedule> | undefined;
}

/** What the newest prune of any of `sources` recorded; undefined when none of them was pruned. */
export async function lastSeen(
  engine: Engine,
  sources: Iterable<string>,
): Promise<SeenConfiguration | undefined> {
  let last: { at: Date; facts: Facts } | undefined;
  for (const source of sources) {
    const record = await readNewestRecord(engine, 'prune', source);
    const at = record && new Date(record.begin);
    if (record !== undefined && at !== undefined && (last === undefined || at > last.at))
      last = { at, facts: record.facts };
  }
  return last && { at: last.at, schedules: schedulesIn(last.facts) };
}

/** What a prune at `now` records of its configuration, after one that recorded `before`. */
export function schedulesFact(
  before: SeenConfiguration | undefined,
  configured: ReadonlyMap<string, Schedule | undefined>,
  now: Date,
): Facts {
  const schedules: Facts = {};
  for (const [source, schedule] of configured) {
    if (schedule === undefined) continue;
    const since = sinceOf(before, source, schedule, now);
    const { cron, timeZone } = schedule;
    schedules[source] = { cron, timeZone, ...(since && { since: since.toISOString() }) };
  }
  return schedules;
}

function sinceOf(
  before: SeenConfiguration | undefined,
  source: string,
  schedule: Schedule,
  now: Date,
): Date | undefined {
  // Neither the first prune of a store nor the first one after an older version knows of anything earlier.
  if (before?.schedules === undefined) return undefined;
  const seen = before.schedules.get(source);
  return seen !== undefined && isSame(seen.schedule, schedule) ? seen.since : now;
}

/** What the store tells of a source's age. */
export interface Traces {
  /** The time of the oldest that the store holds of it. */
  readonly firstTrace: Date | undefined;
  /** Since when the store is this system's. */
  readonly markedAt: Date | undefined;
}

/**
 * Since when a source is known to be configured: since its first trace, or since a run knew its schedule where that is earlier. One
 * that has no trace and that no run has known was added after the last of them, and is not called late for what was due before.
 */
export function configuredSince(
  source: string,
  { firstTrace, markedAt }: Traces,
  seen: SeenConfiguration | undefined,
): Date | undefined {
  const known = seen?.schedules?.get(source);
  const knownSince = known && (known.since ?? markedAt);
  if (knownSince !== undefined && (firstTrace === undefined || knownSince < firstTrace))
    return knownSince;
  return firstTrace ?? seen?.at ?? markedAt;
}

function schedulesIn({ schedules }: Facts): Map<string, SeenSchedule> | undefined {
  if (typeof schedules !== 'object' || schedules === null || Array.isArray(schedules))
    return undefined;
  const seen = new Map<string, SeenSchedule>();
  for (const [source, fact] of Object.entries(schedules)) {
    const { cron, timeZone, since } = (fact ?? {}) as Readonly<Record<string, unknown>>;
    const schedule = scheduleFrom(cron, timeZone);
    if (schedule === undefined) continue;
    seen.set(source, { schedule, since: typeof since === 'string' ? new Date(since) : undefined });
  }
  return seen;
}

/** Undefined for what this version cannot read. */
function scheduleFrom(cron: unknown, timeZone: unknown): Schedule | undefined {
  if (typeof cron !== 'string' || typeof timeZone !== 'string') return undefined;
  try {
    return parseSchedule(cron, timeZone);
  } catch (error) {
    if (error instanceof HoldfastError) return undefined;
    throw error;
  }
}
