// `holdfast incident`: what there is, what happened in it, and what a person does about it.
import { actOn, type Act } from '../../alerts/escalate.ts';
import { policyOf } from '../../alerts/configured-escalation.ts';
import { readIncidents } from '../../engine/incidents/read.ts';
import { deciding, mayWriteIncidents, openNext } from '../../engine/incidents/write.ts';
import { HoldfastError } from '../../errors.ts';
import { mayVouchFor } from '../../engine/engine.ts';
import { incidentName, INCIDENTS_PREFIX } from '../../format/layout.ts';
import { displayText } from '../../format/paths.ts';
import { noteOf, type NoteOptions } from '../incident/note.ts';
import { quietUntil } from '../incident/quiet-until.ts';
import { endsText, incidentLines, jsonOf, stateOf } from '../incident/shown.ts';
import { escalateAfter } from '../incidents.ts';
import type { Invocation } from '../invocation.ts';
import { openSession, requireConfig, type Session } from '../session.ts';
import { Terminal } from '../output/terminal.ts';
import { table, timeText } from '../output/units.ts';

interface Options extends NoteOptions {
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
  assertMayWrite(session, action);
  if (action === 'open')
    return await open(session, terminal, { title: wordsOf(first, 'a title'), signal });
  const id = numberOf(first);
  if (action !== 'note' && NOTES.some((name) => options[name] !== undefined))
    throw new HoldfastError('USAGE', `only \`incident note\` takes ${flags(NOTES)}`);
  const act = await actOf(session, action, { id, text: second, options });
  await actOn(session.engine, id, act);
  const quiet =
    action === 'ack'
      ? quietUntil(policyOf(requireConfig(session)), session.engine.now())
      : undefined;
  const until = quiet === undefined ? '' : `; ${quiet.text}`;
  terminal.done(`incident ${Number(id)}: ${act.event}${until}`);
  await escalateAfter(session, signal);
  terminal.document({
    ...{ command: 'incident', action, incident: Number(id), event: act.event },
    ...(quiet?.at !== undefined && { quietUntil: quiet.at }),
  });
  return 0;
}

const EVENTS = {
  open: 'opened',
  ack: 'acknowledged',
  note: 'noted',
  resolve: 'resolved',
} as const satisfies Record<Exclude<Action, 'list' | 'show'>, string>;

function assertMayWrite({ engine }: Session, action: keyof typeof EVENTS): void {
  if (mayWriteIncidents(engine, [EVENTS[action]])) return;
  if (!mayVouchFor(engine, INCIDENTS_PREFIX))
    throw new HoldfastError('UNTRUSTED', 'the key of this machine may not vouch for incidents/', {
      hint: 'Add `incidents/` to its `prefixes` under `trust` in holdfast.yaml.',
    });
  throw new HoldfastError(
    'UNTRUSTED',
    `the key of this machine may not vouch for ${EVENTS[action]} in incidents`,
    { hint: 'Add it to the `events` of the key under `trust` in holdfast.yaml.' },
  );
}

async function actOf(
  session: Session,
  action: Exclude<Action, 'list' | 'show' | 'open'>,
  { id, text, options }: { id: string; text: string | undefined; options: Options },
): Promise<Act> {
  if (action === 'ack') return { event: 'acknowledged', ...(text !== undefined && { text }) };
  const { incidents, last } = await readIncidents(session.engine);
  const incident = incidents.find((one) => one.id === id);
  if (action === 'note') {
    if (incident === undefined) throw noSuch(id);
    const contacts = session.config?.notify.contacts ?? [];
    return noteOf(options, text, { incident, last, contacts });
  }
  const bad = [...(incident?.conditions.values() ?? [])];
  const first = bad.find(({ goodSince }) => goodSince === undefined);
  if (first !== undefined && options.anyway !== true)
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
  const sent = await escalateAfter(session, signal);
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
      timeText(one.openedAt),
      [displayText(one.title.slice(0, 200)), endsText(one)].filter(Boolean).join('; '),
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
  if (incident === undefined) throw noSuch(id);
  const timeZone = session.config?.notify.timeZone ?? 'UTC';
  for (const line of incidentLines(incident, timeZone, session.engine.now())) terminal.line(line);
  terminal.document({ command: 'incident', action: 'show', incident: jsonOf(incident) });
  return 0;
}

function noSuch(id: string): HoldfastError {
  return new HoldfastError('BACKUP_NOT_FOUND', `there is no incident ${Number(id)}`, {
    hint: '`holdfast incident list --all` shows what there was.',
  });
}

const NOTES = ['lead', 'communication', 'cause', 'action', 'owner', 'due', 'done'] as const;

function flags(names: readonly string[]): string {
  return names.map((name) => `--${name}`).join(', ');
}

function numberOf(text: string | undefined): string {
  if (text !== undefined && /^\d{1,6}$/.test(text) && Number(text) > 0)
    return incidentName(Number(text));
  const what = text === undefined ? 'say which incident' : `"${text}" is no number of an incident`;
  throw new HoldfastError('USAGE', what, {
    hint: '`holdfast incident list` shows the numbers.',
  });
}

function wordsOf(text: string | undefined, what: string): string {
  if (text !== undefined && text.trim() !== '') return text;
  throw new HoldfastError('USAGE', `${what} is missing`, { hint: 'Write it in quotes.' });
}
