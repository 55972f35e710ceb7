// Leaps of the clock to just before something is due.
import type { MiniStack } from './ministack.ts';
import { until } from './until.ts';

const DAY_MS = 24 * 3_600_000;
/** How long before something is due a leap ends. */
const BEFORE_MS = 3_000;

/** Leaps to shortly before the next `hour:minute` in UTC on a day that suits, unless that is now; returns the time. */
export async function leapBefore(
  aws: MiniStack,
  time: `${number}:${number}`,
  suits: (day: Date) => boolean,
): Promise<Date> {
  const [hour = 0, minute = 0] = time.split(':').map(Number);
  const at = new Date(aws.now());
  at.setUTCHours(hour, minute, 0, 0);
  while (at <= aws.now() || !suits(at)) at.setTime(at.getTime() + DAY_MS);
  const before = new Date(at.getTime() - BEFORE_MS);
  if (before > aws.now()) await aws.leapTo(before);
  return at;
}

/** Waits until the Scheduler has started everything that was due up to `time`. */
export async function untilStarted(aws: MiniStack, time: Date): Promise<void> {
  await until(`the Scheduler has passed ${time.toISOString()}`, () => {
    const [line = ''] =
      aws
        .log()
        .match(/^schedules started until \d+$/gm)
        ?.slice(-1) ?? [];
    return Promise.resolve(Number(line.replaceAll(/\D/g, '')) >= time.getTime() ? true : undefined);
  });
}
