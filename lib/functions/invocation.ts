// One invocation of a function, or one run of a task: its engine with a deadline, its log, its metrics, and how it fails.
import { HoldfastError } from '../errors.ts';
import type { Kinds } from '../sources/source.ts';
import type { Engine } from '../engine/engine.ts';
import { deadlineOf, explainDeadline, type FunctionContext, type Work } from './deadline.ts';
import { lookAround } from './network.ts';
import type { RunsOn } from '../names/aws.ts';
import { errorFields, logOf, type Log } from './logger.ts';
import { publishMetrics, type Measured } from '../aws/metrics.ts';
import { openSession, type FunctionSession } from '../wiring/function-session.ts';
import { withoutSecrets } from './without-secrets.ts';

export interface Invocation extends FunctionSession {
  readonly engine: Engine;
  readonly runsOn: RunsOn;
  readonly log: Log;
  /** Tells at once what `freshness` will find anyway: that it cannot be told is logged, and no reason to fail. */
  readonly publish: (measured: Measured) => Promise<void>;
}

export interface InvokeOptions {
  /** Those whose backups the engine handles. @default - none */
  readonly kinds?: Kinds;
  /** @default archives */
  readonly work?: Work;
}

/**
 * Performs `act` with the engine of this process. What it returns is logged; what it throws is logged, and thrown as an error whose
 * name is the code, and which carries nothing but its message.
 */
export function invoke<T extends object>(
  context: FunctionContext,
  what: string,
  act: (invocation: Invocation) => Promise<T>,
  { kinds = new Map(), work = 'archives' }: InvokeOptions = {},
): Promise<T> {
  return guard(context, { what, work }, async ({ log, signal, runsOn }) => {
    await lookAround(signal, { runsOn, work });
    const session = await openSession();
    return act({
      ...session,
      engine: { ...session.engine, kinds, signal, who: whoOf(context) },
      runsOn,
      log,
      publish: (measured) => tryPublish(session, measured, log),
    });
  });
}

/** What a function has that can do without store and keys. */
export interface Bare {
  readonly log: Log;
  readonly runsOn: RunsOn;
  readonly signal: AbortSignal;
}

/** The same without an engine. */
export async function guard<T extends object>(
  context: FunctionContext,
  { what, work = 'archives' }: { readonly what: string; readonly work?: Work },
  act: (bare: Bare) => Promise<T>,
): Promise<T> {
  const log = logOf(context.functionName, context.awsRequestId);
  const { runsOn = 'function' } = context;
  using deadline = deadlineOf(context);
  try {
    const result = await act({ log, runsOn, signal: deadline.signal });
    log.info(`${what} ended`, Object.fromEntries(Object.entries(result)));
    return result;
  } catch (error) {
    const explained = explainDeadline(error, deadline, { what, work, runsOn });
    log.error(`${what} failed`, errorFields(explained));
    throw functionError(explained);
  }
}

/** Who acts, for records: the function, and the event that it serves, by which its log is found. */
export function whoOf({ functionName, awsRequestId }: FunctionContext): string {
  return `${functionName}/${awsRequestId}`;
}

/** What the service shows of a failure and passes on; it would print every field of an error, and its causes. */
export function functionError(error: unknown): Error {
  const known = error instanceof HoldfastError;
  const text = error instanceof Error ? error.message : 'an error that is none';
  const thrown = new Error(withoutSecrets(text));
  thrown.name = known ? error.code : 'UNEXPECTED';
  return thrown;
}

async function tryPublish(session: FunctionSession, measured: Measured, log: Log): Promise<void> {
  const { cloudWatch, config, engine } = session;
  try {
    await publishMetrics(cloudWatch, config.system, measured, engine.now());
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    log.warn('metrics were not published', errorFields(error));
  }
}
