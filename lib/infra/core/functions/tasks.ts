// Dumps and restore tests that would outlast a function: the same image as a task on Fargate, started by a state machine that waits.
import { Aws, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { CfnCluster, CfnTaskDefinition } from 'aws-cdk-lib/aws-ecs';
import type { DockerImageAsset } from 'aws-cdk-lib/aws-ecr-assets';
import { ManagedPolicy, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IPrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { LogGroup, type CfnLogGroup } from 'aws-cdk-lib/aws-logs';
import { DefinitionBody, LogLevel, StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { isDatabase } from '../../../config/config.ts';
import type { Config, VpcConfig } from '../../../config/config.ts';
import { MEMORY_VARIABLES } from '../../../config/load/function-settings.ts';
import { DATABASE_FUNCTIONS, TASK_VARIABLES, resourceName } from '../../../names/aws.ts';
import type { DatabaseFunctionName } from '../../../names/aws.ts';
import { DAY_MS, SECOND_MS } from '../../../policy/durations.ts';
import type { Functions } from './functions.ts';
import { arnHere } from '../permissions.ts';
import { beginTasks, startTasks } from './task-permissions.ts';

export interface TasksProps {
  readonly system: string;
  readonly functions: Functions;
  readonly image: DockerImageAsset;
  readonly vpc: VpcConfig;
  /** Encrypts logs. */
  readonly messagesKey: IKey;
  readonly logDays: number;
}

/** One database at a time needs no more; a dump is as fast as its server gives it. */
const SIZE = { cpu: '2048', memory: '8192', diskGiB: 200 } as const;
const CONTAINER = 'database';
const DAY_SECONDS = DAY_MS / SECOND_MS;
/** To fetch the image, and to tell of a run that was stopped in time. */
const MARGIN_SECONDS = 600;

/** Whether anything of a system runs as a task. */
export function hasTasks({ sources }: Config): boolean {
  return sources.some((source) => isDatabase(source) && source.runOn === 'task');
}

/** Who runs tasks of this account. */
export function taskRunner(scope: Construct): IPrincipal {
  return new ServicePrincipal('ecs-tasks.amazonaws.com', {
    conditions: {
      StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID },
      ArnLike: { 'aws:SourceArn': arnHere(scope, 'ecs', '*') },
    },
  });
}

/** A task and a state machine for each function of databases; a task runs under the role of its function. */
export class Tasks extends Construct {
  readonly stateMachines: Readonly<Record<DatabaseFunctionName, StateMachine>>;
  readonly policies: readonly ManagedPolicy[];
  readonly definitions: readonly CfnTaskDefinition[];
  private readonly props: TasksProps;
  private readonly cluster: CfnCluster;

  constructor(scope: Construct, id: string, props: TasksProps) {
    super(scope, id);
    this.props = props;
    const { system, functions, image } = props;
    this.cluster = new CfnCluster(this, 'Cluster', {
      clusterName: resourceName(system, 'tasks'),
      clusterSettings: [{ name: 'containerInsights', value: 'enabled' }],
    });
    const logs = DATABASE_FUNCTIONS.map((name) => functions.of(name).logGroup);
    const beginner = this.role('begin', 'ecs-tasks', {
      about: 'Fetches the image of a task and opens its log',
      statements: beginTasks(image.repository, logs),
    });
    const definitions = DATABASE_FUNCTIONS.map(
      (name) => [name, this.define(name, beginner.role)] as const,
    );
    this.definitions = definitions.map(([, one]) => one);
    const starter = this.role('start', 'states', {
      about: `Starts the tasks of ${system} and waits for them`,
      statements: startTasks(this, {
        cluster: this.cluster,
        definitions: this.definitions,
        roles: [beginner.role, ...DATABASE_FUNCTIONS.map((name) => functions.of(name).role)],
      }),
    });
    this.policies = [beginner.policy, starter.policy];
    const machines = definitions.map(
      ([name, definition]) => [name, this.machine(name, definition, starter.role)] as const,
    );
    this.stateMachines = Object.fromEntries(machines) as Record<DatabaseFunctionName, StateMachine>;
  }

  private role(
    what: string,
    service: string,
    { about, statements }: { about: string; statements: ReturnType<typeof beginTasks> },
  ): { role: Role; policy: ManagedPolicy } {
    const name = resourceName(this.props.system, `tasks-${what}`);
    const policy = new ManagedPolicy(this, `${what}-policy`, {
      managedPolicyName: name,
      description: about,
      statements,
    });
    const role = new Role(this, `${what}-role`, {
      roleName: name,
      description: about,
      assumedBy: new ServicePrincipal(`${service}.amazonaws.com`, {
        conditions: { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } },
      }),
      managedPolicies: [policy],
    });
    role.node.addDependency(policy);
    return { role, policy };
  }

  private define(name: DatabaseFunctionName, beginner: Role): CfnTaskDefinition {
    const { system, functions, image } = this.props;
    const own = functions.of(name);
    const environment = {
      ...functions.environmentOf(name),
      NODE_OPTIONS: '--enable-source-maps',
      ...MEMORY_VARIABLES,
      [TASK_VARIABLES.name]: own.functionName,
      [TASK_VARIABLES.timeout]: String(DAY_SECONDS - MARGIN_SECONDS),
    };
    return new CfnTaskDefinition(this, `${name}-task`, {
      family: resourceName(system, name),
      cpu: SIZE.cpu,
      memory: SIZE.memory,
      networkMode: 'awsvpc',
      requiresCompatibilities: ['FARGATE'],
      runtimePlatform: { cpuArchitecture: 'ARM64', operatingSystemFamily: 'LINUX' },
      ephemeralStorage: { sizeInGiB: SIZE.diskGiB },
      executionRoleArn: beginner.roleArn,
      taskRoleArn: own.role.roleArn,
      volumes: [{ name: 'scratch' }],
      containerDefinitions: [
        {
          name: CONTAINER,
          image: image.imageUri,
          essential: true,
          entryPoint: ['node', '/var/task/task.js'],
          command: [name],
          environment: Object.entries(environment).map(([key, value]) => ({ name: key, value })),
          // As for a function: nothing but the scratch place can be written to.
          readonlyRootFilesystem: true,
          mountPoints: [{ sourceVolume: 'scratch', containerPath: '/tmp' }],
          // Processes that lose their parent end as they should.
          linuxParameters: { initProcessEnabled: true },
          logConfiguration: {
            logDriver: 'awslogs',
            options: {
              'awslogs-group': own.logGroup.logGroupName,
              'awslogs-region': Aws.REGION,
              'awslogs-stream-prefix': 'task',
            },
          },
        },
      ],
    });
  }

  private machine(
    name: DatabaseFunctionName,
    definition: CfnTaskDefinition,
    role: Role,
  ): StateMachine {
    const { system, messagesKey, logDays } = this.props;
    const machineName = resourceName(system, name);
    const log = new LogGroup(this, `${name}-log`, {
      logGroupName: `/aws/vendedlogs/states/${machineName}`,
      encryptionKey: messagesKey,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    (log.node.defaultChild as CfnLogGroup).retentionInDays = logDays;
    const machine = new StateMachine(this, `${name}-machine`, {
      stateMachineName: machineName,
      definitionBody: DefinitionBody.fromString(this.states(definition)),
      role: role.withoutPolicyUpdates(),
      tracingEnabled: true,
      logs: { destination: log, level: LogLevel.ALL, includeExecutionData: true },
    });
    machine.node.addDependency(role);
    return machine;
  }

  /** One state: the task with the event that started the machine; what fails for no reason of its own is tried again. */
  private states(definition: CfnTaskDefinition): string {
    const { subnets, securityGroups } = this.props.vpc;
    const run = {
      Type: 'Task',
      Resource: `arn:${Aws.PARTITION}:states:::ecs:runTask.sync`,
      TimeoutSeconds: DAY_SECONDS,
      Arguments: {
        Cluster: this.cluster.attrArn,
        TaskDefinition: definition.ref,
        LaunchType: 'FARGATE',
        NetworkConfiguration: {
          AwsvpcConfiguration: {
            Subnets: subnets,
            SecurityGroups: securityGroups,
            AssignPublicIp: 'DISABLED',
          },
        },
        Overrides: {
          ContainerOverrides: [
            {
              Name: CONTAINER,
              Environment: [
                { Name: TASK_VARIABLES.event, Value: '{% $string($states.input) %}' },
                { Name: TASK_VARIABLES.request, Value: '{% $states.context.Execution.Name %}' },
              ],
            },
          ],
        },
        PropagateTags: 'TASK_DEFINITION',
      },
      Retry: [
        { ErrorEquals: ['States.TaskFailed'], IntervalSeconds: 60, MaxAttempts: 2, BackoffRate: 2 },
      ],
      End: true,
    };
    return Stack.of(this).toJsonString({
      Comment: 'Runs a task and waits for its end',
      QueryLanguage: 'JSONata',
      StartAt: 'Run',
      States: { Run: run },
    });
  }
}
