// The policy that docs/stores.md gives to a pipeline, against everything that a backup asks of its store: enough, and no more.
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { makeS3Client } from '../../../../lib/stores/s3/client.ts';
import { openS3Store } from '../../../../lib/stores/s3/store.ts';
import { noise, plant, Scratch } from '../../../support/archives.ts';
import { askedBy, decide as decideBy, type Asked } from '../../../support/decisions.ts';
import {
  backUpNow,
  Clock,
  DAY_MS,
  engineOn,
  folderSource,
  makeGood,
} from '../../../support/engine.ts';
import { layFaults, type SentRequest } from '../../../support/faulty-handler.ts';
import { ACCOUNT, configOf, deployed, ROOT } from '../../../support/stacks.ts';
import { startVersitygw, type Versitygw } from '../../../support/versitygw.ts';

const BUCKET = 'arn:aws:s3:::shop-backups';
const WRITER = `arn:aws:iam::${ACCOUNT}:role/pipeline`;
const ARCHIVE = `${BUCKET}/backups/site/20261122T030000000Z-manual/archive-0011223344556677.tar.gz`;
const NEW = { 's3:if-none-match': '*', 's3:ObjectCreationOperation': 'true' };

const policy = policyInDocument();
let policies: { readonly bucket: unknown; readonly key: unknown };
let server: Versitygw;
let scratch: Scratch;

beforeAll(async () => {
  server = await startVersitygw();
  scratch = new Scratch();
  policies = await policiesOfTheStack();
}, 60_000);
afterAll(async () => {
  scratch[Symbol.dispose]();
  await server.stop();
});

function policyInDocument(): unknown {
  const text = readFileSync(join(ROOT, 'docs/stores.md'), 'utf8');
  const [, json = ''] = /<!-- the policy of a writer -->\n+```json\n(.*?)^```$/ms.exec(text) ?? [];
  return JSON.parse(json);
}

/** What the stack of the system in the document says about its bucket and the key of its store. */
async function policiesOfTheStack(): Promise<typeof policies> {
  const file = join(mkdtempSync(join(tmpdir(), 'holdfast-config-')), 'holdfast.yaml');
  const store = 's3://shop-backups?region=eu-central-1';
  writeFileSync(
    file,
    `version: 1\nsystem: shop\nstore: '${store}'\nsources:\n  site: { kind: files, path: . }\naws: {}\n`,
  );
  const shop = await deployed(configOf(file));
  const bucket = shop
    .ofType('AWS::S3::BucketPolicy')
    .find(([, { Properties }]) => Properties['Bucket'] === 'shop-backups');
  const key = shop.ofType('AWS::KMS::Key').find(([id]) => id.startsWith('HoldfastStorageKey'));
  return {
    bucket: bucket?.[1].Properties['PolicyDocument'],
    key: key?.[1].Properties['KeyPolicy'],
  };
}

function decide(asked: Asked): Promise<string> {
  const resourcePolicy = asked.action.startsWith('kms:') ? policies.key : policies.bucket;
  return decideBy({ principal: WRITER, policy, resourcePolicy }, asked);
}

/** Everything that two backups send, the second of which is told what came of the first. */
async function requestsOfBackups(): Promise<readonly SentRequest[]> {
  const place = server.place(await server.makeBucket());
  const clock = new Clock();
  const root = scratch.at('site');
  plant(root, { 'a.md': '# A\n', 'large.bin': noise(9_000_000, 1) });
  const open = async () => {
    const client = makeS3Client(place);
    const sent = layFaults(client);
    const store = await openS3Store(place, { random: randomUUID, client });
    // The time of the store is asked for as always; which one it is does not matter here.
    const timed = { ...store, now: async () => (await store.now(), new Date(clock.ms)) };
    return { engine: engineOn(timed, clock), sent };
  };
  const first = await open();
  await backUpNow(first.engine, folderSource(root));
  const sent = [...first.sent];
  // The functions prove it, by rights of their own.
  await makeGood((await open()).engine, folderSource(root));
  clock.advance(DAY_MS);
  const again = await open();
  await backUpNow(again.engine, folderSource(root));
  plant(root, { 'b.md': '# B\n' });
  clock.advance(DAY_MS);
  await backUpNow(again.engine, folderSource(root));
  return [...sent, ...again.sent];
}

test('the policy of a writer in the document allows every request of a backup, beside the policy of the bucket', async () => {
  const sent = await requestsOfBackups();
  const operations = new Set(sent.map(({ operation }) => operation));
  // The simulation has seen what backups are made of.
  for (const one of ['HeadBucket', 'PutObject', 'UploadPart', 'UploadPartCopy', 'GetObject'])
    expect(operations).toContain(one);
  const refused: unknown[] = [];
  for (const asked of sent.flatMap((one) => askedBy(one, BUCKET))) {
    const decision = await decide(asked);
    if (decision !== 'Allowed') refused.push({ ...asked, decision });
  }
  expect(refused).toEqual([]);
}, 120_000);

describe('the policy of a writer in the document', () => {
  test.each([
    ['kms:GenerateDataKey', 'Allowed'],
    ['kms:Decrypt', 'Allowed'],
    ['kms:Sign', 'ImplicitlyDenied'],
  ])('lets the key of the store be used through S3: %s is %s', async (action, expected) => {
    const on = `arn:aws:kms:eu-central-1:${ACCOUNT}:key/00000000-0000-0000-0000-000000000000`;
    const context = {
      'kms:ViaService': 's3.eu-central-1.amazonaws.com',
      'kms:ResourceAliases': ['alias/holdfast-shop-store'],
    };
    expect(await decide({ action, on, with: context })).toBe(expected);
    const other = { ...context, 'kms:ResourceAliases': ['alias/another'] };
    expect(await decide({ action, on, with: other })).toBe('ImplicitlyDenied');
  });

  test.each([
    ['delete', { action: 's3:DeleteObject', on: ARCHIVE }],
    ['delete a version', { action: 's3:DeleteObjectVersion', on: ARCHIVE }],
    [
      'overwrite',
      { action: 's3:PutObject', on: ARCHIVE, with: { 's3:ObjectCreationOperation': 'true' } },
    ],
    ['release', { action: 's3:PutObjectVersionTagging', on: ARCHIVE }],
    ['lock', { action: 's3:PutObjectRetention', on: ARCHIVE }],
    [
      'prove its own backups',
      { action: 's3:PutObject', on: `${BUCKET}/records/verify/site/x.json`, with: NEW },
    ],
    [
      'write backups of another source',
      { action: 's3:PutObject', on: ARCHIVE.replace('/site/', '/database/'), with: NEW },
    ],
    [
      'read backups of another source',
      { action: 's3:GetObjectVersion', on: ARCHIVE.replace('/site/', '/database/') },
    ],
    [
      'list backups of another source',
      {
        action: 's3:ListBucketVersions',
        on: BUCKET,
        with: { 's3:prefix': 'backups/database/' },
      },
    ],
  ])('does not let it %s', async (_what, asked) => {
    expect(await decide(asked)).not.toBe('Allowed');
  });
});
