// The functions that back up and verify, over a strict S3 server, with keys of KMS: events that come twice, at once, late and out of order.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { GetPublicKeyCommand } from '@aws-sdk/client-kms';
import { handler as backupHandler } from '../../lambda/backup.ts';
import { handler as verify } from '../../lambda/verify.ts';
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
import { damage } from './stored.ts';
import { need } from '../needs/need.ts';

const backup = madeBy(backupHandler);

need('openssl');

jest.setTimeout(120_000);

let stage: Stage;
/** Everything that functions have logged. */
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

const MINUTE_MS = 60_000;
const ago = (ms: number) => new Date(machineTime().getTime() - ms).toISOString();
const scheduled = (at: string, source = 'assets') => ({ trigger: 'schedule', source, at });

async function withAssets(): Promise<Setting> {
  const setting = await stage.set({ signer: 'backup' });
  await setting.put('logo.svg', '<svg/>');
  await setting.put('photos/one.jpg', 'one');
  return setting;
}

async function keysIn({ store }: Setting, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list(prefix)) keys.push(key);
  return keys;
}

const manifests = async (setting: Setting) =>
  (await keysIn(setting, 'backups/')).filter((key) => key.endsWith('/manifest.json'));

describe('a scheduled backup', () => {
  test('is made once, however often its event comes, and is signed by its key in KMS', async () => {
    const setting = await withAssets();
    const event = scheduled('2026-11-22T03:00:00Z');
    const [first, second] = [await backup(event, contextOf()), await backup(event, contextOf())];
    expect(first).toMatchObject({
      outcome: 'made',
      source: 'assets',
      id: '20261122T030000000Z-schedule',
      status: 'complete',
      problemCount: 0,
    });
    expect(second).toEqual({ ...first, outcome: 'already' });
    expect(await manifests(setting)).toEqual([`backups/assets/${first.id}/manifest.json`]);
    await expectSigned(setting, `backups/assets/${first.id}/manifest.json`);
    expect(await setting.metric('PartialBackups', 'assets')).toBe(0);
  });

  test('is made once when its event comes three times at once', async () => {
    const setting = await withAssets();
    const event = scheduled(ago(MINUTE_MS));
    const results = await Promise.all([1, 2, 3].map(() => backup(event, contextOf())));
    expect(new Set(results.map(({ id }) => id)).size).toBe(1);
    expect(results.filter(({ outcome }) => outcome === 'made')).toHaveLength(1);
    expect(await manifests(setting)).toHaveLength(1);
  });

  test('that comes late gives way to the one that was made since', async () => {
    const setting = await withAssets();
    const late = ago(60 * MINUTE_MS);
    const newer = await backup(scheduled(ago(MINUTE_MS)), contextOf());
    expect(await backup(scheduled(late), contextOf())).toEqual({ ...newer, outcome: 'superseded' });
    expect(await manifests(setting)).toHaveLength(1);
    // Who asks for one by hand gets it, whatever there is.
    const manual = { trigger: 'manual', source: 'assets', at: late };
    expect(await backup(manual, contextOf())).toMatchObject({ outcome: 'made' });
  });

  test('is made although somebody forged a later one', async () => {
    const setting = await withAssets();
    await setting.forge('backups/assets/20261122T040000000Z-schedule/manifest.json', 'not signed');
    const made = await backup(scheduled('2026-11-22T03:00:00Z'), contextOf());
    expect(made).toMatchObject({ outcome: 'made' });
  });

  test('for a time that has not come is refused', async () => {
    const setting = await withAssets();
    await expect(backup(scheduled(ago(-60 * MINUTE_MS)), contextOf())).rejects.toMatchObject({
      name: 'USAGE',
    });
    expect(await keysIn(setting, '')).toEqual([]);
  });

  test.each([
    [{ trigger: 'schedule', source: 'nothing', at: '2026-11-22T03:00:00Z' }, /no source "nothing"/],
    [{ trigger: 'repair', source: 'assets', at: '2026-11-22T03:00:00Z' }, /"repair"; allowed/],
    [{ trigger: 'schedule', source: 'assets', at: 'yesterday' }, /"yesterday"; allowed/],
    [{ trigger: 'schedule', source: 'assets', at: '2026-02-30T03:00:00Z' }, /02-30.*; allowed/],
    [null, /nothing; allowed/],
  ])('refuses %j', async (event, message) => {
    await withAssets();
    await expect(backup(event, contextOf())).rejects.toThrow(message);
  });
});

describe('a backup that fails', () => {
  test('leaves one record for one event, and another for an event that is sent anew', async () => {
    const setting = await stage.set({ signer: 'backup' });
    const event = scheduled(ago(MINUTE_MS));
    const once = contextOf({ requestId: 'delivered-three-times' });
    for (let delivery = 0; delivery < 3; delivery++) {
      await expect(backup(event, once)).rejects.toMatchObject({ name: 'SOURCE_UNREADABLE' });
    }
    expect(await keysIn(setting, 'records/backup/')).toHaveLength(1);
    expect(await manifests(setting)).toEqual([]);
    expect(await setting.metric('FailedRuns', 'assets')).toBe(1);
    await setting.put('a.txt', 'now there is something');
    expect(await backup(event, contextOf())).toMatchObject({ outcome: 'made' });
  });

  test('tells the invoker its code and its message, and nothing else', async () => {
    await stage.set({ signer: 'backup' });
    const error: unknown = await backup(scheduled(ago(MINUTE_MS)), contextOf()).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(Error);
    expect(Object.keys(error as Error).sort()).toEqual(['name']);
    expect((error as Error).cause).toBeUndefined();
  });

  test('stops before its time is over, leaves nothing listed, and says what to use instead', async () => {
    const setting = await withAssets();
    const noTime = contextOf({ remainingMs: 1_000, requestId: 'too-short' });
    const event = scheduled(ago(MINUTE_MS));
    await expect(backup(event, noTime)).rejects.toMatchObject({ name: 'CANCELLED' });
    expect(await manifests(setting)).toEqual([]);
    expect(await keysIn(setting, 'records/backup/')).toHaveLength(1);
    expect(logged.join('\n')).toContain('AWS Backup');
    // Delivered again it does not waste the same time once more.
    await expect(backup(event, noTime)).rejects.toMatchObject({ name: 'CANCELLED' });
    expect(await keysIn(setting, 'records/backup/')).toHaveLength(1);
  });
});

describe('the event of a manifest', () => {
  test('proves the backup once, however often it comes', async () => {
    const setting = await withAssets();
    const { id } = await backup(scheduled(ago(MINUTE_MS)), contextOf());
    setting.become('verify');
    const event = setting.createdEvent('assets', id);
    expect(await verify(event, contextOf())).toMatchObject({
      outcome: 'verified',
      verdict: 'proven',
    });
    expect(await verify(event, contextOf())).toMatchObject({
      outcome: 'already',
      verdict: 'proven',
    });
    const [record = '', ...more] = await keysIn(setting, 'records/verify/');
    expect(more).toEqual([]);
    await expectSigned(setting, record, 'verify');
  });

  test('tells damage, and that it is damaged still', async () => {
    const setting = await withAssets();
    const { id } = await backup(scheduled(ago(MINUTE_MS)), contextOf());
    damage(stage, setting, id);
    setting.become('verify');
    const event = setting.createdEvent('assets', id);
    expect(await verify(event, contextOf())).toMatchObject({ verdict: 'damaged' });
    expect(await verify(event, contextOf())).toMatchObject({
      outcome: 'already',
      verdict: 'damaged',
    });
    expect(await setting.metric('DamagedBackups', 'assets')).toBe(1);
  });

  test('of what is not there, not ours or not signed is told, and not tried for ever', async () => {
    const setting = await withAssets();
    setting.become('verify');
    const id = '20261122T030000000Z-schedule';
    const event = setting.createdEvent('assets', id);
    expect(await verify(event, contextOf())).toMatchObject({ outcome: 'absent' });
    await setting.forge(`backups/assets/${id}/manifest.json`, 'not signed');
    expect(await verify(event, contextOf())).toMatchObject({ outcome: 'unusable' });
    const elsewhere = {
      source: 'aws.s3',
      detail: { bucket: { name: 'other' }, object: { key: 'k' } },
    };
    expect(await verify(elsewhere, contextOf())).toEqual({ outcome: 'ignored' });
    expect(await keysIn(setting, 'records/')).toEqual([]);
  });

  test('is understood when its key is written as in a URL', async () => {
    const setting = await withAssets();
    const { id } = await backup(scheduled(ago(MINUTE_MS)), contextOf());
    setting.become('verify');
    const event = setting.createdEvent('assets', id) as {
      detail: { object: { key: string } };
    };
    event.detail.object.key = event.detail.object.key.replaceAll('/', '%2F');
    expect(await verify(event, contextOf())).toMatchObject({ verdict: 'proven' });
  });
});

describe('verifying all content', () => {
  test('goes on where it was stopped, and looks at nothing twice for one event', async () => {
    const setting = await withAssets();
    for (const minutes of [30, 20, 10]) {
      await backup(scheduled(ago(minutes * MINUTE_MS)), contextOf());
      await setting.put(`more-${minutes}.txt`, 'more');
    }
    setting.become('verify');
    const event = { level: 'content', at: ago(1000) };
    await expect(verify(event, contextOf({ remainingMs: 1_000 }))).rejects.toMatchObject({
      name: 'CANCELLED',
    });
    const done = (await keysIn(setting, 'records/verify/')).length;
    expect(await verify(event, contextOf())).toEqual({
      outcome: 'verified',
      backups: 3 - done,
      damaged: [],
      skipped: [],
    });
    expect(await verify(event, contextOf())).toMatchObject({ backups: 0 });
    expect(await keysIn(setting, 'records/verify/')).toHaveLength(3);
  });

  test('names what is damaged, and goes on', async () => {
    const setting = await withAssets();
    const first = await backup(scheduled(ago(30 * MINUTE_MS)), contextOf());
    await setting.put('new.txt', 'new');
    await backup(scheduled(ago(20 * MINUTE_MS)), contextOf());
    damage(stage, setting, first.id);
    setting.become('verify');
    expect(await verify({ level: 'content', at: ago(1000) }, contextOf())).toMatchObject({
      backups: 2,
      damaged: [`assets/${first.id}`],
    });
  });
});

test('no credential stands in anything that was stored', async () => {
  const setting = await withAssets();
  await backup(scheduled(ago(MINUTE_MS)), contextOf());
  const texts = await setting.texts();
  for (const canary of Object.values(CANARIES)) expect(texts).not.toContain(canary);
});

/** Checks a signature as somebody without Holdfast would. */
async function expectSigned(
  { store }: Setting,
  key: string,
  signer: 'backup' | 'verify' = 'backup',
): Promise<void> {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'holdfast-signed-'));
  const file = (name: string) => path.join(folder, name);
  try {
    const object = await store.head(key);
    fs.writeFileSync(file('signed'), await store.read(key, 0, object?.bytes ?? 0));
    const { PublicKey = new Uint8Array() } = await stage.kms.send(
      new GetPublicKeyCommand({ KeyId: stage.keys[signer] }),
    );
    fs.writeFileSync(file('key.der'), PublicKey);
    const script = `sed -n 2p signed > payload
      sed -n 3p signed | sed 's/.*"signature":"\\([^"]*\\)".*/\\1/' | base64 -d > signature
      openssl pkey -pubin -inform DER -in key.der -out key.pem
      openssl dgst -sha256 -verify key.pem -signature signature payload`;
    const said = execFileSync('sh', ['-ec', script], { cwd: folder, encoding: 'utf8' });
    expect(said.trim()).toBe('Verified OK');
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}
