// Backups, verifications and restore tests that would outlast a function: the same code as a task on Fargate, started by a state machine that
// waits.
import { Aws, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { CfnCluster, CfnTaskDefinition } from 'aws-cdk-lib/aws-ecs';
import type { DockerImageAsset } from 'aws-cdk-lib/aws-ecr-assets';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IPrincipal, ManagedPolicy, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { LogGroup, type CfnLogGroup } from 'aws-cdk-lib/aws-logs';
import { DefinitionBody, LogLevel, StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import type { TasksConfig, VpcConfig } from '../../../config/config.ts';
import { MEMORY_VARIABLES } from '../../../config/load/function-settings.ts';
import {
  TASK_VARIABLES,
  globalName,
  resourceName,
  ruleName,
  taskRoleName,
} from '../../../names/aws.ts';
import type { StackPlace, TaskName } from '../../../names/aws.ts';
import { DAY_MS, SECOND_MS } from '../../../durations.ts';
import type { Functions } from './functions.ts';
import { arnHere } from '../permissions.ts';
import { managedPolicies } from '../policies.ts';
import { beginTasks, startMachines, startTasks, triggerTasks } from './task-permissions.ts';
import { statesAround } from './task-states.ts';

export interface TasksProps extends StackPlace {
  /** Those that the stack has. */
  readonly names: readonly TaskName[];
  readonly functions: Functions;
  readonly image: DockerImageAsset;
  readonly size: TasksConfig;
  readonly vpc: VpcConfig;
  /** Encrypts logs. */
  readonly messagesKey: IKey;
  readonly logDays: number;
}

/** Of CPU, and MiB of memory; Fargate takes these together for every number of processors that can be configured. */
const EACH_VCPU = { units: 1024, memoryMiB: 4096 } as const;
const CONTAINER = 'work';
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
 * A task and a state machine for each function with sources that would outlast it. A task may do what the work of these sources needs, under a
 * role of its own: that of the function is for other sources, and lets nobody but Lambda assume it.
 */
export class Tasks extends Construct {
  readonly names: readonly TaskName[];
  /** Rules of events start state machines under it. */
  readonly eventsRole: Role;
  private readonly machines: ReadonlyMap<TaskName, StateMachine>;
  readonly policies: readonly ManagedPolicy[];
  readonly definitions: readonly CfnTaskDefinition[];
  private readonly props: TasksProps;
  private readonly cluster: CfnCluster;

  constructor(scope: Construct, id: string, props: TasksProps) {
    super(scope, id);
    this.props = props;
    const { system, functions, image, names } = props;
    this.names = names;
    this.cluster = new CfnCluster(this, 'Cluster', {
      clusterName: resourceName(system, 'tasks'),
      clusterSettings: [{ name: 'containerInsights', value: 'enabled' }],
    });
    const logs = names.map((name) => functions.of(name).logGroup);
    const ofAccount = { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } };
    const beginner = this.role('begin', {
      name: globalName(props, 'tasks-begin'),
      assumedBy: new ServicePrincipal('ecs-tasks.amazonaws.com', { conditions: ofAccount }),
      about: 'Fetches the image of a task and opens its log',
      statements: beginTasks(image.repository, logs),
    });
    const begins = beginner.role;
    const workers = names.map((name) => ({ name, ...this.worker(name) }));
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
    const listener = this.role('events', {
      name: globalName(props, 'tasks-events'),
      assumedBy: new ServicePrincipal('events.amazonaws.com', {
        conditions: {
          StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID },
          ArnLike: { 'aws:SourceArn': arnHere(this, 'events', `rule/${ruleName(system, '*')}`) },
        },
      }),
      about: `Starts the state machines of ${system} when something happens`,
      statements: [startMachines(this, system, names)],
    });
    this.eventsRole = listener.role;
    this.policies = [beginner, starter, listener, ...workers].flatMap(({ policies }) => policies);
    this.machines = new Map(
      definitions.map(
        ([name, definition]) => [name, this.machine(name, definition, starter.role)] as const,
      ),
    );
  }

  /** What starts the task of that name and waits for it, in a stack that has it. */
  of(name: TaskName): StateMachine {
    const found = this.machines.get(name);
    if (found === undefined) throw new TypeError(`this stack has no task ${name}`);
    return found;
  }

  /** Starting these tasks from outside, as `holdfast trigger` does. */
  mayTrigger(names: readonly TaskName[]): PolicyStatement[] {
    return triggerTasks(this, this.props.system, names);
  }

  private worker(name: TaskName): Identity {
    const { system, functions } = this.props;
    return this.role(`${name}-work`, {
      name: taskRoleName(this.props, name),
      assumedBy: taskRunner(this),
      about: `The task ${resourceName(system, name)} runs under it`,
      statements: functions.workOf(name, 'task'),
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
    name: TaskName,
    { begins, works }: { readonly begins: Role; readonly works: Role },
  ): CfnTaskDefinition {
    const { system, functions, image, size } = this.props;
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
      cpu: String(size.vcpus * EACH_VCPU.units),
      memory: String(size.vcpus * EACH_VCPU.memoryMiB),
      networkMode: 'awsvpc',
      requiresCompatibilities: ['FARGATE'],
      runtimePlatform: { cpuArchitecture: 'ARM64', operatingSystemFamily: 'LINUX' },
      ephemeralStorage: { sizeInGiB: size.diskGiB },
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

  private machine(name: TaskName, definition: CfnTaskDefinition, role: Role): StateMachine {
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
