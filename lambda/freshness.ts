// Looks at the whole store every quarter of an hour, and publishes what it sees.
import type { FunctionContext } from '../lib/functions/deadline.ts';
import { invoke } from '../lib/functions/invocation.ts';
import { watch, type FreshnessReport } from '../lib/functions/freshness.ts';

/** The event tells nothing: what counts is how things stand now. */
export function handler(_event: unknown, context: FunctionContext): Promise<FreshnessReport> {
  return invoke(context, 'the look at the store', watch);
}
