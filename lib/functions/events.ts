// What functions learn from the events that start them. Everything in an event is checked before it is believed.
import * as z from 'zod/mini';
import { HoldfastError } from '../errors.ts';
import type { Trigger, TriggerKind } from '../format/ids.ts';
import { parseBackupKey } from '../format/layout.ts';
import { parseMoment } from '../format/times.ts';
import { parseS3Url } from '../names/s3-place.ts';

/** Each of these may ask a function for a backup; the others are made by people alone. */
const BACKUP_TRIGGERS = [
  'schedule',
  'manual',
  'deploy',
  'pre-deploy',
] as const satisfies readonly TriggerKind[];

// The text of each error says what is allowed.
const sourceName = z
  .string({ error: 'the name of a source' })
  .check(z.minLength(1, { error: 'the name of a source' }));
const TIME = 'ISO 8601, such as 2026-11-22T03:00:00Z';
const time = z.pipe(
  z.string({ error: TIME }),
  z.transform((text, { issues, value: input }) => {
    const moment = parseMoment(text);
    if (moment === undefined) issues.push({ code: 'custom', message: TIME, input });
    return moment ?? z.NEVER;
  }),
);

const backupEvent = z.object({
  trigger: z.enum(BACKUP_TRIGGERS, { error: `one of ${BACKUP_TRIGGERS.join(', ')}` }),
  source: sourceName,
  at: time,
});
const restoreTestEvent = z.object({ source: sourceName, at: time });
const content = z.object({ level: z.literal('content'), source: z.optional(sourceName) });
const daily = z.object({ report: z.literal('daily') });
const firstLook = z.object({ look: z.literal('first') });
const timed = z.object({ at: time });
const s3Event = z.object({
  source: z.literal('aws.s3'),
  detail: z.object({
    bucket: z.object({ name: z.string() }),
    object: z.object({ key: z.string() }),
  }),
});

const JOB = 'the id of a job of AWS Backup, 36 characters of A-F, 0-9 and -';
const jobId = z.string({ error: JOB }).check(z.regex(/^[A-Fa-f0-9-]{36}$/, { error: JOB }));
const JOB_EVENTS = {
  backup: z.object({ source: z.literal('aws.backup'), detail: z.object({ backupJobId: jobId }) }),
  restore: z.object({ source: z.literal('aws.backup'), detail: z.object({ restoreJobId: jobId }) }),
};

export interface BackupEvent {
  readonly source: string;
  readonly trigger: Trigger;
}

/**
 * `{ trigger, source, at }`, `at` being the time for which the backup was triggered. `USAGE` for anything else, and for a time after
 * `latest`: an id from the future would be ignored by everything that decides.
 */
export function parseBackupEvent(event: unknown, latest: Date): BackupEvent {
  const { trigger, source, at } = parse(backupEvent, event);
  return { source, trigger: { kind: trigger, at: notAfter(at, latest) } };
}

/** `{ source, at }`. `USAGE` for anything else, and for a time after `latest`. */
export function parseRestoreTestEvent(event: unknown, latest: Date): { source: string; at: Date } {
  const { source, at } = parse(restoreTestEvent, event);
  return { source, at: notAfter(at, latest) };
}

/** Whose content is to be verified, and what was not looked at since. */
export interface ContentEvent {
  /** Undefined for every source. */
  readonly source: string | undefined;
  readonly since: Date;
}

/**
 * What `{ level: 'content', at }` asks for, with `source` where one is meant alone; undefined for an event of another kind. `USAGE` for a time
 * after `latest`, and for no time.
 */
export function contentEvent(event: unknown, latest: Date): ContentEvent | undefined {
  const { success, data } = z.safeParse(content, event);
  return success ? { source: data.source, since: timeOf(event, latest) } : undefined;
}

/** Whether an event asks for the daily report. */
export function asksForReport(event: unknown): boolean {
  return z.safeParse(daily, event).success;
}

/** Whether an event asks `freshness` for the first look, at a store whose stack is still being made. */
export function isFirstLook(event: unknown): boolean {
  return z.safeParse(firstLook, event).success;
}

/** The time `at` of an event. `USAGE` when it is none, or after `latest`. */
export function timeOf(event: unknown, latest: Date): Date {
  return notAfter(parse(timed, event).at, latest);
}

/** An object that was created in a bucket, as EventBridge describes it. */
export interface CreatedObject {
  readonly bucket: string;
  readonly key: string;
}

/** The object of an S3 event; undefined for an event of another kind. */
export function createdObject(event: unknown): CreatedObject | undefined {
  const { success, data } = z.safeParse(s3Event, event);
  return success ? { bucket: data.detail.bucket.name, key: data.detail.object.key } : undefined;
}

/** The key of an object within the store whose URL is given; undefined for one that lies elsewhere. */
export function keyInStore({ bucket, key }: CreatedObject, store: string): string | undefined {
  const place = parseS3Url(store);
  const plain = plainKey(key);
  const isWithin = place.bucket === bucket && plain.startsWith(place.prefix);
  return isWithin ? plain.slice(place.prefix.length) : undefined;
}

/** Events from other ways than EventBridge carry keys as URLs have them; ours have nothing else that would be encoded. */
function plainKey(key: string): string {
  return key.replaceAll(/%2F/gi, '/');
}

/** The id of the job that an event of AWS Backup is about. `USAGE` for any other event. */
export function jobOfEvent(event: unknown, kind: keyof typeof JOB_EVENTS): string {
  const { detail } = parse<{ detail: Readonly<Record<string, unknown>> }>(JOB_EVENTS[kind], event);
  return String(detail[`${kind}JobId`]);
}

/** The backup whose manifest an object of the store is; undefined for anything else. */
export function manifestOf(
  created: CreatedObject,
  store: string,
): { source: string; id: string } | undefined {
  const key = keyInStore(created, store);
  const place = key === undefined ? undefined : parseBackupKey(key);
  return place?.file === 'manifest.json' ? place : undefined;
}

function parse<T>(schema: z.ZodMiniType<T>, event: unknown): T {
  const fields = (typeof event === 'object' && event !== null ? event : {}) as Fields;
  const { success, data, error } = z.safeParse(schema, fields);
  if (success) return data;
  const [issue] = error.issues;
  const [field = ''] = issue?.path ?? [];
  throw usage(`the ${String(field)} ${shown(fields[field])}`, issue?.message ?? '');
}

type Fields = Readonly<Record<PropertyKey, unknown>>;

function notAfter(at: Date, latest: Date): Date {
  if (at <= latest) return at;
  throw usage(
    `the time ${shown(at)}`,
    `a time that has come; the clock of this function says ${latest.toISOString()}`,
  );
}

function shown(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value).slice(0, 100);
}

function usage(got: string, allowed: string): HoldfastError {
  return new HoldfastError('USAGE', `the event says ${got}; allowed: ${allowed}`, {
    hint: 'The stack and `holdfast trigger` send what is right; an event made by hand must look like theirs.',
  });
}
