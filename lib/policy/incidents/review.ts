// Who handles an incident, what caused it, and what keeps it from happening again: said in notes. Pure.
import { DAY_MS } from '../../durations.ts';
import { wallClock } from '../wall-clock.ts';

/** What a note sets; the last word counts. People are named by the ids of contacts. */
export interface NoteSets {
  /** Who decides what is done. */
  readonly lead?: string | undefined;
  /** Who keeps others informed. */
  readonly communication?: string | undefined;
  readonly cause?: string | undefined;
  readonly action?:
    { readonly text: string; readonly owner: string; readonly due: string } | undefined;
  /** The number of an action that is done. */
  readonly done?: number | undefined;
}

/** Something to be done so that it does not happen again. */
export interface Action {
  /** From 1, in the order in which they were written down. */
  readonly number: number;
  readonly text: string;
  readonly owner: string;
  /** The last day on which it is in time: `2026-12-15`. */
  readonly due: string;
  readonly doneAt: Date | undefined;
}

export interface Review {
  readonly lead: string | undefined;
  readonly communication: string | undefined;
  readonly cause: string | undefined;
  readonly actions: readonly Action[];
}

/** The review that the notes of an incident add up to; `notes` are in order, the oldest first. */
export function reviewOf(
  notes: readonly { readonly at: Date; readonly sets?: NoteSets | undefined }[],
): Review {
  const actions: Action[] = [];
  let [lead, communication, cause]: (string | undefined)[] = [];
  for (const { at, sets } of notes) {
    lead = sets?.lead ?? lead;
    communication = sets?.communication ?? communication;
    cause = sets?.cause ?? cause;
    if (sets?.action !== undefined)
      actions.push({ number: actions.length + 1, ...sets.action, doneAt: undefined });
    const index = (sets?.done ?? 0) - 1;
    const done = actions[index];
    if (done !== undefined) actions[index] = { ...done, doneAt: done.doneAt ?? at };
  }
  return { lead, communication, cause, actions };
}

/** Whether an action should have been done: its day is over in the time zone. */
export function isOverdue({ due, doneAt }: Action, timeZone: string, now: Date): boolean {
  return doneAt === undefined && wallClock(timeZone)(now.getTime()) >= Date.parse(due) + DAY_MS;
}

/** What a note sets, in words. */
export function noteTexts({ lead, communication, cause, action, done }: NoteSets): string[] {
  return [
    ...(lead === undefined ? [] : [`lead: ${lead}`]),
    ...(communication === undefined ? [] : [`communication: ${communication}`]),
    ...(cause === undefined ? [] : [`cause: ${cause}`]),
    ...(action === undefined ? [] : [`action: ${action.text} (${action.owner}, ${action.due})`]),
    ...(done === undefined ? [] : [`action ${done} is done`]),
  ];
}
