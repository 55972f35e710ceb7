// What runs by the clock. Each run gets the time for which it was due, so that a repeated one is known as such.
import { Aws, RemovalPolicy } from 'aws-cdk-lib';
import { ManagedPolicy, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { CfnSchedule, CfnScheduleGroup } from 'aws-cdk-lib/aws-scheduler';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { globalName, resourceName } from '../../../names/aws.ts';
import type { FunctionName, StackPlace, TaskName } from '../../../names/aws.ts';
import type { Functions } from '../functions/functions.ts';
import { arnHere } from '../permissions.ts';
import type { Tasks } from '../functions/tasks.ts';
import { startMachines } from '../functions/task-permissions.ts';

export interface SchedulesProps extends StackPlace {
  readonly functions: Functions;
  /** Undefined where nothing runs as a task. */
  readonly tasks: Tasks | undefined;
  readonly deadLetters: IQueue;
  /** The key of the dead letters. */
  readonly messagesKey: IKey;
}

/** What runs: a function, or a task in its place. */
export type Runs =
  | { readonly runs: FunctionName; readonly asTask?: false }
  | { readonly runs: TaskName; readonly asTask: boolean };

/** One thing that runs by the clock. */
export type Timetable = Runs & {
  /** Letters, digits, hyphens, at most 64: the name of the schedule within its group. */
  readonly name: string;
  readonly about: string;
  /** `cron(…)` or `rate(…)` */
  readonly expression: string;
  /** @default UTC */
  readonly timeZone?: string;
  /** What the event holds besides the time it was due. */
  readonly input?: Readonly<Record<string, string>>;
  /** How long a run that could not be started is still worth starting. */
  readonly worthSeconds: number;
};

/** What the Scheduler replaces by the time for which it runs. */
const DUE = '<aws.scheduler.scheduled-time>';

/** A group of schedules, and the one role by which they start functions and tasks. */
export class Schedules extends Construct {
  private readonly props: SchedulesProps;
  private readonly group: CfnScheduleGroup;
  private readonly role: Role;
  readonly policy: ManagedPolicy;
  readonly groupName: string;

  constructor(scope: Construct, id: string, props: SchedulesProps) {
    super(scope, id);
    this.props = props;
    const { system, functions, tasks, deadLetters, messagesKey } = props;
    this.groupName = resourceName(system, 'schedules');
    this.group = new CfnScheduleGroup(this, 'Group', { name: this.groupName });
    this.group.applyRemovalPolicy(RemovalPolicy.DESTROY);
    this.policy = new ManagedPolicy(this, 'Policy', {
      managedPolicyName: globalName(props, 'schedules'),
      description: `What the schedules of ${system} may start`,
      statements: [
        new PolicyStatement({
          actions: ['lambda:InvokeFunction'],
          // By their names: so the role stands long before them, and a schedule that needs it finds it everywhere.
          resources: functions.all.map(({ functionName }) =>
            arnHere(this, 'lambda', `function:${functionName}`),
          ),
        }),
        ...(tasks === undefined ? [] : [startMachines(this, system, tasks.names)]),
        new PolicyStatement({ actions: ['sqs:SendMessage'], resources: [deadLetters.queueArn] }),
        new PolicyStatement({
          actions: ['kms:GenerateDataKey', 'kms:Decrypt'],
          resources: [messagesKey.keyArn],
        }),
      ],
    });
    this.role = new Role(this, 'Role', {
      roleName: globalName(props, 'schedules'),
      description: `The schedules of ${system} start functions under it`,
      assumedBy: new ServicePrincipal('scheduler.amazonaws.com', {
        conditions: {
          StringEquals: {
            'aws:SourceAccount': Aws.ACCOUNT_ID,
            'aws:SourceArn': arnHere(this, 'scheduler', `schedule-group/${this.groupName}`),
          },
        },
      }),
      managedPolicies: [this.policy],
    });
    this.role.node.addDependency(this.policy);
  }

  /** @param scope - where the schedule stands: this, or a stack that waits for one of these */
  add(timetable: Timetable, scope: Construct = this): CfnSchedule {
    const { name, about, expression, timeZone = 'UTC', input, worthSeconds } = timetable;
    const { deadLetters, functions } = this.props;
    const schedule = new CfnSchedule(scope, name, {
      name,
      groupName: this.groupName,
      description: about,
      scheduleExpression: expression,
      scheduleExpressionTimezone: timeZone,
      flexibleTimeWindow: { mode: 'OFF' },
      target: {
        arn: this.arnOf(timetable),
        roleArn: this.role.roleArn,
        input: JSON.stringify({ ...input, at: DUE }),
        deadLetterConfig: { arn: deadLetters.queueArn },
        retryPolicy: { maximumEventAgeInSeconds: worthSeconds, maximumRetryAttempts: 10 },
      },
    });
    if (scope === this) {
      // IAM tells every place of a new role only after a while; making the functions takes longer.
      const made = functions.all.map((one) => one.function);
      schedule.node.addDependency(this.group, this.role, ...made);
    }
    return schedule;
  }

  private arnOf(what: Runs): string {
    const { functions, tasks } = this.props;
    if (what.asTask !== true) return functions.of(what.runs).function.functionArn;
    if (tasks === undefined) throw new TypeError('this stack has no tasks');
    return tasks.of(what.runs).stateMachineArn;
  }
}
