// Extends the locks of everything that is kept, and releases the rest by the retention policy.
import type { FunctionContext } from '../lib/functions/deadline.ts';
import { invoke } from '../lib/functions/invocation.ts';
import { pruneAll, type PruneReport } from '../lib/functions/prune.ts';

/** The event tells nothing: a second run finds what the first has left, and has nothing to release. */
export function handler(_event: unknown, context: FunctionContext): Promise<PruneReport> {
  return invoke(context, 'the prune', pruneAll);
}
