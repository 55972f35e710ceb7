// What functions are told by the events that start them. Everything in an event is checked before it is believed.
import { HoldfastError } from '../errors.ts';
import type { Trigger, TriggerKind } from '../format/ids.ts';
import { parseBackupKey } from '../format/layout.ts';
import { parseMoment } from '../format/times.ts';

/** A backup is asked for by one of these; the others are made by people alone. */
const BACKUP_TRIGGERS: readonly TriggerKind[] = ['schedule', 'manual', 'deploy', 'pre-deploy'];

export interface BackupEvent {
  readonly source: string;
  readonly trigger: Trigger;
}

/**
 * `{ trigger, source, at }`, `at` being the time for which it was triggered. `USAGE` for anything else, and for a time after `latest`:
 * an id from the future would be ignored by everything that decides.
 */
export function parseBackupEvent(event: unknown, latest: Date): BackupEvent {
  const { trigger, source, at } = fieldsOf(event);
  const kind = BACKUP_TRIGGERS.find((one) => one === trigger);
  if (kind === undefined) {
    throw usage(`the trigger ${shown(trigger)}`, `one of ${BACKUP_TRIGGERS.join(', ')}`);
  }
  return { source: parseSource(source), trigger: { kind, at: parseTime(at, latest) } };
}

/** The name of a source in an event. `USAGE` when it is none. */
export function parseSource(source: unknown): string {
  if (typeof source === 'string' && source !== '') return source;
  throw usage(`the source ${shown(source)}`, 'the name of a source');
}

/** A time in an event. `USAGE` when it is none, or after `latest`. */
export function parseTime(at: unknown, latest: Date): Date {
  const time = typeof at === 'string' ? parseMoment(at) : undefined;
  if (time === undefined) {
    throw usage(`the time ${shown(at)}`, 'ISO 8601, such as 2026-11-22T03:00:00Z');
  }
  if (time <= latest) return time;
  throw usage(`the time ${shown(at)}`, `a time that has come; it is ${latest.toISOString()} here`);
}

/** The fields of an event; none of what is no object. */
export function fieldsOf(event: unknown): Readonly<Record<string, unknown>> {
  return typeof event === 'object' && event !== null ? (event as Record<string, unknown>) : {};
}

/** An object that was created in a bucket, as EventBridge tells it. */
export interface CreatedObject {
  readonly bucket: string;
  readonly key: string;
}

/** The object of an S3 event; undefined for an event of another kind. */
export function createdObject(event: unknown): CreatedObject | undefined {
  const { source, detail } = fieldsOf(event);
  if (source !== 'aws.s3') return undefined;
  const { bucket, object } = fieldsOf(detail);
  const { name } = fieldsOf(bucket);
  const { key } = fieldsOf(object);
  return typeof name === 'string' && typeof key === 'string' ? { bucket: name, key } : undefined;
}

/** The backup whose manifest stands at `key` of a bucket, below `prefix`; undefined when it is none of a backup. */
export function manifestOfKey(
  key: string,
  prefix: string,
): { source: string; id: string } | undefined {
  // Events from other ways than EventBridge carry keys as URLs have them; ours have nothing that would be encoded.
  const plain = key.replaceAll(/%2F/gi, '/');
  if (!plain.startsWith(prefix)) return undefined;
  const place = parseBackupKey(plain.slice(prefix.length));
  return place?.file === 'manifest.json' ? place : undefined;
}

/** A change of an alarm's state, as EventBridge tells it. */
export interface AlarmChange {
  /** The whole name. */
  readonly alarm: string;
  readonly state: AlarmState;
  readonly since: Date;
  readonly previous: AlarmState | undefined;
  /** Since when it had been in the state before. */
  readonly previousSince: Date | undefined;
  /** What the stack says of the alarm. */
  readonly means: string;
  /** What CloudWatch says of the change. */
  readonly reason: string;
}

export type AlarmState = 'ALARM' | 'OK' | 'INSUFFICIENT_DATA';

/** The change that an event tells; undefined for an event of another kind. */
export function alarmChange(event: unknown): AlarmChange | undefined {
  const { source, detail } = fieldsOf(event);
  if (source !== 'aws.cloudwatch') return undefined;
  const { alarmName, state, previousState, configuration } = fieldsOf(detail);
  const now = stateOf(state);
  if (typeof alarmName !== 'string' || now === undefined || now.since === undefined)
    return undefined;
  const before = stateOf(previousState);
  const { description } = fieldsOf(configuration);
  const { reason } = fieldsOf(state);
  return {
    alarm: alarmName,
    state: now.state,
    since: now.since,
    previous: before?.state,
    previousSince: before?.since,
    means: typeof description === 'string' ? description : '',
    reason: typeof reason === 'string' ? reason : '',
  };
}

const STATES: readonly AlarmState[] = ['ALARM', 'OK', 'INSUFFICIENT_DATA'];

function stateOf(value: unknown): { state: AlarmState; since: Date | undefined } | undefined {
  const { value: name, timestamp } = fieldsOf(value);
  const state = STATES.find((one) => one === name);
  // `2026-11-22T03:00:00.000+0000`
  const text = typeof timestamp === 'string' ? timestamp.replace(/([+-]\d\d)(\d\d)$/, '$1:$2') : '';
  const since = new Date(text);
  return state && { state, since: Number.isNaN(since.getTime()) ? undefined : since };
}

function shown(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value).slice(0, 100);
}

function usage(got: string, allowed: string): HoldfastError {
  return new HoldfastError('USAGE', `the event says ${got}; allowed: ${allowed}`, {
    hint: 'The stack and `holdfast trigger` send what is right; an event made by hand must look as theirs.',
  });
}
