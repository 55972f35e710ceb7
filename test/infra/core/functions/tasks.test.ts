// Sources that outlast a function: the same code on Fargate, started by a state machine, which schedules and events start.
import { beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TASKS, taskRoleName } from '../../../../lib/names/aws.ts';
import type { TaskName } from '../../../../lib/names/aws.ts';
import {
  ACCOUNT,
  SPARK,
  WITH_ASKED,
  configOf,
  deployed,
  deployedFrom,
  policyOf,
  sparkWith,
  stackOf,
} from '../../../support/stacks.ts';
import type { Deployed } from '../../../support/stacks.ts';

const SYSTEM = 'holdfast-spark-bloom-flow';
/** As the CDK writes what is the same but for a name. */
const SORTED = [...TASKS].sort();
const HERE = `eu-central-1:${ACCOUNT}`;

const VPC = 'vpc: { id: vpc-0a1b2c3d, subnets: [subnet-0a1b2c3d], securityGroups: [sg-0a1b2c3d] }';

/** The database and the bucket of the example as tasks, and a bucket of archives that suffices with a function. */
const LARGE = [
  ['databases: { package: image, postgres: 17 }', `databases: { postgres: 18, ${VPC} }`],
  ['    rto: 4h\n', '    rto: 4h\n    runOn: task\n'],
  ['    rpo: 7d\n', '    rpo: 7d\n    runOn: task\n    onDeployment: [event]\n'],
  [
    '  # What users have entered',
    '  archives: { kind: bucket, bucket: spark-archives }\n  # What users have entered',
  ],
  WITH_ASKED,
] as const;

let tasks: Deployed;
beforeAll(async () => {
  tasks = await deployed(sparkWith(...LARGE));
});

function one(type: string, name: (properties: Record<string, unknown>) => boolean) {
  const [found, ...more] = tasks.ofType(type).filter(([, { Properties }]) => name(Properties));
  if (found === undefined || more.length > 0) throw new Error(`${more.length} more of ${type}`);
  return { id: found[0], properties: found[1].Properties };
}

const taskOf = (name: string) =>
  one('AWS::ECS::TaskDefinition', ({ Family }) => Family === `${SYSTEM}-${name}`);
const role = (what: string) => `${SYSTEM}-eu-central-1-${what}`;
const PLACE = { system: 'spark-bloom-flow', region: 'eu-central-1' };
const roleOf = (name: TaskName) => taskRoleName(PLACE, name);
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

test('people start none where the only one looks into restored databases', async () => {
  const looking = await deployed(
    sparkWith(WITH_ASKED, ['\n  recoveryPoints:\n', `\n  tasks: { ${VPC} }\n  recoveryPoints:\n`]),
  );
  const actions = policyOf(looking, 'recovery').Statement.flatMap(({ Action }) => Action);
  expect(actions).toContain('lambda:InvokeFunction');
  expect(actions.filter((action) => action.startsWith('states:'))).toEqual([]);
});

describe.each(TASKS.map((name) => [name]))('the task %s', (name) => {
  test('runs the image under a role of its own, on Fargate and arm64', () => {
    const { properties } = taskOf(name);
    expect(properties).toMatchObject({
      RequiresCompatibilities: ['FARGATE'],
      RuntimePlatform: { CpuArchitecture: 'ARM64', OperatingSystemFamily: 'LINUX' },
      Cpu: '2048',
      Memory: '8192',
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
            Name: 'work',
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

  test('signs with the key of its function, and may do nothing in networks', () => {
    const { Statement } = policyOf(tasks, roleOf(name).slice(role('').length));
    const signs = (policy: string) =>
      policyOf(tasks, policy).Statement.filter(({ Action }) => Action === 'kms:Sign');
    expect(signs(roleOf(name).slice(role('').length))).toEqual(signs(name));
    expect(signs(name)).toHaveLength(1);
    expect(JSON.stringify(Statement)).not.toContain('ec2:');
  });

  test('may put what is made of its own sources alone', () => {
    const put = (policy: string) =>
      policyOf(tasks, policy)
        .Statement.filter(({ Action }) => [Action].flat().includes('s3:PutObject'))
        .flatMap(({ Resource }) => Resource)
        .map((resource) => resource.slice('arn:aws:s3:::spark-bloom-flow-backups/'.length))
        .sort();
    expect({ task: put(roleOf(name).slice(role('').length)), function: put(name) }).toEqual(
      PUTS[name],
    );
  });
});

const MARKER = 'holdfast.json';
const README = 'README.txt';
const OTHERS = ['application', 'archives', 'configuration'];
/** What each task may put, and what is left for its function. */
const PUTS = {
  backup: {
    task: [
      README,
      'backups/assets/*',
      MARKER,
      'records/backup/assets/*',
      'records/repair/assets/*',
    ],
    function: [
      README,
      ...OTHERS.map((one) => `backups/${one}/*`),
      MARKER,
      ...OTHERS.map((one) => `records/backup/${one}/*`),
      ...OTHERS.map((one) => `records/repair/${one}/*`),
    ],
  },
  verify: {
    task: ['records/verify/assets/*', 'records/verify/database/*'],
    // It also verifies what the configuration no longer names.
    function: ['records/verify/*'],
  },
  'restore-test': {
    task: ['records/restore-test/assets/*'],
    function: OTHERS.map((one) => `records/restore-test/${one}/*`),
  },
  'database-backup': {
    task: [README, 'backups/database/*', MARKER, 'records/backup/database/*'],
    function: [],
  },
  'database-restore-test': { task: ['records/restore-test/database/*'], function: [] },
  'validate-recovery-point': {
    task: ['records/restore-test/servers/*'],
    function: ['records/restore-test/servers/*'],
  },
} as const;

describe('the task that looks into restored databases', () => {
  const rdsOf = (name: string) =>
    policyOf(tasks, name).Statement.filter(({ Action }) =>
      [Action].flat().some((action) => action.startsWith('rds')),
    );
  const restored = (kind: string) => `arn:aws:rds:${HERE}:${kind}:awsbackup-restore-test-*`;

  test('changes, adds and deletes nothing but what was restored for a test', () => {
    expect(rdsOf('task-validate')).toEqual([
      { Effect: 'Allow', Action: 'rds:DescribeDBInstances', Resource: `arn:aws:rds:${HERE}:db:*` },
      {
        Effect: 'Allow',
        Action: ['rds:AddTagsToResource', 'rds:ModifyDBInstance'],
        Resource: restored('db'),
      },
      {
        Effect: 'Allow',
        Action: ['rds:DescribeDBClusters', 'rds:ModifyDBCluster'],
        Resource: restored('cluster'),
      },
      {
        Effect: 'Allow',
        Action: 'rds:CreateDBInstance',
        Resource: [
          ...[restored('cluster'), restored('db')],
          ...['og', 'pg', 'subgrp'].map((group) => `arn:aws:rds:${HERE}:${group}:*`),
        ],
      },
      {
        Effect: 'Allow',
        Action: 'rds:DeleteDBInstance',
        Resource: restored('db'),
        Condition: {
          StringEquals: { 'aws:ResourceTag/holdfast:system': 'spark-bloom-flow' },
          Null: { 'aws:ResourceTag/awsbackup-restore-test': 'false' },
        },
      },
    ]);
  });

  test('has no right to tables and buckets, nor the function to databases', () => {
    expect(rdsOf('validate-recovery-point')).toEqual([]);
    const actions = policyOf(tasks, 'task-validate').Statement.flatMap(({ Action }) => Action);
    expect(actions.filter((one) => /^(dynamodb|rds-db|secretsmanager):/.test(one))).toEqual([]);
    const backup = actions.filter((one) => one.startsWith('backup:'));
    expect(backup).toEqual(['backup:DescribeRestoreJob', 'backup:PutRestoreValidationResult']);
  });

  test('lets RDS use the key of a cluster, and nobody else', () => {
    const key = `arn:aws:kms:${HERE}:key/1234abcd-12ab-34cd-56ef-1234567890ab`;
    const own = policyOf(tasks, 'task-validate').Statement.filter(
      ({ Resource }) => [Resource].flat().join() === key,
    );
    const viaRds = { StringEquals: { 'kms:ViaService': 'rds.eu-central-1.amazonaws.com' } };
    expect(own).toEqual([
      { Effect: 'Allow', Action: 'kms:DescribeKey', Resource: key, Condition: viaRds },
      {
        Effect: 'Allow',
        Action: 'kms:CreateGrant',
        Resource: key,
        Condition: { ...viaRds, Bool: { 'kms:GrantIsForAWSResource': 'true' } },
      },
    ]);
  });

  test('is started by restore jobs of databases, for which the image has the programs', () => {
    const about = 'AWS Backup has restored a database for a test: look inside';
    const { properties } = one('AWS::Events::Rule', (all) => all['Description'] === about);
    expect(properties).toMatchObject({
      EventPattern: {
        detail: {
          status: ['COMPLETED', 'FAILED', 'ABORTED'],
          restoreTestingPlanArn: [{ exists: true }],
          resourceType: ['Aurora', 'RDS'],
        },
      },
      Targets: [{ Arn: machineOf('validate-recovery-point').id }],
    });
  });
});

test('a task that backs up reads what is its own, and its function does not', () => {
  const reads = (policy: string) => {
    const text = JSON.stringify(policyOf(tasks, policy));
    return ['s3:::spark-bloom-flow-assets/*', 's3:::spark-archives/*', 'bloom-flow/database'].map(
      (one) => text.includes(one),
    );
  };
  expect({
    'task-backup': reads('task-backup'),
    backup: reads('backup'),
    'task-db-backup': reads('task-db-backup'),
    'database-backup': reads('database-backup'),
    'task-verify': reads('task-verify'),
  }).toEqual({
    'task-backup': [true, false, false],
    backup: [false, true, false],
    'task-db-backup': [false, false, true],
    'database-backup': [false, false, false],
    'task-verify': [false, false, false],
  });
});

describe('rules of events', () => {
  const ruleOf = (description: string) =>
    one('AWS::Events::Rule', (all) => all['Description'] === description);

  test.each(['assets', 'database'])('have %s verified by a task when it was stored', (source) => {
    const { properties } = ruleOf(`A backup of ${source} was stored: verify it`);
    expect(properties['EventPattern']).toMatchObject({
      detail: { object: { key: [{ wildcard: `backups/${source}/*/manifest.json` }] } },
    });
    const [target] = properties['Targets'] as Record<string, unknown>[];
    expect(target).toMatchObject({
      Arn: machineOf('verify').id,
      RoleArn: `arn:aws:iam::${ACCOUNT}:role/${role('tasks-events')}`,
      DeadLetterConfig: { Arn: expect.anything() },
    });
    // The event as it is: it names the object.
    expect(target).not.toHaveProperty('Input');
    expect(target).not.toHaveProperty('InputTransformer');
  });

  test('have a bucket backed up by its task after a deployment', () => {
    const { properties } = ruleOf('A deployment has succeeded: back up assets');
    expect(properties['Targets']).toEqual([
      expect.objectContaining({
        Arn: machineOf('backup').id,
        RoleArn: `arn:aws:iam::${ACCOUNT}:role/${role('tasks-events')}`,
      }),
    ]);
  });

  test('start the state machines under a role that EventBridge alone assumes, for the rules of this system', () => {
    const { properties } = one('AWS::IAM::Role', (all) => all['RoleName'] === role('tasks-events'));
    expect((properties['AssumeRolePolicyDocument'] as { Statement: unknown[] }).Statement).toEqual([
      expect.objectContaining({
        Principal: { Service: 'events.amazonaws.com' },
        Condition: {
          StringEquals: { 'aws:SourceAccount': ACCOUNT },
          ArnLike: { 'aws:SourceArn': `arn:aws:events:${HERE}:rule/${SYSTEM}.*` },
        },
      }),
    ]);
    expect(policyOf(tasks, 'tasks-events').Statement).toEqual([
      {
        Effect: 'Allow',
        Action: 'states:StartExecution',
        Resource: SORTED.map((name) => `arn:aws:states:${HERE}:stateMachine:${SYSTEM}-${name}`),
      },
    ]);
  });

  test('are all in the names that the alarm on lost events looks at', () => {
    const made = tasks
      .ofType('AWS::Events::Rule')
      .map(([, { Properties }]) => String(Properties['Name']));
    const alarms = JSON.stringify(
      tasks
        .ofType('AWS::CloudWatch::Alarm')
        .filter(([, { Properties }]) => String(Properties['AlarmName']).includes('lost-events')),
    );
    expect(made.filter((name) => !alarms.includes(`"${name}"`))).toEqual([]);
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
  const started = (machine: string, input: object) => ({
    Arn: machineOf(machine).id,
    Input: { ...input, at },
  });
  for (const [source, kind] of [
    ['database', 'database-'],
    ['assets', ''],
  ] as const) {
    expect(targets[`${source}-backup`]).toEqual(
      started(`${kind}backup`, { trigger: 'schedule', source }),
    );
    expect(targets[`${source}-restore-test`]).toEqual(started(`${kind}restore-test`, { source }));
    expect(targets[`${source}-verify`]).toEqual(started('verify', { level: 'content', source }));
  }
  // One for all the others, by the function.
  expect(targets['verify']).toEqual({
    Arn: `arn:aws:lambda:${HERE}:function:${SYSTEM}-verify`,
    Input: { level: 'content', at },
  });
  expect(Object.keys(targets).filter((name) => name.endsWith('-verify'))).toHaveLength(2);
  const { Statement } = policyOf(tasks, 'schedules');
  expect(Statement.filter(({ Action }) => Action === 'states:StartExecution')).toEqual([
    expect.objectContaining({
      Resource: SORTED.map((name) => expect.stringMatching(`:stateMachine:${SYSTEM}-${name}$`)),
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
    Resource: SORTED.map((name) => taskOf(name).id),
    Condition: { ArnEquals: { 'ecs:cluster': expect.anything() } },
  });
  // A task takes over the tags of its definition.
  expect(of('ecs:TagResource')).toEqual({
    Resource: expect.stringMatching(/:task\/\w+\/\*$/),
    Condition: { StringEquals: { 'ecs:CreateAction': 'RunTask' } },
  });
  expect(of('iam:PassRole')).toEqual({
    Resource: expect.arrayContaining(
      [role('tasks-begin'), ...TASKS.map(roleOf)].map(
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

describe('a bucket without any database', () => {
  function write(...lines: readonly string[]): string {
    const file = join(mkdtempSync(join(tmpdir(), 'holdfast-config-')), 'holdfast.yaml');
    writeFileSync(
      file,
      `version: 1\nsystem: shop\nstore: s3://shop-backups?region=eu-central-1\n${lines.join('\n')}\n`,
    );
    return file;
  }
  const BUCKET = 'sources: { media: { kind: bucket, bucket: shop-media, runOn: task } }';

  test('has the tasks of its kind, in an image without PostgreSQL, in the network of tasks', async () => {
    const { app, stack } = stackOf(
      await configOf(write(BUCKET, `aws: { tasks: { ${VPC}, vcpus: 4, disk: 64 GiB } }`)),
    );
    const shop = deployedFrom(stack);
    const definitions = shop.ofType('AWS::ECS::TaskDefinition').map(([, one]) => one.Properties);
    expect(definitions.map(({ Family }) => Family).sort()).toEqual([
      'holdfast-shop-backup',
      'holdfast-shop-restore-test',
      'holdfast-shop-verify',
    ]);
    for (const one of definitions)
      expect(one).toMatchObject({
        Cpu: '4096',
        Memory: '16384',
        EphemeralStorage: { SizeInGiB: 64 },
      });
    expect(JSON.stringify(shop.ofType('AWS::Lambda::Function'))).not.toContain('VpcConfig');
    const alarms = shop
      .ofType('AWS::CloudWatch::Alarm')
      .map(([, one]) => String(one.Properties['AlarmName']));
    expect(alarms.filter((name) => name.includes('/tasks/')).sort()).toEqual([
      'holdfast-shop/tasks/backup/errors',
      'holdfast-shop/tasks/restore-test/errors',
      'holdfast-shop/tasks/verify/errors',
    ]);
    const file = join(app.synth().directory, `${stack.stackName}.assets.json`);
    const { dockerImages } = JSON.parse(readFileSync(file, 'utf8')) as {
      dockerImages: Record<string, { source: { dockerBuildArgs: unknown } }>;
    };
    expect(Object.values(dockerImages).map(({ source }) => source.dockerBuildArgs)).toEqual([
      { PG_MAJOR: 'none' },
    ]);
  });
});
