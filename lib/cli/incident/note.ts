// What `holdfast incident note` sets: who handles an incident, what caused it, and what keeps it from happening again.
import type { Act } from '../../alerts/escalate.ts';
import type { Config } from '../../config/config.ts';
import { HoldfastError } from '../../errors.ts';
import { INCIDENTS_IN_BLOCK } from '../../format/layout.ts';
import { isDay } from '../../policy/calendar.ts';
import type { NoteSets } from '../../policy/incidents/review.ts';
import type { Incident } from '../../policy/incidents/state.ts';

export interface NoteOptions {
  readonly lead?: string;
  readonly communication?: string;
  readonly cause?: string;
  readonly action?: string;
  readonly owner?: string;
  readonly due?: string;
  readonly done?: string;
}

/** What a note is about. */
export interface Noted {
  readonly incident: Incident;
  /** The number of the newest incident. */
  readonly last: number;
  readonly contacts: Config['notify']['contacts'];
}

/** The note that the options and the text make. `USAGE` for one that says nothing, or names what there is not. */
export function noteOf(options: NoteOptions, text: string | undefined, noted: Noted): Act {
  const contact = (option: string, name: string | undefined) =>
    name === undefined ? undefined : knownContact(option, name, noted.contacts);
  const sets: NoteSets = withoutAbsent({
    lead: contact('--lead', options.lead),
    communication: contact('--communication', options.communication),
    cause: options.cause === undefined ? undefined : words('--cause', options.cause),
    action: actionOf(options, noted),
    done: options.done === undefined ? undefined : knownAction(options.done, noted.incident),
  });
  if (Object.keys(sets).length === 0)
    return { event: 'noted', text: words('what there is to say', text ?? '') };
  return { event: 'noted', sets, ...(text !== undefined && { text }) };
}

function actionOf(
  { action, owner, due }: NoteOptions,
  { contacts, incident, last }: Noted,
): NoteSets['action'] {
  if (action === undefined) {
    if (owner === undefined && due === undefined) return undefined;
    throw new HoldfastError('USAGE', '--owner and --due belong to an --action');
  }
  if (owner === undefined || due === undefined)
    throw new HoldfastError('USAGE', 'an action needs an owner and a day', {
      hint: 'Add --owner CONTACT and --due 2026-12-15: otherwise nobody would notice that it was not done.',
    });
  if (!/^\d{4}-\d\d-\d\d$/.test(due) || !isDay(due))
    throw new HoldfastError('USAGE', `"${due}" is no day`, { hint: 'Write it as 2026-12-15.' });
  // Runs by the clock look back no further.
  if (Number(incident.id) <= last - INCIDENTS_IN_BLOCK)
    throw new HoldfastError(
      'USAGE',
      `incident ${Number(incident.id)} is too long ago: nobody would be told of the action`,
      { hint: 'Open another one for it: `holdfast incident open TITLE`.' },
    );
  const text = words('--action', action);
  return { text, owner: knownContact('--owner', owner, contacts), due };
}

function knownContact(
  option: string,
  name: string,
  contacts: Config['notify']['contacts'],
): string {
  const known = contacts.map((one) => one.name);
  if (known.includes(name)) return name;
  throw new HoldfastError('USAGE', `${option}: there is no contact "${name}"`, {
    hint:
      known.length === 0
        ? 'Name people under `notify.contacts` in holdfast.yaml: records hold their ids alone.'
        : `There are: ${known.join(', ')}.`,
  });
}

function knownAction(text: string, { id, review: { actions } }: Incident): number {
  const found = actions.find(({ number }) => String(number) === text);
  if (found === undefined)
    throw new HoldfastError('USAGE', `incident ${Number(id)} has no action "${text}"`, {
      hint: '`holdfast incident show` lists them with their numbers.',
    });
  return found.number;
}

function words(what: string, text: string): string {
  if (text.trim() !== '') return text;
  throw new HoldfastError('USAGE', `${what} is missing`, { hint: 'Write it in quotes.' });
}

function withoutAbsent(sets: NoteSets): NoteSets {
  return Object.fromEntries(Object.entries(sets).filter(([, value]) => value !== undefined));
}
