// The functions that watch what AWS Backup protects, over a local AWS with a vault, a job, and metrics.
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import {
  BackupClient,
  CreateBackupVaultCommand,
  StartBackupJobCommand,
} from '@aws-sdk/client-backup';
import { CloudWatchClient, GetMetricStatisticsCommand } from '@aws-sdk/client-cloudwatch';
import { handler as alert } from '../../lambda/alert.ts';
import { handler as freshness } from '../../lambda/freshness.ts';
import type { AwsConfig, Config } from '../../lib/config/config.ts';
import { METRICS } from '../../lib/names/aws.ts';
import { vaultName } from '../../lib/names/recovery-points.ts';
import { machineTime } from '../support/machine-time.ts';
import { awsWith, selectionConfig } from '../support/watched-points.ts';
import { captureLog, contextOf, startStage, type Setting, type Stage } from './stage.ts';

jest.setTimeout(240_000);

const TABLE = 'arn:aws:dynamodb:us-east-1:000000000000:table/tasks';
const FORGOTTEN = 'arn:aws:dynamodb:us-east-1:000000000000:table/forgotten';
const DAY_MS = 24 * 3_600_000;

let stage: Stage;
let backup: BackupClient;

beforeAll(async () => {
  captureLog([]);
  stage = await startStage();
  backup = new BackupClient(stage.aws.client);
});
afterAll(async () => {
  await (stage as Stage | undefined)?.stop();
});

function withTables(): Partial<Config> {
  const tables = selectionConfig({ expected: { arns: [TABLE, FORGOTTEN] } });
  return { aws: { ...awsWith([tables]), lockDays: 14 } as AwsConfig };
}

/** A vault, and a job of the table that has made a recovery point in it. */
async function backUp({ config }: Setting): Promise<void> {
  const BackupVaultName = vaultName(config.system);
  await backup.send(new CreateBackupVaultCommand({ BackupVaultName }));
  await backup.send(
    new StartBackupJobCommand({
      BackupVaultName,
      ResourceArn: TABLE,
      IamRoleArn: 'arn:aws:iam::000000000000:role/backup',
    }),
  );
}

async function metricOf(setting: Setting, name: string, resource: string) {
  const now = machineTime().getTime();
  const { Datapoints = [] } = await new CloudWatchClient(stage.aws.client).send(
    new GetMetricStatisticsCommand({
      Namespace: METRICS,
      MetricName: name,
      Dimensions: [
        { Name: 'System', Value: setting.config.system },
        { Name: 'Source', Value: 'tables' },
        { Name: 'Resource', Value: resource },
      ],
      StartTime: new Date(now - DAY_MS),
      EndTime: new Date(now + DAY_MS),
      Period: 60,
      Statistics: ['Maximum'],
    }),
  );
  return Datapoints.at(-1)?.Maximum;
}

test('freshness publishes the age of each resource, and says which has none', async () => {
  const setting = await stage.set({ config: withTables });
  await backUp(setting);
  const { alarms } = await freshness({}, contextOf());
  expect(alarms).toContainEqual(
    expect.stringMatching(/^tables, dynamodb-forgotten: it has no recovery point that counts/),
  );
  expect(alarms.filter((one) => one.startsWith('tables, dynamodb-tasks'))).toEqual([]);
  expect(await metricOf(setting, 'RecoveryPointAgeSeconds', TABLE)).toBeLessThan(600);
  expect(await metricOf(setting, 'LateRecoveryPoints', TABLE)).toBe(0);
});

test('freshness publishes all else where AWS Backup has no vault, and no number of recovery points', async () => {
  const setting = await stage.set({ config: withTables });
  const { allIsWell, alarms } = await freshness({}, contextOf());
  expect(allIsWell).toBe(false);
  expect(alarms).toContainEqual(expect.stringMatching(/could not be seen: there is no vault/));
  expect(await setting.metric('StoredBytes')).toBeGreaterThan(0);
  expect(await metricOf(setting, 'LateRecoveryPoints', TABLE)).toBeUndefined();
});

test('alert tells once of a job that failed, however often the event comes, and nothing of a job of others', async () => {
  const setting = await stage.set({ config: withTables });
  await stage.messages();
  const vault = `arn:aws:backup:us-east-1:000000000000:backup-vault:${vaultName(setting.config.system)}`;
  const event = (state: string, backupVaultArn = vault) => ({
    source: 'aws.backup',
    'detail-type': 'Backup Job State Change',
    time: '2026-11-22T05:31:00Z',
    detail: {
      backupJobId: '6B2F9C1A-0D3E-4F5A-8B7C-9D0E1F2A3B4C',
      resourceArn: TABLE,
      ...{ state, backupVaultArn },
    },
  });
  // Late and out of order: that it ran is no news.
  const said = await Promise.all([1, 2, 3].map(() => alert(event('FAILED'), contextOf())));
  expect(said.map(({ outcome }) => outcome).sort()).toEqual(['already', 'already', 'told']);
  expect(await alert(event('RUNNING'), contextOf())).toEqual({ outcome: 'quiet' });
  expect(await alert(event('FAILED', `${vault}-2`), contextOf())).toEqual({ outcome: 'quiet' });
  const [message, ...more] = await stage.messages();
  expect(more).toEqual([]);
  expect(message?.subject).toContain('ALARM: the backup job of dynamodb-tasks failed');
});
