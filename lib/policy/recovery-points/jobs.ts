// How a job of AWS Backup ended, from what AWS says of it.
import { hasIssues, type JobMessage } from './standing.ts';

/** `other`: a state that is not known here. */
export type JobOutcome =
  'running' | 'done' | 'issues' | 'partial' | 'failed' | 'expired' | 'aborted' | 'other';

const OUTCOMES: Readonly<Record<string, JobOutcome>> = {
  ABORTED: 'aborted',
  ABORTING: 'running',
  COMPLETED: 'done',
  COMPLETING: 'running',
  CREATED: 'running',
  EXPIRED: 'expired',
  FAILED: 'failed',
  FAILING: 'running',
  PARTIAL: 'partial',
  PENDING: 'running',
  RUNNING: 'running',
};

/** How a job ended, or that it has not. */
export function jobOutcome(job: JobMessage): JobOutcome {
  const outcome = Object.hasOwn(OUTCOMES, job.state) ? OUTCOMES[job.state] : undefined;
  if (outcome === 'done' && hasIssues(job)) return 'issues';
  return outcome ?? 'other';
}
