// When people hear that all is well, or what is not. Pure.
import { parseSchedule, previousDue } from './schedule.ts';

/** As schedules; the stack reads them in UTC. */
export const REPORT_TIMES = { daily: '0 8 * * *', weekly: '0 8 * * 1' } as const;

export type ReportPeriod = keyof typeof REPORT_TIMES;

/** The last time at which a report was due: what is sent stands for it, once. */
export function reportDue(period: ReportPeriod, timeZone: string, now: Date): Date | undefined {
  return previousDue(parseSchedule(REPORT_TIMES[period], timeZone), now);
}
