// Whom a step of the escalation reaches at a moment: whose turn it is, and who is within their hours.
import { turnAt, type Rotation } from '../rotation.ts';
import { isWithin, type WeekHours } from '../week-hours.ts';

/** A way to reach somebody, or a place where several read. */
export interface Target {
  readonly sink: string;
  /** The id of a contact, where the sink has to know whom it reaches. */
  readonly contact: string | undefined;
}

/** A target, and when it is one. */
export interface Reach extends Target {
  /** The contact that it is for, also where the sink need not know. */
  readonly who?: string | undefined;
  /** When the contact can be reached. @default always */
  readonly hours?: WeekHours | undefined;
  /** The contact's place in a weekly rotation. @default it is always its turn */
  readonly turn?: (Rotation & { readonly place: number }) | undefined;
}

/** Whom a step reaches, and whom it does not. */
export interface Reached {
  readonly targets: readonly Target[];
  /** Those outside of their hours, in words. */
  readonly absent: readonly string[];
}

/** Whom a step reaches at `now`. Several contacts may read in the same place: it gets one message. */
export function reachedBy(reaches: readonly Reach[], now: Date): Reached {
  const theirs = reaches.filter(
    ({ turn }) => turn === undefined || turnAt(turn, now) === turn.place,
  );
  const present = theirs.filter((one) => !isAbsent(one, now));
  const absent = theirs.filter((one) => isAbsent(one, now));
  return {
    targets: distinct(present.map(({ sink, contact }) => ({ sink, contact }))),
    absent: [...new Set(absent.map(absenceOf))],
  };
}

/** Whether it is outside of the hours of a contact. */
export function isAbsent({ hours }: Pick<Reach, 'hours'>, now: Date): boolean {
  return hours !== undefined && !isWithin(hours, now);
}

function absenceOf({ who, contact, sink, hours }: Reach): string {
  return `${who ?? contact ?? sink} is outside its hours (${hours?.texts.join(', ') ?? ''})`;
}

function distinct(targets: readonly Target[]): Target[] {
  return [...new Map(targets.map((one) => [`${one.sink} ${one.contact ?? ''}`, one])).values()];
}
