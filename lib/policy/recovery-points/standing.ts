// Which recovery points count. AWS Backup lists many that nobody should rely on, and calls some of them completed.
import { CLOCK_TOLERANCE_MS } from '../durations.ts';

/** What AWS Backup says of how something stands. */
export interface JobMessage {
  /** As AWS calls it; any text. */
  readonly state: string;
  readonly message: string | undefined;
  /** `SUCCESS` where all went well. @default - AWS does not say it of this */
  readonly category?: string | undefined;
}

/** A recovery point, as a vault lists it. */
export interface PointSeen extends JobMessage {
  readonly arn: string;
  readonly resource: string;
  /** The kind of the resource, as AWS Backup calls it. */
  readonly type: string;
  readonly created: Date;
  readonly completed: Date | undefined;
  readonly bytes: number | undefined;
  /** The ARN, the name and the rule of the plan that made it; undefined for a job on demand, or where AWS does not say it. */
  readonly plan: string | undefined;
  readonly planName: string | undefined;
  readonly rule: string | undefined;
  /** When AWS Backup will delete it. */
  readonly deleteAt: Date | undefined;
}

/**
 * `good`: it counts. `continuous`: it restores any moment, and its own time says nothing of how recent the last one is. `unfinished`
 * and `ending` do not count, and are no fault. `bad` does not count, and somebody should know why.
 */
export type PointStanding = 'good' | 'continuous' | 'unfinished' | 'ending' | 'bad';

export interface PointVerdict {
  readonly standing: PointStanding;
  readonly why: string;
}

/** Whether something that AWS calls completed has left something out: its console calls that "completed with issues". */
export function hasIssues({ message = '', category }: Omit<JobMessage, 'state'>): boolean {
  if (category !== undefined) return category.toUpperCase() !== 'SUCCESS';
  const said = message.trim();
  return said !== '' && !/^(completed )?success(ful|fully)?\b/i.test(said);
}

/** Whether it is one of those that restore any moment. */
export function isContinuous({ arn, state }: Pick<PointSeen, 'arn' | 'state'>): boolean {
  return state === 'AVAILABLE' || state === 'STOPPED' || /:recovery-point:continuous:/.test(arn);
}

/** How a recovery point stands at `now`. */
export function pointStanding(point: PointSeen, now: Date): PointVerdict {
  const { state, message = '' } = point;
  const said = message.trim() === '' ? '' : `: ${message.trim()}`;
  if (point.created.getTime() > now.getTime() + CLOCK_TOLERANCE_MS)
    return { standing: 'bad', why: 'its time has not come yet' };
  switch (state) {
    case 'COMPLETED':
    case 'AVAILABLE':
      if (hasIssues(point)) return { standing: 'bad', why: `completed with issues${said}` };
      return isContinuous(point)
        ? { standing: 'continuous', why: 'it restores any moment' }
        : { standing: 'good', why: 'completed' };
    case 'CREATING':
      return { standing: 'unfinished', why: 'it is being made' };
    case 'DELETING':
      return { standing: 'ending', why: 'it is being deleted' };
    case 'EXPIRED':
      return { standing: 'bad', why: `expired, and AWS Backup could not delete it${said}` };
    case 'PARTIAL':
      return { standing: 'bad', why: `partial${said}` };
    case 'STOPPED':
      return { standing: 'bad', why: `continuous backup was stopped${said}` };
    default:
      return { standing: 'bad', why: `in the state ${state}, which is not known here${said}` };
  }
}
