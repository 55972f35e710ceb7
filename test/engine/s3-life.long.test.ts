// A whole life on S3: a source is backed up, backed up again unchanged, proven, listed, restored and pruned, and the requests are counted.
import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { pruneSource } from '../../lib/engine/prune.ts';
import { restoreTest } from '../../lib/engine/restore-test.ts';
import { verifyBackup } from '../../lib/engine/verify.ts';
import type { BackupResult } from '../../lib/engine/backup.ts';
import { makeS3Client } from '../../lib/stores/s3/client.ts';
import { openS3Store } from '../../lib/stores/s3/store.ts';
import type { Store } from '../../lib/stores/store.ts';
import { noise, plant, prose, Scratch } from '../support/archives.ts';
import {
  backUpNow,
  Clock,
  codeOf,
  DAILY,
  DAY_MS,
  engineOn,
  folderSource,
  keysOf,
  listed,
  makeGood,
  restoreTo,
  treeOf,
  unsound,
} from '../support/engine.ts';
import { clocked } from '../support/clocked-store.ts';
import { layFaults, type SentRequest } from '../support/faulty-handler.ts';
import { startVersitygw, type Versitygw } from '../support/versitygw.ts';

jest.setTimeout(120_000);

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
  const pages = Array.from({ length: 400 }, (_, at) => [`content/${at}.md`, prose(2_000, at)]);
  plant(root, {
    ...(Object.fromEntries(pages) as Record<string, string>),
    'public/one.bin': noise(9_000_000, 1),
    'public/two.bin': noise(12_000_000, 2),
  });
});
afterAll(async () => {
  scratch[Symbol.dispose]();
  await server.stop();
});

/** The store as a new process opens it, and what it sends; it goes by the clock of the test. */
async function openStore(): Promise<{ store: Store; sent: SentRequest[] }> {
  const place = server.place(bucket);
  const client = makeS3Client(place);
  const sent = layFaults(client);
  const opened = await openS3Store(place, { random: randomUUID, client });
  return { store: clocked(opened, { clock, storedAt }), sent };
}

const engine = async () => engineOn((await openStore()).store, clock);
const uploadedBytes = (sent: readonly SentRequest[]) =>
  sent
    .filter(({ operation }) => ['PutObject', 'UploadPart'].includes(operation))
    .reduce((sum, { headers }) => sum + Number(headers['content-length']), 0);
const operationsOf = (sent: readonly SentRequest[]) => sent.map(({ operation }) => operation);

const made: BackupResult[] = [];

test('backs up and proves what it has stored', async () => {
  made.push(await makeGood(await engine(), folderSource(root)));
  const { store } = await openStore();
  expect(await listed(store)).toHaveLength(1);
  expect(await unsound(store)).toEqual([]);
});

test('clones what has not changed, and uploads next to nothing', async () => {
  clock.advance(DAY_MS);
  const { store, sent } = await openStore();
  const result = await backUpNow(engineOn(store, clock), folderSource(root));
  made.push(result);
  expect(operationsOf(sent)).toContain('UploadPartCopy');
  expect(operationsOf(sent)).not.toContain('UploadPart');
  expect(uploadedBytes(sent)).toBeLessThan(21_000_000 / 100);
  const verified = await verifyBackup(engineOn(store, clock), result, 'content');
  expect(verified.verdict).toBe('proven');
});

test('restores everything, and proves that it does', async () => {
  const [first, second] = made;
  if (first === undefined || second === undefined) throw new Error('no backups were made');
  const to = scratch.at('restored');
  await restoreTo(await engine(), second, to);
  expect(treeOf(to)).toEqual(treeOf(root));
  const scratchEngine = engineOn((await openStore()).store, clock, {
    scratch: scratch.at('scratch'),
  });
  fs.mkdirSync(scratch.at('scratch'));
  expect((await restoreTest(scratchEngine, first)).verdict).toBe('proven');
});

test.each(['content/77.md', 'public/two.bin'])(
  'restores %s alone by few requests',
  async (path) => {
    const { store, sent } = await openStore();
    const to = scratch.at(`restored-${path.replace('/', '-')}`);
    const second = made[1];
    if (second === undefined) throw new Error('no backup was made');
    // Nobody may write here: what is counted is the way to the file.
    const reading = engineOn(store, clock, { signer: undefined });
    await restoreTo(reading, second, to, { paths: [path], verify: false });
    expect(fs.readFileSync(`${to}/${path}`).equals(fs.readFileSync(`${root}/${path}`))).toBe(true);
    const pieces = path.startsWith('public/') ? 2 : 0;
    expect(operationsOf(sent)).toHaveLength(5 + pieces);
  },
);

test('releases what nothing wants, which ends with the lifecycle', async () => {
  for (let day = 0; day < 12; day++) {
    clock.advance(DAY_MS);
    made.push(await makeGood(await engine(), folderSource(root)));
  }
  const { store, sent } = await openStore();
  const before = (await listed(store)).length;
  const result = await pruneSource(engineOn(store, clock), 'site', DAILY);
  expect(result.release.length).toBeGreaterThan(0);
  expect(operationsOf(sent)).toContain('PutObjectTagging');
  expect(operationsOf(sent)).not.toContain('DeleteObject');
  // Until the lifecycle comes, everything can still be had.
  expect(await listed((await openStore()).store)).toHaveLength(before);
  await server.expire(bucket);
  const after = await openStore();
  const left = await listed(after.store);
  expect(left.map(({ id }) => id).sort()).toEqual(result.keep.map(({ id }) => id).sort());
  expect(await unsound(after.store)).toEqual([]);
  for (const { id } of result.release) {
    expect(await keysOf(after.store, `backups/site/${id}/`)).toEqual([]);
    const restoring = restoreTo(await engine(), { source: 'site', id }, scratch.at(id));
    expect(await codeOf(restoring)).toBe('BACKUP_NOT_FOUND');
  }
});
