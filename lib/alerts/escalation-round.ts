// One round of the escalation: look where that is due, open and end incidents, and tell what is due. Nothing is kept between two rounds.
import type { Engine } from '../engine/engine.ts';
import {
  readCheckpoint,
  readIncidents,
  writeCheckpoint,
  type KnownIncidents,
} from '../engine/incidents/read.ts';
import { follow } from '../engine/incidents/write.ts';
import { escalationOf, type EscalationPolicy } from '../policy/incidents/escalation.ts';
import type { Change, Look } from '../policy/incidents/sync.ts';
import type { Patience } from '../sinks/deliver.ts';
import { escalateAll, type Escalating, type Held, type Sent } from './escalate.ts';

export interface Round {
  readonly engine: Engine;
  readonly policy: EscalationPolicy;
  readonly patience: Patience;
  /** How the system stands, by what is known of its incidents. */
  readonly look: (known: KnownIncidents) => Promise<Look>;
  /** Writes down before the look what came of what was begun earlier; whether anything was written. @default - nothing was begun */
  readonly conclude?: (known: KnownIncidents) => Promise<boolean>;
  /**
   * `due`: looks once in each quarter of an hour, and otherwise goes by the incidents alone. `open`: also while an incident is open,
   * which may be over now. @default always
   */
  readonly looks?: 'always' | 'open' | 'due';
  /** Asked only when there is somebody to tell. */
  readonly open: () => Promise<Pick<Escalating, 'sinks' | 'contacts' | 'sender' | 'links'>>;
}

export interface RoundDone {
  readonly changes: readonly Change[];
  readonly sent: readonly Sent[];
  readonly held: readonly Held[];
  readonly known: KnownIncidents;
}

function hasToLook({ looks = 'always' }: Round, { incidents }: KnownIncidents): boolean {
  if (looks !== 'open') return looks === 'always';
  return incidents.some(({ resolved }) => resolved === undefined);
}

/** Carries out one round. A run that dies anywhere in it is made up for by the next. */
export async function escalationRound(round: Round): Promise<RoundDone> {
  const { engine, policy, patience } = round;
  const { checkpoint, isCurrent } = await readCheckpoint(engine);
  let known = await readIncidents(engine, { checkpoint });
  if ((await round.conclude?.(known)) === true) known = await readIncidents(engine, { checkpoint });
  const looks = !isCurrent || hasToLook(round, known);
  let changes: readonly Change[] = [];
  if (looks) {
    changes = await follow(engine, await round.look(known), checkpoint);
    // Whoever writes a checkpoint finds what was said of incidents that are over.
    known = await readIncidents(engine, { checkpoint, further: !isCurrent });
  }
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
  if (looks && !isCurrent) await writeCheckpoint(engine, known);
  return { changes, sent, held, known };
}
