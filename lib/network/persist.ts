// Tries again while what went wrong may pass. What may pass, and how long to wait for that, the caller says.
import { setTimeout as sleep } from 'node:timers/promises';

/** How to wait; a signal that is aborted ends it with an error. */
export type Wait = (ms: number, signal: AbortSignal | undefined) => Promise<void>;

export interface Persistence {
  /** How long to wait, in milliseconds, after attempt number `attempt` ended with `error`; undefined to leave it at that. */
  readonly again: (
    error: unknown,
    attempt: number,
  ) => number | undefined | Promise<number | undefined>;
  readonly signal?: AbortSignal | undefined;
  /** @default by the clock */
  readonly wait?: Wait | undefined;
}

/**
 * What `act` gives in the end, or the error of its last attempt. A signal that is aborted ends it too, with whatever error that
 * gives: what an interruption means, the caller says.
 */
export async function persist<T>(
  act: () => Promise<T>,
  { again, signal, wait = byTheClock }: Persistence,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await act();
    } catch (error) {
      const pauseMs = signal?.aborted === true ? undefined : await again(error, attempt);
      if (pauseMs === undefined) throw error;
      await wait(pauseMs, signal);
    }
  }
}

async function byTheClock(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await sleep(ms, undefined, signal === undefined ? {} : { signal });
}
