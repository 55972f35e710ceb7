// The pool of worker threads. Started by the first work that is worth one; small runs never start any.
import os from 'node:os';
import { Worker } from 'node:worker_threads';
import { HoldfastError } from '../../errors.ts';
import { perform, type JobName, type Jobs } from './jobs.ts';
import { letGo } from './reclaim.ts';
import type { ErrorData, Reply, Request } from './worker.ts';

const MAX_WORKERS = 6;
/** Below this much work in all, starting a thread costs more than it saves. */
const WORTH_BYTES = 12 << 20;
/** Jobs that a worker has before it, so that it never waits for the next. */
const AHEAD = 3;

interface Waiting {
  readonly request: Request;
  readonly transfer: ArrayBuffer[];
  readonly resolve: (result: never) => void;
  readonly reject: (error: unknown) => void;
}

interface Running {
  readonly worker: Worker;
  /** Set by the worker itself: this thread may be too busy to be told. */
  readonly ready: Int32Array;
  readonly jobs: Map<number, Waiting>;
  /** Called once nothing is under way; set when the pool closes. */
  onIdle: (() => void) | undefined;
}

export interface PoolOptions {
  /** Threads at most; the number of cores by default, and never more than six. 0 does everything in this thread. */
  readonly workers?: number;
}

/** Performs jobs, in worker threads once there is enough to do. */
export class Pool implements AsyncDisposable {
  readonly size: number;
  private readonly queue: Waiting[] = [];
  private readonly running: Running[] = [];
  private workBytes = 0;
  private nextId = 0;
  private closed = false;

  constructor(options: PoolOptions = {}) {
    this.size = Math.min(options.workers ?? os.availableParallelism(), MAX_WORKERS);
  }

  /**
   * Performs a job; what it throws, this throws.
   *
   * @param workBytes - how much there is to read or encode: decides whether threads are worth starting
   * @param transfer - buffers of the job that change hands; they cannot be used by the caller afterwards
   */
  async run<K extends JobName>(
    name: K,
    job: Jobs[K][0],
    workBytes: number,
    transfer: ArrayBuffer[] = [],
  ): Promise<Jobs[K][1]> {
    if (this.closed) throw new HoldfastError('CANCELLED', 'the work was stopped');
    this.workBytes += workBytes;
    if (this.size === 0 || (this.running.length === 0 && this.workBytes < WORTH_BYTES)) {
      return perform(name, job).result;
    }
    if (this.running.length === 0) for (let i = 0; i < this.size; i++) this.start();
    // Until the first of them has loaded its code, this thread does the work.
    if (!this.running.some(isReady)) return perform(name, job).result;
    return new Promise<Jobs[K][1]>((resolve, reject) => {
      const request: Request = { id: this.nextId++, name, job, workBytes };
      this.queue.push({ request, transfer, resolve, reject });
      this.dispatch();
    });
  }

  private start(): void {
    const file = import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js';
    const ready = new Int32Array(new SharedArrayBuffer(4));
    const worker = new Worker(new URL(file, import.meta.url), {
      workerData: ready,
      // Little garbage survives a job, so a small nursery keeps memory low and costs nothing.
      resourceLimits: { maxYoungGenerationSizeMb: 3, maxOldGenerationSizeMb: 128 },
    });
    const entry: Running = { worker, ready, jobs: new Map(), onIdle: undefined };
    worker.on('message', (reply: Reply) => this.settle(entry, reply));
    worker.on('error', (error) => this.fail(entry, error));
    worker.unref();
    this.running.push(entry);
  }

  private dispatch(): void {
    while (this.queue.length > 0) {
      const started = this.running.filter(isReady);
      const [first = this.running[0]] = started;
      if (first === undefined) return;
      const idlest = started.reduce((a, b) => (b.jobs.size < a.jobs.size ? b : a), first);
      if (idlest.jobs.size >= AHEAD) return;
      const waiting = this.queue.shift();
      if (waiting === undefined) return;
      idlest.jobs.set(waiting.request.id, waiting);
      idlest.worker.ref();
      idlest.worker.postMessage(waiting.request, waiting.transfer);
    }
  }

  private settle(entry: Running, reply: Reply): void {
    const waiting = entry.jobs.get(reply.id);
    entry.jobs.delete(reply.id);
    letGo(waiting?.request.workBytes ?? 0);
    // One that is being stopped must be waited for: the process would end before what it awaits.
    if (entry.jobs.size === 0 && !this.closed) entry.worker.unref();
    if ('error' in reply) waiting?.reject(revive(reply.error));
    else waiting?.resolve(reply.result as never);
    if (entry.jobs.size === 0) entry.onIdle?.();
    this.dispatch();
  }

  private fail(entry: Running, error: unknown): void {
    const at = this.running.indexOf(entry);
    if (at >= 0) this.running.splice(at, 1);
    entry.onIdle?.();
    for (const waiting of entry.jobs.values()) waiting.reject(error);
    for (const waiting of this.running.length === 0 ? this.queue.splice(0) : [])
      waiting.reject(error);
  }

  /** Stops the threads; jobs under way fail with `CANCELLED`. */
  async close(): Promise<void> {
    this.closed = true;
    const stopped = new HoldfastError('CANCELLED', 'the work was stopped');
    for (const waiting of this.queue.splice(0)) waiting.reject(stopped);
    await Promise.all(
      this.running.splice(0).map(async (entry) => {
        for (const waiting of entry.jobs.values()) waiting.reject(stopped);
        // Node aborts the process when a thread is terminated while it opens a zlib stream; a job takes milliseconds.
        if (entry.jobs.size > 0) await idle(entry);
        void entry.worker.terminate();
      }),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

function idle(entry: Running): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  entry.onIdle = () => resolve(undefined);
  return promise;
}

function isReady({ ready }: Running): boolean {
  return Atomics.load(ready, 0) === 1;
}

function revive(data: ErrorData): Error {
  const error =
    data.code === undefined
      ? new Error(data.message)
      : new HoldfastError(
          data.code,
          data.message,
          data.hint === undefined ? {} : { hint: data.hint },
        );
  if (data.stack !== undefined) error.stack = data.stack;
  if (data.code === undefined && data.errno !== undefined)
    Object.assign(error, { code: data.errno });
  return error;
}
