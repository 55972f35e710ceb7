// Recovery by others: what is tried is handed over by its record, and what came of it is seen in the store later. Nobody waits.
import type { Engine } from '../engine/engine.ts';
import { recoveriesBegun, type Begun, type Recovery } from '../policy/incidents/recovery.ts';
import type { Starts } from '../policy/incidents/state.ts';
import type { Incident } from '../policy/incidents/state.ts';
import { claim, conclude, recoveriesWanted, type Outcome, type Recovering } from './recover.ts';

/** Claims everything that is wanted, so that its record starts it: each act once, whatever it may end. What was begun. */
export async function handOver(
  recovering: Recovering,
  startsOf: (recovery: Recovery) => Promise<Starts>,
): Promise<readonly Starts[]> {
  const begun: Starts[] = [];
  for (const { incident, recoveries } of await recoveriesWanted(recovering)) {
    const [first, ...others] = recoveries;
    if (first === undefined) continue;
    // Those that need nothing of their own come first: the record that starts something is the last.
    for (const one of others) await claim(recovering.engine, incident, one);
    const starts = await startsOf(first);
    if (await claim(recovering.engine, incident, first, starts)) begun.push(starts);
  }
  return begun;
}

/** Writes down what came of what was begun, as far as that can be seen; whether anything was written. */
export async function concludeAll(
  engine: Engine,
  incidents: readonly Incident[],
  outcomeOf: (begun: Begun) => Promise<Outcome | undefined>,
): Promise<boolean> {
  let wrote = false;
  for (const incident of incidents) {
    for (const begun of recoveriesBegun(incident)) {
      const outcome = await outcomeOf(begun);
      if (outcome === undefined) continue;
      for (const one of begun.recoveries)
        if (await conclude(engine, incident.id, one, outcome)) wrote = true;
    }
  }
  return wrote;
}
