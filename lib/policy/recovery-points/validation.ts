// How long AWS Backup keeps what it restored for a test, and how long we look into it. Pure.
import { HOUR_MS, MINUTE_MS } from '../../durations.ts';

/** How long the restored resource exists, so that it can be looked into. */
export const VALIDATION_HOURS = 4;

/** What was added to look is removed, and the verdict told, in the rest. */
const LOOK_MS = VALIDATION_HOURS * HOUR_MS - 30 * MINUTE_MS;

/** When a look at what was restored at `since` must be over. */
export function lookUntil(since: Date): Date {
  return new Date(since.getTime() + LOOK_MS);
}

/** Whether what was added to look at something can be of no test that still goes on. */
export function isLeftOver(created: Date, now: Date): boolean {
  return now.getTime() - created.getTime() > VALIDATION_HOURS * HOUR_MS;
}
