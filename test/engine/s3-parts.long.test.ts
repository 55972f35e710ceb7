// A folder in parts on S3: unchanged parts are copied inside the bucket, and only what changed is uploaded.
import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { repairBackup } from '../../lib/engine/repair.ts';
import { verifyBackup } from '../../lib/engine/verify.ts';
import type { BackupResult } from '../../lib/engine/backup.ts';
import { makeS3Client } from '../../lib/stores/s3/client.ts';
import { openS3Store } from '../../lib/stores/s3/store.ts';
import { noise, plant, prose, Scratch } from '../support/archives.ts';
import {
  Clock,
  DAY_MS,
  engineOn,
  folderSource,
  makeGood,
  restoreTo,
  treeOf,
} from '../support/engine.ts';
import { layFaults, type SentRequest } from '../support/faulty-handler.ts';
import { startVersitygw, type Versitygw } from '../support/versitygw.ts';
import { clocked } from '../support/clocked-store.ts';

jest.setTimeout(120_000);

const PARTING = { fromBytes: 1 << 20, largeBytes: 300_000, leastBytes: 512 << 10 };

let server: Versitygw;
let bucket: string;
let scratch: Scratch;
let root: string;
const clock = new Clock();
const storedAt = new Map<string, Date>();

beforeAll(async () => {
  server = await startVersitygw();
  bucket = await server.makeBucket();
  scratch = new Scratch();
  root = scratch.at('site');
  const files = Array.from({ length: 60 }, (_, i): [string, Buffer] => [
    `d${i % 4}/f${i}`,
    i % 4 === 0 ? noise(400_000, i + 1) : prose(60_000, i),
  ]);
  plant(root, Object.fromEntries(files));
});
afterAll(async () => {
  scratch[Symbol.dispose]();
  await server.stop();
});

/** Backs up and proves, and says how many bytes of which requests that sent. */
async function run(): Promise<{ backup: BackupResult; uploaded: number; copies: number }> {
  const place = server.place(bucket);
  const client = makeS3Client(place);
  const sent: SentRequest[] = layFaults(client);
  const opened = await openS3Store(place, { random: randomUUID, client });
  const engine = engineOn(clocked(opened, { clock, storedAt }), clock, { scratch: scratch.path });
  const backup = await makeGood(engine, folderSource(root, {}, PARTING));
  const puts = sent.filter(({ operation }) => ['PutObject', 'UploadPart'].includes(operation));
  const uploaded = puts.reduce((sum, { headers }) => sum + Number(headers['content-length']), 0);
  const copies = sent.filter(({ operation }) => operation === 'UploadPartCopy').length;
  return { backup, uploaded, copies };
}

async function engineNow() {
  const place = server.place(bucket);
  const opened = await openS3Store(place, { random: randomUUID, client: makeS3Client(place) });
  return engineOn(clocked(opened, { clock, storedAt }), clock, { scratch: scratch.path });
}

const partsOf = ({ manifest }: BackupResult) =>
  manifest.artifacts.filter(({ role }) => role === 'archive').length;

test('unchanged parts are copied in the bucket, and each backup is whole under its own keys', async () => {
  const first = await run();
  const parts = partsOf(first.backup);
  expect(parts).toBeGreaterThan(6);
  expect(first.uploaded).toBeGreaterThan(6_000_000);
  clock.advance(DAY_MS);
  const second = await run();
  expect(second.copies).toBe(parts);
  expect(second.uploaded).toBeLessThan(20_000);
  clock.advance(DAY_MS);
  fs.writeFileSync(`${root}/d1/f1`, 'changed');
  const third = await run();
  expect(third.copies).toBe(parts - 1);
  expect(third.uploaded).toBeLessThan(first.uploaded / 3);
  const engine = await engineNow();
  for (const { backup } of [first, second, third]) {
    const { verdict } = await verifyBackup(engine, backup, 'content');
    expect(verdict).toBe('proven');
  }
  await restoreTo(engine, third.backup, scratch.at('restored'));
  expect(treeOf(scratch.at('restored'))).toEqual(treeOf(root));
  expect((await repairBackup(engine, third.backup)).repaired).toBeUndefined();
});
