// Proves that the newest good backup of a source restores.
import type { FunctionContext } from '../lib/aws/deadline.ts';
import { invoke } from '../lib/aws/invocation.ts';
import { ARCHIVE_KINDS } from '../lib/aws/kinds.ts';
import { testRestore, type RestoreTestReport } from '../lib/aws/testing.ts';

/** `{ source, at }`; `at` is the time for which the test was due. */
export function handler(event: unknown, context: FunctionContext): Promise<RestoreTestReport> {
  return invoke(
    context,
    'the restore test',
    (invocation) => testRestore(invocation, event),
    ARCHIVE_KINDS,
  );
}
