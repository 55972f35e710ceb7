// Proves that the newest good backup of a source restores.
import type { FunctionContext } from '../lib/functions/deadline.ts';
import { invoke } from '../lib/functions/invocation.ts';
import { ARCHIVE_KINDS } from '../lib/wiring/kinds.ts';
import { testRestore, type RestoreTestReport } from '../lib/functions/restore-test.ts';

/** `{ source, at }`; `at` is the time for which the test was due. */
export function handler(event: unknown, context: FunctionContext): Promise<RestoreTestReport> {
  return invoke(context, 'the restore test', (invocation) => testRestore(invocation, event), {
    kinds: ARCHIVE_KINDS,
  });
}
