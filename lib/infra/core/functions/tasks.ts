// Dumps and restore tests that would outlast a function: the same image as a task on Fargate, started by a state machine that waits.
import { Aws, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { CfnCluster, CfnTaskDefinition } from 'aws-cdk-lib/aws-ecs';
import type { DockerImageAsset } from 'aws-cdk-lib/aws-ecr-assets';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IPrincipal, ManagedPolicy, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { LogGroup, type CfnLogGroup } from 'aws-cdk-lib/aws-logs';
import { DefinitionBody, LogLevel, StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { isTask } from '../../../config/config.ts';
import type { Config, VpcConfig } from '../../../config/config.ts';
import { MEMORY_VARIABLES } from '../../../config/load/function-settings.ts';
import {
  DATABASE_FUNCTIONS,
  TASK_VARIABLES,
  globalName,
  resourceName,
  taskRoleName,
} from '../../../names/aws.ts';
import type { DatabaseFunctionName, StackPlace } from '../../../names/aws.ts';
import { DAY_MS, SECOND_MS } from '../../../durations.ts';
import type { Functions } from './functions.ts';
import { arnHere } from '../permissions.ts';
import { managedPolicies } from '../policies.ts';
import { beginTasks, startTasks } from './task-permissions.ts';
import { statesAround } from './task-states.ts';

export interface TasksProps extends StackPlace {
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

interface IdentityProps {
  /** Of the role and of its policy. */
  readonly name: string;
  readonly assumedBy: IPrincipal;
  readonly about: string;
  readonly statements: readonly PolicyStatement[];
}

interface Identity {
  readonly role: Role;
  readonly policies: readonly ManagedPolicy[];
}

/** Whether anything of a system runs as a task. */
export function hasTasks({ sources }: Config): boolean {
  return sources.some(isTask);
}

/** Who runs tasks of this account. */
function taskRunner(scope: Construct): IPrincipal {
  return new ServicePrincipal('ecs-tasks.amazonaws.com', {
    conditions: {
      StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID },
      ArnLike: { 'aws:SourceArn': arnHere(scope, 'ecs', '*') },
    },
  });
}

/**
 * A task and a state machine for each function of databases. A task may do what its function may for its work, under a role of its own:
 * that of the function is denied all about networks unless Lambda asks in its name, and lets nobody but Lambda assume it.
 */
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
    const ofAccount = { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } };
    const beginner = this.role('begin', {
      name: globalName(props, 'tasks-begin'),
      assumedBy: new ServicePrincipal('ecs-tasks.amazonaws.com', { conditions: ofAccount }),
      about: 'Fetches the image of a task and opens its log',
      statements: beginTasks(image.repository, logs),
    });
    const begins = beginner.role;
    const workers = DATABASE_FUNCTIONS.map((name) => ({ name, ...this.worker(name) }));
    const definitions = workers.map(
      ({ name, role: works }) => [name, this.define(name, { begins, works })] as const,
    );
    this.definitions = definitions.map(([, one]) => one);
    const starter = this.role('start', {
      name: globalName(props, 'tasks-start'),
      assumedBy: new ServicePrincipal('states.amazonaws.com', { conditions: ofAccount }),
      about: `Starts the tasks of ${system} and waits for them`,
      statements: startTasks(this, {
        cluster: this.cluster,
        definitions: this.definitions,
        roles: [beginner.role, ...workers.map(({ role }) => role)],
      }),
    });
    this.policies = [beginner, starter, ...workers].flatMap(({ policies }) => policies);
    const machines = definitions.map(
      ([name, definition]) => [name, this.machine(name, definition, starter.role)] as const,
    );
    this.stateMachines = Object.fromEntries(machines) as Record<DatabaseFunctionName, StateMachine>;
  }

  private worker(name: DatabaseFunctionName): Identity {
    const { system, functions } = this.props;
    return this.role(`${name}-work`, {
      name: taskRoleName(this.props, name),
      assumedBy: taskRunner(this),
      about: `The task ${resourceName(system, name)} runs under it`,
      statements: functions.workOf(name),
    });
  }

  private role(id: string, { name, assumedBy, about, statements }: IdentityProps): Identity {
    const policies = managedPolicies(this, `${id}-policy`, {
      name,
      description: about,
      statements,
    });
    const role = new Role(this, `${id}-role`, {
      roleName: name,
      description: about,
      assumedBy,
      managedPolicies: [...policies],
    });
    role.node.addDependency(...policies);
    return { role, policies };
  }

  private define(
    name: DatabaseFunctionName,
    { begins, works }: { readonly begins: Role; readonly works: Role },
  ): CfnTaskDefinition {
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
      executionRoleArn: begins.roleArn,
      taskRoleArn: works.roleArn,
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
                { Name: TASK_VARIABLES.event, Value: '{% $string($event) %}' },
                { Name: TASK_VARIABLES.request, Value: '{% $states.context.Execution.Name %}' },
              ],
            },
          ],
        },
        PropagateTags: 'TASK_DEFINITION',
      },
    };
    return Stack.of(this).toJsonString(statesAround(run));
  }
}
