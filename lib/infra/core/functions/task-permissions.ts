// What those may do who begin and start tasks; a task itself may do what its function may.
import type { CfnCluster, CfnTaskDefinition } from 'aws-cdk-lib/aws-ecs';
import type { IRepository } from 'aws-cdk-lib/aws-ecr';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IRole } from 'aws-cdk-lib/aws-iam';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { resourceName } from '../../../names/aws.ts';
import type { TaskName } from '../../../names/aws.ts';
import { arnHere, sendTraces } from '../permissions.ts';

/** Fetching the image, and writing to the logs of its functions. */
export function beginTasks(repository: IRepository, logs: readonly ILogGroup[]): PolicyStatement[] {
  return [
    // A login is for the whole registry.
    new PolicyStatement({ actions: ['ecr:GetAuthorizationToken'], resources: ['*'] }),
    new PolicyStatement({
      actions: [
        'ecr:BatchCheckLayerAvailability',
        'ecr:GetDownloadUrlForLayer',
        'ecr:BatchGetImage',
      ],
      resources: [repository.repositoryArn],
    }),
    new PolicyStatement({
      actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
      resources: logs.map(({ logGroupArn }) => logGroupArn),
    }),
  ];
}

/** Starting the state machines of these tasks; by their names, so that who starts them can stand long before them. */
export function startMachines(
  scope: Construct,
  system: string,
  tasks: readonly TaskName[],
): PolicyStatement {
  return new PolicyStatement({
    actions: ['states:StartExecution'],
    resources: tasks.map((name) =>
      arnHere(scope, 'states', `stateMachine:${resourceName(system, name)}`),
    ),
  });
}

/** Starting these from outside, looking how that goes on, and finding them where the account is not known. */
export function triggerTasks(
  scope: Construct,
  system: string,
  tasks: readonly TaskName[],
): PolicyStatement[] {
  return [
    startMachines(scope, system, tasks),
    new PolicyStatement({
      actions: ['states:DescribeExecution'],
      // An execution stands below its machine.
      resources: tasks.map((name) =>
        arnHere(scope, 'states', `execution:${resourceName(system, name)}:*`),
      ),
    }),
    new PolicyStatement({ actions: ['states:ListStateMachines'], resources: ['*'] }),
  ];
}

/** What a state machine may start, and under which roles. */
export interface Startable {
  readonly cluster: CfnCluster;
  readonly definitions: readonly CfnTaskDefinition[];
  readonly roles: readonly IRole[];
}

/** Starting tasks of these definitions in this cluster, following them by the rule that Step Functions has for it, and logging. */
export function startTasks(
  scope: Construct,
  { cluster, definitions, roles }: Startable,
): PolicyStatement[] {
  const tasks = arnHere(scope, 'ecs', `task/${cluster.ref}/*`);
  const inCluster = { ArnEquals: { 'ecs:cluster': cluster.attrArn } };
  return [
    new PolicyStatement({
      actions: ['ecs:RunTask'],
      resources: definitions.map(({ ref }) => ref),
      conditions: inCluster,
    }),
    // A task takes over the tags of its definition: who starts it tags it.
    new PolicyStatement({
      actions: ['ecs:TagResource'],
      resources: [tasks],
      conditions: { StringEquals: { 'ecs:CreateAction': 'RunTask' } },
    }),
    new PolicyStatement({
      actions: ['ecs:StopTask', 'ecs:DescribeTasks'],
      resources: [tasks],
      conditions: inCluster,
    }),
    new PolicyStatement({
      actions: ['iam:PassRole'],
      resources: roles.map(({ roleArn }) => roleArn),
      conditions: { StringEquals: { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' } },
    }),
    new PolicyStatement({
      actions: ['events:PutTargets', 'events:PutRule', 'events:DescribeRule'],
      resources: [arnHere(scope, 'events', 'rule/StepFunctionsGetEventsForECSTaskRule')],
    }),
    new PolicyStatement({ actions: LOG_DELIVERY, resources: ['*'] }),
    new PolicyStatement({
      actions: ['xray:GetSamplingRules', 'xray:GetSamplingTargets'],
      resources: ['*'],
    }),
    sendTraces(),
  ];
}

/** CloudWatch Logs knows no resources of deliveries. */
const LOG_DELIVERY = [
  'logs:CreateLogDelivery',
  'logs:GetLogDelivery',
  'logs:UpdateLogDelivery',
  'logs:DeleteLogDelivery',
  'logs:ListLogDeliveries',
  'logs:PutResourcePolicy',
  'logs:DescribeResourcePolicies',
  'logs:DescribeLogGroups',
];
