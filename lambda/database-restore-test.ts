// Proves that the newest good backup of a database restores: on a scratch server, dumped again and compared.
import { DATABASE_KINDS } from '../lib/wiring/database-kinds.ts';
import type { FunctionContext } from '../lib/functions/deadline.ts';
import { invoke } from '../lib/functions/invocation.ts';
import { testRestore, type RestoreTestReport } from '../lib/functions/restore-test.ts';

/** `{ source, at }`; `at` is the time for which the test was due. */
export function handler(event: unknown, context: FunctionContext): Promise<RestoreTestReport> {
  return invoke(context, 'the restore test', (invocation) => testRestore(invocation, event), {
    work: 'databases',
    kinds: DATABASE_KINDS,
  });
}
