// `holdfast/cdk`: the construct that teams put into stacks of their own.
import process from 'node:process';
import { Stack } from 'aws-cdk-lib';
import type { Alarm, IAlarmAction, Metric, MetricOptions } from 'aws-cdk-lib/aws-cloudwatch';
import type { Grant, IGrantable, IRole } from 'aws-cdk-lib/aws-iam';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { Config } from '../config/config.ts';
import { loadForStack } from '../config/load/for-stack.ts';
import { HoldfastError } from '../errors.ts';
import { sourceMetric, systemMetric } from '../names/metrics.ts';
import type { SourceMetric, SystemMetric } from '../names/metrics.ts';
import { published } from './core/alarms/alarms.ts';
import { grantAll, reportDeployments, seeStatus, startBackups } from './core/grants.ts';
import { readEverything } from './core/recovery-role.ts';
import { HoldfastSystem } from './core/system.ts';
import { NODE_ADVICE, nodeRefusal } from '../version.ts';
import { RecoveryPoints } from './recovery-points/recovery-points.ts';

export interface HoldfastProps {
  /**
   * The configuration, as a path from the working folder; the CDK runs an app where its cdk.json is.
   * @default - the holdfast.yaml in the working folder or above it
   */
  readonly configFile?: string;
}

/**
 * What one `holdfast.yaml` describes: the bucket of its store, the functions that back up, prove and prune, their schedules, and the alarms;
 * and with `aws.recoveryPoints` the vault and the plans of AWS Backup.
 *
 * Goes into a stack of the region of the store. Names of functions, roles and alarms contain that of the system, so an account and region
 * holds each system once. The bucket, the vault and the keys of backups outlive the stack.
 *
 * Throws an error with the code `CONFIG_INVALID` that lists every fault of the configuration with its line, and `COMMAND_FAILED` under a Node that
 * is too old.
 */
export class Holdfast extends Construct {
  /** The name of the system. */
  readonly system: string;
  /** Holds the store. */
  readonly bucket: IBucket;
  /** Where messages to people go; subscribers get them. */
  readonly topic: ITopic;
  /** What could not be delivered; an alarm tells of each. */
  readonly deadLetters: IQueue;
  /** People restore by it, with a second factor. */
  readonly recoveryRole: IRole;
  /** All alarms of the system. */
  readonly alarms: readonly Alarm[];
  private readonly config: Config;
  private readonly parts: HoldfastSystem;

  constructor(scope: Construct, id: string, props: HoldfastProps = {}) {
    super(scope, id);
    // npm only warns of it, and what fails otherwise is a word that this Node does not know.
    const refusal = nodeRefusal(process.versions.node);
    if (refusal !== undefined)
      throw new HoldfastError('COMMAND_FAILED', refusal, { hint: NODE_ADVICE });
    const { config, now } = loadForStack(props.configFile);
    this.config = config;
    this.parts = new HoldfastSystem(this, 'System', { config, now });
    // In the stack of the team: a block that nobody made would protect nothing.
    if (config.aws?.recoveryPoints !== undefined)
      new RecoveryPoints(this, 'RecoveryPoints', { config });
    this.system = config.system;
    this.bucket = this.parts.storage.bucket;
    this.topic = this.parts.messages.topic;
    this.deadLetters = this.parts.messages.deadLetters;
    this.recoveryRole = this.parts.recovery.role;
    this.alarms = this.parts.alarms.all;
  }

  /** Has `actions` done whenever one of the alarms goes off, besides what `notify` in the configuration says. */
  onAlarm(...actions: IAlarmAction[]): void {
    for (const alarm of this.parts.alarms.all) alarm.addAlarmAction(...actions);
  }

  /** Has `actions` done whenever one of the alarms ends. */
  onOk(...actions: IAlarmAction[]): void {
    for (const alarm of this.parts.alarms.all) alarm.addOkAction(...actions);
  }

  /**
   * The alarms of one source, to be told of them alone.
   *
   * Throws an error with the code `CONFIG_INVALID` when the configuration has no such source.
   */
  alarmsOfSource(source: string): Alarm[] {
    this.mustHave(source);
    const own = this.parts.sources.stacks.get(source);
    return this.alarms.filter((alarm) => Stack.of(alarm) === own);
  }

  /** A metric of the store as a whole, such as `StoredBytes`: its worst value of each quarter of an hour. */
  metric(name: SystemMetric, props?: MetricOptions): Metric {
    const worst = name === 'KeyUsable' ? 'smallest' : 'largest';
    return published(systemMetric(this.system, name), worst).with(props ?? {});
  }

  /**
   * A metric of one source, such as `RecoveryPointAgeSeconds`: its worst value of each quarter of an hour.
   *
   * Throws an error with the code `CONFIG_INVALID` when the configuration has no such source.
   */
  metricOfSource(source: string, name: SourceMetric, props?: MetricOptions): Metric {
    this.mustHave(source);
    return published(sourceMetric(this.system, source, name)).with(props ?? {});
  }

  /** How old the newest good backup of a source is: what its RPO limits. */
  metricRecoveryPointAge(source: string, props?: MetricOptions): Metric {
    return this.metricOfSource(source, 'RecoveryPointAgeSeconds', props);
  }

  /** How long ago a restore test of a source was proven last. */
  metricRestoreTestAge(source: string, props?: MetricOptions): Metric {
    return this.metricOfSource(source, 'RestoreTestAgeSeconds', props);
  }

  /**
   * Lets `grantee` list, verify and restore all backups, and change nothing. It includes {@link grantReadStatus}.
   *
   * Throws an error with the code `CONFIG_INVALID` for a principal of another account: policies of buckets and keys would have to name it.
   */
  grantRead(grantee: IGrantable): Grant {
    return grantAll(this, grantee, readEverything(this.parts.store, this.parts.keys));
  }

  /**
   * Lets `grantee` see how all stands, as `holdfast status`, `list` and `log` show it: manifests and evidence, and nothing of what was backed
   * up.
   *
   * Throws as {@link grantRead} does.
   */
  grantReadStatus(grantee: IGrantable): Grant {
    return grantAll(this, grantee, seeStatus(this.parts.store, this.parts.keys));
  }

  /**
   * Lets `grantee` start backups, as `holdfast trigger` does; with `--wait` it needs {@link grantReadStatus}, too.
   *
   * Throws as {@link grantRead} does.
   */
  grantTrigger(grantee: IGrantable): Grant {
    return grantAll(this, grantee, startBackups(this.parts.functions, this.parts.tasks));
  }

  /**
   * Lets `grantee` start backups and wait until they are proven, as a pipeline does before it deploys: {@link grantTrigger} and
   * {@link grantReadStatus}. It reads nothing of what was backed up.
   *
   * Throws as {@link grantRead} does.
   */
  grantBackup(grantee: IGrantable): Grant {
    return this.grantTrigger(grantee).combine(this.grantReadStatus(grantee));
  }

  /**
   * Lets `grantee` report deployments by the event that `onDeployment: [event]` waits for.
   *
   * Throws as {@link grantRead} does.
   */
  grantReportDeployment(grantee: IGrantable): Grant {
    return grantAll(this, grantee, reportDeployments(this));
  }

  private mustHave(source: string): void {
    const names = this.config.sources.map((one) => one.name);
    if (names.includes(source)) return;
    throw new HoldfastError(
      'CONFIG_INVALID',
      `${this.config.file} has no source "${source}"; it has: ${names.join(', ')}`,
      { hint: 'Name one of them.' },
    );
  }
}
