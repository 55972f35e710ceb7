// What the stack tries by itself: `escalate` writes an order down, the function that backs up serves it, and `escalate` says what came of it.
import { randomBytes } from 'node:crypto';
import { renameSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, expect, jest, test } from '@jest/globals';
import { handler as backup } from '../../lambda/backup.ts';
import { handler as databaseBackup } from '../../lambda/database-backup.ts';
import { handler as escalate } from '../../lambda/escalate.ts';
import { handler as verify } from '../../lambda/verify.ts';
import { writeRecord } from '../../lib/engine/catalog/records.ts';
import { backupId } from '../../lib/format/ids.ts';
import { openSession } from '../../lib/wiring/function-session.ts';
import { startReceiver, type Receiver } from '../support/receiver.ts';
import { machineTime } from '../support/machine-time.ts';
import { damage, keepHook, lock, newestRecord, storedEvent, textOf, withSinks } from './stored.ts';
import { captureLog, contextOf, madeBy, startStage, type Setting, type Stage } from './stage.ts';

jest.setTimeout(120_000);

/** Long, and nothing that could be made shorter: the middle of an archive is in it. */
const LOGO = randomBytes(40_000).toString('hex');

let stage: Stage;
let receiver: Receiver;
let setting: Setting;

beforeAll(async () => {
  captureLog([]);
  [stage, receiver] = await Promise.all([startStage(), startReceiver()]);
  await keepHook(stage, receiver);
});
afterAll(async () => {
  await (stage as Stage | undefined)?.stop();
  await (receiver as Receiver | undefined)?.[Symbol.asyncDispose]();
});

const now = () => machineTime().toISOString();

function minute() {
  setting.become('escalate');
  return escalate({ at: now() }, contextOf());
}

function told(key: string) {
  setting.become('escalate');
  return escalate(storedEvent(setting, key), contextOf());
}

/** A backup that is proven. */
async function backUp(): Promise<string> {
  setting.become('backup');
  const { id } = await madeBy(backup)(
    { trigger: 'manual', source: 'assets', at: now() },
    contextOf(),
  );
  await prove(id);
  return id;
}

async function prove(id: string): Promise<void> {
  setting.become('verify');
  await verify(setting.createdEvent('assets', id), contextOf());
  await lock(setting);
}

/** Runs `act` while the bucket that is backed up is away. */
async function withoutAssets<T>(act: () => Promise<T>): Promise<T> {
  const folder = stage.gateway.folderOf(setting.assets);
  renameSync(folder, `${folder}-gone`);
  try {
    return await act();
  } finally {
    renameSync(`${folder}-gone`, folder);
  }
}

/** A bucket tells whole seconds: in the same one, nothing is newer. */
const aSecond = () => new Promise((resolve) => setTimeout(resolve, 1100));

const scheduled = { trigger: 'schedule', source: 'assets' };

/** A scheduled run that fails, which `escalate` hears of; the key of the order that it then writes. */
async function failed(): Promise<string> {
  setting.become('backup');
  await withoutAssets(() =>
    expect(backup({ ...scheduled, at: now() }, contextOf())).rejects.toThrow(),
  );
  expect(await told(await newestRecord(setting, 'records/backup/'))).toMatchObject({ open: [1] });
  return newestRecord(setting, 'incidents/000001/0000-trying-');
}

interface Told {
  readonly event: string;
  readonly text: string | undefined;
  readonly outcome: string | undefined;
}

/** What was tried in the first incident, as its records say. */
async function tried(): Promise<Told[]> {
  const found: Told[] = [];
  for await (const { key } of setting.store.list('incidents/000001/0000-tr')) {
    const text = await textOf(setting, key);
    const [record] = JSON.parse(text) as [Told];
    found.push(record);
  }
  return found.toSorted((a, b) => (a.event < b.event ? 1 : -1));
}

function serve(key: string) {
  setting.become('backup');
  return backup(storedEvent(setting, key), contextOf());
}

beforeEach(async () => {
  setting = await stage.set({ config: withSinks });
  await setting.put('logo.svg', LOGO);
  await backUp();
});

test('a failed backup is run once more by its function, after people were told, and its proof stands in the timeline', async () => {
  const messages = receiver.received.length;
  const order = await failed();
  expect(receiver.received.length).toBe(messages + 1);
  expect(await tried()).toEqual([
    expect.objectContaining({ event: 'trying', text: 'another backup of assets' }),
  ]);
  await aSecond();
  // The same event twice is one backup, for the time of the schedule.
  const made = await serve(order);
  expect(made).toMatchObject({ outcome: 'made', source: 'assets' });
  expect(await serve(order)).toMatchObject({ outcome: 'already' });
  const id = 'id' in made ? made.id : '';
  expect(id).toMatch(/T030000000Z-schedule$/);
  expect(await minute()).not.toHaveProperty('begun');
  expect(await tried()).toHaveLength(1);
  await prove(id);
  expect(await told(await newestRecord(setting, 'records/verify/'))).toMatchObject({ open: [] });
  expect((await tried())[1]).toMatchObject({
    ...{ event: 'tried', outcome: 'done', text: `another backup of assets: ${id} is proven` },
  });
  expect(receiver.received.at(-1)?.body).toContain(`tried    another backup of assets: ${id}`);
});

test('what fails again is said, and not tried a third time', async () => {
  const order = await failed();
  await withoutAssets(() => expect(serve(order)).rejects.toThrow());
  await told(await newestRecord(setting, 'records/backup/'));
  expect(await tried()).toEqual([
    expect.objectContaining({ event: 'trying' }),
    expect.objectContaining({ event: 'tried', outcome: 'failed' }),
  ]);
  expect(await minute()).not.toHaveProperty('begun');
});

test('damage is repaired into a new backup, by what is whole in others', async () => {
  await setting.put('photo.svg', '<svg/>');
  const id = await backUp();
  await setting.put('icon.svg', '<svg/>');
  await backUp();
  damage(stage, setting, id);
  setting.become('verify');
  await verify({ level: 'content', at: now(), source: 'assets' }, contextOf());
  expect(await told(await newestRecord(setting, 'records/verify/'))).toMatchObject({
    begun: [{ act: 'repair', source: 'assets' }],
  });
  const order = await newestRecord(setting, 'incidents/000001/0000-trying-damaged');
  const { repairs = {} } = (await serve(order)) as { repairs?: Record<string, string> };
  const repaired = repairs[id] ?? '';
  expect(repaired).toMatch(/-repair$/);
  await prove(repaired);
  expect(await told(await newestRecord(setting, 'records/verify/'))).toMatchObject({ open: [] });
  expect((await tried()).at(-1)?.text).toMatch(
    new RegExp(`^a repair of assets: ${id} → ${repaired}, good: \\d+ healed, 0 lost$`),
  );
});

test('a deployment whose backup died without a word is an incident, and is backed up', async () => {
  setting = await stage.set({
    config: (config) => ({
      ...withSinks(config),
      sources: config.sources.map((source) => ({ ...source, graceMs: 0 })),
    }),
  });
  await setting.put('logo.svg', LOGO);
  await backUp();
  await aSecond();
  setting.become('backup');
  const { engine } = await openSession();
  const begin = machineTime();
  // What a run leaves before it reads anything; then it is killed.
  await writeRecord(
    { ...engine, kinds: new Map(), signal: undefined, who: 'backup' },
    {
      ...{ verb: 'backup', source: 'assets', verdict: 'begun', problems: [], facts: {} },
      ...{ begin, subject: backupId({ kind: 'deploy', at: begin }) },
    },
  );
  expect(await minute()).toMatchObject({ open: [1], begun: [{ act: 'backup', source: 'assets' }] });
  const order = await newestRecord(setting, 'incidents/000001/0000-trying-deployment_assets');
  const opened = await textOf(setting, 'incidents/000001/0001-opened.json');
  expect(opened).toContain('has left no good backup');
  await aSecond();
  const made = await serve(order);
  await prove('id' in made ? made.id : '');
  expect(await told(await newestRecord(setting, 'records/verify/'))).toMatchObject({ open: [] });
});

test('an order that is none, or of another source, starts nothing', async () => {
  const order = await failed();
  // Databases have a function of their own.
  setting.become('database-backup');
  const event = storedEvent(setting, order);
  expect(await databaseBackup(event, contextOf())).toEqual({
    ...{ outcome: 'elsewhere', source: 'assets' },
  });
  for (const key of ['incidents/000001/0001-opened.json', 'incidents/000009/0000-trying-x_y.json'])
    expect(await serve(key)).toEqual({ outcome: 'ignored' });
  // Whoever may put objects there, but has not the key of `escalate`.
  const forged = 'incidents/000001/0000-trying-late_assets.json';
  const text = await textOf(setting, order);
  await setting.forge(forged, text.replaceAll(order, forged));
  expect(await serve(forged)).toEqual({ outcome: 'ignored' });
});

test('nothing is tried where that is switched off', async () => {
  setting = await stage.set({
    config: (config) => {
      const { notify, ...rest } = withSinks(config);
      return { ...rest, notify: { ...config.notify, ...notify, recovery: 'off' } };
    },
  });
  await setting.put('logo.svg', LOGO);
  await backUp();
  expect(await failed()).toBe('');
});
