// The functions: what each is for, how large it is, and what it is made of.
import type { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { FunctionUrlAuthType } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import type { Config, DatabasesConfig } from '../../../config/config.ts';
import { environmentOf, functionConfig } from '../../../config/load/function-settings.ts';
import { functionsOf } from '../../../config/load/stack-keys.ts';
import { isForDatabases, isSigner } from '../../../names/aws.ts';
import type { FunctionName, RunsOn, StackPlace } from '../../../names/aws.ts';
import { permissionsOf } from './function-permissions.ts';
import { HoldfastFunction } from './function.ts';
import type { FunctionSize, Packaging } from './function.ts';
import { makeImages } from './images.ts';
import type { Images } from './images.ts';
import type { Messages } from '../messages.ts';
import { publishMetrics, seeKeys, sign, trust } from '../permissions.ts';
import type { StoreAccess } from '../permissions.ts';
import type { SigningKeys } from '../signing-keys.ts';

export interface FunctionsProps {
  readonly place: StackPlace;
  readonly config: Config;
  /** How the functions of databases are made. */
  readonly databases: DatabasesConfig;
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
  'database-backup': 'Dumps one database, with the facts that prove the dump',
  'database-restore-test': 'Loads a dump into a scratch server, dumps it again and compares',
  freshness: 'Looks at the whole store and publishes what it sees',
  prune: 'Extends the locks of what is kept and releases the rest',
  'record-recovery-point': 'Writes down what a resource held when AWS Backup backed it up',
  'validate-recovery-point': 'Looks into what AWS Backup restored for a test',
  alert: 'Tells people what is wrong, since when, and what to do',
  acknowledge: 'Shows the incident behind the link of a message, and takes an acknowledgement',
  escalate: 'Opens and ends incidents, and tells people of them until somebody acts',
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
  // A dump is stored as it comes; it needs no disk.
  'database-backup': {
    memoryMiB: 3008,
    timeoutSeconds: LONGEST_SECONDS,
    scratchMiB: 512,
    concurrency: 2,
  },
  'database-restore-test': {
    memoryMiB: 3008,
    timeoutSeconds: LONGEST_SECONDS,
    scratchMiB: 10_240,
    concurrency: 2,
  },
  // Shorter than the time to its next run, so that two never overlap.
  freshness: { memoryMiB: 1024, timeoutSeconds: 600, scratchMiB: 512, concurrency: 1 },
  prune: { memoryMiB: 1024, timeoutSeconds: LONGEST_SECONDS, scratchMiB: 512, concurrency: 1 },
  alert: { memoryMiB: 512, timeoutSeconds: 120, scratchMiB: 512, concurrency: 2 },
  // One at a time, whoever asks: strangers cost no more than that, and can be counted.
  acknowledge: { memoryMiB: 512, timeoutSeconds: 30, scratchMiB: 512, concurrency: 1 },
  // Each minute, and by events besides; what two do at once, one of them tells.
  escalate: { memoryMiB: 512, timeoutSeconds: 300, scratchMiB: 512, concurrency: 2 },
  // Jobs of several resources end at one time.
  'record-recovery-point': {
    memoryMiB: 512,
    timeoutSeconds: LONGEST_SECONDS,
    scratchMiB: 512,
    concurrency: 4,
  },
  'validate-recovery-point': {
    memoryMiB: 1024,
    timeoutSeconds: LONGEST_SECONDS,
    scratchMiB: 512,
    concurrency: 4,
  },
} as const satisfies Record<FunctionName, FunctionSize>;

/** Those that tell people, and are told. */
const MEASURES_NOTHING: readonly FunctionName[] = ['alert', 'acknowledge', 'escalate'];

/** Those that say how all stands, by one judgment. */
function judges(name: FunctionName): boolean {
  return name === 'freshness' || name === 'alert' || name === 'escalate';
}

/** The functions of one system, each under a role of its own. */
export class Functions extends Construct {
  readonly all: readonly HoldfastFunction[];
  readonly images: Images;
  /** Where the links in messages lead; undefined where messages carry none. */
  private acknowledgeUrl: string | undefined;
  private readonly props: FunctionsProps;

  constructor(scope: Construct, id: string, props: FunctionsProps) {
    super(scope, id);
    this.props = props;
    const names = functionsOf(props.config);
    this.images = makeImages(this, props.config, props.databases);
    this.all = names.map((name) => this.make(name));
    // Lambda asks whether the role may send to the dead letters, and IAM tells every place of a new role only after a while. Waiting for all
    // of them gives each more of it.
    const roles = this.all.map(({ role }) => role);
    for (const one of this.all) one.function.node.addDependency(...roles);
  }

  /** The function of that name, in a stack that has it. */
  of(name: FunctionName): HoldfastFunction {
    const found = this.all.find((one) => one.name === name);
    if (found === undefined) throw new TypeError(`this stack has no function ${name}`);
    return found;
  }

  /** What a function, or a task in its place, gets. */
  environmentOf(name: FunctionName): Record<string, string> {
    const { keys, messages, storeUrl } = this.props;
    return environmentOf({
      store: storeUrl,
      signingKey: isSigner(name) ? keys.of(name).arn : undefined,
      trustedKeys: keys.trusted,
      topic: judges(name) ? messages.topic.topicArn : undefined,
      acknowledgeUrl: name === 'escalate' ? this.acknowledgeUrl : undefined,
    });
  }

  /** What a function, or a task in its place, may do so that the work of its own sources gets done. */
  workOf(name: FunctionName, runsOn: RunsOn): PolicyStatement[] {
    const { config, keys, messages, store } = this.props;
    return [
      ...(judges(name) ? seeKeys([store.key, ...keys.all], messages.key) : []),
      ...permissionsOf(this, name, { config, store, topic: messages.topic, runsOn }),
      ...trust(keys.all),
      ...(isSigner(name) ? [sign(keys.of(name))] : []),
      ...(MEASURES_NOTHING.includes(name) ? [] : [publishMetrics()]),
    ];
  }

  private make(name: FunctionName): HoldfastFunction {
    const { place, config, messages, logDays, reserveConcurrency } = this.props;
    const made = new HoldfastFunction(this, name, {
      name,
      ...place,
      about: `${ABOUT[name]} (${config.system})`,
      configuration: functionConfig(config, name),
      environment: this.environmentOf(name),
      size: SIZES[name],
      permissions: this.workOf(name, 'function'),
      messagesKey: messages.key,
      deadLetters: messages.deadLetters,
      logDays,
      reserveConcurrency,
      // Nobody may run up a bill by asking.
      ...(name === 'acknowledge' && { serviceLogs: 'failures' }),
      ...(isForDatabases(name) && this.forDatabases()),
    });
    // It comes before what writes the messages.
    if (name === 'acknowledge')
      this.acknowledgeUrl = made.function.addFunctionUrl({
        authType: FunctionUrlAuthType.NONE,
      }).url;
    return made;
  }

  private forDatabases() {
    const { databases } = this.props;
    const { databases: image } = this.images;
    const packaging: Packaging =
      image === undefined ? { image, layers: databases.layers } : { image };
    return { packaging, vpc: databases.vpc };
  }
}
