// Quiet hours: while they last, nobody gets a message about an incident of that severity, and its escalation stands still.
import type { Severity } from '../conditions/row.ts';
import { CONDITION_CODES, conditionOf } from '../conditions/table.ts';
import { isWithin, withinMs, type WeekHours } from '../week-hours.ts';
import type { Incident } from './state.ts';

export type QuietHours = Readonly<Partial<Record<Severity, WeekHours | undefined>>>;

type Graded = Pick<Incident, 'conditions' | 'openedAt'>;

/** The severity of an incident. It never decreases while the incident is open. */
export function severityOf(incident: Graded): Severity {
  return alarmSince(incident) === undefined ? 'watch' : 'alarm';
}

/** Since when it has been an alarm; what a person opens is one from the beginning. */
function alarmSince({ conditions, openedAt }: Graded): Date | undefined {
  if (conditions.size === 0) return openedAt;
  return [...conditions.values()]
    .filter(({ code }) => isAlarm(code))
    .reduce<Date | undefined>(
      (first, { since }) => (first === undefined || since < first ? since : first),
      undefined,
    );
}

/** A condition that this version does not know counts as an alarm. */
function isAlarm(code: string): boolean {
  const known = CONDITION_CODES.find((one) => one === code);
  return known === undefined || conditionOf(known).severity === 'alarm';
}

/** Whether messages about the incident have to wait, and why. */
export function quietAt(
  incident: Graded,
  quiet: QuietHours | undefined,
  now: Date,
): string | undefined {
  const severity = severityOf(incident);
  const hours = quiet?.[severity];
  if (hours === undefined || !isWithin(hours, now)) return undefined;
  return `it is quiet for what is ${severity === 'alarm' ? 'an alarm' : 'worth a look by day'} (${hours.texts.join(', ')})`;
}

/** How much time has passed since `from`, without quiet hours. */
export function countedMs(
  incident: Graded,
  quiet: QuietHours | undefined,
  { from, now }: { readonly from: Date; readonly now: Date },
): number {
  const passedMs = now.getTime() - from.getTime();
  if (quiet === undefined || passedMs <= 0) return passedMs;
  const { watch, alarm } = quiet;
  const turned = alarmSince(incident) ?? now;
  const watchUntil = turned < now ? turned : now;
  const alarmFrom = turned > from ? turned : from;
  const quietMs =
    (watch === undefined ? 0 : withinMs(watch, from, watchUntil)) +
    (alarm === undefined ? 0 : withinMs(alarm, alarmFrom, now));
  return passedMs - quietMs;
}
