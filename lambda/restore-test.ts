// Proves that the newest good backup of a source restores.
import type { FunctionContext } from '../lib/aws/deadline.ts';
import { fieldsOf, parseSource, parseTime } from '../lib/aws/events.ts';
import { invoke } from '../lib/aws/invocation.ts';
import { sourceConfig } from '../lib/aws/sources.ts';
import { testRestore, type RestoreTestReport } from '../lib/aws/testing.ts';
import { latestTime } from '../lib/engine/clock.ts';

/** `{ source, at }`; `at` is the time for which the test was due. */
export function handler(event: unknown, context: FunctionContext): Promise<RestoreTestReport> {
  return invoke(context, 'the restore test', (invocation) => {
    const { source, at } = fieldsOf(event);
    const since = parseTime(at, latestTime(invocation.engine));
    const { name } = sourceConfig(invocation.config, parseSource(source));
    return testRestore(invocation, name, since);
  });
}
