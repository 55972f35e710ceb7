// A fault sweep: the same act over a store that fails at its first call, its second, … until the act meets no fault any more.
import { Clock, ClockedStore } from './engine.ts';
import { faultyStore, type Fault, type FaultyStore } from './faulty-store.ts';

/** The ways in which a call fails: not done or done, alone or with everything after it. The long tests try each. */
const FAULTS: readonly Pick<Fault, 'when' | 'crash'>[] = [
  { when: 'before', crash: false },
  { when: 'after', crash: true },
  ...(process.env['HOLDFAST_SWEEPS'] === undefined
    ? []
    : ([
        { when: 'before', crash: true },
        { when: 'after', crash: false },
      ] as const)),
];

export interface Attempt {
  /** Fails at one call. */
  readonly faulty: FaultyStore;
  /** The same store, sound again. */
  readonly store: ClockedStore;
  readonly clock: Clock;
  /** What the act failed with, or undefined. */
  readonly error: unknown;
  /** For messages: `call 7 (put "backups/…"), after, crash`. */
  readonly where: string;
}

export interface Sweep<T> {
  /** What each attempt starts from; never changed. */
  readonly from: ClockedStore;
  readonly act: (store: FaultyStore, clock: Clock) => Promise<T>;
  /** Called after each attempt that met the fault. */
  readonly check: (attempt: Attempt) => Promise<void>;
}

/** Runs the sweep for each kind of fault; resolves to the number of calls that the act makes when nothing fails. */
export async function sweep<T>({ from, act, check }: Sweep<T>): Promise<number> {
  let calls = 0;
  for (const fault of FAULTS) {
    for (let failAt = 1; ; failAt++) {
      const clock = new Clock(new Date(from.clock.ms));
      const store = from.copy(clock);
      const faulty = faultyStore(store, { ...fault, failAt });
      const error = await act(faulty, clock).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      if (!faulty.struck) {
        if (error !== undefined) throw error as Error;
        calls = faulty.calls.length;
        break;
      }
      const { method = '', key = '' } = faulty.calls[failAt - 1] ?? {};
      const crash = fault.crash === true ? ', crash' : '';
      const where = `call ${failAt} (${method} "${key}"), ${fault.when}${crash}`;
      await check({ faulty, store, clock, error, where });
    }
  }
  return calls;
}
