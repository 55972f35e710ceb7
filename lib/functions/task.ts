// A handler of a function, run as a task: the same code, without a quarter of an hour as its limit.
import { ERRORS, HoldfastError, type ErrorCode } from '../errors.ts';
import { EXIT_FOR_GOOD, EXIT_FOR_NOW, TASK_VARIABLES, type TaskName } from '../names/aws.ts';
import type { FunctionContext } from './deadline.ts';
import { errorFields, logOf } from './logger.ts';

type Handler = (event: unknown, context: FunctionContext) => Promise<unknown>;
type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Has the handler `name` serve the event in the environment; gives the exit code of the process, by which the state machine
 * knows whether to begin again.
 */
export async function runTask(
  name: string | undefined,
  env: Environment,
  handlers: Readonly<Record<TaskName, Handler>>,
): Promise<0 | typeof EXIT_FOR_GOOD | typeof EXIT_FOR_NOW> {
  const task = prepare(name, env, handlers);
  if (task === undefined) return EXIT_FOR_GOOD;
  try {
    await task.handler(task.event, task.context);
    return 0;
  } catch (error) {
    // A handler logs what it ends with; what it throws is for whoever called it.
    if (error instanceof Error) return isForGood(error) ? EXIT_FOR_GOOD : EXIT_FOR_NOW;
    throw error;
  }
}

/** What a handler throws is named by its code. What has none may be anything, such as a bug that time does not heal or memory that ran out. */
function isForGood({ name }: Error): boolean {
  return Object.hasOwn(ERRORS, name) && !ERRORS[name as ErrorCode].retry;
}

function prepare(
  name: string | undefined,
  env: Environment,
  handlers: Readonly<Record<string, Handler>>,
): Task | undefined {
  try {
    return taskOf(name, env, handlers);
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    const { request, name: functionName } = TASK_VARIABLES;
    const log = logOf(env[functionName] ?? 'task', env[request] ?? '');
    log.error('the task cannot begin', errorFields(error));
    return undefined;
  }
}

interface Task {
  readonly handler: Handler;
  readonly event: unknown;
  readonly context: FunctionContext;
}

function taskOf(
  name: string | undefined,
  env: Environment,
  handlers: Readonly<Record<string, Handler>>,
): Task {
  const handler = Object.hasOwn(handlers, name ?? '') ? handlers[name ?? ''] : undefined;
  if (handler === undefined) {
    const known = Object.keys(handlers).join(', ');
    throw usage(`the task ${JSON.stringify(name ?? '')}`, `one of ${known}`);
  }
  const functionName = required(env, TASK_VARIABLES.name);
  const awsRequestId = required(env, TASK_VARIABLES.request);
  const seconds = Number(required(env, TASK_VARIABLES.timeout));
  if (!(seconds > 0)) throw usage(TASK_VARIABLES.timeout, 'a number of seconds');
  const end = performance.now() + seconds * 1000;
  const getRemainingTimeInMillis = () => Math.max(0, end - performance.now());
  const event = eventOf(required(env, TASK_VARIABLES.event));
  const context = { functionName, awsRequestId, getRemainingTimeInMillis, runsOn: 'task' } as const;
  return { handler, event, context };
}

function eventOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw usage(TASK_VARIABLES.event, 'an event as JSON');
  }
}

function required(env: Environment, name: string): string {
  const value = env[name];
  if (value !== undefined && value !== '') return value;
  throw usage(`${name} is not set`, 'what the state machine of the stack sets');
}

function usage(got: string, allowed: string): HoldfastError {
  return new HoldfastError('USAGE', `got ${got}; allowed: ${allowed}`, {
    hint: 'The state machine of the stack starts tasks; deploy the stack again.',
  });
}
