// Spark Bloom Flow on AWS, from `cdk deploy` on: schedules, events and alarms do all that happens here, for weeks of a clock that leaps.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import {
  DeleteScheduleCommand,
  ListSchedulesCommand,
  SchedulerClient,
} from '@aws-sdk/client-scheduler';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { DEPLOYMENT_EVENT } from '../../lib/names/aws.ts';
import { Cdk } from '../support/cdk.ts';
import { makePlace, type Place } from '../support/command-line.ts';
import { Deployed, type Listed } from '../support/deployed.ts';
import { withoutRecoveryPoints, withoutSinks } from '../support/examples.ts';
import { leapBefore, untilStarted } from '../support/leap.ts';
import { startMiniStack, type MiniStack } from '../support/ministack.ts';
import { DOWNLOAD_TOKEN, SmallGithub, TOKEN } from '../support/small-github.ts';
import { storyStart } from '../support/story-start.ts';
import { until } from '../support/until.ts';

const EXAMPLE = fileURLToPath(
  new URL('../../examples/spark-bloom-flow/holdfast.yaml', import.meta.url),
);
const SYSTEM = 'spark-bloom-flow';
const STORE = 'spark-bloom-flow-backups';
const ASSETS = 'spark-bloom-flow-assets';
/** Of a parameter and a secret, whose values nobody asked to be backed up. */
const CANARY = 'never-in-a-log-4711';

const HOUR_MS = 3_600_000;

let aws: MiniStack;
let place: Place;
let cdk: Cdk;
let github: SmallGithub;
let system: Deployed;
let s3: S3Client;
let config: string;

beforeAll(async () => {
  aws = await startMiniStack({ region: 'eu-central-1', enforce: true, startsAt: storyStart() });
  cdk = new Cdk(aws);
  place = await makePlace();
  s3 = new S3Client(aws.client);
  github = await SmallGithub.start(repository(join(place.root, 'repository')));
  config = join(place.site, 'holdfast.yaml');
  writeFileSync(config, configuration(github.api));
  await Promise.all([cdk.bootstrap(), fillSources()]);
  const { outputs } = await cdk.deploy(config);
  system = new Deployed(SYSTEM, { aws, place });
  await system.subscribe(outputs?.['Topic'] ?? '');
}, 600_000);

afterAll(async () => {
  await aws.stop();
  await github[Symbol.asyncDispose]();
  await cdk.remove();
  await place.remove();
}, 60_000);

/** The example, with a GitHub that is on this machine, and without what AWS Backup protects: that is a story of its own. */
function configuration(api: string): string {
  const example = withoutSinks(withoutRecoveryPoints(readFileSync(EXAMPLE, 'utf8')));
  const local = example
    .replace(/  # What users have entered[^]*?\n\n/, '')
    .replace('repository: spark-bloom/spark-bloom-flow', `repository: acme/site\n    api: ${api}`);
  expect(local).not.toBe(example);
  return local;
}

function repository(folder: string): string {
  mkdirSync(folder);
  writeFileSync(join(folder, 'package.json'), '{"name":"spark-bloom-flow"}\n');
  for (const args of [
    ['init', '--quiet', '--initial-branch=main'],
    ['add', '.'],
    ['-c', 'user.name=t', '-c', 'user.email=t@example.com', 'commit', '--quiet', '-m', 'first'],
  ]) {
    const date = aws.now().toISOString();
    const env = { ...process.env, GIT_AUTHOR_DATE: date, GIT_COMMITTER_DATE: date };
    execFileSync('git', args, { cwd: folder, stdio: 'ignore', env });
  }
  return folder;
}

async function fillSources(): Promise<void> {
  const secrets = new SecretsManagerClient(aws.client);
  const parameters = new SSMClient(aws.client);
  const secret = (Name: string, SecretString: string) =>
    secrets.send(new CreateSecretCommand({ Name, SecretString }));
  await fillAssets();
  await secret(`${SYSTEM}/github`, TOKEN);
  await secret(`${SYSTEM}/stripe`, CANARY);
  await parameters.send(
    new PutParameterCommand({
      Name: `/${SYSTEM}/url`,
      Value: 'https://app.example.com',
      Type: 'String',
    }),
  );
  await parameters.send(
    new PutParameterCommand({ Name: `/${SYSTEM}/key`, Value: CANARY, Type: 'SecureString' }),
  );
}

async function fillAssets(): Promise<void> {
  await s3.send(new CreateBucketCommand({ Bucket: ASSETS }));
  await s3.send(
    new PutBucketVersioningCommand({
      Bucket: ASSETS,
      VersioningConfiguration: { Status: 'Enabled' },
    }),
  );
  for (let i = 0; i < 40; i++) {
    const Key = `uploads/${i % 4}/photo-${i}.txt`;
    await s3.send(
      new PutObjectCommand({ Bucket: ASSETS, Key, Body: `photo ${i}\n`.repeat(1 + i * 50) }),
    );
  }
}

/** Leaps to a look of `freshness` that comes so late that no alarm takes an earlier one into account. */
async function leapToFreshness(): Promise<void> {
  await aws.leapTo(new Date(aws.now().getTime() + 61 * 60_000));
}

const SUNDAY = (day: Date) => day.getUTCDay() === 0;

async function newest(source: string): Promise<Listed | undefined> {
  const backups = await system.list(source);
  return backups.toSorted((a, b) => (a.id < b.id ? 1 : -1))[0];
}

test('the stack looks at its store as soon as it is deployed, and says what is not backed up yet', async () => {
  const age = await until('freshness has published an age', () =>
    system.metric('RecoveryPointAgeSeconds', 'assets'),
  );
  expect(age).toBeLessThan(300);
  expect(await system.metric('KeyUsable')).toBe(1);
});

/** The backup that the Scheduler starts at `time`. */
async function scheduledAt(time: Date): Promise<Listed | undefined> {
  const id = `${time.toISOString().replaceAll(/[-:.]/g, '')}-schedule`;
  return (await system.list('assets')).find((one) => one.id === id);
}

/** Leaps to the next Sunday 03:00, and waits for the good backup of then. */
async function untilSundaysBackup(): Promise<Listed> {
  const sunday = await leapBefore(aws, '3:00', SUNDAY);
  return until('the backup of Sunday 03:00 is proven', async () => {
    const found = await scheduledAt(sunday);
    return found?.good === true ? found : undefined;
  });
}

/** Waits until nothing is wrong that `alarm` is about: only then it can go off. */
async function untilOk(alarm: string): Promise<void> {
  await until(`the alarm ${alarm} is OK`, async () =>
    (await system.alarms())[alarm] === 'OK' ? true : undefined,
  );
}

test('the Scheduler starts the weekly backup, and its manifest starts the proof', async () => {
  const backup = await untilSundaysBackup();
  expect(backup).toMatchObject({ standing: 'good', status: 'complete', problemCount: 0 });
  expect(backup.why).toContain('proven by verify');
  await leapToFreshness();
  await until('freshness has seen it', async () =>
    ((await system.metric('BackupBytes', 'assets')) ?? 0) > 0 ? true : undefined,
  );
}, 150_000);

test('a deployment starts the backups of configuration and code, and once only when told twice', async () => {
  const events = new EventBridgeClient(aws.client);
  const Entries = [
    {
      Source: DEPLOYMENT_EVENT.source,
      DetailType: DEPLOYMENT_EVENT.detailType,
      Detail: JSON.stringify({ system: SYSTEM, deployment: 'release-7' }),
      Time: aws.now(),
    },
  ];
  await events.send(new PutEventsCommand({ Entries }));
  for (const source of ['configuration', 'application']) {
    const backup = await until(`${source} is backed up and proven`, async () => {
      const found = await newest(source);
      return found?.good === true ? found : undefined;
    });
    expect(backup.id).toMatch(/-deploy$/);
  }
  expect(github.asked.map(({ authorization }) => authorization)).toContain(`Bearer ${TOKEN}`);
}, 150_000);

test('a pipeline waits for a backup that is proven', async () => {
  const { exit, stdout, stderr } = await system.run('trigger', 'assets', '--wait', '--json');
  expect({ exit, stderr }).toEqual({ exit: 0, stderr: '' });
  expect(JSON.parse(stdout)).toMatchObject({
    outcome: 'made',
    status: 'complete',
    standing: 'good',
  });
}, 120_000);

test('each function serves the same event twice, and one that comes late', async () => {
  const at = aws.now().toISOString();
  const old = new Date(aws.now().getTime() - HOUR_MS).toISOString();
  const trigger = { trigger: 'manual', source: 'configuration' };
  const made = await system.invoke('backup', { ...trigger, at });
  expect(made).toMatchObject({ outcome: 'made', status: 'complete' });
  expect(await system.invoke('backup', { ...trigger, at })).toMatchObject({
    outcome: 'already',
    id: made['id'],
  });
  const late = { ...trigger, trigger: 'deploy', at: old };
  expect(await system.invoke('backup', late)).toMatchObject({
    outcome: 'superseded',
  });
  const manifest = {
    'detail-type': 'Object Created',
    source: 'aws.s3',
    time: at,
    detail: {
      bucket: { name: STORE },
      object: { key: `backups/configuration/${String(made['id'])}/manifest.json` },
    },
  };
  for (const event of [manifest, manifest]) {
    expect(await system.invoke('verify', event)).toMatchObject({ source: 'configuration' });
  }
  const test = { source: 'assets', at };
  for (const event of [test, test]) {
    expect(await system.invoke('restore-test', event)).toMatchObject({ verdict: 'proven' });
  }
  for (const name of ['freshness', 'prune'] as const) {
    expect(await system.invoke(name, {})).toEqual(await system.invoke(name, {}));
  }
  const report = { report: 'daily', at };
  await system.invoke('alert', report);
  await system.invoke('alert', report);
}, 150_000);

test('a hidden manifest is noticed, told, and still listed', async () => {
  await untilOk('store/hidden');
  const broken = aws.now();
  const hidden = await newest('assets');
  const Key = `backups/assets/${hidden?.id ?? ''}/manifest.json`;
  await s3.send(new DeleteObjectCommand({ Bucket: STORE, Key }));
  await leapToFreshness();
  const text = await told(
    'store/hidden',
    /ALARM: A manifest is covered by a delete marker/,
    broken,
  );
  expect(text).toContain('holdfast');
  expect((await newest('assets'))?.id).toBe(hidden?.id);
}, 150_000);

test('a damaged object is found by the monthly proof of all content, and told', async () => {
  await untilOk('assets/damaged');
  const broken = aws.now();
  const damaged = await newest('assets');
  const Key = damaged?.artifacts.find(({ role }) => role === 'archive')?.key ?? '';
  await replace(Key, (bytes) => {
    const middle = bytes.length >> 1;
    bytes[middle] = (bytes[middle] ?? 0) ^ 0xff;
    return bytes;
  });
  await leapBefore(aws, '4:30', (day) => day.getUTCDate() === 1);
  await told('assets/damaged', /ALARM: assets: a backup is damaged/, broken);
  const listed = await system.list('assets');
  expect(listed.find(({ id }) => id === damaged?.id)?.standing).toBe('damaged');
}, 240_000);

test('the monthly restore test leaves its evidence', async () => {
  const day = await leapBefore(aws, '6:00', (one) => one.getUTCDate() === 2);
  const entry = await until('the restore test of the 2nd is recorded', async () => {
    const { stdout } = await system.run('log', '--json', 'assets');
    const { entries } = JSON.parse(stdout) as { entries: { verb: string; begin: string }[] };
    return entries.find(
      ({ verb, begin }) => verb === 'restore-test' && Date.parse(begin) >= day.getTime() - 60_000,
    );
  });
  expect(entry).toMatchObject({ verdict: 'proven' });
}, 150_000);

test('a run that fails is told', async () => {
  await untilOk('assets/failed');
  const broken = aws.now();
  const { Versions = [] } = await s3.send(new ListObjectVersionsCommand({ Bucket: ASSETS }));
  for (const { Key, VersionId } of Versions) {
    await s3.send(new DeleteObjectCommand({ Bucket: ASSETS, Key, VersionId }));
  }
  await s3.send(new DeleteBucketCommand({ Bucket: ASSETS }));
  await leapBefore(aws, '3:00', SUNDAY);
  const text = await told('assets/failed', /ALARM: assets: the last run failed/, broken);
  expect(text).toMatch(/^next /m);
}, 240_000);

test('a schedule that has stopped is told', async () => {
  // The bucket is there again, and a week later the schedule has backed it up.
  await fillAssets();
  await untilSundaysBackup();
  await leapToFreshness();
  await untilOk('assets/late');
  const broken = aws.now();
  const schedules = new SchedulerClient(aws.client);
  const { Schedules = [] } = await schedules.send(new ListSchedulesCommand({}));
  const backup = Schedules.find(({ Name }) => Name?.includes('assets-backup') === true);
  await schedules.send(
    new DeleteScheduleCommand({ Name: backup?.Name, GroupName: backup?.GroupName }),
  );
  const sunday = await leapBefore(aws, '3:00', SUNDAY);
  await untilStarted(aws, sunday);
  expect(await system.alarms()).toMatchObject({ 'assets/late': 'OK' });
  // The grace of two hours passes, too.
  await aws.leapTo(new Date(sunday.getTime() + 2.5 * HOUR_MS));
  await told('assets/late', /ALARM: assets: there is no good backup younger than/, broken);
  expect(await scheduledAt(sunday)).toBeUndefined();
}, 240_000);

/** The text by which people were told of `alarm`, which went off after something was broken. */
async function told(alarm: string, pattern: RegExp, broken: Date): Promise<string> {
  const { text } = await until(
    `a message tells of ${alarm}`,
    () => system.alarmMessage(alarm, broken),
    150,
  );
  expect(text).toMatch(pattern);
  expect(await system.alarms()).toMatchObject({ [alarm]: 'ALARM' });
  return text;
}

test('no function has logged a secret or an address that opens something', () => {
  const log = aws.log();
  expect(log).toContain(`holdfast-${SYSTEM}-backup`);
  for (const secret of [TOKEN, DOWNLOAD_TOKEN, CANARY, 'X-Amz-Signature', 'X-Amz-Credential']) {
    expect(log.includes(secret)).toBe(false);
  }
  // What was refused to a role was needed, or should not have been asked for. A request that was signed before a leap of the clock
  // and arrives after it is late for no fault of a policy.
  const refused = log.match(/^refused: .*$/gm) ?? [];
  expect(refused.filter((line) => !line.includes('RequestTimeTooSkewed'))).toEqual([]);
});

/** As somebody with all rights over the bucket could: locks end, and other bytes stand where the good ones stood. */
async function replace(Key: string, alter: (bytes: Uint8Array) => Uint8Array): Promise<void> {
  const { Versions = [] } = await s3.send(
    new ListObjectVersionsCommand({ Bucket: STORE, Prefix: Key }),
  );
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: STORE, Key }));
  const bytes = await (Body?.transformToByteArray() ?? Promise.reject(new Error(`no ${Key}`)));
  for (const { VersionId } of Versions) {
    await s3.send(
      new DeleteObjectCommand({ Bucket: STORE, Key, VersionId, BypassGovernanceRetention: true }),
    );
  }
  await s3.send(new PutObjectCommand({ Bucket: STORE, Key, Body: alter(bytes) }));
}
