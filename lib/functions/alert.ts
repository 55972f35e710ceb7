// What `alert` does: one message about a change of an alarm, or about a day, on the topic that people subscribe to.
import { alarmNamed, isEscalated } from '../config/alarms.ts';
import type { Config } from '../config/config.ts';
import { settingsFrom, type FunctionSettings } from '../config/load/function-settings.ts';
import { escalates } from '../config/load/stack-keys.ts';
import { HoldfastError } from '../errors.ts';
import { compactTime } from '../format/ids.ts';
import type { SourceAssessment } from '../policy/assessment.ts';
import { parseS3Url } from '../names/s3-place.ts';
import { openS3Store } from '../stores/s3/store.ts';
import type { Store } from '../stores/store.ts';
import { unwellLines } from '../alerts/alarm-lines.ts';
import { assessSystem, tryKeys } from './assess.ts';
import { publish } from '../aws/sns.ts';
import type { AlarmChange } from '../alerts/alarm-change.ts';
import { jobChange, type JobChange } from '../alerts/job-change.ts';
import { stackSender, type Sender } from '../alerts/sender.ts';
import { isJobWorthTelling, jobMessage } from '../alerts/job-message.ts';
import { selectionOf } from '../recovery-points/selection.ts';
import type { Bare, Invocation } from './invocation.ts';
import { errorFields, type Log } from './logger.ts';
import {
  alarmLabel,
  alarmMessage,
  isWorthTelling,
  reportMessage,
  type Message,
  type ReportedSource,
} from '../alerts/message.ts';
import { readFunctionConfig } from '../wiring/function-session.ts';
import { randomName } from '../wiring/machine.ts';
import { tellOnce, type Occurrence } from '../alerts/tell-once.ts';

export interface AlertReport {
  /** `quiet`: nothing that people want to hear of, or what `escalate` tells. */
  readonly outcome: 'told' | 'already' | 'quiet';
  readonly subject?: string;
}

/** Tells a change of an alarm. It needs the topic alone: a store or keys that fail may be what the alarm is about. */
export async function tellAlarm({ log }: Bare, change: AlarmChange): Promise<AlertReport> {
  if (!isWorthTelling(change)) return { outcome: 'quiet' };
  const settings = settingsFrom(process.env);
  const config = await readFunctionConfig();
  const known = alarmNamed(change.alarm, config);
  if (known !== undefined && isEscalated(known, config)) return { outcome: 'quiet' };
  const message = alarmMessage(change, config, senderOf(config, settings));
  const store = await tryOpen(settings, log);
  return tell(occurrenceOf(change, config), message, { settings, config, store, log });
}

/** Tells how a job of AWS Backup ended, once: events come twice, late, out of order, and about the jobs of others. */
export async function tellJob({ log }: Bare, event: unknown): Promise<AlertReport> {
  const config = await readFunctionConfig();
  const change = jobChange(event, config);
  if (change === undefined || !isJobWorthTelling(change)) return { outcome: 'quiet' };
  if (isIncident(change, config)) return { outcome: 'quiet' };
  const { kind, id, state, at, message } = change;
  const settings = settingsFrom(process.env);
  const store = await tryOpen(settings, log);
  const occurrence = {
    incident: `${kind}-job-${id}-${state.replaceAll(/[^A-Za-z0-9]+/g, '-').slice(0, 40)}`,
    sequence: 1,
    event: 'job',
    content: { kind, id, state, at: at.toISOString(), message: message?.slice(0, 1000) },
  };
  return tell(occurrence, jobMessage(change, config, senderOf(config, settings)), {
    settings,
    config,
    store,
    log,
  });
}

/** Whether `escalate` tells of it: of each backup job, a record is left by which its resource is judged. */
function isIncident({ kind, resource }: JobChange, config: Config): boolean {
  const points = config.aws?.recoveryPoints;
  const isRecorded =
    resource !== undefined && points !== undefined && selectionOf(resource, points) !== undefined;
  return escalates(config) && kind === 'backup' && isRecorded;
}

/** Tells how everything stands; once for the time `at`. */
export async function tellDay(invocation: Invocation, at: Date): Promise<AlertReport> {
  const { engine, config, settings, log } = invocation;
  const assessment = await assessSystem(invocation, await tryKeys(invocation));
  const message = reportMessage(
    {
      at: assessment.at,
      verdict: assessment.verdict,
      unwell: unwellLines(assessment),
      sources: assessment.sources.filter(({ configured }) => configured).map(reported),
      resources: (assessment.recoveryPoints?.resources ?? []).map((one) => ({
        selection: one.selection,
        resource: one.resource,
        newestAgeMs: one.newest && assessment.at.getTime() - one.newest.created.getTime(),
        lastRestoreTestAgeMs: one.restoreTest.lastProvenAgeMs,
      })),
      storedBytes: assessment.store.measures.storedBytes,
    },
    config,
    senderOf(config, settings),
  );
  const occurrence = {
    incident: `report-${compactTime(at)}`,
    sequence: 1,
    event: 'report',
    content: { at: at.toISOString(), subject: message.subject },
  };
  return tell(occurrence, message, { settings, config, store: engine.store, log });
}

function reported({ source, freshness, restoreTest, measures }: SourceAssessment): ReportedSource {
  const { newestGoodId, ageMs } = freshness;
  const isGood = newestGoodId !== undefined;
  const { proofAgeSeconds, backupBytes } = measures;
  return {
    name: source,
    // Without a good backup these are ages of the store.
    newestGoodAgeMs: isGood ? ageMs : undefined,
    lastProofAgeMs: isGood && proofAgeSeconds !== undefined ? proofAgeSeconds * 1000 : undefined,
    lastRestoreTestAgeMs: restoreTest.lastProvenAgeMs,
    backupBytes,
  };
}

/** An alarm and its end are one incident, named by when it began. */
function occurrenceOf(change: AlarmChange, config: Config): Occurrence {
  const { alarm, state, since, previousSince = since, reason } = change;
  const began = state === 'ALARM' ? since : previousSince;
  const name = alarmLabel(alarm, config)
    .replaceAll(/[^A-Za-z0-9]+/g, '-')
    .slice(0, 150);
  return {
    incident: `${name}-${compactTime(began)}`,
    sequence: state === 'ALARM' ? 1 : 3,
    event: state === 'ALARM' ? 'alarm' : state === 'OK' ? 'resolved' : 'unknown',
    content: { alarm, state, since: since.toISOString(), reason: reason.slice(0, 1000) },
  };
}

/** Its topic is what it cannot do without. */
function senderOf({ system }: Config, { topic = '' }: FunctionSettings): Sender {
  return stackSender(system, topic);
}

interface Surroundings {
  readonly settings: FunctionSettings;
  readonly config: Config;
  readonly store: Store | undefined;
  readonly log: Log;
}

async function tell(
  occurrence: Occurrence,
  message: Message,
  { settings, config, store, log }: Surroundings,
): Promise<AlertReport> {
  const { topic } = settings;
  if (topic === undefined) {
    throw new HoldfastError('CONFIG_INVALID', 'no topic for messages is set', {
      hint: 'The stack sets it; deploy it again.',
    });
  }
  const { incident, event } = occurrence;
  const outcome = await tellOnce(occurrence, {
    store,
    tell: () =>
      publish(
        {
          ...{ to: { topic }, subject: message.subject, text: message.body },
          attributes: { system: config.system, incident, event },
        },
        {},
      ),
    onTrouble: (error) => log.warn('whether it was told before is not known', errorFields(error)),
  });
  return { outcome, subject: message.subject };
}

async function tryOpen({ store }: FunctionSettings, log: Log): Promise<Store | undefined> {
  try {
    return await openS3Store(parseS3Url(store), { random: randomName });
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    log.warn('the store cannot be opened', errorFields(error));
    return undefined;
  }
}
