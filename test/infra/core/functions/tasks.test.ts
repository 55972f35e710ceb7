// Databases that outlast a function: the same image on Fargate, started by a state machine, which is started by the schedule.
import { beforeAll, describe, expect, test } from '@jest/globals';
import { DATABASE_FUNCTIONS } from '../../../../lib/names/aws.ts';
import {
  ACCOUNT,
  SPARK,
  configOf,
  deployed,
  policyOf,
  sparkWith,
} from '../../../support/stacks.ts';
import type { Deployed } from '../../../support/stacks.ts';

const SYSTEM = 'holdfast-spark-bloom-flow';
const HERE = `eu-central-1:${ACCOUNT}`;

let tasks: Deployed;
beforeAll(async () => {
  tasks = await deployed(
    sparkWith(
      [
        'databases: { package: image, postgres: 17 }',
        'databases: { postgres: 18, vpc: { id: vpc-0a1b2c3d, subnets: [subnet-0a1b2c3d], securityGroups: [sg-0a1b2c3d] } }',
      ],
      ['    rto: 4h\n', '    rto: 4h\n    runOn: task\n'],
    ),
  );
});

function one(type: string, name: (properties: Record<string, unknown>) => boolean) {
  const [found, ...more] = tasks.ofType(type).filter(([, { Properties }]) => name(Properties));
  if (found === undefined || more.length > 0) throw new Error(`${more.length} more of ${type}`);
  return { id: found[0], properties: found[1].Properties };
}

const taskOf = (name: string) =>
  one('AWS::ECS::TaskDefinition', ({ Family }) => Family === `${SYSTEM}-${name}`);
const role = (what: string) => `${SYSTEM}-eu-central-1-${what}`;
const roleOf = (name: string) => role(`task-${name.replace('database-', 'db-')}`);
const machineOf = (name: string) =>
  one('AWS::StepFunctions::StateMachine', (all) => all['StateMachineName'] === `${SYSTEM}-${name}`);

test('none of it is made where functions suffice', async () => {
  const spark = await deployed(configOf(SPARK));
  for (const type of [
    'AWS::ECS::Cluster',
    'AWS::ECS::TaskDefinition',
    'AWS::StepFunctions::StateMachine',
  ])
    expect(spark.ofType(type)).toEqual([]);
});

describe.each(DATABASE_FUNCTIONS.map((name) => [name]))('the task %s', (name) => {
  test('runs the image under a role of its own, on Fargate and arm64', () => {
    const { properties } = taskOf(name);
    expect(properties).toMatchObject({
      RequiresCompatibilities: ['FARGATE'],
      RuntimePlatform: { CpuArchitecture: 'ARM64', OperatingSystemFamily: 'LINUX' },
      EphemeralStorage: { SizeInGiB: 200 },
      TaskRoleArn: `arn:aws:iam::${ACCOUNT}:role/${roleOf(name)}`,
      ContainerDefinitions: [
        {
          EntryPoint: ['node', '/var/task/task.js'],
          Command: [name],
          ReadonlyRootFilesystem: true,
          MountPoints: [{ ContainerPath: '/tmp', SourceVolume: 'scratch' }],
          LogConfiguration: {
            LogDriver: 'awslogs',
            Options: { 'awslogs-group': `/aws/lambda/${SYSTEM}-${name}` },
          },
        },
      ],
    });
  });

  test('is told what its function is told, and its time', () => {
    const [container] = taskOf(name).properties['ContainerDefinitions'] as {
      Environment: { Name: string; Value: string }[];
    }[];
    const told = Object.fromEntries(
      (container?.Environment ?? []).map(({ Name, Value }) => [Name, Value]),
    );
    const own = one('AWS::Lambda::Function', (all) => all['FunctionName'] === `${SYSTEM}-${name}`);
    const { Variables } = own.properties['Environment'] as { Variables: Record<string, string> };
    expect(told).toMatchObject({ ...Variables, HOLDFAST_TASK_NAME: `${SYSTEM}-${name}` });
    expect(Number(told['HOLDFAST_TASK_SECONDS'])).toBeLessThan(86_400);
  });

  test('is started and awaited by a state machine, which passes the event on, logs all and is traced', () => {
    const { properties } = machineOf(name);
    expect(properties).toMatchObject({
      TracingConfiguration: { Enabled: true },
      LoggingConfiguration: { Level: 'ALL', IncludeExecutionData: true },
    });
    const states = JSON.parse(String(properties['DefinitionString'])) as {
      QueryLanguage: string;
      States: Record<string, { Arguments: Record<string, unknown> }>;
    };
    expect(states.QueryLanguage).toBe('JSONata');
    expect(states.States['Run']).toMatchObject({
      Type: 'Task',
      Resource: 'arn:aws:states:::ecs:runTask.sync',
      TimeoutSeconds: 86_400,
      End: true,
      Catch: [{ ErrorEquals: ['States.TaskFailed'], Next: 'Judge' }],
    });
    expect(states.States['Run']?.Arguments).toMatchObject({
      LaunchType: 'FARGATE',
      TaskDefinition: taskOf(name).id,
      NetworkConfiguration: {
        AwsvpcConfiguration: {
          Subnets: ['subnet-0a1b2c3d'],
          SecurityGroups: ['sg-0a1b2c3d'],
          AssignPublicIp: 'DISABLED',
        },
      },
      Overrides: {
        ContainerOverrides: [
          {
            Name: 'database',
            Environment: [
              { Name: 'HOLDFAST_TASK_EVENT', Value: '{% $string($event) %}' },
              { Name: 'HOLDFAST_TASK_REQUEST', Value: '{% $states.context.Execution.Name %}' },
            ],
          },
        ],
      },
    });
  });

  test('raises an alarm when it fails, takes too long or is ended', () => {
    const alarm = one(
      'AWS::CloudWatch::Alarm',
      (all) => all['AlarmName'] === `${SYSTEM}/tasks/${name}/errors`,
    );
    const metrics = alarm.properties['Metrics'] as {
      MetricStat?: { Metric: unknown };
      Expression?: string;
    }[];
    // Of three that were never counted, the sum has no value at all.
    expect(metrics.find(({ Expression }) => Expression !== undefined)?.Expression).toBe(
      'FILL(failed, 0) + FILL(late, 0) + FILL(ended, 0)',
    );
    expect(
      metrics.flatMap(({ MetricStat }) => (MetricStat === undefined ? [] : [MetricStat.Metric])),
    ).toEqual(
      ['ExecutionsFailed', 'ExecutionsTimedOut', 'ExecutionsAborted'].map((MetricName) =>
        expect.objectContaining({ Namespace: 'AWS/States', MetricName }),
      ),
    );
  });

  test('is run by ECS for this account alone, and its function by Lambda alone', () => {
    const assumedBy = (named: string) => {
      const { properties } = one('AWS::IAM::Role', (all) => all['RoleName'] === named);
      return (properties['AssumeRolePolicyDocument'] as { Statement: unknown[] }).Statement;
    };
    expect(assumedBy(role(name))).toEqual([
      expect.objectContaining({ Principal: { Service: 'lambda.amazonaws.com' } }),
    ]);
    expect(assumedBy(roleOf(name))).toEqual([
      expect.objectContaining({
        Principal: { Service: 'ecs-tasks.amazonaws.com' },
        Condition: {
          StringEquals: { 'aws:SourceAccount': ACCOUNT },
          ArnLike: { 'aws:SourceArn': `arn:aws:ecs:${HERE}:*` },
        },
      }),
    ]);
  });

  test('may do what its function may for its work, signs included, and nothing in networks', () => {
    const rights = (policy: string) =>
      policyOf(tasks, policy).Statement.flatMap((statement) =>
        [statement.Action].flat().map((Action) => JSON.stringify({ ...statement, Action })),
      );
    const own = rights(roleOf(name).slice(role('').length));
    const ofFunction = rights(name);
    expect(own.filter((right) => !ofFunction.includes(right))).toEqual([]);
    expect(own.join('\n')).toContain('"kms:Sign"');
    expect(own.join('\n')).not.toContain('ec2:');
    expect(ofFunction.join('\n')).toContain('lambda:SourceFunctionArn');
  });
});

test('the schedules start state machines, with the time for which they are due', () => {
  const targets = Object.fromEntries(
    tasks.ofType('AWS::Scheduler::Schedule').map(([, { Properties }]) => {
      const { Arn, Input } = Properties['Target'] as { Arn: string; Input: string };
      return [String(Properties['Name']), { Arn, Input: JSON.parse(Input) as unknown }];
    }),
  );
  const at = '<aws.scheduler.scheduled-time>';
  expect(targets['database-backup']).toEqual({
    Arn: machineOf('database-backup').id,
    Input: { trigger: 'schedule', source: 'database', at },
  });
  expect(targets['database-restore-test']).toEqual({
    Arn: machineOf('database-restore-test').id,
    Input: { source: 'database', at },
  });
  const { Statement } = policyOf(tasks, 'schedules');
  expect(Statement.filter(({ Action }) => Action === 'states:StartExecution')).toEqual([
    expect.objectContaining({
      Resource: DATABASE_FUNCTIONS.map((name) =>
        expect.stringMatching(`:stateMachine:holdfast-spark-bloom-flow-${name}$`),
      ),
    }),
  ]);
});

test('who starts tasks may start these in this cluster under these roles, and nothing else', () => {
  const { Statement } = policyOf(tasks, 'tasks-start');
  const of = (action: string) => {
    const [found] = Statement.filter(({ Action }) => [Action].flat().includes(action));
    return { Resource: found?.Resource, Condition: found?.Condition };
  };
  expect(of('ecs:RunTask')).toEqual({
    Resource: DATABASE_FUNCTIONS.map((name) => taskOf(name).id),
    Condition: { ArnEquals: { 'ecs:cluster': expect.anything() } },
  });
  // A task takes over the tags of its definition.
  expect(of('ecs:TagResource')).toEqual({
    Resource: expect.stringMatching(/:task\/\w+\/\*$/),
    Condition: { StringEquals: { 'ecs:CreateAction': 'RunTask' } },
  });
  expect(of('iam:PassRole')).toEqual({
    Resource: expect.arrayContaining(
      [role('tasks-begin'), ...DATABASE_FUNCTIONS.map(roleOf)].map(
        (name) => `arn:aws:iam::${ACCOUNT}:role/${name}`,
      ),
    ),
    Condition: { StringEquals: { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' } },
  });
  const begin = policyOf(tasks, 'tasks-begin').Statement;
  expect(begin.flatMap(({ Action }) => Action).filter((one) => one.startsWith('secret'))).toEqual(
    [],
  );
});
