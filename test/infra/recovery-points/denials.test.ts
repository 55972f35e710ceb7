// Who can end a recovery point or the lock of its vault: the policies of vault, key and roles, decided as AWS decides.
import { beforeAll, describe, expect, test } from '@jest/globals';
import { runSimulation } from '@cloud-copilot/iam-simulate';
import { Stack } from 'aws-cdk-lib';
import { RecoveryPointVault } from '../../../lib/infra/recovery-points/vault.ts';
import {
  COPIES,
  deployedPoints,
  everyKind,
  pointsStackOf,
  sparkPoints,
} from '../../support/recovery-points.ts';
import {
  ACCOUNT,
  deployed,
  deployedFrom,
  policyOf,
  type Deployed,
  type Statement,
} from '../../support/stacks.ts';

const VAULT = `arn:aws:backup:eu-central-1:${ACCOUNT}:backup-vault:holdfast-spark-bloom-flow`;
const POINT = `arn:aws:backup:eu-central-1:${ACCOUNT}:recovery-point:1234`;
const DEPLOYER = `cdk-hnb659fds-cfn-exec-role-${ACCOUNT}-eu-central-1`;
const BREAK_GLASS = 'break-glass';
const TABLE = 'arn:aws:dynamodb:eu-central-1:123456789012:table/spark-bloom-flow-activity';
const ANYTHING = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }],
};

let spark: Deployed;
beforeAll(async () => {
  spark = await deployedPoints(
    sparkPoints(
      ['undo: 14d', `undo: 14d\n  breakGlassRoles: ['arn:aws:iam::${ACCOUNT}:role/break-glass']`],
      [
        "      activity:\n        resources: ['arn:aws:dynamodb",
        `      activity:\n        copies: [{ vault: '${COPIES}' }]\n        resources: ['arn:aws:dynamodb`,
      ],
    ),
  );
});

interface Attempt {
  readonly by: string;
  readonly action: string;
  readonly on: string;
  readonly with?: Record<string, string | string[]>;
  /** @default - an administrator's */
  readonly policy?: unknown;
  readonly resourcePolicy?: unknown;
}

async function decide({ by, action, on, policy, resourcePolicy, ...more }: Attempt) {
  const principal = `arn:aws:iam::${ACCOUNT}:role/${by}`;
  const result = await runSimulation(
    {
      request: {
        principal,
        action,
        resource: { resource: on, accountId: ACCOUNT },
        contextVariables: { 'aws:PrincipalArn': principal, ...more.with },
      },
      identityPolicies: [{ name: 'own', policy: policy ?? ANYTHING }],
      serviceControlPolicies: [],
      resourceControlPolicies: [],
      ...(resourcePolicy !== undefined && { resourcePolicy }),
    },
    {},
  );
  if (result.resultType === 'error') throw new Error(JSON.stringify(result.errors));
  return result.overallResult;
}

function vaultPolicy(): unknown {
  return spark.ofType('AWS::Backup::BackupVault')[0]?.[1].Properties['AccessPolicy'];
}

const ENDING = [
  ['delete a recovery point', 'backup:DeleteRecoveryPoint', POINT],
  ['shorten its life', 'backup:UpdateRecoveryPointLifecycle', POINT],
  ['take it out of the vault', 'backup:DisassociateRecoveryPoint', POINT],
  ['take it from its parent', 'backup:DisassociateRecoveryPointFromParent', POINT],
  ['end the lock', 'backup:DeleteBackupVaultLockConfiguration', VAULT],
  ['remove the policy', 'backup:DeleteBackupVaultAccessPolicy', VAULT],
  ['silence the vault', 'backup:DeleteBackupVaultNotifications', VAULT],
] as const;

const CONFIGURING = [
  ['change the lock', 'backup:PutBackupVaultLockConfiguration', VAULT],
  ['change the policy', 'backup:PutBackupVaultAccessPolicy', VAULT],
  ['change notifications', 'backup:PutBackupVaultNotifications', VAULT],
  ['delete the vault', 'backup:DeleteBackupVault', VAULT],
] as const;

describe('an administrator of the account, and so anybody with less,', () => {
  test.each([...ENDING, ...CONFIGURING])('cannot %s', async (_, action, on) => {
    const attempt = { by: 'Administrator', action, on, resourcePolicy: vaultPolicy() };
    expect(await decide(attempt)).toBe('ExplicitlyDenied');
  });

  test('cannot copy recovery points to a vault that the configuration does not name', async () => {
    const copy = (target: string) =>
      decide({
        by: 'Administrator',
        action: 'backup:CopyFromBackupVault',
        on: POINT,
        with: { 'backup:CopyTargets': [target] },
        resourcePolicy: vaultPolicy(),
      });
    expect(await copy('arn:aws:backup:eu-west-1:666666666666:backup-vault:theirs')).toBe(
      'ExplicitlyDenied',
    );
    expect(await copy(COPIES)).toBe('Allowed');
  });

  test.each(['kms:ScheduleKeyDeletion', 'kms:DisableKey', 'kms:PutKeyPolicy'])(
    'cannot do %s with the key of the vault',
    async (action) => {
      const key = spark.ofType('AWS::KMS::Key')[0]?.[1].Properties['KeyPolicy'];
      const on = `arn:aws:kms:eu-central-1:${ACCOUNT}:key/1234`;
      expect(await decide({ by: 'Administrator', action, on, resourcePolicy: key })).toBe(
        'ExplicitlyDenied',
      );
    },
  );
});

describe('the roles that deploy', () => {
  test.each(CONFIGURING)('may %s', async (_, action, on) => {
    const attempt = { by: DEPLOYER, action, on, resourcePolicy: vaultPolicy() };
    expect(await decide(attempt)).toBe('Allowed');
  });

  test.each(ENDING)('cannot %s', async (_, action, on) => {
    const attempt = { by: DEPLOYER, action, on, resourcePolicy: vaultPolicy() };
    expect(await decide(attempt)).toBe('ExplicitlyDenied');
  });
});

test.each(ENDING)('break-glass may %s, in governance mode', async (_, action, on) => {
  const attempt = { by: BREAK_GLASS, action, on, resourcePolicy: vaultPolicy() };
  expect(await decide(attempt)).toBe('Allowed');
});

describe('the role by which AWS Backup', () => {
  const by = (role: string) => `holdfast-spark-bloom-flow-${role}`;

  test('restores for tests makes tables of tests, and touches no other', async () => {
    const policy = policyOf(spark, 'restore-tests');
    const write = (table: string) =>
      decide({ by: by('restore-tests'), action: 'dynamodb:PutItem', on: table, policy });
    const tables = `arn:aws:dynamodb:eu-central-1:${ACCOUNT}:table`;
    expect(await write(`${tables}/awsbackup-restore-test-1234`)).toBe('Allowed');
    expect(await write(`${tables}/other`)).toBe('ImplicitlyDenied');
    expect(await write(TABLE)).toBe('ImplicitlyDenied');
  });

  test('restores for good writes into a new table, and never into the live one', async () => {
    const policy = policyOf(spark, 'restore-jobs');
    const write = (table: string) =>
      decide({ by: by('restore-jobs'), action: 'dynamodb:PutItem', on: table, policy });
    expect(await write(`arn:aws:dynamodb:eu-central-1:${ACCOUNT}:table/activity-2`)).toBe(
      'Allowed',
    );
    expect(await write(TABLE)).toBe('ExplicitlyDenied');
  });

  test('restores has no right to delete a table, a database or a cluster', () => {
    for (const role of ['restore-tests', 'restore-jobs']) {
      const actions = policyOf(spark, role).Statement.flatMap(({ Action }) => [Action].flat());
      expect(actions.filter((one) => /:Delete(?!Item)/.test(one))).toEqual([]);
    }
  });
});

describe('the role by which people start restores', () => {
  const by = 'holdfast-spark-bloom-flow-eu-central-1-start-restores';
  const restoreJobs = `arn:aws:iam::${ACCOUNT}:role/holdfast-spark-bloom-flow-eu-central-1-restore-jobs`;
  const toBackup = { 'iam:PassedToService': 'backup.amazonaws.com' };
  const snapshot = `arn:aws:rds:eu-central-1:${ACCOUNT}:cluster-snapshot:awsbackup:job-1234`;
  const may = (attempt: Omit<Attempt, 'by' | 'policy'>) =>
    decide({ by, policy: policyOf(spark, 'start-restores'), ...attempt });

  test.each([
    ['find recovery points', 'backup:ListRecoveryPointsByBackupVault', VAULT],
    ['read how one is restored', 'backup:GetRecoveryPointRestoreMetadata', POINT],
    ['start a restore', 'backup:StartRestoreJob', POINT],
    ['start that of a snapshot of a cluster', 'backup:StartRestoreJob', snapshot],
    ['follow it', 'backup:DescribeRestoreJob', '*'],
  ])('may %s', async (_, action, on) => {
    expect(await may({ action, on, resourcePolicy: vaultPolicy() })).toBe('Allowed');
  });

  test('has AWS Backup restore under the role for new resources, and under no other', async () => {
    const pass = (on: string, service: Record<string, string> = toBackup) =>
      may({ action: 'iam:PassRole', on, with: service });
    expect(await pass(restoreJobs)).toBe('Allowed');
    const other = 'iam:PassedToService';
    expect(await pass(restoreJobs, { [other]: 'lambda.amazonaws.com' })).toBe('ImplicitlyDenied');
    for (const role of ['backup-jobs', 'restore-tests', 'admin'])
      expect(await pass(restoreJobs.replace('restore-jobs', role))).toBe('ImplicitlyDenied');
  });

  test.each([
    ['make a recovery point', 'backup:StartBackupJob', VAULT],
    ['copy one', 'backup:StartCopyJob', POINT],
    ['read a live table', 'dynamodb:Scan', TABLE],
    ['write to a live table', 'dynamodb:PutItem', TABLE],
    ['restore a table by itself', 'dynamodb:RestoreTableFromBackup', `${TABLE}/backup/0123`],
    ['delete a table', 'dynamodb:DeleteTable', TABLE],
    ['read the store', 's3:GetObject', 'arn:aws:s3:::spark-bloom-flow-backups/backups/x'],
    ['take on another role', 'sts:AssumeRole', restoreJobs],
    ...ENDING,
    ...CONFIGURING,
  ] as const)('may not %s', async (_, action, on) => {
    expect(await may({ action, on, resourcePolicy: vaultPolicy() })).not.toBe('Allowed');
    expect(await may({ action, on })).toBe('ImplicitlyDenied');
  });

  // The simulator does not know that recovery points of tables have such ARNs.
  test('may start that of a table that is protected, and of no other', () => {
    const [starts] = policyOf(spark, 'start-restores').Statement.filter(({ Action }) =>
      [Action].flat().includes('backup:StartRestoreJob'),
    );
    const tables = [starts?.Resource].flat().filter((one) => one?.includes(':dynamodb:'));
    expect(tables).toEqual([`${TABLE}/backup/*`]);
  });

  test('has no right beside these', () => {
    const { Statement } = policyOf(spark, 'start-restores');
    expect(Statement.flatMap(({ Action }) => [Action].flat()).sort()).toEqual([
      'backup:DescribeBackupVault',
      'backup:DescribeRestoreJob',
      'backup:GetRecoveryPointRestoreMetadata',
      'backup:ListRecoveryPointsByBackupVault',
      'backup:StartRestoreJob',
      'iam:PassRole',
    ]);
  });
});

describe('in all templates', () => {
  const ENDS =
    /^(\*|backup:\*|backup:(Delete|Disassociate|Put(?!RestoreValidationResult)|Update).*|backup:[^:]*\*.*)$/;

  test.each([
    ['Spark Bloom Flow', () => sparkPoints()],
    ['a stack with every kind of resource', everyKind],
  ])('nothing of %s may delete a recovery point or end a lock', async (_, make) => {
    const config = await make();
    const stacks = [await deployed(config), await deployedPoints(config)];
    const allowed = stacks
      .flatMap((stack) => [
        ...stack.ofType('AWS::IAM::ManagedPolicy'),
        ...stack.ofType('AWS::IAM::Policy'),
      ])
      .flatMap(([, { Properties }]) => (Properties['PolicyDocument'] as Document).Statement)
      .filter(({ Effect }) => Effect === 'Allow')
      .flatMap(({ Action }) => [Action].flat());
    expect(allowed.length).toBeGreaterThan(20);
    expect(allowed.filter((one) => ENDS.test(one))).toEqual([]);
    for (const [, role] of stacks.flatMap((stack) => stack.ofType('AWS::IAM::Role'))) {
      const { ManagedPolicyArns = [], Policies = [] } = role.Properties as {
        ManagedPolicyArns?: unknown[];
        Policies?: unknown[];
      };
      expect(JSON.stringify([ManagedPolicyArns, Policies])).not.toContain(':aws:policy/');
    }
  });
});

test('a vault for copies stands in any region, and takes in those of named accounts', async () => {
  const { app } = pointsStackOf(await sparkPoints());
  const stack = new Stack(app, 'replica', { env: { region: 'eu-west-1' } });
  new RecoveryPointVault(stack, 'Copies', {
    ...{ vaultName: 'copies', keyAlias: 'alias/copies', description: 'Copies' },
    lock: { minDays: 7, maxDays: 400, finalAfterDays: undefined },
    ...{ adopt: false, deployers: [], breakGlassRoles: [], copyTargets: [] },
    admits: ['210987654321'],
  });
  const vault = deployedFrom(stack).ofType('AWS::Backup::BackupVault')[0]?.[1].Properties;
  const { Statement } = vault?.['AccessPolicy'] as Document;
  expect(Statement.filter(({ Effect }) => Effect === 'Allow')).toMatchObject([
    { Action: 'backup:CopyIntoBackupVault' },
  ]);
  expect(Statement.filter(({ Effect }) => Effect === 'Deny')).toHaveLength(4);
});

interface Document {
  readonly Statement: readonly Statement[];
}
