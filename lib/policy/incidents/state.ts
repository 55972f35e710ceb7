// What an incident is now, from everything that happened in it. Pure, and independent of the order in which its records were found.

import { reviewOf, type NoteSets, type Review } from './review.ts';

/** A condition that keeps an incident open. */
export interface OpenCondition {
  /** A source, `store`, or a resource of AWS Backup. */
  readonly subject: string;
  readonly code: string;
  readonly detail: string;
  readonly since: Date;
  /** Since when it is good again; undefined while it is not. */
  readonly goodSince: Date | undefined;
}

/** The parts of a record that decide anything. */
export interface IncidentEvent {
  readonly incident: string;
  readonly sequence: number;
  readonly event: string;
  /** For a message: which one, and which attempt. */
  readonly detail: string | undefined;
  readonly who: string;
  /** The key that signed it, by its name and its fingerprint. @default - not said */
  readonly signedBy?: string;
  readonly at: Date;
  readonly conditions: readonly { subject: string; code: string; detail: string }[];
  readonly text: string | undefined;
  readonly began: Date | undefined;
  readonly how: 'proven' | 'person' | undefined;
  readonly settleMs: number;
  readonly again: boolean;
  /** The result of an automatic attempt. */
  readonly outcome?: 'done' | 'failed' | undefined;
  /** Of what is tried by itself in a stack. */
  readonly starts?: Starts | undefined;
  /** What a note sets. */
  readonly sets?: NoteSets | undefined;
}

/** What the functions of a stack do because of a record. */
export interface Starts {
  readonly act: 'backup' | 'repair';
  readonly source: string;
  /** The id of the backup that is to be made; undefined for a repair. */
  readonly backup?: string | undefined;
}

/** Something that was tried by itself, and what came of it. */
export interface Tried {
  readonly at: Date;
  /** What was tried, in words. */
  readonly what: string;
  /** Undefined while it is under way, and if the run that tried it has died. */
  readonly outcome: 'done' | 'failed' | undefined;
  /** What came of it, in words. */
  readonly result: string | undefined;
  /** What functions do because of it; undefined where whoever tries it does it himself. */
  readonly starts?: Starts | undefined;
}

/** One attempt to send a message. */
export interface Attempt {
  readonly number: number;
  readonly at: Date;
  readonly result: 'sent' | 'failed' | undefined;
  readonly again: boolean;
}

export interface Acknowledgement {
  readonly at: Date;
  readonly who: string;
  /** The attempt of a message whose link was used; undefined where it was no link. */
  readonly link?: string | undefined;
}

export interface Incident {
  readonly id: string;
  readonly openedAt: Date;
  readonly openedBy: string;
  readonly title: string;
  /** When it began, as far as that is known. */
  readonly began: Date | undefined;
  readonly settleMs: number;
  /** By {@link conditionKey}; empty for what a person opened. */
  readonly conditions: ReadonlyMap<string, OpenCondition>;
  readonly acknowledgements: readonly Acknowledgement[];
  readonly resolved:
    { readonly at: Date; readonly who: string; readonly how: 'proven' | 'person' } | undefined;
  /** When somebody last said something. */
  readonly lastWordAt: Date;
  readonly review: Review;
  /** The attempts of each message, oldest first. */
  readonly messages: ReadonlyMap<string, readonly Attempt[]>;
  /** What was tried by itself, by the {@link conditionKey} that it should end. */
  readonly recoveries: ReadonlyMap<string, Tried>;
  /** Everything but messages, oldest first. */
  readonly timeline: readonly IncidentEvent[];
  readonly lastSequence: number;
}

/** When an incident ends if everything stays good; undefined while something is not good, and when the incident is over. */
export function endsAtOf({
  conditions,
  settleMs,
  resolved,
}: Pick<Incident, 'conditions' | 'settleMs' | 'resolved'>): Date | undefined {
  const since = [...conditions.values()].map(({ goodSince }) => goodSince?.getTime() ?? Infinity);
  const last = Math.max(...since);
  return resolved !== undefined || !Number.isFinite(last) ? undefined : new Date(last + settleMs);
}

export function conditionKey({ subject, code }: { subject: string; code: string }): string {
  return `${subject}/${code}`;
}

/** The incident that its events describe; undefined if none opened it. Events that come twice count once. */
export function incidentOf(events: readonly IncidentEvent[]): Incident | undefined {
  const ordered = [...new Map(events.map((one) => [placeOf(one), one])).values()].sort(inOrder);
  const opened = ordered.find(({ event }) => event === 'opened');
  if (opened === undefined) return undefined;
  const words = ordered.filter(({ event }) => WORDS.includes(event));
  const resolved = ordered.find(({ event }) => event === 'resolved');
  return {
    id: opened.incident,
    openedAt: opened.at,
    openedBy: opened.who,
    title: titleOf(opened),
    began: opened.began,
    settleMs: opened.settleMs,
    conditions: conditionsOf(ordered),
    acknowledgements: ordered
      .filter(({ event }) => event === 'acknowledged')
      .map(({ at, who, detail }) => ({ at, who, link: detail })),
    resolved: resolved && {
      at: resolved.at,
      who: resolved.who,
      how: resolved.how ?? 'person',
    },
    lastWordAt: words.at(-1)?.at ?? opened.at,
    review: reviewOf(ordered.filter(({ event }) => event === 'noted')),
    messages: messagesOf(ordered),
    recoveries: recoveriesOf(ordered),
    // Automatic attempts have no sequence number, only a time.
    timeline: ordered
      .filter(({ event }) => !isAboutMessage(event))
      .sort((a, b) => a.at.getTime() - b.at.getTime() || a.sequence - b.sequence),
    lastSequence: Math.max(...ordered.map(({ sequence }) => sequence)),
  };
}

const WORDS: readonly string[] = ['opened', 'acknowledged', 'noted', 'resolved'];
const MESSAGES: readonly string[] = ['claim', 'sent', 'failed'];

/** Whether an event says how an attempt to send a message ended. */
export function isResult(event: string): boolean {
  return event === 'sent' || event === 'failed';
}

/** Whether an event is about a message, and not about what is wrong. */
export function isAboutMessage(event: string): boolean {
  return MESSAGES.includes(event);
}

function placeOf({ sequence, event, detail }: IncidentEvent): string {
  return `${sequence} ${event} ${detail ?? ''}`;
}

function inOrder(a: IncidentEvent, b: IncidentEvent): number {
  return (
    a.sequence - b.sequence ||
    a.at.getTime() - b.at.getTime() ||
    (a.event < b.event ? -1 : a.event > b.event ? 1 : 0) ||
    ((a.detail ?? '') < (b.detail ?? '') ? -1 : 1)
  );
}

function titleOf({ text, conditions }: IncidentEvent): string {
  if (text !== undefined && text !== '') return text;
  const [first] = conditions;
  if (first === undefined) return 'something is wrong';
  const more = conditions.length > 1 ? ` (and ${conditions.length - 1} more)` : '';
  return `${first.subject}: ${first.detail}${more}`;
}

function conditionsOf(ordered: readonly IncidentEvent[]): Map<string, OpenCondition> {
  const found = new Map<string, OpenCondition>();
  for (const { event, at, conditions } of ordered) {
    for (const one of conditions) {
      const key = conditionKey(one);
      const before = found.get(key);
      if (event === 'opened' || event === 'joined' || event === 'relapsed')
        found.set(key, { ...one, since: sinceOf(one, before) ?? at, goodSince: undefined });
      else if (event === 'recovered' && before !== undefined)
        found.set(key, { ...before, goodSince: before.goodSince ?? at });
    }
  }
  return found;
}

/** Since when the condition is known; undefined if it names another backup now, which is news. */
function sinceOf({ detail }: { detail: string }, before: OpenCondition | undefined) {
  if (before === undefined || before.goodSince !== undefined) return before?.since;
  const known = new Set(before.detail.split('; '));
  return detail.split('; ').every((part) => known.has(part)) ? before.since : undefined;
}

function recoveriesOf(ordered: readonly IncidentEvent[]): Map<string, Tried> {
  const results = new Map(
    ordered.filter(({ event }) => event === 'tried').map((one) => [one.detail, one]),
  );
  const found = new Map<string, Tried>();
  for (const { event, detail, at, text = '', starts } of ordered) {
    if (event !== 'trying' || detail === undefined) continue;
    const [code = '', subject = ''] = detail.split('_');
    const result = results.get(detail);
    found.set(conditionKey({ subject, code }), {
      ...{ at, what: text, outcome: result?.outcome, result: result?.text, starts },
    });
  }
  return found;
}

/** The result of an attempt stands for its claim, too, where that was not read. */
function messagesOf(ordered: readonly IncidentEvent[]): Map<string, Attempt[]> {
  const results = resultsOf(ordered);
  const seen = new Set<string>();
  const found = new Map<string, Attempt[]>();
  for (const { event, detail, at } of ordered) {
    const isAttempt = event === 'claim' || isResult(event);
    if (!isAttempt || detail === undefined || seen.has(detail)) continue;
    seen.add(detail);
    const { message, number } = attemptOf(detail);
    const result = results.get(detail);
    const attempts = found.get(message) ?? [];
    attempts.push({
      number,
      at: result?.at ?? at,
      result: result?.event === undefined ? undefined : asResult(result.event),
      again: result?.again ?? true,
    });
    found.set(message, attempts);
  }
  for (const attempts of found.values()) attempts.sort((a, b) => a.number - b.number);
  return found;
}

/** How each attempt ended; an attempt that was sent has not failed. */
function resultsOf(ordered: readonly IncidentEvent[]): Map<string, IncidentEvent> {
  const results = new Map<string, IncidentEvent>();
  for (const one of ordered) {
    const { event, detail } = one;
    if (detail === undefined || !isResult(event)) continue;
    if (results.get(detail)?.event !== 'sent') results.set(detail, one);
  }
  return results;
}

function asResult(event: string): 'sent' | 'failed' {
  return event === 'sent' ? 'sent' : 'failed';
}

/** `s0.r0.mail.3` is the third attempt of `s0.r0.mail`. */
function attemptOf(detail: string): { message: string; number: number } {
  const dot = detail.lastIndexOf('.');
  return { message: detail.slice(0, dot), number: Number(detail.slice(dot + 1)) };
}

/** The detail of an attempt's records. */
export function attemptDetail(message: string, number: number): string {
  return `${message}.${number}`;
}

/** How long it took to detect, acknowledge and recover; undefined for what has not happened yet. */
export function timesOf({ began, openedAt, acknowledgements, resolved }: Incident): {
  readonly timeToDetectMs: number | undefined;
  readonly timeToAcknowledgeMs: number | undefined;
  readonly timeToRecoverMs: number | undefined;
} {
  const since = (time: Date | undefined, from: Date | undefined) =>
    time && from && Math.max(0, time.getTime() - from.getTime());
  return {
    timeToDetectMs: since(openedAt, began),
    timeToAcknowledgeMs: since(acknowledgements[0]?.at, openedAt),
    timeToRecoverMs: since(resolved?.at, began ?? openedAt),
  };
}
