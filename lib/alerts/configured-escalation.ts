// Who gets messages about incidents, and by which ways, as the configuration says.
import type { Config } from '../config/config.ts';
import type { SecretReference } from '../config/places.ts';
import { HoldfastError } from '../errors.ts';
import type { EscalationPolicy, Target } from '../policy/incidents/escalation.ts';
import { regionOf, secretAt } from '../wiring/keys.ts';
import type { Reached } from './escalate.ts';

/** The policy of a configuration; without one, each sink gets one message. */
export function policyOf({ notify }: Pick<Config, 'notify'>): EscalationPolicy {
  const { sinks, contacts, escalation } = notify;
  if (escalation === undefined) {
    const targets = sinks.map(({ name }) => ({ sink: name, contact: undefined }));
    const once = { afterMs: 0, targets, repeatMs: undefined };
    return { steps: [once], resumeMs: undefined, remindMs: undefined };
  }
  const kinds = new Map(sinks.map(({ name, kind }) => [name, kind]));
  const targetsOf = (name: string): Target[] => {
    const contact = contacts.find((one) => one.name === name);
    return (contact?.sinks ?? []).map((sink) => {
      const kind = kinds.get(sink);
      const isOwn =
        (kind === 'email' && contact?.email !== undefined) ||
        (kind === 'command' && contact?.phone !== undefined) ||
        contact?.contract !== undefined;
      return { sink, contact: isOwn ? name : undefined };
    });
  };
  return {
    steps: escalation.steps.map(({ afterMs, contacts: told, repeatMs }) => ({
      ...{ afterMs, repeatMs },
      targets: distinct(told.flatMap(targetsOf)),
    })),
    resumeMs: escalation.resumeMs,
    remindMs: escalation.remindMs,
  };
}

/** Several people of one step may read in the same place. */
function distinct(targets: readonly Target[]): Target[] {
  return [...new Map(targets.map((one) => [`${one.sink} ${one.contact ?? ''}`, one])).values()];
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
    return { phone: await secretAt(phone, regionOf(config)) };
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    return { phone: undefined, phoneFailure: error.message };
  }
}
