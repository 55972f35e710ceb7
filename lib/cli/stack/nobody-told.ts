// Whom the alarms of a stack do not reach, said before it is deployed.
import type { Config } from '../../config/config.ts';
import { escalates } from '../../config/load/stack-keys.ts';

export const NOBODY_TOLD =
  'nobody gets a message when an alarm of the stack goes off: name an address under `notify.email` in holdfast.yaml before you deploy';

export const ESCALATION_UNWATCHED =
  'nobody gets a message when the escalation itself fails, and of what is no incident: name an address under `notify.email` in holdfast.yaml before you deploy';

/** The sentence that is true of `config`, if any is. */
export function nobodyTold({ notify }: Pick<Config, 'notify'>): string[] {
  if (notify.email.length > 0) return [];
  return [escalates({ notify }) ? ESCALATION_UNWATCHED : NOBODY_TOLD];
}
