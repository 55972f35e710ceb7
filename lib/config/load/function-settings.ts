// What a function on AWS gets: the configuration as a file beside its code, and in its environment what only the deployment knows.
import { HoldfastError } from '../../errors.ts';
import type { Config, SourceConfig } from '../config.ts';
import type { FunctionName } from '../../names/aws.ts';
import { stackKeys } from './stack-keys.ts';

/** The configuration as JSON, in the folder of the function's code. */
export const FUNCTION_CONFIG_FILE = 'holdfast.json';

/** A KMS key whose signatures count, and what it may vouch for. */
export interface TrustedKmsKey {
  readonly name: string;
  readonly arn: string;
  readonly prefixes: readonly string[];
  /** The events of incidents that it may vouch for. @default - all that lies under its prefixes */
  readonly events?: readonly string[];
}

/** A key as the environment has it: what it may vouch for grows with the sources, and the environment holds 4 KB. */
export type NamedKey = Pick<TrustedKmsKey, 'name' | 'arn'>;

/** What only the deployment knows. */
export interface FunctionSettings {
  /** The store as an `s3://` URL. */
  readonly store: string;
  /** The key that signs, an ARN; undefined for functions that write nothing. */
  readonly signingKey: string | undefined;
  readonly trustedKeys: readonly NamedKey[];
  /** The topic for messages to people, an ARN. */
  readonly topic: string | undefined;
  /** Where the links in messages lead; undefined where messages carry none. */
  readonly acknowledgeUrl?: string | undefined;
}

const VARIABLES = {
  store: 'HOLDFAST_STORE',
  signingKey: 'HOLDFAST_SIGNING_KEY',
  trustedKeys: 'HOLDFAST_TRUSTED_KEYS',
  topic: 'HOLDFAST_TOPIC',
  acknowledgeUrl: 'HOLDFAST_ACKNOWLEDGE_URL',
} as const;

/**
 * What glibc is told in every function: buffers come and go by the hundred on several threads, and left to itself it keeps a third more
 * than is in use.
 */
export const MEMORY_VARIABLES = {
  MALLOC_ARENA_MAX: '2',
  MALLOC_MMAP_THRESHOLD_: '65536',
  MALLOC_TRIM_THRESHOLD_: '131072',
} as const;

/** The variables that {@link settingsFrom} reads. */
export function environmentOf(settings: FunctionSettings): Record<string, string> {
  const { store, signingKey, trustedKeys, topic, acknowledgeUrl } = settings;
  return {
    [VARIABLES.store]: store,
    [VARIABLES.trustedKeys]: trustedKeys.map(({ name, arn }) => `${name} ${arn}`).join('\n'),
    ...(signingKey !== undefined && { [VARIABLES.signingKey]: signingKey }),
    ...(topic !== undefined && { [VARIABLES.topic]: topic }),
    ...(acknowledgeUrl !== undefined && { [VARIABLES.acknowledgeUrl]: acknowledgeUrl }),
  };
}

/** The settings in a function's environment. `CONFIG_INVALID` when there are none. */
export function settingsFrom(env: Readonly<Record<string, string | undefined>>): FunctionSettings {
  const store = env[VARIABLES.store];
  if (store === undefined || store === '') {
    throw new HoldfastError('CONFIG_INVALID', `${VARIABLES.store} is not set`, {
      hint: 'The stack sets it; deploy it again.',
    });
  }
  return {
    store,
    signingKey: env[VARIABLES.signingKey],
    trustedKeys: (env[VARIABLES.trustedKeys] ?? '').split('\n').flatMap((line) => {
      const [name, arn] = line.split(' ');
      return name === undefined || arn === undefined ? [] : [{ name, arn }];
    }),
    topic: env[VARIABLES.topic],
    acknowledgeUrl: env[VARIABLES.acknowledgeUrl],
  };
}

/** The keys of the stack that `config` describes, with what each may vouch for. */
export function trustedKeysOf(
  config: Config,
  { trustedKeys }: Pick<FunctionSettings, 'trustedKeys'>,
): TrustedKmsKey[] {
  const arns = new Map(trustedKeys.map(({ name, arn }) => [name, arn]));
  return stackKeys(config).flatMap(({ name, prefixes, events }) => {
    const arn = arns.get(name);
    return arn === undefined ? [] : [{ name, arn, prefixes, ...(events && { events }) }];
  });
}

function withoutPath(source: SourceConfig): SourceConfig {
  if (source.kind === 'files') return { ...source, path: '.' };
  // Functions bring programs of their own.
  return source.kind === 'postgres' ? { ...source, binaries: undefined } : source;
}

/**
 * The configuration for the function `name`: without paths of the machine that deploys, so that the same file gives the same code. Whom
 * to tell when, `escalate` alone has to know.
 */
export function functionConfig(config: Config, name?: FunctionName): Config {
  const { notify } = config;
  return {
    ...config,
    file: FUNCTION_CONFIG_FILE,
    signingKey: undefined,
    notify: name === 'escalate' ? notify : { ...notify, contacts: [], escalation: undefined },
    sources: config.sources.map((source) => ({ ...withoutPath(source), heartbeat: undefined })),
  };
}
