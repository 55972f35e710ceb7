// Which of two backups of a source is the newer one. All code that sorts or chooses backups uses this order.

/** What the order looks at. */
export interface Dated {
  readonly id: string;
  /** When the run began, by the clock of the machine that ran it; of a repair, when the run began that it repairs. */
  readonly begin: Date;
  /** When the manifest was stored, by the store's clock. */
  readonly storedAt: Date;
}

/**
 * The time whose state a backup holds: the earlier of its begin and the time when it was stored.
 *
 * Neither a slow upload nor a clock that is ahead makes it look younger. The time in the id does not count: it says which run was due,
 * and a run that comes late holds what it found when it began.
 */
export function effectiveTime({ begin, storedAt }: Omit<Dated, 'id'>): Date {
  return begin < storedAt ? begin : storedAt;
}

/** Sorts by effective time, the oldest first; where these are equal, by id. */
export function oldestFirst(a: Dated, b: Dated): number {
  const ms = effectiveTime(a).getTime() - effectiveTime(b).getTime();
  if (ms !== 0) return ms;
  return a.id === b.id ? 0 : a.id < b.id ? -1 : 1;
}

/** The reverse of `oldestFirst`. */
export function newestFirst(a: Dated, b: Dated): number {
  return oldestFirst(b, a);
}

/** The newest; undefined of none. */
export function newestOf<B extends Dated>(backups: readonly B[]): B | undefined {
  return backups.reduce<B | undefined>(
    (newest, one) => (newest === undefined || newestFirst(one, newest) < 0 ? one : newest),
    undefined,
  );
}
