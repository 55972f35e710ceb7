// What makes it likely that nobody hears of an incident, although the configuration is valid. Pure.
import { DAY_MS } from '../durations.ts';
import type { Config } from './config.ts';
import type { NotifyConfig, SinkConfig } from './notify.ts';
import { showReference } from './places.ts';

/** Something to be warned of, and what to do about it. */
export interface ContactWarning {
  readonly message: string;
  readonly advice: string;
}

/** Numbers and addresses change: a quarter of a year, as drills come. */
const VERIFIED_DAYS = 90;

const NOBODY: ContactWarning = {
  message: 'nobody is told when a backup fails',
  advice: 'Name two sinks under `notify.sinks`; `holdfast alert-test` then tries them.',
};

/** What is doubtful about those who get messages. */
export function contactWarnings(
  { notify, aws }: Pick<Config, 'notify' | 'aws'>,
  now: Date,
): ContactWarning[] {
  const isTold = notify.heartbeat !== undefined || aws !== undefined;
  if (notify.sinks.length === 0) return isTold ? [] : [NOBODY];
  const channels = new Set(notify.sinks.map(channelOf));
  if (aws !== undefined && notify.email.length > 0) channels.add('sns');
  // Its service tells of each failure, too.
  if (notify.heartbeat !== undefined) channels.add('heartbeat');
  const single: ContactWarning = {
    message: 'there is only one way to tell people: if it fails, nobody is told',
    advice: 'Name a second sink under `notify.sinks` that does not depend on the first.',
  };
  return [
    ...(channels.size > 1 ? [] : [single]),
    ...unverified(notify, now),
    ...endsOutsideHours(notify),
  ];
}

/** What fails at once with others of the same. */
function channelOf(sink: SinkConfig): string {
  if (sink.kind === 'email') return `${sink.kind} ${showReference(sink.server)}`;
  if (sink.kind === 'webhook' || sink.kind === 'ntfy')
    return `${sink.kind} ${showReference(sink.url)}`;
  return sink.kind === 'command' ? `${sink.kind} ${sink.run.join(' ')}` : sink.kind;
}

/** Warnings about the people whom a step reaches. */
function unverified({ contacts, escalation }: NotifyConfig, now: Date): ContactWarning[] {
  const named = new Set((escalation?.steps ?? []).flatMap((step) => step.contacts));
  for (const { name, rotation } of contacts)
    if (named.has(name)) for (const one of rotation?.contacts ?? []) named.add(one);
  return contacts.flatMap(({ name, role, rotation, lastVerified }) => {
    if (!named.has(name) || rotation !== undefined) return [];
    const ageDays =
      lastVerified === undefined
        ? undefined
        : Math.floor((now.getTime() - Date.parse(lastVerified)) / DAY_MS);
    if (ageDays !== undefined && ageDays <= VERIFIED_DAYS) return [];
    return [
      {
        message:
          ageDays === undefined
            ? `nobody has made sure that ${name} (${role}) can be reached`
            : `that ${name} (${role}) can be reached was made sure of ${ageDays} days ago`,
        advice: `Run \`holdfast alert-test\`, ask whether the message came, and write the day under \`notify.contacts.${name}.lastVerified\`.`,
      },
    ];
  });
}

function endsOutsideHours({ contacts, escalation }: NotifyConfig): ContactWarning[] {
  const last = escalation?.steps.at(-1);
  const limited = new Set(contacts.filter(({ hours }) => hours !== undefined).map((c) => c.name));
  if (last === undefined || !last.contacts.every((name) => limited.has(name))) return [];
  return [
    {
      message: `the last step of the escalation reaches nobody outside the hours of ${last.contacts.join(', ')}`,
      advice: 'Add a contact without `hours` to it, or a step behind it.',
    },
  ];
}
