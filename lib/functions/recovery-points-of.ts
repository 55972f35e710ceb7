// What the configuration of a function says of recovery points.
import type { Config } from '../config/config.ts';
import type { RecoveryPointsConfig } from '../config/recovery-points.ts';
import { HoldfastError } from '../errors.ts';

/** The system and its recovery points. `CONFIG_INVALID` without them. */
export function recoveryPointsOf({ aws, system }: Config): {
  readonly system: string;
  readonly config: RecoveryPointsConfig;
} {
  if (aws?.recoveryPoints !== undefined) return { system, config: aws.recoveryPoints };
  throw new HoldfastError('CONFIG_INVALID', 'the configuration has no `aws.recoveryPoints`', {
    hint: 'The stack makes this function only with it; deploy it again.',
  });
}
