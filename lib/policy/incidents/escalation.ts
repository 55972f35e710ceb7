// Who has to get a message about an incident now, and why. Pure: no timer can be lost, because everything is computed again each time.
import { MINUTE_MS } from '../../durations.ts';
import { durationText } from '../durations.ts';
import type { Attempt, Incident } from './state.ts';
import { JOIN_MS } from './sync.ts';

/** A way to reach somebody, or a place where several read. */
export interface Target {
  readonly sink: string;
  /** The id of a contact, where the sink has to know whom it reaches. */
  readonly contact: string | undefined;
}

/** A step of the policy. */
export interface Step {
  readonly afterMs: number;
  readonly targets: readonly Target[];
  /** How often the message is sent again while nobody acknowledges; undefined for once. */
  readonly repeatMs: number | undefined;
}

export interface EscalationPolicy {
  readonly steps: readonly Step[];
  /** When it starts again after an acknowledgement, if it is not resolved by then; undefined for never. */
  readonly resumeMs: number | undefined;
  /** When whoever acknowledged is reminded that no word came since; undefined for never. */
  readonly remindMs: number | undefined;
}

export type DueEvent = 'opened' | 'reminder' | 'resolved';

/** A message that has to go out now. */
export interface Due {
  /** Which message it is, among those of the incident. */
  readonly message: string;
  readonly target: Target;
  readonly event: DueEvent;
  /** From 1. */
  readonly attempt: number;
  readonly why: string;
}

/** A run that took a message on and left no word has died. */
export const CLAIM_MS = 2 * MINUTE_MS;
const LONGEST_PAUSE_MS = 15 * MINUTE_MS;

/** Everything that is due at `now`, and was not sent. */
export function dueOf(incident: Incident, policy: EscalationPolicy, now: Date): Due[] {
  const wanted =
    incident.resolved === undefined
      ? [
          ...stepsDue(incident, policy, now),
          ...joinedDue(incident, policy, now),
          ...remindersDue(incident, policy, now),
        ]
      : endDue(incident);
  return wanted.flatMap((one): Due[] => {
    const attempt = attemptDue(incident.messages.get(one.message) ?? [], now);
    return attempt === undefined ? [] : [{ ...one, attempt }];
  });
}

type Wanted = Omit<Due, 'attempt'>;

/** When the escalation runs, and since when; undefined while an acknowledgement holds it. */
export function phaseOf(
  { openedAt, acknowledgements }: Pick<Incident, 'openedAt' | 'acknowledgements'>,
  { resumeMs }: Pick<EscalationPolicy, 'resumeMs'>,
  now: Date,
): { readonly number: number; readonly since: Date } | undefined {
  const times = acknowledgements.map(({ at }) => at.getTime()).sort((a, b) => a - b);
  let [number, since] = [0, openedAt.getTime()];
  // Each acknowledgement holds it until it resumes, or until the next one holds it for longer.
  for (const [index, time] of times.entries()) {
    if (resumeMs === undefined) return undefined;
    const next = times[index + 1];
    if (next !== undefined && next <= time + resumeMs) continue;
    if (now.getTime() < time + resumeMs) return undefined;
    [number, since] = [index + 1, time + resumeMs];
  }
  return { number, since: new Date(since) };
}

function stepsDue(incident: Incident, policy: EscalationPolicy, now: Date): Wanted[] {
  const phase = phaseOf(incident, policy, now);
  if (phase === undefined) return [];
  const wanted: Wanted[] = [];
  let isReached = true;
  for (const [index, step] of policy.steps.entries()) {
    const passedMs = now.getTime() - phase.since.getTime() - step.afterMs;
    // Where a step has reached nobody, the next one does not wait for its time.
    if (passedMs < 0 && isReached) break;
    const round =
      step.repeatMs === undefined ? 0 : Math.max(0, Math.floor(passedMs / step.repeatMs));
    const name = `p${phase.number}.s${index}.r${round}`;
    const messages = step.targets.map((target) => ({ target, message: messageOf(name, target) }));
    wanted.push(
      ...messages.map(({ target, message }) => ({
        ...{ message, target, event: 'opened' as const },
        why: whyOf({ index, round, isReached, step, phase: phase.number }),
      })),
    );
    isReached = messages.some(({ message }) => !isFailing(incident.messages.get(message) ?? []));
  }
  return wanted;
}

/** What joined after the first message is told once, when no more can join. */
function joinedDue(incident: Incident, policy: EscalationPolicy, now: Date): Wanted[] {
  const { openedAt, conditions, acknowledgements } = incident;
  if (acknowledgements.length > 0 || now.getTime() - openedAt.getTime() < JOIN_MS) return [];
  const joined = [...conditions.values()].filter(({ since }) => since > openedAt);
  if (joined.length === 0) return [];
  return (policy.steps[0]?.targets ?? []).map((target) => ({
    message: messageOf('j', target),
    ...{ target, event: 'opened' },
    why: `${joined.length} more became urgent`,
  }));
}

function isFailing(attempts: readonly Attempt[]): boolean {
  return attempts.length > 0 && attempts.every(({ result }) => result === 'failed');
}

function whyOf({
  index,
  round,
  isReached,
  step,
  phase,
}: {
  readonly index: number;
  readonly round: number;
  readonly isReached: boolean;
  readonly step: Step;
  readonly phase: number;
}): string {
  const parts = [`step ${index + 1}`];
  if (!isReached) parts.push('the step before reached nobody');
  else if (step.afterMs > 0) parts.push(`nobody acknowledged for ${durationText(step.afterMs)}`);
  if (round > 0) parts.push(`reminder ${round}`);
  if (phase > 0) parts.push('it was acknowledged, and is not resolved');
  return parts.join(', ');
}

/** Whoever knows of it is asked for a word, through the first step. */
function remindersDue(
  incident: Incident,
  { steps, remindMs, resumeMs }: EscalationPolicy,
  now: Date,
): Wanted[] {
  const { acknowledgements, lastWordAt } = incident;
  if (remindMs === undefined || acknowledgements.length === 0) return [];
  // While it escalates, those messages ask for more.
  if (phaseOf(incident, { resumeMs }, now) !== undefined) return [];
  const silentMs = now.getTime() - lastWordAt.getTime();
  const count = Math.floor(silentMs / remindMs);
  if (count < 1) return [];
  const name = `u${lastWordAt.getTime()}.r${count}`;
  return (steps[0]?.targets ?? []).map((target) => ({
    message: messageOf(name, target),
    ...{ target, event: 'reminder' },
    why: `no word came for ${durationText(count * remindMs)}`,
  }));
}

/** Everyone who got the message that it began gets one when it is over. */
function endDue({ messages }: Incident): Wanted[] {
  const told = new Map<string, Target>();
  for (const [message, attempts] of messages) {
    const target = targetOf(message);
    if (target === undefined || !attempts.some(({ result }) => result === 'sent')) continue;
    told.set(messageOf('end', target), target);
  }
  return [...told].map(([message, target]) => ({
    ...{ message, target, event: 'resolved' },
    why: 'it is resolved',
  }));
}

function attemptDue(attempts: readonly Attempt[], now: Date): number | undefined {
  const last = attempts.at(-1);
  if (last === undefined) return 1;
  if (attempts.some(({ result }) => result === 'sent')) return undefined;
  const sinceMs = now.getTime() - last.at.getTime();
  if (last.result === undefined) return sinceMs >= CLAIM_MS ? last.number + 1 : undefined;
  const pauseMs = last.again
    ? Math.min(LONGEST_PAUSE_MS, MINUTE_MS * 2 ** Math.min(10, last.number - 1))
    : LONGEST_PAUSE_MS;
  return sinceMs >= pauseMs ? last.number + 1 : undefined;
}

function messageOf(name: string, { sink, contact }: Target): string {
  return contact === undefined ? `${name}_${sink}` : `${name}_${sink}_${contact}`;
}

function targetOf(message: string): Target | undefined {
  const [name, sink, contact] = message.split('_');
  if (sink === undefined || name === 'end') return undefined;
  return { sink, contact };
}
