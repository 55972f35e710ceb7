// Incidents from the command line: what a look at the system opens and ends, and who gets a message about it.
import process from 'node:process';
import { contactsOf, policyOf } from '../alerts/configured-escalation.ts';
import type { Sent } from '../alerts/escalate.ts';
import { escalationRound, type RoundDone } from '../alerts/escalation-round.ts';
import { lookOf } from '../alerts/incident-look.ts';
import { escalates } from '../config/load/stack-keys.ts';
import { mayWriteIncidents } from '../engine/incidents/write.ts';
import type { Status } from '../engine/status.ts';
import { openSinks } from '../wiring/sinks.ts';
import { lookAround } from './look.ts';
import { requireConfig, senderHere, type Session } from './session.ts';

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
    looks: onlyWhenDue ? 'due' : 'always',
    look: async ({ problems }) => {
      status = await lookAround(session);
      return lookOf(status, problems);
    },
    open: async () => ({
      sinks: await openSinks(config),
      contacts: await contactsOf(config),
      sender: senderHere(config),
    }),
  });
  return { ...done, status };
}

/**
 * One round after somebody has acted: what that changes is told at once. Not where the stack does that within the minute, nor by a key
 * that may not vouch for messages: those that others run are for that.
 */
export async function escalateAfter(
  session: Session,
  signal: AbortSignal,
): Promise<readonly Sent[]> {
  const config = requireConfig(session);
  const isOfStack = config.aws !== undefined && escalates(config);
  if (isOfStack || !mayWriteIncidents(session.engine)) return [];
  const { sent } = await escalateOnce(session, { onlyWhenDue: true, signal });
  warnOfFailures(sent);
  return sent;
}

/** Says on standard error which messages did not go out. */
export function warnOfFailures(sent: readonly Sent[]): void {
  for (const { sink, failure } of sent)
    if (failure !== undefined)
      process.stderr.write(`warning: the sink ${sink} did not take the message: ${failure}\n`);
}
