// Tells of runs that did not go well: a command that finds something wrong tells the people whom `notify` names, not only the terminal.
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { unwellLines } from '../alerts/alarm-lines.ts';
import { tellRun } from '../alerts/tell-run.ts';
import type { Config } from '../config/config.ts';
import type { SecretReference } from '../config/places.ts';
import type { Status } from '../engine/status.ts';
import { mayWriteIncidents } from '../engine/incidents/write.ts';
import { ERRORS, HoldfastError } from '../errors.ts';
import { isUnwell } from '../policy/conditions/table.ts';
import type { Beat } from '../sinks/heartbeat.ts';
import { randomName } from '../wiring/machine.ts';
import { beatAt, openSinks } from '../wiring/sinks.ts';
import { escalateOnce, warnOfFailures } from './incidents.ts';
import type { Invocation, Run } from './invocation.ts';
import { lookAround } from './look.ts';
import { configOf, openSession, senderHere } from './session.ts';

type Verb = 'backup' | 'verify' | 'restore-test' | 'repair' | 'prune' | 'escalate' | 'run-due';

/** How a run ended: with an exit code, or with an error. */
type Ending = { readonly exit: number } | { readonly error: unknown };

/** How long messages may take altogether: cron and pipelines wait for them. */
const ALL_MS = 90_000;

/**
 * `act`, which tells of its failures through the sinks of the configuration and calls its heartbeats. What it returns or throws stays
 * the same; a sink that fails is said on standard error, and told through the others. If a failure leaves no incident, a message
 * goes out only if `isNews` says so.
 */
export function telling<Options extends object>(
  verb: Verb,
  act: Run<Options>,
  isNews: () => Promise<boolean> = () => Promise.resolve(true),
): Run<Options> {
  return async (names, invocation) => {
    const config = toldOf(invocation);
    if (config === undefined) return act(names, invocation);
    const sources = config.sources.filter(({ name }) => names.length === 0 || names.includes(name));
    const beats = verb === 'backup' ? sources : [];
    await beatAll(config, [config.notify, ...beats], 'start');
    const ending = await endingOf(act, names, invocation);
    if (!isInterrupted(ending) && !isUsage(ending)) {
      const status = await tell(verb, { config, invocation, ending }, isNews);
      await beatAfter(verb, { config, invocation, ending, sources, status });
    }
    if ('error' in ending) throw ending.error;
    return ending.exit;
  };
}

/** The configuration, where it names anybody or anything to tell. */
function toldOf({ options }: Invocation): Config | undefined {
  if ((options as { dryRun?: boolean }).dryRun === true) return undefined;
  try {
    const config = configOf(options);
    if (config === undefined) return undefined;
    const { notify, sources } = config;
    const isTold =
      notify.sinks.length > 0 || [notify, ...sources].some((one) => one.heartbeat !== undefined);
    return isTold ? config : undefined;
  } catch (error) {
    // The command meets the same, and says it: where no configuration can be read, nobody can be told.
    if (error instanceof HoldfastError) return undefined;
    throw error;
  }
}

async function endingOf<Options extends object>(
  act: Run<Options>,
  names: string[],
  invocation: Invocation<Options>,
): Promise<Ending> {
  try {
    return { exit: await act(names, invocation) };
  } catch (error) {
    return { error };
  }
}

function isInterrupted(ending: Ending): boolean {
  if ('exit' in ending) return ending.exit === ERRORS.CANCELLED.exit;
  return ending.error instanceof HoldfastError && ending.error.code === 'CANCELLED';
}

/** People who mistyped a command or interrupted it know that already. */
function isWorthTelling(ending: Ending): boolean {
  if (isInterrupted(ending)) return false;
  if ('exit' in ending) return ending.exit !== 0;
  return !isUsage(ending);
}

function isUsage(ending: Ending): boolean {
  return (
    'error' in ending && ending.error instanceof HoldfastError && ending.error.code === 'USAGE'
  );
}

interface Ended {
  readonly config: Config;
  readonly invocation: Invocation;
  readonly ending: Ending;
}

/**
 * Tells through an incident where the store can hold one, so that nobody hears twice of the same; otherwise at once. How everything
 * stands, where that was looked at.
 */
async function tell(
  verb: Verb,
  ended: Ended,
  isNews: () => Promise<boolean>,
): Promise<Status | undefined> {
  if (ended.config.notify.sinks.length === 0 || isToldByStack(ended)) return undefined;
  const { isTold, status } = await throughIncidents(ended);
  if (!isTold && isWorthTelling(ended.ending) && (await isNews())) await tellDirectly(verb, ended);
  return status;
}

/** What happens before anything can be stored, and so before the stack can know of it. */
const UNRECORDED: readonly string[] = [
  ...['CONFIG_INVALID', 'NO_SPACE', 'STORE_DENIED', 'STORE_UNAVAILABLE', 'UNTRUSTED'],
];

/** Whether the function `escalate` hears of it, by the record that the run has left: then nobody has to be told twice. */
function isToldByStack({ config, ending }: Ended): boolean {
  if (config.aws === undefined) return false;
  if (!('error' in ending)) return true;
  return ending.error instanceof HoldfastError && !UNRECORDED.includes(ending.error.code);
}

/** Whether incidents say all that there is to say. */
async function throughIncidents({
  invocation: { options },
  ending,
}: Ended): Promise<{ isTold: boolean; status?: Status | undefined }> {
  try {
    const signal = AbortSignal.timeout(ALL_MS);
    await using session = await openSession({
      options: { ...options, quiet: true },
      signal,
      signing: 'optional',
    });
    if (!mayWriteIncidents(session.engine)) {
      if (isWorthTelling(ending))
        warn(
          'the key of this machine may not vouch for incidents/, so each failure sends a new message: add `incidents/` to its `prefixes` under `trust`',
        );
      return { isTold: false };
    }
    const { sent, known, status } = await escalateOnce(session, { onlyWhenDue: false, signal });
    warnOfFailures(sent);
    const isTold = known.incidents.some(({ resolved }) => resolved === undefined);
    return { isTold, status };
  } catch (error) {
    if (error instanceof HoldfastError) return { isTold: false };
    throw error;
  }
}

/** Tells that a command failed, through each sink; what it was, and what is wrong besides. Nobody can be told without a configuration. */
export async function tellFailure(
  verb: Verb,
  invocation: Invocation,
  error: unknown,
): Promise<void> {
  const config = toldOf(invocation);
  const ending = { error };
  if (config === undefined || !isWorthTelling(ending)) return;
  await tellDirectly(verb, { config, invocation, ending });
}

async function tellDirectly(verb: Verb, { config, invocation, ending }: Ended): Promise<void> {
  const sinks = await openSinks(config);
  if (sinks.length === 0) return;
  const { wrong, hint } = await whatIsWrong(invocation, ending);
  const ended = {
    ...{ system: config.system, sender: senderHere(config) },
    ...{ at: new Date(), id: randomName() },
  };
  const undelivered = await tellRun(
    sinks,
    { ...ended, verb, wrong, hint },
    { signal: AbortSignal.timeout(ALL_MS), random: randomName },
  );
  for (const { sink, why } of undelivered)
    warn(`the sink ${sink} did not take the message: ${why}`);
}

/** The error of the run, and what is wrong by the one judgment of the system. */
async function whatIsWrong(
  invocation: Invocation,
  ending: Ending,
): Promise<{ wrong: string[]; hint: string | undefined }> {
  const failure = 'error' in ending ? ending.error : undefined;
  const message = failure instanceof Error ? failure.message : undefined;
  const hint = failure instanceof HoldfastError ? failure.hint : undefined;
  const found = await wrongNow(invocation);
  // A store that cannot be opened says the same twice.
  const wrong = [...new Set([...(message === undefined ? [] : [message]), ...found])];
  if (wrong.length > 0) return { wrong, hint };
  const exit = 'exit' in ending ? ending.exit : 1;
  return { wrong: [`it ended with exit code ${exit}; its output says why`], hint };
}

/** What is wrong now, or why nobody can tell. */
async function wrongNow(invocation: Invocation): Promise<string[]> {
  const status = await standing(invocation);
  return typeof status === 'string' ? [status] : unwellLines(status);
}

/** How everything stands, or why nobody can tell. */
async function standing({ options }: Invocation): Promise<Status | string> {
  try {
    await using session = await openSession({
      options: { ...options, quiet: true },
      // Not the signal of the run, which may have been interrupted.
      signal: AbortSignal.timeout(ALL_MS),
      signing: 'none',
    });
    return await lookAround(session);
  } catch (error) {
    if (error instanceof HoldfastError) return error.message;
    throw error;
  }
}

/** A failure is called at once; a success only while all that the heartbeat stands for is well. */
async function beatAfter(
  verb: Verb,
  {
    config,
    invocation,
    ending,
    sources,
    status: seen,
  }: Ended & {
    readonly sources: readonly Config['sources'][number][];
    readonly status: Status | undefined;
  },
): Promise<void> {
  const { heartbeat } = config.notify;
  const failed = isWorthTelling(ending);
  if (verb !== 'backup') {
    if (failed) await beatAll(config, [config.notify], 'fail');
    return;
  }
  const watched = sources.filter((one) => one.heartbeat !== undefined);
  if (heartbeat === undefined && watched.length === 0) return;
  const status = seen ?? (await standing(invocation));
  const isWell = typeof status !== 'string' && status.well;
  if (failed) await beatAll(config, [config.notify], 'fail');
  else if (isWell) await beatAll(config, [config.notify], 'success');
  for (const one of watched) {
    const found =
      typeof status === 'string' ? undefined : status.sources.find((s) => s.source === one.name);
    const unwell = found?.findings.some(isUnwell) ?? true;
    if (!unwell) await beatAll(config, [one], 'success');
    else if (failed) await beatAll(config, [one], 'fail');
  }
}

/** Calls each of these heartbeats; those that cannot be called are reported, and their services notice, too. */
async function beatAll(
  config: Config,
  places: readonly { readonly heartbeat: SecretReference | undefined }[],
  beat: Beat,
): Promise<void> {
  const signal = AbortSignal.timeout(ALL_MS);
  await Promise.all(
    places.map(async ({ heartbeat }) => {
      if (heartbeat === undefined) return;
      let delivery = await beatAt(config, heartbeat, { beat, signal });
      // The start says little: nobody waits for it twice.
      if (!delivery.delivered && delivery.again && beat !== 'start') {
        await sleep(1_000);
        delivery = await beatAt(config, heartbeat, { beat, signal });
      }
      if (!delivery.delivered) warn(`the heartbeat (${beat}) was not called: ${delivery.why}`);
    }),
  );
}

function warn(text: string): void {
  process.stderr.write(`warning: ${text}\n`);
}
