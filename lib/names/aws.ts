// What things are called on AWS: the stack gives these names, and the functions, the command line and the documents use them. Pure.
import { digestOf } from './digest.ts';

/** The functions of every stack. */
export const CORE_FUNCTIONS = [
  'backup',
  'verify',
  'restore-test',
  'freshness',
  'prune',
  'alert',
] as const;
/** Those that a stack with a database has besides: they bring the programs of PostgreSQL along. */
export const DATABASE_FUNCTIONS = ['database-backup', 'database-restore-test'] as const;
/** Those that a stack has besides where AWS Backup makes recovery points. */
export const RECOVERY_POINT_FUNCTIONS = [
  'record-recovery-point',
  'validate-recovery-point',
] as const;
/** Further functions: those of a stack with `notify.sinks`, and the one for links in messages. */
export const ESCALATION_FUNCTIONS = ['acknowledge', 'escalate'] as const;
export const FUNCTIONS = [
  ...CORE_FUNCTIONS,
  ...DATABASE_FUNCTIONS,
  ...RECOVERY_POINT_FUNCTIONS,
  ...ESCALATION_FUNCTIONS,
] as const;
export type FunctionName = (typeof FUNCTIONS)[number];
export type DatabaseFunctionName = (typeof DATABASE_FUNCTIONS)[number];

/** The functions whose work a task on Fargate does in their place, for sources that would outlast a function. */
export const TASKS = [
  'backup',
  'verify',
  'restore-test',
  ...DATABASE_FUNCTIONS,
  'validate-recovery-point',
] as const satisfies readonly FunctionName[];
export type TaskName = (typeof TASKS)[number];

/** What runs the work of a source in a stack. */
export type RunsOn = 'function' | 'task';

/** Those that write signed files, each with a key of its own, and the verb of the records among them; two write incidents alone. */
export const SIGNERS = {
  backup: 'backup',
  'database-backup': 'backup',
  verify: 'verify',
  'restore-test': 'restore-test',
  'database-restore-test': 'restore-test',
  prune: 'prune',
  'record-recovery-point': 'recovery-point',
  'validate-recovery-point': 'restore-test',
  acknowledge: 'incident',
  escalate: 'incident',
} as const satisfies Partial<Record<FunctionName, string>>;
export type SignerName = keyof typeof SIGNERS;

/** True for a function that is made only where there is a database. */
export function isForDatabases(name: FunctionName): name is DatabaseFunctionName {
  return (DATABASE_FUNCTIONS as readonly string[]).includes(name);
}

/** True for a function that is made only where there are recovery points. */
export function isForRecoveryPoints(
  name: FunctionName,
): name is (typeof RECOVERY_POINT_FUNCTIONS)[number] {
  return (RECOVERY_POINT_FUNCTIONS as readonly string[]).includes(name);
}

/** True for a function that is made only where the stack escalates. */
export function isForEscalation(name: FunctionName): name is (typeof ESCALATION_FUNCTIONS)[number] {
  return (ESCALATION_FUNCTIONS as readonly string[]).includes(name);
}

/** True for a function that signs what it writes. */
export function isSigner(name: FunctionName): name is SignerName {
  return Object.hasOwn(SIGNERS, name);
}

/** The variables that give a task what a function gets in its event and context. */
export const TASK_VARIABLES = {
  event: 'HOLDFAST_TASK_EVENT',
  /** The same when the run is repeated. */
  request: 'HOLDFAST_TASK_REQUEST',
  name: 'HOLDFAST_TASK_NAME',
  timeout: 'HOLDFAST_TASK_SECONDS',
} as const;

/** The exit codes of a task that failed: for good, or so that another attempt may end otherwise. */
export const EXIT_FOR_GOOD = 1;
export const EXIT_FOR_NOW = 75;

/** Namespace of every metric; dimensions are `System`, and `Source` where it concerns one. */
export const METRICS = 'Holdfast';

/** The tag by which `prune` releases an object, for the lifecycle of the bucket to delete. */
export const RELEASED_TAG = { key: 'holdfast:released', value: 'true' } as const;

/** The tag of what `prune` has found to be kept for long, which the lifecycle of the bucket may move to where storage costs less. */
export const LONG_KEPT_TAG = { key: 'holdfast:long-kept', value: 'true' } as const;

/** `source` and `detail-type` of the event by which any pipeline reports a deployment; its detail is `{ system, deployment? }`. */
export const DEPLOYMENT_EVENT = {
  source: 'holdfast.deployment',
  detailType: 'Deployment',
} as const;

/** What a system has whose names are longer. */
export interface LongNames {
  readonly databases: boolean;
  readonly recoveryPoints: boolean;
}

/** Names of functions have 64 characters at most; how long the longest of ours is depends on what a system has. */
export function maxSystemLength({ databases, recoveryPoints }: LongNames): number {
  if (recoveryPoints) return 31;
  return databases ? 33 : 40;
}

/** `holdfast-my-site-backup`: functions, their log groups, alarms, and all else that AWS knows by its name in one region alone. */
export function resourceName(system: string, what: string): string {
  return `holdfast-${system}-${what}`;
}

/** `holdfast-my-site.stored`: rules of events. With a dot, because no name of a system holds one: a pattern for all of them fits no other's. */
export function ruleName(system: string, what: string): string {
  return `holdfast-${system}.${what}`;
}

/** Where one stack of a system stands. */
export interface StackPlace {
  readonly system: string;
  readonly region: string;
}

const MOST_ROLE_CHARACTERS = 64;
const DIGITS = 8;

/**
 * `holdfast-my-site-eu-central-1-backup`: roles, policies and the dashboard, which an account knows by their names in all regions. So the
 * same system can stand in two of them. At most 64 characters: of a system without room, its beginning and a digest of its name.
 */
export function globalName({ system, region }: StackPlace, what: string): string {
  const room = MOST_ROLE_CHARACTERS - `holdfast--${region}-${what}`.length;
  const own =
    system.length <= room
      ? system
      : `${system.slice(0, room - DIGITS - 1)}-${digestOf(system, DIGITS)}`;
  return resourceName(own, `${region}-${what}`);
}

/** Short, because {@link globalName} shortens what is longer than the names of roles may be. */
const TASK_ROLES = {
  backup: 'task-backup',
  verify: 'task-verify',
  'restore-test': 'task-restore',
  'database-backup': 'task-db-backup',
  'database-restore-test': 'task-db-restore-test',
  'validate-recovery-point': 'task-validate',
} as const satisfies Record<TaskName, string>;

/** `holdfast-my-site-eu-central-1-task-db-backup`: the role under which a task does the work of a function. */
export function taskRoleName(place: StackPlace, name: TaskName): string {
  return globalName(place, TASK_ROLES[name]);
}

/** The alias of the key by which a function signs. */
export function signingAlias(system: string, signer: SignerName): string {
  return `alias/${resourceName(system, signer)}`;
}

/** The alias of the key of messages, dead letters and logs. */
export function messagesAlias(system: string): string {
  return `alias/${resourceName(system, 'messages')}`;
}

/** The alias of the key by which the store is encrypted. */
export function storeAlias(system: string): string {
  return `alias/${resourceName(system, 'store')}`;
}

/** What the ARNs of a region begin with, after `arn:`. */
export function partitionOf(region: string): string {
  if (region.startsWith('us-gov-')) return 'aws-us-gov';
  return region.startsWith('cn-') ? 'aws-cn' : 'aws';
}

/** The region in an ARN: what it names may be elsewhere than everything else. Undefined for a plain name. */
export function regionInArn(name: string): string | undefined {
  return /^arn:[^:]*:[^:]*:([^:]+):/.exec(name)?.[1];
}
