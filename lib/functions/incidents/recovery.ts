// What `escalate` has the functions that back up try, and how it sees what came of it. They start by its records, and it waits for nobody.
import { concludeAll, handOver } from '../../alerts/hand-over.ts';
import type { Outcome, Recovering } from '../../alerts/recover.ts';
import { isPostgres, isRemote, isTask, type Config } from '../../config/config.ts';
import { scheduleOf } from '../../config/objectives.ts';
import { DAY_MS, HOUR_MS } from '../../durations.ts';
import type { Engine } from '../../engine/engine.ts';
import { recoveryResult } from '../../engine/incidents/recovery-result.ts';
import { backupId } from '../../format/ids.ts';
import { manifestKey } from '../../format/layout.ts';
import type { EscalationPolicy } from '../../policy/incidents/escalation.ts';
import { recoveriesLeft, type Begun, type Recovery } from '../../policy/incidents/recovery.ts';
import type { Starts } from '../../policy/incidents/state.ts';
import type { Incident } from '../../policy/incidents/state.ts';
import { previousDue } from '../../policy/schedule.ts';
import type { Invocation } from '../invocation.ts';

type Recoverer = Pick<Invocation, 'engine' | 'config'>;

/** Starts what may end one of these incidents, where people were told; what was started. */
export async function beginRecoveries(
  { engine, config }: Recoverer,
  incidents: readonly Incident[],
  policy: EscalationPolicy,
): Promise<readonly Starts[]> {
  if (config.notify.recovery === 'off') return [];
  const can = canIn(config);
  // A minute in which nothing is left to try lists nothing again.
  if (!incidents.some((one) => recoveriesLeft(one).some(can))) return [];
  const recovering: Recovering = { engine, policy, can };
  return handOver(recovering, (recovery) => startsOf(engine, config, recovery));
}

/** What functions and tasks of the stack can do: files are read elsewhere, and a dump is made again rather than repaired. */
function canIn({ sources }: Config): Recovering['can'] {
  return ({ act, source: name }) => {
    const source = sources.find((one) => one.name === name);
    if (source === undefined) return false;
    return isRemote(source) || (act === 'backup' && isPostgres(source));
  };
}

/** For the time of the schedule, as the run that is missing; if that was made, for now. */
async function startsOf(
  engine: Engine,
  { sources }: Config,
  { act, source: name }: Recovery,
): Promise<Starts> {
  if (act === 'repair') return { act, source: name };
  const now = engine.now();
  const source = sources.find((one) => one.name === name);
  const schedule = source && scheduleOf(source);
  const due = schedule && previousDue(schedule, now);
  const scheduled = due && backupId({ kind: 'schedule', at: due });
  const isMade = scheduled && (await engine.store.head(manifestKey(name, scheduled)));
  const backup =
    scheduled === undefined || isMade !== undefined
      ? backupId({ kind: 'manual', at: now })
      : scheduled;
  return { act, source: name, backup };
}

/** A function has a quarter of an hour, and tries again twice; a task has a day. */
const WITHIN_MS = { function: HOUR_MS, task: DAY_MS + HOUR_MS } as const;

/** Writes down what came of what was started earlier; whether there was anything. */
export function concludeRecoveries(
  { engine, config }: Recoverer,
  incidents: readonly Incident[],
): Promise<boolean> {
  return concludeAll(engine, incidents, async (begun): Promise<Outcome | undefined> => {
    const result = await recoveryResult(engine, begun);
    return result ?? (isTooLate(engine, config, begun) ? NOTHING : undefined);
  });
}

function isTooLate(engine: Engine, { sources }: Config, { at, starts }: Begun): boolean {
  const source = sources.find(({ name }) => name === starts.source);
  const within = WITHIN_MS[source !== undefined && isTask(source) ? 'task' : 'function'];
  return engine.now().getTime() - at.getTime() > within;
}

const NOTHING: Outcome = {
  outcome: 'failed',
  result: 'nothing came of it in time; the log of the function or task says why',
};
