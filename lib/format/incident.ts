// The records of incidents: what opened one, who acted, and what was sent. Each is a signed file of its own, and none is ever changed.
import * as z from 'zod/mini';
import { HoldfastError } from '../errors.ts';
import { INCIDENT_EVENTS, parseIncidentKey } from './layout.ts';

export const INCIDENT_FORMAT = 1;

export type IncidentEventName = (typeof INCIDENT_EVENTS)[number];

const text = z.string().check(z.maxLength(4096));
const time = z.iso.datetime({ precision: 3 });

const condition = z.strictObject({ subject: text, code: text, detail: text });

const contact = z.string().check(z.regex(/^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$/));

const sets = z.strictObject({
  lead: z.optional(contact),
  communication: z.optional(contact),
  cause: z.optional(text),
  action: z.optional(z.strictObject({ text, owner: contact, due: z.iso.date() })),
  done: z.optional(z.int().check(z.positive())),
});

const recordSchema = z.strictObject({
  format: z.literal(INCIDENT_FORMAT),
  key: text,
  system: text,
  incident: text,
  event: z.enum(INCIDENT_EVENTS),
  who: text,
  at: time,
  /** The conditions that opened it, joined it, recovered or relapsed. */
  conditions: z.optional(z.array(condition).check(z.maxLength(1000))),
  /** In the words of the person who wrote it: a title, a note, a reason. Never a name, an address or a number of a person. */
  text: z.optional(text),
  /** When what opened it began, as far as that is known. */
  began: z.optional(time),
  /** For a resolution: whether everything was proven good again, or a person said so. */
  how: z.optional(z.enum(['proven', 'person'])),
  /** How long everything has to stay good before it is over: what comes and goes must not be told each time. */
  settleMs: z.optional(z.int().check(z.nonnegative())),
  /** For a note: who handles it, what caused it, and what keeps it from happening again. */
  sets: z.optional(sets),
  /** For an automatic attempt: whether it succeeded. */
  outcome: z.optional(z.enum(['done', 'failed'])),
  /** For an automatic attempt: what the functions of a stack do because of this record. */
  starts: z.optional(
    z.strictObject({
      act: z.enum(['backup', 'repair']),
      source: text,
      /** The id of the backup to be made. */
      backup: z.optional(text),
    }),
  ),
  /** For a failed message: whether the same may succeed later. */
  again: z.optional(z.boolean()),
  /** For a claim: the link in its message, and when it expires. The token itself is in the message alone. */
  link: z.optional(
    z.strictObject({ digest: z.string().check(z.regex(/^[0-9a-f]{64}$/)), expires: time }),
  ),
});

export type IncidentRecord = z.infer<typeof recordSchema>;
export type IncidentCondition = z.infer<typeof condition>;

/** The record in a signed file's payload. `FORMAT_UNSUPPORTED` for other versions, `BACKUP_DAMAGED` when malformed. */
export function parseIncidentRecord(payload: unknown, key: string): IncidentRecord {
  const { format } = (payload ?? {}) as { format?: unknown };
  if (format !== INCIDENT_FORMAT)
    throw new HoldfastError('FORMAT_UNSUPPORTED', `${key} has another format than 1`);
  const { success, data } = z.safeParse(recordSchema, payload);
  const place = parseIncidentKey(key);
  if (!success || place?.incident !== data.incident || place.event !== data.event)
    throw new HoldfastError('BACKUP_DAMAGED', `${key} is no record of an incident`);
  return data;
}

const checkpointSchema = z.strictObject({
  format: z.literal(INCIDENT_FORMAT),
  key: text,
  system: text,
  at: time,
  /** The number of the newest incident, 0 without any. */
  last: z.int().check(z.nonnegative()),
  /** Those that are open, or of which something is still to be told. */
  open: z.array(text).check(z.maxLength(10_000)),
});

/** Which incidents are open: those that came later are found from here on. */
export type Checkpoint = z.infer<typeof checkpointSchema>;

/** The checkpoint in a signed file's payload; undefined when this version does not understand it: it is only a shortcut. */
export function parseCheckpoint(payload: unknown): Checkpoint | undefined {
  return z.safeParse(checkpointSchema, payload).data;
}
