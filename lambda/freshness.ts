// Looks at the whole store every quarter of an hour, and publishes what it sees.
import type { FunctionContext } from '../lib/functions/deadline.ts';
import { isFirstLook } from '../lib/functions/events.ts';
import { invoke } from '../lib/functions/invocation.ts';
import { watch, type FreshnessReport } from '../lib/functions/freshness.ts';

/** What counts is how things stand now; the event says no more than whether this is the first look. */
export function handler(event: unknown, context: FunctionContext): Promise<FreshnessReport> {
  const isFirst = isFirstLook(event);
  return invoke(context, 'the look at the store', (invocation) => watch(invocation, { isFirst }));
}
