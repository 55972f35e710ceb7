// What CloudWatch alone knows of a stack: functions that fail or do not run, dead letters, keys that cannot be used.
import {
  DescribeAlarmsCommand,
  GetMetricStatisticsCommand,
  type MetricAlarm,
} from '@aws-sdk/client-cloudwatch';
import { alarmsOf, isEscalated, type ConfiguredAlarm } from '../../config/alarms.ts';
import { DAY_MS } from '../../durations.ts';
import { plain } from '../../alerts/plain-text.ts';
import { awsError } from '../../aws/errors.ts';
import { isBreached } from '../../policy/conditions/table.ts';
import { conditionKey, type Incident } from '../../policy/incidents/state.ts';
import type { Urgent } from '../../policy/incidents/sync.ts';
import type { Invocation } from '../invocation.ts';

export interface AlarmsSeen {
  readonly urgent: readonly Urgent[];
  /** The subjects of conditions that are proven good, or never were bad. */
  readonly good: readonly string[];
}

type Watching = Pick<Invocation, 'cloudWatch' | 'config'>;

/**
 * How those alarms stand that nothing but CloudWatch can tell. One that is OK for lack of data proves nothing: where its condition
 * keeps one of `incidents` open, only data since then does. `STORE_DENIED` or `STORE_UNAVAILABLE` when CloudWatch cannot be asked.
 */
export async function lookAtAlarms(
  watching: Watching,
  incidents: readonly Incident[],
  at: Date,
): Promise<AlarmsSeen> {
  const own = alarmsOf(watching.config).filter((one) => isOwn(one, watching));
  try {
    const states = await statesOf(watching, own);
    const urgent: Urgent[] = [];
    const good: string[] = [];
    for (const alarm of own) {
      const state = states.get(alarm.name);
      const subject = subjectOf(alarm);
      const condition = { subject, code: alarm.code };
      if (state?.StateValue === 'ALARM')
        urgent.push({ ...condition, detail: plain(state.AlarmDescription ?? alarm.label) });
      else if (state?.StateValue === 'OK') {
        const since = badSince(incidents, condition);
        const isGood =
          since === undefined || (await isProven(watching, { alarm, state, since, at }));
        if (isGood) good.push(subject);
      }
    }
    return { urgent, good };
  } catch (error) {
    throw awsError(error, { thing: 'CloudWatch', doing: 'does not say how alarms stand' });
  }
}

/** Sources, resources and the store are looked at; only whether keys can be used, `freshness` tries. */
function isOwn(alarm: ConfiguredAlarm, { config }: Watching): boolean {
  const { about } = alarm.subject;
  const isOfStack = about === 'function' || about === 'task' || about === 'stack';
  return isEscalated(alarm, config) && (isOfStack || alarm.code === 'key');
}

/** `functions/backup`, `dead-letters`: of one alarm alone, so that what is known of it is known of nothing else. */
function subjectOf({ label, code }: ConfiguredAlarm): string {
  if (code === 'key') return 'keys';
  return label.endsWith(`/${code}`) ? label.slice(0, -code.length - 1) : label;
}

const NAMES_PER_CALL = 100;

async function statesOf(
  { cloudWatch }: Watching,
  alarms: readonly ConfiguredAlarm[],
): Promise<Map<string, MetricAlarm>> {
  const found = new Map<string, MetricAlarm>();
  for (let first = 0; first < alarms.length; first += NAMES_PER_CALL) {
    const AlarmNames = alarms.slice(first, first + NAMES_PER_CALL).map(({ name }) => name);
    const { MetricAlarms = [] } = await cloudWatch.send(
      new DescribeAlarmsCommand({ AlarmNames, MaxRecords: NAMES_PER_CALL }),
    );
    for (const one of MetricAlarms) if (one.AlarmName) found.set(one.AlarmName, one);
  }
  return found;
}

function badSince(
  incidents: readonly Incident[],
  condition: { subject: string; code: string },
): Date | undefined {
  const key = conditionKey(condition);
  for (const { resolved, conditions } of incidents) {
    const known = resolved === undefined ? conditions.get(key) : undefined;
    if (known !== undefined && known.goodSince === undefined) return known.since;
  }
  return undefined;
}

/** CloudWatch gives 1,440 values at a time, and the shortest period is five minutes. */
const LOOK_BACK_MS = 4 * DAY_MS;

async function isProven(
  { cloudWatch }: Watching,
  {
    alarm: { watched },
    state,
    since,
    at,
  }: {
    readonly alarm: ConfiguredAlarm;
    readonly state: MetricAlarm;
    readonly since: Date;
    readonly at: Date;
  },
): Promise<boolean> {
  // No data would be an alarm.
  if (watched.silence === 'alarm') return true;
  const { Namespace, MetricName, Dimensions, Period = 300, Statistic = 'Sum', Threshold } = state;
  // A sum in which gaps are filled proves nothing.
  if (MetricName === undefined || Namespace === undefined) return false;
  const from = Math.max(since.getTime(), at.getTime() - LOOK_BACK_MS);
  const { Datapoints = [] } = await cloudWatch.send(
    new GetMetricStatisticsCommand({
      ...{ Namespace, MetricName, Dimensions, Period },
      StartTime: new Date(from),
      EndTime: at,
      Statistics: [Statistic],
    }),
  );
  const newest = Datapoints.toSorted(
    (a, b) => (b.Timestamp?.getTime() ?? 0) - (a.Timestamp?.getTime() ?? 0),
  )[0];
  const value = newest?.[Statistic];
  return value !== undefined && !isBreached(watched, value, Threshold);
}
