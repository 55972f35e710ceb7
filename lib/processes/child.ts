// Starts programs, stops them when the run is interrupted, and says how they ended. What an end means is for the caller to say.
import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';

/** How a program ended. */
export interface Ending {
  /** Null when a signal ended it, and when it could not be started. */
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Why it could not be started. */
  readonly notStarted: NodeJS.ErrnoException | undefined;
}

export interface Running<C extends ChildProcess> {
  readonly child: C;
  /** Resolves once, when the program has ended and its output is closed; never rejects. */
  readonly ended: Promise<Ending>;
}

/** Starts a program; `stop` is called when `signal` aborts before its end, also when it has aborted already. */
export function startChild<C extends ChildProcess>(
  { file, args, options }: { file: string; args: readonly string[]; options: SpawnOptions },
  signal: AbortSignal | undefined,
  stop: (child: C) => void,
): Running<C> {
  // The type says which of the three streams are pipes; `options.stdio` decides it.
  const child = spawn(file, args, options) as C;
  const { promise: ended, resolve } = Promise.withResolvers<Ending>();
  const abort = () => stop(child);
  const end = (ending: Ending) => {
    signal?.removeEventListener('abort', abort);
    resolve(ending);
  };
  child.on('error', (notStarted) => end({ exitCode: null, signal: null, notStarted }));
  child.on('close', (exitCode, by) => end({ exitCode, signal: by, notStarted: undefined }));
  signal?.addEventListener('abort', abort, { once: true });
  if (signal?.aborted === true) abort();
  return { child, ended };
}
