// Which time of its schedule a run stands for. Pure.
import { previousDue, type Schedule } from './schedule.ts';

const MINUTE_MS = 60_000;

/**
 * The time for which a schedule fired last, so that one that fires twice gives the same time twice.
 *
 * A source without a schedule of its own goes by those of the sources that the run backs up with it, the latest first; where none
 * has one, by the minute, as nothing fires more often.
 */
export function firedAt(own: Schedule | undefined, beside: readonly Schedule[], now: Date): Date {
  const due = (own === undefined ? beside : [own])
    .map((schedule) => previousDue(schedule, now)?.getTime())
    .filter((time) => time !== undefined);
  const latest =
    due.length > 0 ? Math.max(...due) : Math.floor(now.getTime() / MINUTE_MS) * MINUTE_MS;
  return new Date(latest);
}
