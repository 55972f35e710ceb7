// Whom the alarms of a stack do not reach, said before it is deployed.
import type { Config } from '../../config/config.ts';

export const NOBODY_TOLD =
  'nobody gets a message when an alarm of the stack goes off: name an address under `notify.email` in holdfast.yaml before you deploy';

export const NOT_ESCALATED =
  'the stack sends messages to `notify.email` alone: for `notify.sinks` and `notify.escalation`, run `holdfast escalate --once` every minute on a machine that can reach the bucket (`holdfast schedule install` sets this up)';

/** The sentences that are true of `config`. */
export function nobodyTold({ notify }: Pick<Config, 'notify'>): string[] {
  const { email, sinks, escalation } = notify;
  return [
    ...(email.length > 0 ? [] : [NOBODY_TOLD]),
    ...(sinks.length === 0 && escalation === undefined ? [] : [NOT_ESCALATED]),
  ];
}
