// A strict S3 server over a folder, started by the tests that need one: versitygw, with versions and locks.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectTaggingCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  S3Client,
  type ListObjectVersionsCommandOutput,
} from '@aws-sdk/client-s3';
import { RELEASED_TAG } from '../../lib/names/aws.ts';
import { parseS3Url, type S3Place } from '../../lib/names/s3-place.ts';
import { need } from '../needs/need.ts';

const program = need('versitygw');

const START_ATTEMPTS = 5;
const READY_MS = 20_000;

/** What credentials the server takes, as variables of the environment. */
export const CREDENTIALS = {
  AWS_ACCESS_KEY_ID: 'holdfast-test',
  AWS_SECRET_ACCESS_KEY: 'holdfast-test-secret',
} as const;

export interface BucketOptions {
  /** @default 'locked': versions, and object lock; 'versions' alone; 'none' for neither */
  readonly keeps?: 'locked' | 'versions' | 'none';
  /** What its name begins with. @default 'bucket' */
  readonly named?: string;
}

/** A server that runs, with all rights. */
export interface Versitygw {
  readonly endpoint: string;
  readonly client: S3Client;
  /** Makes a bucket that nobody else uses. */
  makeBucket(options?: BucketOptions): Promise<string>;
  /** Where a store in `bucket` is. */
  place(bucket: string, options?: Partial<S3Place>): S3Place;
  /** Where the server keeps the objects of a bucket. */
  folderOf(bucket: string): string;
  /** Ends what was released, as the lifecycle of a bucket does: with delete markers. */
  expire(bucket: string): Promise<void>;
  stop(): Promise<void>;
}

let buckets = 0;

/** Starts a server on a free port, with folders of its own. Sets the variables of {@link CREDENTIALS} for this process. */
export async function startVersitygw(): Promise<Versitygw> {
  const root = mkdtempSync(join(tmpdir(), 'holdfast-versitygw-'));
  for (const folder of ['data', 'versions']) mkdirSync(join(root, folder));
  Object.assign(process.env, CREDENTIALS);
  const { endpoint, stop } = await startAnywhere(program(), root);
  const client = new S3Client({
    endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: {
      accessKeyId: CREDENTIALS.AWS_ACCESS_KEY_ID,
      secretAccessKey: CREDENTIALS.AWS_SECRET_ACCESS_KEY,
    },
  });
  return {
    endpoint,
    client,
    makeBucket: (options) => makeBucket(client, options),
    place: (bucket, options) => ({
      ...parseS3Url(`s3://${bucket}/some/prefix?endpoint=${endpoint}&checksums=part`),
      ...options,
    }),
    folderOf: (bucket) => join(root, 'data', bucket),
    expire: (bucket) => expire(client, bucket),
    stop: async () => {
      client.destroy();
      await stop();
      rmSync(root, { recursive: true, force: true });
    },
  };
}

interface Server {
  readonly endpoint: string;
  readonly stop: () => Promise<void>;
}

/** A port that was free may be taken before the server has it: then another is tried. */
async function startAnywhere(file: string, root: string): Promise<Server> {
  let complaint = '';
  for (let attempt = 0; attempt < START_ATTEMPTS; attempt += 1) {
    const started = await start(file, root, await freePort());
    if (typeof started !== 'string') return started;
    complaint = started;
  }
  throw new Error(`versitygw does not start: ${complaint}`);
}

async function start(file: string, root: string, port: number): Promise<Server | string> {
  const args = ['--port', `127.0.0.1:${port}`, '--quiet', '--keep-alive'];
  const storage = ['posix', '--versioning-dir', join(root, 'versions'), join(root, 'data')];
  const child = spawn(file, [...args, ...storage], {
    cwd: root,
    env: {
      PATH: process.env['PATH'] ?? '',
      ROOT_ACCESS_KEY: CREDENTIALS.AWS_ACCESS_KEY_ID,
      ROOT_SECRET_KEY: CREDENTIALS.AWS_SECRET_ACCESS_KEY,
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const kill = () => {
    child.kill('SIGKILL');
  };
  process.once('exit', kill);
  let complaints = '';
  child.stderr.on('data', (chunk: Buffer) => {
    complaints += chunk.toString();
  });
  const ended = once(child, 'close').then(() => {
    process.removeListener('exit', kill);
  });
  const endpoint = `http://127.0.0.1:${port}`;
  const isUp = await Promise.race([answers(endpoint), ended.then(() => false)]);
  if (isUp) {
    return {
      endpoint,
      stop: async () => {
        kill();
        await ended;
      },
    };
  }
  kill();
  return complaints.trim();
}

async function answers(endpoint: string): Promise<boolean> {
  const begin = performance.now();
  while (performance.now() - begin < READY_MS) {
    await wait(50);
    // Even a refusal is an answer.
    const answered = fetch(endpoint).then(
      () => true,
      () => false,
    );
    if (await answered) return true;
  }
  return false;
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port is free');
  return address.port;
}

async function makeBucket(
  client: S3Client,
  { keeps = 'locked', named = 'bucket' }: BucketOptions = {},
): Promise<string> {
  const Bucket = `${named}-${(buckets += 1)}`;
  const locked = keeps === 'locked';
  await client.send(
    new CreateBucketCommand({ Bucket, ...(locked && { ObjectLockEnabledForBucket: true }) }),
  );
  if (keeps === 'versions') {
    const VersioningConfiguration = { Status: 'Enabled' } as const;
    await client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration }));
  }
  return Bucket;
}

async function expire(client: S3Client, Bucket: string): Promise<void> {
  let [KeyMarker, VersionIdMarker]: (string | undefined)[] = [];
  do {
    const page: ListObjectVersionsCommandOutput = await client.send(
      new ListObjectVersionsCommand({ Bucket, KeyMarker, VersionIdMarker }),
    );
    for (const { Key, VersionId, IsLatest } of page.Versions ?? []) {
      if (IsLatest !== true) continue;
      const { TagSet = [] } = await client.send(
        new GetObjectTaggingCommand({ Bucket, Key, VersionId }),
      );
      const released = TagSet.some(
        (tag) => tag.Key === RELEASED_TAG.key && tag.Value === RELEASED_TAG.value,
      );
      if (released) await client.send(new DeleteObjectCommand({ Bucket, Key }));
    }
    [KeyMarker, VersionIdMarker] =
      page.IsTruncated === true ? [page.NextKeyMarker, page.NextVersionIdMarker] : [];
  } while (KeyMarker !== undefined);
}
