// The end of the time of a function or a task, foreseen: a run stops cleanly before it is killed.
import { HoldfastError } from '../errors.ts';
import type { RunsOn } from '../names/aws.ts';

/** What a function gets to know of its invocation, as far as it is used; a task gives itself the same. */
export interface FunctionContext {
  /** @default function */
  readonly runsOn?: RunsOn;
  readonly functionName: string;
  /** The same when the service repeats an event that failed. */
  readonly awsRequestId: string;
  getRemainingTimeInMillis(): number;
}

export interface Deadline extends Disposable {
  readonly signal: AbortSignal;
}

/** Time to end transfers, to write the record and the metrics: a tenth of what there is. */
const SHARE = 0.1;
const LEAST_MS = 2_000;
const MOST_MS = 30_000;

/** A signal that is aborted shortly before the invocation's time is over. */
export function deadlineOf(context: FunctionContext): Deadline {
  const remainingMs = context.getRemainingTimeInMillis();
  const marginMs = Math.min(MOST_MS, Math.max(LEAST_MS, remainingMs * SHARE));
  const controller = new AbortController();
  const stop = () => controller.abort(new Error('the time is nearly over'));
  const timer = setTimeout(stop, Math.max(0, remainingMs - marginMs));
  return { signal: controller.signal, [Symbol.dispose]: () => clearTimeout(timer) };
}

/** What is worked on. */
export type Work = 'archives' | 'databases';

const ELSEWHERE =
  'run it from the command line or in CI, which have no such limit; or give large buckets to AWS Backup.';
/** What can be done when the time does not suffice. */
const ADVICE = {
  archives: {
    function: `Set \`runOn: task\` for a bucket: a task on Fargate has a day. Or split what is too large into several sources, or leave some of it out; ${ELSEWHERE}`,
    task: `Split what is too large into several sources, or leave some of it out; ${ELSEWHERE}`,
  },
  databases: {
    function: 'Set `runOn: task` for the source: a task on Fargate has a day.',
    task: 'It is too large for dumps: leave tables out, or use the snapshots of the server beside it.',
  },
} as const satisfies Record<Work, Record<RunsOn, string>>;

/** What was done, with what, and where. */
export interface Undertaking {
  readonly what: string;
  readonly work: Work;
  readonly runsOn: RunsOn;
}

/** What to say of an error: when the time was over, what can be done about that. */
export function explainDeadline(
  error: unknown,
  { signal }: Deadline,
  { what, work, runsOn }: Undertaking,
): unknown {
  if (!signal.aborted || !(error instanceof HoldfastError) || error.code !== 'CANCELLED')
    return error;
  // Who knows better what to do has said so.
  if (error.hint !== undefined) return error;
  return new HoldfastError(
    'CANCELLED',
    `${what} came near the end of the ${runsOn}'s time and was stopped; it left nothing that is listed`,
    { hint: ADVICE[work][runsOn], cause: error },
  );
}
