// Jobs of AWS Backup that failed: the record of one opens an incident, and a later recovery point that counts ends it.
import { afterAll, afterEach, beforeAll, beforeEach, expect, jest, test } from '@jest/globals';
import { handler as alert } from '../../lambda/alert.ts';
import { handler as backup } from '../../lambda/backup.ts';
import { handler as escalate } from '../../lambda/escalate.ts';
import { handler as record } from '../../lambda/record-recovery-point.ts';
import { handler as verify } from '../../lambda/verify.ts';
import type { AwsConfig } from '../../lib/config/config.ts';
import { vaultName } from '../../lib/names/recovery-points.ts';
import { machineTime } from '../support/machine-time.ts';
import { startReceiver, type Receiver } from '../support/receiver.ts';
import { listedPoint, SmallBackup } from '../support/small-backup.ts';
import { awsWith, selectionConfig } from '../support/watched-points.ts';
import { captureLog, contextOf, madeBy, startStage, type Setting, type Stage } from './stage.ts';
import { keepHook, lock, newestRecord, storedEvent, withSinks } from './stored.ts';

jest.setTimeout(120_000);

/** Nothing of it is looked into. */
const FILES = 'arn:aws:elasticfilesystem:us-east-1:000000000000:file-system/fs-0a1b2c3d';
const FAILED = 'AAAAAAAA-0000-0000-0000-000000000001';
const LATER = 'AAAAAAAA-0000-0000-0000-000000000002';

let stage: Stage;
let receiver: Receiver;
let setting: Setting;
let points: SmallBackup;

beforeAll(async () => {
  captureLog([]);
  [stage, receiver] = await Promise.all([startStage(), startReceiver()]);
  await keepHook(stage, receiver);
});
afterAll(async () => {
  await (stage as Stage | undefined)?.stop();
  await (receiver as Receiver | undefined)?.[Symbol.asyncDispose]();
});

beforeEach(async () => {
  points = await SmallBackup.start();
  const files = selectionConfig({ expected: { arns: [FILES] }, kinds: ['efs'] });
  setting = await stage.set({
    config: (config) => ({
      ...withSinks(config),
      aws: { ...awsWith([files]), lockDays: 14 } as AwsConfig,
    }),
  });
  process.env['AWS_ENDPOINT_URL_BACKUP'] = points.endpoint;
  await setting.put('logo.svg', '<svg/>');
  become('backup');
  const at = machineTime().toISOString();
  const trigger = { trigger: 'manual', source: 'assets', at };
  const { id } = await madeBy(backup)(trigger, contextOf());
  become('verify');
  await verify(setting.createdEvent('assets', id), contextOf());
  await lock(setting);
});
afterEach(async () => {
  delete process.env['AWS_ENDPOINT_URL_BACKUP'];
  await points[Symbol.asyncDispose]();
});

function become(signer: Parameters<Setting['become']>[0]): void {
  setting.become(signer);
  process.env['AWS_ENDPOINT_URL_BACKUP'] = points.endpoint;
}

function vault(): string {
  return `arn:aws:backup:us-east-1:000000000000:backup-vault:${vaultName(setting.config.system)}`;
}

/** A recovery point that is as old as this. */
function keep(...minutesAgo: number[]): void {
  const made = minutesAgo.map((one) => new Date(machineTime().getTime() - one * 60_000));
  points.keep(
    vaultName(setting.config.system),
    made.map((created) => listedPoint(FILES, created, { ResourceType: 'EFS' })),
    { BackupVaultArn: vault(), CreationDate: machineTime().getTime() / 1000 - 86_400 },
  );
}

/** The end of a backup job, of which AWS tells both functions. */
async function jobEnds(id: string, state: string, minutesAgo: number) {
  points.backupJobs.set(id, {
    ...{ BackupJobId: id, State: state, ResourceArn: FILES, BackupVaultArn: vault() },
    CreationDate: machineTime().getTime() / 1000 - minutesAgo * 60,
    ...(state === 'FAILED' && { StatusMessage: 'access is denied' }),
  });
  const event = {
    source: 'aws.backup',
    'detail-type': 'Backup Job State Change',
    time: machineTime().toISOString(),
    detail: { backupJobId: id, state, resourceArn: FILES, backupVaultArn: vault() },
  };
  become('record-recovery-point');
  await record(event, contextOf());
  become(undefined);
  const told = await alert(event, contextOf());
  become('escalate');
  const key = await newestRecord(setting, 'records/recovery-point/');
  return { told, report: await escalate(storedEvent(setting, key), contextOf()) };
}

test('a job that failed is one incident, told once, until a job has made a recovery point that counts', async () => {
  keep(600);
  become('escalate');
  const at = () => ({ at: machineTime().toISOString() });
  expect(await escalate(at(), contextOf())).toMatchObject({ open: [] });
  await stage.messages();
  const { told, report } = await jobEnds(FAILED, 'FAILED', 5);
  expect(told).toEqual({ outcome: 'quiet' });
  expect(report).toMatchObject({ open: [1], changes: ['opened'], sent: 2 });
  const [message, ...more] = await stage.messages();
  expect(more).toEqual([]);
  expect(message?.body).toContain(
    `the job ${FAILED} failed: AWS Backup says FAILED: access is denied`,
  );
  // The next one fails, too: the same incident, of which nobody hears again.
  expect((await jobEnds(LATER, 'EXPIRED', 3)).report).toMatchObject({ open: [1], sent: 0 });
  // A job that ended well counts by what it made.
  keep(600, 1);
  expect((await jobEnds(`${LATER.slice(0, -1)}3`, 'COMPLETED', 1)).report).toMatchObject({
    ...{ open: [], changes: ['recovered', 'resolved'], sent: 2 },
  });
});
