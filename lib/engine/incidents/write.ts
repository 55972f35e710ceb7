// Writing to incidents: each event is a new signed record, and of two writers of one record exactly one succeeds.
import { HoldfastError } from '../../errors.ts';
import type {
  IncidentCondition,
  IncidentEventName,
  IncidentRecord,
} from '../../format/incident.ts';
import { incidentName, INCIDENTS_PREFIX, numberedIncidentKey } from '../../format/layout.ts';
import { encodeSigned } from '../../format/signed.ts';
import { changesOf, type Change, type Look } from '../../policy/incidents/sync.ts';
import type { NoteSets } from '../../policy/incidents/review.ts';
import type { Starts } from '../../policy/incidents/state.ts';
import type { Incident } from '../../policy/incidents/state.ts';
import { signerOf, type Engine } from '../engine.ts';
import { readIncidents, type KnownIncidents } from './read.ts';
import type { Checkpoint } from '../../format/incident.ts';

/** What an event says. */
export interface NewEvent {
  readonly incident: string;
  readonly sequence: number;
  readonly event: IncidentEventName;
  readonly detail?: string;
  readonly conditions?: readonly IncidentCondition[];
  readonly text?: string;
  readonly began?: Date;
  readonly how?: 'proven' | 'person';
  readonly settleMs?: number;
  readonly again?: boolean;
  readonly link?: { readonly digest: string; readonly expires: Date };
  readonly outcome?: 'done' | 'failed';
  readonly starts?: Starts;
  readonly sets?: NoteSets;
}

const MAX_TEXT = 4096;
const MAX_CONDITIONS = 1000;

/** Whether this engine's key may vouch for `events` of incidents; otherwise what it wrote would count for nothing. */
export function mayWriteIncidents(
  { system, signer, trusted }: Pick<Engine, 'system' | 'signer' | 'trusted'>,
  events: readonly IncidentEventName[] = ROUND,
): boolean {
  return (
    system !== undefined &&
    trusted.some(
      (one) =>
        one.keyId === signer?.keyId &&
        one.prefixes.some((prefix) => INCIDENTS_PREFIX.startsWith(prefix)) &&
        events.every((event) => one.events?.includes(event) !== false),
    )
  );
}

/** What a round of the escalation writes. */
const ROUND: readonly IncidentEventName[] = [
  ...([
    'opened',
    'joined',
    'recovered',
    'relapsed',
    'resolved',
    'claim',
    'sent',
    'failed',
  ] as const),
];

/** Writes one event. `STORE_CONFLICT` when its place is taken. */
export async function writeEvent(engine: Engine, event: NewEvent): Promise<void> {
  const { began, conditions, text, link, ...rest } = event;
  const { sequence, detail, ...own } = rest;
  const key = numberedIncidentKey({
    incident: event.incident,
    event: event.event,
    sequence,
    detail,
  });
  const record = {
    ...{ format: 1, key, system: engine.system ?? '' },
    ...own,
    ...{ who: engine.who, at: engine.now().toISOString() },
    ...(conditions !== undefined && { conditions: conditions.slice(0, MAX_CONDITIONS).map(short) }),
    ...(text !== undefined && { text: text.slice(0, MAX_TEXT) }),
    ...(began !== undefined && { began: began.toISOString() }),
    ...(link !== undefined && { link: { ...link, expires: link.expires.toISOString() } }),
  } satisfies IncidentRecord;
  await engine.store.put(key, await encodeSigned(record, signerOf(engine)));
}

function short({ subject, code, detail }: IncidentCondition): IncidentCondition {
  return { subject: subject.slice(0, MAX_TEXT), code, detail: detail.slice(0, MAX_TEXT) };
}

/** Opens the next incident; its id. `STORE_CONFLICT` when another one was opened meanwhile. */
export async function openNext(
  engine: Engine,
  { last }: Pick<KnownIncidents, 'last'>,
  opened: Pick<NewEvent, 'conditions' | 'text' | 'began' | 'settleMs'>,
): Promise<string> {
  const incident = incidentName(last + 1);
  await writeEvent(engine, { incident, sequence: 1, event: 'opened', ...opened });
  return incident;
}

/** Adds an event to an incident, behind all that it has. `STORE_CONFLICT` when somebody else was faster. */
export async function append(
  engine: Engine,
  { id, lastSequence }: Pick<Incident, 'id' | 'lastSequence'>,
  event: Omit<NewEvent, 'incident' | 'sequence'>,
): Promise<void> {
  await writeEvent(engine, { incident: id, sequence: lastSequence + 1, ...event });
}

/** How often a decision is repeated because another run was faster. */
const ATTEMPTS = 10;

/**
 * What `decide` makes of the incidents: where somebody else writes at the same time, it decides again by what is there then. So of
 * several runs that see the same, one acts.
 */
export async function deciding<T>(
  engine: Engine,
  checkpoint: Checkpoint | undefined,
  decide: (known: KnownIncidents) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await decide(await readIncidents(engine, { checkpoint }));
    } catch (error) {
      const isConflict = error instanceof HoldfastError && error.code === 'STORE_CONFLICT';
      if (!isConflict || attempt === ATTEMPTS) throw error;
    }
  }
}

/** Opens, joins and ends incidents as a look at the system demands; what changed. */
export async function follow(
  engine: Engine,
  look: Look,
  checkpoint?: Checkpoint,
): Promise<readonly Change[]> {
  const done: Change[] = [];
  await deciding(engine, checkpoint, async (known) => {
    const sequences = new Map(known.incidents.map(({ id, lastSequence }) => [id, lastSequence]));
    for (const change of changesOf(known.incidents, look)) {
      if (change.event === 'opened') {
        const { conditions, settleMs, began } = change;
        await openNext(engine, known, { conditions, settleMs, ...(began && { began }) });
      } else {
        const { incident, event } = change;
        const lastSequence = sequences.get(incident) ?? 0;
        sequences.set(incident, lastSequence + 1);
        await append(
          engine,
          { id: incident, lastSequence },
          event === 'resolved'
            ? { event, how: 'proven' }
            : { event, conditions: change.conditions },
        );
      }
      done.push(change);
    }
  });
  return done;
}
