// Incidents from the command line: what a look at the system opens and ends, and who gets a message about it.
import process from 'node:process';
import type { Reached, Sent } from '../alerts/escalate.ts';
import { escalationRound, type RoundDone } from '../alerts/escalation-round.ts';
import type { Config } from '../config/config.ts';
import type { Status } from '../engine/status.ts';
import type { Problem } from '../errors.ts';
import { resourceLabel } from '../names/alarms.ts';
import { opensIncident } from '../policy/conditions/conditions.ts';
import type { EscalationPolicy, Target } from '../policy/incidents/escalation.ts';
import type { Look, Urgent } from '../policy/incidents/sync.ts';
import { regionOf, secretAt } from '../wiring/keys.ts';
import { openSinks } from '../wiring/sinks.ts';
import { lookAround } from './look.ts';
import { requireConfig, type Session } from './session.ts';

/** What a run did about incidents. */
export interface Escalated extends RoundDone {
  /** Undefined where nobody looked: the last look was less than a quarter of an hour ago. */
  readonly status: Status | undefined;
}

/** One round of the escalation, by the configuration of the session. */
export async function escalateOnce(
  session: Session,
  { onlyWhenDue, signal }: { readonly onlyWhenDue: boolean; readonly signal: AbortSignal },
): Promise<Escalated> {
  const config = requireConfig(session);
  let status: Status | undefined;
  const done = await escalationRound({
    engine: session.engine,
    policy: policyOf(config),
    patience: { signal },
    onlyWhenDue,
    look: async (forged) => {
      status = await lookAround(session);
      return lookOf(status, forged);
    },
    open: async () => ({ sinks: await openSinks(config), contacts: await contactsOf(config) }),
  });
  return { ...done, status };
}

/** What a look at the system says for incidents. */
export function lookOf(
  { at, sources, store, recoveryPoints }: Status,
  forged: readonly Problem[],
): Look {
  const resources = (recoveryPoints?.resources ?? []).map(({ selection, resource, findings }) => ({
    subject: `${selection}, ${resourceLabel(resource)}`,
    findings,
  }));
  const all = [
    ...sources.map(({ source, findings }) => ({ subject: source, findings })),
    ...resources,
    { subject: 'store', findings: store.findings },
  ];
  const urgent = all.flatMap(({ subject, findings }): Urgent[] =>
    findings.filter(opensIncident).map(({ code, detail }) => ({ subject, code, detail })),
  );
  const [first] = forged;
  if (first !== undefined) {
    const more = forged.length > 1 ? `, and ${forged.length - 1} more` : '';
    const detail = `${first.path} counts for nothing: ${first.detail}${more}`;
    urgent.push({ subject: 'store', code: 'incident-forged', detail });
  }
  return { at, urgent, subjects: new Set(all.map(({ subject }) => subject)) };
}

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

async function contactsOf(config: Config): Promise<Map<string, Reached>> {
  const reached = await Promise.all(
    config.notify.contacts.map(async ({ name, role, email, phone, contract }) => {
      const number = phone === undefined ? undefined : await secretAt(phone, regionOf(config));
      return [name, { contact: name, role, email, phone: number, contract }] as const;
    }),
  );
  return new Map(reached);
}

/** Says on standard error which messages did not go out. */
export function warnOfFailures(sent: readonly Sent[]): void {
  for (const { sink, failure } of sent)
    if (failure !== undefined)
      process.stderr.write(`warning: the sink ${sink} did not take the message: ${failure}\n`);
}
