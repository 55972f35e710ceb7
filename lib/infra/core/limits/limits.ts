// What AWS takes, each with where AWS says so: limits that a configuration can meet by growing. Pure.
import type { Path } from '../../../config/load/yaml.ts';
import { charactersOf } from './rendered.ts';

/** A resource of a template, with names and ARNs in place of what refers to them. */
export interface RenderedResource {
  readonly Type: string;
  readonly Properties?: Readonly<Record<string, unknown>>;
}

export interface RenderedTemplate {
  readonly Resources?: Readonly<Record<string, RenderedResource>>;
  readonly Outputs?: Readonly<Record<string, unknown>>;
  readonly Parameters?: Readonly<Record<string, unknown>>;
}

/** A limit on something that `measure` finds, and the option that makes it grow. */
export interface Limit<Of> {
  readonly what: string;
  readonly most: number;
  readonly source: string;
  readonly leads: Path;
  readonly measure: (of: Of) => number;
}

type Properties = Readonly<Record<string, unknown>>;

const DOCS = 'https://docs.aws.amazon.com';
export const SOURCES = {
  iam: `${DOCS}/IAM/latest/UserGuide/reference_iam-quotas.html`,
  formation: `${DOCS}/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html`,
  lambda: `${DOCS}/lambda/latest/dg/gettingstarted-limits.html`,
  lambdaApi: `${DOCS}/lambda/latest/api/API_CreateFunction.html`,
  s3: `${DOCS}/AmazonS3/latest/userguide/add-bucket-policy.html`,
  kms: `${DOCS}/kms/latest/developerguide/resource-limits.html`,
  sqs: `${DOCS}/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-policies.html`,
  queues: `${DOCS}/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html`,
  alarms: `${DOCS}/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html`,
  cloudWatch: `${DOCS}/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html`,
  dashboard: `${DOCS}/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html`,
  scheduler: `${DOCS}/scheduler/latest/APIReference/API_CreateSchedule.html`,
  rules: `${DOCS}/eventbridge/latest/APIReference/API_PutRule.html`,
  targets: `${DOCS}/eventbridge/latest/userguide/eb-quota.html`,
  storage: `${DOCS}/AmazonECS/latest/APIReference/API_EphemeralStorage.html`,
  tasks: `${DOCS}/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html`,
  clusters: `${DOCS}/AmazonECS/latest/APIReference/API_CreateCluster.html`,
  machines: `${DOCS}/step-functions/latest/apireference/API_CreateStateMachine.html`,
  selections: `${DOCS}/aws-backup/latest/devguide/assigning-resources.html`,
  restoreTesting: `${DOCS}/aws-backup/latest/devguide/restore-testing.html`,
} as const;

const SOURCES_PATH: Path = ['sources'];
const ROLES_PATH: Path = ['aws', 'deployingRoles'];
const SYSTEM_PATH: Path = ['system'];
/** What AWS Backup protects. */
export const POINTS_PATH: Path = ['aws', 'recoveryPoints', 'selections'];
const VPC_PATH: Path = ['aws', 'databases', 'vpc'];

const kib = (count: number) => count * 1024;
const lengthOf = (name: string) => (all: Properties) =>
  typeof all[name] === 'string' ? all[name].length : 0;
const countOf = (value: unknown) => (Array.isArray(value) ? value.length : 0);
const within = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined;
const bytesOf = (value: unknown) => Buffer.byteLength(JSON.stringify(value ?? {}));
const statementsOf = ({ PolicyDocument }: Properties): unknown[] =>
  [within(PolicyDocument, 'Statement') ?? []].flat();
const conditionsOf = (statement: unknown): number =>
  Object.values(within(statement, 'Condition') ?? {}).reduce<number>(
    (sum, keys) => sum + Object.keys(keys as object).length,
    0,
  );

/** Limits on single resources, by their types. */
export const RESOURCE_LIMITS: Readonly<Record<string, readonly Limit<Properties>[]>> = {
  'AWS::IAM::ManagedPolicy': [
    {
      what: 'characters without whitespace in a managed policy',
      most: 6144,
      source: SOURCES.iam,
      leads: SOURCES_PATH,
      measure: ({ PolicyDocument }) => charactersOf(PolicyDocument),
    },
    nameLimit('ManagedPolicyName', 128, SOURCES.iam),
  ],
  'AWS::IAM::Policy': [
    {
      what: 'characters without whitespace in the inline policies of a role',
      most: 10_240,
      source: SOURCES.iam,
      leads: SOURCES_PATH,
      measure: ({ PolicyDocument }) => charactersOf(PolicyDocument),
    },
  ],
  'AWS::IAM::Role': [
    {
      what: 'managed policies of a role',
      most: 10,
      source: SOURCES.iam,
      leads: SOURCES_PATH,
      measure: ({ ManagedPolicyArns }) => countOf(ManagedPolicyArns),
    },
    {
      what: 'characters in the trust policy of a role',
      most: 2048,
      source: SOURCES.iam,
      leads: SYSTEM_PATH,
      measure: ({ AssumeRolePolicyDocument }) => charactersOf(AssumeRolePolicyDocument),
    },
    nameLimit('RoleName', 64, SOURCES.iam),
  ],
  'AWS::S3::BucketPolicy': [
    {
      what: 'bytes in the policy of a bucket',
      most: kib(20),
      source: SOURCES.s3,
      leads: ROLES_PATH,
      measure: ({ PolicyDocument }) => bytesOf(PolicyDocument),
    },
  ],
  'AWS::KMS::Key': [
    {
      what: 'bytes in the policy of a key',
      most: kib(32),
      source: SOURCES.kms,
      leads: ROLES_PATH,
      measure: ({ KeyPolicy }) => bytesOf(KeyPolicy),
    },
  ],
  'AWS::SQS::QueuePolicy': [
    {
      what: 'bytes in the policy of a queue',
      most: 8192,
      source: SOURCES.sqs,
      leads: SOURCES_PATH,
      measure: ({ PolicyDocument }) => bytesOf(PolicyDocument),
    },
    {
      what: 'statements in the policy of a queue',
      most: 20,
      source: SOURCES.sqs,
      leads: SOURCES_PATH,
      measure: (all) => statementsOf(all).length,
    },
    {
      what: 'conditions in the policy of a queue',
      most: 10,
      source: SOURCES.sqs,
      leads: SOURCES_PATH,
      measure: (all) => statementsOf(all).reduce<number>((sum, one) => sum + conditionsOf(one), 0),
    },
  ],
  'AWS::SQS::Queue': [nameLimit('QueueName', 80, SOURCES.queues)],
  'AWS::Lambda::Function': [
    {
      what: 'bytes in the environment of a function',
      most: kib(4),
      source: SOURCES.lambda,
      leads: SOURCES_PATH,
      measure: ({ Environment }) => bytesOf(within(Environment, 'Variables')),
    },
    {
      what: 'layers of a function',
      most: 5,
      source: SOURCES.lambda,
      leads: ['aws', 'databases', 'layers'],
      measure: ({ Layers }) => countOf(Layers),
    },
    {
      what: 'subnets of a function',
      most: 16,
      source: SOURCES.lambdaApi,
      leads: [...VPC_PATH, 'subnets'],
      measure: ({ VpcConfig }) => countOf(within(VpcConfig, 'SubnetIds')),
    },
    {
      what: 'security groups of a function',
      most: 5,
      source: SOURCES.lambdaApi,
      leads: [...VPC_PATH, 'securityGroups'],
      measure: ({ VpcConfig }) => countOf(within(VpcConfig, 'SecurityGroupIds')),
    },
    nameLimit('FunctionName', 64, SOURCES.lambdaApi),
  ],
  'AWS::CloudWatch::Alarm': [
    nameLimit('AlarmName', 255, SOURCES.alarms),
    {
      what: 'characters in the description of an alarm',
      most: 1024,
      source: SOURCES.alarms,
      leads: SOURCES_PATH,
      measure: lengthOf('AlarmDescription'),
    },
    {
      what: 'actions of an alarm for one state',
      most: 5,
      source: SOURCES.alarms,
      leads: ['notify'],
      measure: ({ AlarmActions, OKActions, InsufficientDataActions }) =>
        Math.max(...[AlarmActions, OKActions, InsufficientDataActions].map(countOf)),
    },
  ],
  'AWS::CloudWatch::Dashboard': [
    {
      what: 'widgets of a dashboard',
      most: 500,
      source: SOURCES.cloudWatch,
      leads: SOURCES_PATH,
      measure: (all) => widgetsOf(all).length,
    },
    {
      what: 'alarms in a widget of a dashboard',
      most: 100,
      source: SOURCES.dashboard,
      leads: SOURCES_PATH,
      measure: (all) => Math.max(0, ...widgetsOf(all).map((one) => countOf(one['alarms']))),
    },
    {
      what: 'metrics of a dashboard',
      most: 2500,
      source: SOURCES.cloudWatch,
      leads: SOURCES_PATH,
      measure: (all) => widgetsOf(all).reduce((sum, one) => sum + countOf(one['metrics']), 0),
    },
  ],
  'AWS::Scheduler::Schedule': [
    nameLimit('Name', 64, SOURCES.scheduler),
    {
      what: 'characters in the description of a schedule',
      most: 512,
      source: SOURCES.scheduler,
      leads: SOURCES_PATH,
      measure: lengthOf('Description'),
    },
  ],
  'AWS::Scheduler::ScheduleGroup': [nameLimit('Name', 64, SOURCES.scheduler)],
  'AWS::ECS::TaskDefinition': [
    {
      what: 'GiB of disk of a task',
      most: 200,
      source: SOURCES.storage,
      leads: ['aws', 'tasks', 'disk'],
      measure: ({ EphemeralStorage }) => Number(within(EphemeralStorage, 'SizeInGiB') ?? 0),
    },
    nameLimit('Family', 255, SOURCES.tasks),
  ],
  'AWS::ECS::Cluster': [nameLimit('ClusterName', 255, SOURCES.clusters)],
  'AWS::StepFunctions::StateMachine': [
    nameLimit('StateMachineName', 80, SOURCES.machines),
    {
      what: 'bytes in the definition of a state machine',
      most: 1024 * 1024,
      source: SOURCES.machines,
      leads: SOURCES_PATH,
      measure: ({ DefinitionString }) => bytesOf(DefinitionString),
    },
  ],
  'AWS::Events::Rule': [
    nameLimit('Name', 64, SOURCES.rules),
    {
      what: 'characters in the pattern of a rule',
      most: 2048,
      source: SOURCES.targets,
      leads: SOURCES_PATH,
      measure: ({ EventPattern }) => charactersOf(EventPattern ?? {}),
    },
    {
      what: 'targets of a rule',
      most: 5,
      source: SOURCES.targets,
      leads: SOURCES_PATH,
      measure: ({ Targets }) => countOf(Targets),
    },
  ],
  'AWS::Backup::BackupSelection': [
    {
      what: 'resources of a selection',
      most: 500,
      source: SOURCES.selections,
      leads: POINTS_PATH,
      measure: ({ BackupSelection }) => countOf(within(BackupSelection, 'Resources')),
    },
    {
      what: 'tags of a selection',
      most: 30,
      source: SOURCES.selections,
      leads: POINTS_PATH,
      measure: ({ BackupSelection }) =>
        countOf(within(within(BackupSelection, 'Conditions'), 'StringEquals')),
    },
  ],
  'AWS::Backup::RestoreTestingSelection': [
    {
      what: 'resources of a selection of a restore testing plan',
      most: 30,
      source: SOURCES.restoreTesting,
      leads: POINTS_PATH,
      measure: ({ ProtectedResourceArns }) => countOf(ProtectedResourceArns),
    },
    {
      what: 'tags of a selection of a restore testing plan',
      most: 30,
      source: SOURCES.restoreTesting,
      leads: POINTS_PATH,
      measure: ({ ProtectedResourceConditions }) =>
        countOf(within(ProtectedResourceConditions, 'StringEquals')),
    },
  ],
};

/** Limits on a template. */
export const TEMPLATE_LIMITS: readonly Limit<RenderedTemplate>[] = [
  {
    what: 'restore testing plans',
    most: 100,
    source: SOURCES.restoreTesting,
    leads: POINTS_PATH,
    measure: ({ Resources }) =>
      Object.values(Resources ?? {}).filter(
        ({ Type }) => Type === 'AWS::Backup::RestoreTestingPlan',
      ).length,
  },
  {
    what: 'resources of a stack',
    most: 500,
    source: SOURCES.formation,
    leads: SOURCES_PATH,
    measure: ({ Resources }) => Object.keys(Resources ?? {}).length,
  },
  {
    what: 'outputs of a stack',
    most: 200,
    source: SOURCES.formation,
    leads: SOURCES_PATH,
    measure: ({ Outputs }) => Object.keys(Outputs ?? {}).length,
  },
  {
    what: 'parameters of a stack',
    most: 200,
    source: SOURCES.formation,
    leads: SOURCES_PATH,
    measure: ({ Parameters }) => Object.keys(Parameters ?? {}).length,
  },
  {
    what: 'bytes in the rights of others to start a function',
    most: kib(20),
    source: SOURCES.lambda,
    leads: SOURCES_PATH,
    measure: ({ Resources }) =>
      Math.max(
        0,
        ...Map.groupBy(
          Object.values(Resources ?? {}).filter(({ Type }) => Type === 'AWS::Lambda::Permission'),
          ({ Properties }) => String(Properties?.['FunctionName']),
        )
          .values()
          // Lambda writes a statement of each, with names of its own.
          .map((rights) => rights.reduce((sum, one) => sum + bytesOf(one.Properties) + 256, 0)),
      ),
  },
];

/** What CloudFormation takes of a template that is stored in S3, as the CDK stores each. */
export const MOST_TEMPLATE_BYTES: Omit<Limit<never>, 'measure'> = {
  what: 'bytes of a template',
  most: 1_000_000,
  source: SOURCES.formation,
  leads: SOURCES_PATH,
};

/** Of a stack with all stacks within it. */
export const MOST_NESTED_RESOURCES: Omit<Limit<never>, 'measure'> = {
  what: 'resources of a stack with all stacks within it',
  most: 2500,
  source: SOURCES.formation,
  leads: SOURCES_PATH,
};

function nameLimit(name: string, most: number, source: string): Limit<Properties> {
  return {
    what: `characters in ${name}`,
    most,
    source,
    leads: SYSTEM_PATH,
    measure: (all) => (typeof all[name] === 'string' ? all[name].length : 0),
  };
}

function widgetsOf({ DashboardBody }: Properties): Properties[] {
  if (typeof DashboardBody !== 'string') return [];
  const { widgets = [] } = JSON.parse(DashboardBody) as { widgets?: { properties: Properties }[] };
  return widgets.map(({ properties }) => properties);
}
