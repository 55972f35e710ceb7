// The message about a run of the command line that did not go well. Plain text, and pure.
import { timeText } from '../policy/durations.ts';
import type { SinkMessage } from '../sinks/sink.ts';
import { plain, subjectLine } from './plain-text.ts';
import { commandsLine, senderLines, type Sender } from './sender.ts';

/** A run that ended. */
export interface RunEnded {
  readonly system: string;
  /** As it was typed, without its options: `backup`. */
  readonly verb: string;
  readonly sender: Sender;
  readonly at: Date;
  /** Unguessable, and of this run alone. */
  readonly id: string;
  /** Everything that is wrong, the gravest first. */
  readonly wrong: readonly string[];
  /** What to do about it. */
  readonly hint: string | undefined;
}

const MAX_LINES = 20;

/** The message about a run after which something is wrong. */
export function runMessage({ system, verb, sender, at, id, wrong, hint }: RunEnded): SinkMessage {
  const [first = 'it failed'] = wrong;
  const count = wrong.length > 1 ? ` (and ${wrong.length - 1} more)` : '';
  const title = `ALARM: holdfast ${verb}: ${plain(first)}${count}`;
  const lines = [
    title,
    '',
    ...senderLines(system, sender),
    `at       ${timeText(at)}`,
    '',
    ...wrong.slice(0, MAX_LINES).map((one) => `! ${plain(one)}`),
    ...(wrong.length > MAX_LINES
      ? [`! and ${wrong.length - MAX_LINES} more: holdfast status`]
      : []),
    '',
    ...(hint === undefined ? [] : [`next     ${plain(hint)}`]),
    `${hint === undefined ? 'next     ' : '         '}holdfast status shows how everything stands, holdfast log --failed what failed.`,
    commandsLine(sender),
    'more     docs/runbook.md',
  ];
  return {
    ...{ id, event: 'failure', severity: 'alarm', system, at },
    thread: threadOf(system),
    subject: subjectLine(system, title),
    text: lines.join('\n'),
  };
}

/** The message that one of the ways of telling people does not work. */
export function sinkMessage(
  failed: readonly { readonly sink: string; readonly why: string }[],
  { system, sender, at, id }: Pick<RunEnded, 'system' | 'sender' | 'at' | 'id'>,
): SinkMessage {
  const names = failed.map(({ sink }) => sink).join(', ');
  const title = `ALARM: messages by ${names} do not arrive`;
  const lines = [
    title,
    '',
    ...senderLines(system, sender),
    `at       ${timeText(at)}`,
    '',
    ...failed.map(({ sink, why }) => `! ${sink}: ${plain(why)}`),
    '',
    'means    What was sent by this way reached nobody. You get this because another way works.',
    'next     Correct it under notify.sinks in holdfast.yaml; holdfast alert-test sends a message through each.',
    commandsLine(sender),
    'more     docs/alerting.md',
  ];
  return {
    ...{ id, event: 'failure', severity: 'alarm', system, at },
    thread: `${threadOf(system)}/sinks`,
    subject: subjectLine(system, title),
    text: lines.join('\n'),
  };
}

/** The message of `alert-test`. */
export function testMessage({
  system,
  sender,
  at,
  id,
}: Omit<RunEnded, 'verb' | 'wrong' | 'hint'>): SinkMessage {
  const title = 'test: nothing is wrong';
  const lines = [
    title,
    '',
    ...senderLines(system, sender),
    `at       ${timeText(at)}`,
    '',
    'Somebody ran holdfast alert-test. If you can read this, alarms for this system will reach you the same way.',
  ];
  return {
    ...{ id, event: 'test', severity: 'fine', system, at },
    thread: `${threadOf(system)}/test`,
    subject: subjectLine(system, title),
    text: lines.join('\n'),
  };
}

function threadOf(system: string): string {
  return `holdfast/${system}`;
}
