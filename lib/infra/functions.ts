// The six functions: what each is for, how large it is, and what it may do.
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import type { Config, RemoteSourceConfig } from '../config/config.ts';
import { environmentOf, functionConfig } from '../config/function-settings.ts';
import { FUNCTIONS, SIGNERS } from '../names/aws.ts';
import type { FunctionName, SignerName } from '../names/aws.ts';
import { HoldfastFunction } from './function.ts';
import type { FunctionSize } from './function.ts';
import type { Messages } from './messages.ts';
import {
  publishMetrics,
  putStore,
  readStore,
  releaseStore,
  seeReleases,
  sign,
  trust,
} from './permissions.ts';
import type { StoreAccess } from './permissions.ts';
import type { SigningKeys } from './signing-keys.ts';
import { readSecret, readSource } from './source-permissions.ts';

export interface FunctionsProps {
  readonly config: Config;
  /** What the functions back up themselves. */
  readonly sources: readonly RemoteSourceConfig[];
  /** The store as a URL. */
  readonly storeUrl: string;
  readonly store: StoreAccess;
  readonly keys: SigningKeys;
  readonly messages: Messages;
  readonly logDays: number;
  readonly reserveConcurrency: boolean;
}

const ABOUT = {
  backup: 'Backs up one source',
  verify: 'Compares what is stored with what was signed',
  'restore-test': 'Restores a backup to a scratch place and compares',
  freshness: 'Looks at the whole store and publishes what it sees',
  prune: 'Extends the locks of what is kept and releases the rest',
  alert: 'Tells people what is wrong, since when, and what to do',
} as const satisfies Record<FunctionName, string>;

/** Five more minutes would be more than Lambda gives. */
const LONGEST_SECONDS = 900;
/** The largest that an account without a quota of its own may have is 3008. */
const SIZES = {
  backup: { memoryMiB: 2048, timeoutSeconds: LONGEST_SECONDS, scratchMiB: 2048, concurrency: 4 },
  verify: { memoryMiB: 2048, timeoutSeconds: LONGEST_SECONDS, scratchMiB: 512, concurrency: 4 },
  'restore-test': {
    memoryMiB: 2048,
    timeoutSeconds: LONGEST_SECONDS,
    scratchMiB: 10_240,
    concurrency: 2,
  },
  // Shorter than the time to its next run, so that two never overlap.
  freshness: { memoryMiB: 1024, timeoutSeconds: 600, scratchMiB: 512, concurrency: 1 },
  prune: { memoryMiB: 1024, timeoutSeconds: LONGEST_SECONDS, scratchMiB: 512, concurrency: 1 },
  alert: { memoryMiB: 512, timeoutSeconds: 120, scratchMiB: 512, concurrency: 2 },
} as const satisfies Record<FunctionName, FunctionSize>;

/** Everything that tells what the store holds, without the archives. */
const FACTS = ['holdfast.json', 'backups/*/manifest.json', 'records/*'];
const EVERYTHING = ['holdfast.json', 'backups/*', 'records/*'];

/** The functions of one system, each under a role of its own. */
export class Functions extends Construct {
  readonly all: Readonly<Record<FunctionName, HoldfastFunction>>;
  private readonly props: FunctionsProps;

  constructor(scope: Construct, id: string, props: FunctionsProps) {
    super(scope, id);
    this.props = props;
    const made = FUNCTIONS.map((name) => [name, this.make(name)] as const);
    this.all = Object.fromEntries(made) as Record<FunctionName, HoldfastFunction>;
  }

  private make(name: FunctionName): HoldfastFunction {
    const { config, keys, messages, storeUrl, logDays, reserveConcurrency } = this.props;
    const tells = name === 'alert';
    return new HoldfastFunction(this, name, {
      name,
      system: config.system,
      about: `${ABOUT[name]} (${config.system})`,
      configuration: functionConfig(config),
      environment: environmentOf({
        store: storeUrl,
        signingKey: isSigner(name) ? keys.of(name).arn : undefined,
        trustedKeys: keys.trusted,
        topic: tells ? messages.topic.topicArn : undefined,
      }),
      size: SIZES[name],
      permissions: [
        ...this.permissionsOf(name),
        ...trust(keys.all),
        ...(isSigner(name) ? [sign(keys.of(name))] : []),
        ...(tells ? [] : [publishMetrics()]),
      ],
      messagesKey: messages.key,
      deadLetters: messages.deadLetters,
      logDays,
      reserveConcurrency,
    });
  }

  private permissionsOf(name: FunctionName): PolicyStatement[] {
    const { config, store, messages } = this.props;
    switch (name) {
      case 'backup':
        return this.backupPermissions();
      case 'verify':
        return [...readStore(store, EVERYTHING, ['']), ...putStore(store, ['records/verify/*'])];
      case 'restore-test':
        return [
          ...readStore(store, EVERYTHING, ['']),
          ...putStore(store, ['records/restore-test/*']),
        ];
      case 'freshness':
        return [
          ...readStore(store, FACTS, ['']),
          // Whoever comes first claims the store for its system.
          ...putStore(store, ['holdfast.json']),
          ...seeReleases(store),
          ...(config.notify.heartbeat === undefined
            ? []
            : readSecret(this, config.notify.heartbeat)),
        ];
      case 'prune':
        return [
          ...readStore(store, FACTS, ['']),
          ...releaseStore(store),
          ...putStore(store, ['records/prune/*']),
        ];
      case 'alert':
        return [
          ...readStore(store, [...FACTS, 'incidents/*'], ['']),
          ...seeReleases(store),
          // What was told is written down, so that it is told once.
          ...putStore(store, ['incidents/*']),
          new PolicyStatement({
            actions: ['sns:Publish'],
            resources: [messages.topic.topicArn],
          }),
        ];
    }
  }

  /** Its own sources, what is known of them, and the marker of the store; with no source of its own it has no right at all. */
  private backupPermissions(): PolicyStatement[] {
    const { sources, store } = this.props;
    if (sources.length === 0) return [];
    const names = sources.map(({ name }) => name);
    const own = names.map((name) => `backups/${name}/`);
    const known = names.flatMap((name) => RECORDS.map((verb) => `records/${verb}/${name}/`));
    const written = [...own, ...names.map((name) => `records/backup/${name}/`)];
    const prefixes = [...own, ...known];
    return [
      ...readStore(
        store,
        ['holdfast.json', ...prefixes.map((one) => `${one}*`)],
        // The marker is read by its version, which is found by listing.
        ['holdfast.json', ...prefixes],
      ),
      ...putStore(store, ['holdfast.json', ...written.map((one) => `${one}*`)]),
      ...sources.flatMap((source) => readSource(this, source)),
    ];
  }
}

/** The records by which a backup knows what came before. */
const RECORDS = ['backup', 'verify', 'restore-test', 'prune'];

function isSigner(name: FunctionName): name is SignerName {
  return Object.hasOwn(SIGNERS, name);
}
