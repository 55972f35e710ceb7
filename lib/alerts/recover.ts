// Tries by itself what may end an incident: each thing once, also when two runs want to, and with a record before and after.
import type { Engine } from '../engine/engine.ts';
import { readCheckpoint, readIncidents } from '../engine/incidents/read.ts';
import { writeEvent } from '../engine/incidents/write.ts';
import { HoldfastError } from '../errors.ts';
import type { EscalationPolicy } from '../policy/incidents/escalation.ts';
import { recoveriesDue, recoveryDetail, type Recovery } from '../policy/incidents/recovery.ts';
import type { Starts } from '../policy/incidents/state.ts';

/** What came of it. */
export interface Outcome {
  readonly outcome: 'done' | 'failed';
  /** In words. */
  readonly result: string;
}

export interface Recovered extends Recovery, Outcome {
  readonly incident: string;
}

export interface Recovering {
  readonly engine: Engine;
  readonly policy: EscalationPolicy;
  /** Whether it can be done from here. */
  readonly can: (recovery: Recovery) => boolean;
}

interface Wanted {
  readonly incident: string;
  /** What one act would end. */
  readonly recoveries: readonly Recovery[];
}

/** What is to be tried now, and can be from here. */
export async function recoveriesWanted({ engine, policy, can }: Recovering): Promise<Wanted[]> {
  const { checkpoint } = await readCheckpoint(engine);
  const { incidents } = await readIncidents(engine, { checkpoint });
  return incidents.flatMap((incident) => {
    const due = recoveriesDue(incident, policy, engine.now()).filter(can);
    const acts = Map.groupBy(due, ({ act, source }) => `${act} ${source}`);
    return [...acts.values()].map((recoveries) => ({ incident: incident.id, recoveries }));
  });
}

/** Tries everything that is wanted, one after the other. */
export async function recoverAll(
  recovering: Recovering,
  attempt: (incident: string, recovery: Recovery) => Promise<Outcome>,
): Promise<Recovered[]> {
  const { engine } = recovering;
  const done: Recovered[] = [];
  for (const { incident, recoveries } of await recoveriesWanted(recovering)) {
    const own: Recovery[] = [];
    for (const one of recoveries) if (await claim(engine, incident, one)) own.push(one);
    const [first] = own;
    if (first === undefined) continue;
    const { outcome, result } = await outcomeOf(attempt(incident, first));
    for (const one of own) {
      await conclude(engine, incident, one, { outcome, result });
      done.push({ incident, ...one, outcome, result });
    }
  }
  return done;
}

function wordsOf({ act, source }: Recovery): string {
  return act === 'backup' ? `another backup of ${source}` : `a repair of ${source}`;
}

/** Whether it is ours to try: of two runs, one has the record. */
export function claim(
  engine: Engine,
  incident: string,
  recovery: Recovery,
  starts?: Starts,
): Promise<boolean> {
  const detail = recoveryDetail(recovery);
  const event = { incident, sequence: 0, event: 'trying', detail } as const;
  const text = wordsOf(recovery);
  return isFirst(writeEvent(engine, { ...event, text, ...(starts && { starts }) }));
}

/** Writes down what came of it; whether nobody else has. */
export function conclude(
  engine: Engine,
  incident: string,
  recovery: Recovery,
  { outcome, result }: Outcome,
): Promise<boolean> {
  const detail = recoveryDetail(recovery);
  const event = { incident, sequence: 0, event: 'tried', detail, outcome } as const;
  return isFirst(writeEvent(engine, { ...event, text: `${wordsOf(recovery)}: ${result}` }));
}

async function isFirst(written: Promise<void>): Promise<boolean> {
  try {
    await written;
    return true;
  } catch (error) {
    if (error instanceof HoldfastError && error.code === 'STORE_CONFLICT') return false;
    throw error;
  }
}

async function outcomeOf(attempt: Promise<Outcome>): Promise<Outcome> {
  try {
    return await attempt;
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    return { outcome: 'failed', result: error.message };
  }
}
