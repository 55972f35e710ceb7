// What `escalate` does: one round of the escalation by what is in the store; and what it does when it cannot.
import process from 'node:process';
import { alarmChange } from '../../alerts/alarm-change.ts';
import { contactsOf, policyOf } from '../../alerts/configured-escalation.ts';
import { escalationRound, type Round } from '../../alerts/escalation-round.ts';
import { lookOf } from '../../alerts/incident-look.ts';
import { stackSender } from '../../alerts/sender.ts';
import { tellRun } from '../../alerts/tell-run.ts';
import { settingsFrom } from '../../config/load/function-settings.ts';
import { HOUR_MS, SECOND_MS } from '../../durations.ts';
import { isUnreadable } from '../../engine/catalog/backups.ts';
import { latestTime } from '../../engine/catalog/clock.ts';
import { readRecord } from '../../engine/catalog/records.ts';
import { readCheckpoint, type KnownIncidents } from '../../engine/incidents/read.ts';
import { HoldfastError } from '../../errors.ts';
import { MARKER_KEY, RECORDS_PREFIX } from '../../format/layout.ts';
import type { Starts } from '../../policy/incidents/state.ts';
import type { Look } from '../../policy/incidents/sync.ts';
import { readFunctionConfig } from '../../wiring/function-session.ts';
import { linksTo } from '../../wiring/links.ts';
import { randomName } from '../../wiring/machine.ts';
import { openSinks } from '../../wiring/sinks.ts';
import { assessSystem } from '../assess.ts';
import type { FunctionContext } from '../deadline.ts';
import { createdObject, keyInStore, timeOf, type CreatedObject } from '../events.ts';
import type { Invocation } from '../invocation.ts';
import { errorFields, logOf } from '../logger.ts';
import { beginRecoveries, concludeRecoveries } from './recovery.ts';
import { lookAtAlarms } from './stack-alarms.ts';

export interface EscalationReport {
  /** `early`: nobody has marked the store yet, so that nothing may be stored. */
  readonly outcome: 'done' | 'early';
  readonly open: readonly number[];
  /** What changed by a look at the system; undefined where nobody looked. */
  readonly changes?: readonly string[];
  readonly sent: number;
  /** Sinks that did not take a message, and why. */
  readonly failed: readonly string[];
  /** What functions and tasks were started for. */
  readonly begun?: readonly Starts[];
}

/** Looks where that is due or the event calls for it, and sends everything that is due. A run that fails is made up for by the next. */
export async function escalate(invocation: Invocation, event: unknown): Promise<EscalationReport> {
  const { engine, config, settings, log } = invocation;
  const looks = runs.lookedAtMs > happenedAt(event) ? 'due' : await looksFor(invocation, event);
  if (await isEarly(invocation)) return { outcome: 'early', open: [], sent: 0, failed: [] };
  let lookedAt = undefined as Date | undefined;
  const policy = policyOf(config);
  const { changes, sent, known } = await escalationRound({
    ...{ engine, looks, policy },
    conclude: ({ incidents }) => concludeRecoveries(invocation, incidents),
    patience: { signal: engine.signal ?? new AbortController().signal },
    look: (before) => {
      lookedAt = engine.now();
      return lookAround(invocation, before);
    },
    open: async () => ({
      sinks: await openSinks(config, settings.topic),
      contacts: await contactsOf(config),
      sender: stackSender(config.system, settings.signingKey ?? ''),
      links: linksTo(settings.acknowledgeUrl),
    }),
  });
  const begun = await beginRecoveries(invocation, known.incidents, policy);
  runs.failed = 0;
  // Only what was written down, too, need not be looked for again.
  if (lookedAt !== undefined) runs.lookedAtMs = lookedAt.getTime();
  const failed = sent.flatMap(({ sink, failure }) =>
    failure === undefined ? [] : [`${sink}: ${failure}`],
  );
  if (failed.length > 0) log.error('messages did not go out', { failed });
  return {
    outcome: 'done',
    open: known.incidents.flatMap(({ id, resolved }) => (resolved ? [] : [Number(id)])),
    ...(lookedAt !== undefined ? { changes: changes.map(({ event: what }) => what) } : {}),
    sent: sent.length - failed.length,
    failed,
    ...(begun.length > 0 ? { begun } : {}),
  };
}

/** By when what an event tells of had happened; never, where it does not say. Its time has whole seconds. */
function happenedAt(event: unknown): number {
  const { time: text } = (event ?? {}) as { time?: unknown };
  const time = typeof text === 'string' ? Date.parse(text) : Number.NaN;
  return Number.isNaN(time) ? Number.POSITIVE_INFINITY : time + SECOND_MS;
}

/** Until its stack is made, a bucket must stay empty, so that a deployment that fails can be taken back. */
async function isEarly({ engine }: Invocation): Promise<boolean> {
  if ((await readCheckpoint(engine)).checkpoint !== undefined) return false;
  return (await engine.store.head(MARKER_KEY)) === undefined;
}

/** Whether an event calls for a look at once. `USAGE` for one that is none of ours. */
async function looksFor(
  invocation: Invocation,
  event: unknown,
): Promise<Exclude<Round['looks'], undefined>> {
  if (alarmChange(event) !== undefined) return 'always';
  const created = createdObject(event);
  if (created !== undefined) return (await isGoodNews(invocation, created)) ? 'open' : 'always';
  timeOf(event, latestTime(invocation.engine));
  return 'due';
}

/** Whether what was stored is the record of something that went well: that can end an incident, and opens none. */
async function isGoodNews(
  { engine, settings }: Invocation,
  created: CreatedObject,
): Promise<boolean> {
  const within = keyInStore(created, settings.store);
  if (within?.startsWith(RECORDS_PREFIX) !== true) return true;
  try {
    const object = await engine.store.head(within);
    if (object === undefined) return true;
    const { record, distrust } = await readRecord(engine, object);
    // What has only begun opens none either.
    return distrust === undefined && ['proven', 'done', 'begun'].includes(record.verdict);
  } catch (error) {
    if (!isUnreadable(error)) throw error;
    return false;
  }
}

/** The one judgment of the system, and what CloudWatch alone knows of the stack. */
async function lookAround(invocation: Invocation, known: KnownIncidents): Promise<Look> {
  const { log } = invocation;
  // Whether keys can be used, `freshness` tries; its alarm says it.
  const { at, urgent, subjects } = lookOf(
    await assessSystem(invocation, 'untried'),
    known.problems,
  );
  try {
    const alarms = await lookAtAlarms(invocation, known.incidents, at);
    return {
      at,
      urgent: [...urgent, ...alarms.urgent],
      subjects: new Set([...subjects, ...alarms.good]),
    };
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code === 'CANCELLED') throw error;
    // What is not seen is not good, and opens nothing either.
    log.error('the alarms of the stack cannot be seen', errorFields(error));
    return { at, urgent, subjects };
  }
}

/** What this process remembers: what cannot be read or written cannot be remembered elsewhere. */
const runs = {
  failed: 0,
  toldAtMs: Number.NEGATIVE_INFINITY,
  /** When the last look began that ended well: of a thousand events at once, few are looked at. */
  lookedAtMs: Number.NEGATIVE_INFINITY,
};

/** One run that fails is made up for by the next; not so many. */
const FAILURES = 3;
const TELLING_MS = 60_000;

/** Tells through the sinks that the escalation itself fails: when it has failed several times in a row, and then once an hour. */
export async function tellOfFailure(error: unknown, context: FunctionContext): Promise<void> {
  runs.failed += 1;
  const nowMs = performance.now();
  if (runs.failed < FAILURES || nowMs - runs.toldAtMs < HOUR_MS) return;
  const log = logOf(context.functionName, context.awsRequestId);
  try {
    const config = await readFunctionConfig();
    const settings = settingsFrom(process.env);
    const undelivered = await tellRun(
      await openSinks(config, settings.topic),
      {
        ...{ system: config.system, verb: 'escalate' },
        sender: stackSender(config.system, settings.signingKey ?? ''),
        ...{ at: new Date(), id: randomName() },
        wrong: [error instanceof Error ? error.message : 'the escalation failed'],
        hint: 'Until this is put right, nobody hears of incidents. The log of the function escalate says why it failed.',
      },
      { signal: AbortSignal.timeout(TELLING_MS), random: randomName },
    );
    runs.toldAtMs = nowMs;
    if (undelivered.length > 0) log.error('messages did not go out', { undelivered });
  } catch (failure) {
    // Its alarm tells the topic.
    log.error('nobody could be told', errorFields(failure));
  }
}
