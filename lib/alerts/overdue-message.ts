// The message about an action that should have been done after an incident. Plain text, and pure.
import type { SinkMessage } from '../sinks/sink.ts';
import type { IncidentTold } from './incident-message.ts';
import { plain, subjectLine } from './plain-text.ts';
import { commandsLine, senderLines } from './sender.ts';

/** The message about the action that the name of the message stands for. */
export function overdueMessage({
  system,
  sender,
  incident,
  message,
  at,
  to,
  role,
}: Omit<IncidentTold, 'event' | 'why' | 'contract' | 'link'>): SinkMessage {
  const { id, review, title: about } = incident;
  const number = Number(/^a(\d+)_/.exec(message)?.[1]);
  const action = review.actions.find((one) => one.number === number);
  const what = plain(action?.text ?? '');
  const title = `OVERDUE: incident ${Number(id)}, action ${number}: ${what}`;
  return {
    id: `${id}-${message}`,
    ...{ event: 'failure', severity: 'watch', system, at, to },
    // A matter of its own: the incident may long be over.
    thread: `holdfast/${system}/incident/${id}/action/${number}`,
    subject: subjectLine(system, title),
    text: [
      title,
      '',
      ...senderLines(system, sender),
      `owner    ${action?.owner ?? ''}`,
      `due      ${action?.due ?? ''}`,
      ...(role === undefined ? [] : [`to       ${plain(role, 100)}`]),
      `after    ${plain(about)}`,
      ...(review.cause === undefined ? [] : [`cause    ${plain(review.cause)}`]),
      '',
      `next     holdfast incident note ${Number(id)} --done ${number} says that it is done.`,
      '         This message comes once.',
      commandsLine(sender),
    ].join('\n'),
  };
}
