// The functions of recovery points: there only where AWS Backup protects something, started by its events, and with rights that end at
// what each looks at.
import { beforeAll, describe, expect, test } from '@jest/globals';
import { RECOVERY_POINT_FUNCTIONS } from '../../../../lib/names/aws.ts';
import { deployed, policyOf, sparkWith, WITH_POINTS } from '../../../support/stacks.ts';
import type { Deployed, Statement } from '../../../support/stacks.ts';

const TABLE = 'arn:aws:dynamodb:eu-central-1:111122223333:table/tasks';
const UPLOADS = 'arn:aws:s3:::spark-bloom-flow-uploads';

let spark: Deployed;
beforeAll(async () => {
  spark = await deployed(sparkWith(WITH_POINTS));
});

function resourcesOf(name: string, service: string): string[] {
  const own = ({ Action }: Statement) =>
    [Action].flat().some((action) => action.startsWith(`${service}:`));
  const statements = policyOf(spark, name).Statement.filter(own);
  return [...new Set(statements.flatMap(({ Resource }) => [Resource].flat()))].sort();
}

const outsideStore = (resource: string) => !resource.includes('spark-bloom-flow-backups');

test('a record is written by reading what is protected, and nothing else', () => {
  expect(resourcesOf('record-recovery-point', 'dynamodb')).toEqual([TABLE]);
  expect(resourcesOf('record-recovery-point', 's3').filter(outsideStore)).toEqual([
    UPLOADS,
    `${UPLOADS}/*`,
  ]);
});

test('a test reads what was restored for it, and nothing that is live', () => {
  expect(resourcesOf('validate-recovery-point', 'dynamodb')).toEqual([
    'arn:aws:dynamodb:eu-central-1:111122223333:table/awsbackup-restore-test-*',
  ]);
  expect(resourcesOf('validate-recovery-point', 's3').filter(outsideStore)).toEqual([
    'arn:aws:s3:::awsbackup-restore-test-*',
    'arn:aws:s3:::awsbackup-restore-test-*/*',
  ]);
});

test.each(RECOVERY_POINT_FUNCTIONS.map((name) => [name]))(
  '%s can neither delete, restore nor change anything of AWS Backup',
  (name) => {
    const actions = policyOf(spark, name).Statement.flatMap(({ Action }) => [Action].flat());
    const allowed = [
      'backup:DescribeBackupJob',
      'backup:DescribeRestoreJob',
      'backup:PutRestoreValidationResult',
    ];
    const others = actions.filter((one) => one.startsWith('backup:') && !allowed.includes(one));
    expect(others).toEqual([]);
    const altering = /^(dynamodb:(?!DescribeTable$|GetItem$|Scan$)|s3:(Delete|PutBucket))/;
    expect(actions.filter((one) => altering.test(one))).toEqual([]);
  },
);

describe('the rule about', () => {
  const rules = () =>
    spark
      .ofType('AWS::Events::Rule')
      .map(([, { Properties }]) => Properties)
      .filter(({ EventPattern }) => JSON.stringify(EventPattern).includes('aws.backup'));

  test('backup jobs hears of those that have ended, in the vault of the system', () => {
    expect(rules()).toContainEqual(
      expect.objectContaining({
        Name: 'holdfast-spark-bloom-flow.backup-job',
        EventPattern: {
          source: ['aws.backup'],
          'detail-type': ['Backup Job State Change'],
          detail: {
            state: ['COMPLETED', 'PARTIAL', 'FAILED', 'ABORTED', 'EXPIRED'],
            backupVaultName: ['holdfast-spark-bloom-flow'],
          },
        },
      }),
    );
  });

  test('restore jobs hears of those that a test plan has started, and no other', () => {
    expect(rules()).toContainEqual(
      expect.objectContaining({
        Name: 'holdfast-spark-bloom-flow.restore-job',
        EventPattern: {
          source: ['aws.backup'],
          'detail-type': ['Restore Job State Change'],
          detail: {
            status: ['COMPLETED', 'FAILED', 'ABORTED'],
            restoreTestingPlanArn: [{ exists: true }],
          },
        },
      }),
    );
  });

  test('each leaves what it cannot deliver in the dead letters', () => {
    const targets = rules().flatMap(({ Targets }) => Targets as Record<string, unknown>[]);
    expect(targets).toHaveLength(3);
    for (const target of targets)
      expect(target).toMatchObject({ DeadLetterConfig: { Arn: expect.anything() as unknown } });
  });
});
