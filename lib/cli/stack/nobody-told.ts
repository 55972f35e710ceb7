// What is said of a stack whose alarms reach nobody.
import type { Config } from '../../config/config.ts';

export const NOBODY_TOLD =
  'nobody gets a message when an alarm of the stack goes off: name an address under `notify.email` in holdfast.yaml before you deploy';

/** That sentence, where it is true of `config`. */
export function nobodyTold({ notify }: Pick<Config, 'notify'>): string[] {
  return notify.email.length > 0 ? [] : [NOBODY_TOLD];
}
