// Opens and ends incidents, and tells people of them: woken every minute, and by whatever happens.
import type { FunctionContext } from '../lib/functions/deadline.ts';
import {
  escalate,
  tellOfFailure,
  type EscalationReport,
} from '../lib/functions/incidents/escalate.ts';
import { invoke } from '../lib/functions/invocation.ts';

/** `{ at }` from the clock, a change of one of our alarms, or a record that was stored. */
export async function handler(event: unknown, context: FunctionContext): Promise<EscalationReport> {
  try {
    return await invoke(context, 'the escalation', (invocation) => escalate(invocation, event));
  } catch (error) {
    // Where incidents cannot be read or written, nobody may be left to believe that all is well.
    await tellOfFailure(error, context);
    throw error;
  }
}
