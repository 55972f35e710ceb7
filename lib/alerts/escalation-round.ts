// One round of the escalation: look where that is due, open and end incidents, and tell what is due. Nothing is kept between two rounds.
import type { Engine } from '../engine/engine.ts';
import {
  readCheckpoint,
  readIncidents,
  writeCheckpoint,
  type KnownIncidents,
} from '../engine/incidents/read.ts';
import { follow } from '../engine/incidents/write.ts';
import type { Problem } from '../errors.ts';
import { escalationOf, type EscalationPolicy } from '../policy/incidents/escalation.ts';
import type { Change, Look } from '../policy/incidents/sync.ts';
import type { Patience } from '../sinks/deliver.ts';
import { escalateAll, type Escalating, type Held, type Sent } from './escalate.ts';

export interface Round {
  readonly engine: Engine;
  readonly policy: EscalationPolicy;
  readonly patience: Patience;
  /** How the system stands; `forged` are the records of incidents that nobody vouches for. */
  readonly look: (forged: readonly Problem[]) => Promise<Look>;
  /** Looks once in each quarter of an hour, and otherwise goes by the incidents alone. @default at each round */
  readonly onlyWhenDue?: boolean;
  /** Asked only when there is somebody to tell. */
  readonly open: () => Promise<Pick<Escalating, 'sinks' | 'contacts' | 'links'>>;
}

export interface RoundDone {
  readonly changes: readonly Change[];
  readonly sent: readonly Sent[];
  readonly held: readonly Held[];
  readonly known: KnownIncidents;
}

/** Carries out one round. A run that dies anywhere in it is made up for by the next. */
export async function escalationRound(round: Round): Promise<RoundDone> {
  const { engine, policy, patience, onlyWhenDue = false } = round;
  const { checkpoint, isCurrent } = await readCheckpoint(engine);
  const looks = !onlyWhenDue || !isCurrent;
  let changes: readonly Change[] = [];
  if (looks) {
    const { problems } = await readIncidents(engine, { checkpoint });
    changes = await follow(engine, await round.look(problems), checkpoint);
  }
  // Whoever writes a checkpoint finds what was said of incidents that are over.
  const writes = looks && !isCurrent;
  const known = await readIncidents(engine, { checkpoint, further: writes });
  const asked = known.incidents.map((one) => ({
    incident: one.id,
    ...escalationOf(one, policy, engine.now()),
  }));
  const { sent, held } = asked.every(({ due }) => due.length === 0)
    ? {
        sent: [],
        held: asked.flatMap(({ incident, held }) => held.map((why) => ({ incident, why }))),
      }
    : await escalateAll(
        { ...{ engine, policy, patience, checkpoint }, ...(await round.open()) },
        known,
      );
  if (writes) await writeCheckpoint(engine, known);
  return { changes, sent, held, known };
}
