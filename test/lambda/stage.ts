// Where functions are tried: a strict S3 server for the store and what is backed up, a local AWS for all other services, and the
// environment, configuration and context that a deployed function would have.
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { jest } from '@jest/globals';
import {
  CloudWatchClient,
  ListMetricsCommand,
  GetMetricStatisticsCommand,
} from '@aws-sdk/client-cloudwatch';
import { CreateAliasCommand, CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { CreateTopicCommand, SNSClient, SubscribeCommand } from '@aws-sdk/client-sns';
import {
  CreateQueueCommand,
  DeleteMessageCommand,
  ReceiveMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import type { FunctionContext } from '../../lib/functions/deadline.ts';
import type { Config, RemoteSourceConfig } from '../../lib/config/config.ts';
import { environmentOf, FUNCTION_CONFIG_FILE } from '../../lib/config/load/function-settings.ts';
import { stackKeys } from '../../lib/config/load/stack-keys.ts';
import {
  messagesAlias,
  METRICS,
  SIGNERS,
  signingAlias,
  storeAlias,
  type SignerName,
} from '../../lib/names/aws.ts';
import { formatS3Url } from '../../lib/names/s3-place.ts';
import { openS3Store, type S3Store } from '../../lib/stores/s3/store.ts';
import { machineTime } from '../support/machine-time.ts';
import { startMiniStack, type MiniStack } from '../support/ministack.ts';
import { startVersitygw, type Versitygw } from '../support/versitygw.ts';

export const SYSTEM = 'example';

/** What no log, message, record or answer may ever hold. */
export const CANARIES = {
  secretKey: 'holdfast-test-secret',
  token: 'canary-token-6e1f4c',
  heartbeat: 'canary-path-93ab57',
} as const;

const RETENTION = {
  daily: 7,
  weekly: 4,
  monthly: 12,
  yearly: 0,
  last: 0,
  withinMs: 0,
  timeZone: 'UTC',
};
const HOUR_MS = 3_600_000;

export interface Stage {
  readonly gateway: Versitygw;
  readonly aws: MiniStack;
  readonly topic: string;
  readonly kms: KMSClient;
  readonly keys: Readonly<Record<SignerName, string>>;
  /** A new store and a new bucket to back up, with a function's environment for them. */
  set(options?: SettingOptions): Promise<Setting>;
  /** What subscribers got since this was last asked. */
  messages(): Promise<{ subject: string; body: string }[]>;
  stop(): Promise<void>;
}

export interface SettingOptions {
  readonly config?: (config: Config) => Partial<Config>;
  /** Who signs; undefined for a function that signs nothing. */
  readonly signer?: SignerName | undefined;
}

export interface Setting {
  readonly config: Config;
  readonly store: S3Store;
  /** The bucket that is backed up. */
  readonly assets: string;
  readonly storeBucket: string;
  /** Makes this process the function of that name. */
  become(signer: SignerName | undefined): void;
  put(key: string, content: string): Promise<void>;
  /** Lays a delete marker over an object of the store. */
  hide(key: string): Promise<void>;
  /** Puts bytes into the store as nobody of ours would. */
  forge(key: string, bytes: string): Promise<void>;
  /** Every byte that the store holds of small objects, as text. */
  texts(): Promise<string>;
  /** The S3 event about a manifest. */
  createdEvent(source: string, id: string): unknown;
  /** The last value of a metric that was published, largest first. */
  metric(name: string, source?: string): Promise<number | undefined>;
}

/** Keeps what functions log in `lines`, from now on; what the tests themselves print is not theirs. */
export function captureLog(lines: string[]): void {
  for (const stream of [process.stdout, process.stderr]) {
    const write = stream.write.bind(stream);
    jest.spyOn(stream, 'write').mockImplementation((chunk, ...rest) => {
      const text = Buffer.from(chunk).toString();
      if (!text.startsWith('{"level":')) return write(chunk, ...(rest as []));
      lines.push(text);
      return true;
    });
  }
}

let requests = 0;

/** A context as Lambda gives it; each is another event unless `requestId` says otherwise. */
export function contextOf({
  remainingMs = 600_000,
  requestId,
}: { remainingMs?: number; requestId?: string } = {}): FunctionContext {
  const id = requestId ?? `request-${(requests += 1)}`;
  return {
    functionName: `holdfast-${SYSTEM}-test`,
    awsRequestId: id,
    getRemainingTimeInMillis: () => remainingMs,
  };
}

type Handler<T> = (event: unknown, context: FunctionContext) => Promise<T>;

/** A function that backs up, where nothing else than a backup comes of its events. */
export function madeBy<T extends object>(handler: Handler<T>): Handler<Extract<T, { id: string }>> {
  return async (event, context) => {
    const report = await handler(event, context);
    if (!('id' in report)) throw new Error(`no backup: ${JSON.stringify(report)}`);
    return report as Extract<T, { id: string }>;
  };
}

export async function startStage(): Promise<Stage> {
  const gateway = await startVersitygw();
  const aws = await startMiniStack().catch(async (error: unknown) => {
    await gateway.stop();
    throw error;
  });
  const kms = new KMSClient(aws.client);
  const keys = await makeSigningKeys(kms);
  const topics = await makeTopic(aws);
  const folders: string[] = [];
  return {
    gateway,
    aws,
    kms,
    keys,
    topic: topics.topic,
    messages: topics.messages,
    set: async (options = {}) => {
      const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'holdfast-function-'));
      folders.push(folder);
      return setUp({ aws, gateway, keys, topic: topics.topic, folder }, options);
    },
    stop: async () => {
      for (const folder of folders) fs.rmSync(folder, { recursive: true, force: true });
      await Promise.all([aws.stop(), gateway.stop()]);
    },
  };
}

async function makeSigningKeys(kms: KMSClient): Promise<Record<SignerName, string>> {
  const names = Object.keys(SIGNERS) as SignerName[];
  const made = await Promise.all(names.map(async (name) => [name, await makeKey(kms)] as const));
  return Object.fromEntries(made) as Record<SignerName, string>;
}

async function makeKey(kms: KMSClient): Promise<string> {
  const { KeyMetadata } = await kms.send(
    new CreateKeyCommand({ KeySpec: 'ECC_NIST_P256', KeyUsage: 'SIGN_VERIFY' }),
  );
  return KeyMetadata?.Arn ?? '';
}

/** The keys of the store and of messages, as the stack makes them. */
async function makeAliases(kms: KMSClient, system: string): Promise<void> {
  for (const AliasName of [storeAlias(system), messagesAlias(system)]) {
    const { KeyMetadata } = await kms.send(new CreateKeyCommand({}));
    await kms.send(new CreateAliasCommand({ AliasName, TargetKeyId: KeyMetadata?.KeyId }));
  }
}

async function makeTopic(aws: MiniStack) {
  const sns = new SNSClient(aws.client);
  const sqs = new SQSClient(aws.client);
  const { TopicArn: topic = '' } = await sns.send(new CreateTopicCommand({ Name: 'messages' }));
  const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'mailbox' }));
  const Endpoint = `arn:aws:sqs:us-east-1:000000000000:mailbox`;
  await sns.send(new SubscribeCommand({ TopicArn: topic, Protocol: 'sqs', Endpoint }));
  const messages = async () => {
    const found: { subject: string; body: string }[] = [];
    for (;;) {
      const { Messages = [] } = await sqs.send(
        new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }),
      );
      if (Messages.length === 0) return found;
      for (const { Body = '{}', ReceiptHandle } of Messages) {
        const { Subject = '', Message = '' } = JSON.parse(Body) as Record<string, string>;
        found.push({ subject: Subject, body: Message });
        await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
      }
    }
  };
  return { topic, messages };
}

interface Given {
  readonly aws: MiniStack;
  readonly gateway: Versitygw;
  readonly keys: Readonly<Record<SignerName, string>>;
  readonly topic: string;
  readonly folder: string;
}

async function setUp(given: Given, options: SettingOptions): Promise<Setting> {
  const { aws, gateway, keys, topic, folder } = given;
  const storeBucket = await gateway.makeBucket();
  const assets = await gateway.makeBucket({ keeps: 'versions' });
  const place = gateway.place(storeBucket);
  const plainConfig = configOf(formatS3Url(place), assets);
  const config = { ...plainConfig, ...options.config?.(plainConfig) };
  fs.writeFileSync(path.join(folder, FUNCTION_CONFIG_FILE), JSON.stringify(config));
  const trustedKeys = stackKeys(config).map(({ name, alias }) => {
    const signer = alias.slice(signingAlias(config.system, '' as SignerName).length) as SignerName;
    return { name, arn: keys[signer] };
  });
  await makeAliases(new KMSClient(aws.client), config.system);
  const become = (signer: SignerName | undefined) => {
    delete process.env['HOLDFAST_SIGNING_KEY'];
    const settings = { store: config.store, trustedKeys, topic };
    const signingKey = signer && keys[signer];
    Object.assign(process.env, {
      ...aws.env,
      AWS_ENDPOINT_URL_S3: gateway.endpoint,
      AWS_ACCESS_KEY_ID: 'holdfast-test',
      AWS_SECRET_ACCESS_KEY: CANARIES.secretKey,
      LAMBDA_TASK_ROOT: folder,
      ...environmentOf({ ...settings, signingKey }),
    });
  };
  become(options.signer);
  const store = await openS3Store(place, { random: nextName });
  const client = gateway.client;
  const putObject = (Bucket: string, Key: string, Body: string) =>
    client.send(new PutObjectCommand({ Bucket, Key, Body })).then(() => undefined);
  const cloudWatch = new CloudWatchClient(aws.client);
  const system = config.system;
  return {
    config,
    store,
    assets,
    storeBucket,
    become,
    put: (key, content) => putObject(assets, key, content),
    forge: (key, bytes) => putObject(storeBucket, place.prefix + key, bytes),
    hide: async (key) => {
      await client.send(new DeleteObjectCommand({ Bucket: storeBucket, Key: place.prefix + key }));
    },
    texts: () => textsOf(store),
    createdEvent: (source, id) => ({
      source: 'aws.s3',
      'detail-type': 'Object Created',
      detail: {
        bucket: { name: storeBucket },
        object: { key: `${place.prefix}backups/${source}/${id}/manifest.json`, size: 1 },
      },
    }),
    metric: (name, source) => metricOf(cloudWatch, name, { system, source }),
  };
}

async function metricOf(
  client: CloudWatchClient,
  name: string,
  { system, source }: { system: string; source: string | undefined },
): Promise<number | undefined> {
  const Dimensions = [
    { Name: 'System', Value: system },
    ...(source === undefined ? [] : [{ Name: 'Source', Value: source }]),
  ];
  const { Metrics = [] } = await client.send(
    new ListMetricsCommand({ Namespace: METRICS, MetricName: name, Dimensions }),
  );
  const exact = Metrics.filter((one) => one.Dimensions?.length === Dimensions.length);
  if (exact.length === 0) return undefined;
  const now = machineTime().getTime();
  const { Datapoints = [] } = await client.send(
    new GetMetricStatisticsCommand({
      Namespace: METRICS,
      MetricName: name,
      Dimensions,
      StartTime: new Date(now - HOUR_MS),
      EndTime: new Date(now + HOUR_MS),
      Period: 7200,
      Statistics: ['Maximum'],
    }),
  );
  return Math.max(...Datapoints.map(({ Maximum = Number.NaN }) => Maximum));
}

async function textsOf(store: S3Store): Promise<string> {
  const texts: string[] = [];
  for await (const { key, bytes } of store.list('')) {
    const read = await store.read(key, 0, bytes);
    texts.push(key, Buffer.from(read).toString('latin1'));
  }
  return texts.join('\n');
}

let names = 0;

function nextName(): string {
  return createHash('sha256')
    .update(`${(names += 1)}`)
    .digest('hex')
    .slice(0, 16);
}

let systems = 0;

function configOf(store: string, bucket: string): Config {
  const source: RemoteSourceConfig = {
    kind: 'bucket',
    name: 'assets',
    bucket,
    prefix: '',
    include: [],
    exclude: [],
    region: undefined,
    account: undefined,
    runOn: 'function',
    tolerate: [],
    allowEmpty: false,
    compression: 'default',
    schedule: '0 3 * * *',
    timeZone: 'UTC',
    rpoMs: 25 * HOUR_MS,
    rtoMs: HOUR_MS,
    graceMs: 2 * HOUR_MS,
    dropShare: 0.5,
    restoreTest: { every: 'month', maxAgeMs: 31 * 24 * HOUR_MS },
    afterRestore: [],
    heartbeat: undefined,
    retention: RETENTION,
    onDeployment: [],
  };
  return {
    file: FUNCTION_CONFIG_FILE,
    version: 1,
    // Metrics of one setting are not those of another.
    system: `${SYSTEM}-${(systems += 1)}`,
    store,
    storeFrom: 'file',
    capacityBytes: undefined,
    signingKey: undefined,
    trust: [],
    sources: [source],
    retention: RETENTION,
    otherDatabases: {},
    pruneAfterBackup: false,
    aws: {
      account: undefined,
      region: 'us-east-1',
      storage: 'create',
      lockMode: 'governance',
      lockDays: 14,
      undoDays: 14,
      storageClass: 'standard',
      contentMonths: 1,
      reservedConcurrency: 'off',
      acknowledgeUrl: 'auto',
      terminationProtection: false,
      deployingRoles: [],
      breakGlassRoles: [],
      logDays: 90,
      databases: {
        package: 'zip',
        postgres: 17,
        extensions: [],
        locales: [],
        layers: [],
        vpc: undefined,
      },
      recoveryPoints: undefined,
      tasks: { vcpus: 2, diskGiB: 200, vpc: undefined },
    },
    notify: {
      email: [],
      success: 'never',
      heartbeat: undefined,
      sinks: [],
      contacts: [],
      recovery: 'once',
      timeZone: 'UTC',
      quietHours: { watch: undefined, alarm: undefined },
      escalation: undefined,
    },
  };
}
