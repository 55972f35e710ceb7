// Carries out what is due of each incident: claims a message, sends it, and writes down how that ended. Two runs at once send it once.
import { HoldfastError } from '../errors.ts';
import type { Engine } from '../engine/engine.ts';
import { append, deciding, writeEvent } from '../engine/incidents/write.ts';
import { readIncidents, type KnownIncidents } from '../engine/incidents/read.ts';
import type { Checkpoint } from '../format/incident.ts';
import { linkPath, linkRecord } from '../policy/incidents/link.ts';
import type { NoteSets } from '../policy/incidents/review.ts';
import { attemptDetail, type Incident } from '../policy/incidents/state.ts';
import { escalationOf, type Due, type EscalationPolicy } from '../policy/incidents/escalation.ts';
import { deliver, type Patience } from '../sinks/deliver.ts';
import type { Delivery, Recipient, Sink } from '../sinks/sink.ts';
import { incidentMessage } from './incident-message.ts';
import { overdueMessage } from './overdue-message.ts';
import { sinkMessage } from './run-message.ts';
import type { Sender } from './sender.ts';

/** Whom a contact is, for messages. */
export interface Reached extends Recipient {
  readonly role: string;
  readonly contract: string | undefined;
  /** Why its number cannot be had, where it has one. */
  readonly phoneFailure?: string;
}

/** Where messages are answered. */
export interface Links {
  /** The URL of the page, without a path. */
  readonly url: string;
  /** What nobody can guess: as many random bytes as a token has, in hex. */
  readonly token: () => string;
}

export interface Escalating {
  readonly engine: Engine;
  readonly policy: EscalationPolicy;
  readonly sinks: readonly Sink[];
  readonly sender: Sender;
  /** By the names of contacts. */
  readonly contacts: ReadonlyMap<string, Reached>;
  readonly patience: Patience;
  /** @default - messages carry no link */
  readonly links?: Links | undefined;
  /** From where incidents are looked for. @default the beginning */
  readonly checkpoint?: Checkpoint | undefined;
}

/** A message, and what came of it. */
export interface Sent {
  readonly incident: string;
  readonly message: string;
  readonly sink: string;
  readonly contact: string | undefined;
  readonly why: string;
  readonly delivered: boolean;
  /** Why it was not. */
  readonly failure: string | undefined;
}

/** Somebody who would get a message, and gets none now. */
export interface Held {
  readonly incident: string;
  readonly why: string;
}

/** Sends everything that is due of these incidents. */
export async function escalateAll(
  escalating: Escalating,
  { incidents }: Pick<KnownIncidents, 'incidents'>,
): Promise<{ readonly sent: readonly Sent[]; readonly held: readonly Held[] }> {
  const sent: Sent[] = [];
  const held: Held[] = [];
  for (const incident of incidents) {
    // A step that reached nobody makes the next one due at once.
    for (let state: Incident | undefined = incident; state !== undefined;) {
      const now = escalating.engine.now();
      const { due, held: reasons } = escalationOf(state, escalating.policy, now);
      if (state === incident) held.push(...reasons.map((why) => ({ incident: incident.id, why })));
      const outcomes: (Sent | undefined)[] = await Promise.all(
        due.map((one) => sendOne(escalating, incident, one)),
      );
      const done = outcomes.filter((one) => one !== undefined);
      sent.push(...done);
      state = done.some(({ delivered }) => !delivered)
        ? await again(escalating, incident.id)
        : undefined;
    }
  }
  await tellOfSinks(escalating, sent);
  return { sent, held };
}

async function again(
  { engine, checkpoint }: Pick<Escalating, 'engine' | 'checkpoint'>,
  id: string,
): Promise<Incident | undefined> {
  const { incidents } = await readIncidents(engine, { checkpoint });
  return incidents.find((one) => one.id === id);
}

async function sendOne(
  escalating: Escalating,
  incident: Incident,
  due: Due,
): Promise<Sent | undefined> {
  const { engine, sinks, contacts, patience, sender } = escalating;
  const claimed = await claim(escalating, incident, due);
  if (claimed === undefined) return undefined;
  const { detail, link } = claimed;
  const { target, message, event, why } = due;
  const reached = target.contact === undefined ? undefined : contacts.get(target.contact);
  const sink = sinks.find(({ name }) => name === target.sink);
  const write = event === 'overdue' ? overdueMessage : incidentMessage;
  const content = write({
    ...{ incident, event, message, why },
    system: engine.system ?? '',
    sender,
    at: engine.now(),
    to: reached && { contact: reached.contact, email: reached.email, phone: reached.phone },
    role: reached?.role,
    contract: reached?.contract,
    link,
  });
  const obstacle = obstacleOf(sink, reached);
  const delivery: Delivery =
    sink === undefined || obstacle !== undefined
      ? { delivered: false, why: obstacle ?? '', again: false }
      : await deliver(sink, content, patience);
  const result = delivery.delivered
    ? ({ event: 'sent' } as const)
    : ({ event: 'failed', text: delivery.why, again: delivery.again } as const);
  await writeEvent(engine, { incident: incident.id, sequence: 0, detail, ...result });
  return {
    ...{ incident: incident.id, message, sink: target.sink, contact: target.contact, why },
    delivered: delivery.delivered,
    failure: delivery.delivered ? undefined : delivery.why,
  };
}

/** Why nothing can be sent at all. */
export function obstacleOf(
  sink: Sink | undefined,
  reached: Reached | undefined,
): string | undefined {
  if (sink === undefined) return 'it is not in the configuration';
  return DIALS.includes(sink.kind) ? reached?.phoneFailure : undefined;
}

/** The kinds of sinks that need the number of a contact. */
const DIALS: readonly string[] = ['command', 'sms'];

/** How often a place may be taken by something that nobody vouches for. */
const FORGED_CLAIMS = 5;

interface Claimed {
  readonly detail: string;
  /** By which the message is answered. */
  readonly link: string | undefined;
}

/** The attempt that is ours; undefined when another run has it. */
async function claim(
  escalating: Escalating,
  incident: Incident,
  { message, attempt, event }: Due,
): Promise<Claimed | undefined> {
  const { engine } = escalating;
  // What is over, or acknowledged, needs no answer.
  const asks = event === 'opened' || event === 'reminder';
  const links = asks ? escalating.links : undefined;
  for (let number = attempt; number < attempt + FORGED_CLAIMS; number += 1) {
    const place = { incident: incident.id, detail: attemptDetail(message, number) };
    const token = links?.token();
    try {
      await writeEvent(engine, {
        ...{ ...place, sequence: 0, event: 'claim' },
        ...(token !== undefined && { link: linkRecord(token, engine.now()) }),
      });
      return {
        detail: place.detail,
        link: token && new URL(linkPath({ ...place, token }), links?.url).href,
      };
    } catch (error) {
      if (!(error instanceof HoldfastError) || error.code !== 'STORE_CONFLICT') throw error;
      const now = await again(escalating, incident.id);
      const isTaken = (now?.messages.get(message) ?? []).some((one) => one.number === number);
      if (isTaken) return undefined;
    }
  }
  return undefined;
}

/** What one sink could not deliver, those that work tell. */
async function tellOfSinks(
  { engine, sinks, patience, sender }: Escalating,
  sent: readonly Sent[],
): Promise<void> {
  const failures = new Map(
    sent.flatMap(({ sink, failure }) => (failure === undefined ? [] : [[sink, failure] as const])),
  );
  if (failures.size === 0) return;
  const failed = [...failures].map(([sink, why]) => ({ sink, why }));
  const about = {
    ...{ system: engine.system ?? '', sender },
    ...{ at: engine.now(), id: engine.random() },
  };
  const working = sinks.filter(({ name }) => !failures.has(name));
  await Promise.all(working.map((sink) => deliver(sink, sinkMessage(failed, about), patience)));
}

/** What a person does to an incident. */
export type Act =
  | { readonly event: 'acknowledged'; readonly text?: string }
  | { readonly event: 'noted'; readonly text?: string; readonly sets?: NoteSets }
  | { readonly event: 'resolved'; readonly text?: string; readonly how: 'person' };

/** Writes down what a person did. `BACKUP_NOT_FOUND` when there is no such incident, `USAGE` when it is over. */
export async function actOn(engine: Engine, id: string, act: Act): Promise<Incident> {
  return deciding(engine, undefined, async ({ incidents }) => {
    const incident = incidents.find((one) => one.id === id);
    if (incident === undefined)
      throw new HoldfastError('BACKUP_NOT_FOUND', `there is no open incident ${Number(id)}`, {
        hint: '`holdfast incident list` shows what there is.',
      });
    if (incident.resolved !== undefined && act.event !== 'noted')
      throw new HoldfastError('USAGE', `incident ${Number(id)} is resolved already`);
    await append(engine, incident, act);
    return incident;
  });
}
