// The message about an incident. Plain text, and pure.
import {
  allOverText,
  conditionOf,
  headlineOf,
  CONDITION_CODES,
  overText,
  type ConditionCode,
} from '../policy/conditions/table.ts';
import { ERRORS } from '../errors.ts';
import { durationText, timeText } from '../policy/durations.ts';
import type { DueEvent } from '../policy/incidents/escalation.ts';
import { severityOf } from '../policy/incidents/quiet.ts';
import { timesOf, type Incident } from '../policy/incidents/state.ts';
import type { MessageEvent, Recipient, SinkMessage } from '../sinks/sink.ts';
import { plain, subjectLine } from './plain-text.ts';
import { commandsLine, senderLines, type Sender } from './sender.ts';

export interface IncidentTold {
  readonly system: string;
  readonly sender: Sender;
  readonly incident: Incident;
  readonly event: DueEvent;
  /** Which message of the incident it is. */
  readonly message: string;
  readonly why: string;
  readonly at: Date;
  readonly to: Recipient | undefined;
  /** The role of the contact, and what it needs to know of a contract. */
  readonly role: string | undefined;
  readonly contract: string | undefined;
  /** By which the incident is shown and acknowledged. */
  readonly link: string | undefined;
}

const MAX_CONDITIONS = 20;
const WORDS: Readonly<Record<DueEvent, string>> = {
  opened: 'ALARM',
  acknowledged: 'acknowledged',
  reminder: 'REMINDER',
  resolved: 'resolved',
  overdue: 'OVERDUE',
};

const EVENTS: Readonly<Partial<Record<DueEvent, MessageEvent>>> = {
  acknowledged: 'acknowledged',
  resolved: 'recovered',
};

/** The message about an incident. */
export function incidentMessage(told: IncidentTold): SinkMessage {
  const { system, incident, event, message, at, to, link } = told;
  const { id } = incident;
  const title = `${WORDS[event]}: ${plain(headline(incident))}`;
  const number = `, incident ${Number(id)}`;
  return {
    id: `${id}-${message}`,
    event: EVENTS[event] ?? 'failure',
    severity: event === 'resolved' ? 'fine' : severityOf(incident),
    ...{ system, at, to, link },
    thread: `holdfast/${system}/incident/${id}`,
    subject: subjectLine(system, title, number),
    text: [
      `${title}${number}`,
      '',
      ...factLines(told),
      '',
      ...conditionLines(incident),
      '',
      ...nextLines(told),
    ].join('\n'),
  };
}

/** What is wrong in a few words: the first condition, and how many more there are. */
function headline({ conditions, title }: Incident): string {
  const [first, ...others] = conditions.values();
  if (first === undefined) return title;
  const { subject, code, detail } = first;
  const named = errorCodeIn(detail);
  const what = headlineOf(code) ?? detail;
  const more = others.length === 0 ? '' : ` (and ${others.length} more)`;
  return `${subject}: ${what}${named === undefined ? '' : ` (${named})`}${more}`;
}

/** The code that a run failed with. */
function errorCodeIn(detail: string): string | undefined {
  return /(?:^|: )([A-Z]+(?:_[A-Z]+)*): /
    .exec(detail)
    ?.slice(1)
    .find((code) => code in ERRORS);
}

function factLines({
  system,
  sender,
  incident,
  why,
  role,
  contract,
  link,
}: IncidentTold): string[] {
  const { timeToRecoverMs } = timesOf(incident);
  const { review } = incident;
  return [
    ...senderLines(system, sender),
    `since    ${timeText(incident.began ?? incident.openedAt)}`,
    ...(incident.resolved !== undefined && timeToRecoverMs !== undefined
      ? [`lasted   ${durationText(timeToRecoverMs)}`]
      : []),
    ...(role === undefined ? [] : [`to       ${plain(role, 100)}`]),
    ...(contract === undefined ? [] : [`contract ${plain(contract, 200)}`]),
    ...(review.lead === undefined ? [] : [`lead     ${review.lead}`]),
    ...(review.communication === undefined ? [] : [`speaks   ${review.communication}`]),
    ...(review.cause === undefined ? [] : [`cause    ${plain(review.cause)}`]),
    `because  ${plain(why, 200)}`,
    // On a line of its own near the beginning: what is long is cut, and programs that find links take what follows for a part of it.
    ...(link === undefined ? [] : [`answer   ${link}`]),
    ...triedLines(incident),
  ];
}

/** What was tried by itself. */
function triedLines({ recoveries }: Incident): string[] {
  return [...recoveries.values()]
    .slice(0, MAX_CONDITIONS)
    .map(({ what, result }) => `tried    ${plain(result ?? `${what}: no result yet`, 300)}`);
}

function conditionLines({ conditions, title }: Incident): string[] {
  const all = [...conditions.values()];
  if (all.length === 0) return [`! ${plain(title)}`];
  return [
    ...all
      .slice(0, MAX_CONDITIONS)
      .map(
        ({ subject, code, detail, goodSince }) =>
          `${goodSince === undefined ? '!' : '-'} ${plain(subject, 120)}: ${plain(detail)}${goodSince === undefined ? '' : ` (${overText(code)})`}`,
      ),
    ...(all.length > MAX_CONDITIONS
      ? [`! and ${all.length - MAX_CONDITIONS} more: holdfast status`]
      : []),
  ];
}

function nextLines({ incident, event, link, sender }: IncidentTold): string[] {
  const number = Number(incident.id);
  if (event === 'resolved') {
    const how =
      incident.resolved?.how === 'proven'
        ? allOverText(incident.conditions.values())
        : 'Somebody closed it.';
    return [`${how} holdfast incident show ${number} has the timeline.`, commandsLine(sender)];
  }
  if (event === 'acknowledged') {
    const { who = '', at } = incident.acknowledgements.at(-1) ?? {};
    const said = `${plain(who, 120).replace('(at)', ' at ')} at ${at?.toISOString() ?? ''}`;
    return [`Acknowledged by ${said}. holdfast incident show ${number} has the timeline.`];
  }
  const { steps, runbook } = nextSteps(incident);
  return [
    `next     ${acknowledgeLine(number, event, link)}`,
    ...steps.map((step) => `         ${step}`),
    commandsLine(sender),
    `more     ${runbook}`,
  ];
}

function acknowledgeLine(number: number, event: DueEvent, link: string | undefined): string {
  if (event === 'reminder')
    return `holdfast incident note ${number} "…" tells the others how it stands${link === undefined ? '' : ', and so does the link above'}.`;
  if (link !== undefined)
    return `The link above acknowledges it, and stops these messages; so does holdfast incident ack ${number}.`;
  return `holdfast incident ack ${number} acknowledges it, and stops these messages.`;
}

/** What to do about an incident, by the table of conditions, and where more of it stands. */
export function nextSteps({ conditions }: Pick<Incident, 'conditions'>): {
  readonly steps: readonly string[];
  readonly runbook: string;
} {
  const [first] = [...conditions.values()];
  const code = CONDITION_CODES.find((one): one is ConditionCode => one === first?.code);
  const row = code === undefined ? undefined : conditionOf(code);
  const subject = plain(first?.subject ?? 'it', 120);
  return {
    steps: (row?.next ?? []).map((step) => step.replaceAll('SOURCE', () => subject)),
    runbook: `docs/runbook.md${row?.runbook === undefined ? '' : `#${row.runbook}`}`,
  };
}
