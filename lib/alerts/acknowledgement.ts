// Acknowledging by the link in a message: whether it is genuine, what it is good for, and the one record that it leaves.
import type { Engine } from '../engine/engine.ts';
import { readIncident, readLink } from '../engine/incidents/read.ts';
import { writeEvent } from '../engine/incidents/write.ts';
import { HoldfastError } from '../errors.ts';
import {
  isTokenOf,
  readerOf,
  standingOf,
  type Link,
  type LinkStanding,
} from '../policy/incidents/link.ts';
import type { Incident } from '../policy/incidents/state.ts';
import { oneLine } from './plain-text.ts';

/** A genuine link, and the incident that it is about. */
export interface Looked {
  readonly standing: LinkStanding;
  readonly incident: Incident;
}

/** Of a note, in characters. */
export const MAX_NOTE = 500;
/** How often a place among the events is taken by somebody who is faster, or by something that nobody vouches for. */
const ATTEMPTS = 10;

/** What a link is good for now; undefined when it is not genuine. Changes nothing. */
export async function lookAtLink(engine: Engine, link: Link): Promise<Looked | undefined> {
  const record = await readLink(engine, link);
  if (record === undefined || !isTokenOf(link.token, record)) return undefined;
  const incident = await readIncident(engine, link.incident);
  if (incident === undefined) return undefined;
  const { detail } = link;
  return { standing: standingOf(incident, { ...record, detail }, engine.now()), incident };
}

/**
 * Acknowledges by a link that is `open`. What it was good for when it was used: with `open` there is now a record of it, with anything
 * else there is none. Undefined when it is not genuine.
 */
export async function acknowledgeByLink(
  engine: Engine,
  link: Link,
  note: string,
): Promise<Looked | undefined> {
  const { incident: id, detail } = link;
  const text = oneLine(note, MAX_NOTE);
  const { sink, contact = sink } = readerOf(detail);
  for (let attempt = 1; ; attempt += 1) {
    const looked = await lookAtLink(engine, link);
    if (looked?.standing !== 'open') return looked;
    try {
      await writeEvent(
        { ...engine, who: `${contact} (link)` },
        {
          ...{ incident: id, event: 'acknowledged', detail },
          sequence: looked.incident.lastSequence + attempt,
          ...(text !== '' && { text }),
        },
      );
      return looked;
    } catch (error) {
      const isConflict = error instanceof HoldfastError && error.code === 'STORE_CONFLICT';
      if (!isConflict || attempt === ATTEMPTS) throw error;
    }
  }
}
