// What each function may do with the store, and with what it serves; and a task in its place.
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import { isPostgres, isRemote } from '../../../config/config.ts';
import type { Config, SourceConfig } from '../../../config/config.ts';
import { recovers, servedOn } from '../../../config/load/stack-keys.ts';
import { isForEscalation } from '../../../names/aws.ts';
import type { FunctionName, RunsOn } from '../../../names/aws.ts';
import { vaultName } from '../../../names/recovery-points.ts';
import { arnHere, FACTS, putStore, readStore, releaseStore, seeReleases } from '../permissions.ts';
import type { StoreAccess } from '../permissions.ts';
import {
  databaseValidatorPermissions,
  recorderPermissions,
  validatorPermissions,
} from './recovery-point-permissions.ts';
import { seeAlarms, tellThroughSinks } from './sink-permissions.ts';
import { connectTo, decryptBuckets, readSecret, readSource } from './source-permissions.ts';
import {
  BACKUPS_PREFIX,
  INCIDENTS_PREFIX,
  MARKER_KEY,
  README_KEY,
  RECORDS_PREFIX,
  recordsPrefix,
  sourcePrefix,
  verbPrefix,
} from '../../../format/layout.ts';

/** What functions and tasks may be given rights to. */
export interface Reach {
  /** Who is given them: each does the work of other sources. */
  readonly runsOn: RunsOn;
  readonly config: Config;
  readonly store: StoreAccess;
  /** Where messages to people go. */
  readonly topic: ITopic;
}

const RECORDS = `${RECORDS_PREFIX}*`;
const EVERYTHING = [MARKER_KEY, `${BACKUPS_PREFIX}*`, RECORDS];
const INCIDENTS = `${INCIDENTS_PREFIX}*`;

/** What `name` may do besides what every function may. */
export function permissionsOf(
  scope: Construct,
  name: FunctionName,
  reach: Reach,
): PolicyStatement[] {
  const { config, store, topic, runsOn } = reach;
  if (isForEscalation(name)) return incidentPermissions(scope, name, reach);
  const sources = servedOn(runsOn, name, config);
  const served = sources.map((source) => source.name);
  switch (name) {
    case 'backup':
    case 'database-backup':
      return writerPermissions(scope, reach, sources);
    case 'verify':
      if (runsOn === 'task') return proverPermissions(store, 'verify', served);
      // The function also verifies what the configuration no longer names.
      return [
        ...readStore(store, EVERYTHING, ['']),
        ...putStore(store, [`${verbPrefix('verify')}*`]),
      ];
    case 'restore-test':
    case 'database-restore-test':
      return proverPermissions(store, 'restore-test', served);
    case 'freshness':
      return [
        ...readStore(store, FACTS, ['']),
        // Whoever comes first claims the store for its system.
        ...putStore(store, [MARKER_KEY]),
        ...seeReleases(store),
        ...seeWhoSubscribes(topic),
        ...seeRecoveryPoints(scope, config),
        ...(config.notify.heartbeat === undefined
          ? []
          : readSecret(scope, config.notify.heartbeat)),
      ];
    case 'prune':
      return [
        ...readStore(store, FACTS, ['']),
        ...releaseStore(store),
        ...putStore(store, [`${verbPrefix('prune')}*`]),
      ];
    case 'alert':
      return [
        ...readStore(store, [...FACTS, INCIDENTS], ['']),
        ...seeReleases(store),
        // What was sent is written down, so that it is sent once.
        ...putStore(store, [INCIDENTS]),
        ...seeWhoSubscribes(topic),
        ...seeRecoveryPoints(scope, config),
        new PolicyStatement({ actions: ['sns:Publish'], resources: [topic.topicArn] }),
      ];
    case 'record-recovery-point':
      return recorderPermissions(scope, { config, store });
    case 'validate-recovery-point':
      return runsOn === 'task'
        ? databaseValidatorPermissions(scope, { config, store })
        : validatorPermissions(scope, { config, store });
  }
}

/** One opens incidents and tells of them; the other, which strangers reach, reads them and puts acknowledgements. */
function incidentPermissions(
  scope: Construct,
  name: 'escalate' | 'acknowledge',
  { config, store, topic }: Reach,
): PolicyStatement[] {
  if (name === 'acknowledge')
    return [
      ...readStore(store, [INCIDENTS], [INCIDENTS_PREFIX]),
      ...putStore(store, [`${INCIDENTS_PREFIX}*-acknowledged-*.json`]),
    ];
  return [
    ...readStore(store, [...FACTS, INCIDENTS], ['']),
    ...seeReleases(store),
    ...putStore(store, [INCIDENTS]),
    ...seeWhoSubscribes(topic),
    ...seeRecoveryPoints(scope, config),
    ...seeAlarms(),
    ...tellThroughSinks(scope, config.notify, topic),
  ];
}

function seeWhoSubscribes({ topicArn }: ITopic): PolicyStatement[] {
  return [
    new PolicyStatement({ actions: ['sns:ListSubscriptionsByTopic'], resources: [topicArn] }),
  ];
}

/** The vault and those of copies: what they are and what they hold, and nothing of what is in it. */
function seeRecoveryPoints(scope: Construct, { system, aws }: Config): PolicyStatement[] {
  if (aws?.recoveryPoints === undefined) return [];
  const copies = aws.recoveryPoints.selections.flatMap((one) => one.copies.map(({ arn }) => arn));
  const own = arnHere(scope, 'backup', `backup-vault:${vaultName(system)}`);
  return [
    new PolicyStatement({
      actions: ['backup:DescribeBackupVault', 'backup:ListRecoveryPointsByBackupVault'],
      resources: [own, ...new Set(copies)],
    }),
    ...(copies.length === 0
      ? []
      : [new PolicyStatement({ actions: ['backup:ListCopyJobs'], resources: ['*'] })]),
  ];
}

/** Its own sources, what is known of them, and the marker of the store; with no source of its own it has no right at all. */
function writerPermissions(
  scope: Construct,
  { store, config }: Reach,
  sources: readonly SourceConfig[],
): PolicyStatement[] {
  if (sources.length === 0) return [];
  const names = sources.map(({ name }) => name);
  const own = names.map(sourcePrefix);
  // The records of a source by any verb: those by which a backup knows what came before, and others about the same source.
  const known = names.map((name) => recordsPrefix('*', name));
  const orders = recovers(config) ? [INCIDENTS_PREFIX] : [];
  const repaired = sources.filter((source) => recovers(config) && !isPostgres(source));
  const written = [
    ...own,
    ...names.map((name) => recordsPrefix('backup', name)),
    ...repaired.map(({ name }) => recordsPrefix('repair', name)),
  ];
  const prefixes = [...own, ...known];
  return [
    ...readStore(
      store,
      [
        MARKER_KEY,
        README_KEY,
        ...prefixes.map((one) => `${one}*`),
        // Of incidents what it is to try, and nothing else.
        ...orders.map((one) => `${one}*-trying-*.json`),
      ],
      // All of these are looked for by their versions, which are found by listing.
      [MARKER_KEY, README_KEY, ...prefixes, ...orders],
    ),
    ...putStore(store, [MARKER_KEY, README_KEY, ...written.map((one) => `${one}*`)]),
    ...sources.flatMap((source) => {
      if (isPostgres(source)) return connectTo(scope, source);
      return isRemote(source) ? readSource(scope, source) : [];
    }),
    ...decryptBuckets(sources.filter((source) => source.kind === 'bucket')),
  ];
}

/** The backups of its own sources alone: a function that restores databases has no business with settings, nor the other way round. */
function proverPermissions(
  store: StoreAccess,
  verb: 'verify' | 'restore-test',
  served: readonly string[],
): PolicyStatement[] {
  if (served.length === 0) return [];
  const backups = served.map((name) => `${sourcePrefix(name)}*`);
  return [
    ...readStore(store, [MARKER_KEY, ...backups, RECORDS], ['']),
    ...putStore(
      store,
      served.map((name) => `${recordsPrefix(verb, name)}*`),
    ),
  ];
}
