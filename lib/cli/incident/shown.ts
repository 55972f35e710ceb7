// An incident as `holdfast incident` shows it, in lines and as JSON.
import { displayText } from '../../format/paths.ts';
import { isOverdue, type NoteSets } from '../../policy/incidents/review.ts';
import { timesOf, type Incident, type IncidentEvent } from '../../policy/incidents/state.ts';
import { durationText } from '../output/units.ts';

/** Everything that is known of it. `timeZone` says when days end. */
export function incidentLines(incident: Incident, timeZone: string, now: Date): string[] {
  const { review, timeline, messages } = incident;
  return [
    `incident ${Number(incident.id)}  ${stateOf(incident)}  ${displayText(incident.title)}`,
    ...Object.entries(timesOf(incident)).flatMap(([name, ms]) =>
      ms === undefined ? [] : [`  ${name.replace(/Ms$/, '')}: ${durationText(ms)}`],
    ),
    ...(['lead', 'communication', 'cause'] as const).flatMap((name) =>
      review[name] === undefined ? [] : [`  ${name}: ${displayText(review[name])}`],
    ),
    ...review.actions.map((action) => {
      const { number, text, owner, due, doneAt } = action;
      const overdue = isOverdue(action, timeZone, now) ? 'OVERDUE' : 'to be done';
      const state = doneAt === undefined ? overdue : 'done';
      return `  action ${number}: ${state}: ${displayText(text)} (${owner}, until ${due})`;
    }),
    ...timeline.map((one) => `  ${eventLine(one)}`),
    ...[...messages].flatMap(([message, attempts]) =>
      attempts.map(
        ({ at, result, number }) =>
          `  ${at.toISOString()}  ${result ?? 'begun'}  ${message}, attempt ${number}`,
      ),
    ),
  ];
}

function eventLine({
  at,
  event,
  who,
  text,
  conditions,
  outcome,
  sets = {},
}: IncidentEvent): string {
  const about = [
    ...conditions.map(({ subject, detail }) => `${subject}: ${detail}`),
    ...setLines(sets),
    ...(text === undefined ? [] : [text]),
    ...(outcome === undefined ? [] : [outcome]),
  ].join('; ');
  return `${at.toISOString()}  ${event}  by ${displayText(who)}${about === '' ? '' : `  ${displayText(about.slice(0, 1000))}`}`;
}

function setLines({ lead, communication, cause, action, done }: NoteSets): string[] {
  return [
    ...(lead === undefined ? [] : [`lead: ${lead}`]),
    ...(communication === undefined ? [] : [`communication: ${communication}`]),
    ...(cause === undefined ? [] : [`cause: ${cause}`]),
    ...(action === undefined ? [] : [`action: ${action.text} (${action.owner}, ${action.due})`]),
    ...(done === undefined ? [] : [`action ${done} is done`]),
  ];
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
