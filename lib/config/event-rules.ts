// The rules of a stack on the bus of events: two for every store, three for the jobs of AWS Backup, one for each source on a task, and one
// for each deployment that starts a backup. Pure.
import { isRemote, isTask, type DeploymentTrigger } from './config.ts';
import {
  escalates,
  looksIntoDatabases,
  recovers,
  servedOn,
  type FunctionConfig,
} from './load/stack-keys.ts';
import type { FunctionName } from '../names/aws.ts';

/** Those of every stack. */
export const STORE_RULES = ['stored', 'alarm'] as const;

/** Those of a stack that escalates: what changes, and what was recorded, starts `escalate` at once. */
export const ESCALATION_RULES = ['escalate-alarm', 'escalate-record'] as const;

/** Those of a stack with recovery points: two that start what records and validates, and one by which people are told. */
export const POINT_RULES = ['backup-job', 'restore-job', 'jobs'] as const;

/** The rule by which a task looks into restored databases. */
export const RESTORED_DATABASE_RULE = 'restored-database';

/** The rule by which a deployment backs up a source, as `assets/ecs:shop`: no other source or trigger gives the same. */
export function deploymentRule(source: string, { by, name }: DeploymentTrigger): string {
  return `${source}/${name === undefined ? by : `${by}:${name}`}`;
}

/** The name of the rule by which a task verifies what was stored of a source; with a dot, which no other name has. */
export function storedRule(source: string): string {
  return `${source}.stored`;
}

/** The functions that `escalate` has back up once more, and the rule by which each hears of it. */
export const RECOVERY_RULES = {
  backup: 'recover',
  'database-backup': 'recover-database',
} as const satisfies Partial<Record<FunctionName, string>>;

/** Those functions of a stack that are started so: where tasks do all of the work, or nothing is tried, none. */
export function startedByOrders(config: FunctionConfig): (keyof typeof RECOVERY_RULES)[] {
  if (!recovers(config)) return [];
  const names = Object.keys(RECOVERY_RULES) as (keyof typeof RECOVERY_RULES)[];
  return names.filter((name) => servedOn('function', name, config).length > 0);
}

/** The rule by which a task hears that `escalate` has it back up a source once more; with a dot, which no other name has. */
export function recoverRule(source: string): string {
  return `${source}.recover`;
}

/** All rules of a stack. */
export function eventRules(config: FunctionConfig): string[] {
  const { sources, aws, notify } = config;
  const ofSources = sources.flatMap((source) => [
    ...(isTask(source) ? [storedRule(source.name)] : []),
    ...(isTask(source) && recovers(config) ? [recoverRule(source.name)] : []),
    ...(isRemote(source) ? source.onDeployment.map((one) => deploymentRule(source.name, one)) : []),
  ]);
  const ofPoints = aws?.recoveryPoints === undefined ? [] : POINT_RULES;
  const ofEscalation = escalates({ notify }) ? ESCALATION_RULES : [];
  const ofRecovery = startedByOrders(config).map((name) => RECOVERY_RULES[name]);
  const ofDatabases = looksIntoDatabases({ aws }) ? [RESTORED_DATABASE_RULE] : [];
  return [
    ...STORE_RULES,
    ...ofEscalation,
    ...ofRecovery,
    ...ofPoints,
    ...ofDatabases,
    ...ofSources,
  ];
}
