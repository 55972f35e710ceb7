// What happened in incidents, for the log: who opened, acknowledged and resolved each, and what was tried by itself.
import { numberedIncidentKey } from '../../format/layout.ts';
import { CLOCK_TOLERANCE_MS } from '../../policy/durations.ts';
import { eventText } from '../../policy/incidents/event-words.ts';
import { incidentOf, type IncidentEvent } from '../../policy/incidents/state.ts';
import type { StoredObject } from '../../stores/store.ts';
import { throwIfCancelled, type Engine } from '../engine.ts';
import type { LogEntry, LogOptions } from '../log.ts';
import { listActs, readEvents } from './read.ts';

/** What `--verb` calls everything that happens in an incident. */
export const INCIDENT_VERB = 'incident';

/**
 * The newest acts of incidents that are asked for, oldest first; of those that no trusted key vouches for, none. `sources` are the
 * subjects of conditions; an incident that a person opened is about none. Messages are no acts.
 */
export async function incidentLog(
  engine: Engine,
  { sources, limit, since, until }: Omit<LogOptions, 'failed' | 'verbs'>,
): Promise<LogEntry[]> {
  const found = [...(await listActs(engine))].map(([id, objects]) => ({
    ...{ id, objects },
    newestMs: newestOf(objects),
  }));
  const entries: LogEntry[] = [];
  for (const { id, objects, newestMs } of found.sort((a, b) => b.newestMs - a.newestMs)) {
    // What is left has nothing newer.
    const reachedMs = newestMs + CLOCK_TOLERANCE_MS;
    if (entries.length >= limit && reachedMs <= Date.parse(entries.at(-limit)?.begin ?? '')) break;
    if (since !== undefined && reachedMs < since.getTime()) break;
    throwIfCancelled(engine);
    const events = await readEvents(engine, objects, []);
    const subjects = subjectsOf(events);
    if (sources.length > 0 && !subjects.some((one) => sources.includes(one))) continue;
    const wanted = events.filter(
      ({ at }) => (since === undefined || at >= since) && (until === undefined || at < until),
    );
    entries.push(...wanted.map((event) => entryOf(id, subjects, event)));
    entries.sort((a, b) => Date.parse(a.begin) - Date.parse(b.begin));
  }
  return entries.slice(-limit);
}

function newestOf(objects: readonly StoredObject[]): number {
  return Math.max(...objects.map(({ storedAt }) => storedAt.getTime()));
}

function subjectsOf(events: readonly IncidentEvent[]): string[] {
  const conditions = [...(incidentOf(events)?.conditions.values() ?? [])];
  return [...new Set(conditions.map(({ subject }) => subject))];
}

const MOST_NAMED = 3;

function entryOf(id: string, subjects: readonly string[], event: IncidentEvent): LogEntry {
  const more = subjects.length > MOST_NAMED ? [`and ${subjects.length - MOST_NAMED} more`] : [];
  return {
    source: [...subjects.slice(0, MOST_NAMED), ...more].join(', '),
    verb: INCIDENT_VERB,
    subject: `incident ${Number(id)}`,
    verdict: event.event,
    begin: event.at.toISOString(),
    durationMs: 0,
    who: event.who,
    signedBy: event.signedBy ?? '',
    bytes: undefined,
    problemCount: 0,
    detail: eventText(event).slice(0, 1000),
    facts: {},
    key: numberedIncidentKey(event),
    distrust: undefined,
  };
}
