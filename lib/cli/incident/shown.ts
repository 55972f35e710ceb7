// An incident as `holdfast incident` shows it, in lines and as JSON.
import { timeText } from '../output/units.ts';
import { displayText } from '../../format/paths.ts';
import { eventText } from '../../policy/incidents/event-words.ts';
import { messageWords } from '../../policy/incidents/message-words.ts';
import { isOverdue } from '../../policy/incidents/review.ts';
import {
  endsAtOf,
  timesOf,
  type Attempt,
  type Incident,
  type IncidentEvent,
} from '../../policy/incidents/state.ts';
import { durationText } from '../output/units.ts';

/** Everything that is known of it. `timeZone` says when days end. */
export function incidentLines(incident: Incident, timeZone: string, now: Date): string[] {
  const { review, timeline, messages } = incident;
  return [
    `incident ${Number(incident.id)}  ${stateOf(incident)}  ${displayText(incident.title)}`,
    ...(endsText(incident) === undefined ? [] : [`  ${endsText(incident)}`]),
    ...timeLines(incident),
    ...(['lead', 'communication', 'cause'] as const).flatMap((name) =>
      review[name] === undefined ? [] : [`  ${name}: ${displayText(review[name])}`],
    ),
    ...review.actions.map((action) => {
      const { number, text, owner, due, doneAt } = action;
      const overdue = isOverdue(action, timeZone, now) ? 'OVERDUE' : 'to be done';
      const state = doneAt === undefined ? overdue : 'done';
      return `  action ${number}: ${state}: ${displayText(text)} (${owner}, until ${due})`;
    }),
    ...[...timeline.map(eventOf), ...[...messages].flatMap(messagesOf)]
      .sort((a, b) => a.at.getTime() - b.at.getTime())
      .map(({ at, text }) => `  ${timeText(at)}  ${text}`),
  ];
}

/** When one of which all is good again ends, as it came back soon after another; undefined for every other one. */
export function endsText(incident: Incident): string | undefined {
  const endsAt = endsAtOf(incident);
  return endsAt && `good again; it ends at ${timeText(endsAt)} if nothing comes back`;
}

const TIMES = {
  timeToDetectMs: 'detected after',
  timeToAcknowledgeMs: 'acknowledged after',
  timeToRecoverMs: 'recovered after',
} as const;

function timeLines(incident: Incident): string[] {
  const times = timesOf(incident);
  return (['timeToDetectMs', 'timeToAcknowledgeMs', 'timeToRecoverMs'] as const).flatMap((name) => {
    const ms = times[name];
    return ms === undefined ? [] : [`  ${TIMES[name]} ${durationText(ms)}`];
  });
}

interface Line {
  readonly at: Date;
  readonly text: string;
}

function messagesOf([message, attempts]: readonly [string, readonly Attempt[]]): Line[] {
  const { what, to } = messageWords(message);
  return attempts.map(({ at, result, number }) => {
    const how = result === 'sent' ? 'told' : result === 'failed' ? 'could not tell' : 'telling';
    const again = number === 1 ? '' : `, attempt ${number}`;
    return { at, text: `${how}  ${to}: ${what}${again}` };
  });
}

function eventOf(event: IncidentEvent): Line {
  const about = eventText(event);
  const more = about === '' ? '' : `  ${displayText(about.slice(0, 1000))}`;
  return { at: event.at, text: `${event.event}  by ${displayText(event.who)}${more}` };
}

/** In a word. */
export function stateOf({ resolved, acknowledgements }: Incident): string {
  if (resolved !== undefined) return 'resolved';
  return acknowledgements.length > 0 ? 'acknowledged' : 'open';
}

/** As JSON shows it. */
export function jsonOf(incident: Incident): object {
  const { id, title, openedAt, openedBy, conditions, acknowledgements, resolved } = incident;
  return {
    id: Number(id),
    state: stateOf(incident),
    ...{ title, openedAt, openedBy },
    conditions: [...conditions.values()],
    ...{ acknowledgements, resolved, ...timesOf(incident), ...incident.review },
    timeline: incident.timeline.map(({ at, event, who, text, outcome, sets }) => ({
      ...{ at, event, who, text, outcome, sets },
    })),
    messages: [...incident.messages].map(([message, attempts]) => ({ message, attempts })),
  };
}
