// What the task does with an event about a restore job of a database. It has the programs of PostgreSQL, a network, and time to wait.
import { setTimeout as wait } from 'node:timers/promises';
import { openDatabases } from '../recovery-points/rds.ts';
import { lookAtServer } from '../recovery-points/validate/look-at-server.ts';
import type { ValidationReport } from '../recovery-points/validate/validate.ts';
import { MACHINE } from '../wiring/machine.ts';
import type { Invocation } from './invocation.ts';
import { validate } from './validate-recovery-point.ts';

/** Looks into the database that a restore job has restored for a test. `USAGE` for an event about something else. */
export function validateDatabase(
  invocation: Invocation,
  event: unknown,
): Promise<ValidationReport> {
  const { engine, config } = invocation;
  const bench = {
    rds: openDatabases(),
    system: config.system,
    machine: MACHINE,
    now: () => engine.now(),
    wait: async (ms: number) => {
      await wait(ms);
    },
  };
  return validate(invocation, event, (restored, wanted) => lookAtServer(restored, wanted, bench));
}
