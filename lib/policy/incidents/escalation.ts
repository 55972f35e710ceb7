// Who has to get a message about an incident now, and why. Pure: everything is computed again each time, so no timer can be lost.
import { DAY_MS, MINUTE_MS } from '../../durations.ts';
import { durationText } from '../durations.ts';
import { isWithin } from '../week-hours.ts';
import { countedMs, quietAt, type QuietHours } from './quiet.ts';
import { isAbsent, reachedBy, type Reach, type Target } from './reach.ts';
import { isOverdue, type Action } from './review.ts';
import type { Attempt, Incident } from './state.ts';
import { JOIN_MS } from './sync.ts';

export type { Target } from './reach.ts';

/** A step of the policy. */
export interface Step {
  readonly afterMs: number;
  readonly targets: readonly Reach[];
  /** How often the message is sent again while nobody acknowledges; undefined for once. */
  readonly repeatMs: number | undefined;
}

export interface EscalationPolicy {
  readonly steps: readonly Step[];
  /** When it starts again after an acknowledgement, if it is not resolved by then; undefined for never. */
  readonly resumeMs: number | undefined;
  /** After how long without a word those who acknowledged are reminded; undefined for never. */
  readonly remindMs: number | undefined;
  /** The hours in which nobody gets a message, by the severity of an incident. @default never */
  readonly quiet?: QuietHours | undefined;
  /** The names of sinks whose services call people by themselves: they hear of acknowledgements. @default none */
  readonly callers?: ReadonlySet<string>;
  /** The zone in which days end. @default UTC */
  readonly timeZone?: string;
  /** How contacts are reached, by their ids: the owner of an overdue action is told. @default - the first step is told */
  readonly people?: ReadonlyMap<string, readonly Reach[]>;
}

export type DueEvent = 'opened' | 'acknowledged' | 'reminder' | 'resolved' | 'overdue';

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

/** After so long, a run that claimed a message and recorded no result is taken for dead. */
export const CLAIM_MS = 2 * MINUTE_MS;
/** Conditions with one cause follow each other faster than this. */
export const SETTLED_MS = 2 * MINUTE_MS;
const LONGEST_PAUSE_MS = 15 * MINUTE_MS;
/** After so long, nobody is told any more that an incident is over. */
const END_MS = 7 * DAY_MS;

type Wanted = Omit<Due, 'attempt'>;

/** What an incident asks for at a moment. */
export interface Escalation {
  readonly due: readonly Due[];
  /** Why somebody who would get a message gets none now, in words. */
  readonly held: readonly string[];
}

/** Everything that is due at `now`, and was not sent. */
export function dueOf(incident: Incident, policy: EscalationPolicy, now: Date): readonly Due[] {
  return escalationOf(incident, policy, now).due;
}

/** What is due at `now` and was not sent, and what waits. In quiet hours all of it waits. */
export function escalationOf(incident: Incident, policy: EscalationPolicy, now: Date): Escalation {
  const { wanted, held } = wantedOf(incident, policy, now);
  const due = wanted.flatMap((one): Due[] => {
    const attempt = attemptDue(incident.messages.get(one.message) ?? [], now);
    return attempt === undefined ? [] : [{ ...one, attempt }];
  });
  const quiet = quietAt(incident, policy.quiet, now);
  if (quiet === undefined) return { due, held };
  // What keeps a service from calling disturbs nobody.
  const kept = due.filter(({ event }) => event === 'acknowledged');
  return { due: kept, held: due.length === kept.length ? [] : [quiet] };
}

/** Whether a run has to look at an incident: it is open, or somebody has not heard yet that it is over. */
export function isUnfinished(incident: Incident, now: Date): boolean {
  const { resolved, messages } = incident;
  if (resolved === undefined) return true;
  if (incident.review.actions.some((one) => isToBeTold(incident, one))) return true;
  if (now.getTime() - resolved.at.getTime() > END_MS) return false;
  return endOf(incident).some(
    ({ message }) => messages.get(message)?.some(({ result }) => result === 'sent') !== true,
  );
}

/** Whether somebody may still have to hear that the action is overdue. */
function isToBeTold({ messages }: Incident, { number, doneAt }: Action): boolean {
  if (doneAt !== undefined) return false;
  const prefix = `${actionName(number)}_`;
  return ![...messages].some(
    ([message, attempts]) =>
      message.startsWith(prefix) && attempts.some(({ result }) => result === 'sent'),
  );
}

function wantedOf(
  incident: Incident,
  policy: EscalationPolicy,
  now: Date,
): { readonly wanted: readonly Wanted[]; readonly held: readonly string[] } {
  const overdue = overdueDue(incident, policy, now);
  if (incident.resolved !== undefined)
    return { wanted: [...endDue(incident, policy, now), ...overdue], held: [] };
  const { wanted, held } = stepsDue(incident, policy, now);
  return {
    wanted: [
      ...wanted,
      ...overdue,
      ...joinedDue(incident, policy, now),
      ...remindersDue(incident, policy, now),
      ...acknowledgedDue(incident, policy, now),
    ],
    held,
  };
}

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

function stepsDue(
  incident: Incident,
  policy: EscalationPolicy,
  now: Date,
): { readonly wanted: readonly Wanted[]; readonly held: readonly string[] } {
  const phase = phaseOf(incident, policy, now);
  const wanted: Wanted[] = [];
  const held: string[] = [];
  if (phase === undefined) return { wanted, held };
  const countMs = countedMs(incident, policy.quiet, { from: phase.since, now });
  let unreached: string | undefined;
  for (const [index, step] of policy.steps.entries()) {
    const passedMs = countMs - step.afterMs;
    // If a step has reached nobody, the next one does not wait for its time.
    if (passedMs < 0 && unreached === undefined) break;
    const round =
      step.repeatMs === undefined ? 0 : Math.max(0, Math.floor(passedMs / step.repeatMs));
    const name = `p${phase.number}.s${index}.r${round}`;
    const { targets, absent } = reachedBy(step.targets, now);
    const messages = targets.map((target) => ({ target, message: messageOf(name, target) }));
    held.push(...absent);
    wanted.push(
      ...messages.map(({ target, message }) => ({
        ...{ message, target, event: 'opened' as const },
        why: whyOf({ index, round, unreached, step, phase: phase.number }),
      })),
    );
    const isReached = messages.some(
      ({ message }) => !isFailing(incident.messages.get(message) ?? []),
    );
    unreached = isReached ? undefined : ['the step before reached nobody', ...absent].join(', as ');
  }
  return { wanted, held };
}

/** Conditions that join after the first message are told together, once none has joined for a while: a flood becomes few messages. */
function joinedDue(incident: Incident, policy: EscalationPolicy, now: Date): Wanted[] {
  const { openedAt, conditions, acknowledgements } = incident;
  const joined = [...conditions.values()].filter(({ since }) => since > openedAt);
  if (acknowledgements.length > 0 || joined.every(({ goodSince }) => goodSince !== undefined))
    return [];
  const last = Math.max(...joined.map(({ since }) => since.getTime()));
  const isOver = now.getTime() - openedAt.getTime() >= JOIN_MS;
  if (!isOver && now.getTime() - last < SETTLED_MS) return [];
  return firstReached(policy, now).map((target) => ({
    // By its time: what has joined may change again, and is news then.
    message: messageOf(`j${last}`, target),
    ...{ target, event: 'opened' },
    why: `${joined.length} more ${joined.length === 1 ? 'thing went' : 'things went'} wrong`,
  }));
}

function firstReached({ steps }: EscalationPolicy, now: Date): readonly Target[] {
  return reachedBy(steps[0]?.targets ?? [], now).targets;
}

function isFailing(attempts: readonly Attempt[]): boolean {
  return attempts.length > 0 && attempts.every(({ result }) => result === 'failed');
}

function whyOf({
  index,
  round,
  unreached,
  step,
  phase,
}: {
  readonly index: number;
  readonly round: number;
  readonly unreached: string | undefined;
  readonly step: Step;
  readonly phase: number;
}): string {
  const reasons = [
    ...(phase > 0 ? ['somebody acknowledged it, but it is still not resolved'] : []),
    ...(unreached !== undefined ? [unreached] : []),
    ...(unreached === undefined && step.afterMs > 0
      ? [`nobody acknowledged it within ${durationText(step.afterMs)}`]
      : []),
    ...(round > 0 ? ['nobody has acknowledged it yet'] : []),
  ];
  const place = [
    ...(index > 0 ? [`step ${index + 1}`] : []),
    ...(round > 0 ? [`reminder ${round}`] : []),
  ];
  const why = reasons.length === 0 ? 'something went wrong' : reasons.join(', and ');
  return place.length === 0 ? why : `${why} (${place.join(', ')})`;
}

/** The people of the first step are asked how it stands. */
function remindersDue(incident: Incident, policy: EscalationPolicy, now: Date): Wanted[] {
  const { remindMs, quiet } = policy;
  const { acknowledgements, lastWordAt } = incident;
  if (remindMs === undefined || acknowledgements.length === 0) return [];
  // While it escalates, the messages of the steps go out instead.
  if (phaseOf(incident, policy, now) !== undefined) return [];
  const silentMs = countedMs(incident, quiet, { from: lastWordAt, now });
  const count = Math.floor(silentMs / remindMs);
  if (count < 1) return [];
  const name = `u${lastWordAt.getTime()}.r${count}`;
  return firstReached(policy, now).map((target) => ({
    message: messageOf(name, target),
    ...{ target, event: 'reminder' },
    why: `nobody has said how it stands for ${durationText(count * remindMs)}`,
  }));
}

/** Where a service calls people by itself, it has to hear of each acknowledgement; once, whoever was called. */
function acknowledgedDue(incident: Incident, policy: EscalationPolicy, now: Date): Wanted[] {
  const { callers } = policy;
  const { length } = incident.acknowledgements;
  // Since it resumed, they are to call again.
  if (callers === undefined || length === 0 || phaseOf(incident, policy, now) !== undefined)
    return [];
  const told = endOf(incident).map(({ target: { sink } }) => sink);
  const sinks = new Set(told.filter((sink) => callers.has(sink)));
  return [...sinks].map((sink) => {
    const target = { sink, contact: undefined };
    const message = messageOf(`k${length}`, target);
    return { message, target, event: 'acknowledged', why: 'somebody acknowledged it' };
  });
}

/** The owner of each overdue action gets one message. */
function overdueDue(incident: Incident, policy: EscalationPolicy, now: Date): Wanted[] {
  const { timeZone = 'UTC', people, quiet } = policy;
  if (quiet?.watch !== undefined && isWithin(quiet.watch, now)) return [];
  return incident.review.actions
    .filter((one) => isOverdue(one, timeZone, now) && isToBeTold(incident, one))
    .flatMap(({ number, owner, due }) => {
      const ways = people?.get(owner) ?? [];
      const own = reachedBy(ways, now).targets;
      const targets = ways.length > 0 ? own : firstReached(policy, now);
      return targets.map((target) => ({
        message: messageOf(actionName(number), target),
        ...{ target, event: 'overdue' as const },
        why: `${owner} was to finish action ${number} by ${due}`,
      }));
    });
}

function actionName(number: number): string {
  return `a${number}`;
}

/** Everyone who was told of the beginning is told of the end, within the hours of the contact. */
function endDue(incident: Incident, { steps }: EscalationPolicy, now: Date): Wanted[] {
  const reaches = steps.flatMap(({ targets }) => targets);
  return endOf(incident).filter(({ target: { sink, contact } }) => {
    const theirs = reaches.filter((one) => one.sink === sink && one.contact === contact);
    return theirs.length === 0 || theirs.some((one) => !isAbsent(one, now));
  });
}

function endOf({ messages }: Pick<Incident, 'messages'>): Wanted[] {
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

/** The name of a message, its sink, and its contact where it has one. */
export function messageParts(message: string): string[] {
  return message.split('_');
}

const NOT_ABOUT_THE_BEGIN = /^(?:end|[ak]\d+)$/;

function targetOf(message: string): Target | undefined {
  const [name = '', sink, contact] = messageParts(message);
  if (sink === undefined || NOT_ABOUT_THE_BEGIN.test(name)) return undefined;
  return { sink, contact };
}
