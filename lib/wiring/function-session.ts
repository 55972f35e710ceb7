// The engine of a function, opened once per process: configuration, store, keys, clock and chance enter here.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { CloudWatchClient } from '@aws-sdk/client-cloudwatch';
import { KMSClient } from '@aws-sdk/client-kms';
import { Pool } from '../archive/threads/pool.ts';
import type { Config } from '../config/config.ts';
import {
  FUNCTION_CONFIG_FILE,
  settingsFrom,
  trustedKeysOf,
  type FunctionSettings,
} from '../config/load/function-settings.ts';
import type { Engine } from '../engine/engine.ts';
import { HoldfastError } from '../errors.ts';
import { trustedKey, type TrustedKey } from '../format/signed.ts';
import { parseS3Url } from '../names/s3-place.ts';
import { openS3Store } from '../stores/s3/store.ts';
import { kmsSigner, kmsTrustedKeys } from '../aws/kms.ts';
import { ownParts, randomName } from './machine.ts';

/** What stays open from one invocation to the next. */
export interface FunctionSession {
  readonly config: Config;
  readonly settings: FunctionSettings;
  readonly kms: KMSClient;
  readonly cloudWatch: CloudWatchClient;
  /** All of an engine but what belongs to one invocation. */
  readonly engine: Omit<Engine, 'signal' | 'who' | 'kinds'>;
}

let warm: { readonly key: string; readonly session: Promise<FunctionSession> } | undefined;

/**
 * The session of this process; opened again only when the last attempt failed, or the environment is another.
 *
 * `CONFIG_INVALID` when the configuration or a setting is missing, and whatever the store and the keys say.
 */
export function openSession(): Promise<FunctionSession> {
  const settings = settingsFrom(process.env);
  const folder = codeFolder();
  const key = JSON.stringify([settings, folder]);
  if (warm?.key !== key) {
    const session = open(settings, folder);
    warm = { key, session };
    // The next event may find that whatever was wrong has passed.
    session.catch(() => {
      if (warm?.session === session) warm = undefined;
    });
  }
  return warm.session;
}

/** The configuration that stands beside the code. `CONFIG_INVALID` when there is none. */
export async function readFunctionConfig(folder: string = codeFolder()): Promise<Config> {
  const file = path.join(folder, FUNCTION_CONFIG_FILE);
  try {
    // Written by the stack from a configuration that passed every rule.
    return JSON.parse(await readFile(file, 'utf8')) as Config;
  } catch (cause) {
    throw new HoldfastError('CONFIG_INVALID', `${file} cannot be read`, {
      hint: 'The stack puts it beside the code; deploy it again.',
      cause,
    });
  }
}

function codeFolder(): string {
  const folder = process.env['LAMBDA_TASK_ROOT'];
  return folder === undefined || folder === ''
    ? path.dirname(fileURLToPath(import.meta.url))
    : folder;
}

async function open(settings: FunctionSettings, folder: string): Promise<FunctionSession> {
  const kms = new KMSClient({});
  const { signingKey } = settings;
  const config = await readFunctionConfig(folder);
  const [store, signer, fromKms] = await Promise.all([
    // The store of a stack is a bucket: what opens folders stays out of the code of functions.
    openS3Store(parseS3Url(settings.store), { random: randomName }),
    signingKey === undefined ? undefined : kmsSigner(kms, signingKey),
    kmsTrustedKeys(kms, trustedKeysOf(config, settings)),
  ]);
  const trusted: TrustedKey[] = [
    ...config.trust.map(({ name, publicKey, prefixes, events }) => ({
      ...trustedKey(name, publicKey, prefixes),
      events,
    })),
    ...fromKms,
  ];
  return {
    config,
    settings,
    kms,
    cloudWatch: new CloudWatchClient({}),
    engine: {
      system: config.system,
      store,
      signer,
      trusted,
      trustAnyone: false,
      pool: new Pool(),
      onProgress: undefined,
      ...ownParts(),
    },
  };
}
