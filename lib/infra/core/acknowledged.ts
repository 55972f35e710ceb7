// What rules of cdk-nag and of CloudFormation find and we keep as it is, each with the reason. Nothing is acknowledged elsewhere.
import { Stack, Validations } from 'aws-cdk-lib';
import type { ManagedPolicy } from 'aws-cdk-lib/aws-iam';
import type { IConstruct } from 'constructs';
import type { Alarms } from './alarms/alarms.ts';
import type { Functions } from './functions/functions.ts';
import type { Messages } from './messages.ts';
import type { RecoveryRole } from './recovery-role.ts';
import type { Schedules } from './triggers/schedules.ts';
import type { Storage } from './storage/storage.ts';
import type { Tasks } from './functions/tasks.ts';

/** What is looked at: the parts of one system. */
export interface Parts {
  readonly storage: Storage;
  readonly messages: Messages;
  readonly functions: Functions;
  readonly alarms: Alarms;
  readonly schedules: Schedules;
  readonly recovery: RecoveryRole;
  readonly tasks: Tasks | undefined;
}

/** The packs in which a rule of the same name stands. */
const PACKS = ['HIPAA.Security', 'NIST.800.53.R5', 'PCI.DSS.321'];

const NO_VPC =
  'The functions reach services of AWS and GitHub alone, each by TLS with a signature of its own; in a network of yours they would need endpoints or a NAT, and gain nothing that a policy does not give.';
const NOTHING_TO_RESERVE =
  'A new account has a quota of 10 concurrent executions, which leaves none to reserve; aws.reservedConcurrency: create reserves them.';
const NO_REPLICA =
  'The replica is a stack of its own in another region and account, so that whoever holds this one cannot reach it.';
const LOG_KEY = 'S3 delivers access logs to buckets with its own key alone.';
const LOGS_ONLY = 'Access logs and inventories can be made again; no backup is here.';
const BY_EVENT =
  'EventBridge brings every change of this alarm to the function that writes the message; that function and its alarms tell the topic themselves.';
const DEAD_LETTERS =
  'What fails goes to the queue of dead letters of the function, and its alarm tells.';
const LAST_QUEUE = 'This is the queue of dead letters; an alarm tells of each of them.';
const E_MAIL =
  'Nobody tells SNS whether an e-mail arrived; a heartbeat from outside notices when all is silent.';

const NO_SECRET_VARIABLES =
  'Variables name the store and the keys; what is secret is read from where it is kept.';

/** Wildcards in policies by what they are; any other wildcard is a finding. */
const WILDCARDS: readonly { readonly resource: RegExp; readonly reason: string }[] = [
  {
    resource: /^\*$/,
    reason:
      'X-Ray, PutMetricData, the states of alarms and the values of metrics, ListSecrets, jobs of AWS Backup, logins to a registry, deliveries of logs, describing and making databases, file systems and snapshots, copies to named vaults, finding by tags and what looks at networks know no resources; metrics are confined to our namespace.',
  },
  {
    resource:
      /\/(backups|records|incidents|reports)\/(\*|[a-z0-9/-]+\/\*|\*\/[a-z0-9-]+\/\*|\*\/manifest\.json|\*-[a-z]+(-\*)?\.json)$/,
    reason: 'Keys of objects carry times and random parts: rights end at their prefix.',
  },
  {
    resource: /:(dynamodb:[^*]*:table\/|s3:::)awsbackup-restore-test-\*(\/\*)?$/,
    reason: 'AWS Backup names what it restores for tests: rights end at how these names begin.',
  },
  {
    resource: /:(dynamodb:[^*]*:table\/\*|s3:::\*(\/\*)?)$/,
    reason: 'What a selection finds by its tags is read by its tags: a condition names them.',
  },
  {
    resource: /:s3:::[^*]+\/\*$/,
    reason: 'A bucket that is backed up is read at its prefix, whatever its objects are called.',
  },
  {
    resource: /:kms:[^*]*(:\*)?:key\/\*$/,
    reason:
      'Keys that others own are known by what they decrypt: a condition names bucket, service or alias.',
  },
  {
    resource: /:(ssm|secretsmanager):[^*]*:(parameter|secret)[:/][^*]*[*]$/,
    reason: 'What the configuration names by its beginning is read by its beginning.',
  },
  {
    resource: /:ec2:[^*]*:network-interface\/\*$/,
    reason: 'Interfaces get their names when they are made; the subnets and groups are named.',
  },
  {
    resource: /:states:[^*]*:execution:[^*]+:\*$/,
    reason: 'Executions get their names when they start; their state machine is named.',
  },
  {
    resource: /:ecs:[^*]*:task\/[^*]+\/\*$/,
    reason: 'Tasks get their names when they start; their cluster is named.',
  },
  {
    resource:
      /:rds:[^*]*:(cluster-snapshot|snapshot):awsbackup:\*$|:rds:[^*]*:(cluster-auto-backup|auto-backup|subgrp|og|pg|cluster-pg):\*$/,
    reason:
      'AWS Backup names its snapshots when it makes them; a restored database belongs to the groups of the one before it.',
  },
  {
    resource: /:backup:[^*]*:recovery-point:\*$/,
    reason:
      'Recovery points get their names when they are made; the role that is passed ends what can be restored.',
  },
  {
    resource: /:(dynamodb|rds|s3):[^*]*awsbackup-restore-test-\*(\/\*)?$/,
    reason: 'What a restore test makes is named by AWS Backup, and begins so.',
  },
  {
    resource: /:table\/[^*]+\/backup\/\*$|:ec2:[^*]*::snapshot\/\*$|:rule\/AwsBackupManagedRule\*$/,
    reason: 'AWS Backup names what it makes of a resource.',
  },
  {
    resource:
      /:(dynamodb|rds|ec2|elasticfilesystem):[^*]*:(table\/|cluster:|db:|volume\/|file-system\/)\*(\/backup\/\*)?$|:s3:::\*(\/\*)?$/,
    reason:
      'Selected by tags, or restored under a name of the moment: AWS Backup alone acts by these roles, and what is protected is denied to those that restore. The task that looks into restored databases lists all instances, to find those that it added and lost.',
  },
  {
    resource: /:secretsmanager:[^*]*:secret:[^*]*-\?{6}$/,
    reason: 'Six random characters end the ARN of a secret.',
  },
];

/** Says of each finding in `parts` why it stays. */
export function acknowledgeFindings(parts: Parts): void {
  const { storage, messages, functions, alarms, schedules, tasks, recovery } = parts;
  for (const bucket of [storage.bucket, storage.accessLogs]) {
    if (bucket === undefined) continue;
    acknowledge(
      bucket,
      inAll('S3BucketReplicationEnabled'),
      bucket === storage.accessLogs ? LOGS_ONLY : NO_REPLICA,
    );
  }
  if (storage.accessLogs !== undefined) {
    acknowledge(storage.accessLogs, inAll('S3DefaultEncryptionKMS'), LOG_KEY);
  }
  acknowledgeFunctions(functions);
  for (const policy of tasks?.policies ?? []) acknowledgeWildcards(policy);
  for (const one of tasks?.definitions ?? [])
    acknowledge(one, ['AwsSolutions-ECS2'], NO_SECRET_VARIABLES);
  acknowledgeWildcards(schedules.policy);
  acknowledgeWildcards(recovery.policy);
  acknowledge(messages.deadLetters, ['Serverless-SQSRedrivePolicy'], LAST_QUEUE);
  acknowledge(messages.topic, ['Serverless-SNSRedrivePolicy'], E_MAIL);
  for (const alarm of alarms.told) acknowledge(alarm, inAll('CloudWatchAlarmAction'), BY_EVENT);
}

function acknowledgeFunctions(functions: Functions): void {
  for (const one of functions.all) {
    if (!one.isInNetwork) acknowledge(one.function, inAll('LambdaInsideVPC'), NO_VPC);
    if (!one.reservesConcurrency)
      acknowledge(one.function, inAll('LambdaConcurrency'), NOTHING_TO_RESERVE);
    acknowledge(one.function, ['Serverless-LambdaAsyncFailureDestination'], DEAD_LETTERS);
    for (const policy of one.policies) acknowledgeWildcards(policy);
  }
}

function inAll(rule: string): string[] {
  return PACKS.map((pack) => `${pack}-${rule}`);
}

function acknowledge(scope: IConstruct, ids: readonly string[], reason: string): void {
  for (const id of ids) Validations.of(scope).acknowledge({ id, reason });
}

/** Says of each wildcard in `policy` why it stays, where it is a known one. */
export function acknowledgeWildcards(policy: ManagedPolicy): void {
  for (const resource of resourcesOf(policy)) {
    const known = WILDCARDS.find((one) => one.resource.test(resource));
    if (known === undefined) continue;
    acknowledge(policy, [`AwsSolutions-IAM5[Resource::${resource}]`], known.reason);
  }
}

/** The resources in the statements of `policy`, with what only the deployment knows in angle brackets. */
function resourcesOf(policy: ManagedPolicy): Set<string> {
  const { Statement = [] } = Stack.of(policy).resolve(policy.document.toJSON()) as {
    Statement?: { Resource?: unknown }[];
  };
  return new Set(Statement.flatMap(({ Resource }) => [Resource].flat()).map(written));
}

function written(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value);
  const { Ref, 'Fn::GetAtt': attribute, 'Fn::Join': joined } = value as Record<string, unknown>;
  if (typeof Ref === 'string') return `<${Ref}>`;
  if (Array.isArray(attribute)) return `<${attribute.join('.')}>`;
  if (Array.isArray(joined)) return (joined[1] as unknown[]).map(written).join('');
  return JSON.stringify(value);
}
