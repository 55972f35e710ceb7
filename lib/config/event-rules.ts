// The rules of a stack on the bus of events: two for every store, and one for each deployment that starts a backup. Pure.
import { isRemote, type DeploymentTrigger, type SourceConfig } from './config.ts';

/** Those of every stack. */
export const STORE_RULES = ['stored', 'alarm'] as const;

/** The name of the rule by which a deployment backs up a source; letters, digits and hyphens. */
export function deploymentRule(source: string, { by, name }: DeploymentTrigger): string {
  const trigger = name === undefined ? by : `${by}-${name}`;
  return `${source}-${trigger}`.replaceAll(/[^A-Za-z0-9-]/g, '-');
}

/** All rules of a stack with these sources, by their names. */
export function eventRules(sources: readonly SourceConfig[]): string[] {
  const ofSources = sources
    .filter(isRemote)
    .flatMap(({ name, onDeployment }) => onDeployment.map((one) => deploymentRule(name, one)));
  return [...STORE_RULES, ...ofSources];
}
