// `holdfast incident`: what there is, what happened in it, and what a person does about it.
import { actOn, type Act } from '../../alerts/escalate.ts';
import { readIncidents } from '../../engine/incidents/read.ts';
import { deciding, mayWriteIncidents, openNext } from '../../engine/incidents/write.ts';
import { HoldfastError } from '../../errors.ts';
import { incidentName } from '../../format/layout.ts';
import { displayText } from '../../format/paths.ts';
import { timesOf, type Incident, type IncidentEvent } from '../../policy/incidents/state.ts';
import { escalateOnce, warnOfFailures } from '../incidents.ts';
import type { Invocation } from '../invocation.ts';
import { openSession, type Session } from '../session.ts';
import { Terminal } from '../output/terminal.ts';
import { durationText, table } from '../output/units.ts';

interface Options {
  readonly all?: boolean;
  readonly anyway?: boolean;
}

type Action = 'list' | 'show' | 'open' | 'ack' | 'note' | 'resolve';

export async function run(
  [given = '', first, second]: string[],
  { options, signal }: Invocation<Options>,
): Promise<number> {
  const action = given as Action;
  const terminal = new Terminal({ json: options.json === true, quiet: options.quiet === true });
  const signing = action === 'list' || action === 'show' ? 'none' : 'required';
  await using session = await openSession({ options, signal, signing });
  if (action === 'list') return await list(session, terminal, options.all === true);
  if (action === 'show') return await show(session, terminal, numberOf(first));
  if (!mayWriteIncidents(session.engine))
    throw new HoldfastError('UNTRUSTED', 'the key of this machine may not vouch for incidents/', {
      hint: 'Add `incidents/` to its `prefixes` under `trust` in holdfast.yaml.',
    });
  if (action === 'open')
    return await open(session, terminal, { title: wordsOf(first, 'a title'), signal });
  const id = numberOf(first);
  const act = await actOf(session, action, { id, text: second, anyway: options.anyway === true });
  await actOn(session.engine, id, act);
  terminal.done(`incident ${Number(id)}: ${act.event}`);
  const { sent } = await escalateOnce(session, { onlyWhenDue: true, signal });
  warnOfFailures(sent);
  terminal.document({ command: 'incident', action, incident: Number(id), event: act.event });
  return 0;
}

async function actOf(
  session: Session,
  action: Exclude<Action, 'list' | 'show' | 'open'>,
  { id, text, anyway }: { id: string; text: string | undefined; anyway: boolean },
): Promise<Act> {
  if (action === 'ack') return { event: 'acknowledged', ...(text !== undefined && { text }) };
  if (action === 'note') return { event: 'noted', text: wordsOf(text, 'what there is to say') };
  const { incidents } = await readIncidents(session.engine);
  const bad = [...(incidents.find((one) => one.id === id)?.conditions.values() ?? [])].filter(
    ({ goodSince }) => goodSince === undefined,
  );
  const [first] = bad;
  if (first !== undefined && !anyway)
    throw new HoldfastError(
      'USAGE',
      `incident ${Number(id)} goes on: ${first.subject}: ${first.detail}`,
      {
        hint: 'It ends by itself when this is proven good. `ack` stops its messages; --anyway closes it, and the next look opens another if it is still so.',
      },
    );
  return { event: 'resolved', how: 'person', ...(text !== undefined && { text }) };
}

async function open(
  session: Session,
  terminal: Terminal,
  { title, signal }: { title: string; signal: AbortSignal },
): Promise<number> {
  const { engine } = session;
  const opened = { text: title, began: engine.now() };
  const id = await deciding(engine, undefined, (known) => openNext(engine, known, opened));
  terminal.line(`incident ${Number(id)} is open`);
  const { sent } = await escalateOnce(session, { onlyWhenDue: true, signal });
  warnOfFailures(sent);
  terminal.document({ command: 'incident', action: 'open', incident: Number(id), sent });
  return 0;
}

async function list(session: Session, terminal: Terminal, all: boolean): Promise<number> {
  const { incidents, problems } = await readIncidents(session.engine, { all: true });
  const shown = incidents.filter(({ resolved }) => all || resolved === undefined);
  if (shown.length === 0) terminal.line('no incident is open');
  for (const line of table(
    shown.map((one) => [
      String(Number(one.id)),
      stateOf(one),
      one.openedAt.toISOString(),
      displayText(one.title.slice(0, 200)),
    ]),
  ))
    terminal.line(line);
  for (const { path, detail } of problems) terminal.warn(`${path} counts for nothing: ${detail}`);
  terminal.document({
    command: 'incident',
    action: 'list',
    incidents: shown.map(jsonOf),
    problems,
  });
  return 0;
}

async function show(session: Session, terminal: Terminal, id: string): Promise<number> {
  const { incidents } = await readIncidents(session.engine, { all: true });
  const incident = incidents.find((one) => one.id === id);
  if (incident === undefined)
    throw new HoldfastError('BACKUP_NOT_FOUND', `there is no incident ${Number(id)}`, {
      hint: '`holdfast incident list --all` shows what there was.',
    });
  terminal.line(`incident ${Number(id)}  ${stateOf(incident)}  ${displayText(incident.title)}`);
  for (const [name, ms] of Object.entries(timesOf(incident)))
    if (ms !== undefined) terminal.line(`  ${name.replace(/Ms$/, '')}: ${durationText(ms)}`);
  for (const one of incident.timeline) terminal.line(`  ${eventLine(one)}`);
  for (const [message, attempts] of incident.messages)
    for (const { at, result, number } of attempts)
      terminal.line(`  ${at.toISOString()}  ${result ?? 'begun'}  ${message}, attempt ${number}`);
  terminal.document({ command: 'incident', action: 'show', incident: jsonOf(incident) });
  return 0;
}

function eventLine({ at, event, who, text, conditions, outcome }: IncidentEvent): string {
  const about = [
    ...conditions.map(({ subject, detail }) => `${subject}: ${detail}`),
    ...(text === undefined ? [] : [text]),
    ...(outcome === undefined ? [] : [outcome]),
  ].join('; ');
  return `${at.toISOString()}  ${event}  by ${displayText(who)}${about === '' ? '' : `  ${displayText(about.slice(0, 1000))}`}`;
}

function stateOf({ resolved, acknowledgements }: Incident): string {
  if (resolved !== undefined) return 'resolved';
  return acknowledgements.length > 0 ? 'acknowledged' : 'open';
}

function jsonOf(incident: Incident): object {
  const { id, title, openedAt, openedBy, conditions, acknowledgements, resolved, timeline } =
    incident;
  return {
    id: Number(id),
    state: stateOf(incident),
    ...{ title, openedAt, openedBy },
    conditions: [...conditions.values()],
    ...{ acknowledgements, resolved, ...timesOf(incident) },
    timeline: timeline.map(({ at, event, who, text, outcome }) => ({
      at,
      event,
      who,
      text,
      outcome,
    })),
    messages: [...incident.messages].map(([message, attempts]) => ({ message, attempts })),
  };
}

function numberOf(text: string | undefined): string {
  if (text !== undefined && /^\d{1,6}$/.test(text) && Number(text) > 0)
    return incidentName(Number(text));
  throw new HoldfastError('USAGE', `"${text ?? ''}" is no number of an incident`, {
    hint: '`holdfast incident list` shows the numbers.',
  });
}

function wordsOf(text: string | undefined, what: string): string {
  if (text !== undefined && text.trim() !== '') return text;
  throw new HoldfastError('USAGE', `${what} is missing`, { hint: 'Write it in quotes.' });
}
