// What tests of functions share about a store: events about its objects, damage, and the sinks by which people are told.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import type { Config } from '../../lib/config/config.ts';
import type { SecretReference } from '../../lib/config/places.ts';
import { DAY_MS } from '../../lib/durations.ts';
import { machineTime } from '../support/machine-time.ts';
import type { Receiver } from '../support/receiver.ts';
import type { Setting, Stage } from './stage.ts';

/** Puts where the webhook is, and its secret, where the configuration says. */
export async function keepHook(stage: Stage, receiver: Receiver): Promise<void> {
  const ssm = new SSMClient(stage.aws.client);
  for (const [Name, Value] of [
    ['/hook', `${receiver.url}/hook`],
    ['/secret', 's3'],
  ])
    await ssm.send(new PutParameterCommand({ Name, Value, Type: 'SecureString' }));
}

const parameter = (name: string): SecretReference => ({ scheme: 'ssm', name });

/** The webhook of the tests, and the topic of the stack; messages carry links. */
export function withSinks({ notify, aws }: Config): Partial<Config> {
  return {
    ...(aws && { aws: { ...aws, reservedConcurrency: 'create' } }),
    notify: {
      ...notify,
      sinks: [
        { name: 'hook', kind: 'webhook', url: parameter('/hook'), secret: parameter('/secret') },
        { name: 'topic', kind: 'sns', topic: undefined },
      ],
    },
  };
}

/** The key of the newest object below a prefix. */
export async function newestRecord({ store }: Setting, prefix: string): Promise<string> {
  const keys: string[] = [];
  for await (const { key } of store.list(prefix)) keys.push(key);
  return keys.at(-1) ?? '';
}

/** The S3 event about an object of the store. */
export function storedEvent({ storeBucket, config }: Setting, key: string): unknown {
  const prefix = config.store.split('?')[0]?.split('/').slice(3).join('/') ?? '';
  return {
    source: 'aws.s3',
    'detail-type': 'Object Created',
    detail: { bucket: { name: storeBucket }, object: { key: `${prefix}/${key}` } },
  };
}

/** Other bytes of the same length where the archive of a backup was. */
export function damage({ gateway }: Stage, { storeBucket, config }: Setting, id: string): void {
  const prefix = config.store.split('?')[0]?.split('/').slice(3).join('/') ?? '';
  const folder = path.join(gateway.folderOf(storeBucket), prefix, 'backups/assets', id);
  const archives = readdirSync(folder).filter((name) => name.startsWith('archive-'));
  if (archives.length === 0) throw new Error(`${folder} holds no archive`);
  for (const name of archives) {
    const file = path.join(folder, name);
    const content = readFileSync(file);
    const middle = content.length >> 1;
    content[middle] = (content[middle] ?? 0) ^ 0xff;
    writeFileSync(file, content);
  }
}

/** The text of an object of the store. */
export async function textOf({ store }: Setting, key: string): Promise<string> {
  const { bytes = 0 } = (await store.head(key)) ?? {};
  return Buffer.from(await store.read(key, 0, bytes)).toString();
}

/** Locks every backup, as `prune` does. */
export async function lock({ store }: Setting): Promise<void> {
  const until = new Date(machineTime().getTime() + 15 * DAY_MS);
  for await (const { key } of store.list('backups/')) await store.protect(key, until);
}
