// The stack of recovery points: what CloudFormation is told, and what five packs of rules say about it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { Validations } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import {
  AwsSolutionsChecks,
  HIPAASecurityChecks,
  NIST80053R5Checks,
  PCIDSS321Checks,
  ServerlessChecks,
} from 'cdk-nag';
import type { Config } from '../../../lib/config/config.ts';
import {
  COPIES,
  deployedPoints,
  everyKind,
  pointsStackOf,
  SELECTED,
  sparkPoints,
} from '../../support/recovery-points.ts';
import { AUTOMATRON, configOf, SPARK, type Deployed } from '../../support/stacks.ts';

const CLUSTER = 'arn:aws:rds:eu-central-1:123456789012:cluster:spark-bloom-flow';
const TABLE = 'arn:aws:dynamodb:eu-central-1:123456789012:table/spark-bloom-flow-activity';

afterEach(() => {
  jest.restoreAllMocks();
});

/** The names of the rules that something in the stack breaks; what merely informs breaks none. */
function findings(config: Config): string[] {
  jest.spyOn(console, 'error').mockReturnValue();
  const { app } = pointsStackOf(config, { checked: true });
  Validations.of(app).addPlugins(
    new AwsSolutionsChecks(app),
    new HIPAASecurityChecks(app),
    new NIST80053R5Checks(app),
    new PCIDSS321Checks(app),
    new ServerlessChecks(app),
  );
  try {
    app.synth();
  } catch (error) {
    if (!String(error).includes('ValidationFailed')) throw error;
  }
  const report = join(app.outdir, 'validation-report.json');
  const { pluginReports } = JSON.parse(readFileSync(report, 'utf8')) as {
    pluginReports: { violations: { ruleName: string }[] }[];
  };
  return pluginReports
    .flatMap(({ violations }) => violations.map(({ ruleName }) => ruleName))
    .filter((name) => name !== 'holdfast:opt-in');
}

test.each([
  ['Spark Bloom Flow', () => configOf(SPARK)],
  ['Automatron', () => configOf(AUTOMATRON)],
  ['a stack with every kind of resource', everyKind],
  [
    'a stack that adopts its vault',
    () => sparkPoints(['undo: 14d', 'undo: 14d\n  storage: existing']),
  ],
])('%s breaks no rule', async (_name, config) => {
  expect(findings(await config())).toEqual([]);
});

describe('the stack of Spark Bloom Flow', () => {
  let spark: Deployed;
  beforeAll(async () => {
    spark = await deployedPoints(sparkPoints());
  });
  const one = (type: string) => spark.ofType(type)[0]?.[1];

  test('has one vault under a lock that takes exactly what its plans ask for, and outlives the stack', () => {
    expect(spark.ofType('AWS::Backup::BackupVault')).toHaveLength(1);
    const vault = one('AWS::Backup::BackupVault');
    expect(vault).toMatchObject({
      DeletionPolicy: 'RetainExceptOnCreate',
      UpdateReplacePolicy: 'Retain',
      Properties: {
        BackupVaultName: 'holdfast-spark-bloom-flow',
        LockConfiguration: { MinRetentionDays: 8, MaxRetentionDays: 379 },
      },
    });
    // Governance mode: the lock is never final.
    expect(vault?.Properties['LockConfiguration']).not.toHaveProperty('ChangeableForDays');
    expect(one('AWS::KMS::Key')).toMatchObject({ DeletionPolicy: 'RetainExceptOnCreate' });
  });

  test('has a plan for each selection, whose rules never fall together', () => {
    const plans = spark
      .ofType('AWS::Backup::BackupPlan')
      .map(([, { Properties }]) => Properties['BackupPlan'] as Plan);
    expect(plans.map(({ BackupPlanName }) => BackupPlanName)).toEqual([
      'holdfast-spark-bloom-flow-cluster',
      'holdfast-spark-bloom-flow-activity',
    ]);
    const [cluster, activity] = plans.map(({ BackupPlanRule }) =>
      BackupPlanRule.map((rule) => [
        rule.RuleName,
        rule.ScheduleExpression,
        rule.Lifecycle.DeleteAfterDays,
      ]),
    );
    const tiers = (hour: number) => [
      ['daily', `cron(0 ${hour} 2-7,9-14,16-21,23-28,30-31 * ? *)`, 8],
      ['weekly', `cron(0 ${hour} 8,15,22,29 * ? *)`, 29],
      ['monthly', `cron(0 ${hour} 1 * ? *)`, 379],
    ];
    expect(cluster).toEqual([...tiers(4), ['continuous', 'cron(0 16 * * ? *)', 14]]);
    expect(activity).toEqual(tiers(5));
    for (const { BackupPlanRule } of plans) {
      for (const rule of BackupPlanRule) {
        expect(rule).toMatchObject({
          TargetBackupVault: 'holdfast-spark-bloom-flow',
          ScheduleExpressionTimezone: 'UTC',
          StartWindowMinutes: 60,
          CompletionWindowMinutes: 720,
          EnableContinuousBackup: rule.RuleName === 'continuous',
        });
      }
    }
  });

  test('selects what the configuration names', () => {
    const selections = spark
      .ofType('AWS::Backup::BackupSelection')
      .map(([, { Properties }]) => Properties['BackupSelection']);
    expect(selections).toMatchObject([{ Resources: [CLUSTER] }, { Resources: [TABLE] }]);
  });

  test('tests the restore of the newest recovery point every three days, and of none that is never to be tested', () => {
    expect(spark.ofType('AWS::Backup::RestoreTestingPlan')).toHaveLength(1);
    expect(one('AWS::Backup::RestoreTestingPlan')?.Properties).toMatchObject({
      RestoreTestingPlanName: 'holdfast_spark_bloom_flow__activity',
      ScheduleExpression: 'cron(0 11 1,4,7,10,13,16,19,22,25,28,31 * ? *)',
      RecoveryPointSelection: {
        Algorithm: 'LATEST_WITHIN_WINDOW',
        RecoveryPointTypes: ['SNAPSHOT'],
        SelectionWindowDays: 8,
      },
    });
    expect(one('AWS::Backup::RestoreTestingSelection')?.Properties).toMatchObject({
      ProtectedResourceType: 'DynamoDB',
      ProtectedResourceArns: [TABLE],
    });
  });

  test('lets AWS Backup alone act by its roles', () => {
    const roles = rolesOf(spark).filter(({ RoleName }) => !RoleName.endsWith('-start-restores'));
    expect(roles).toHaveLength(3);
    for (const { AssumeRolePolicyDocument } of roles) {
      expect(AssumeRolePolicyDocument).toMatchObject({
        Statement: [
          {
            Principal: { Service: 'backup.amazonaws.com' },
            Condition: { StringEquals: { 'aws:SourceAccount': expect.anything() } },
          },
        ],
      });
    }
  });
});

test('people start restores by a role of their own, with a second factor', async () => {
  const spark = await deployedPoints(sparkPoints());
  const [role] = rolesOf(spark).filter(({ RoleName }) => RoleName.endsWith('-start-restores'));
  expect(role?.AssumeRolePolicyDocument).toMatchObject({
    Statement: [
      {
        Principal: { AWS: expect.stringContaining(':root') },
        Condition: { Bool: { 'aws:MultiFactorAuthPresent': 'true' } },
      },
    ],
  });
});

test('copies go with every recovery point but continuous ones, and are kept as long', async () => {
  const stack = await deployedPoints(everyKind());
  const plans = stack
    .ofType('AWS::Backup::BackupPlan')
    .map(([, { Properties }]) => Properties['BackupPlan'] as Plan);
  const uploads = plans.find(({ BackupPlanName }) => BackupPlanName.endsWith('-uploads'));
  const copies = uploads?.BackupPlanRule.map(({ RuleName, CopyActions }) => [
    RuleName,
    CopyActions?.map((copy) => [copy.DestinationBackupVaultArn, copy.Lifecycle.DeleteAfterDays]),
  ]);
  expect(copies).toEqual([
    ['daily', [[COPIES, 8]]],
    ['weekly', [[COPIES, 29]]],
    ['monthly', [[COPIES, 379]]],
    ['continuous', undefined],
  ]);
});

test('tags must all match, and cold storage asks for the archive of volumes', async () => {
  const stack = await deployedPoints(everyKind());
  const tagged = stack
    .ofType('AWS::Backup::BackupSelection')
    .map(([, { Properties }]) => Properties['BackupSelection'] as Record<string, unknown>)
    .find(({ SelectionName }) => String(SelectionName).endsWith('-tagged'));
  expect(tagged).toMatchObject({
    Conditions: {
      StringEquals: [
        { ConditionKey: 'aws:ResourceTag/app', ConditionValue: 'spark' },
        { ConditionKey: 'aws:ResourceTag/backup', ConditionValue: 'yes' },
      ],
    },
  });
  expect(tagged).not.toHaveProperty('ListOfTags');
  const [plan] = stack
    .ofType('AWS::Backup::BackupPlan')
    .map(([, { Properties }]) => Properties['BackupPlan'] as Plan)
    .filter(({ BackupPlanName }) => BackupPlanName.endsWith('-tagged'));
  const monthly = plan?.BackupPlanRule.find(({ RuleName }) => RuleName === 'monthly');
  expect(monthly?.Lifecycle).toMatchObject({
    MoveToColdStorageAfterDays: 30,
    OptInToArchiveForSupportedResources: true,
  });
});

test('a deployment into another account than that of the resources stops', async () => {
  const { stack } = pointsStackOf(await sparkPoints());
  const { Rules } = Template.fromStack(stack).toJSON() as { Rules: object };
  expect(JSON.stringify(Rules)).toContain(
    '{"Fn::Equals":[{"Ref":"AWS::AccountId"},"123456789012"]}',
  );
});

test('more tags than AWS Backup takes are an error with the line that leads to them', async () => {
  const synthesized = async (count: number) => {
    const tags = Array.from({ length: count }, (_, index) => `tag-${index}: 'yes'`).join(', ');
    const selection = `tagged: { tags: { ${tags} }, expect: 3, kinds: [efs], schedule: 0 3 * * 0 }`;
    const { app } = pointsStackOf(await sparkPoints([SELECTED, `${SELECTED}\n      ${selection}`]));
    return app.synth().stacks.length;
  };
  expect(await synthesized(30)).toBeGreaterThan(0);
  await expect(synthesized(31)).rejects.toThrow(
    /holdfast\.yaml:\d+:\d+: aws\.recoveryPoints\.selections: \w+: 31 tags of a selection; allowed: 30/,
  );
});

test('a restored database goes where the configuration says', async () => {
  const stack = await deployedPoints(everyKind());
  const rds = stack
    .ofType('AWS::Backup::RestoreTestingSelection')
    .map(([, { Properties }]) => Properties)
    .find(({ ProtectedResourceType }) => ProtectedResourceType === 'RDS');
  expect(rds?.['RestoreMetadataOverrides']).toEqual({
    dbSubnetGroupName: 'private',
    vpcSecurityGroupIds: '["sg-0a1b2c3d"]',
  });
});

test('a stack that is made again finds its vault, and makes none', async () => {
  const stack = await deployedPoints(sparkPoints(['undo: 14d', 'undo: 14d\n  storage: existing']));
  expect(stack.ofType('AWS::Backup::BackupVault')).toEqual([]);
  expect(stack.ofType('AWS::KMS::Key')).toEqual([]);
  expect(stack.ofType('AWS::Backup::BackupPlan')).toHaveLength(2);
});

test('compliance mode is asked for, becomes final after its grace days, and says so', async () => {
  const config = await sparkPoints([
    SELECTED,
    'recoveryPoints:\n    lock: { mode: compliance, graceDays: 3 }\n    selections:',
  ]);
  const { stack } = pointsStackOf(config);
  const said = stack.node
    .findAll()
    .flatMap(({ node }) => node.metadata)
    .filter(({ type }) => type === 'aws:cdk:warning')
    .map(({ data }) => String(data));
  expect(said).toEqual([
    expect.stringMatching(
      /3 days after the vault holdfast-spark-bloom-flow is made, its lock is final/,
    ),
  ]);
  const vaults = (await deployedPoints(config)).ofType('AWS::Backup::BackupVault');
  expect(vaults[0]?.[1].Properties['LockConfiguration']).toMatchObject({ ChangeableForDays: 3 });
});

function rolesOf(stack: Deployed) {
  return stack.ofType('AWS::IAM::Role').map(([, { Properties }]) => Properties) as unknown as {
    readonly RoleName: string;
    readonly AssumeRolePolicyDocument: unknown;
  }[];
}

interface Plan {
  readonly BackupPlanName: string;
  readonly BackupPlanRule: readonly {
    readonly RuleName: string;
    readonly ScheduleExpression: string;
    readonly Lifecycle: Readonly<Record<string, unknown>>;
    readonly CopyActions?: readonly {
      readonly DestinationBackupVaultArn: string;
      readonly Lifecycle: Readonly<Record<string, unknown>>;
    }[];
  }[];
}
