// What the name of a message says: which step or reminder it was, and whom it went to. Pure.

/** As in `step 2, reminder 1`, and `lead by mail`. */
export interface MessageWords {
  readonly what: string;
  readonly to: string;
}

/** In words for people; a name of another version stays as it is. */
export function messageWords(message: string): MessageWords {
  const [name = '', sink = '', contact] = message.split('_');
  return { what: whatOf(name), to: contact === undefined ? sink : `${contact} by ${sink}` };
}

function whatOf(name: string): string {
  const step = /^p(\d+)\.s(\d+)\.r(\d+)$/.exec(name);
  if (step !== null) {
    const [phase, index, round] = step.slice(1).map(Number);
    return [
      `step ${(index ?? 0) + 1}`,
      ...(round === 0 ? [] : [`reminder ${round}`]),
      ...(phase === 0 ? [] : ['after an acknowledgement']),
    ].join(', ');
  }
  if (name === 'end') return 'that it is over';
  if (/^j\d*$/.test(name)) return 'what else went wrong';
  if (/^u\d+\.r\d+$/.test(name)) return 'a reminder to say how it stands';
  if (/^k\d+$/.test(name)) return 'that somebody acknowledged it';
  const action = /^a(\d+)$/.exec(name);
  return action === null ? name : `that action ${action[1]} is overdue`;
}
