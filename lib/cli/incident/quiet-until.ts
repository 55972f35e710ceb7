// How long an acknowledgement holds back messages, for the person who gives it.
import type { EscalationPolicy } from '../../policy/incidents/escalation.ts';
import { timeText } from '../output/units.ts';

/** When messages begin again if the incident is still open then, and in words; undefined where they never do. */
export function quietUntil(
  { resumeMs, remindMs }: Pick<EscalationPolicy, 'resumeMs' | 'remindMs'>,
  now: Date,
): { readonly at: Date | undefined; readonly text: string } {
  const after = (ms: number) => new Date(now.getTime() + ms);
  const at = resumeMs === undefined ? undefined : after(resumeMs);
  const end =
    at === undefined ? 'until it is over' : `until ${timeText(at)} if it is open until then`;
  const isReminded = remindMs !== undefined && (resumeMs === undefined || remindMs < resumeMs);
  const reminder = isReminded
    ? `, except for a reminder at ${timeText(after(remindMs))} if nobody has written a note by then`
    : '';
  return { at, text: `no messages about it ${end}${reminder}` };
}
