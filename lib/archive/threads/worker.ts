// A worker thread: performs one job after the other and answers each.
import { parentPort, workerData } from 'node:worker_threads';
import { HoldfastError } from '../../errors.ts';
import { perform, type JobName, type Jobs } from './jobs.ts';
import { letGo } from './reclaim.ts';

export interface Request {
  readonly id: number;
  readonly name: JobName;
  readonly job: Jobs[JobName][0];
  /** About how much is read or encoded. */
  readonly workBytes: number;
}

/** Errors cross the thread as data: a class does not survive the way. */
export type Reply =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: ErrorData };

export interface ErrorData {
  readonly code: HoldfastError['code'] | undefined;
  readonly errno: string | undefined;
  readonly message: string;
  readonly hint: string | undefined;
  readonly stack: string | undefined;
}

const port = parentPort;
if (port === null) throw new Error('this file runs as a worker thread only');

port.on('message', ({ id, name, job, workBytes }: Request) => {
  try {
    const { result, transfer } = perform(name, job);
    port.postMessage({ id, result } satisfies Reply, transfer);
    letGo(workBytes);
  } catch (error) {
    port.postMessage({ id, error: errorData(error) } satisfies Reply);
  }
});

Atomics.store(workerData as Int32Array, 0, 1);

function errorData(error: unknown): ErrorData {
  const known = error instanceof HoldfastError ? error : undefined;
  return {
    code: known?.code,
    errno: (error as NodeJS.ErrnoException).code,
    message: error instanceof Error ? error.message : String(error),
    hint: known?.hint,
    stack: error instanceof Error ? error.stack : undefined,
  };
}
