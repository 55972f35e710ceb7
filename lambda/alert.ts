// Tells people what is wrong, since when, what it means, and what to do next.
import { alarmChange } from '../lib/alerts/alarm-change.ts';
import { isJobEvent } from '../lib/alerts/job-change.ts';
import { tellAlarm, tellDay, tellJob, type AlertReport } from '../lib/functions/alert.ts';
import type { FunctionContext } from '../lib/functions/deadline.ts';
import { asksForReport, timeOf } from '../lib/functions/events.ts';
import { guard, invoke } from '../lib/functions/invocation.ts';
import { latestTime } from '../lib/engine/catalog/clock.ts';
import { HoldfastError } from '../lib/errors.ts';

/** A change of one of our alarms or of a job of AWS Backup, or `{ report: 'daily', at }`. */
export function handler(event: unknown, context: FunctionContext): Promise<AlertReport> {
  if (asksForReport(event)) {
    return invoke(context, 'the daily report', (invocation) =>
      tellDay(invocation, timeOf(event, latestTime(invocation.engine))),
    );
  }
  return guard(context, { what: 'telling' }, (bare) => {
    const change = alarmChange(event);
    if (change !== undefined) return tellAlarm(bare, change);
    if (isJobEvent(event)) return tellJob(bare, event);
    throw new HoldfastError(
      'USAGE',
      'the event is about no alarm and no job, and asks for no report',
      {
        hint: 'Send { "report": "daily", "at": "2026-11-22T08:00:00Z" }.',
      },
    );
  });
}
