// The function that escalates, over a strict S3 server: what an event of a failed run leads to, and what a minute without news costs.
import { renameSync } from 'node:fs';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { handler as acknowledge } from '../../lambda/acknowledge.ts';
import { handler as alert } from '../../lambda/alert.ts';
import { handler as backupHandler } from '../../lambda/backup.ts';
import { handler as escalate } from '../../lambda/escalate.ts';
import { handler as freshness } from '../../lambda/freshness.ts';
import { handler as verify } from '../../lambda/verify.ts';
import { machineTime } from '../support/machine-time.ts';
import { startReceiver, type Receiver } from '../support/receiver.ts';
import { formEventOf, urlEventOf } from '../support/url-requests.ts';
import { keepHook, lock, newestRecord, storedEvent, withSinks } from './stored.ts';
import { captureLog, contextOf, startStage, type Setting, type Stage, madeBy } from './stage.ts';

const backup = madeBy(backupHandler);

jest.setTimeout(120_000);

let stage: Stage;
let receiver: Receiver;
const logged: string[] = [];

beforeAll(async () => {
  captureLog(logged);
  process.env['HOLDFAST_ACKNOWLEDGE_URL'] = 'https://id.lambda-url.example/';
  [stage, receiver] = await Promise.all([startStage(), startReceiver()]);
  await keepHook(stage, receiver);
});
afterAll(async () => {
  delete process.env['HOLDFAST_ACKNOWLEDGE_URL'];
  await (stage as Stage | undefined)?.stop();
  await (receiver as Receiver | undefined)?.[Symbol.asyncDispose]();
});

const now = () => machineTime().toISOString();
const minute = () => escalate({ at: now() }, contextOf());

const subjects = () =>
  receiver.received.map(({ body }) => (JSON.parse(body) as { subject: string }).subject);

test('a failed run is told at once by its event, once, and its end by that of the next proof', async () => {
  const setting = await stage.set({ config: withSinks });
  await stage.messages();
  // Nobody has marked the store: it stays empty.
  setting.become('escalate');
  expect(await minute()).toMatchObject({ outcome: 'early' });
  for await (const { key } of setting.store.list('')) throw new Error(`${key} was stored`);

  await setting.put('logo.svg', '<svg/>');
  await backUp(setting);
  setting.become('escalate');
  expect(await minute()).toMatchObject({ outcome: 'done', open: [], changes: [] });

  const folder = stage.gateway.folderOf(setting.assets);
  renameSync(folder, `${folder}-gone`);
  setting.become('backup');
  const failing = { trigger: 'schedule', source: 'assets', at: now() };
  await expect(backup(failing, contextOf())).rejects.toThrow();
  renameSync(`${folder}-gone`, folder);
  setting.become('escalate');
  const failed = storedEvent(setting, await newestRecord(setting, 'records/backup/'));
  const [a, b] = await Promise.all([1, 2].map(() => escalate(failed, contextOf())));
  expect([...(a?.failed ?? []), ...(b?.failed ?? [])]).toEqual([]);
  expect((a?.sent ?? 0) + (b?.sent ?? 0)).toBe(2);
  const [subject = '', ...more] = subjects();
  expect([subject, more]).toEqual([expect.stringMatching(/ALARM: assets: .*, incident 1$/), []]);
  expect((await stage.messages()).map((one) => one.subject)).toEqual([subject]);
  await acknowledgeByLink(setting);
  // The alarm about the same is left to it.
  setting.become(undefined);
  const alarm = `holdfast-${setting.config.system}/sources/assets/failed`;
  expect(await alert(alarmEvent(alarm), contextOf())).toEqual({ outcome: 'quiet' });

  // S3 tells the time of an object in whole seconds: in the same one, the backup would not be newer than the run that failed.
  await new Promise((resolve) => setTimeout(resolve, 1000));
  await backUp(setting);
  setting.become('escalate');
  const proof = storedEvent(setting, await newestRecord(setting, 'records/verify/'));
  expect(await escalate(proof, contextOf())).toMatchObject({
    open: [],
    changes: ['recovered', 'resolved'],
    sent: 2,
  });
  expect(subjects().at(-1)).toMatch(/resolved: .*, incident 1$/);
  // What had happened before the last look, that has seen.
  const old = { ...(alarmEvent(alarm) as object), time: '2026-11-22T03:00:00Z' };
  expect(await escalate(old, contextOf())).not.toHaveProperty('changes');
  // A proof is looked at while an incident is open, and not otherwise.
  expect(await escalate(proof, contextOf())).not.toHaveProperty('changes');
});

/** Whoever got the last message opens its link and presses the button; neither the store nor the log knows the link. */
async function acknowledgeByLink(setting: Setting): Promise<void> {
  const { link = '' } = JSON.parse(receiver.received.at(-1)?.body ?? '{}') as { link?: string };
  expect(link).toMatch(/^https:\/\/id\.lambda-url\.example\/000001\//);
  const path = new URL(link).pathname;
  setting.become('acknowledge');
  const shown = await acknowledge(urlEventOf({ path }), contextOf());
  expect([shown.statusCode, shown.body]).toEqual([200, expect.stringContaining('<form')]);
  expect(await acknowledge(formEventOf({ path }), contextOf())).toMatchObject({ statusCode: 303 });
  const after = await acknowledge(urlEventOf({ path }), contextOf());
  expect(after.body).toContain('<b>Acknowledged.</b>');
  const token = path.split('/').at(-1) ?? '';
  expect(logged.join('')).toContain('"outcome":"acknowledged"');
  expect(logged.join('') + (await setting.texts())).not.toContain(token);
}

async function backUp(setting: Setting): Promise<void> {
  setting.become('backup');
  const { id } = await backup({ trigger: 'manual', source: 'assets', at: now() }, contextOf());
  setting.become('verify');
  await verify(setting.createdEvent('assets', id), contextOf());
  await lock(setting);
  setting.become(undefined);
  await freshness({}, contextOf());
}

function alarmEvent(alarmName: string): unknown {
  return {
    source: 'aws.cloudwatch',
    'detail-type': 'CloudWatch Alarm State Change',
    detail: {
      alarmName,
      state: { value: 'ALARM', reason: '', timestamp: now() },
      previousState: { value: 'OK', timestamp: now() },
    },
  };
}

test('an event that is not one of ours is refused', async () => {
  (await stage.set({ config: withSinks })).become('escalate');
  await expect(escalate({ anything: true }, contextOf())).rejects.toMatchObject({ name: 'USAGE' });
});

test('a store that cannot be used is told by the sinks, when that has lasted, and not each minute', async () => {
  const setting = await stage.set({ config: withSinks });
  setting.become('escalate');
  process.env['HOLDFAST_STORE'] = setting.config.store.replace('/bucket-', '/no-such-bucket-');
  const before = receiver.received.length;
  for (let run = 0; run < 5; run += 1) await expect(minute()).rejects.toThrow();
  expect(subjects().slice(before)).toEqual([
    expect.stringMatching(/ALARM: holdfast escalate: ListObjectVersions/),
  ]);
});
