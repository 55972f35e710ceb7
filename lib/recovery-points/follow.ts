// Following a job of AWS Backup to its end.
import { setTimeout as sleep } from 'node:timers/promises';

/** What is told of a job on its way. */
export interface JobProgress {
  readonly state: string;
  readonly message: string | undefined;
  readonly percent: number | undefined;
}

const SHORTEST_MS = 1_000;
const LONGEST_MS = 15_000;
/** Everything else may still change: also a state that is not known here. */
const ENDS: ReadonlySet<string> = new Set(['ABORTED', 'COMPLETED', 'EXPIRED', 'FAILED', 'PARTIAL']);

/** Whether a job in that state changes no more. */
export function hasEnded(state: string): boolean {
  return ENDS.has(state);
}

/**
 * Asks until the job has ended or `deadline` is aborted, and gives what was seen last. Each answer goes to `onProgress`. Asking
 * becomes rarer: jobs take minutes or hours, and an account has few calls a second.
 */
export async function follow<J extends JobProgress>(
  ask: () => Promise<J>,
  { deadline, onProgress }: { deadline: AbortSignal; onProgress: (job: J) => void },
): Promise<J> {
  for (let pauseMs = SHORTEST_MS; ; pauseMs = Math.min(LONGEST_MS, pauseMs * 2)) {
    const job = await ask();
    onProgress(job);
    if (hasEnded(job.state) || deadline.aborted) return job;
    await sleep(pauseMs, undefined, { signal: deadline }).catch(() => undefined);
  }
}
