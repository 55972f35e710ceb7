// Every stack of a configuration, in one app.
import type { App, Stack } from 'aws-cdk-lib';
import type { ForStack } from '../config/load/for-stack.ts';
import { HoldfastStack } from './core/stack.ts';
import { RecoveryPointsStack } from './recovery-points/stack.ts';

/** The stacks that `forStack` describes, in the order in which they are deployed: the core first. */
export function makeStacks(app: App, forStack: ForStack): readonly [HoldfastStack, ...Stack[]] {
  const { config } = forStack;
  const core = new HoldfastStack(app, forStack);
  if (config.aws?.recoveryPoints === undefined) return [core];
  return [core, new RecoveryPointsStack(app, { config, core })];
}
