// The page behind the link in a message: what is wrong, who acknowledged it, and one button. Plain HTML without script, and pure.
import { createHash } from 'node:crypto';
import { allOverText, overText } from '../policy/conditions/table.ts';
import { agoText } from '../policy/durations.ts';
import { readerOf, type LinkPlace } from '../policy/incidents/link.ts';
import { noteTexts } from '../policy/incidents/review.ts';
import type { Incident, IncidentEvent, OpenCondition } from '../policy/incidents/state.ts';
import { MAX_NOTE, type Looked } from './acknowledgement.ts';
import { html, type Html } from './html.ts';
import { nextSteps } from './incident-message.ts';
import { STYLE } from './incident-style.ts';
import { oneLine } from './plain-text.ts';

/** A page, and what a browser may do with it. */
export interface Page {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface Shown extends Looked {
  readonly system: string;
  readonly place: LinkPlace;
  readonly now: Date;
}

const REVIEWED = { lead: 'Lead', communication: 'Speaks for it', cause: 'Cause' } as const;
const MAX_CONDITIONS = 50;
const MAX_EVENTS = 30;

/** What only this page may do: show itself and send its own form. Nothing that is put into it could load or run anything. */
const HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': [
    "default-src 'none'",
    `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
    'img-src data:',
    "form-action 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join('; '),
  // The address of the page is what nobody else may have.
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'x-robots-tag': 'noindex, nofollow, noarchive',
} as const;

/** The incident, with a button where the link is good for it. */
export function incidentPage(shown: Shown, status = 200): Page {
  const { incident, system, standing } = shown;
  const number = Number(incident.id);
  const heading = oneLine(incident.title, 300);
  return page(
    { title: `Incident ${number} – ${oneLine(incident.title, 80)}`, system, status },
    html`<p class="number">Incident ${number}</p>
      <h1>${heading}</h1>
      ${statePart(shown)} ${standing === 'open' ? form(shown) : html``} ${factsPart(shown)}
      ${conditionsPart(incident, shown.now)} ${stepsPart(incident)} ${timelinePart(incident)}
      <p class="foot">
        <code>holdfast incident show ${number}</code> has the whole timeline. This link shows only
        this incident, and no longer than it is valid.
      </p>`,
  );
}

/** What there is to say instead of an incident. */
export function noticePage({
  status,
  title,
  lines,
  headers = {},
}: {
  readonly status: number;
  readonly title: string;
  readonly lines: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
}): Page {
  const made = page(
    { title, system: undefined, status },
    html`<h1>${title}</h1>
      ${lines.map((line) => html`<p>${withCode(line)}</p>`)}`,
  );
  return { ...made, headers: { ...made.headers, ...headers } };
}

/** A line of ours, in which commands stand between backticks. */
function withCode(line: string): readonly Html[] {
  return line
    .split('`')
    .map((part, index) => (index % 2 === 1 ? html`<code>${part}</code>` : html`${part}`));
}

function page(
  {
    title,
    system,
    status,
  }: { readonly title: string; readonly system: string | undefined; readonly status: number },
  content: Html,
): Page {
  const { html: body } = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <link rel="icon" href="data:," />
        <title>${title}</title>
        ${{ html: `<style>${STYLE}</style>` }}
      </head>
      <body>
        <header>
          <p><b>Holdfast</b>${system === undefined ? html`` : html` <span>${system}</span>`}</p>
        </header>
        <main>${content}</main>
      </body>
    </html>`;
  return { status, headers: HEADERS, body };
}

function statePart({ standing, incident, now }: Shown): Html {
  const { resolved } = incident;
  if (resolved !== undefined) {
    const how =
      resolved.how === 'proven' ? allOverText(incident.conditions.values()) : 'It was closed.';
    return html`<p class="state over">
      <b>Resolved</b> ${moment(resolved.at, now)}. ${how} There is nothing left to do here.
    </p>`;
  }
  const last = incident.acknowledgements.at(-1);
  const known = last && html`<b>${oneLine(last.who, 100)}</b> sees to it, ${since(last.at, now)}.`;
  if (standing === 'answered')
    return html`<p class="state taken" role="status">
      <b>Acknowledged.</b> ${known ?? html``} Messages stop. They start again if it stays unresolved
      for too long.
    </p>`;
  if (known !== undefined)
    return html`<p class="state wrong">
      <b>Still open.</b> ${known} Messages go out again, as it is not resolved.
    </p>`;
  return html`<p class="state wrong"><b>Open.</b> Nobody has acknowledged it yet.</p>`;
}

function form({ place }: Shown): Html {
  const { contact } = readerOf(place.detail);
  return html`<form method="post">
    <p>
      If you see to it, say so: the messages about this incident then stop. Acknowledging repairs
      nothing.
    </p>
    <label for="note">A word for the others <span>(optional)</span></label>
    <textarea
      id="note"
      name="note"
      rows="2"
      maxlength="${MAX_NOTE}"
      autocomplete="off"
      aria-describedby="about-note"
    ></textarea>
    <p class="hint" id="about-note">
      It cannot be erased later: no names, addresses, numbers or passwords.
    </p>
    <button type="submit">
      ${contact === undefined ? 'Acknowledge' : `Acknowledge as ${contact}`}
    </button>
  </form>`;
}

function factsPart({ incident, place, now, system }: Shown): Html {
  const began = incident.began ?? incident.openedAt;
  const { sink, contact } = readerOf(place.detail);
  const rows: (readonly [string, Html])[] = [
    ['Since', moment(began, now)],
    ...(began.getTime() === incident.openedAt.getTime()
      ? []
      : [['Noticed', moment(incident.openedAt, now)] as const]),
    ...(['lead', 'communication', 'cause'] as const).flatMap((name) => {
      const text = incident.review[name];
      return text === undefined ? [] : [[REVIEWED[name], html`${oneLine(text)}`] as const];
    }),
    ['System', html`${system}`],
    ['Message to', html`${contact ?? sink}`],
  ];
  return html`<dl>
    ${rows.map(
      ([name, value]) =>
        html`<div>
          <dt>${name}</dt>
          <dd>${value}</dd>
        </div>`,
    )}
  </dl>`;
}

function conditionsPart({ conditions, resolved }: Incident, now: Date): Html {
  const all = [...conditions.values()];
  if (all.length === 0) return html``;
  const more = all.length - MAX_CONDITIONS;
  const item = ({ subject, code, detail, since: from, goodSince }: OpenCondition) =>
    html`<li class="${goodSince === undefined ? 'bad' : 'good'}">
      <b>${oneLine(subject, 120)}</b>: ${oneLine(detail)}
      <small>
        ${goodSince === undefined ? since(from, now) : html`${overText(code)}, ${since(goodSince, now)}`}
      </small>
    </li>`;
  return html`<h2>${resolved === undefined ? 'What is wrong' : 'What was wrong'}</h2>
    <ul class="conditions">
      ${all.slice(0, MAX_CONDITIONS).map(item)}
    </ul>
    ${more > 0 ? html`<p>And ${more} more: <code>holdfast status</code> lists them.</p>` : html``}`;
}

function stepsPart(incident: Incident): Html {
  const { steps, runbook } = nextSteps(incident);
  if (incident.resolved !== undefined) return html``;
  return html`<h2>What to do</h2>
    <ul>
      ${steps.map((step) => html`<li>${step}</li>`)}
      <li><code>${runbook}</code> has more.</li>
    </ul>`;
}

function timelinePart({ timeline }: Incident): Html {
  const last = timeline.slice(-MAX_EVENTS);
  const item = ({ at, event, who, text, conditions, sets = {}, outcome }: IncidentEvent) => {
    const about = [
      ...conditions.slice(0, 3).map(({ subject, detail }) => `${subject}: ${detail}`),
      ...(conditions.length > 3 ? [`and ${conditions.length - 3} more`] : []),
      ...noteTexts(sets),
      ...[text, outcome].filter((part) => part !== undefined),
    ].join('; ');
    return html`<li>
      <time datetime="${at.toISOString()}">${utc(at)}</time>
      <span
        ><b>${event}</b> by
        ${oneLine(who, 100)}${about === '' ? html`` : html`: ${oneLine(about)}`}</span
      >
    </li>`;
  };
  const left = timeline.length - last.length;
  return html`<h2>What happened</h2>
    ${left > 0 ? html`<p>The last ${last.length} of ${timeline.length} events:</p>` : html``}
    <ol class="timeline">
      ${last.map(item)}
    </ol>`;
}

/** `2026-11-22 03:00 UTC` */
function utc(time: Date): string {
  return `${time.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

function moment(time: Date, now: Date): Html {
  return html`<time datetime="${time.toISOString()}">${utc(time)}</time>
    (${agoText(now.getTime() - time.getTime())})`;
}

function since(time: Date, now: Date): Html {
  return html`since ${moment(time, now)}`;
}
