// `holdfast alert-test`: a message through each sink, so that people know that alarms would reach them.
import { contactsOf } from '../../alerts/configured-escalation.ts';
import { obstacleOf } from '../../alerts/escalate.ts';
import { incidentMessage } from '../../alerts/incident-message.ts';
import { runMessage, sinkMessage, testMessage } from '../../alerts/run-message.ts';
import type { Config } from '../../config/config.ts';
import { contactWarnings } from '../../config/contact-warnings.ts';
import { hasLinks } from '../../config/load/stack-keys.ts';
import { ERRORS, HoldfastError } from '../../errors.ts';
import { linkPath } from '../../policy/incidents/link.ts';
import { incidentOf } from '../../policy/incidents/state.ts';
import { deliver } from '../../sinks/deliver.ts';
import type { Delivery } from '../../sinks/sink.ts';
import { randomName } from '../../wiring/machine.ts';
import { beatAt, openSinks } from '../../wiring/sinks.ts';
import type { Invocation } from '../invocation.ts';
import { Terminal } from '../output/terminal.ts';
import { configOf, required, senderHere } from '../session.ts';

interface Tried {
  readonly sink: string;
  readonly kind: string;
  readonly contact?: string;
  readonly delivery: Delivery;
}

export async function run(
  names: string[],
  { options, signal }: Invocation<{ dryRun?: boolean; contact?: string[] }>,
): Promise<number> {
  const terminal = new Terminal({ json: options.json === true, quiet: options.quiet === true });
  const config = required(configOf(options));
  if (options.dryRun === true) return showTexts(config, terminal);
  const people = options.contact ?? [];
  const all = names.length === 0 && people.length === 0;
  const tried = [
    ...(all || names.length > 0 ? await trySinks(config, names, signal) : []),
    ...(people.length > 0 ? await tryContacts(config, people, signal) : []),
    ...(all ? await tryHeartbeats(config, signal) : []),
  ];
  if (tried.length === 0) {
    throw new HoldfastError('CONFIG_INVALID', 'the configuration names nobody to tell', {
      hint: 'Name a way under `notify.sinks` in holdfast.yaml; docs/alerting.md shows each kind.',
    });
  }
  const warnings = contactWarnings(config, new Date());
  for (const { message, advice } of warnings) terminal.warn(`${message}\n  hint: ${advice}`);
  for (const { sink, kind, contact, delivery } of tried) {
    const way = `${sink} (${kind})${contact === undefined ? '' : ` to ${contact}`}`;
    if (delivery.delivered) terminal.done(`${terminal.paint('green', 'sent')}    ${way}`);
    else terminal.line(`${terminal.paint('red', 'failed')}  ${way}: ${delivery.why}`);
  }
  terminal.document({ command: 'alert-test', sinks: tried, warnings });
  return tried.every(({ delivery }) => delivery.delivered) ? 0 : ERRORS.COMMAND_FAILED.exit;
}

async function trySinks(config: Config, names: string[], signal: AbortSignal): Promise<Tried[]> {
  const sinks = await openSinks(config);
  const unknown = names.find((name) => !sinks.some((sink) => sink.name === name));
  if (unknown !== undefined) {
    throw new HoldfastError('USAGE', `there is no sink "${unknown}"`, {
      hint: `There are: ${sinks.map(({ name }) => name).join(', ') || 'none'}.`,
    });
  }
  const message = testMessage(aboutNow(config));
  return Promise.all(
    sinks
      .filter(({ name }) => names.length === 0 || names.includes(name))
      .map(async (sink) => ({
        sink: sink.name,
        kind: sink.kind,
        delivery: await deliver(sink, message, { signal, attempts: 1 }),
      })),
  );
}

/** By the addresses and numbers of the contacts themselves, which only messages about incidents use otherwise. */
async function tryContacts(
  config: Config,
  names: readonly string[],
  signal: AbortSignal,
): Promise<Tried[]> {
  const contacts = config.notify.contacts.filter((one) => names.includes(one.name));
  const unknown = names.find((name) => !contacts.some((one) => one.name === name));
  if (unknown !== undefined) {
    throw new HoldfastError('USAGE', `there is no contact "${unknown}"`, {
      hint: `There are: ${config.notify.contacts.map(({ name }) => name).join(', ') || 'none'}.`,
    });
  }
  const sinks = new Map((await openSinks(config)).map((sink) => [sink.name, sink]));
  const known = await contactsOf(config);
  const message = testMessage(aboutNow(config));
  return Promise.all(
    contacts.flatMap(({ name, sinks: own }) =>
      own.map(async (way) => {
        const [sink, to] = [sinks.get(way), known.get(name)];
        const obstacle = obstacleOf(sink, to);
        const delivery: Delivery =
          sink === undefined || obstacle !== undefined
            ? { delivered: false, why: obstacle ?? '', again: false }
            : await deliver(sink, { ...message, to }, { signal, attempts: 1 });
        return { sink: way, kind: sink?.kind ?? '', contact: name, delivery };
      }),
    ),
  );
}

/** `/log` changes nothing where it is watched: a test must not look like a success, nor like a failure. */
async function tryHeartbeats(config: Config, signal: AbortSignal): Promise<Tried[]> {
  const places = [
    { sink: 'notify.heartbeat', heartbeat: config.notify.heartbeat },
    ...config.sources.map(({ name, heartbeat }) => ({
      sink: `sources.${name}.heartbeat`,
      heartbeat,
    })),
  ];
  const tried: Tried[] = [];
  for (const { sink, heartbeat } of places) {
    if (heartbeat === undefined) continue;
    const delivery = await beatAt(config, heartbeat, { beat: 'log', signal });
    tried.push({ sink, kind: 'heartbeat', delivery });
  }
  return tried;
}

function aboutNow(config: Config) {
  const { system } = config;
  return { system, sender: senderHere(config), at: new Date(), id: randomName() };
}

/** An incident as there could be one. */
function exampleOf(source: string, { system, sender, at }: ReturnType<typeof aboutNow>) {
  const detail =
    'the run of 2026-11-22 03:00:00 UTC failed, and none succeeded since: SOURCE_UNAVAILABLE: the server does not answer';
  const event = { incident: '000001', detail: undefined, who: 'holdfast', text: undefined };
  const more = { began: undefined, settleMs: 0, again: true };
  const conditions = [{ subject: source, code: 'failed', detail }];
  const incident = incidentOf([
    { ...event, ...more, sequence: 1, event: 'opened', at, conditions, how: undefined },
    { ...event, ...more, sequence: 2, event: 'resolved', at, conditions: [], how: 'proven' },
  ]);
  if (incident === undefined) throw new Error('an incident that nothing opened');
  const why = 'nobody acknowledged it within 30 min (step 2)';
  const nobody = { to: undefined, role: undefined, contract: undefined };
  return { system, sender, at, incident, message: 'example', why, ...nobody };
}

/** What a link looks like; undefined where messages carry none. */
function exampleLink(config: Config): string | undefined {
  if (config.aws === undefined || !hasLinks(config)) return undefined;
  const sink = config.notify.sinks[0]?.name ?? 'mail';
  const link = { incident: '000001', detail: `p0.s1.r0_${sink}.1`, token: 'TOKEN' };
  return `https://ID.lambda-url.${config.aws.region}.on.aws${linkPath(link)}`;
}

/** Every text that goes out, with made-up content. */
function showTexts(config: Config, terminal: Terminal): number {
  const now = aboutNow(config);
  const source = config.sources[0]?.name ?? 'site';
  const wrong = [`${source}: the last run failed, and there is no good backup since`];
  const messages = [
    testMessage(now),
    runMessage({ ...now, verb: 'backup', wrong, hint: undefined }),
    sinkMessage([{ sink: 'mail', why: 'the mail server answered with 550' }], now),
    ...(['opened', 'reminder', 'resolved'] as const).map((event) =>
      incidentMessage({
        ...{ ...exampleOf(source, now), event },
        link: event === 'resolved' ? undefined : exampleLink(config),
      }),
    ),
  ];
  for (const { subject, text } of messages) terminal.line(`Subject: ${subject}\n\n${text}\n`);
  terminal.document({ command: 'alert-test', dryRun: true, messages });
  return 0;
}
