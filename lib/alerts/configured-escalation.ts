// Who gets messages about incidents, and by which ways, as the configuration says.
import type { Config } from '../config/config.ts';
import type { ContactConfig, SinkConfig } from '../config/notify.ts';
import { isPlaceholder } from '../config/placeholder.ts';
import { showReference, type SecretReference } from '../config/places.ts';
import { HoldfastError } from '../errors.ts';
import type { EscalationPolicy } from '../policy/incidents/escalation.ts';
import type { Reach } from '../policy/incidents/reach.ts';
import { weekHours, type WeekHours } from '../policy/week-hours.ts';
import { regionOf, secretAt } from '../wiring/keys.ts';
import type { Reached } from './escalate.ts';

/** The policy of a configuration; without one, each sink gets one message. */
export function policyOf({ notify }: Pick<Config, 'notify'>): EscalationPolicy {
  const { sinks, contacts, escalation, quietHours, timeZone } = notify;
  const { watch, alarm } = quietHours;
  const quiet = { watch: hoursOf(watch, timeZone), alarm: hoursOf(alarm, timeZone) };
  const kinds = new Map(sinks.map(({ name, kind }) => [name, kind]));
  const known = new Map(contacts.map((contact) => [contact.name, contact]));
  const reachesOf = (name: string): Reach[] => {
    const contact = known.get(name);
    if (contact === undefined) return [];
    const hours = hoursOf(contact.hours, timeZone);
    const ways = waysTo(contact, kinds).map((way) => ({ ...way, hours }));
    const { contacts: people = [], since = '' } = contact.rotation ?? {};
    const turns = people.flatMap((one, place) =>
      reachesOf(one).map((reach) => ({
        ...reach,
        hours: reach.hours ?? hours,
        turn: { timeZone, since, size: people.length, place },
      })),
    );
    return [...ways, ...turns];
  };
  const people = new Map(contacts.map(({ name }) => [name, reachesOf(name)]));
  const callers = new Set(sinks.flatMap(({ name, kind }) => (kind === 'pagerduty' ? [name] : [])));
  const common = { quiet, timeZone, people, callers };
  if (escalation === undefined) {
    const targets = sinks.map(({ name }) => ({ sink: name, contact: undefined }));
    const once = { afterMs: 0, targets, repeatMs: undefined };
    return { steps: [once], resumeMs: undefined, remindMs: undefined, ...common };
  }
  return {
    steps: escalation.steps.map(({ afterMs, contacts: told, repeatMs }) => ({
      ...{ afterMs, repeatMs },
      targets: told.flatMap((name) => people.get(name) ?? []),
    })),
    resumeMs: escalation.resumeMs,
    remindMs: escalation.remindMs,
    ...common,
  };
}

function hoursOf(texts: readonly string[] | undefined, timeZone: string): WeekHours | undefined {
  return texts && weekHours(texts, timeZone);
}

/** By which ways a contact is reached. */
function waysTo(
  { name, sinks, email, phone, contract }: ContactConfig,
  kinds: ReadonlyMap<string, SinkConfig['kind']>,
): Reach[] {
  return sinks.map((sink) => {
    const kind = kinds.get(sink);
    const isOwn =
      (kind === 'email' && email !== undefined) ||
      ((kind === 'command' || kind === 'sms') && phone !== undefined) ||
      contract !== undefined;
    return { sink, contact: isOwn ? name : undefined, who: name };
  });
}

/** Whom the contacts are, by their names. */
export async function contactsOf(config: Config): Promise<Map<string, Reached>> {
  const reached = await Promise.all(
    config.notify.contacts.map(async ({ name, role, email, phone, contract }) => {
      const number = await numberAt(phone, config);
      return [name, { contact: name, ...{ role, email, contract }, ...number }] as const;
    }),
  );
  return new Map(reached);
}

/** A number that cannot be had keeps no message from going out by the other ways. */
async function numberAt(
  phone: SecretReference | undefined,
  config: Config,
): Promise<Pick<Reached, 'phone' | 'phoneFailure'>> {
  if (phone === undefined) return { phone };
  try {
    const number = await secretAt(phone, regionOf(config));
    if (!isPlaceholder(number)) return { phone: number };
    const phoneFailure = `the phone number at ${showReference(phone)} is a placeholder`;
    return { phone: undefined, phoneFailure };
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    return { phone: undefined, phoneFailure: error.message };
  }
}
