// The rules of a stack on the bus of events: two for every store, two for the jobs of AWS Backup, and one for each deployment that
// starts a backup. Pure.
import { isRemote, type DeploymentTrigger } from './config.ts';
import type { FunctionConfig } from './load/stack-keys.ts';

/** Those of every stack. */
export const STORE_RULES = ['stored', 'alarm'] as const;

/** Those of a stack with recovery points. */
export const POINT_RULES = ['backup-job', 'restore-job'] as const;

/** The name of the rule by which a deployment backs up a source; letters, digits and hyphens. */
export function deploymentRule(source: string, { by, name }: DeploymentTrigger): string {
  const trigger = name === undefined ? by : `${by}-${name}`;
  return `${source}-${trigger}`.replaceAll(/[^A-Za-z0-9-]/g, '-');
}

/** All rules of a stack, by their names. */
export function eventRules({ sources, aws }: FunctionConfig): string[] {
  const ofSources = sources
    .filter(isRemote)
    .flatMap(({ name, onDeployment }) => onDeployment.map((one) => deploymentRule(name, one)));
  const ofPoints = aws?.recoveryPoints === undefined ? [] : POINT_RULES;
  return [...STORE_RULES, ...ofPoints, ...ofSources];
}
