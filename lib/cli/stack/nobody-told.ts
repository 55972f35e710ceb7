// Whom the alarms of a stack do not reach, said before it is deployed.
import type { Config } from '../../config/config.ts';
import { contactWarnings } from '../../config/contact-warnings.ts';
import { escalates } from '../../config/load/stack-keys.ts';

export const NOBODY_TOLD =
  'nobody gets a message when an alarm of the stack goes off: name an address under `notify.email` in holdfast.yaml before you deploy';

export const ESCALATION_UNWATCHED =
  'nobody gets a message when the escalation itself fails, and of what is no incident: name an address under `notify.email` in holdfast.yaml before you deploy';

/** The sentences that are true of `config`, and what is doubtful about those who get messages. */
export function nobodyTold(config: Pick<Config, 'notify' | 'aws'>, now: Date): string[] {
  const { notify } = config;
  const unwatched = escalates({ notify }) ? ESCALATION_UNWATCHED : NOBODY_TOLD;
  return [
    ...(notify.email.length > 0 ? [] : [unwatched]),
    ...contactWarnings(config, now).map(({ message, advice }) => `${message}\n  hint: ${advice}`),
  ];
}
