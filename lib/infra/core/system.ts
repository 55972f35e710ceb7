// Everything that one system needs on AWS, put together.
import { Aws, CfnRule, Fn, Stack, Token } from 'aws-cdk-lib';
import type { CfnSchedule } from 'aws-cdk-lib/aws-scheduler';
import { Construct } from 'constructs';
import { alarmsOf, storeLimits } from '../../config/alarms.ts';
import type { ConfiguredAlarm } from '../../config/alarms.ts';
import { isPostgres } from '../../config/config.ts';
import { startedByOrders } from '../../config/event-rules.ts';
import { escalates, recovers, tasksOf } from '../../config/load/stack-keys.ts';
import type { AwsConfig, Config } from '../../config/config.ts';
import { movePlan, movesAnything } from '../../config/storage-class.ts';
import type { Path } from '../../config/load/yaml.ts';
import { HoldfastError } from '../../errors.ts';
import { maxSystemLength, type StackPlace } from '../../names/aws.ts';
import { formatS3Url } from '../../names/s3-place.ts';
import type { S3Place } from '../../names/s3-place.ts';
import { parseStorePlace } from '../../names/store-place.ts';
import { acknowledgeFindings } from './acknowledged.ts';
import { Alarms } from './alarms/alarms.ts';
import type { AlarmDefinition } from './alarms/alarms.ts';
import { SystemDashboard } from './dashboard.ts';
import { sayWhatCannotBeUndone } from './compliance.ts';
import { deployingRoles } from './deployers.ts';
import { Events } from './triggers/events.ts';
import { startBackups } from './grants.ts';
import { Functions } from './functions/functions.ts';
import { sayHowToAnswer } from './functions/say-links.ts';
import { checkLimits } from './limits/check.ts';
import { Messages } from './messages.ts';
import { sayWhatMoves } from './storage/storage-class.ts';
import type { StoreAccess } from './permissions.ts';
import { RecoveryRole } from './recovery-role.ts';
import { Schedules } from './triggers/schedules.ts';
import { SigningKeys } from './signing-keys.ts';
import { sourceAlarm } from './alarms/of-sources.ts';
import { Sources } from './sources.ts';
import { Storage } from './storage/storage.ts';
import { stackAlarm, type StackParts } from './alarms/of-stack.ts';
import { functionAlarm, storeAlarm, taskAlarm } from './alarms/of-system.ts';
import { Tasks } from './functions/tasks.ts';
import { ruleNames } from './triggers/rule-names.ts';
import { resourceAlarm } from './alarms/of-resources.ts';
import { WatchedResources } from './watched-resources.ts';
import {
  EVERY_MINUTE,
  FIRST_LOOK,
  LAST_SCHEDULE,
  systemTimetables,
} from './triggers/timetables.ts';

/** What the constructs below rely on, whatever the app around them has switched on. */
const FLAGS = [
  '@aws-cdk/aws-iam:minimizePolicies',
  '@aws-cdk/aws-s3:createDefaultLoggingPolicy',
  '@aws-cdk/aws-s3:serverAccessLogsUseBucketPolicy',
];

export interface SystemProps {
  /** What `holdfast.yaml` says, as `loadConfig` returns it. */
  readonly config: Config;
  /** Where the year begins in which the longest intervals of schedules are looked for. */
  readonly now: Date;
}

/** Storage, functions, schedules, alarms: what `holdfast.yaml` describes. Goes into any stack of the region of its store. */
export class HoldfastSystem extends Construct {
  readonly storage: Storage;
  /** As policies see it. */
  readonly store: StoreAccess;
  readonly keys: SigningKeys;
  readonly messages: Messages;
  readonly functions: Functions;
  /** Undefined where nothing outlasts a function. */
  readonly tasks: Tasks | undefined;
  readonly schedules: Schedules;
  readonly events: Events;
  readonly alarms: Alarms;
  readonly recovery: RecoveryRole;
  readonly sources: Sources;
  readonly watchedResources: WatchedResources;

  constructor(scope: Construct, id: string, { config, now }: SystemProps) {
    super(scope, id);
    for (const flag of FLAGS) this.node.setContext(flag, true);
    const aws = awsOf(config);
    const place = placeOf(config);
    const { system } = config;
    const own = { system, region: aws.region };
    standInPlace(this, aws);
    const deployers = deployingRoles(this, aws.deployingRoles);
    const plan = movePlan(config, now);
    this.storage = new Storage(this, 'Storage', {
      ...own,
      bucketName: place.bucket,
      aws,
      movesLongKept: plan !== undefined && movesAnything(plan),
      deployers,
    });
    this.keys = new SigningKeys(this, 'SigningKeys', {
      place: own,
      config,
      adopt: aws.storage === 'existing',
      deployers,
    });
    this.messages = new Messages(this, 'Messages', {
      system,
      email: config.notify.email,
      deployers,
    });
    // Spelled out, as policies name it dozens of times.
    const bucketArn = `arn:${Aws.PARTITION}:s3:::${place.bucket}`;
    this.store = { bucketArn, prefix: place.prefix, key: this.storage.key };
    this.functions = new Functions(this, 'Functions', {
      place: own,
      config,
      databases: aws.databases,
      storeUrl: storeUrl(place, aws),
      store: this.store,
      keys: this.keys,
      messages: this.messages,
      logDays: aws.logDays,
      reserveConcurrency: aws.reservedConcurrency === 'create',
    });
    this.tasks = this.makeTasks(config, aws);
    this.recovery = new RecoveryRole(this, 'Recovery', {
      ...own,
      store: this.store,
      keys: this.keys,
      triggers: startBackups(this.functions, this.tasks),
      escalates: escalates(config),
    });
    this.alarms = new Alarms(this, 'Alarms', { topic: this.messages.topic });
    const shared = {
      ...own,
      functions: this.functions,
      tasks: this.tasks,
      deadLetters: this.messages.deadLetters,
      messagesKey: this.messages.key,
    };
    this.schedules = new Schedules(this, 'Schedules', shared);
    this.events = new Events(this, 'Events', {
      ...shared,
      bucketName: place.bucket,
      prefix: place.prefix,
    });
    [this.sources, this.watchedResources] = this.run(config, own, now);
    acknowledgeFindings(this);
    checkLimits(this, config, this.nestedStacks());
    sayWhatCannotBeUndone(this, place.bucket, aws);
    sayHowToAnswer(this, config);
    if (plan !== undefined) sayWhatMoves(this, plan, aws);
  }

  private makeTasks(config: Config, aws: AwsConfig): Tasks | undefined {
    const { tasks: image } = this.functions.images;
    if (image === undefined) return undefined;
    const { vpc } = aws.tasks;
    if (vpc === undefined) {
      throw new HoldfastError('CONFIG_INVALID', 'a source runs on a task, without a network', {
        hint: 'Name a VPC in aws.tasks.vpc.',
      });
    }
    return new Tasks(this, 'Tasks', {
      system: config.system,
      region: aws.region,
      names: tasksOf(config),
      functions: this.functions,
      image,
      size: aws.tasks,
      vpc,
      messagesKey: this.messages.key,
      logDays: aws.logDays,
    });
  }

  private define(alarm: ConfiguredAlarm, config: Config): AlarmDefinition[] {
    const { subject } = alarm;
    const { system } = config;
    switch (subject.about) {
      case 'source':
      case 'resource':
        return [];
      case 'store':
        return storeAlarm(alarm, { system, limits: storeLimits(config) });
      case 'function':
        return functionAlarm(alarm, this.functions.of(subject.function));
      case 'task': {
        if (this.tasks === undefined) throw new TypeError('this stack has no tasks');
        return taskAlarm(alarm, subject.task, this.tasks.of(subject.task));
      }
      case 'stack':
        return stackAlarm(alarm, this.stackParts(config));
    }
  }

  private stackParts(config: Config): StackParts {
    return {
      deadLetters: this.messages.deadLetters,
      scheduleGroup: this.schedules.groupName,
      rules: ruleNames(config),
      functions: this.functions.all,
    };
  }

  /** Alarms, schedules and the dashboard, in the order in which they must be made. */
  private run(config: Config, place: StackPlace, now: Date): [Sources, WatchedResources] {
    const all = systemTimetables(config).map(
      (timetable) => [timetable.name, this.schedules.add(timetable)] as const,
    );
    const made = new Map<string, CfnSchedule>(all);
    const [first, last] = [made.get(FIRST_LOOK), made.get(LAST_SCHEDULE)];
    if (first === undefined || last === undefined)
      throw new TypeError('nothing looks at the store');
    // Alarms on silence would go off before the first value.
    this.alarms.node.addDependency(first);
    const escalation = made.get(EVERY_MINUTE);
    if (escalation !== undefined) this.alarms.node.addDependency(escalation);
    const { alarms, schedules, events } = this;
    const sources = new Sources(this, 'Sources', {
      ...{ alarms, schedules, events, after: first },
      recovers: recovers(config),
    });
    events.recoverBy(startedByOrders(config));
    const configured = alarmsOf(config);
    if (config.aws?.recoveryPoints !== undefined) events.tellOfJobs();
    for (const alarm of configured) {
      for (const one of this.define(alarm, config)) this.alarms.add(one);
    }
    for (const source of config.sources) {
      const own = configured.filter(
        ({ subject }) => subject.about === 'source' && subject.source === source.name,
      );
      const { system } = config;
      sources.add(
        source,
        own.flatMap((alarm) => sourceAlarm(alarm, source, { system, now })),
      );
    }
    const watched = new WatchedResources(this, 'RecoveryPoints', { alarms, after: first });
    for (const selection of config.aws?.recoveryPoints?.selections ?? []) {
      const own = configured.filter(
        ({ subject }) => subject.about === 'resource' && subject.selection === selection.name,
      );
      const { system } = config;
      watched.add(
        selection,
        own.flatMap((alarm) => resourceAlarm(alarm, selection, { system, now })),
      );
    }
    const dashboard = new SystemDashboard(this, 'Dashboard', {
      place,
      config,
      alarms: this.alarms.names,
    });
    last.node.addDependency(this.storage, this.alarms, this.recovery, events, dashboard);
    sources.precede(last);
    watched.precede(last);
    return [sources, watched];
  }

  /** With the options that lead to what is in them. */
  private nestedStacks(): Map<Stack, Path> {
    const { sources, watchedResources } = this;
    return new Map<Stack, Path>([
      ...[...sources.stacks].map(([name, stack]) => [stack, ['sources', name]] as const),
      ...[...watchedResources.stacks].map(
        ([stack, name]) => [stack, ['aws', 'recoveryPoints', 'selections', name]] as const,
      ),
    ]);
  }
}

function awsOf({ aws, file, system, sources }: Config): AwsConfig {
  const most = maxSystemLength({
    databases: sources.some(isPostgres),
    recoveryPoints: aws?.recoveryPoints !== undefined,
  });
  if (aws === undefined) {
    throw new HoldfastError('CONFIG_INVALID', `${file} has no \`aws\``, {
      hint: 'Add an `aws` block to have a stack made; docs/configuration.md describes it.',
    });
  }
  if (system.length > most) {
    throw new HoldfastError(
      'CONFIG_INVALID',
      `system: "${system}" has ${system.length} characters; allowed on AWS: ${most}`,
      { hint: 'Names of functions and roles contain it.' },
    );
  }
  return aws;
}

/** The functions stand beside the store, and events about it reach no other region. `CONFIG_INVALID` in another region or account. */
function standInPlace(scope: Construct, { account, region }: AwsConfig): void {
  const stack = Stack.of(scope);
  const asserted = { Region: region, ...(account !== undefined && { AccountId: account }) };
  for (const [what, wanted] of Object.entries(asserted)) {
    const got = what === 'Region' ? stack.region : stack.account;
    const name = what === 'Region' ? 'region' : 'account';
    if (got === wanted) continue;
    if (!Token.isUnresolved(got)) {
      throw new HoldfastError(
        'CONFIG_INVALID',
        `the stack ${stack.stackName} is in the ${name} ${got}; allowed: ${wanted}, that of the store`,
        { hint: `Give the stack \`env: { ${name}: '${wanted}' }\`, or correct the configuration.` },
      );
    }
    // Where only the deployment knows, it stops before anything is made.
    new CfnRule(scope, `${what}OfTheStore`, {
      assertions: [
        {
          assert: Fn.conditionEquals(Fn.ref(`AWS::${what}`), wanted),
          assertDescription: `The store is in the ${name} ${wanted}, and so must be the stack`,
        },
      ],
    });
  }
}

function placeOf({ file, store }: Config): S3Place {
  const place = parseStorePlace(store);
  if (place.kind === 's3') return place;
  throw new HoldfastError('CONFIG_INVALID', `store in ${file} is ${store}; allowed: an s3:// URL`, {
    hint: 'A stack on AWS stores in a bucket, such as s3://my-backups/my-site?region=eu-central-1.',
  });
}

/** The functions insist on the account: a bucket of that name in another one is not ours. */
function storeUrl(place: S3Place, { account, region }: AwsConfig): string {
  const url = formatS3Url({ ...place, region, account: undefined });
  const separator = url.includes('?') ? '&' : '?';
  return `${url}${separator}account=${account ?? Aws.ACCOUNT_ID}`;
}
