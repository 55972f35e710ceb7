// The functions that watch: prune, freshness, restore tests, and what people are told. Over a strict S3 server with locks and versions.
import { randomBytes } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { DescribeKeyCommand, DisableKeyCommand } from '@aws-sdk/client-kms';
import {
  GetObjectRetentionCommand,
  GetObjectTaggingCommand,
  PutObjectTaggingCommand,
} from '@aws-sdk/client-s3';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { handler as alert } from '../../lambda/alert.ts';
import { handler as backupHandler } from '../../lambda/backup.ts';
import { handler as freshness } from '../../lambda/freshness.ts';
import { handler as prune } from '../../lambda/prune.ts';
import { handler as restoreTest } from '../../lambda/restore-test.ts';
import { handler as verify } from '../../lambda/verify.ts';
import type { Config } from '../../lib/config/config.ts';
import { RELEASED_TAG } from '../../lib/names/aws.ts';
import { machineTime } from '../support/machine-time.ts';
import {
  captureLog,
  CANARIES,
  contextOf,
  startStage,
  type Setting,
  type Stage,
  madeBy,
} from './stage.ts';

const backup = madeBy(backupHandler);

jest.setTimeout(240_000);

let stage: Stage;
const logged: string[] = [];

beforeAll(async () => {
  captureLog(logged);
  stage = await startStage();
});
afterAll(async () => {
  await (stage as Stage | undefined)?.stop();
});
afterEach(() => {
  for (const canary of Object.values(CANARIES)) expect(logged.join('\n')).not.toContain(canary);
});

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const ago = (ms: number) => new Date(machineTime().getTime() - ms).toISOString();

async function keysIn({ store }: Setting, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(prefix)) keys.push(key);
  return keys;
}

/** A good backup for each of these days ago; their ids, in that order. */
async function goodBackups(setting: Setting, daysAgo: readonly number[]): Promise<string[]> {
  const ids: string[] = [];
  for (const days of daysAgo) {
    setting.become('backup');
    const event = { trigger: 'manual', source: 'assets', at: ago(days * DAY_MS + 60_000) };
    const { id } = await backup(event, contextOf());
    setting.become('verify');
    await verify(setting.createdEvent('assets', id), contextOf());
    ids.push(id);
  }
  await lockAsTheBucketDoes(setting);
  return ids;
}

/** The server of the tests shows no locks that are the default of a bucket; S3 does. */
async function lockAsTheBucketDoes({ store, config }: Setting): Promise<void> {
  const until = new Date(machineTime().getTime() + (config.aws?.lockDays ?? 0) * DAY_MS);
  for await (const { key } of store.list('backups/')) await store.protect(key, until);
}

async function withBackups(daysAgo: readonly number[]): Promise<Setting & { ids: string[] }> {
  const setting = await stage.set();
  await setting.put('logo.svg', '<svg/>');
  return { ...setting, ids: await goodBackups(setting, daysAgo) };
}

async function lockedUntil({ storeBucket, config }: Setting, key: string): Promise<Date> {
  const prefix = config.store.split('?')[0]?.split('/').slice(3).join('/') ?? '';
  const { Retention } = await stage.gateway.client.send(
    new GetObjectRetentionCommand({ Bucket: storeBucket, Key: `${prefix}/${key}` }),
  );
  return Retention?.RetainUntilDate ?? new Date(0);
}

async function tagsOf({ storeBucket, config }: Setting, key: string): Promise<unknown[]> {
  const prefix = config.store.split('?')[0]?.split('/').slice(3).join('/') ?? '';
  const { TagSet = [] } = await stage.gateway.client.send(
    new GetObjectTaggingCommand({ Bucket: storeBucket, Key: `${prefix}/${key}` }),
  );
  return TagSet.map(({ Key }) => Key);
}

async function tagReleased({ storeBucket, config }: Setting, key: string): Promise<void> {
  const prefix = config.store.split('?')[0]?.split('/').slice(3).join('/') ?? '';
  const TagSet = [{ Key: RELEASED_TAG.key, Value: RELEASED_TAG.value }];
  await stage.gateway.client.send(
    new PutObjectTaggingCommand({
      Bucket: storeBucket,
      Key: `${prefix}/${key}`,
      Tagging: { TagSet },
    }),
  );
}

describe('prune', () => {
  const LAST_12_DAYS = [12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0];

  test('locks what it keeps, releases the rest once, and counts it no more', async () => {
    const setting = await withBackups(LAST_12_DAYS);
    setting.become('prune');
    const [first] = (await prune({ at: ago(0) }, contextOf())).sources;
    const released = first?.released ?? [];
    expect(released.length).toBeGreaterThan(0);
    expect(first?.kept).toBe(setting.ids.length - released.length);
    for (const id of setting.ids) {
      const isGone = released.includes(id);
      const key = `backups/assets/${id}/manifest.json`;
      expect(await setting.store.isReleased(key)).toBe(isGone);
      if (!isGone) {
        const days = (+(await lockedUntil(setting, key)) - +machineTime()) / DAY_MS;
        expect(days).toBeGreaterThanOrEqual(14);
        expect(days).toBeLessThan(15);
      }
    }
    // All are listed still; what is on its way out neither goes twice nor counts for what may go.
    expect((await keysIn(setting, 'backups/')).length).toBe(3 * setting.ids.length);
    const again = await prune({ at: ago(0) }, contextOf());
    expect(again.sources[0]?.released.filter((id) => released.includes(id))).toEqual([]);
    setting.become(undefined);
    await freshness({}, contextOf());
    expect(await setting.metric('ReleasedButWanted')).toBe(0);
    expect(await setting.metric('PruneAgeSeconds')).toBeLessThan(600);
    expect(await setting.metric('LockSecondsLeft')).toBeGreaterThan((13.9 * DAY_MS) / 1000);
    // The lifecycle comes to them: nothing of that is an alarm.
    await stage.gateway.expire(setting.storeBucket);
    await freshness({}, contextOf());
    expect(await setting.metric('HiddenManifests')).toBe(0);
    setting.become('prune');
    const last = await prune({ at: ago(0) }, contextOf());
    expect(last.sources[0]?.problems).toEqual([]);
  });

  test('marks what its month alone keeps, where the configuration has that moved', async () => {
    const monthly = ({ sources, aws }: Config): Partial<Config> => ({
      sources: sources.map((source) => ({
        ...source,
        retention: { ...source.retention, daily: 0, weekly: 0, monthly: 12 },
      })),
      aws: aws && { ...aws, storageClass: 'glacier-instant-retrieval', contentMonths: 3 },
    });
    const setting = await stage.set({ config: monthly });
    await setting.put('film', randomBytes(2_000_000).toString('base64'));
    // All were stored now: the first serves the month, and the newest three stay in any case.
    const [first = ''] = await goodBackups(setting, [0.5, 0.4, 0.3, 0.2, 0.1]);
    setting.become('prune');
    const [report] = (await prune({ at: ago(0) }, contextOf())).sources;
    expect(report).toMatchObject({ longKept: 1, problems: [] });
    const marked: string[] = [];
    for (const key of await keysIn(setting, 'backups/'))
      if ((await tagsOf(setting, key)).includes('holdfast:long-kept')) marked.push(key);
    expect(marked).toEqual([expect.stringMatching(`/${first}/archive-`)]);
  });

  test('run three times at once keeps what the policy wants', async () => {
    const setting = await withBackups([9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
    setting.become('prune');
    await Promise.all([1, 2, 3].map(() => prune({}, contextOf())));
    // All were stored today: the first serves the day, the newest three stay in any case. Of the others a run releases a few, and one
    // that begins later of some more.
    const wanted = [...setting.ids.slice(0, 1), ...setting.ids.slice(-3)];
    for (const id of wanted) {
      expect(await setting.store.isReleased(`backups/assets/${id}/manifest.json`)).toBe(false);
    }
  });

  test('without the right to lock, records nothing and releases nothing', async () => {
    const setting = await withBackups(LAST_12_DAYS);
    setting.become('prune');
    process.env['AWS_SECRET_ACCESS_KEY'] = 'wrong';
    process.env['LAMBDA_TASK_ROOT'] = `${process.env['LAMBDA_TASK_ROOT'] ?? ''}/.`;
    await expect(prune({}, contextOf())).rejects.toMatchObject({ name: 'STORE_DENIED' });
    setting.become(undefined);
    expect(await keysIn(setting, 'records/prune/')).toEqual([]);
  });
});

describe('freshness', () => {
  test('publishes what the store says, the same when it comes twice', async () => {
    const begin = machineTime().getTime();
    const setting = await withBackups([2, 1]);
    setting.become(undefined);
    const first = await freshness({}, contextOf());
    expect(first).toMatchObject({ allIsWell: true, alarms: [], heartbeat: 'none' });
    expect(await freshness({}, contextOf())).toEqual(first);
    const age = await setting.metric('RecoveryPointAgeSeconds', 'assets');
    // By when it ran, not by the day of its trigger.
    expect(age).toBeLessThan((machineTime().getTime() - begin) / 1000 + 2);
    expect(await setting.metric('DamagedBackups', 'assets')).toBe(0);
    expect(await setting.metric('KeyUsable')).toBe(1);
    expect(await setting.metric('StoredBytes')).toBeGreaterThan(1000);
    expect(await setting.metric('CapacityUsedPercent')).toBeUndefined();
  });

  test('stores nothing at its first look, while the stack may still fail, and leaves no alarm without a value', async () => {
    const begin = machineTime().getTime();
    const setting = await stage.set();
    await freshness({ look: 'first' }, contextOf());
    expect(await keysIn(setting, '')).toEqual([]);
    expect(await setting.metric('KeyUsable')).toBe(1);
    const age = await setting.metric('RecoveryPointAgeSeconds', 'assets');
    expect(age).toBeLessThan((machineTime().getTime() - begin) / 1000 + 2);
    await freshness({}, contextOf());
    expect(await keysIn(setting, '')).toEqual(['holdfast.json']);
  });

  test('gives a source that was never backed up an age', async () => {
    const begin = machineTime().getTime();
    const setting = await stage.set();
    expect(await freshness({}, contextOf())).toMatchObject({ allIsWell: false });
    // Servers tell whole seconds.
    const atMost = (machineTime().getTime() - begin) / 1000 + 2;
    expect(await setting.metric('RecoveryPointAgeSeconds', 'assets')).toBeLessThan(atMost);
    expect(await setting.metric('BackupBytes', 'assets')).toBeUndefined();
    // Its first run is not yet due.
    expect(await setting.metric('MissedRuns', 'assets')).toBe(0);
  });

  test('counts what is hidden, forged, damaged, and released by somebody else', async () => {
    const setting = await withBackups([3, 2, 1, 0]);
    const key = (index: number) => `backups/assets/${setting.ids[index] ?? ''}/manifest.json`;
    await setting.hide(key(0));
    await tagReleased(setting, key(1));
    await setting.forge('backups/assets/20261101T030000000Z-schedule/manifest.json', 'no');
    setting.become(undefined);
    expect(await freshness({}, contextOf())).toMatchObject({ allIsWell: false });
    expect(await setting.metric('HiddenManifests')).toBe(1);
    expect(await setting.metric('ReleasedButWanted')).toBe(1);
    expect(await setting.metric('DamagedBackups', 'assets')).toBe(1);
  });

  test('publishes nothing when the store cannot be read', async () => {
    const setting = await withBackups([0]);
    setting.become(undefined);
    process.env['HOLDFAST_STORE'] = setting.config.store.replace('/bucket-', '/no-such-bucket-');
    await expect(freshness({}, contextOf())).rejects.toThrow();
    expect(await setting.metric('RecoveryPointAgeSeconds', 'assets')).toBeUndefined();
    expect(await setting.metric('HiddenManifests')).toBeUndefined();
  });

  test('says how long locks last, and since when nobody has looked at content', async () => {
    const setting = await withBackups([1]);
    setting.become(undefined);
    await freshness({}, contextOf());
    const lockDays = ((await setting.metric('LockSecondsLeft')) ?? 0) * (1000 / DAY_MS);
    expect(lockDays).toBeGreaterThan(13.9);
    expect(lockDays).toBeLessThanOrEqual(14);
    for (const metric of ['PruneAgeSeconds', 'ContentAgeSeconds'])
      expect(await setting.metric(metric)).toBeLessThan(600);
  });

  test.each(['store', 'messages'])('notices that the key of %s is disabled', async (which) => {
    const setting = await withBackups([1]);
    setting.become(undefined);
    const alias = `alias/holdfast-${setting.config.system}-${which}`;
    const { KeyMetadata } = await stage.kms.send(new DescribeKeyCommand({ KeyId: alias }));
    await stage.kms.send(new DisableKeyCommand({ KeyId: KeyMetadata?.KeyId }));
    const said = logged.length;
    expect(await freshness({}, contextOf())).toMatchObject({ allIsWell: false });
    expect(logged.slice(said).join('')).toContain(`the key ${alias} is Disabled`);
    expect(await setting.metric('KeyUsable')).toBe(0);
  });

  test('names who is to be told and has not confirmed it', async () => {
    const setting = await stage.set({
      config: ({ notify }) => ({ notify: { ...notify, email: ['nobody@example.com'] } }),
    });
    expect(await freshness({}, contextOf())).toMatchObject({
      alarms: expect.arrayContaining([expect.stringContaining('nobody@example.com')]),
    });
    expect(await setting.metric('UnconfirmedSubscriptions')).toBe(1);
  });

  test('says that a key cannot be used', async () => {
    // The local AWS lets disabled keys be used: what AWS answers then is put in between.
    let isDisabled = false;
    const { hostname, port: target } = new URL(stage.aws.endpoint);
    const between = http.createServer((request, response) => {
      const { method, url, headers } = request;
      if (isDisabled) {
        response.writeHead(400, { 'content-type': 'application/x-amz-json-1.1' });
        response.end(JSON.stringify({ __type: 'DisabledException' }));
        return;
      }
      const passed = http.request(
        { hostname, port: target, method, path: url, headers },
        (answer) => {
          response.writeHead(answer.statusCode ?? 500, answer.headers);
          answer.pipe(response);
        },
      );
      request.pipe(passed);
    });
    await new Promise<void>((resolve) => between.listen(0, '127.0.0.1', resolve));
    const { port } = between.address() as AddressInfo;
    try {
      const setting = await stage.set();
      process.env['AWS_ENDPOINT_URL_KMS'] = `http://127.0.0.1:${port}`;
      setting.become('prune');
      await prune({}, contextOf());
      isDisabled = true;
      const said = logged.length;
      expect(await freshness({}, contextOf())).toMatchObject({ allIsWell: false });
      expect(logged.slice(said).join('')).toContain('it is disabled');
      expect(await setting.metric('KeyUsable')).toBe(0);
      expect(await setting.metric('StoredBytes')).toBeGreaterThan(0);
    } finally {
      delete process.env['AWS_ENDPOINT_URL_KMS'];
      between.closeAllConnections();
      between.close();
    }
  });

  test('calls the heartbeat while all is well, and then only', async () => {
    const calls: string[] = [];
    let status = 200;
    const server = http.createServer((request, response) => {
      calls.push(request.url ?? '');
      response.writeHead(status).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const { port } = server.address() as AddressInfo;
      const url = `http://127.0.0.1:${port}/${CANARIES.heartbeat}`;
      await new SSMClient(stage.aws.client).send(
        new PutParameterCommand({
          Name: '/heartbeat',
          Value: url,
          Type: 'SecureString',
          Overwrite: true,
        }),
      );
      const setting = await stage.set({
        config: ({ notify }) => ({
          notify: { ...notify, heartbeat: { scheme: 'ssm', name: '/heartbeat' } },
        }),
      });
      expect(await freshness({}, contextOf())).toMatchObject({ heartbeat: 'withheld' });
      expect(calls).toEqual([]);
      await setting.put('a.txt', 'a');
      await goodBackups(setting, [0]);
      setting.become(undefined);
      expect(await freshness({}, contextOf())).toMatchObject({ heartbeat: 'called' });
      expect(calls).toEqual([`/${CANARIES.heartbeat}`]);
      status = 500;
      expect(await freshness({}, contextOf())).toMatchObject({ heartbeat: 'failed' });
    } finally {
      server.close();
    }
  });
});

describe('restore tests', () => {
  test('prove the newest good backup, once for one event', async () => {
    const setting = await withBackups([1, 0]);
    setting.become('restore-test');
    const event = { source: 'assets', at: ago(1000) };
    const result = await restoreTest(event, contextOf());
    expect(result).toMatchObject({ outcome: 'tested', verdict: 'proven', id: setting.ids[1] });
    expect(await restoreTest(event, contextOf())).toMatchObject({ outcome: 'already' });
    expect(await keysIn(setting, 'records/restore-test/')).toHaveLength(1);
    expect(await setting.metric('RestoreTestAgeSeconds', 'assets')).toBe(0);
  });

  test('say so when there is nothing good to test', async () => {
    await stage.set({ signer: 'restore-test' });
    const event = { source: 'assets', at: ago(1000) };
    await expect(restoreTest(event, contextOf())).rejects.toMatchObject({
      name: 'BACKUP_NOT_FOUND',
    });
  });
});

describe('alert', () => {
  const event = (setting: Setting, state: 'ALARM' | 'OK', more: object = {}) => ({
    source: 'aws.cloudwatch',
    'detail-type': 'CloudWatch Alarm State Change',
    detail: {
      alarmName: `holdfast-${setting.config.system}/sources/assets/late`,
      state: {
        value: state,
        reason: 'Threshold Crossed: 4 datapoints were greater than the threshold (97200.0).',
        timestamp: '2026-11-22T03:00:00.000+0000',
      },
      previousState: { value: 'OK', timestamp: '2026-11-21T03:00:00.000+0000' },
      configuration: { description: 'assets: there is no good backup younger than 27 hours.' },
      ...more,
    },
  });

  test('tells once, however often the event comes', async () => {
    const setting = await stage.set();
    await stage.messages();
    const alarm = event(setting, 'ALARM');
    const [a, b, c] = await Promise.all([1, 2, 3].map(() => alert(alarm, contextOf())));
    expect([a, b, c].map((one) => one?.outcome).sort()).toEqual(['already', 'already', 'told']);
    expect(await alert(alarm, contextOf())).toMatchObject({ outcome: 'already' });
    const [message, ...more] = await stage.messages();
    expect(more).toEqual([]);
    expect(message?.subject).toContain('ALARM: assets: there is no good backup');
    expect(message?.body).toContain('holdfast status assets');
    expect(await keysIn(setting, 'incidents/')).toEqual([
      'incidents/assets-late-20261122T030000000Z/1-alarm.json',
      'incidents/assets-late-20261122T030000000Z/2-told.json',
    ]);
  });

  test('tells the end of an alarm, and nothing of a beginning that is not one', async () => {
    const setting = await stage.set();
    await stage.messages();
    const over = event(setting, 'OK', {
      previousState: { value: 'ALARM', timestamp: '2026-11-22T01:00:00.000+0000' },
    });
    expect(await alert(over, contextOf())).toMatchObject({ outcome: 'told' });
    const first = event(setting, 'OK', { previousState: { value: 'INSUFFICIENT_DATA' } });
    expect(await alert(first, contextOf())).toEqual({ outcome: 'quiet' });
    const [message, ...more] = await stage.messages();
    expect(more).toEqual([]);
    expect(message?.subject).toContain('resolved');
    expect(message?.body).toContain('after 2 h');
  });

  test('tells when neither the store nor a key can be used', async () => {
    const setting = await stage.set();
    await stage.messages();
    process.env['HOLDFAST_STORE'] = setting.config.store.replace('/bucket-', '/no-such-bucket-');
    process.env['HOLDFAST_TRUSTED_KEYS'] = 'gone arn:aws:kms:us-east-1:000000000000:key/gone x/';
    expect(await alert(event(setting, 'ALARM'), contextOf())).toMatchObject({ outcome: 'told' });
    expect(await stage.messages()).toHaveLength(1);
  });

  test('fails when nobody could be told, and tells when it is tried again', async () => {
    const setting = await stage.set();
    await stage.messages();
    const topic = process.env['HOLDFAST_TOPIC'] ?? '';
    process.env['HOLDFAST_TOPIC'] = `${topic}-gone`;
    await expect(alert(event(setting, 'ALARM'), contextOf())).rejects.toThrow(/did not take/);
    process.env['HOLDFAST_TOPIC'] = topic;
    expect(await alert(event(setting, 'ALARM'), contextOf())).toMatchObject({ outcome: 'told' });
    expect(await stage.messages()).toHaveLength(1);
  });

  test('reports a day once', async () => {
    const setting = await withBackups([1, 0]);
    setting.become(undefined);
    await stage.messages();
    const daily = { report: 'daily', at: '2026-11-22T08:00:00Z' };
    expect(await alert(daily, contextOf())).toMatchObject({ outcome: 'told' });
    expect(await alert(daily, contextOf())).toMatchObject({ outcome: 'already' });
    const [message, ...more] = await stage.messages();
    expect(more).toEqual([]);
    expect(message?.subject).toBe(`[Holdfast ${setting.config.system}] all is well`);
    expect(message?.body).toContain('assets: last good backup');
  });

  test('refuses what is no event of its own', async () => {
    await stage.set();
    await expect(alert({ anything: true }, contextOf())).rejects.toMatchObject({ name: 'USAGE' });
  });
});
