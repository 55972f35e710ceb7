// A backup by a task of the stack, which may take hours: it is started, and who waits looks at the store and at the execution.
import { setTimeout as sleep } from 'node:timers/promises';
import { isPostgres } from '../../config/config.ts';
import type { Engine } from '../../engine/engine.ts';
import { HoldfastError } from '../../errors.ts';
import { backupId } from '../../format/ids.ts';
import type { Machines } from '../../functions/start-task.ts';
import { resourceName } from '../../names/aws.ts';
import { storedBackup } from './proof.ts';
import type { BackupReport, Wanted } from './triggered.ts';

const POLL_MS = 5_000;

/** A task that was started, and that nobody waits for. */
export interface Started {
  readonly outcome: 'started';
  readonly source: string;
  readonly id: string;
  /** The ARN of the execution of its state machine. */
  readonly execution: string;
}

/**
 * What the task has stored, or where nobody waits for that, what was started.
 *
 * `COMMAND_FAILED` when the task fails, `STORE_UNAVAILABLE` when it has stored nothing in time.
 */
export async function triggerTask(wanted: Wanted): Promise<BackupReport | Started> {
  const { config, source, trigger, deadline, engine } = wanted;
  const { name } = source;
  const id = backupId(trigger);
  const { openMachines, storedReport } = await import('../../functions/start-task.ts');
  const before = engine && (await storedBackup(engine, name, id));
  if (before !== undefined) return { ...storedReport(before.manifest), outcome: 'already' };
  const { region = '', account } = config.aws ?? {};
  const machine = resourceName(config.system, isPostgres(source) ? 'database-backup' : 'backup');
  using machines = openMachines(region, deadline);
  try {
    const execution = await machines.start({ machine, region, account, source: name, trigger });
    if (engine === undefined) return { outcome: 'started', source: name, id, execution };
    const waited = { machines, machine, execution, name, id, deadline };
    return storedReport(await awaitBackup(engine, waited));
  } catch (error) {
    throw explained(error, machine, wanted);
  }
}

interface Waited {
  readonly machines: Machines;
  readonly machine: string;
  readonly execution: string;
  readonly name: string;
  readonly id: string;
  readonly deadline: AbortSignal;
}

async function awaitBackup(engine: Engine, waited: Waited) {
  const { machines, machine, execution, name, id, deadline } = waited;
  for (;;) {
    const found = await storedBackup(engine, name, id);
    if (found !== undefined) return found.manifest;
    await machines.assertWell(execution, machine);
    await sleep(POLL_MS, undefined, { signal: deadline });
  }
}

function explained(
  error: unknown,
  machine: string,
  { signal, deadline, timeout, source, trigger }: Wanted,
): unknown {
  if (!deadline.aborted || signal.aborted) return error;
  return new HoldfastError(
    'STORE_UNAVAILABLE',
    `the task ${machine} has not stored the backup within ${timeout}; it may still be at work`,
    {
      hint: `\`holdfast list ${source.name}\` shows when it is proven. To wait on: the same command with --at ${trigger.at.toISOString()} and a longer --timeout.`,
      cause: error,
    },
  );
}
