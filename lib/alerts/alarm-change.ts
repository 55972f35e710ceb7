// What EventBridge says when an alarm of CloudWatch has changed its state.
import * as z from 'zod/mini';

const STATES = ['ALARM', 'OK', 'INSUFFICIENT_DATA'] as const;

export type AlarmState = (typeof STATES)[number];

/** A change of an alarm's state. */
export interface AlarmChange {
  /** The whole name. */
  readonly alarm: string;
  readonly state: AlarmState;
  readonly since: Date;
  readonly previous: AlarmState | undefined;
  /** When the state before began. */
  readonly previousSince: Date | undefined;
  /** How the stack describes the alarm. */
  readonly means: string;
  /** How CloudWatch explains the change. */
  readonly reason: string;
}

const state = z.enum(STATES);
const text = z.catch(z.string(), '');
const unknown = { value: undefined, timestamp: '' };

const alarmEvent = z.object({
  source: z.literal('aws.cloudwatch'),
  detail: z.object({
    alarmName: z.string(),
    state: z.object({ value: state, timestamp: text, reason: text }),
    previousState: z.catch(z.object({ value: z.optional(state), timestamp: text }), unknown),
    configuration: z.catch(z.object({ description: text }), { description: '' }),
  }),
});

/** The change that an event describes; undefined for an event of another kind. */
export function alarmChange(event: unknown): AlarmChange | undefined {
  const { success, data } = z.safeParse(alarmEvent, event);
  if (!success) return undefined;
  const { alarmName, state, previousState, configuration } = data.detail;
  const since = timeOf(state.timestamp);
  if (since === undefined) return undefined;
  return {
    alarm: alarmName,
    state: state.value,
    since,
    previous: previousState.value,
    previousSince: timeOf(previousState.timestamp),
    means: configuration.description,
    reason: state.reason,
  };
}

/** `2026-11-22T03:00:00.000+0000`, which is not quite ISO 8601. */
function timeOf(timestamp: string): Date | undefined {
  const time = new Date(timestamp.replace(/([+-]\d\d)(\d\d)$/, '$1:$2'));
  return Number.isNaN(time.getTime()) ? undefined : time;
}
