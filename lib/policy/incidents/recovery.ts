// What is tried by itself to end an incident: a backup that failed or is missing is made, damage is repaired. Pure.
import { dueOf, type EscalationPolicy } from './escalation.ts';
import { conditionKey, type Incident, type OpenCondition, type Starts } from './state.ts';

/** Something to try. It writes new backups, and changes none. */
export interface Recovery {
  readonly act: 'backup' | 'repair';
  readonly source: string;
  /** The source or other subject of the condition that it should end. */
  readonly code: string;
}

/** Something that functions were started for, and that nobody has said the end of. */
export interface Begun {
  readonly at: Date;
  readonly starts: Starts;
  /** What it would end. */
  readonly recoveries: readonly Recovery[];
}

const ACTS: Readonly<Record<string, Recovery['act']>> = {
  failed: 'backup',
  missed: 'backup',
  late: 'backup',
  never: 'backup',
  deployment: 'backup',
  damaged: 'repair',
  'restore-damaged': 'repair',
};

/**
 * What is to be tried now: once for each condition of an incident, while nobody has acknowledged it. Where people are told at once,
 * they are told first.
 */
export function recoveriesDue(
  incident: Incident,
  policy: EscalationPolicy,
  now: Date,
): readonly Recovery[] {
  const left = recoveriesLeft(incident);
  return left.length > 0 && isTold(incident, policy, now) ? left : [];
}

/** What has not been tried yet, whether people were told or not. */
export function recoveriesLeft(incident: Incident): readonly Recovery[] {
  const { resolved, acknowledgements, conditions } = incident;
  if (resolved !== undefined || acknowledgements.length > 0) return [];
  return [...conditions.values()].flatMap((one): Recovery[] => {
    const recovery = recoveryOf(one);
    const isNew = recovery !== undefined && !incident.recoveries.has(conditionKey(one));
    return isNew && one.goodSince === undefined ? [recovery] : [];
  });
}

/** What functions were started for and have not been seen to end, also of an incident that is acknowledged or over. */
export function recoveriesBegun({ recoveries, conditions }: Incident): Begun[] {
  const open = [...recoveries].flatMap(([key, { at, starts, outcome }]) => {
    const condition = conditions.get(key);
    const recovery = condition && recoveryOf(condition);
    return recovery === undefined || outcome !== undefined ? [] : [{ at, starts, recovery }];
  });
  return open.flatMap(({ at, starts }): Begun[] => {
    if (starts === undefined) return [];
    const { act, source } = starts;
    const same = open.filter(({ recovery: one }) => one.act === act && one.source === source);
    return [{ at, starts, recoveries: same.map(({ recovery }) => recovery) }];
  });
}

/** A message that is still being sent does not count: the run that sends it may have died. */
function isTold(incident: Incident, policy: EscalationPolicy, now: Date): boolean {
  const attempts = [...incident.messages.values()].flat();
  if (attempts.some(({ result }) => result !== undefined)) return true;
  return attempts.length === 0 && dueOf(incident, policy, now).length === 0;
}

function recoveryOf({ subject, code }: OpenCondition): Recovery | undefined {
  const act = ACTS[code];
  return act === undefined ? undefined : { act, source: subject, code };
}

/** The detail in the keys of a recovery's records; if two runs try the same, one gets the key. */
export function recoveryDetail({ source, code }: Recovery): string {
  return `${code}_${source}`;
}
